//! A measurement: what it costs to find the one who speaks among those who do not.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{
    Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout,
};
use nix::sys::select::{FdSet, select};

use crate::memory::allow_descriptors;

/// How many sockets are watched: one speaks, the others are silent.
pub const WATCHED: [usize; 5] = [1, 10, 100, 400, 4000];

/// What a wait cost, by the number of sockets watched; the median.
#[derive(Debug)]
pub struct Costs {
    /// How many were watched.
    pub watched: usize,
    /// By `select`; nothing where its sets are too small.
    pub select: Option<Duration>,
    /// By `poll`.
    pub poll: Duration,
    /// By `epoll`.
    pub epoll: Duration,
}

// ANCHOR: measure
/// Measures a wait `rounds` times in each way, in turn, so that whatever else the
/// machine does disturbs all three alike.
///
/// # Errors
///
/// If there are not enough descriptors (`ulimit -n`), or the calls fail.
pub fn measure(watched: usize, rounds: usize) -> io::Result<Costs> {
    allow_descriptors(2 * watched as u64 + 64)?;
    let pairs: Vec<(UnixStream, UnixStream)> = (0..watched)
        .map(|_| UnixStream::pair())
        .collect::<io::Result<_>>()?;
    let (mut speaker, _) = match pairs.last() {
        Some((here, there)) => (here, there),
        None => return Err(io::ErrorKind::InvalidInput.into()),
    };
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    for (number, (_, there)) in (0..).zip(&pairs) {
        epoll.add(there, EpollEvent::new(EpollFlags::EPOLLIN, number))?;
    }
    let fits = watched * 2 + 64 < nix::sys::select::FD_SETSIZE;
    let (mut by_select, mut by_poll, mut by_epoll) = (vec![], vec![], vec![]);
    for _ in 0..rounds {
        let mut take = |costs: &mut Vec<Duration>, wait: Wait<'_>| {
            speaker.write_all(b"!")?;
            let started = Instant::now();
            let who = wait()?;
            costs.push(started.elapsed());
            (&pairs[who].1).read_exact(&mut [0; 1])
        };
        if fits {
            take(&mut by_select, &|| ask_select(&pairs))?;
        }
        take(&mut by_poll, &|| ask_poll(&pairs))?;
        take(&mut by_epoll, &|| ask_epoll(&epoll))?;
    }
    let median = |mut costs: Vec<Duration>| {
        costs.sort();
        costs.get(costs.len() / 2).copied()
    };
    Ok(Costs {
        watched,
        select: median(by_select),
        poll: median(by_poll).unwrap_or_default(),
        epoll: median(by_epoll).unwrap_or_default(),
    })
}
// ANCHOR_END: measure

/// Waits, and tells the number of the socket that has something to read.
type Wait<'a> = &'a dyn Fn() -> io::Result<usize>;

// ANCHOR: ask
fn ask_select(pairs: &[(UnixStream, UnixStream)]) -> io::Result<usize> {
    let mut reads = FdSet::new();
    pairs
        .iter()
        .for_each(|(_, there)| reads.insert(there.as_fd()));
    select(None, &mut reads, None, None, None)?;
    let ready = |(_, there): &(_, UnixStream)| reads.contains(there.as_fd());
    Ok(pairs.iter().position(ready).unwrap_or(0))
}

fn ask_poll(pairs: &[(UnixStream, UnixStream)]) -> io::Result<usize> {
    let mut list: Vec<PollFd<'_>> = Vec::with_capacity(pairs.len());
    for (_, there) in pairs {
        list.push(PollFd::new(there.as_fd(), PollFlags::POLLIN));
    }
    poll(&mut list, PollTimeout::NONE)?;
    let ready = |entry: &PollFd<'_>| entry.any() == Some(true);
    Ok(list.iter().position(ready).unwrap_or(0))
}

fn ask_epoll(epoll: &Epoll) -> io::Result<usize> {
    let mut events = [EpollEvent::empty(); 8];
    epoll.wait(&mut events, EpollTimeout::NONE)?;
    Ok(events[0].data() as usize)
}
// ANCHOR_END: ask
