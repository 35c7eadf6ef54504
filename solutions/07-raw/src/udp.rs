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
    // BEGIN SOLUTION
    if data.len() > 65_507 {
        let why = format!("{} bytes of data do not fit into a packet", data.len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    let length = (data.len() + 8) as u16;
    let mut pseudo = Vec::new();
    pseudo.extend(source.ip().octets());
    pseudo.extend(destination.ip().octets());
    pseudo.extend([0, 17]);
    pseudo.extend(length.to_be_bytes());

    let mut datagram = Vec::new();
    for number in [source.port(), destination.port(), length, 0] {
        datagram.extend(number.to_be_bytes());
    }
    datagram.extend(data);
    pseudo.extend(&datagram);
    let sum = match checksum(&pseudo) {
        0 => 0xFFFF,
        sum => sum,
    };
    datagram[6..8].copy_from_slice(&sum.to_be_bytes());
    Ok(datagram)
    // STUB let _ = (source, destination, data);
    // STUB todo!("the header, the data, and the checksum with the pseudo-header")
    // END SOLUTION
}
// BEGIN SOLUTION

fn checksum(bytes: &[u8]) -> u16 {
    let mut sum = 0_u32; // enough for 64 KiB
    for word in bytes.chunks(2) {
        sum += u32::from(word[0]) << 8;
        sum += word.get(1).map_or(0, |&low| u32::from(low));
    }
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    !(sum as u16)
}
// END SOLUTION

#[cfg(test)]
pub(crate) fn check() -> checks_raw::Check {
    checks_raw::udp(datagram)
}
