//! Answers to `threads/drain`.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::talk;
use checks::answers::{Answer, Expected};
use checks_threads::drain as check;
use socket2::SockRef;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("drain right: a channel of leavers", check(leavers)),
        Answer::right("drain right: is_finished", check(is_finished)),
        Answer::right("drain right: looks now and then", check(now_and_then)),
        Answer::right("drain right: shuts, then joins", check(shuts_then_joins)),
        Answer::wrong("M31", "drain: a flag", check(a_flag)),
        Answer::wrong("M68", "drain: returns at once", check(at_once)),
        Answer::wrong("M68", "drain: shuts at once", check(shuts_at_once)),
        Answer::wrong("M108", "drain: joins", check(joins)),
        Answer::wrong("M66", "drain: a limit for each read", check(each_read)),
        Answer::wrong("M69", "drain: keeps the listener", check(keeps_listener)),
        Answer::wrong("M18", "drain: one at a time", check(one_at_a_time)),
        Answer::unnamed("idle", "drain: waits the limit out", check(waits_out)),
        Answer::unnamed("left", "drain: says nobody", check(says_nobody)),
        Answer::unnamed("some", "drain: says everybody", check(says_everybody)),
        Answer::unnamed("left", "drain: leaves it open", check(leaves_it_open)),
        Answer::unnamed("late", "drain: serves on", check(serves_on)),
        Answer::unnamed("idle", "drain: never looks", check(never_looks)),
        Answer::unnamed("idle", "drain: returns an error", check(returns_an_error)),
        Answer {
            name: "drain: the stub",
            check: check(|_, _, _| todo!("the task")),
            expected: Expected::Untouched,
        },
    ]
}

type Left = io::Result<Vec<SocketAddr>>;

/// Waits for the word in a thread, and ends `accept` by a call.
fn wake(listener: &TcpListener, stop: Receiver<()>) -> io::Result<Arc<AtomicBool>> {
    let told = Arc::new(AtomicBool::new(false));
    let (addr, flag) = (listener.local_addr()?, Arc::clone(&told));
    thread::spawn(move || {
        let _ = stop.recv();
        flag.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(addr));
    });
    Ok(told)
}

/// One caller, its stream, and its thread.
struct Visit {
    peer: SocketAddr,
    stream: Arc<TcpStream>,
    thread: JoinHandle<()>,
}

fn begin(stream: TcpStream, peer: SocketAddr) -> Visit {
    let stream = Arc::new(stream);
    let own = Arc::clone(&stream);
    let thread = thread::spawn(move || {
        let _ = talk(&own);
        let _ = own.shutdown(Shutdown::Write);
    });
    Visit {
        peer,
        stream,
        thread,
    }
}

/// Serves until told; those whose thread has ended are swept out with each new caller.
fn until_told(listener: &TcpListener, told: &AtomicBool) -> io::Result<Vec<Visit>> {
    let sweeper = Arc::new(Mutex::new(Vec::<Visit>::new()));
    let list = Arc::clone(&sweeper);
    let done = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&done);
    // Who has left is let go soon, not with the next caller.
    let sweep = thread::spawn(move || {
        while !over.load(Ordering::SeqCst) {
            list.lock()
                .unwrap()
                .retain(|visit| !visit.thread.is_finished());
            thread::sleep(Duration::from_millis(5));
        }
    });
    let result = loop {
        let accepted = listener.accept();
        if told.load(Ordering::SeqCst) {
            break Ok(());
        }
        match accepted {
            Ok((stream, peer)) => sweeper.lock().unwrap().push(begin(stream, peer)),
            Err(error) => break Err(error),
        }
    };
    done.store(true, Ordering::SeqCst);
    sweep.join().unwrap();
    result.map(|()| std::mem::take(&mut *sweeper.lock().unwrap()))
}

/// Waits until they have left, looking now and then; who was left is shut out.
fn wait(mut visits: Vec<Visit>, limit: Duration) -> Vec<SocketAddr> {
    let deadline = Instant::now() + limit;
    loop {
        visits.retain(|visit| !visit.thread.is_finished());
        if visits.is_empty() || Instant::now() >= deadline {
            break;
        }
        thread::sleep(Duration::from_millis(5));
    }
    shut(&visits)
}

fn shut(visits: &[Visit]) -> Vec<SocketAddr> {
    for visit in visits {
        let _ = visit.stream.shutdown(Shutdown::Both);
    }
    visits.iter().map(|visit| visit.peer).collect()
}

fn is_finished(listener: TcpListener, stop: Receiver<()>, limit: Duration) -> Left {
    let told = wake(&listener, stop)?;
    let visits = until_told(&listener, &told)?;
    drop(listener);
    Ok(wait(visits, limit))
}

/// Every thread says so in a channel when its caller has left.
fn leavers(listener: TcpListener, stop: Receiver<()>, limit: Duration) -> Left {
    enum News {
        Stop,
        Came(TcpStream, SocketAddr),
        Left(SocketAddr),
    }
    let (sender, news) = mpsc::channel();
    let (addr, told) = (listener.local_addr()?, Arc::new(AtomicBool::new(false)));
    let (word, flag) = (sender.clone(), Arc::clone(&told));
    thread::spawn(move || {
        let _ = stop.recv();
        flag.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(addr));
        let _ = word.send(News::Stop);
    });
    let callers = sender.clone();
    let accepting = thread::spawn(move || {
        while let Ok((stream, peer)) = listener.accept() {
            if told.load(Ordering::SeqCst) {
                break;
            }
            let _ = callers.send(News::Came(stream, peer));
        }
    });
    let mut there: HashMap<SocketAddr, Arc<TcpStream>> = HashMap::new();
    let mut deadline = None;
    loop {
        if deadline.is_some() && there.is_empty() {
            break;
        }
        let left = deadline.map(|deadline: Instant| {
            deadline.saturating_duration_since(Instant::now())
        });
        let next = match left {
            Some(left) => news.recv_timeout(left),
            None => news.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match next {
            Ok(News::Stop) => deadline = Some(Instant::now() + limit),
            Ok(News::Came(stream, peer)) => {
                let stream = Arc::new(stream);
                there.insert(peer, Arc::clone(&stream));
                let sender = sender.clone();
                thread::spawn(move || {
                    let _ = talk(&stream);
                    drop(stream);
                    let _ = sender.send(News::Left(peer));
                });
            }
            Ok(News::Left(peer)) => drop(there.remove(&peer)),
            Err(_) => break,
        }
    }
    accepting.join().unwrap();
    for stream in there.values() {
        let _ = stream.shutdown(Shutdown::Both);
    }
    Ok(there.into_keys().collect())
}

/// The listener does not block, and everything is looked at every few milliseconds.
fn now_and_then(listener: TcpListener, stop: Receiver<()>, limit: Duration) -> Left {
    listener.set_nonblocking(true)?;
    let mut visits: Vec<Visit> = Vec::new();
    while let Err(TryRecvError::Empty) = stop.try_recv() {
        match listener.accept() {
            Ok((stream, peer)) => {
                stream.set_nonblocking(false)?;
                visits.push(begin(stream, peer));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                thread::sleep(Duration::from_millis(10));
            }
            Err(error) => return Err(error),
        }
        visits.retain(|visit| !visit.thread.is_finished());
    }
    drop(listener);
    Ok(wait(visits, limit))
}

/// For each visit a thread that joins it, and says so in a channel.
fn shuts_then_joins(
    listener: TcpListener,
    stop: Receiver<()>,
    limit: Duration,
) -> Left {
    let shared = Arc::new(listener);
    let (accepting, told) = (Arc::clone(&shared), Arc::new(AtomicBool::new(false)));
    let flag = Arc::clone(&told);
    thread::spawn(move || {
        let _ = stop.recv();
        flag.store(true, Ordering::SeqCst);
        let _ = SockRef::from(&*accepting).shutdown(Shutdown::Both);
    });
    let visits = until_told(&shared, &told)?;
    drop(shared);
    let deadline = Instant::now() + limit;
    let (sender, over) = mpsc::channel();
    let mut late = Vec::new();
    for visit in visits {
        let sender = sender.clone();
        let (peer, stream) = (visit.peer, Arc::clone(&visit.stream));
        thread::spawn(move || {
            let _ = visit.thread.join();
            let _ = sender.send(peer);
        });
        late.push((peer, stream));
    }
    while !late.is_empty() {
        let time = deadline.saturating_duration_since(Instant::now());
        match over.recv_timeout(time) {
            Ok(peer) => late.retain(|(late, _)| *late != peer),
            Err(_) => break,
        }
    }
    for (_, stream) in &late {
        let _ = stream.shutdown(Shutdown::Both);
    }
    Ok(late.into_iter().map(|(peer, _)| peer).collect())
}

fn a_flag(listener: TcpListener, stop: Receiver<()>, limit: Duration) -> Left {
    let told = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&told);
    thread::spawn(move || {
        let _ = stop.recv();
        flag.store(true, Ordering::SeqCst);
    });
    let visits = until_told(&listener, &told)?;
    drop(listener);
    Ok(wait(visits, limit))
}

fn at_once(listener: TcpListener, stop: Receiver<()>, _: Duration) -> Left {
    let told = wake(&listener, stop)?;
    let visits = until_told(&listener, &told)?;
    drop(listener);
    let left = visits.iter().filter(|visit| !visit.thread.is_finished());
    Ok(left.map(|visit| visit.peer).collect())
}

fn shuts_at_once(listener: TcpListener, stop: Receiver<()>, limit: Duration) -> Left {
    let told = wake(&listener, stop)?;
    let visits = until_told(&listener, &told)?;
    drop(listener);
    for visit in &visits {
        let _ = visit.stream.shutdown(Shutdown::Read);
    }
    Ok(wait(visits, limit))
}

fn joins(listener: TcpListener, stop: Receiver<()>, _: Duration) -> Left {
    let told = wake(&listener, stop)?;
    let visits = until_told(&listener, &told)?;
    drop(listener);
    for visit in visits {
        let _ = visit.thread.join();
    }
    Ok(Vec::new())
}

/// Once told, each thread waits for `limit` for its caller's next bytes.
fn each_read(listener: TcpListener, stop: Receiver<()>, limit: Duration) -> Left {
    fn talk(
        mut stream: &TcpStream,
        told: &AtomicBool,
        limit: Duration,
    ) -> io::Result<()> {
        stream.set_read_timeout(Some(Duration::from_millis(10)))?;
        let (mut buffer, mut since) = ([0; 1024], Instant::now());
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(read) => {
                    since = Instant::now();
                    stream.write_all(&buffer[..read].to_ascii_uppercase())?;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if !told.load(Ordering::SeqCst) {
                        since = Instant::now();
                    }
                    if since.elapsed() >= limit {
                        return Err(ErrorKind::TimedOut.into());
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }
    let told = wake(&listener, stop)?;
    let mut visits = Vec::new();
    loop {
        let accepted = listener.accept();
        if told.load(Ordering::SeqCst) {
            break;
        }
        let (stream, peer) = accepted?;
        let told = Arc::clone(&told);
        let thread = thread::spawn(move || {
            let late = |error: io::Error| error.kind() == ErrorKind::TimedOut;
            talk(&stream, &told, limit).is_err_and(late)
        });
        visits.push((peer, thread));
    }
    drop(listener);
    let late = visits
        .into_iter()
        .filter_map(|(peer, thread)| thread.join().unwrap().then_some(peer));
    Ok(late.collect())
}

fn keeps_listener(
    listener: TcpListener,
    stop: Receiver<()>,
    limit: Duration,
) -> Left {
    std::mem::forget(listener.try_clone()?);
    is_finished(listener, stop, limit)
}

fn one_at_a_time(listener: TcpListener, stop: Receiver<()>, _: Duration) -> Left {
    let told = wake(&listener, stop)?;
    loop {
        let (stream, _) = listener.accept()?;
        if told.load(Ordering::SeqCst) {
            return Ok(Vec::new());
        }
        let _ = talk(&stream);
    }
}

fn waits_out(listener: TcpListener, stop: Receiver<()>, limit: Duration) -> Left {
    let told = wake(&listener, stop)?;
    let mut visits = until_told(&listener, &told)?;
    drop(listener);
    thread::sleep(limit);
    visits.retain(|visit| !visit.thread.is_finished());
    Ok(shut(&visits))
}

fn says_nobody(listener: TcpListener, stop: Receiver<()>, limit: Duration) -> Left {
    is_finished(listener, stop, limit).map(|_| Vec::new())
}

fn says_everybody(
    listener: TcpListener,
    stop: Receiver<()>,
    limit: Duration,
) -> Left {
    let told = wake(&listener, stop)?;
    let (mut visits, mut all) = (Vec::new(), Vec::new());
    loop {
        let accepted = listener.accept();
        if told.load(Ordering::SeqCst) {
            break;
        }
        let (stream, peer) = accepted?;
        all.push(peer);
        visits.push(begin(stream, peer));
    }
    drop(listener);
    match wait(visits, limit) {
        nobody if nobody.is_empty() => Ok(nobody),
        _ => Ok(all),
    }
}

fn leaves_it_open(
    listener: TcpListener,
    stop: Receiver<()>,
    limit: Duration,
) -> Left {
    let told = wake(&listener, stop)?;
    let mut visits = until_told(&listener, &told)?;
    drop(listener);
    let deadline = Instant::now() + limit;
    while !visits.is_empty() && Instant::now() < deadline {
        visits.retain(|visit| !visit.thread.is_finished());
        thread::sleep(Duration::from_millis(5));
    }
    Ok(visits.iter().map(|visit| visit.peer).collect())
}

/// Takes callers until the last has left.
fn serves_on(listener: TcpListener, stop: Receiver<()>, limit: Duration) -> Left {
    listener.set_nonblocking(true)?;
    let mut visits: Vec<Visit> = Vec::new();
    let mut deadline = None;
    loop {
        if let Ok((stream, peer)) = listener.accept() {
            stream.set_nonblocking(false)?;
            visits.push(begin(stream, peer));
        }
        visits.retain(|visit| !visit.thread.is_finished());
        if deadline.is_none() && stop.try_recv().is_ok() {
            deadline = Some(Instant::now() + limit);
        }
        if let Some(deadline) = deadline
            && (visits.is_empty() || Instant::now() > deadline)
        {
            return Ok(shut(&visits));
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn never_looks(listener: TcpListener, _stop: Receiver<()>, _: Duration) -> Left {
    loop {
        let (stream, _) = listener.accept()?;
        thread::spawn(move || talk(&stream));
    }
}

fn returns_an_error(listener: TcpListener, stop: Receiver<()>, _: Duration) -> Left {
    let shared = Arc::new(listener);
    let accepting = Arc::clone(&shared);
    thread::spawn(move || {
        let _ = stop.recv();
        let _ = SockRef::from(&*accepting).shutdown(Shutdown::Both);
    });
    loop {
        let (stream, _) = shared.accept()?;
        thread::spawn(move || talk(&stream));
    }
}
