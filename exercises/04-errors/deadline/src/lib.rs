//! Exercise `errors/deadline`: one limit for the whole reply.
//!
//! A server says something to whoever connects, and ends. Return what it said, if it
//! is all there in time. In time means: `limit` after the call of this function,
//! whatever the server does until then. It may not accept, it may be silent, and it
//! may send a byte now and then, so that no single read ever waits for long.
//!
//! The book has it in chapter 4, "A deadline for the whole".

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// Connects to `server` and returns all that it says until it ends the connection: any
/// bytes, and any number of them.
///
/// When `limit` has passed and the reply is not complete, it is an error of the kind
/// [`io::ErrorKind::TimedOut`], whichever call was waiting then; what has come so far
/// is dropped. A limit of zero has passed at once. Any other error of the connection
/// is returned as it is.
pub fn fetch(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    let _ = (server, limit);
    todo!("connect and read, each for as long as there is time left")
}

#[cfg(test)]
pub(crate) fn check() -> checks_errors::Check {
    checks_errors::deadline(fetch)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
