//! Answers to `options/packets`.

use std::io::{self, ErrorKind, IoSliceMut, Read};
use std::os::fd::{AsRawFd, BorrowedFd};

use checks::Check;
use checks::answers::{Answer, Expected};
use nix::sys::socket::{MsgFlags, recv, recvmsg};
use socket2::SockRef;

const MAX: usize = 1024;

type Received = io::Result<Option<Vec<u8>>>;

pub fn answers() -> Vec<Answer> {
    let sends = |send: fn(BorrowedFd<'_>, &[u8]) -> io::Result<()>| -> Check {
        checks::options::packets(send, room_for_one_more)
    };
    let receives = |receive: fn(BorrowedFd<'_>) -> Received| -> Check {
        checks::options::packets(right_send, receive)
    };
    vec![
        Answer {
            name: "packets: untouched",
            check: checks::options::packets(|_, _| todo!(), |_| todo!()),
            expected: Expected::Untouched,
        },
        Answer::right("packets right: one byte more", receives(room_for_one_more)),
        Answer::right("packets right: the length first", receives(length_first)),
        Answer::right("packets right: recvmsg", receives(with_recvmsg)),
        Answer::wrong("M6", "packets: whole buffer", receives(whole_buffer)),
        Answer::wrong("M87", "packets: not noticed", receives(not_noticed)),
        Answer::wrong("M87", "packets: reads on", receives(reads_on)),
        Answer::wrong("M88", "packets: sends empty ones", sends(sends_empty)),
        Answer::unnamed("refused", "packets: sends any length", sends(any_length)),
        Answer::unnamed("two", "packets: no end", receives(no_end)),
        Answer::unnamed("send", "packets: sends nothing", sends(sends_nothing)),
        Answer::unnamed("receive", "packets: fills", receives(fills)),
        Answer::unnamed("gone", "packets: hides an error", sends(hides_an_error)),
    ]
}

fn invalid(kind: ErrorKind) -> io::Error {
    io::Error::new(kind, "not between 1 and 1024 bytes")
}

fn right_send(socket: BorrowedFd<'_>, packet: &[u8]) -> io::Result<()> {
    match packet.len() {
        1..=MAX => SockRef::from(&socket).send(packet).map(|_| ()),
        _ => Err(invalid(ErrorKind::InvalidInput)),
    }
}

fn room_for_one_more(socket: BorrowedFd<'_>) -> Received {
    let mut buffer = [0; MAX + 1];
    match (&*SockRef::from(&socket)).read(&mut buffer)? {
        0 => Ok(None),
        length @ 1..=MAX => Ok(Some(buffer[..length].to_vec())),
        _ => Err(invalid(ErrorKind::InvalidData)),
    }
}

/// MSG_PEEK and MSG_TRUNC: the length of the packet, before it is received.
fn length_first(socket: BorrowedFd<'_>) -> Received {
    let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_TRUNC;
    let length = recv(socket.as_raw_fd(), &mut [0], flags)?;
    let mut packet = vec![0; length.min(MAX)];
    let read = (&*SockRef::from(&socket)).read(&mut packet)?;
    packet.truncate(read);
    match length {
        0 => Ok(None),
        1..=MAX => Ok(Some(packet)),
        _ => Err(invalid(ErrorKind::InvalidData)),
    }
}

fn with_recvmsg(socket: BorrowedFd<'_>) -> Received {
    let mut packet = vec![0; MAX];
    let mut buffers = [IoSliceMut::new(&mut packet)];
    let flags = MsgFlags::empty();
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut buffers, None, flags)?;
    let (length, flags) = (message.bytes, message.flags);
    if flags.contains(MsgFlags::MSG_TRUNC) {
        return Err(invalid(ErrorKind::InvalidData));
    }
    packet.truncate(length);
    Ok((length > 0).then_some(packet))
}

fn whole_buffer(socket: BorrowedFd<'_>) -> Received {
    let mut buffer = vec![0; MAX];
    let length = (&*SockRef::from(&socket)).read(&mut buffer)?;
    Ok((length > 0).then_some(buffer))
}

fn not_noticed(socket: BorrowedFd<'_>) -> Received {
    let mut buffer = vec![0; MAX];
    let length = (&*SockRef::from(&socket)).read(&mut buffer)?;
    buffer.truncate(length);
    Ok((length > 0).then_some(buffer))
}

/// As if it were a stream: asks whether there is more, and takes that, too.
fn reads_on(socket: BorrowedFd<'_>) -> Received {
    let mut collected = vec![0; MAX];
    let mut length = (&*SockRef::from(&socket)).read(&mut collected)?;
    while length < MAX {
        let more = recv(
            socket.as_raw_fd(),
            &mut collected[length..],
            MsgFlags::MSG_DONTWAIT,
        );
        match more {
            Ok(1..) => length += more?,
            _ => break,
        }
    }
    collected.truncate(length);
    Ok((length > 0).then_some(collected))
}

fn sends_empty(socket: BorrowedFd<'_>, packet: &[u8]) -> io::Result<()> {
    match packet.len() {
        ..=MAX => SockRef::from(&socket).send(packet).map(|_| ()),
        _ => Err(invalid(ErrorKind::InvalidInput)),
    }
}

fn any_length(socket: BorrowedFd<'_>, packet: &[u8]) -> io::Result<()> {
    match packet.len() {
        1.. => SockRef::from(&socket).send(packet).map(|_| ()),
        0 => Err(invalid(ErrorKind::InvalidInput)),
    }
}

fn no_end(socket: BorrowedFd<'_>) -> Received {
    Ok(Some(room_for_one_more(socket)?.unwrap_or_default()))
}

fn sends_nothing(_: BorrowedFd<'_>, packet: &[u8]) -> io::Result<()> {
    match packet.len() {
        1..=MAX => Ok(()),
        _ => Err(invalid(ErrorKind::InvalidInput)),
    }
}

/// Waits for a buffer that no packet fills.
fn fills(socket: BorrowedFd<'_>) -> Received {
    let mut buffer = vec![0; MAX];
    (&*SockRef::from(&socket)).read_exact(&mut buffer)?;
    Ok(Some(buffer))
}

fn hides_an_error(socket: BorrowedFd<'_>, packet: &[u8]) -> io::Result<()> {
    match right_send(socket, packet) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
