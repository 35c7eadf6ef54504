//! Lesson 3: datagrams.
//!
//! UDP carries messages: each arrives whole, or not at all. There is no connection,
//! so nothing tells that a message is lost, comes twice, or overtakes another.
//! Whoever needs to know has to ask, with a number and a time limit.
//!
//! Read in this order:
//!
//! 1. [`letters`]: the servers, and what a datagram brings besides its bytes;
//! 2. [`sizes`]: boundaries, truncation, the empty one and the longest one;
//! 3. [`nobody`]: what happens if nobody is there;
//! 4. [`groups`]: one datagram for many, by broadcast and by multicast;
//! 5. [`ask`]: a number for each question, a time limit, and another try;
//! 6. [`transfer`]: a file in blocks, over a network that loses and doubles;
//! 7. [`flood`]: what a queue does when it is full.
//!
//! Then find out what is wrong with the programs in [`broken`].

pub mod ask;
pub mod broken;
pub mod flood;
pub mod groups;
pub mod letters;
pub mod nobody;
pub mod sizes;
pub mod transfer;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

/// Loopback, and a port of the kernel's choice.
pub const ANY_PORT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The most that IPv4 carries: 65,535 bytes less the headers of IP (20) and UDP (8).
pub const LONGEST: usize = 65_507;

/// Room for any datagram: UDP's own field for its length has 16 bits (RFC 768). IPv6
/// carries 65,527 bytes, since its field for the length does not count its header.
pub const ROOM: usize = 65_535;

/// Loopback needs less than a millisecond; after this, something is wrong.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// A socket at a port of the kernel's choice that does not wait for ever.
///
/// # Errors
///
/// If the machine has no port or no descriptor left.
pub fn socket() -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(ANY_PORT)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}

/// The kernel's name of an error, such as `EMSGSIZE`.
pub fn name_of(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => format!("{:?}", nix::errno::Errno::from_raw(code)),
        None => error.kind().to_string(),
    }
}

/// The chapter's own snippets are tests of this crate.
#[cfg(doctest)]
#[doc = include_str!("../../../book/src/03-udp.md")]
struct Chapter;
