//! Answers to `options/passfd`.
#![expect(
    unsafe_code,
    reason = "nix tells the descriptors it receives as numbers"
)]

use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

use checks::Check;
use checks::answers::{Answer, Expected};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg,
};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};

#[cfg(target_os = "linux")]
const AT_ONCE: MsgFlags = MsgFlags::MSG_CMSG_CLOEXEC;
#[cfg(not(target_os = "linux"))]
const AT_ONCE: MsgFlags = MsgFlags::empty();

pub fn answers() -> Vec<Answer> {
    let gives =
        |hand_over: fn(&TcpListener, &UnixStream) -> io::Result<()>| -> Check {
            checks_options::passfd(hand_over, with_rustix)
        };
    let takes = |take_over: fn(&UnixStream) -> io::Result<TcpStream>| -> Check {
        checks_options::passfd(hands_over, take_over)
    };
    vec![
        Answer {
            name: "passfd: untouched",
            check: checks_options::passfd(|_, _| todo!(), |_| todo!()),
            expected: Expected::Untouched,
        },
        Answer::right("passfd right: rustix", takes(with_rustix)),
        Answer::right("passfd right: nix", takes(with_nix)),
        Answer::right("passfd right: many bytes", gives(many_bytes)),
        Answer::right("passfd right: one socket2 call", gives(with_socket2)),
        Answer::right("passfd right: a copy that is closed", gives(closed_copy)),
        Answer::right("passfd right: room for many", takes(room_for_many)),
        Answer::right("passfd right: through a copy", takes(through_a_copy)),
        Answer::wrong("M27", "passfd: keeps a copy", gives(keeps_a_copy)),
        Answer::wrong("M27", "passfd: keeps a list", gives(keeps_a_list)),
        Answer::wrong("M89", "passfd: the number's bytes", gives(number_bytes)),
        Answer::wrong("M89", "passfd: a byte alone", gives(a_byte_alone)),
        Answer::unnamed("hands", "passfd: shuts down", gives(shuts_down)),
        Answer::unnamed("closes", "passfd: serves on", gives(serves_on)),
        Answer::unnamed("hands", "passfd: two copies", gives(two_copies)),
        Answer::unnamed("hands", "passfd: its own end", gives(its_own_end)),
        Answer::unnamed("takes", "passfd: the byte is the number", takes(the_byte)),
        Answer::unnamed("bare", "passfd: indexes", takes(indexes)),
        Answer::unnamed("bare", "passfd: other kind", takes(other_kind)),
        Answer::unnamed("takes", "passfd: no room", takes(no_room)),
        Answer::unnamed("takes", "passfd: two bytes", takes(two_bytes)),
        Answer::wrong("M27", "passfd: keeps a clone", gives(keeps_a_clone)),
        Answer::wrong("M89", "passfd: no byte", gives(no_byte)),
        Answer::wrong("M89", "passfd: a number", gives(a_number)),
        Answer::unnamed("hands", "passfd: the listener", gives(the_listener)),
        Answer::unnamed("next", "passfd: the second", gives(the_second)),
        Answer::unnamed("cloexec", "passfd: inherited", takes(inherited)),
        Answer::unnamed("cut", "passfd: no test for the end", takes(no_end)),
        Answer::unnamed("takes", "passfd: the giver itself", takes(the_giver_itself)),
    ]
}

fn give(worker: &UnixStream, bytes: &[u8], rights: &[RawFd]) -> io::Result<()> {
    sendmsg::<()>(
        worker.as_raw_fd(),
        &[IoSlice::new(bytes)],
        &[ControlMessage::ScmRights(rights)],
        MsgFlags::empty(),
        None,
    )?;
    Ok(())
}

fn hands_over(listener: &TcpListener, worker: &UnixStream) -> io::Result<()> {
    let (caller, _) = listener.accept()?;
    give(worker, b"x", &[caller.as_raw_fd()])
}

fn many_bytes(listener: &TcpListener, worker: &UnixStream) -> io::Result<()> {
    let (caller, peer) = listener.accept()?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    let rights: [BorrowedFd<'_>; 1] = [caller.as_fd()];
    beside.push(SendAncillaryMessage::ScmRights(&rights));
    let told = format!("a caller from {peer}\n");
    let bytes = [IoSlice::new(told.as_bytes())];
    rustix::net::sendmsg(worker, &bytes, &mut beside, SendFlags::empty())?;
    Ok(())
}

fn keeps_a_copy(listener: &TcpListener, worker: &UnixStream) -> io::Result<()> {
    let (caller, _) = listener.accept()?;
    give(worker, b"x", &[caller.into_raw_fd()])
}

fn keeps_a_clone(listener: &TcpListener, worker: &UnixStream) -> io::Result<()> {
    let (caller, _) = listener.accept()?;
    std::mem::forget(caller.try_clone()?);
    give(worker, b"x", &[caller.as_raw_fd()])
}

fn no_byte(listener: &TcpListener, worker: &UnixStream) -> io::Result<()> {
    let (caller, _) = listener.accept()?;
    give(worker, b"", &[caller.as_raw_fd()])
}

fn a_number(listener: &TcpListener, mut worker: &UnixStream) -> io::Result<()> {
    let (caller, _) = listener.accept()?;
    worker.write_all(caller.into_raw_fd().to_string().as_bytes())
}

fn the_listener(listener: &TcpListener, worker: &UnixStream) -> io::Result<()> {
    let _caller = listener.accept()?;
    give(worker, b"x", &[listener.as_raw_fd()])
}

/// Where two have called, it takes the one that came last.
fn the_second(listener: &TcpListener, worker: &UnixStream) -> io::Result<()> {
    let (mut caller, _) = listener.accept()?;
    listener.set_nonblocking(true)?;
    // Long enough for a second one to come, even on a busy machine.
    for _ in 0..100 {
        match listener.accept() {
            Ok((next, _)) => {
                caller = next;
                break;
            }
            Err(_) => std::thread::sleep(std::time::Duration::from_millis(20)),
        }
    }
    caller.set_nonblocking(false)?;
    give(worker, b"x", &[caller.as_raw_fd()])
}

fn with_rustix(giver: &UnixStream) -> io::Result<TcpStream> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut beside = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let mut bytes = [IoSliceMut::new(&mut byte)];
    let flags = RecvFlags::empty();
    if rustix::net::recvmsg(giver, &mut bytes, &mut beside, flags)?.bytes == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    for message in beside.drain() {
        if let RecvAncillaryMessage::ScmRights(mut rights) = message
            && let Some(stream) = rights.next()
        {
            let flags = rustix::io::FdFlags::CLOEXEC;
            rustix::io::fcntl_setfd(&stream, flags)?;
            return Ok(stream.into());
        }
    }
    Err(ErrorKind::InvalidData.into())
}

/// The number of bytes, and the first of the descriptors.
fn receive(
    giver: &UnixStream,
    flags: MsgFlags,
) -> io::Result<(usize, Option<OwnedFd>)> {
    let mut byte = [0];
    let mut bytes = [IoSliceMut::new(&mut byte)];
    let mut beside = nix::cmsg_space!([RawFd; 1]);
    let message =
        recvmsg::<()>(giver.as_raw_fd(), &mut bytes, Some(&mut beside), flags)?;
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(numbers) = control {
            // SAFETY: the kernel has made this descriptor for us, with this message.
            let owned = unsafe { OwnedFd::from_raw_fd(numbers[0]) };
            return Ok((message.bytes, Some(owned)));
        }
    }
    Ok((message.bytes, None))
}

fn with_nix(giver: &UnixStream) -> io::Result<TcpStream> {
    use nix::fcntl::{FcntlArg, FdFlag, fcntl};
    match receive(giver, MsgFlags::empty())? {
        (0, _) => Err(ErrorKind::UnexpectedEof.into()),
        (_, Some(stream)) => {
            fcntl(&stream, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
            Ok(stream.into())
        }
        (_, None) => Err(ErrorKind::InvalidData.into()),
    }
}

fn inherited(giver: &UnixStream) -> io::Result<TcpStream> {
    match receive(giver, MsgFlags::empty())? {
        (0, _) => Err(ErrorKind::UnexpectedEof.into()),
        (_, Some(stream)) => Ok(stream.into()),
        (_, None) => Err(ErrorKind::InvalidData.into()),
    }
}

fn no_end(giver: &UnixStream) -> io::Result<TcpStream> {
    match receive(giver, AT_ONCE)? {
        (_, Some(stream)) => Ok(stream.into()),
        (_, None) => Err(ErrorKind::InvalidData.into()),
    }
}

/// Takes the socket through which the descriptor comes for the descriptor.
fn the_giver_itself(mut giver: &UnixStream) -> io::Result<TcpStream> {
    giver.read_exact(&mut [0])?;
    Ok(OwnedFd::from(giver.try_clone()?).into())
}

fn with_socket2(listener: &TcpListener, worker: &UnixStream) -> io::Result<()> {
    let (caller, _) = socket2::SockRef::from(listener).accept()?;
    hand(caller.as_fd(), worker)
}

fn hand(caller: BorrowedFd<'_>, worker: &UnixStream) -> io::Result<()> {
    give(worker, b"\0", &[caller.as_raw_fd()])
}

fn closed_copy(listener: &TcpListener, worker: &UnixStream) -> io::Result<()> {
    let caller = listener.incoming().next().expect("`incoming` has no end")?;
    let copy = OwnedFd::from(caller.try_clone()?);
    drop(caller);
    hand(copy.as_fd(), worker)
}

fn keeps_a_list(listener: &TcpListener, worker: &UnixStream) -> io::Result<()> {
    use std::sync::Mutex;
    static ALL: Mutex<Vec<TcpStream>> = Mutex::new(Vec::new());
    let (caller, _) = listener.accept()?;
    hand(caller.as_fd(), worker)?;
    ALL.lock().unwrap().push(caller);
    Ok(())
}

fn number_bytes(listener: &TcpListener, mut worker: &UnixStream) -> io::Result<()> {
    let (caller, _) = listener.accept()?;
    worker.write_all(&caller.as_raw_fd().to_ne_bytes())
}

fn a_byte_alone(listener: &TcpListener, worker: &UnixStream) -> io::Result<()> {
    let (_caller, _) = listener.accept()?;
    give(worker, b"+", &[])
}

/// "Closes it properly": for everybody.
fn shuts_down(listener: &TcpListener, worker: &UnixStream) -> io::Result<()> {
    let (caller, _) = listener.accept()?;
    hand(caller.as_fd(), worker)?;
    caller.shutdown(std::net::Shutdown::Both)
}

fn serves_on(listener: &TcpListener, worker: &UnixStream) -> io::Result<()> {
    loop {
        hands_over(listener, worker)?;
    }
}

fn two_copies(listener: &TcpListener, worker: &UnixStream) -> io::Result<()> {
    let (caller, _) = listener.accept()?;
    give(worker, b"+", &[caller.as_raw_fd(), caller.as_raw_fd()])
}

fn its_own_end(listener: &TcpListener, worker: &UnixStream) -> io::Result<()> {
    let (_caller, _) = listener.accept()?;
    hand(worker.as_fd(), worker)
}

fn room_for_many(giver: &UnixStream) -> io::Result<TcpStream> {
    let mut bytes = [0; 16];
    let mut parts = [IoSliceMut::new(&mut bytes)];
    let mut beside = nix::cmsg_space!([RawFd; 253]);
    let flags = AT_ONCE;
    let fd = giver.as_raw_fd();
    let message = recvmsg::<()>(fd, &mut parts, Some(&mut beside), flags)?;
    let mut all = Vec::new();
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(numbers) = control {
            // SAFETY: the kernel has made these for us, with this message.
            let owned = |number| unsafe { OwnedFd::from_raw_fd(number) };
            all.extend(numbers.into_iter().map(owned));
        }
    }
    match (message.bytes, all.into_iter().next()) {
        (0, _) => Err(io::Error::new(
            ErrorKind::UnexpectedEof,
            "the giver has gone",
        )),
        (_, None) => Err(io::Error::new(ErrorKind::InvalidData, "nothing came")),
        (_, Some(stream)) => Ok(TcpStream::from(stream)),
    }
}

fn through_a_copy(giver: &UnixStream) -> io::Result<TcpStream> {
    // A clone has FD_CLOEXEC, whatever the first has.
    inherited(&giver.try_clone()?)?.try_clone()
}

fn the_byte(mut giver: &UnixStream) -> io::Result<TcpStream> {
    let mut byte = [0];
    giver.read_exact(&mut byte)?;
    // SAFETY: none; that is the mistake.
    Ok(unsafe { TcpStream::from_raw_fd(i32::from(byte[0])) })
}

fn indexes(giver: &UnixStream) -> io::Result<TcpStream> {
    match receive(giver, AT_ONCE)? {
        (0, _) => Err(ErrorKind::UnexpectedEof.into()),
        (_, stream) => Ok(stream.unwrap().into()),
    }
}

fn other_kind(giver: &UnixStream) -> io::Result<TcpStream> {
    match receive(giver, AT_ONCE)? {
        (0, _) => Err(ErrorKind::UnexpectedEof.into()),
        (_, Some(stream)) => Ok(stream.into()),
        (_, None) => Err(io::Error::other("no descriptor")),
    }
}

/// No buffer for what comes beside the byte.
fn no_room(giver: &UnixStream) -> io::Result<TcpStream> {
    let mut byte = [0];
    let mut parts = [IoSliceMut::new(&mut byte)];
    let flags = MsgFlags::empty();
    let message = recvmsg::<()>(giver.as_raw_fd(), &mut parts, None, flags)?;
    match message.bytes {
        0 => Err(ErrorKind::UnexpectedEof.into()),
        _ => Err(ErrorKind::InvalidData.into()),
    }
}

/// Reads a byte first, and then what came beside the next.
fn two_bytes(mut giver: &UnixStream) -> io::Result<TcpStream> {
    giver.read_exact(&mut [0])?;
    with_rustix(giver)
}
