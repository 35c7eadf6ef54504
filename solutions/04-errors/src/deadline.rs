//! Exercise `errors/deadline`: one limit for the whole reply.
//!
//! A server says something to whoever connects, and ends. Return what it said, if it
//! is all there in time. In time means: `limit` after the call of this function,
//! whatever the server does until then. It may not accept, it may be silent, and it
//! may send a byte now and then, so that no single read ever waits for long.
//!
//! The book has it in chapter 4, "A deadline for the whole".

// BEGIN SOLUTION
use std::io::{ErrorKind, Read};
use std::net::TcpStream;
// END SOLUTION
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
// BEGIN SOLUTION
use std::time::Instant;
// END SOLUTION

/// Connects to `server` and returns all that it says until it ends the connection: any
/// bytes, and any number of them.
///
/// When `limit` has passed and the reply is not complete, it is an error of the kind
/// [`io::ErrorKind::TimedOut`], whichever call was waiting then; what has come so far
/// is dropped. A limit of zero has passed at once. Any other error of the connection
/// is returned as it is.
pub fn fetch(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    // BEGIN SOLUTION
    let deadline = Instant::now() + limit;
    let mut stream = TcpStream::connect_timeout(&server, left(deadline)?)?;
    let mut reply = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        stream.set_read_timeout(Some(left(deadline)?))?;
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(reply),
            Ok(read) => reply.extend_from_slice(&buffer[..read]),
            // On Unix a read that has waited long enough says WouldBlock. The next
            // look at the clock decides.
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    // STUB let _ = (server, limit);
    // STUB todo!("connect and read, each for as long as there is time left")
    // END SOLUTION
}
// BEGIN SOLUTION

/// How much time there is until `deadline`; never zero, which no call takes for a
/// limit.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(ErrorKind::TimedOut.into());
    }
    Ok(left)
}
// END SOLUTION

#[cfg(test)]
pub(crate) fn check() -> checks_errors::Check {
    checks_errors::deadline(fetch)
}
