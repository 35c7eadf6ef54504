//! Exercise `forking/prefork`: workers that are there before anybody calls.
//!
//! A process that forks when a caller comes lets the caller wait for it. Here the parent
//! forks `workers` processes first. All of them accept at the same listener, and each
//! talks to one caller after another. The parent accepts nobody; it
//!
//! - replaces a worker that has ended, however it did: by a signal, or with any code, 0
//!   included, and also when several end at once. It need not wait before it does so;
//! - leaves no zombies, and sleeps while nothing happens;
//! - returns `Ok(())` after SIGTERM, which only the parent gets. By then no worker is left,
//!   collected or not, and nobody listens at the port. Callers that are being served at
//!   that moment may be cut off, or may be served to their end.
//!
//! `SigSet::wait` of nix waits for one of several signals, if they are blocked: block them
//! before you fork, or one that comes early is lost. A child inherits what is blocked.
//!
//! A worker calls `talk` for each caller and goes on when it returns; what it returns does
//! not matter here. Start no thread.
//!
//! The book has it in chapter 9, "Workers that are there before".

use std::io;
use std::net::{TcpListener, TcpStream};

use nix::unistd::ForkResult;

/// Keeps `workers` processes that serve callers at `listener`, until SIGTERM.
pub fn serve(
    listener: TcpListener,
    workers: usize,
    talk: fn(TcpStream) -> u8,
) -> io::Result<()> {
    let _ = (listener, workers, talk);
    todo!("fork the workers, keep their number, and leave none behind")
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
    checks_forking::prefork(serve)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
