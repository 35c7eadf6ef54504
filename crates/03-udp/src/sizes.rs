//! What the length of a datagram does.

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

use nix::sys::socket::{MsgFlags, recv};

use crate::socket;

// ANCHOR: sizes
/// Sends each of `messages`, then receives as many times into `room` bytes.
///
/// # Errors
///
/// If a socket cannot be made or used.
pub fn through(messages: &[&[u8]], room: usize) -> io::Result<Vec<Vec<u8>>> {
    let (from, to) = (socket()?, socket()?);
    for message in messages {
        from.send_to(message, to.local_addr()?)?;
    }
    messages.iter().map(|_| take(&to, room)).collect()
}

fn take(socket: &UdpSocket, room: usize) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; room];
    let length = socket.recv(&mut buffer)?;
    buffer.truncate(length);
    Ok(buffer)
}
// ANCHOR_END: sizes

// ANCHOR: trunc
/// How long the next datagram was, and what of it is there: with MSG_TRUNC, recv(2)
/// on Linux returns the length that was sent, not the one that was kept.
///
/// # Errors
///
/// If receiving fails.
pub fn take_and_tell(
    socket: &UdpSocket,
    room: usize,
) -> io::Result<(usize, Vec<u8>)> {
    let mut buffer = vec![0; room];
    let sent = recv(socket.as_raw_fd(), &mut buffer, MsgFlags::MSG_TRUNC)?;
    buffer.truncate(sent);
    Ok((sent, buffer))
}
// ANCHOR_END: trunc

/// Sends so many bytes.
///
/// # Errors
///
/// EMSGSIZE where they are more than a datagram carries.
pub fn send(length: usize) -> io::Result<usize> {
    let to = socket()?;
    socket()?.send_to(&vec![0; length], to.local_addr()?)
}
