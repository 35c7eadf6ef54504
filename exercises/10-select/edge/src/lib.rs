//! Exercise `select/edge`: told once.
//!
//! A server sends back in capitals (ASCII letters only) whatever bytes a caller
//! sends, to all callers at once, in one thread: you start neither a thread nor a
//! process. It waits by `epoll`, edge-triggered: the listener and every connection
//! are watched with `EPOLLET`, and the check looks into the kernel whether they are.
//!
//! - Whatever comes is sent back whole, also where much comes in one go and nothing
//!   after it, and also where the caller's end comes right behind it;
//! - callers that come in the same moment are all served;
//! - what a caller does not take yet waits in a queue, however long (no limit is
//!   asked for here), and goes when there is room; nobody else waits meanwhile;
//! - after a caller's end, and the last byte to it, its connection is closed;
//! - a caller that resets ends its own visit and nothing else;
//! - while there is nothing to do, the server sleeps;
//! - a wait may end with EINTR (`Interrupted`): epoll does so when a program is stopped
//!   and goes on, as by Ctrl-Z and `fg`. Then it waits again.
//!
//! The book has it in chapter 10, "Told once".

use std::io;
use std::net::TcpListener;

/// Serves all callers of `listener`, for ever.
///
/// Returns only when waiting or accepting itself has failed.
pub fn serve(listener: TcpListener) -> io::Result<()> {
    let _ = listener;
    todo!("wait for edges, and leave nothing behind")
}

#[cfg(test)]
pub(crate) fn check() -> checks_select::Check {
    checks_select::edge(serve)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
