//! Exercise `options/table`: what a socket is set to.
//!
//! Read some options of any socket, and ask for a receive buffer. The socket comes as
//! a borrowed descriptor; `socket2::SockRef::from(&socket)` makes of it something with
//! a method for each option, and leaves it open.
//!
//! Both functions return the kernel's error where the descriptor is no socket at all
//! (ENOTSOCK).
//!
//! The book has it in chapter 6, "What the kernel makes of it".

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// What a socket is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// SO_RCVBUF in bytes, as the kernel tells it.
    pub receive_buffer: usize,
    /// SO_SNDBUF in bytes, as the kernel tells it.
    pub send_buffer: usize,
    /// TCP_NODELAY. `None` where this kind of socket has no such option, as that of UDP
    /// or a local one: the kernel says so with EOPNOTSUPP or ENOPROTOOPT.
    pub nodelay: Option<bool>,
    /// For how long `close` waits (SO_LINGER); `None` where lingering is off. Off and
    /// 0 seconds are different things.
    pub linger: Option<Duration>,
    /// After how long without a word TCP asks whether the peer is there
    /// (TCP_KEEPIDLE); `None` where SO_KEEPALIVE is off, whatever that time is.
    pub keepalive: Option<Duration>,
}

/// Reads the options of `socket`.
pub fn read_table(socket: BorrowedFd<'_>) -> io::Result<Table> {
    let _ = socket;
    todo!("one getsockopt for each field, two for the last")
}

/// Asks for a receive buffer of `bytes`, no more and no less, and returns how many the
/// kernel says that it has then.
pub fn set_receive_buffer(socket: BorrowedFd<'_>, bytes: usize) -> io::Result<usize> {
    let _ = (socket, bytes);
    todo!("ask, then read back")
}

#[cfg(test)]
pub(crate) fn check() -> checks_options::Check {
    let read = |socket: BorrowedFd<'_>| {
        let table = read_table(socket)?;
        Ok(checks_options::Table {
            receive_buffer: table.receive_buffer,
            send_buffer: table.send_buffer,
            nodelay: table.nodelay,
            linger: table.linger,
            keepalive: table.keepalive,
        })
    };
    checks_options::table(read, set_receive_buffer)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
