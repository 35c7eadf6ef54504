//! A descriptor for another process: SCM_RIGHTS.

use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::process;

use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg,
};

// ANCHOR: send
/// Sends a copy of `descriptor` through a local socket, beside one byte.
///
/// What goes is not the number: the kernel makes a new descriptor of the same open
/// socket in the process that receives. Ours stays open until we close it.
///
/// # Errors
///
/// If the other end is closed, or this is no local socket.
pub fn send_descriptor(
    through: &UnixStream,
    descriptor: impl AsFd,
) -> io::Result<()> {
    let numbers = [descriptor.as_fd().as_raw_fd()];
    // On a stream, descriptors travel beside bytes. Beside none, they do not.
    let byte = [IoSlice::new(b"+")];
    let beside = [ControlMessage::ScmRights(&numbers)];
    let through = through.as_raw_fd();
    sendmsg::<()>(through, &byte, &beside, MsgFlags::empty(), None)?;
    Ok(())
}
// ANCHOR_END: send

// ANCHOR: receive
/// Receives a descriptor, or `None` at the end of the stream.
///
/// # Errors
///
/// `InvalidData` if a byte comes without a descriptor.
pub fn receive_descriptor(through: &UnixStream) -> io::Result<Option<OwnedFd>> {
    let mut byte = [0];
    let mut bytes = [IoSliceMut::new(&mut byte)];
    // As many as one message may bring (SCM_MAX_FD in unix(7)): the sender decides.
    let mut room = nix::cmsg_space!([RawFd; 253]);
    let through = through.as_raw_fd();
    let message =
        recvmsg::<()>(through, &mut bytes, Some(&mut room), AT_ONCE_CLOEXEC)?;
    let mut came = Vec::new();
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(numbers) = control {
            came.extend(numbers.into_iter().map(owned)); // each is ours to close
        }
    }
    match came.into_iter().next() {
        Some(first) => Ok(Some(first)), // and the others are closed here
        None if message.bytes == 0 => Ok(None),
        None => Err(io::Error::new(ErrorKind::InvalidData, "no descriptor came")),
    }
}

#[expect(unsafe_code, reason = "nix tells what it received as a number")]
fn owned(number: RawFd) -> OwnedFd {
    // SAFETY: the kernel has opened it in this process with the message above, and
    // nobody else has been told its number.
    unsafe { OwnedFd::from_raw_fd(number) }
}
// ANCHOR_END: receive

/// Programs that we start later are not to have it. Where there is no such flag, they
/// do: a worker that starts programs would have to set FD_CLOEXEC itself.
#[cfg(target_os = "linux")]
const AT_ONCE_CLOEXEC: MsgFlags = MsgFlags::MSG_CMSG_CLOEXEC;
#[cfg(not(target_os = "linux"))]
const AT_ONCE_CLOEXEC: MsgFlags = MsgFlags::empty();

// ANCHOR: worker
/// The worker: talks to whomever it is handed, until nobody hands it any more.
///
/// # Errors
///
/// If receiving fails. What goes wrong with one caller ends its visit only.
pub fn work(giver: &UnixStream) -> io::Result<u32> {
    let mut visits = 0;
    while let Some(descriptor) = receive_descriptor(giver)? {
        let mut caller = TcpStream::from(descriptor);
        visits += 1;
        let hello = format!("hello from worker {}, visit {visits}\n", process::id());
        let _ = caller.write_all(hello.as_bytes()); // a caller who has gone is over
    }
    Ok(visits)
}

/// The listener's side: accepts one caller and hands it over.
///
/// # Errors
///
/// If accepting or sending fails.
pub fn hand_next(listener: &TcpListener, worker: &UnixStream) -> io::Result<()> {
    let (caller, _) = listener.accept()?;
    send_descriptor(worker, &caller)
    // `caller` is dropped here. Without that, its visit would never end.
}
// ANCHOR_END: worker
