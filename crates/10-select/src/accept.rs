//! Accepting without waiting.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use nix::errno::Errno;

/// A server that has no descriptor left looks again after this time, even if none of
/// its own clients leaves: somebody else may have taken the last one.
pub const RETRY: Duration = Duration::from_secs(1);

/// What `accept` said.
#[derive(Debug)]
pub enum Accepted {
    /// A client, whose stream does not block.
    Client(TcpStream, SocketAddr),
    /// Nobody waits any more.
    Nobody,
    /// Somebody waits, and there is no descriptor for them.
    Full(io::Error),
}

// ANCHOR: accept
/// Takes one client from the kernel's queue, if there is one.
///
/// A listener that was reported readable may be empty all the same: the client may
/// have reset its connection meanwhile, or another process may have taken it. So the
/// listener must not block either.
///
/// # Errors
///
/// If accepting itself is broken.
pub fn accept(listener: &TcpListener) -> io::Result<Accepted> {
    loop {
        let error = match listener.accept() {
            // Linux does not hand the listener's O_NONBLOCK on to the connection.
            Ok((stream, peer)) => match stream.set_nonblocking(true) {
                Ok(()) => return Ok(Accepted::Client(stream, peer)),
                Err(error) => error,
            },
            Err(error) => error,
        };
        match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::EAGAIN) => return Ok(Accepted::Nobody),
            Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM) => {
                return Ok(Accepted::Full(error));
            }
            _ if is_of_a_client(&error) => {} // the next one
            _ => return Err(error),
        }
    }
}
// ANCHOR_END: accept

/// Whether this error tells what became of a client while it waited (accept(2),
/// "Error handling").
fn is_of_a_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::Interrupted
            | ErrorKind::NetworkDown
            | ErrorKind::NetworkUnreachable
            | ErrorKind::HostUnreachable
    )
}

// ANCHOR: refuse
/// Tells a client that there is no room for it, and lets it go.
///
/// A few bytes always fit into the buffer of a new connection. What the client has
/// said already is read and dropped: closed with unread input, the connection would
/// be reset, and the client might never see the reason.
pub fn refuse(mut stream: TcpStream) {
    // The client may be gone; then it needs no reason.
    let _ = stream.write(b"no room here; come again later\n");
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.read(&mut [0; 16 << 10]);
}
// ANCHOR_END: refuse
