//! The loop that every server of this lesson has: the next caller, and the next.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

/// How long to wait for a caller to leave where there is no room for another. Asking
/// again at once would keep a processor busy, and give nobody time to leave.
const BACK_OFF: Duration = Duration::from_millis(50);

// ANCHOR: trouble
/// What to do about an error of `accept` ([accept(2)], "Errors").
///
/// [accept(2)]: https://man7.org/linux/man-pages/man2/accept.2.html
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// A caller was gone before it was accepted: take the next.
    OfACaller,
    /// There is no descriptor left, or no memory: wait until somebody leaves.
    NoRoom,
    /// The listening socket itself fails: there is nothing to wait for.
    OfTheListener,
}

impl Trouble {
    /// Sorts an error of `accept`.
    pub fn of(error: &io::Error) -> Self {
        const ENFILE: i32 = 23; // the whole system has too many descriptors open
        const EMFILE: i32 = 24; // this process has
        const ENOBUFS: i32 = if cfg!(target_os = "linux") { 105 } else { 55 };
        match error.kind() {
            ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::Interrupted
            | ErrorKind::NetworkDown
            | ErrorKind::NetworkUnreachable
            | ErrorKind::HostUnreachable => Trouble::OfACaller,
            ErrorKind::OutOfMemory => Trouble::NoRoom,
            _ => match error.raw_os_error() {
                Some(ENFILE | EMFILE | ENOBUFS) => Trouble::NoRoom,
                _ => Trouble::OfTheListener,
            },
        }
    }
}
// ANCHOR_END: trouble

// ANCHOR: accept
/// The next caller, however long that takes; none once `is_over` says so.
///
/// # Errors
///
/// If the listening socket fails.
pub fn accept(
    listener: &TcpListener,
    is_over: impl Fn() -> bool,
) -> io::Result<Option<(TcpStream, SocketAddr)>> {
    loop {
        let accepted = listener.accept();
        if is_over() {
            return Ok(None); // a caller that came this late is not served
        }
        match accepted {
            Ok(caller) => return Ok(Some(caller)),
            Err(error) => match Trouble::of(&error) {
                Trouble::OfACaller => {}
                Trouble::NoRoom => thread::sleep(BACK_OFF),
                Trouble::OfTheListener => return Err(error),
            },
        }
    }
}
// ANCHOR_END: accept

// ANCHOR: stop
/// The order to stop, for one listening socket.
///
/// A flag alone wakes nobody: the thread in `accept` would look at it after the next
/// caller. So whoever sets the flag is that caller.
#[derive(Debug)]
pub struct Stop {
    told: AtomicBool,
    addr: SocketAddr,
    /// Made beforehand: one day there is no descriptor left to make it with.
    bell: Socket,
}

impl Stop {
    /// Gives the order: ends the loop over [`callers`].
    pub fn now(&self) {
        self.told.store(true, Ordering::SeqCst); // first: who wakes looks at it
        // Fails where nobody listens any more, and then the loop is over already.
        let _ = self.bell.connect(&self.addr.into());
    }
}

/// One caller after another, until `stop` is told or the listening socket fails.
pub fn callers<'a>(
    listener: &'a TcpListener,
    stop: &'a Stop,
) -> impl Iterator<Item = io::Result<(TcpStream, SocketAddr)>> + 'a {
    std::iter::from_fn(|| accept(listener, || stop.is_told()).transpose())
}
// ANCHOR_END: stop

impl Stop {
    /// For this socket.
    ///
    /// # Errors
    ///
    /// If the socket has no address, or there is no descriptor for another.
    pub fn new(listener: &TcpListener) -> io::Result<Self> {
        let mut addr = listener.local_addr()?;
        // At 0.0.0.0 one can listen; a call needs an address that somebody has.
        if addr.ip().is_unspecified() {
            addr.set_ip(match addr {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        let bell = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
        bell.set_nonblocking(true)?; // whoever stops a server does not wait for it
        Ok(Self {
            told: AtomicBool::new(false),
            addr,
            bell,
        })
    }

    /// Whether the order has been given.
    pub fn is_told(&self) -> bool {
        self.told.load(Ordering::SeqCst)
    }
}
