//! Exercise `names/dial`: one connection out of many addresses.
//!
//! A name has several addresses, and not all of them need answer: one refuses, at
//! another nobody says a word. Try them one after another, in their order, and return
//! the first connection that comes about; the addresses behind it are not called.
//!
//! Python has this as `socket.create_connection`.
//!
//! The book has it in chapter 5, "All the addresses".

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

/// Connects to the first of `addresses` that answers.
///
/// An attempt is given up after `each` and not before, unless `total`, the time for all
/// of them together, is over. With a `source`, the connection comes from that address, at a port that the
/// kernel chooses; an address that cannot be called from there, because it is of the
/// other family, is an attempt that failed.
///
/// If every attempt fails, the error has the kind of the last one's, and its text names
/// every address that was tried, as `Display` puts it. If `total` is over first, the
/// kind is [`io::ErrorKind::TimedOut`], and no further address is called. Without any
/// address it is [`io::ErrorKind::InvalidInput`].
///
/// What is returned is an ordinary blocking stream.
pub fn dial(
    addresses: &[SocketAddr],
    each: Duration,
    total: Duration,
    source: Option<IpAddr>,
) -> io::Result<TcpStream> {
    let _ = (addresses, each, total, source);
    todo!("try each address, and keep what went wrong")
}

#[cfg(test)]
pub(crate) fn check() -> checks_names::Check {
    checks_names::dial(dial)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
