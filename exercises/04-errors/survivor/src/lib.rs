//! Exercise `errors/survivor`: a server that outlives its callers.
//!
//! The server sends back in capitals whatever a caller sends, piece by piece as it
//! comes, until the caller ends its side; then it ends the connection, and it is the
//! next caller's turn. That is the easy part. Its callers:
//!
//! - one resets the connection, while it is waited for or while it is answered;
//! - one sends a question and has closed before the answer comes;
//! - one sends megabytes and never reads an answer;
//! - one connects and says nothing at all.
//!
//! After each of them the next caller has to be served as if nothing had happened.
//!
//! The book has it in chapter 4, "A limit for read and write".

use std::io;
use std::net::TcpListener;
use std::time::Duration;

/// Serves callers until accepting itself fails.
///
/// The letters a to z become capitals (`to_ascii_uppercase`), other bytes stay. A
/// caller that sends nothing for as long as `patience`, or that takes nothing of what
/// it is sent for so long, has to go: the connection with it is closed. One that speaks
/// again before that may stay, however long it stays in all.
pub fn serve(listener: TcpListener, patience: Duration) -> io::Result<()> {
    let _ = (listener, patience);
    todo!("serve callers, and let no one of them stop the others")
}

#[cfg(test)]
pub(crate) fn check() -> checks_errors::Check {
    checks_errors::survivor(serve)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
