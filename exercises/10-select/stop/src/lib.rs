//! Exercise `select/stop`: how to wake somebody who waits for sockets.
//!
//! A server sends back in capitals (ASCII letters only) whatever bytes a caller
//! sends, to all callers at once. What a caller does not take yet waits in a queue of
//! its own, however long (no limit is asked for here). It can be stopped by a
//! function:
//!
//! - the function may be called from any thread, also before `serve` first waits,
//!   also many times (tens of thousands), also when the server is over; it never
//!   blocks and never panics;
//! - once it was called, the server takes no new caller and reads no more; a caller
//!   with an empty queue is let go at once, one with a queue when all of it is sent;
//! - then `serve` returns `Ok(())`;
//! - until it was called, the server sleeps while there is nothing to do, for as long
//!   as there is nothing to do, and not in small steps.
//!
//! A caller that resets ends its own visit and nothing else. The book has it in
//! chapter 10, "Who wakes the one who waits".

use std::io;
use std::net::TcpListener;

/// What stops a server.
pub type Stop = Box<dyn Fn() + Send + Sync>;

/// Serves all callers of `listener` until it is stopped.
///
/// Calls `ready` once, before it first waits, with the function that stops it.
pub fn serve(listener: TcpListener, ready: &dyn Fn(Stop)) -> io::Result<()> {
    let _ = (listener, ready);
    todo!("a descriptor more in the list, and somebody who writes into it")
}

#[cfg(test)]
pub(crate) fn check() -> checks_select::Check {
    checks_select::stop(serve)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
