//! Exercise `select/idle`: a time for each caller.
//!
//! A server sends back in capitals (ASCII letters only) whatever bytes a caller
//! sends, to all callers at once, in one thread: you start neither a thread nor a
//! process. Who is silent has to go:
//!
//! - a caller from whom no byte has come for `patience` is let go: its connection is
//!   closed, with a FIN;
//! - the time begins when the caller comes, and anew with each byte from it: who says
//!   a word now and then stays as long as it likes;
//! - nobody goes before its time;
//! - between two events the server sleeps, until something comes or until the next
//!   caller's time is over, and not in small steps: with an hour of `patience` it
//!   sleeps for an hour;
//! - after a caller's end its connection is closed; a caller that resets ends its own
//!   visit and nothing else.
//!
//! The callers of this exercise read what they get, and send little at a time.
//!
//! The book has it in chapter 10, "Time is an event, too".

use std::io;
use std::net::TcpListener;
use std::time::Duration;

/// Serves all callers of `listener`, for ever, and lets go who is silent for
/// `patience`.
///
/// Returns only when waiting or accepting itself has failed.
pub fn serve(listener: TcpListener, patience: Duration) -> io::Result<()> {
    let _ = (listener, patience);
    todo!("wait for bytes, and for the first caller whose time is over")
}

#[cfg(test)]
pub(crate) fn check() -> checks_select::Check {
    checks_select::idle(serve)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
