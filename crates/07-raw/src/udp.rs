//! UDP (RFC 768): ports, a length and a checksum in front of the data.

use std::net::{Ipv4Addr, SocketAddrV4};

use crate::checksum::checksum;
use crate::ipv4;
use crate::malformed::{Malformed, u16_at};

/// The length of the header, in bytes.
pub const HEADER: usize = 8;

/// A datagram, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// The sender's port.
    pub source: u16,
    /// The receiver's port.
    pub destination: u16,
    /// What the checksum field holds; 0 says that there is none.
    pub checksum: u16,
    /// What the program sent.
    pub data: &'a [u8],
}

// ANCHOR: parse
/// Reads a datagram, which is what an IPv4 packet of protocol 17 holds.
///
/// The checksum is not looked at: see [`Datagram::holds`].
///
/// # Errors
///
/// The field that cannot be right.
pub fn parse(bytes: &[u8]) -> Result<Datagram<'_>, Malformed> {
    let short = |field| {
        let why = format!("{} bytes came, it has at least {HEADER}", bytes.len());
        Malformed::new(field, why)
    };
    let word = |at| u16_at(bytes, at).ok_or_else(|| short("UDP header"));
    let [source, destination, length, checksum] =
        [word(0)?, word(2)?, word(4)?, word(6)?];
    let data = bytes.get(HEADER..length.into()).ok_or_else(|| {
        let why = format!("{length} bytes, of {} that came", bytes.len());
        Malformed::new("UDP length", why)
    })?;
    Ok(Datagram {
        source,
        destination,
        checksum,
        data,
    })
}
// ANCHOR_END: parse

// ANCHOR: sum
/// The checksum of a UDP datagram, over a header that travels in no packet and the
/// datagram itself, whose checksum field is 0.
///
/// The *pseudo-header* holds the addresses: a datagram that a broken router delivers
/// to the wrong host does not fit there.
fn sum(source: Ipv4Addr, destination: Ipv4Addr, datagram: &[u8]) -> u16 {
    let mut bytes = source.octets().to_vec();
    bytes.extend(destination.octets());
    bytes.extend([0, ipv4::UDP]);
    bytes.extend((datagram.len() as u16).to_be_bytes()); // `build` has bounded it
    bytes.extend(datagram);
    match checksum(&bytes) {
        0 => 0xFFFF, // 0 says "no checksum"; both are zero in ones' complement
        sum => sum,
    }
}

/// A datagram, header and all.
///
/// # Errors
///
/// If an IPv4 packet has no room for it: more than 65,507 bytes of data.
pub fn build(
    source: SocketAddrV4,
    destination: SocketAddrV4,
    data: &[u8],
) -> Result<Vec<u8>, Malformed> {
    const MOST: usize = 65_535 - ipv4::HEADER - HEADER;
    if data.len() > MOST {
        let why = format!("{} bytes of data, {MOST} at most", data.len());
        return Err(Malformed::new("UDP length", why));
    }
    let length = (HEADER + data.len()) as u16;
    let mut datagram = Vec::with_capacity(length.into());
    for word in [source.port(), destination.port(), length, 0] {
        datagram.extend(word.to_be_bytes());
    }
    datagram.extend(data);
    let sum = sum(*source.ip(), *destination.ip(), &datagram);
    datagram[6..8].copy_from_slice(&sum.to_be_bytes());
    Ok(datagram)
}
// ANCHOR_END: sum

impl Datagram<'_> {
    /// Whether the checksum is right for these addresses, or there is none.
    pub fn holds(&self, source: Ipv4Addr, destination: Ipv4Addr) -> bool {
        let source = SocketAddrV4::new(source, self.source);
        let destination = SocketAddrV4::new(destination, self.destination);
        let again = build(source, destination, self.data);
        let again = again.ok().and_then(|bytes| u16_at(&bytes, 6));
        self.checksum == 0 || again == Some(self.checksum)
    }
}
