//! Workers that are there before anybody calls.

use std::collections::BTreeMap;
use std::io::{self, PipeReader, PipeWriter};
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::panic::{self, AssertUnwindSafe};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::children::{End, collect};
use crate::process::{Fork, exit_now, fork};
use crate::server::{is_of_a_caller, is_shortage, wait};
use crate::signals::Signals;
use crate::talk::Talk;

/// How many workers there are unless somebody asks for another number.
pub const WORKERS: usize = 4;

/// How long workers may take to finish once the server is told to stop.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Who has lived for less than this has died at once.
const AT_ONCE: Duration = Duration::from_secs(1);

/// How long to wait before a worker is replaced that has died at once, and how long at
/// most, after many of them.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

/// What there is to tell.
#[derive(Debug)]
pub enum News {
    /// This worker has begun.
    Began(Pid),
    /// This worker has ended; there is a pause before it is replaced.
    Ended(Pid, End, Duration),
    /// No worker could be started.
    Lost(io::Error),
    /// So many workers finish what they are at.
    Stopping(usize),
}

// ANCHOR: pace
/// How long to wait before the next worker begins.
///
/// One that has lived is replaced at once. Where they die as fast as they are made,
/// because of a file that is missing, say, replacing them at once would keep a processor
/// busy with nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace(u32);

impl Pace {
    /// The pause, after a worker that has `lived` so long.
    pub fn after(&mut self, lived: Duration) -> Duration {
        if lived >= AT_ONCE {
            self.0 = 0;
            return Duration::ZERO;
        }
        let pause =
            PAUSE.saturating_mul(1_u32.checked_shl(self.0).unwrap_or(u32::MAX));
        self.0 = self.0.saturating_add(1);
        pause.min(LONGEST)
    }
}
// ANCHOR_END: pace

// ANCHOR: serve
/// Keeps `workers` processes that accept at one listener, until SIGTERM or SIGINT.
///
/// The process must have one thread: see [`fork`].
///
/// # Errors
///
/// If nothing can be waited for.
pub fn serve(
    listener: TcpListener,
    workers: usize,
    talk: Talk,
    mut tell: impl FnMut(News),
) -> io::Result<()> {
    use Signal::{SIGCHLD, SIGINT, SIGTERM};
    listener.set_nonblocking(true)?;
    // Nothing is ever written into it. Its end is the message.
    let (lifeline, held) = io::pipe()?;
    let signals = Signals::take(&[SIGCHLD, SIGINT, SIGTERM])?;
    let mut living: BTreeMap<Pid, Instant> = BTreeMap::new();
    let (mut pace, mut not_before) = (Pace::default(), Instant::now());
    loop {
        while living.len() < workers && Instant::now() >= not_before {
            match fork() {
                Ok(Fork::Child) => {
                    drop(held); // or no worker would ever see the end
                    work(listener, lifeline, signals, talk)
                }
                Ok(Fork::Parent(worker)) => {
                    living.insert(worker, Instant::now());
                    tell(News::Began(worker));
                }
                Err(error) => {
                    not_before = Instant::now() + pace.after(Duration::ZERO);
                    tell(News::Lost(error));
                }
            }
        }
        let missing = living.len() < workers;
        let pause = not_before.saturating_duration_since(Instant::now());
        wait(&signals, None, missing.then_some(pause))?;
        while let Some(signal) = signals.next()? {
            if signal != SIGCHLD {
                drop((listener, lifeline));
                return finish(living, held, &signals, tell);
            }
        }
        collect(|worker, end| {
            let Some(began) = living.remove(&worker) else {
                return; // not one of ours: whoever started us had it
            };
            let pause = pace.after(began.elapsed());
            not_before = not_before.max(Instant::now() + pause);
            tell(News::Ended(worker, end, pause));
        })?;
    }
}
// ANCHOR_END: serve

// ANCHOR: work
/// A worker: it accepts and talks, one caller after another, until the lifeline ends.
///
/// That is so when the parent has closed its end, and also when the parent is dead.
fn work(
    listener: TcpListener,
    lifeline: PipeReader,
    signals: Signals,
    talk: Talk,
) -> ! {
    let work = AssertUnwindSafe(|| {
        signals.give_back()?;
        while until_called(&listener, &lifeline)? {
            match listener.accept() {
                // What goes wrong with one caller is no reason to end.
                Ok((stream, _)) => drop(talk(stream)),
                // All workers are woken, and one of them was faster.
                Err(error) if is_of_a_caller(&error) => {}
                Err(error) if is_shortage(&error) => std::thread::sleep(PAUSE),
                Err(error) => return Err(error),
            }
        }
        Ok::<(), io::Error>(())
    });
    match panic::catch_unwind(work) {
        Ok(Ok(())) => exit_now(0),
        Ok(Err(_)) => exit_now(1),
        Err(_) => exit_now(101),
    }
}

/// Waits for a caller (true) or the end of the lifeline (false).
fn until_called(listener: &TcpListener, lifeline: &PipeReader) -> io::Result<bool> {
    let mut fds = [
        PollFd::new(lifeline.as_fd(), PollFlags::POLLIN),
        PollFd::new(listener.as_fd(), PollFlags::POLLIN),
    ];
    loop {
        match poll(&mut fds, PollTimeout::NONE) {
            // The end is POLLHUP, which is told whether one asks for it or not.
            Ok(_) => return Ok(!fds[0].any().unwrap_or(true)),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
// ANCHOR_END: work

// ANCHOR: finish
/// Lets the workers finish, and ends those who have not done so in time.
fn finish(
    mut living: BTreeMap<Pid, Instant>,
    held: PipeWriter,
    signals: &Signals,
    mut tell: impl FnMut(News),
) -> io::Result<()> {
    tell(News::Stopping(living.len()));
    drop(held); // the lifeline ends
    let started = Instant::now();
    let mut killed = false;
    loop {
        collect(|worker, end| {
            living.remove(&worker);
            tell(News::Ended(worker, end, Duration::ZERO));
        })?;
        if living.is_empty() {
            return Ok(());
        }
        let left = PATIENCE.saturating_sub(started.elapsed());
        if left.is_zero() && !killed {
            killed = true;
            for worker in living.keys() {
                let _ = kill(*worker, Signal::SIGKILL);
            }
        }
        wait(signals, None, (!killed).then_some(left))?;
        while signals.next()?.is_some() {}
    }
}
// ANCHOR_END: finish
