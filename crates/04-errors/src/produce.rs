//! The errors of sockets, each brought about on purpose.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

const ANY_PORT: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

/// A way to go wrong: what it is called, what is done, and what does it.
pub struct Trick {
    /// The error's name in the manuals.
    pub name: &'static str,
    /// What is done.
    pub deed: &'static str,
    /// Does it, and returns the error.
    pub play: fn() -> io::Result<io::Error>,
}

/// All that can be had within this process.
pub const TRICKS: &[Trick] = &[
    Trick {
        name: "EADDRINUSE",
        deed: "bind a port that another socket has",
        play: in_use,
    },
    Trick {
        name: "EADDRNOTAVAIL",
        deed: "bind 192.0.2.1, an address of nobody",
        play: not_ours,
    },
    Trick {
        name: "ECONNREFUSED",
        deed: "connect where nobody listens",
        play: refused,
    },
    Trick {
        name: "ETIMEDOUT",
        deed: "connect to a full queue, the kernel gives up",
        play: gave_up,
    },
    Trick {
        name: "(none)",
        deed: "the same with connect_timeout: std gives up",
        play: connect_limit,
    },
    Trick {
        name: "EAGAIN",
        deed: "read with a time limit, nothing comes",
        play: read_limit,
    },
    Trick {
        name: "ECONNRESET",
        deed: "read after the peer has reset",
        play: reset,
    },
    Trick {
        name: "EPIPE",
        deed: "write, and write again, to a peer that is gone",
        play: broken_pipe,
    },
];

/// What a call says that had to fail.
fn error_of<T>(result: io::Result<T>) -> io::Result<io::Error> {
    match result {
        Ok(_) => Err(io::Error::other("it has not failed")),
        Err(error) => Ok(error),
    }
}

/// Both ends of a connection.
fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind(ANY_PORT)?;
    let ours = TcpStream::connect(listener.local_addr()?)?;
    Ok((ours, listener.accept()?.0))
}

// ANCHOR: produce
/// A port has one listener.
fn in_use() -> io::Result<io::Error> {
    let first = TcpListener::bind(ANY_PORT)?;
    error_of(TcpListener::bind(first.local_addr()?))
}

/// An address is one of this machine's, or it cannot be bound. This one is set aside
/// for documents (RFC 5737).
fn not_ours() -> io::Result<io::Error> {
    error_of(TcpListener::bind("192.0.2.1:0"))
}

/// The kernel says no for a port without a listener: it answers the SYN with RST.
fn refused() -> io::Result<io::Error> {
    let closed = bound()?; // it keeps the port, and does not listen
    error_of(TcpStream::connect(local(&closed)?))
}

/// A reset has arrived, and the next call is told of it, once.
fn reset() -> io::Result<io::Error> {
    let (mut ours, theirs) = pair()?;
    SockRef::from(&theirs).set_linger(Some(Duration::ZERO))?; // close sends RST
    drop(theirs);
    error_of(ours.read(&mut [0]))
}

/// The first write goes out, and a reset comes back: nobody is there to read it. The
/// second finds that out.
fn broken_pipe() -> io::Result<io::Error> {
    let (mut ours, theirs) = pair()?;
    drop(theirs); // FIN only; until we write, all is in order
    ours.write_all(b"is anybody there?")?;
    error_of(ours.write(b"hello?"))
}
// ANCHOR_END: produce

/// A socket with an address, which does not listen.
pub(crate) fn bound() -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from(ANY_PORT).into())?;
    Ok(socket)
}

pub(crate) fn local(socket: &Socket) -> io::Result<SocketAddr> {
    let addr = socket.local_addr()?.as_socket();
    addr.ok_or_else(|| io::Error::other("it has no address of IP"))
}

/// A listener with a full queue, and who fills it.
///
/// # Errors
///
/// If the sockets fail.
pub fn full_queue() -> io::Result<(SocketAddr, Vec<Socket>)> {
    let listener = bound()?;
    listener.listen(0)?; // Linux admits one more
    let addr = local(&listener)?;
    let mut sockets = vec![listener];
    for _ in 0..4 {
        let caller = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        caller.set_nonblocking(true)?;
        let _ = caller.connect(&addr.into()); // under way, or done
        sockets.push(caller);
    }
    Ok((addr, sockets))
}

// ANCHOR: limits
/// Nobody answers the SYN. The kernel repeats it for some two minutes; we have no time
/// for that, and TCP_USER_TIMEOUT shortens its patience ([tcp(7)]).
///
/// [tcp(7)]: https://man7.org/linux/man-pages/man7/tcp.7.html
#[cfg(target_os = "linux")]
fn gave_up() -> io::Result<io::Error> {
    let (full, _sockets) = full_queue()?;
    let caller = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    caller.set_tcp_user_timeout(Some(Duration::from_millis(500)))?;
    error_of(caller.connect(&full.into()))
}

/// The limit is std's own: it waits in poll(2), and makes the error itself.
fn connect_limit() -> io::Result<io::Error> {
    let (full, _sockets) = full_queue()?;
    let limit = Duration::from_millis(100);
    error_of(TcpStream::connect_timeout(&full, limit))
}

/// The limit is the socket's (SO_RCVTIMEO), and the error is EAGAIN, the same as for
/// a socket that does not block (socket(7)).
fn read_limit() -> io::Result<io::Error> {
    let (mut ours, _theirs) = pair()?;
    ours.set_read_timeout(Some(Duration::from_millis(100)))?;
    error_of(ours.read(&mut [0]))
}
// ANCHOR_END: limits

/// Elsewhere the kernel's patience has another name, or none.
#[cfg(not(target_os = "linux"))]
fn gave_up() -> io::Result<io::Error> {
    connect_limit()
}

/// Opens descriptors until there are none left; how many there were, and the error.
///
/// # Errors
///
/// If a socket fails in another way than for the want of a descriptor.
pub fn no_descriptors() -> io::Result<(usize, io::Error)> {
    /// A process that may have more than this is not tried: it would take memory
    /// from others.
    const MANY: usize = 4096;
    let mut held = Vec::new();
    while held.len() < MANY {
        match bound() {
            Ok(socket) => held.push(socket),
            Err(error) => return Ok((held.len(), error)),
        }
    }
    Err(io::Error::other("more than 4096 descriptors are allowed"))
}

// ANCHOR: connect_ex
/// What Python's `connect_ex` returns: 0, or the number of the error.
///
/// # Errors
///
/// An error that has no number: one that std has made itself.
pub fn connect_ex(addr: SocketAddr) -> io::Result<i32> {
    match TcpStream::connect(addr) {
        Ok(_) => Ok(0),
        Err(error) => error.raw_os_error().ok_or(error),
    }
}
// ANCHOR_END: connect_ex

/// A read on this thread that a signal interrupts, which `send` sends to this process
/// while it waits.
///
/// The read has a time limit: after a handler has run, the kernel restarts a read
/// without one where the handler asked for that (SA_RESTART), as `ctrlc` does, and
/// never one with a limit (signal(7)).
///
/// # Errors
///
/// If the sockets fail in another way.
pub fn interrupted(send: impl FnOnce() + Send + 'static) -> io::Result<io::Error> {
    let (mut ours, _theirs) = pair()?;
    ours.set_read_timeout(Some(Duration::from_secs(5)))?;
    std::thread::spawn(send);
    error_of(ours.read(&mut [0]))
}
