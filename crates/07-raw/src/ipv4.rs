//! IPv4 (RFC 791, section 3.1): from whom, to whom, and what is inside.

use std::net::Ipv4Addr;

use crate::checksum::{checksum, holds};
use crate::malformed::{Malformed, u16_at};

/// The length of a header without options, in bytes.
pub const HEADER: usize = 20;

/// The protocol number of ICMP.
pub const ICMP: u8 = 1;

/// The protocol number of IGMP.
pub const IGMP: u8 = 2;

/// The protocol number of UDP.
pub const UDP: u8 = 17;

/// A packet, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The bytes of the header, options included.
    pub header: &'a [u8],
    /// Tells the fragments of this packet from those of another.
    pub identification: u16,
    /// No router may cut it.
    pub dont_fragment: bool,
    /// It is a part of a packet that a router has cut.
    pub fragment: bool,
    /// Each router takes 1 off; at 0 the packet is thrown away.
    pub ttl: u8,
    /// What is inside: 1 is ICMP, 2 IGMP, 6 TCP, 17 UDP.
    pub protocol: u8,
    /// From whom.
    pub source: Ipv4Addr,
    /// To whom.
    pub destination: Ipv4Addr,
    /// What is behind the header, to the end that the header tells.
    pub payload: &'a [u8],
}

// ANCHOR: parse
/// Takes a packet apart. What stands behind its total length is padding of the link
/// below (Ethernet sends no frame of less than 60 bytes), and is left out.
///
/// # Errors
///
/// The first field that cannot be right. No bytes make it panic: whatever a length
/// says is compared with what is there before it is used.
pub fn parse(bytes: &[u8]) -> Result<Packet<'_>, Malformed> {
    if bytes.len() < HEADER {
        let why = format!("{} bytes came, it has at least {HEADER}", bytes.len());
        return Err(Malformed::new("IPv4 header", why));
    }
    let (version, words) = (bytes[0] >> 4, bytes[0] & 0x0F);
    if version != 4 {
        let why = format!("it is {version}, not 4");
        return Err(Malformed::new("IPv4 version", why));
    }
    let length = usize::from(words) * 4; // IHL counts words of 32 bits
    if length < HEADER || length > bytes.len() {
        let why = format!("{length} bytes, of {} that came", bytes.len());
        return Err(Malformed::new("IPv4 header length", why));
    }
    let (header, behind) = bytes.split_at(length);
    if !holds(header) {
        let why = "the header has changed on its way";
        return Err(Malformed::new("IPv4 header checksum", why));
    }
    let total = usize::from(word(header, 2));
    let payload = total.checked_sub(length).and_then(|len| behind.get(..len));
    let Some(payload) = payload else {
        let (came, least) = (bytes.len(), length);
        let why =
            format!("{total} bytes, with {came} that came and a header of {least}");
        return Err(Malformed::new("IPv4 total length", why));
    };
    let flags = word(header, 6);
    Ok(Packet {
        header,
        identification: word(header, 4),
        dont_fragment: flags & 0x4000 != 0,
        fragment: flags & 0x3FFF != 0, // more to come, or not the first
        ttl: header[8],
        protocol: header[9],
        source: address(header, 12),
        destination: address(header, 16),
        payload,
    })
}
// ANCHOR_END: parse

/// A word of a header that is known to be long enough.
fn word(header: &[u8], at: usize) -> u16 {
    u16_at(header, at).unwrap_or_default()
}

fn address(header: &[u8], at: usize) -> Ipv4Addr {
    let four: [u8; 4] = header[at..].first_chunk().copied().unwrap_or_default();
    Ipv4Addr::from(four)
}

// ANCHOR: build
/// A packet without a fragment's marks around `payload`, as we send it ourselves.
///
/// `options` are for those who want to see a header that is longer than 20 bytes.
///
/// # Errors
///
/// If the options are not up to ten words of 4 bytes, or all of it has more than the
/// 65,535 bytes that the total length can tell.
pub fn build(
    (source, destination): (Ipv4Addr, Ipv4Addr),
    protocol: u8,
    options: &[u8],
    payload: &[u8],
) -> Result<Vec<u8>, Malformed> {
    let length = HEADER + options.len();
    if !options.len().is_multiple_of(4) || length > 60 {
        let why = format!("{} bytes of options", options.len());
        return Err(Malformed::new("IPv4 header length", why));
    }
    let total = u16::try_from(length + payload.len()).map_err(|_| {
        let why = format!("{} bytes of payload are too many", payload.len());
        Malformed::new("IPv4 total length", why)
    })?;
    let mut packet = vec![0x40 | (length / 4) as u8, 0]; // version and IHL; no TOS
    packet.extend(total.to_be_bytes());
    packet.extend([0, 7, 0x40, 0]); // identification 7; DF, fragment offset 0
    packet.extend([64, protocol, 0, 0]); // TTL 64; the checksum follows
    packet.extend(source.octets());
    packet.extend(destination.octets());
    packet.extend(options);
    let sum = checksum(&packet).to_be_bytes();
    packet[10..12].copy_from_slice(&sum);
    packet.extend(payload);
    Ok(packet)
}
// ANCHOR_END: build
