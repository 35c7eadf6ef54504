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
// BEGIN SOLUTION
use std::io::{ErrorKind, IoSlice, IoSliceMut};
// END SOLUTION
use std::net::{TcpListener, TcpStream};
// BEGIN SOLUTION
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
// END SOLUTION
use std::os::unix::net::UnixStream;
// BEGIN SOLUTION

use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg,
};
// END SOLUTION

/// Accepts one caller, the one that has waited longest, and sends its connection to
/// `worker`: one descriptor, beside at least one byte of any value. Then it returns.
///
/// When it has returned, this process has no descriptor of the connection any more:
/// the caller's conversation ends when the worker ends it.
pub fn hand_over(listener: &TcpListener, worker: &UnixStream) -> io::Result<()> {
    // BEGIN SOLUTION
    let (caller, _) = listener.accept()?;
    // On a stream, descriptors travel beside bytes: at least one.
    let bytes = [IoSlice::new(b"+")];
    let rights = [caller.as_raw_fd()];
    let beside = [ControlMessage::ScmRights(&rights)];
    let flags = MsgFlags::empty();
    sendmsg::<()>(worker.as_raw_fd(), &bytes, &beside, flags, None)?;
    Ok(()) // `caller` is dropped here: the worker has a descriptor of its own
    // STUB let _ = (listener, worker);
    // STUB todo!("accept, send, and keep nothing")
    // END SOLUTION
}

/// Receives one byte and a connection's descriptor from `giver`.
///
/// Programs that this process starts later do not get the connection: its descriptor
/// is closed on exec. The end of the stream in place of a byte is an error of the kind
/// [`io::ErrorKind::UnexpectedEof`], and a byte without a descriptor one of the kind
/// [`io::ErrorKind::InvalidData`].
pub fn take_over(giver: &UnixStream) -> io::Result<TcpStream> {
    // BEGIN SOLUTION
    let mut byte = [0];
    let mut bytes = [IoSliceMut::new(&mut byte)];
    // As many as one message may bring: whoever sends decides.
    let mut beside = nix::cmsg_space!([RawFd; 253]);
    let giver = giver.as_raw_fd();
    let message =
        recvmsg::<()>(giver, &mut bytes, Some(&mut beside), CLOSED_ON_EXEC)?;
    let mut came = Vec::new();
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(numbers) = control {
            came.extend(numbers.into_iter().map(owned)); // each is ours to close
        }
    }
    let why = |kind, why| io::Error::new(kind, why);
    match (message.bytes, came.into_iter().next()) {
        (0, _) => Err(why(ErrorKind::UnexpectedEof, "the giver has gone")),
        (_, None) => Err(why(ErrorKind::InvalidData, "no descriptor came")),
        (_, Some(first)) => closed_on_exec(first).map(TcpStream::from),
    }
    // STUB let _ = giver;
    // STUB todo!("receive a byte, and what came beside it")
    // END SOLUTION
}
// BEGIN SOLUTION

/// Otherwise every program that we start has the connection, too.
#[cfg(target_os = "linux")]
const CLOSED_ON_EXEC: MsgFlags = MsgFlags::MSG_CMSG_CLOEXEC;
#[cfg(not(target_os = "linux"))]
const CLOSED_ON_EXEC: MsgFlags = MsgFlags::empty();

/// Where the kernel has no flag for it, it is done afterwards.
fn closed_on_exec(descriptor: OwnedFd) -> io::Result<OwnedFd> {
    #[cfg(not(target_os = "linux"))]
    {
        use nix::fcntl::{FcntlArg, FdFlag, fcntl};
        fcntl(&descriptor, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    }
    Ok(descriptor)
}

#[expect(
    unsafe_code,
    reason = "nix tells the descriptors it receives as numbers"
)]
fn owned(number: RawFd) -> OwnedFd {
    // SAFETY: the kernel has opened it for this process with the message that was
    // received, and nobody else is told its number.
    unsafe { OwnedFd::from_raw_fd(number) }
}
// END SOLUTION

#[cfg(test)]
pub(crate) fn check() -> checks_options::Check {
    checks_options::passfd(hand_over, take_over)
}
