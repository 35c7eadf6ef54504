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
// BEGIN SOLUTION
use std::io::ErrorKind;
// END SOLUTION
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;
// BEGIN SOLUTION
use std::time::Instant;

use socket2::{Domain, Protocol, Socket, Type};
// END SOLUTION

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
    // BEGIN SOLUTION
    let start = Instant::now();
    let mut kind = ErrorKind::InvalidInput;
    let mut told = String::from("no connection");
    for &address in addresses {
        let left = total.saturating_sub(start.elapsed());
        if left.is_zero() {
            kind = ErrorKind::TimedOut;
            told += "; no time is left";
            break;
        }
        match connect(address, each.min(left), source) {
            Ok(stream) => return Ok(stream),
            Err(error) => {
                kind = error.kind();
                told += &format!("; {address}: {error}");
            }
        }
    }
    Err(io::Error::new(kind, told))
    // STUB let _ = (addresses, each, total, source);
    // STUB todo!("try each address, and keep what went wrong")
    // END SOLUTION
}
// BEGIN SOLUTION

fn connect(
    address: SocketAddr,
    limit: Duration,
    source: Option<IpAddr>,
) -> io::Result<TcpStream> {
    let family = Domain::for_address(address);
    let socket = Socket::new(family, Type::STREAM, Some(Protocol::TCP))?;
    if let Some(source) = source {
        socket.bind(&SocketAddr::new(source, 0).into())?;
    }
    socket.connect_timeout(&address.into(), limit)?;
    Ok(socket.into())
}
// END SOLUTION

#[cfg(test)]
pub(crate) fn check() -> checks_names::Check {
    checks_names::dial(dial)
}
