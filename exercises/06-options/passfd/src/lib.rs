//! Exercise `options/passfd`: a connection for another process.
//!
//! One process accepts callers and hands each connection to another process, a worker,
//! over a local socket: as a descriptor, with SCM_RIGHTS (`sendmsg`, `recvmsg`).
//!
//! `nix::sys::socket` has both calls. It tells a received descriptor as a number;
//! `OwnedFd::from_raw_fd` makes something of it that is closed when it is dropped, and
//! is `unsafe`, for it has to be told the truth: that the number is open and nobody
//! else's.
//!
//! The book has it in chapter 6, "A descriptor for another process".

use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;

/// Accepts one caller, the one that has waited longest, and sends its connection to
/// `worker`: one descriptor, beside at least one byte of any value. Then it returns.
///
/// When it has returned, this process has no descriptor of the connection any more:
/// the caller's conversation ends when the worker ends it.
pub fn hand_over(listener: &TcpListener, worker: &UnixStream) -> io::Result<()> {
    let _ = (listener, worker);
    todo!("accept, send, and keep nothing")
}

/// Receives one byte and a connection's descriptor from `giver`.
///
/// Programs that this process starts later do not get the connection: its descriptor
/// is closed on exec. The end of the stream in place of a byte is an error of the kind
/// [`io::ErrorKind::UnexpectedEof`], and a byte without a descriptor one of the kind
/// [`io::ErrorKind::InvalidData`].
pub fn take_over(giver: &UnixStream) -> io::Result<TcpStream> {
    let _ = giver;
    todo!("receive a byte, and what came beside it")
}

#[cfg(test)]
pub(crate) fn check() -> checks_options::Check {
    checks_options::passfd(hand_over, take_over)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
