//! A new process for each request, and processes that accept by themselves.

use std::collections::HashMap;
use std::io::{self, Write};
use std::iter;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, close, fork, pipe2};

use super::{Crew, Woken, wait};
use crate::addr::{Addr, Peer};
use crate::error::Error;
use crate::handle::Core;
use crate::moment::from_now;
use crate::session::House;
use crate::source::Asks;
use crate::turns::BACK_OFF;

/// A process that was started, and a pipe of which it has the other end: it closes when
/// the process ends, however it does.
struct Child {
    pid: Pid,
    life: OwnedFd,
    peer: Peer,
    born: Instant,
    /// We have ended it, and have said so.
    killed: bool,
}

/// A pipe for a child: its life is over when the other end closes.
type Pipe = (OwnedFd, OwnedFd);

fn pipe() -> nix::Result<Pipe> {
    pipe2(OFlag::O_CLOEXEC)
}

/// Starts `body` in a child process, which ends with what it returns.
///
/// # Errors
///
/// Those of fork(2).
#[expect(unsafe_code, reason = "fork(2) and _exit(2)")]
fn start(
    peer: Peer,
    (life, death): Pipe,
    not_for_it: &[RawFd],
    body: impl FnOnce() -> bool,
) -> io::Result<Child> {
    // What stdout holds would be printed twice, by the child too.
    let _ = io::stdout().flush();
    // SAFETY: the process has a single thread, which `alone` has seen when the crew was
    // made; so no lock is held by a thread that the child does not have, and the child
    // may do what any program may.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => {
            drop(death);
            let born = Instant::now();
            Ok(Child {
                pid: child,
                life,
                peer,
                born,
                killed: false,
            })
        }
        ForkResult::Child => {
            for fd in not_for_it {
                // A copy that would keep the port, or a peer's connection, open. Nothing
                // here uses it any more, and _exit drops nothing.
                let _ = close(*fd);
            }
            let good = body();
            let _ = io::stdout().flush();
            // SAFETY: _exit(2) ends the process, and with it the descriptor `death`. It
            // runs neither destructors nor atexit handlers: they are the parent's.
            unsafe { nix::libc::_exit(i32::from(!good)) }
        }
    }
}

/// Sees to it that the process has a single thread, as fork(2) needs it.
fn alone() -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let threads = std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
        if threads > 1 {
            let why = format!(
                "this process has {threads} threads, and fork would copy one of them with \
                 the locks of all"
            );
            return Err(io::Error::new(io::ErrorKind::Unsupported, why));
        }
    }
    Ok(())
}

/// How a child that is known to be ending has ended; nothing where that was well.
fn end(pid: Pid) -> Option<String> {
    loop {
        match waitpid(pid, None) {
            Err(Errno::EINTR) => {}
            Ok(WaitStatus::Exited(_, 0)) => return None,
            Ok(WaitStatus::Exited(_, code)) => {
                return Some(format!("ended with code {code}"));
            }
            Ok(WaitStatus::Signaled(_, signal, _)) => {
                return Some(format!("was ended by {signal}"));
            }
            // ECHILD: somebody else has waited for it, or SIGCHLD is ignored.
            Ok(_) | Err(_) => return None,
        }
    }
}

/// Starts a process for each request, up to a limit.
pub(crate) struct Fork<W> {
    house: House,
    max: usize,
    /// What accepts, which is no child's business.
    listeners: Vec<RawFd>,
    work: W,
    children: Vec<Child>,
    /// For the next child, made before its request is taken: whoever has been accepted
    /// is served, also where descriptors run out. Nothing while there are none.
    spare: Option<Pipe>,
    short: bool,
}

impl<W> Fork<W> {
    /// # Errors
    ///
    /// [`io::ErrorKind::Unsupported`] in a process with several threads.
    pub(crate) fn new(
        house: &House,
        max: usize,
        listeners: &[RawFd],
        work: W,
    ) -> io::Result<Self> {
        alone()?;
        Ok(Self {
            house: house.clone(),
            max: max.max(1),
            listeners: listeners.to_vec(),
            work,
            children: Vec::new(),
            spare: Some(pipe()?),
            short: false,
        })
    }

    /// Makes the next child's pipe. Where it cannot, there is no room, and that is
    /// reported once for each time that it begins.
    fn provide(&mut self) {
        if self.spare.is_some() {
            return;
        }
        match pipe() {
            Ok(pipe) => {
                self.spare = Some(pipe);
                self.short = false;
            }
            Err(error) => {
                if !std::mem::replace(&mut self.short, true) {
                    let error = Error::Exhausted(error.into());
                    self.house.failed(&nobody(), &error);
                }
            }
        }
    }

    /// Collects the children that have ended: only its own, by their numbers, since the
    /// program may have others.
    fn reap(&mut self) {
        let house = &self.house;
        self.children.retain(|child| {
            match has_ended(&child.life) {
                false => true,
                true => {
                    // Code 1 is that of an error which the child has reported itself.
                    if let Some(how) = end(child.pid)
                        && !child.killed
                    {
                        house.failed(&child.peer, &Error::Died(how));
                    }
                    false
                }
            }
        });
        let active = &house.core.counters.active;
        active.store(
            self.children.len() as u64,
            std::sync::atomic::Ordering::Relaxed,
        );
    }
}

/// Whether nobody has the other end of the pipe any more.
fn has_ended(life: &OwnedFd) -> bool {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    let mut fds = [PollFd::new(life.as_fd(), PollFlags::POLLIN)];
    matches!(poll(&mut fds, PollTimeout::ZERO), Ok(1..))
}

impl<R, W> Crew<R> for Fork<W>
where
    R: Asks,
    W: Fn(&House, R) -> bool,
{
    fn has_room(&self) -> bool {
        self.spare.is_some() && self.children.len() < self.max
    }

    fn has_room_or_will_say(&self) -> bool {
        self.has_room() // an ear hears it
    }

    fn take(&mut self, request: R) {
        let peer = request.peer().clone();
        let lives = self.children.iter().map(|child| child.life.as_raw_fd());
        let not_for_it: Vec<RawFd> =
            self.listeners.iter().copied().chain(lives).collect();
        let Some(pipe) = self.spare.take() else {
            return; // there was no room, and nobody asks then
        };
        let (house, work) = (&self.house, &self.work);
        match start(peer.clone(), pipe, &not_for_it, || work(house, request)) {
            Ok(child) => self.children.push(child),
            Err(error) => self.house.failed(&peer, &Error::NoWorker(error)),
        }
        self.provide();
    }

    fn tend(&mut self) {
        self.reap();
        self.provide();
    }

    fn looks_every(&self) -> Option<Duration> {
        // A child that ends is heard; what the rest of the program gives back is not.
        self.spare.is_none().then_some(BACK_OFF)
    }

    fn ears(&self) -> Vec<BorrowedFd<'_>> {
        self.children
            .iter()
            .map(|child| child.life.as_fd())
            .collect()
    }

    fn has_finished(&mut self) -> bool {
        self.reap();
        self.children.is_empty() // an ear hears it
    }

    fn force(&mut self) -> Vec<Peer> {
        for child in &mut self.children {
            let _ = kill(child.pid, Signal::SIGKILL);
            child.killed = true;
        }
        self.children
            .iter()
            .map(|child| child.peer.clone())
            .collect()
    }
}

/// A worker that lived shorter than this has not died of its work.
const SHORT_LIFE: Duration = Duration::from_secs(1);

/// How long the next worker waits after one with a short life, and at most.
const PAUSES: (Duration, Duration) =
    (Duration::from_millis(50), Duration::from_secs(5));

/// Keeps so many processes that run `body`, until the house is to stop; then lets them
/// come to their end.
///
/// # Errors
///
/// Where the first of them cannot be started, or the process has several threads.
pub(crate) fn prefork(
    house: &House,
    workers: usize,
    body: impl Fn(OwnedFd) -> io::Result<()>,
) -> io::Result<()> {
    alone()?;
    let core = &house.core;
    let (stop, running) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
    let mut children: HashMap<Pid, Child> = HashMap::new();
    let mut pause = PAUSES.0;
    let mut not_before: Option<Instant> = None;
    while !core.is_stopping() {
        let now = Instant::now();
        if not_before.is_some_and(|then| then <= now) {
            not_before = None;
        }
        while children.len() < workers.max(1) && not_before.is_none() {
            match worker(&children, &stop, &running, &body) {
                Ok(child) => drop(children.insert(child.pid, child)),
                Err(error) if children.is_empty() => return Err(error),
                Err(error) => {
                    house.failed(&nobody(), &Error::NoWorker(error));
                    not_before = Some(now + pause);
                }
            }
        }
        let left = not_before.map(|then| then.saturating_duration_since(now));
        core.waker.reset();
        if core.is_stopping() {
            break;
        }
        if wait(&ears(core, &children), left)? == Woken::Over {
            break;
        }
        for child in take_ended(&mut children) {
            let how = end(child.pid).unwrap_or_else(|| "ended".to_owned());
            house.failed(&child.peer, &Error::Died(how));
            if child.born.elapsed() < SHORT_LIFE {
                not_before = Some(Instant::now() + pause);
                pause = (pause * 2).min(PAUSES.1);
            } else {
                pause = PAUSES.0;
            }
        }
    }
    drop(running); // every worker sees the end of its pipe
    let until = from_now(house.config.drain);
    while !children.is_empty() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            for child in children.values() {
                let _ = kill(child.pid, Signal::SIGKILL);
                crate::handle::count(&core.counters.forced);
                house.failed(&child.peer, &Error::Forced(house.config.drain));
            }
        }
        core.waker.reset();
        let limit = (!left.is_zero()).then_some(left);
        wait(&ears(core, &children), limit)?;
        for child in take_ended(&mut children) {
            end(child.pid);
        }
    }
    Ok(())
}

fn worker(
    others: &HashMap<Pid, Child>,
    stop: &OwnedFd,
    running: &OwnedFd,
    body: impl FnOnce(OwnedFd) -> io::Result<()>,
) -> io::Result<Child> {
    let mut not_for_it = vec![running.as_raw_fd()];
    not_for_it.extend(others.values().map(|child| child.life.as_raw_fd()));
    let stop = stop.try_clone()?;
    start(nobody(), pipe()?, &not_for_it, || body(stop).is_ok())
}

fn ears<'a>(
    core: &'a Core,
    children: &'a HashMap<Pid, Child>,
) -> Vec<BorrowedFd<'a>> {
    let lives = children.values().map(|child| child.life.as_fd());
    iter::once(core.waker.as_fd()).chain(lives).collect()
}

fn take_ended(children: &mut HashMap<Pid, Child>) -> Vec<Child> {
    let ended = children.values().filter(|child| has_ended(&child.life));
    let ended: Vec<Pid> = ended.map(|child| child.pid).collect();
    ended
        .iter()
        .filter_map(|pid| children.remove(pid))
        .collect()
}

/// A worker serves many.
fn nobody() -> Peer {
    Peer {
        addr: Addr::Unnamed,
        local: Addr::Unnamed,
        id: 0,
    }
}
