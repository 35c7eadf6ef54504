//! Answers to `names/eyeballs`.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use checks::answers::Answer;
use checks_names::eyeballs as check;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, Socket, Type};

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("eyeballs right: threads", check(threads)),
        Answer::right("eyeballs right: one poll", check(one_poll)),
        Answer::right("eyeballs right: a condition", check(a_condition)),
        Answer::wrong("M72", "eyeballs: one after another", check(in_sequence)),
        Answer::unnamed("one", "eyeballs: by the clock alone", check(by_the_clock)),
        Answer::unnamed("slow", "eyeballs: a quarter second", check(a_quarter)),
        Answer::unnamed("slow", "eyeballs: a second in all", check(a_second_in_all)),
        Answer::unnamed("silent", "eyeballs: a scope", check(a_scope)),
        Answer::unnamed("all", "eyeballs: another kind", check(another_kind)),
        Answer::unnamed("nobody", "eyeballs: panics on none", check(panics_on_none)),
        Answer::wrong("M73", "eyeballs: the first only", check(first_only)),
        Answer::wrong("M74", "eyeballs: waits for each", check(waits_for_each)),
        Answer::wrong("M79", "eyeballs: keeps the losers", check(keeps_losers)),
        Answer::unnamed("refused", "eyeballs: waits the stagger", check(waits)),
        Answer::unnamed("one", "eyeballs: all at once", check(all_at_once)),
        Answer::unnamed("first", "eyeballs: IPv6 first", check(six_first)),
        Answer::unnamed("families", "eyeballs: as they come", check(as_they_come)),
        Answer::unnamed("silent", "eyeballs: joins the losers", check(joins)),
        Answer::unnamed("limit", "eyeballs: no limit", check(no_limit)),
    ]
}

type Raced = io::Result<TcpStream>;

fn interleaved(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let Some(first) = addresses.first() else {
        return Vec::new();
    };
    let (same, other): (Vec<SocketAddr>, Vec<SocketAddr>) = addresses
        .iter()
        .partition(|address| address.is_ipv4() == first.is_ipv4());
    let mut order = Vec::new();
    for at in 0..same.len().max(other.len()) {
        order.extend(same.get(at));
        order.extend(other.get(at));
    }
    order
}

/// What sets the answers over threads apart.
#[derive(Clone, Copy, Default)]
struct Fault {
    keeps_losers: bool,
    waits_the_stagger: bool,
    no_limit: bool,
}

fn staggered(
    order: &[SocketAddr],
    stagger: Duration,
    limit: Duration,
    fault: Fault,
) -> Raced {
    let end = Instant::now() + limit;
    let (sender, results) = mpsc::sync_channel(order.len().max(1));
    if fault.keeps_losers {
        // Somebody holds what comes, for ever.
        let (all, kept) = mpsc::channel();
        let inner = sender.clone();
        std::mem::forget(kept);
        return relayed(order, stagger, end, &all, (inner, results));
    }
    let mut failed = 0;
    let mut last = io::Error::from(ErrorKind::InvalidInput);
    let mut next = order.iter().copied();
    let mut due = Instant::now();
    loop {
        let now = Instant::now();
        if now >= end && !fault.no_limit {
            return Err(ErrorKind::TimedOut.into());
        }
        if now >= due {
            due = now + stagger;
            if let Some(address) = next.next() {
                let sender = sender.clone();
                let left = match fault.no_limit {
                    true => Duration::from_secs(3600),
                    false => end - now,
                };
                thread::spawn(move || {
                    let _ = sender.send(TcpStream::connect_timeout(&address, left));
                });
            } else {
                due = end.max(now + Duration::from_millis(50));
            }
        }
        if failed == order.len() {
            return Err(last);
        }
        let pause = due.min(end).saturating_duration_since(Instant::now());
        match results.recv_timeout(pause) {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => {
                failed += 1;
                last = error;
                if !fault.waits_the_stagger {
                    due = Instant::now();
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(last),
        }
    }
}

type Channel<T> = (mpsc::SyncSender<T>, mpsc::Receiver<T>);

/// As above, and each stream has a clone that somebody else keeps.
fn relayed(
    order: &[SocketAddr],
    stagger: Duration,
    end: Instant,
    keeper: &mpsc::Sender<TcpStream>,
    (sender, results): Channel<Raced>,
) -> Raced {
    let mut last = io::Error::from(ErrorKind::InvalidInput);
    let mut running = 0;
    let mut next = order.iter().copied();
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let started = next.next().map(|address| {
            let (sender, keeper) = (sender.clone(), keeper.clone());
            running += 1;
            thread::spawn(move || {
                let stream = TcpStream::connect_timeout(&address, left);
                if let Ok(Ok(clone)) = stream.as_ref().map(TcpStream::try_clone) {
                    let _ = keeper.send(clone);
                }
                let _ = sender.send(stream);
            });
        });
        if running == 0 {
            return Err(last);
        }
        let pause = if started.is_some() { stagger } else { left };
        match results.recv_timeout(pause.min(left)) {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => (running, last) = (running - 1, error),
            Err(_) if Instant::now() >= end => return Err(ErrorKind::TimedOut.into()),
            Err(_) => {}
        }
    }
}

fn threads(addresses: &[SocketAddr], stagger: Duration, limit: Duration) -> Raced {
    staggered(&interleaved(addresses), stagger, limit, Fault::default())
}

/// Sockets that do not block, and no thread.
fn one_poll(addresses: &[SocketAddr], stagger: Duration, limit: Duration) -> Raced {
    let end = Instant::now() + limit;
    let mut last = io::Error::from(ErrorKind::InvalidInput);
    let mut running: Vec<Socket> = Vec::new();
    let order = interleaved(addresses);
    let mut next = order.iter();
    let mut due = Instant::now();
    loop {
        let now = Instant::now();
        if now >= end {
            return Err(ErrorKind::TimedOut.into());
        }
        let waiting = next.len() > 0;
        if waiting && (now >= due || running.is_empty()) {
            due = now + stagger;
            if let Some(address) = next.next() {
                match start(*address) {
                    Ok(socket) => running.push(socket),
                    Err(error) => last = error,
                }
            }
            continue;
        }
        if running.is_empty() {
            return Err(last);
        }
        let until = if waiting { due.min(end) } else { end };
        let pause = until.saturating_duration_since(now);
        let pause = Timespec {
            tv_sec: pause.as_secs() as i64,
            tv_nsec: pause.subsec_nanos().into(),
        };
        let mut fds: Vec<PollFd<'_>> = running
            .iter()
            .map(|socket| PollFd::new(socket, PollFlags::OUT))
            .collect();
        poll(&mut fds, Some(&pause))?;
        let Some(at) = fds.iter().position(|fd| !fd.revents().is_empty()) else {
            continue;
        };
        let socket = running.swap_remove(at);
        match socket.take_error()? {
            None => {
                socket.set_nonblocking(false)?;
                return Ok(socket.into());
            }
            Some(error) => (last, due) = (error, Instant::now()),
        }
    }
}

fn start(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    match socket.connect(&address.into()) {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
        _ => Ok(socket),
    }
}

/// Every attempt ends when the next one starts.
fn in_sequence(
    addresses: &[SocketAddr],
    stagger: Duration,
    limit: Duration,
) -> Raced {
    let end = Instant::now() + limit;
    let mut last = io::Error::from(ErrorKind::InvalidInput);
    for address in interleaved(addresses) {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        match TcpStream::connect_timeout(&address, stagger.min(left)) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn first_only(addresses: &[SocketAddr], _: Duration, limit: Duration) -> Raced {
    let first = addresses.first().ok_or(ErrorKind::InvalidInput)?;
    TcpStream::connect_timeout(first, limit)
}

fn waits_for_each(addresses: &[SocketAddr], _: Duration, limit: Duration) -> Raced {
    in_sequence(addresses, limit, limit)
}

fn keeps_losers(
    addresses: &[SocketAddr],
    stagger: Duration,
    limit: Duration,
) -> Raced {
    let fault = Fault {
        keeps_losers: true,
        ..Fault::default()
    };
    staggered(&interleaved(addresses), stagger, limit, fault)
}

fn waits(addresses: &[SocketAddr], stagger: Duration, limit: Duration) -> Raced {
    let fault = Fault {
        waits_the_stagger: true,
        ..Fault::default()
    };
    staggered(&interleaved(addresses), stagger, limit, fault)
}

fn all_at_once(addresses: &[SocketAddr], _: Duration, limit: Duration) -> Raced {
    let started: Vec<io::Result<Socket>> =
        addresses.iter().map(|address| start(*address)).collect();
    let won = threads(addresses, Duration::ZERO, limit);
    drop(started);
    won
}

fn six_first(addresses: &[SocketAddr], stagger: Duration, limit: Duration) -> Raced {
    let mut sorted = addresses.to_vec();
    sorted.sort_by_key(SocketAddr::is_ipv4);
    threads(&sorted, stagger, limit)
}

fn as_they_come(
    addresses: &[SocketAddr],
    stagger: Duration,
    limit: Duration,
) -> Raced {
    staggered(addresses, stagger, limit, Fault::default())
}

/// Returns only when every attempt has come to its end.
fn joins(addresses: &[SocketAddr], stagger: Duration, limit: Duration) -> Raced {
    let won = threads(addresses, stagger, limit)?;
    let lost = addresses
        .first()
        .is_some_and(|a| won.peer_addr().ok() != Some(*a));
    if lost && addresses.iter().all(SocketAddr::is_ipv4) && stagger < limit {
        let _ = TcpStream::connect_timeout(&addresses[0], limit);
    }
    Ok(won)
}

fn no_limit(addresses: &[SocketAddr], stagger: Duration, limit: Duration) -> Raced {
    let fault = Fault {
        no_limit: true,
        ..Fault::default()
    };
    staggered(&interleaved(addresses), stagger, limit, fault)
}

/// What has come about, and who waits for it.
#[derive(Default)]
struct Board {
    news: Mutex<News>,
    changed: Condvar,
}

#[derive(Default)]
struct News {
    won: Option<TcpStream>,
    failed: Vec<io::Error>,
    over: bool,
}

/// Threads that write on a board; a loser sees that it is over.
fn a_condition(
    addresses: &[SocketAddr],
    stagger: Duration,
    limit: Duration,
) -> Raced {
    let end = Instant::now() + limit;
    let board = Arc::new(Board::default());
    let order = interleaved(addresses);
    let mut news = board.news.lock().unwrap();
    for started in 0..=order.len() {
        if let Some(&address) = order.get(started) {
            let board = Arc::clone(&board);
            thread::spawn(move || {
                let left = end.saturating_duration_since(Instant::now());
                let result = TcpStream::connect_timeout(&address, left);
                let mut news = board.news.lock().unwrap();
                match result {
                    Ok(stream) if !news.over && news.won.is_none() => {
                        news.won = Some(stream);
                    }
                    Ok(loser) => drop(loser),
                    Err(error) => news.failed.push(error),
                }
                board.changed.notify_one();
            });
        }
        let left = end.saturating_duration_since(Instant::now());
        let last = started >= order.len();
        let pause = if last { left } else { stagger.min(left) };
        let before = news.failed.len();
        let waits = |news: &mut News| {
            let all = news.failed.len() == order.len();
            news.won.is_none() && !all && (last || news.failed.len() == before)
        };
        (news, _) = board
            .changed
            .wait_timeout_while(news, pause, waits)
            .unwrap();
        if let Some(stream) = news.won.take() {
            news.over = true;
            return Ok(stream);
        }
        if Instant::now() >= end {
            break;
        }
    }
    news.over = true;
    match news.failed.pop() {
        _ if Instant::now() >= end => Err(ErrorKind::TimedOut.into()),
        Some(error) => Err(error),
        None => Err(ErrorKind::InvalidInput.into()),
    }
}

/// Each attempt waits for its time, and then makes its call, whatever has happened.
fn by_the_clock(
    addresses: &[SocketAddr],
    stagger: Duration,
    limit: Duration,
) -> Raced {
    let (sender, results) = mpsc::channel();
    for (nr, address) in interleaved(addresses).into_iter().enumerate() {
        let sender = sender.clone();
        thread::spawn(move || {
            thread::sleep(stagger.saturating_mul(nr as u32));
            let _ = sender.send(TcpStream::connect_timeout(&address, limit));
        });
    }
    drop(sender);
    let mut last = ErrorKind::InvalidInput.into();
    loop {
        match results.recv_timeout(limit) {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(RecvTimeoutError::Disconnected) => return Err(last),
            Err(_) => return Err(ErrorKind::TimedOut.into()),
        }
    }
}

/// The number of RFC 8305, whatever it is given.
fn a_quarter(addresses: &[SocketAddr], _: Duration, limit: Duration) -> Raced {
    threads(addresses, Duration::from_millis(250), limit)
}

fn a_second_in_all(
    addresses: &[SocketAddr],
    stagger: Duration,
    _: Duration,
) -> Raced {
    threads(addresses, stagger, Duration::from_secs(1))
}

/// The end of a scope waits for every thread in it.
fn a_scope(addresses: &[SocketAddr], stagger: Duration, limit: Duration) -> Raced {
    let order = interleaved(addresses);
    let (sender, results) = mpsc::channel();
    let mut last = io::Error::from(ErrorKind::InvalidInput);
    thread::scope(|scope| {
        let mut running = 0;
        let mut next = order.iter();
        loop {
            let started = next.next().map(|address| {
                let sender = sender.clone();
                scope.spawn(move || {
                    sender.send(TcpStream::connect_timeout(address, limit))
                });
                running += 1;
            });
            if running == 0 {
                return Err(last);
            }
            let pause = if started.is_some() { stagger } else { limit };
            match results.recv_timeout(pause) {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => (running, last) = (running - 1, error),
                Err(_) if started.is_some() => {}
                Err(_) => return Err(ErrorKind::TimedOut.into()),
            }
        }
    })
}

fn another_kind(
    addresses: &[SocketAddr],
    stagger: Duration,
    limit: Duration,
) -> Raced {
    let told = |error: io::Error| match error.kind() {
        ErrorKind::ConnectionRefused => io::Error::other("nobody answers"),
        _ => error,
    };
    threads(addresses, stagger, limit).map_err(told)
}

fn panics_on_none(
    addresses: &[SocketAddr],
    stagger: Duration,
    limit: Duration,
) -> Raced {
    let _ = addresses[0];
    threads(addresses, stagger, limit)
}
