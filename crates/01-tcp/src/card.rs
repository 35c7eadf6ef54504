//! Who is talking to whom: the addresses at both ends of a connection.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, RawFd};

// ANCHOR: card
/// One end of a connection, as the kernel knows it.
///
/// Two addresses and two ports, the *4-tuple*, tell a connection from every other.
/// The descriptor is our own number for it, as for an open file; another process may
/// use the same number for something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Card {
    /// The number that the system calls take.
    pub descriptor: RawFd,
    /// Our address and port.
    pub local: SocketAddr,
    /// The peer's address and port.
    pub remote: SocketAddr,
}

/// Reads the card of `stream`: `getsockname`, `getpeername`.
///
/// # Errors
///
/// `NotConnected` if the peer has reset the connection, among others.
pub fn card(stream: &TcpStream) -> io::Result<Card> {
    Ok(Card {
        descriptor: stream.as_raw_fd(),
        local: stream.local_addr()?,
        remote: stream.peer_addr()?,
    })
}
// ANCHOR_END: card

impl fmt::Display for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Card {
            descriptor,
            local,
            remote,
        } = self;
        write!(f, "descriptor {descriptor}: local {local}, remote {remote}")
    }
}
