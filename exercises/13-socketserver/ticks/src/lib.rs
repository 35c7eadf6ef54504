//! Exercise `socketserver/ticks`: figures now and then.
//!
//! CPython calls `service_actions` each time its loop comes round, which is twice a
//! second or after a caller. Here a tick has its time, and the loop sleeps until then.
//!
//! The book has it in chapter 13, "A tick".

use std::io;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// How many callers there have been so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Those for whom `handle` returned `Ok`.
    pub well: u64,
    /// Those for whom it returned an error.
    pub not: u64,
}

/// Serves callers, one after another, by `handle`, and calls `tick` about every so often
/// with the figures so far, until `tick` returns `false`; then returns `Ok`.
///
/// - A caller with whom it fails ends nothing: the next is served.
/// - The first tick comes when `every` has passed, and each further one `every` after the
///   one before, or later if a caller is served just then; never sooner (a few
///   milliseconds aside). A tick that was missed is not made up for.
/// - Ticks come whether callers come or not.
/// - All of it happens in the thread that called. While there is nothing to do it sleeps.
pub fn serve(
    listener: TcpListener,
    every: Duration,
    handle: &mut dyn FnMut(TcpStream) -> io::Result<()>,
    tick: &mut dyn FnMut(Stats) -> bool,
) -> io::Result<()> {
    let _ = (listener, every, handle, tick);
    todo!("a loop that waits for a caller or the next tick")
}

#[cfg(test)]
pub(crate) fn check() -> checks_socketserver::Check {
    checks_socketserver::ticks(|listener, every, handle, tick| {
        serve(listener, every, handle, &mut |stats| {
            tick(stats.well, stats.not)
        })
    })
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
