//! Answers to `select/idle`.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use checks::answers::{Answer, Expected};
use checks_select::idle as check;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{Slip, bytes, unless_it_blocks};

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("idle right: looks at all of them", check(looks_at_all)),
        Answer::right("idle right: an ordered map", check(an_ordered_map)),
        Answer::wrong("M64", "idle: no time limit", check(no_limit)),
        Answer::wrong(
            "M123",
            "idle: from the beginning",
            check(from_the_beginning),
        ),
        Answer::wrong(
            "M124",
            "idle: looks every now and then",
            check(now_and_then),
        ),
        Answer::wrong("M21", "idle: never waits", check(never_waits)),
        Answer::wrong("M14", "idle: falls with a caller", check(falls)),
        Answer::wrong("M5", "idle: keeps the ended", check(keeps_the_ended)),
        Answer::unnamed("silent", "idle: too early", check(too_early)),
        Answer::unnamed("alone", "idle: a thread each", check(a_thread_each)),
        Answer::unnamed("company", "idle: all go together", check(all_go)),
        Answer {
            name: "idle: the stub",
            check: check(|_, _| todo!("the task")),
            expected: Expected::Untouched,
        },
    ]
}

/// How a server goes about the time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Right,
    FromTheBeginning,
    NowAndThen,
    NeverWaits,
    Falls,
    KeepsTheEnded,
    TooEarly,
    AllGo,
}

struct Caller {
    stream: TcpStream,
    heard: Instant,
    ended: bool,
}

fn serve(listener: &TcpListener, patience: Duration, way: Way) -> io::Result<()> {
    let patience = match way {
        Way::TooEarly => patience / 2,
        _ => patience,
    };
    listener.set_nonblocking(true)?;
    let mut callers: Vec<Caller> = Vec::new();
    loop {
        let now = Instant::now();
        let is_due = |caller: &Caller| caller.heard + patience <= now;
        if way == Way::AllGo && callers.iter().any(is_due) {
            callers.clear();
        }
        callers.retain(|caller| !is_due(caller));
        let first = callers.iter().map(|caller| caller.heard + patience).min();
        let limit = match way {
            Way::NeverWaits => PollTimeout::ZERO,
            Way::NowAndThen => PollTimeout::from(20_u8),
            _ => first.map_or(PollTimeout::NONE, |first| {
                let millis = (first - now).as_nanos().div_ceil(1_000_000);
                PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX)
            }),
        };
        let mut list = vec![PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
        for caller in &callers {
            list.push(PollFd::new(caller.stream.as_fd(), PollFlags::POLLIN));
        }
        poll(&mut list, limit)?;
        let ready: Vec<bool> =
            list.iter().map(|it| it.any() != Some(false)).collect();
        let mut fallen = None;
        let mut nr = 0;
        callers.retain_mut(|caller| {
            nr += 1;
            if !ready[nr] || caller.ended {
                return true;
            }
            let goes_on = turn(caller, way);
            match goes_on {
                Ok(goes_on) => goes_on || way == Way::KeepsTheEnded,
                Err(error) => {
                    fallen = Some(error);
                    false
                }
            }
        });
        if let (Some(error), Way::Falls) = (fallen, way) {
            return Err(error);
        }
        if let Some((stream, _)) = unless_it_blocks(listener.accept())? {
            stream.set_nonblocking(true)?;
            let (heard, ended) = (Instant::now(), false);
            callers.push(Caller {
                stream,
                heard,
                ended,
            });
        }
    }
}

fn turn(caller: &mut Caller, way: Way) -> io::Result<bool> {
    let mut buffer = [0; 4096];
    match unless_it_blocks(caller.stream.read(&mut buffer))? {
        None => Ok(true),
        Some(0) => Ok(false),
        Some(length) => {
            if way != Way::FromTheBeginning {
                caller.heard = Instant::now();
            }
            let answer = buffer[..length].to_ascii_uppercase();
            caller.stream.write_all(&answer).map(|()| true)
        }
    }
}

fn looks_at_all(listener: TcpListener, patience: Duration) -> io::Result<()> {
    serve(&listener, patience, Way::Right)
}

fn from_the_beginning(listener: TcpListener, patience: Duration) -> io::Result<()> {
    serve(&listener, patience, Way::FromTheBeginning)
}

fn now_and_then(listener: TcpListener, patience: Duration) -> io::Result<()> {
    serve(&listener, patience, Way::NowAndThen)
}

fn never_waits(listener: TcpListener, patience: Duration) -> io::Result<()> {
    serve(&listener, patience, Way::NeverWaits)
}

fn falls(listener: TcpListener, patience: Duration) -> io::Result<()> {
    serve(&listener, patience, Way::Falls)
}

fn keeps_the_ended(listener: TcpListener, patience: Duration) -> io::Result<()> {
    serve(&listener, patience, Way::KeepsTheEnded)
}

fn too_early(listener: TcpListener, patience: Duration) -> io::Result<()> {
    serve(&listener, patience, Way::TooEarly)
}

/// Once the first has been silent for too long, everybody has to go.
fn all_go(listener: TcpListener, patience: Duration) -> io::Result<()> {
    serve(&listener, patience, Way::AllGo)
}

fn no_limit(listener: TcpListener, _: Duration) -> io::Result<()> {
    bytes(&listener, usize::MAX, Slip::None)
}

/// Each caller's time is a key; it is taken out and put in anew with each byte.
fn an_ordered_map(listener: TcpListener, patience: Duration) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut callers: HashMap<u64, (TcpStream, Instant)> = HashMap::new();
    let mut times: BTreeMap<(Instant, u64), ()> = BTreeMap::new();
    let mut last = 0;
    loop {
        let now = Instant::now();
        while let Some(entry) = times.first_entry()
            && entry.key().0 <= now
        {
            let ((_, number), ()) = entry.remove_entry();
            callers.remove(&number);
        }
        let limit = times.first_key_value().map(|((due, _), ())| *due - now);
        let limit = limit.map_or(PollTimeout::NONE, |limit| {
            let limit = limit + Duration::from_millis(1); // it is cut to milliseconds
            PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX)
        });
        let mut numbers = vec![0];
        let mut list = vec![PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
        for (number, (stream, _)) in &callers {
            numbers.push(*number);
            list.push(PollFd::new(stream.as_fd(), PollFlags::POLLIN));
        }
        poll(&mut list, limit)?;
        let ready = numbers.iter().zip(&list);
        let ready = ready.filter(|(_, entry)| entry.any() != Some(false));
        let ready: Vec<u64> = ready.map(|(number, _)| *number).collect();
        for number in ready {
            let due = Instant::now() + patience;
            if number == 0 {
                if let Some((stream, _)) = unless_it_blocks(listener.accept())? {
                    stream.set_nonblocking(true)?;
                    last += 1;
                    callers.insert(last, (stream, due));
                    times.insert((due, last), ());
                }
                continue;
            }
            let Some((stream, before)) = callers.get_mut(&number) else {
                continue;
            };
            times.remove(&(*before, number));
            let mut buffer = [0; 4096];
            match stream.read(&mut buffer) {
                Ok(length @ 1..) => {
                    *before = due;
                    times.insert((due, number), ());
                    let _ = stream.write_all(&buffer[..length].to_ascii_uppercase());
                }
                _ => drop(callers.remove(&number)),
            }
        }
    }
}

/// Each with a time limit for its reads: right, but for the threads.
fn a_thread_each(listener: TcpListener, patience: Duration) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        thread::spawn(move || {
            stream.set_read_timeout(Some(patience)).unwrap();
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = stream.read(&mut buffer) {
                let _ = stream.write_all(&buffer[..length].to_ascii_uppercase());
            }
        });
    }
}
