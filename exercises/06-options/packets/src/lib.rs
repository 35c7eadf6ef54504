//! Exercise `options/packets`: packets over a pair of sockets.
//!
//! Two processes talk over a socket pair of the type SOCK_SEQPACKET: a connection that
//! keeps the boundaries of messages. One call sends a packet, one call receives it,
//! and both sides have agreed that a packet has from 1 to 1024 bytes.
//!
//! The socket comes as a borrowed descriptor: `nix::sys::socket` and
//! `socket2::SockRef` both work with it.
//!
//! The book has it in chapter 6, "Packets on a connection".

use std::io;
use std::os::fd::BorrowedFd;

/// The longest packet, in bytes.
pub const MAX: usize = 1024;

/// Sends `packet` as one packet.
///
/// An empty one, which the other side would take for the end, and one of more than
/// [`MAX`] bytes are errors of the kind [`io::ErrorKind::InvalidInput`], and nothing is
/// sent. Where the other end is closed, the error is `BrokenPipe`, the kernel's own.
pub fn send(socket: BorrowedFd<'_>, packet: &[u8]) -> io::Result<()> {
    let _ = (socket, packet);
    todo!("look at its length, then send it with one call")
}

/// Receives one packet, and waits for it if there is none yet; `None` at the end of the
/// connection.
///
/// A packet of more than [`MAX`] bytes is an error of the kind
/// [`io::ErrorKind::InvalidData`]; the next call returns the packet behind it.
pub fn receive(socket: BorrowedFd<'_>) -> io::Result<Option<Vec<u8>>> {
    let _ = socket;
    todo!("one call; notice the end, and what did not fit")
}

#[cfg(test)]
pub(crate) fn check() -> checks_options::Check {
    checks_options::packets(send, receive)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
