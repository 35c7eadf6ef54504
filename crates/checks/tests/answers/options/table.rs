//! Answers to `options/table`.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use checks::Check;
use checks::answers::{Answer, Expected};
use checks_options::Table;
use nix::sys::socket::{getsockopt, setsockopt, sockopt};
use socket2::SockRef;

pub fn answers() -> Vec<Answer> {
    let reads = |read: fn(BorrowedFd<'_>) -> io::Result<Table>| -> Check {
        checks_options::table(read, right_set)
    };
    let sets = |set: fn(BorrowedFd<'_>, usize) -> io::Result<usize>| -> Check {
        checks_options::table(right_read, set)
    };
    vec![
        Answer {
            name: "table: untouched",
            check: checks_options::table(|_| todo!(), |_, _| todo!()),
            expected: Expected::Untouched,
        },
        Answer::right("table right: nix", reads(right_read)),
        Answer::right("table right: asks for the kind", reads(asks_for_the_kind)),
        Answer::right("table right: a stream of its own", reads(own_stream)),
        Answer::right("table right: libc", sets(with_libc)),
        Answer::right("table right: nodelay or nothing", reads(or_nothing)),
        Answer::wrong("M80", "table: the wish", sets(the_wish)),
        Answer::wrong("M80", "table: bounded below", sets(bounded_below)),
        Answer::wrong("M82", "table: idle before the switch", reads(idle_first)),
        Answer::wrong("M80", "table: doubles the wish", sets(doubles_the_wish)),
        Answer::wrong("M81", "table: no linger is 0 s", reads(no_linger_is_zero)),
        Answer::wrong("M81", "table: 0 s is no linger", reads(zero_is_no_linger)),
        Answer::wrong("M81", "table: keepalive is off", reads(keepalive_is_off)),
        Answer::wrong("M82", "table: a question mark", reads(a_question_mark)),
        Answer::wrong("M82", "table: off by default", reads(off_by_default)),
        Answer::unnamed("fresh", "table: swaps buffers", reads(swaps_buffers)),
        Answer::unnamed("grow", "table: sets nothing", sets(sets_nothing)),
        Answer::unnamed("grow", "table: the send buffer", sets(the_send_buffer)),
        Answer::unnamed("pipe", "table: hides errors", reads(hides_errors)),
        Answer::unnamed("pipe", "table: hides errors of set", sets(hides_set_errors)),
        Answer::unnamed("fresh", "table: halves", reads(halves)),
        Answer::unnamed("grow", "table: halves what it has set", sets(halves_set)),
        Answer::unnamed("grow", "table: asks for half", sets(asks_for_half)),
        Answer::unnamed("grow", "table: insists", sets(insists)),
        Answer::unnamed("set", "table: linger in ms", reads(linger_in_ms)),
        Answer::unnamed("set", "table: the interval", reads(the_interval)),
        Answer::unnamed("set", "table: two hours", reads(two_hours)),
        Answer::unnamed("fresh", "table: delay", reads(delay)),
        Answer::unnamed("fresh", "table: closes the socket", reads(closes)),
        Answer::unnamed("limits", "table: not below 4096", sets(not_below)),
    ]
}

fn right_set(socket: BorrowedFd<'_>, bytes: usize) -> io::Result<usize> {
    setsockopt(&socket, sockopt::RcvBuf, &bytes)?;
    Ok(getsockopt(&socket, sockopt::RcvBuf)?)
}

fn right_read(socket: BorrowedFd<'_>) -> io::Result<Table> {
    let linger = getsockopt(&socket, sockopt::Linger)?;
    let nodelay = match getsockopt(&socket, sockopt::TcpNoDelay) {
        Ok(on) => Some(on),
        Err(nix::Error::ENOPROTOOPT | nix::Error::EOPNOTSUPP) => None,
        Err(error) => return Err(error.into()),
    };
    let seconds = |seconds| Duration::from_secs(u64::from(seconds));
    Ok(Table {
        receive_buffer: getsockopt(&socket, sockopt::RcvBuf)?,
        send_buffer: getsockopt(&socket, sockopt::SndBuf)?,
        nodelay,
        linger: (linger.l_onoff != 0)
            .then(|| Duration::from_secs(linger.l_linger.unsigned_abs().into())),
        keepalive: match getsockopt(&socket, sockopt::KeepAlive)? {
            true => Some(seconds(getsockopt(&socket, sockopt::TcpKeepIdle)?)),
            false => None,
        },
    })
}

/// Asks which kind of socket it is before it asks for what only one kind has.
fn asks_for_the_kind(socket: BorrowedFd<'_>) -> io::Result<Table> {
    let socket = SockRef::from(&socket);
    let local = socket.local_addr()?;
    let internet = local.is_ipv4() || local.is_ipv6();
    let is_tcp = internet && socket.r#type()? == socket2::Type::STREAM;
    Ok(Table {
        receive_buffer: socket.recv_buffer_size()?,
        send_buffer: socket.send_buffer_size()?,
        nodelay: is_tcp.then(|| socket.tcp_nodelay()).transpose()?,
        linger: socket.linger()?,
        keepalive: socket
            .keepalive()?
            .then(|| socket.tcp_keepalive_time())
            .transpose()?,
    })
}

fn the_wish(socket: BorrowedFd<'_>, bytes: usize) -> io::Result<usize> {
    SockRef::from(&socket).set_recv_buffer_size(bytes)?;
    Ok(bytes)
}

fn doubles_the_wish(socket: BorrowedFd<'_>, bytes: usize) -> io::Result<usize> {
    SockRef::from(&socket).set_recv_buffer_size(bytes)?;
    Ok(2 * bytes)
}

fn no_linger_is_zero(socket: BorrowedFd<'_>) -> io::Result<Table> {
    let mut table = right_read(socket)?;
    table.linger = Some(table.linger.unwrap_or_default());
    Ok(table)
}

fn zero_is_no_linger(socket: BorrowedFd<'_>) -> io::Result<Table> {
    let mut table = right_read(socket)?;
    table.linger = table.linger.filter(|time| !time.is_zero());
    Ok(table)
}

fn keepalive_is_off(socket: BorrowedFd<'_>) -> io::Result<Table> {
    let mut table = right_read(socket)?;
    table.keepalive = SockRef::from(&socket).tcp_keepalive_time().ok();
    Ok(table)
}

fn a_question_mark(socket: BorrowedFd<'_>) -> io::Result<Table> {
    let mut table = right_read(socket)?;
    table.nodelay = Some(SockRef::from(&socket).tcp_nodelay()?);
    Ok(table)
}

fn off_by_default(socket: BorrowedFd<'_>) -> io::Result<Table> {
    let mut table = right_read(socket)?;
    table.nodelay = Some(table.nodelay.unwrap_or_default());
    Ok(table)
}

fn swaps_buffers(socket: BorrowedFd<'_>) -> io::Result<Table> {
    let mut table = right_read(socket)?;
    std::mem::swap(&mut table.receive_buffer, &mut table.send_buffer);
    Ok(table)
}

fn sets_nothing(socket: BorrowedFd<'_>, _: usize) -> io::Result<usize> {
    SockRef::from(&socket).recv_buffer_size()
}

fn the_send_buffer(socket: BorrowedFd<'_>, bytes: usize) -> io::Result<usize> {
    SockRef::from(&socket).set_send_buffer_size(bytes)?;
    SockRef::from(&socket).send_buffer_size()
}

fn hides_errors(socket: BorrowedFd<'_>) -> io::Result<Table> {
    right_read(socket).or(Ok(Table {
        receive_buffer: 0,
        send_buffer: 0,
        nodelay: None,
        linger: None,
        keepalive: None,
    }))
}

fn own_stream(socket: BorrowedFd<'_>) -> io::Result<Table> {
    let stream = std::net::TcpStream::from(socket.try_clone_to_owned()?);
    let told = SockRef::from(&stream);
    let (receive_buffer, send_buffer) =
        (told.recv_buffer_size()?, told.send_buffer_size()?);
    let nodelay = match stream.nodelay() {
        Ok(on) => Some(on),
        Err(e) if e.raw_os_error() == Some(nix::libc::EOPNOTSUPP) => None,
        Err(e) if e.raw_os_error() == Some(nix::libc::ENOPROTOOPT) => None,
        Err(e) => return Err(e),
    };
    let mut keepalive = None;
    if told.keepalive()? {
        keepalive = Some(told.tcp_keepalive_time()?);
    }
    Ok(Table {
        receive_buffer,
        send_buffer,
        nodelay,
        linger: told.linger()?,
        keepalive,
    })
}

#[expect(unsafe_code, reason = "the call as it is in C")]
fn with_libc(socket: BorrowedFd<'_>, bytes: usize) -> io::Result<usize> {
    use nix::libc::{SO_RCVBUF, SOL_SOCKET, getsockopt, setsockopt};
    use std::os::fd::AsRawFd;
    let fd = socket.as_raw_fd();
    let mut value = i32::try_from(bytes).unwrap_or(i32::MAX);
    let mut length = size_of::<i32>() as u32;
    let pointer = (&raw mut value).cast();
    // SAFETY: the pointer is to four bytes that live until both calls are over.
    unsafe {
        if setsockopt(fd, SOL_SOCKET, SO_RCVBUF, pointer, length) != 0
            || getsockopt(fd, SOL_SOCKET, SO_RCVBUF, pointer, &mut length) != 0
        {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(value as usize)
}

/// What is no socket fails before.
fn or_nothing(socket: BorrowedFd<'_>) -> io::Result<Table> {
    let told = SockRef::from(&socket);
    Ok(Table {
        receive_buffer: told.recv_buffer_size()?,
        nodelay: told.tcp_nodelay().ok(),
        ..right_read(socket)?
    })
}

/// Knows of the least size, and not of the largest.
fn bounded_below(socket: BorrowedFd<'_>, bytes: usize) -> io::Result<usize> {
    let got = right_set(socket, bytes)?;
    Ok(if bytes < 2000 { got } else { 2 * bytes })
}

fn not_below(socket: BorrowedFd<'_>, bytes: usize) -> io::Result<usize> {
    right_set(socket, bytes.max(4096))
}

fn idle_first(socket: BorrowedFd<'_>) -> io::Result<Table> {
    let told = SockRef::from(&socket);
    let idle = told.tcp_keepalive_time()?;
    let mut table = right_read(socket)?;
    table.keepalive = told.keepalive()?.then_some(idle);
    Ok(table)
}

fn hides_set_errors(socket: BorrowedFd<'_>, bytes: usize) -> io::Result<usize> {
    let _ = SockRef::from(&socket).set_recv_buffer_size(bytes);
    Ok(SockRef::from(&socket).recv_buffer_size().unwrap_or(0))
}

fn halves(socket: BorrowedFd<'_>) -> io::Result<Table> {
    let mut table = right_read(socket)?;
    table.receive_buffer /= 2;
    Ok(table)
}

fn halves_set(socket: BorrowedFd<'_>, bytes: usize) -> io::Result<usize> {
    Ok(right_set(socket, bytes)? / 2)
}

fn asks_for_half(socket: BorrowedFd<'_>, bytes: usize) -> io::Result<usize> {
    right_set(socket, bytes / 2)
}

fn insists(socket: BorrowedFd<'_>, bytes: usize) -> io::Result<usize> {
    match right_set(socket, bytes)? {
        got if got == bytes => Ok(got),
        got => Err(io::Error::other(format!("{got} instead of {bytes}"))),
    }
}

fn linger_in_ms(socket: BorrowedFd<'_>) -> io::Result<Table> {
    let mut table = right_read(socket)?;
    table.linger = table.linger.map(|time| time / 1000);
    Ok(table)
}

fn the_interval(socket: BorrowedFd<'_>) -> io::Result<Table> {
    let mut table = right_read(socket)?;
    if table.keepalive.is_some() {
        table.keepalive = Some(SockRef::from(&socket).tcp_keepalive_interval()?);
    }
    Ok(table)
}

fn two_hours(socket: BorrowedFd<'_>) -> io::Result<Table> {
    let mut table = right_read(socket)?;
    table.keepalive = table.keepalive.map(|_| Duration::from_secs(7200));
    Ok(table)
}

fn delay(socket: BorrowedFd<'_>) -> io::Result<Table> {
    let mut table = right_read(socket)?;
    table.nodelay = table.nodelay.map(|on| !on);
    Ok(table)
}

/// Makes an owner of what was lent.
#[expect(unsafe_code, reason = "it is what this answer does wrong")]
fn closes(socket: BorrowedFd<'_>) -> io::Result<Table> {
    use std::os::fd::{AsFd, AsRawFd, FromRawFd};
    // SAFETY: none; that is the mistake.
    let stream = unsafe { std::net::TcpStream::from_raw_fd(socket.as_raw_fd()) };
    right_read(stream.as_fd())
}
