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
        checks_options::packets(send, room_for_one_more)
    };
    let receives = |receive: fn(BorrowedFd<'_>) -> Received| -> Check {
        checks_options::packets(right_send, receive)
    };
    vec![
        Answer {
            name: "packets: untouched",
            check: checks_options::packets(|_, _| todo!(), |_| todo!()),
            expected: Expected::Untouched,
        },
        Answer::right("packets right: one byte more", receives(room_for_one_more)),
        Answer::right("packets right: the length first", receives(length_first)),
        Answer::right("packets right: recvmsg", receives(with_recvmsg)),
        Answer::right("packets right: a stream of its own", receives(own_stream)),
        Answer::right("packets right: MSG_TRUNC", receives(true_length)),
        Answer::right("packets right: a BufReader", receives(a_buf_reader)),
        Answer::right("packets right: write_all", sends(with_write_all)),
        Answer::right("packets right: sendmsg", sends(with_sendmsg)),
        Answer::wrong("M6", "packets: whole buffer", receives(whole_buffer)),
        Answer::wrong("M87", "packets: not noticed", receives(not_noticed)),
        Answer::wrong("M87", "packets: reads on", receives(reads_on)),
        Answer::wrong("M88", "packets: sends empty ones", sends(sends_empty)),
        Answer::unnamed("refused", "packets: sends any length", sends(any_length)),
        Answer::unnamed("two", "packets: no end", receives(no_end)),
        Answer::unnamed("send", "packets: sends nothing", sends(sends_nothing)),
        Answer::unnamed("receive", "packets: fills", receives(fills)),
        Answer::unnamed("gone", "packets: hides an error", sends(hides_an_error)),
        Answer::unnamed("waits", "packets: does not wait", receives(does_not_wait)),
        Answer::unnamed("longest", "packets: full is too long", receives(full)),
        Answer::unnamed("long", "packets: no limit", receives(no_limit)),
        Answer::unnamed("long", "packets: peeks only", receives(peeks_only)),
        Answer::unnamed(
            "long",
            "packets: skips a long one",
            receives(skips_a_long_one),
        ),
        Answer::unnamed(
            "two",
            "packets: the end is an error",
            receives(end_is_error),
        ),
        Answer::unnamed("receive", "packets: to the end", receives(to_the_end)),
        Answer::unnamed("refused", "packets: in pieces", sends(in_pieces)),
        Answer::unnamed("refused", "packets: another kind", sends(another_kind)),
        Answer::unnamed("empty", "packets: drops empty ones", sends(drops_empty)),
        Answer::unnamed("longest", "packets: one too few", sends(one_too_few)),
        Answer::unnamed("send", "packets: with its length", sends(with_its_length)),
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

fn own_stream(socket: BorrowedFd<'_>) -> Received {
    let mut stream =
        std::os::unix::net::UnixStream::from(socket.try_clone_to_owned()?);
    let mut packet = vec![0; 2 * MAX];
    let read = stream.read(&mut packet)?;
    if read > MAX {
        return Err(invalid(ErrorKind::InvalidData));
    }
    packet.truncate(read);
    Ok(Some(packet).filter(|packet| !packet.is_empty()))
}

/// With MSG_TRUNC, Linux returns the length of the packet, not that of what fitted.
fn true_length(socket: BorrowedFd<'_>) -> Received {
    let mut packet = [0; MAX];
    match recv(socket.as_raw_fd(), &mut packet, MsgFlags::MSG_TRUNC)? {
        0 => Ok(None),
        length if length > MAX => Err(invalid(ErrorKind::InvalidData)),
        length => Ok(Some(packet[..length].into())),
    }
}

fn a_buf_reader(socket: BorrowedFd<'_>) -> Received {
    use std::io::BufRead;
    let told = SockRef::from(&socket);
    let mut input = io::BufReader::new(&*told);
    let packet = input.fill_buf()?;
    match packet.len() {
        0 => Ok(None),
        1..=MAX => Ok(Some(packet.to_vec())),
        _ => Err(invalid(ErrorKind::InvalidData)),
    }
}

fn with_write_all(socket: BorrowedFd<'_>, packet: &[u8]) -> io::Result<()> {
    use std::io::Write;
    if packet.is_empty() || packet.len() > MAX {
        return Err(invalid(ErrorKind::InvalidInput));
    }
    (&*SockRef::from(&socket)).write_all(packet)
}

fn with_sendmsg(socket: BorrowedFd<'_>, packet: &[u8]) -> io::Result<()> {
    use nix::sys::socket::sendmsg;
    if !(1..=MAX).contains(&packet.len()) {
        return Err(invalid(ErrorKind::InvalidInput));
    }
    let parts = [io::IoSlice::new(packet)];
    let fd = socket.as_raw_fd();
    sendmsg::<()>(fd, &parts, &[], MsgFlags::MSG_NOSIGNAL, None)?;
    Ok(())
}

fn does_not_wait(socket: BorrowedFd<'_>) -> Received {
    let mut packet = [0; MAX + 1];
    match recv(socket.as_raw_fd(), &mut packet, MsgFlags::MSG_DONTWAIT) {
        Ok(0) | Err(nix::Error::EAGAIN) => Ok(None),
        Ok(length @ 1..=MAX) => Ok(Some(packet[..length].into())),
        Ok(_) => Err(invalid(ErrorKind::InvalidData)),
        Err(error) => Err(error.into()),
    }
}

/// Takes a buffer that is full for one that was too small.
fn full(socket: BorrowedFd<'_>) -> Received {
    let mut packet = vec![0; MAX];
    let read = (&*SockRef::from(&socket)).read(&mut packet)?;
    if read == MAX {
        return Err(invalid(ErrorKind::InvalidData));
    }
    packet.truncate(read);
    Ok((read > 0).then_some(packet))
}

fn no_limit(socket: BorrowedFd<'_>) -> Received {
    let mut packet = vec![0; 64 << 10];
    let read = (&*SockRef::from(&socket)).read(&mut packet)?;
    packet.truncate(read);
    Ok((read > 0).then_some(packet))
}

/// Leaves the packet that is too long where it is.
fn peeks_only(socket: BorrowedFd<'_>) -> Received {
    let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_TRUNC;
    match recv(socket.as_raw_fd(), &mut [0], flags)? {
        0 => Ok(None),
        length if length > MAX => Err(invalid(ErrorKind::InvalidData)),
        _ => room_for_one_more(socket),
    }
}

fn skips_a_long_one(socket: BorrowedFd<'_>) -> Received {
    loop {
        match room_for_one_more(socket) {
            Err(error) if error.kind() == ErrorKind::InvalidData => {}
            result => return result,
        }
    }
}

fn end_is_error(socket: BorrowedFd<'_>) -> Received {
    let packet = room_for_one_more(socket)?;
    packet.ok_or(ErrorKind::UnexpectedEof.into()).map(Some)
}

fn to_the_end(socket: BorrowedFd<'_>) -> Received {
    let mut all = Vec::new();
    (&*SockRef::from(&socket)).read_to_end(&mut all)?;
    Ok((!all.is_empty()).then_some(all))
}

fn in_pieces(socket: BorrowedFd<'_>, packet: &[u8]) -> io::Result<()> {
    if packet.is_empty() {
        return Err(invalid(ErrorKind::InvalidInput));
    }
    packet
        .chunks(MAX)
        .try_for_each(|piece| right_send(socket, piece))
}

fn another_kind(socket: BorrowedFd<'_>, packet: &[u8]) -> io::Result<()> {
    right_send(socket, packet).map_err(|error| match error.kind() {
        ErrorKind::InvalidInput => invalid(ErrorKind::InvalidData),
        _ => error,
    })
}

fn drops_empty(socket: BorrowedFd<'_>, packet: &[u8]) -> io::Result<()> {
    match packet {
        [] => Ok(()),
        packet => right_send(socket, packet),
    }
}

fn one_too_few(socket: BorrowedFd<'_>, packet: &[u8]) -> io::Result<()> {
    match packet.len() {
        MAX => Err(invalid(ErrorKind::InvalidInput)),
        _ => right_send(socket, packet),
    }
}

/// As one would over a stream.
fn with_its_length(socket: BorrowedFd<'_>, packet: &[u8]) -> io::Result<()> {
    let length = (packet.len() as u32).to_be_bytes();
    right_send(socket, &[&length, packet].concat())
}
