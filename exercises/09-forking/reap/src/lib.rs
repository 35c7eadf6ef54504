//! Exercise `forking/reap`: no zombies.
//!
//! A server that forks for each caller, as in `forking/serve`, and that collects every
//! child that has ended:
//!
//! - a child that has ended is collected soon, also while nobody calls;
//! - when many end at once, all of them are collected, and signals do not queue: ten
//!   ends may be one SIGCHLD;
//! - nobody waits for a child that is still at work: other callers come, and leave,
//!   meanwhile;
//! - a call that a signal has interrupted (EINTR) is no reason to end, and how a child
//!   ended is no reason either: some crash;
//! - a server that nobody calls uses no processor. To look ten times a second whether
//!   something has happened is allowed, to be told is better.
//!
//! The rules of `forking/serve` hold as well: the caller sees its end, children end and
//! do not come back.
//!
//! There are several ways. `nix` has signalfd(2) (`nix::sys::signalfd`), poll(2)
//! (`nix::poll`), `sigaction` and `waitpid`. Start no thread: [`fork`] will not have it.
//!
//! The book has it in chapter 9, "Signals do not queue".

use std::io;
use std::net::{TcpListener, TcpStream};

use nix::unistd::ForkResult;

/// Serves each caller in a child process whose exit code is what `talk` returns, and
/// collects the children, until accepting itself fails.
pub fn serve(listener: TcpListener, talk: fn(TcpStream) -> u8) -> io::Result<()> {
    let _ = (listener, talk);
    todo!("serve as before, and be woken when a child ends")
}

// What follows is given: the two calls that have no safe form.

/// fork(2). The process that calls it has one thread: otherwise its child would not be
/// sound, and this panics.
#[allow(unsafe_code, reason = "fork has no safe form")]
pub fn fork() -> io::Result<ForkResult> {
    let threads = std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    assert_eq!(threads, 1, "a process that forks here must have one thread");
    // SAFETY: no other thread is there that could hold a lock which the child would
    // then find closed for ever. Where there is no /proc to count them, start none.
    Ok(unsafe { nix::unistd::fork() }?)
}

/// `_exit(2)`: ends this process at once, with this code.
#[allow(unsafe_code, reason = "libc declares it like any C function")]
pub fn exit_now(code: u8) -> ! {
    // SAFETY: it takes a number and does not return.
    unsafe { nix::libc::_exit(code.into()) }
}

#[cfg(test)]
pub(crate) fn check() -> checks_forking::Check {
    checks_forking::reap(serve)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
