//! Answers to `socketserver/ticks`.

use std::io::{self, ErrorKind};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use checks::answers::{Answer, Expected};
use checks_socketserver::ticks as check;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

type Handle<'a> = &'a mut dyn FnMut(TcpStream) -> io::Result<()>;
type Tick<'a> = &'a mut dyn FnMut(u64, u64) -> bool;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right(
            "ticks right: polls",
            check(|l, e, h, t| way(l, e, h, t, RIGHT)),
        ),
        Answer::right("ticks right: a time limit", check(a_time_limit)),
        Answer::right(
            "ticks right: a quarter",
            check(|l, e, h, t| way(l, e, h, t, QUARTER)),
        ),
        Answer::wrong("M147", "ticks: accepts", check(accepts)),
        Answer::wrong(
            "M147",
            "ticks: when idle",
            check(|l, e, h, t| way(l, e, h, t, IDLE)),
        ),
        Answer::wrong(
            "M148",
            "ticks: a millisecond",
            check(|l, e, h, t| way(l, e, h, t, MS)),
        ),
        Answer::wrong(
            "M148",
            "ticks: spins",
            check(|l, e, h, t| way(l, e, h, t, SPINS)),
        ),
        Answer::unnamed(
            "slow",
            "ticks: every turn",
            check(|l, e, h, t| way(l, e, h, t, TURNS)),
        ),
        Answer::unnamed(
            "slow",
            "ticks: makes up",
            check(|l, e, h, t| way(l, e, h, t, MAKES_UP)),
        ),
        Answer::unnamed(
            "numbers",
            "ticks: counts all",
            check(|l, e, h, t| way(l, e, h, t, ALL)),
        ),
        Answer::unnamed(
            "numbers",
            "ticks: one failure ends it",
            check(|l, e, h, t| way(l, e, h, t, ENDS)),
        ),
        Answer::unnamed("alone", "ticks: a thread", check(a_thread)),
        Answer {
            name: "ticks: the stub",
            check: check(|_, _, _, _| todo!("the task")),
            expected: Expected::Untouched,
        },
    ]
}

#[derive(Clone, Copy)]
struct Way {
    /// How long a wait is at most.
    most: Duration,
    only_idle: bool,
    turns: bool,
    makes_up: bool,
    counts_all: bool,
    ends: bool,
}

const RIGHT: Way = Way {
    most: Duration::MAX,
    only_idle: false,
    turns: false,
    makes_up: false,
    counts_all: false,
    ends: false,
};
const QUARTER: Way = Way {
    most: Duration::from_millis(25),
    ..RIGHT
};
const MS: Way = Way {
    most: Duration::from_millis(1),
    ..RIGHT
};
const SPINS: Way = Way {
    most: Duration::ZERO,
    ..RIGHT
};
const IDLE: Way = Way {
    only_idle: true,
    ..RIGHT
};
const TURNS: Way = Way {
    turns: true,
    ..QUARTER
};
const MAKES_UP: Way = Way {
    makes_up: true,
    ..RIGHT
};
const ALL: Way = Way {
    counts_all: true,
    ..RIGHT
};
const ENDS: Way = Way {
    ends: true,
    ..RIGHT
};

fn way(
    listener: TcpListener,
    every: Duration,
    handle: Handle<'_>,
    tick: Tick<'_>,
    way: Way,
) -> io::Result<()> {
    let (mut well, mut not) = (0, 0);
    let mut next = Instant::now() + every;
    let mut idle = true;
    loop {
        let due = way.turns || next <= Instant::now();
        if due && (idle || !way.only_idle) {
            if !tick(well, not) {
                return Ok(());
            }
            next = match way.makes_up {
                true => next + every,
                false => Instant::now() + every,
            };
        }
        let left = next.saturating_duration_since(Instant::now());
        let left = match way.only_idle {
            true => every,
            false => left.min(way.most),
        };
        let left = u16::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap();
        let mut fds = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
        idle = poll(&mut fds, PollTimeout::from(left))? == 0;
        if idle {
            continue;
        }
        match handle(listener.accept()?.0) {
            Ok(()) => well += 1,
            Err(error) if way.ends => return Err(error),
            Err(_) if way.counts_all => well += 1,
            Err(_) => not += 1,
        }
    }
}

/// `accept` with the time limit that SO_RCVTIMEO gives it on Linux.
fn a_time_limit(
    listener: TcpListener,
    every: Duration,
    handle: Handle<'_>,
    tick: Tick<'_>,
) -> io::Result<()> {
    let (mut well, mut not) = (0, 0);
    let mut next = Instant::now() + every;
    loop {
        let left = next.saturating_duration_since(Instant::now());
        if left.is_zero() {
            if !tick(well, not) {
                return Ok(());
            }
            next = Instant::now() + every;
            continue;
        }
        let limit = left.max(Duration::from_millis(1));
        socket2::SockRef::from(&listener).set_read_timeout(Some(limit))?;
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_read_timeout(None)?;
                match handle(stream) {
                    Ok(()) => well += 1,
                    Err(_) => not += 1,
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

fn accepts(
    listener: TcpListener,
    every: Duration,
    handle: Handle<'_>,
    tick: Tick<'_>,
) -> io::Result<()> {
    let (mut well, mut not) = (0, 0);
    let mut next = Instant::now() + every;
    loop {
        match handle(listener.accept()?.0) {
            Ok(()) => well += 1,
            Err(_) => not += 1,
        }
        if next <= Instant::now() {
            if !tick(well, not) {
                return Ok(());
            }
            next = Instant::now() + every;
        }
    }
}

/// A thread accepts, and the one that serves waits for what it sends.
fn a_thread(
    listener: TcpListener,
    every: Duration,
    handle: Handle<'_>,
    tick: Tick<'_>,
) -> io::Result<()> {
    let (sender, streams) = mpsc::channel();
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            if sender.send(stream).is_err() {
                return;
            }
        }
    });
    let (mut well, mut not) = (0, 0);
    let mut next = Instant::now() + every;
    loop {
        let left = next.saturating_duration_since(Instant::now());
        if left.is_zero() {
            if !tick(well, not) {
                return Ok(());
            }
            next = Instant::now() + every;
        } else if let Ok(stream) = streams.recv_timeout(left) {
            match handle(stream) {
                Ok(()) => well += 1,
                Err(_) => not += 1,
            }
        }
    }
}
