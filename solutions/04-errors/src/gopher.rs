//! Exercise `errors/gopher`: a client that can say what went wrong.
//!
//! Gopher (RFC 1436) is the simplest way there is to fetch a page. The client
//! connects and sends a *selector*, the page's name, and CRLF. The server sends the
//! page, then a last line that is a period alone, and ends the connection:
//!
//! ```text
//! client: /welcome\r\n
//! server: Welcome to the burrow.\r\n
//! server: .\r\n
//! ```
//!
//! Six things may go wrong on the way, one after another, and whoever calls `fetch`
//! does something else about each: correct a name, start a server, try again, wait
//! longer, throw away half a page, correct a selector. [`Failure`] has a name for
//! each; return the right one.
//!
//! The book has it in chapter 4, "Stages".

// BEGIN SOLUTION
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
// END SOLUTION
use std::time::Duration;
use std::{fmt, io};

/// Why there is no page.
#[derive(Debug)]
pub enum Failure {
    /// The host's name has no address.
    Name(io::Error),
    /// Nobody listens there.
    Refused(io::Error),
    /// The other side has broken the connection off.
    Reset(io::Error),
    /// No connection, or no byte, for as long as we were ready to wait.
    TimedOut,
    /// The connection ended in good order, but before the last line.
    Truncated,
    /// There is no such page.
    NotFound,
    /// Anything else.
    Other(io::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Name(error) => write!(f, "the name has no address: {error}"),
            Failure::Refused(_) => write!(f, "nobody listens there"),
            Failure::Reset(_) => write!(f, "the connection was broken off"),
            Failure::TimedOut => write!(f, "nothing came in time"),
            Failure::Truncated => write!(f, "the page has no last line"),
            Failure::NotFound => write!(f, "there is no such page"),
            Failure::Other(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Failure {}

/// Fetches the page `selector` from `host`, which is a name or an address.
///
/// Returned is all that stands before the last line, as it came. The last line is one
/// that consists of a period and CRLF; a period at the end of another line is text.
/// (Other lines that begin with a period do not occur here.) A page may come in any
/// pieces, may be empty, and need not be text.
///
/// A server that has no such page sends, in place of one, a line that begins with the
/// digit 3 and has the words `does not exist` in it, and then the last line. Pages
/// neither begin with a 3 nor contain these words.
///
/// Each step may wait for as long as `patience`, and no longer: the connection, one
/// read, one write.
pub fn fetch(
    host: &str,
    port: u16,
    selector: &str,
    patience: Duration,
) -> Result<Vec<u8>, Failure> {
    // BEGIN SOLUTION
    let mut stream = dial(host, port, patience)?;
    stream.set_read_timeout(Some(patience)).map_err(stage)?;
    stream.set_write_timeout(Some(patience)).map_err(stage)?;
    let request = format!("{selector}\r\n");
    stream.write_all(request.as_bytes()).map_err(stage)?;
    let mut page = Vec::new();
    stream.read_to_end(&mut page).map_err(stage)?;

    let Some(text) = page.strip_suffix(b".\r\n") else {
        return Err(Failure::Truncated);
    };
    if !text.is_empty() && !text.ends_with(b"\r\n") {
        return Err(Failure::Truncated); // the period ended a line, not the page
    }
    if text.starts_with(b"3") {
        return Err(Failure::NotFound);
    }
    Ok(text.to_vec())
    // STUB let _ = (host, port, selector, patience);
    // STUB todo!("look the name up, connect, ask, read, and say where it failed")
    // END SOLUTION
}
// BEGIN SOLUTION

/// A connection to the first of the name's addresses that takes the call.
fn dial(host: &str, port: u16, patience: Duration) -> Result<TcpStream, Failure> {
    let mut last = Failure::Name(io::Error::other("a name without an address"));
    for address in (host, port).to_socket_addrs().map_err(Failure::Name)? {
        match TcpStream::connect_timeout(&address, patience) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = stage(error),
        }
    }
    Err(last)
}

/// What an error of the connection means.
fn stage(error: io::Error) -> Failure {
    match error.kind() {
        ErrorKind::ConnectionRefused => Failure::Refused(error),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Failure::Reset(error),
        // `connect_timeout` says TimedOut; a read or a write says WouldBlock.
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Failure::TimedOut,
        _ => Failure::Other(error),
    }
}
// END SOLUTION

#[cfg(test)]
pub(crate) fn check() -> checks_errors::Check {
    checks_errors::gopher(fetch)
}
