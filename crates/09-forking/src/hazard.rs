//! `fork` where there are threads: a lock that nobody will ever open.

use std::io;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::look::{self, until};
use crate::process::{Fork, exit_now, fork_among_threads};

/// What was seen of the child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// How many threads the parent had when it forked.
    pub parent: usize,
    /// How many its child had.
    pub child: usize,
    /// Whether the child slept in futex(2), waiting for a lock, after the parent had
    /// opened its own.
    pub in_futex: bool,
}

// ANCHOR: lock
/// A thread holds a lock while another forks; the child wants the lock.
///
/// # Errors
///
/// If fork(2) fails, or there is no `/proc`.
pub fn a_lock_is_held() -> io::Result<Seen> {
    let log = Mutex::new(Vec::new());
    thread::scope(|scope| {
        let (held, is_held) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let log = &log;
        scope.spawn(move || {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.push("a thread writes something down");
            let _ = held.send(());
            let _ = released.recv(); // and takes its time
        });
        let _ = is_held.recv();
        let parent = look_at_threads(nix::unistd::getpid())?;
        let child = match fork_here()? {
            Fork::Parent(child) => child,
            Fork::Child => {
                // The memory is a copy, locked. The thread that would open it is not
                // in this process, and what the other one does is not seen here.
                drop(log.lock());
                exit_now(0)
            }
        };
        let _ = release.send(());
        // The parent's lock is free again.
        drop(log.lock());
        let seen = watch(child, parent);
        kill(child, Signal::SIGKILL)?;
        waitpid(child, None)?;
        seen
    })
}
// ANCHOR_END: lock

#[expect(unsafe_code, reason = "it is broken on purpose")]
fn fork_here() -> io::Result<Fork> {
    // SAFETY: none that POSIX would grant: the child locks a mutex. The standard
    // library's is a number that futex(2) sleeps on, and a copy of it in a state that
    // never changes makes the child sleep, which is what we want to see. It is killed.
    unsafe { fork_among_threads() }
}

fn look_at_threads(process: Pid) -> io::Result<usize> {
    Ok(std::fs::read_dir(format!("/proc/{process}/task"))?.count())
}

/// Waits until the child sleeps in futex(2), or has ended.
fn watch(child: Pid, parent: usize) -> io::Result<Seen> {
    let mut in_futex = false;
    until("the child to sleep or to end", || {
        let state = look::state(child)?;
        in_futex = state == 'S' && look::call(child) == Some(nix::libc::SYS_futex);
        Ok(in_futex || state == 'Z')
    })?;
    Ok(Seen {
        parent,
        child: look_at_threads(child)?,
        in_futex,
    })
}

/// The same with the lock taken before `fork`: whoever forks owns it, in both processes.
///
/// # Errors
///
/// As [`a_lock_is_held`].
pub fn the_lock_is_ours() -> io::Result<bool> {
    let log = Mutex::new(0);
    thread::scope(|scope| {
        let (stay, stays) = mpsc::channel::<()>();
        scope.spawn(move || stays.recv()); // so that there are two
        let mine = log.lock().unwrap_or_else(PoisonError::into_inner);
        let child = match fork_here()? {
            Fork::Parent(child) => child,
            Fork::Child => {
                drop(mine); // opened by the thread that locked it
                exit_now(u8::from(log.try_lock().is_err()))
            }
        };
        drop(mine);
        let end = waitpid(child, None)?;
        drop(stay);
        Ok(end == WaitStatus::Exited(child, 0))
    })
}
