//! Exercise `tcp/greeting`: a client that hears the server out.
//!
//! A server greets whoever connects, in a line or in many, and ends the connection
//! when it has said all. Write the client: connect, and return the whole greeting.
//!
//! The server may send its greeting in one piece or in many, as the network likes:
//! what tells you that you have all of it is the end.
//!
//! The book has it in chapter 1, "The end of input".

use std::io;
use std::net::SocketAddr;

/// Connects to `server` and returns all that it says until it ends the connection.
///
/// An error of the connection is returned, and so is a greeting that is no UTF-8
/// text ([`io::ErrorKind::InvalidData`]).
pub fn greeting(server: SocketAddr) -> io::Result<String> {
    let _ = server;
    todo!("connect, read to the end, return what came")
}

#[cfg(test)]
pub(crate) fn check() -> checks_tcp::Check {
    checks_tcp::greeting(greeting)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
