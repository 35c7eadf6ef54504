//! The calls that have no safe form, each with the condition under which it is sound,
//! and a safe function around it that sees to the condition.

use std::io;

use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::{ForkResult, Pid};

/// Which of the two processes goes on here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fork {
    /// The one that called; this is its new child.
    Parent(Pid),
    /// The child. It has copies of all that the parent had.
    Child,
}

// ANCHOR: fork
/// fork(2): one process calls, two return.
///
/// # Errors
///
/// EAGAIN where a limit on processes is reached, ENOMEM; and where this process has
/// more threads than one, or they cannot be counted: that would not be sound.
#[expect(unsafe_code, reason = "fork has no safe form")]
pub fn fork() -> io::Result<Fork> {
    let count = threads()?;
    if count != 1 {
        let why = format!("a process of {count} threads must not fork here");
        return Err(io::Error::other(why));
    }
    // SAFETY: the child is a whole program only if the thread that calls is the only
    // one: no lock is held by a thread that the child does not have. That has been
    // looked at, and nobody else is there who could start one meanwhile.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok(Fork::Parent(child)),
        ForkResult::Child => Ok(Fork::Child),
    }
}
// ANCHOR_END: fork

/// How many threads this process has.
///
/// # Errors
///
/// Where there is no `/proc`, nobody tells.
pub fn threads() -> io::Result<usize> {
    let path = "/proc/self/task";
    let entries = std::fs::read_dir(path).map_err(|error| {
        let why = format!("cannot count the threads in {path}: {error}");
        io::Error::new(error.kind(), why)
    })?;
    Ok(entries.count())
}

/// [`fork`] without the look at the threads, for those who want to see what happens.
///
/// # Errors
///
/// As fork(2).
///
/// # Safety
///
/// Where there are other threads, the child may call nothing but async-signal-safe
/// functions (signal-safety(7)) until it calls one of the exec family or `_exit`.
#[expect(unsafe_code, reason = "fork has no safe form")]
pub unsafe fn fork_among_threads() -> io::Result<Fork> {
    // SAFETY: the caller's.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok(Fork::Parent(child)),
        ForkResult::Child => Ok(Fork::Child),
    }
}

// ANCHOR: exit_now
/// `_exit(2)`: ends this process at once. No buffer is flushed and nothing is dropped;
/// the kernel closes what is open.
#[expect(unsafe_code, reason = "libc declares it like any C function")]
pub fn exit_now(code: u8) -> ! {
    // SAFETY: it takes a number and does not return.
    unsafe { nix::libc::_exit(code.into()) }
}
// ANCHOR_END: exit_now

/// Ignores SIGCHLD: the kernel keeps no zombies for a parent that does not want to know
/// (wait(2), NOTES).
///
/// # Errors
///
/// None on the systems that we know.
#[expect(unsafe_code, reason = "a signal's action has no safe form")]
pub fn ignore_the_ends_of_children() -> io::Result<()> {
    // SAFETY: no handler is installed that could run in the middle of something else.
    unsafe { signal(Signal::SIGCHLD, SigHandler::SigIgn) }?;
    Ok(())
}
