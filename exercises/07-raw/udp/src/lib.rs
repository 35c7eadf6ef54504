//! Exercise `raw/udp`: a datagram made by hand.
//!
//! Eight bytes stand in front of the data of a UDP datagram (RFC 768), four numbers
//! with their most significant byte first:
//!
//! ```text
//! 0 source port   2 destination port   4 length   6 checksum
//! ```
//!
//! An ordinary UDP socket has to accept what you make. If something is wrong with it,
//! the kernel throws it away, and nobody gets an error.
//!
//! The book has it in chapter 7, "Addresses that are not there".

use std::io;
use std::net::SocketAddrV4;

/// The datagram that carries `data` from `source` to `destination`: header and data.
///
/// The length is that of the whole datagram. The checksum is the internet checksum,
/// as in `raw/checksum`, over a *pseudo-header* and the whole datagram, in which the
/// checksum is 0 meanwhile, and a zero byte if the length is odd. The pseudo-header
/// travels nowhere; it has 12 bytes:
///
/// ```text
/// 0 source address   4 destination address   8 zero   9 protocol 17   10 UDP length
/// ```
///
/// A checksum that comes out as 0 is sent as `ffff`: 0 in this field says that there
/// is no checksum. Both are zero in ones' complement, so the receiver's sum holds.
///
/// More than 65,507 bytes of data do not fit into an IPv4 packet: that is an error of
/// the kind [`io::ErrorKind::InvalidInput`]. Data may be empty.
pub fn datagram(
    source: SocketAddrV4,
    destination: SocketAddrV4,
    data: &[u8],
) -> io::Result<Vec<u8>> {
    let _ = (source, destination, data);
    todo!("the header, the data, and the checksum with the pseudo-header")
}

#[cfg(test)]
pub(crate) fn check() -> checks_raw::Check {
    checks_raw::udp(datagram)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
