//! Answers to `options/table`.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use checks::Check;
use checks::answers::{Answer, Expected};
use checks::options::Table;
use nix::sys::socket::{getsockopt, setsockopt, sockopt};
use socket2::SockRef;

pub fn answers() -> Vec<Answer> {
    let reads = |read: fn(BorrowedFd<'_>) -> io::Result<Table>| -> Check {
        checks::options::table(read, right_set)
    };
    let sets = |set: fn(BorrowedFd<'_>, usize) -> io::Result<usize>| -> Check {
        checks::options::table(right_read, set)
    };
    vec![
        Answer {
            name: "table: untouched",
            check: checks::options::table(|_| todo!(), |_, _| todo!()),
            expected: Expected::Untouched,
        },
        Answer::right("table right: nix", reads(right_read)),
        Answer::right("table right: asks for the kind", reads(asks_for_the_kind)),
        Answer::wrong("M80", "table: the wish", sets(the_wish)),
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
