//! What the calls say when they may not wait.
//!
//! `set_nonblocking(true)` is one `ioctl` (FIONBIO), which sets O_NONBLOCK for the
//! open socket. From then on no call on it waits: what would have had to is answered
//! with EAGAIN, which std calls `WouldBlock`.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::{Domain, Socket, Type};

use crate::ANY_PORT;

/// What each call said, in order.
#[derive(Debug)]
pub struct Said {
    /// `accept`, with nobody there.
    pub accept: io::Error,
    /// `connect`, which has only begun.
    pub connect: io::Error,
    /// SO_ERROR once the socket was writable; nothing is success.
    pub connected: Option<io::Error>,
    /// `read`, with nothing there.
    pub read: io::Error,
    /// How many bytes went before a `write` said that there is no room.
    pub written: usize,
    /// What it said then.
    pub write: io::Error,
    /// `connect` to a port at which nobody listens, which has only begun, too.
    pub in_vain: io::Error,
    /// SO_ERROR once that socket was writable.
    pub refused: Option<io::Error>,
}

// ANCHOR: connect
/// Begins to connect, and waits until that has come to an end, good or bad.
///
/// Tells what `connect` said, and SO_ERROR behind it. A socket that is writable is
/// connected *or* has failed; SO_ERROR says which, once.
///
/// # Errors
///
/// If there is no socket to be had, or the wait fails.
pub fn connect(
    addr: SocketAddr,
) -> io::Result<(Socket, Option<io::Error>, Option<io::Error>)> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    let said = socket.connect(&addr.into()).err(); // EINPROGRESS
    let mut wait = [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
    poll(&mut wait, PollTimeout::NONE)?;
    let outcome = socket.take_error()?; // getsockopt SO_ERROR
    Ok((socket, said, outcome))
}
// ANCHOR_END: connect

/// Asks each call for what it cannot do at once.
///
/// # Errors
///
/// If a call fails in another way, or does not fail.
pub fn ask_all() -> io::Result<Said> {
    let listener = TcpListener::bind(ANY_PORT)?;
    listener.set_nonblocking(true)?;
    let accept = refused_by("accept", listener.accept().map(drop))?;

    let (mut client, said, connected) = connect(listener.local_addr()?)?;
    let at_once = || io::Error::other("done at once");
    let read = refused_by("read", client.read(&mut [0; 1]).map(drop))?;

    let mut written = 0;
    let write = loop {
        match client.write(&[0; 64 << 10]) {
            Ok(length) => written += length,
            Err(error) => break refused_by("write", Err(error))?,
        }
    };

    // A port that was ours a moment ago, and at which nobody listens now.
    let nobody = TcpListener::bind(ANY_PORT)?.local_addr()?;
    let (_, in_vain, refused) = connect(nobody)?;
    Ok(Said {
        accept,
        connect: said.unwrap_or_else(at_once),
        connected,
        read,
        written,
        write,
        in_vain: in_vain.unwrap_or_else(at_once),
        refused,
    })
}

fn refused_by(call: &str, result: io::Result<()>) -> io::Result<io::Error> {
    match result {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(error),
        Err(error) => Err(error),
        Ok(()) => Err(io::Error::other(format!("{call} has not said WouldBlock"))),
    }
}
