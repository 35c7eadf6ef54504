//! Exercise `select/lines`: many callers, one thread, and half a line.
//!
//! A server that sends each line back in capitals (ASCII letters only; all other
//! bytes as they are), each with its newline. Callers come and go at any time, and
//! all are served at once:
//!
//! - in one thread: you start neither a thread nor a process;
//! - while a caller is silent, or in the middle of a line, the others are answered;
//! - lines that arrive together are all answered, at once and in order;
//! - a last line without its newline is answered too, with a newline, once the caller
//!   has ended its side; after that the connection is closed;
//! - a caller that hangs up or resets ends its own visit and nothing else;
//! - while nobody says a word, the server sleeps.
//!
//! The callers of this exercise read their answers, and some five hundred short lines
//! at once are the most that you get from one: whether a write may block is the
//! matter of the next exercise. `poll` of the crate `nix` is there for you; `select`
//! and `epoll` do as well.
//!
//! The book has it in chapter 10, "One client as a state machine".

use std::io;
use std::net::TcpListener;

/// Serves all callers of `listener`, for ever.
///
/// Returns only when waiting or accepting itself has failed.
pub fn serve(listener: TcpListener) -> io::Result<()> {
    let _ = listener;
    todo!("wait for all callers at once, and keep what each has begun")
}

#[cfg(test)]
pub(crate) fn check() -> checks_select::Check {
    checks_select::lines(serve)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
