//! Exercise `threads/drain`: told to stop, with callers in the house.
//!
//! A server serves every caller on a thread: it sends back in capitals whatever comes,
//! until the caller ends its side. Then it is told to stop. In a program that would be
//! Ctrl-C; here it is a message in a channel. From then on
//!
//! - no further caller is served;
//! - those that are there are served on, each to its end;
//! - when the last has left, or when a time limit is over, the function returns, and
//!   says who was left.
//!
//! A thread that waits in `accept` or in `read` does not look at channels. `join` has
//! no time limit. Both can be got round.
//!
//! The book has it in chapter 8, "Stopping in good order".

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// Serves all callers at once until `stop` brings its message; then drains.
///
/// Draining takes until the last caller has left, and `limit`, counted from the message
/// on, at most. Returned are the addresses of the callers that were still there when
/// the limit was over, in any order; none where all have left before. A caller that has
/// ended its side or whose connection has broken has left.
///
/// When this returns, nobody listens at the port, and the connections of those that
/// were left are ended. The letters a to z become capitals (`to_ascii_uppercase`). One
/// caller's error ends its own visit only. While nobody speaks, no processor time is
/// used (to look around every few milliseconds is not forbidden).
pub fn serve(
    listener: TcpListener,
    stop: Receiver<()>,
    limit: Duration,
) -> io::Result<Vec<SocketAddr>> {
    let _ = (listener, stop, limit);
    todo!("serve; on the message accept no more, and wait, but not for ever")
}

#[cfg(test)]
pub(crate) fn check() -> checks_threads::Check {
    checks_threads::drain(serve)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
