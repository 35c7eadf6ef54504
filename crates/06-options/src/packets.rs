//! Three types of local sockets, and what they do with two messages.

use std::io::{self, IoSliceMut};
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recvmsg, send};
use socket2::{Domain, Socket, Type};

/// What a pair of sockets did with two messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// The type of the pair.
    pub kind: &'static str,
    /// What the reads brought, and whether something did not fit.
    pub reads: Vec<(String, bool)>,
}

// ANCHOR: pair
/// Sends `good morning` and `again`, closes, and reads with room for 8 bytes until
/// there is no more.
///
/// # Errors
///
/// If this system has no such pair.
pub fn two_messages(kind: Type) -> io::Result<Vec<(String, bool)>> {
    let (here, there) = Socket::pair(Domain::UNIX, kind, None)?; // socketpair(2)
    for message in ["good morning", "again"] {
        send(here.as_raw_fd(), message.as_bytes(), MsgFlags::empty())?;
    }
    drop(here);
    let mut reads = Vec::new();
    loop {
        match read(&there, 8) {
            Ok((bytes, _)) if bytes.is_empty() => return Ok(reads),
            Ok((bytes, cut)) => {
                reads.push((bytes.escape_ascii().to_string(), cut));
            }
            // A datagram socket has no end: there is no message now.
            Err(Errno::EAGAIN | Errno::ECONNRESET) => return Ok(reads),
            Err(error) => return Err(error.into()),
        }
    }
}

/// One `recvmsg`: the bytes, and whether the message was longer (MSG_TRUNC).
fn read(socket: &Socket, room: usize) -> nix::Result<(Vec<u8>, bool)> {
    let mut bytes = vec![0; room];
    let mut parts = [IoSliceMut::new(&mut bytes)];
    let flags = MsgFlags::MSG_DONTWAIT; // everything was sent before
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut parts, None, flags)?;
    let (length, flags) = (message.bytes, message.flags);
    bytes.truncate(length);
    Ok((bytes, flags.contains(MsgFlags::MSG_TRUNC)))
}
// ANCHOR_END: pair

/// All three types.
///
/// # Errors
///
/// If this system lacks one of them.
pub fn all() -> io::Result<Vec<Story>> {
    let types = [
        ("SOCK_STREAM", Type::STREAM),
        ("SOCK_DGRAM", Type::DGRAM),
        ("SOCK_SEQPACKET", Type::SEQPACKET),
    ];
    let story =
        |(name, kind)| two_messages(kind).map(|reads| Story { kind: name, reads });
    types.into_iter().map(story).collect()
}

/// What a read of an empty packet returns, and what one at the end of the connection.
///
/// # Errors
///
/// If this system has no SEQPACKET.
pub fn empty_and_end() -> io::Result<(usize, usize)> {
    let (here, there) = Socket::pair(Domain::UNIX, Type::SEQPACKET, None)?;
    send(here.as_raw_fd(), b"", MsgFlags::empty())?;
    let (empty, _) = read(&there, 8)?;
    drop(here);
    let (end, _) = read(&there, 8)?;
    Ok((empty.len(), end.len()))
}
