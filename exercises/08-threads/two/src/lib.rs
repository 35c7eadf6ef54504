//! Exercise `threads/two`: two callers at once, and two hundred.
//!
//! A server sends back in capitals whatever a caller sends, piece by piece as it comes,
//! until the caller ends its side; then it ends the connection. You have written that
//! loop before. Here no caller waits for another: neither for one that says nothing,
//! nor for one that does not read.
//!
//! A server runs for months. Whatever it keeps of a caller that has left adds up: a
//! descriptor, a thread, and also a `JoinHandle`. The handle of a thread that has ended
//! keeps the memory of its stack, until it is joined or dropped.
//!
//! The book has it in chapter 8, "A thread for each caller".

use std::io;
use std::net::TcpListener;

/// Serves all callers at once until accepting itself fails.
///
/// The letters a to z become capitals (`to_ascii_uppercase`), other bytes stay. A
/// caller whose connection breaks ends its own visit, and nothing else. When all
/// callers have left, the process has as many descriptors and threads as before they
/// came, and nothing is left of the threads that have ended. While nobody speaks, it
/// uses no processor time.
pub fn serve(listener: TcpListener) -> io::Result<()> {
    let _ = listener;
    todo!("a thread for each caller")
}

#[cfg(test)]
pub(crate) fn check() -> checks_threads::Check {
    checks_threads::two(serve)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
