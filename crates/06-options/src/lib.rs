//! Lesson 6: options and local sockets.
//!
//! A socket has some dozens of settings, most of which nobody ever looks at, and a
//! name that need not be an address and a port. And it belongs to no process: a
//! process has a descriptor of it, and so may others.
//!
//! Read in this order:
//!
//! 1. [`options`]: asking for an option, and what the kernel makes of it;
//! 2. [`nagle`]: what one of them costs, measured;
//! 3. [`linger`]: what `close` does, by another;
//! 4. [`kinds`]: which families and types of sockets this kernel has;
//! 5. [`names`]: a socket at a file name, and one without a file;
//! 6. [`packets`]: stream, datagram and SEQPACKET side by side;
//! 7. [`chat`]: a chat at a socket file;
//! 8. [`copies`]: one socket, two descriptors;
//! 9. [`passing`]: a descriptor for another process;
//! 10. [`mod@file`]: a file into a socket, without a look at it.
//!
//! Then find out what is wrong with the programs in [`broken`].

pub mod broken;
pub mod chat;
pub mod copies;
pub mod file;
pub mod kinds;
pub mod linger;
pub mod nagle;
pub mod names;
pub mod options;
pub mod packets;
pub mod passing;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

/// Loopback, and a port of the kernel's choice.
pub const ANY_PORT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Both ends of a new TCP connection, the client's first.
///
/// # Errors
///
/// If the machine has no port or no descriptor left.
pub fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind(ANY_PORT)?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    Ok((client, server))
}

/// The kernel's name of an error, such as `ENOPROTOOPT`.
pub fn name_of(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => format!("{:?}", nix::errno::Errno::from_raw(code)),
        None => error.kind().to_string(),
    }
}

/// The chapter's own snippets are tests of this crate.
#[cfg(doctest)]
#[doc = include_str!("../../../book/src/06-options.md")]
struct Chapter;
