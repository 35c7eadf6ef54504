//! Exercise `raw/parse`: an ICMP echo out of an IPv4 packet.
//!
//! This is what a raw socket brings: an IPv4 header, and behind it an ICMP message.
//! Anybody can send you anything, so no number in it is true before you have compared
//! it with what is there. No bytes at all may make this function panic.
//!
//! ```text
//! IPv4   0 version (4 bits), header length in words of 4 bytes (4 bits)
//!        1 type of service          2 total length (2 bytes)
//!        4 identification (2)       6 flags (3 bits), fragment offset (13 bits)
//!        8 time to live             9 protocol
//!       10 header checksum (2)     12 source (4)     16 destination (4)
//!       20 options, as far as the header length says
//! ICMP   0 type     1 code          2 checksum (2)
//!        4 identifier (2)           6 sequence number (2)
//!        8 data
//! ```
//!
//! Every number has its most significant byte first. The highest of the three flags
//! is not used, the next says "do not fragment", the last "more fragments follow".
//!
//! The book has it in chapter 7, "How long is a header".

use std::net::Ipv4Addr;

/// An echo request or reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo<'a> {
    /// Who sent it, from the IPv4 header.
    pub source: Ipv4Addr,
    /// The time to live, from the IPv4 header.
    pub ttl: u8,
    /// A reply, type 0; otherwise a request, type 8. Both have the code 0.
    pub reply: bool,
    /// Its identifier.
    pub identifier: u16,
    /// Its sequence number.
    pub sequence: u16,
    /// What follows the ICMP header, to the end that the total length tells.
    pub data: &'a [u8],
}

/// The first thing that is wrong with a packet, in the order in which they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// Fewer bytes came than the 20 of the shortest header.
    Truncated,
    /// The version is not 4.
    Version,
    /// The header length is less than 5 words, or more than the bytes that came.
    HeaderLength,
    /// The checksum over the header, options included, does not hold.
    HeaderChecksum,
    /// The total length is less than the header length, or more than the bytes that
    /// came. (More bytes may come than it says: the rest is padding, no part of the
    /// packet.)
    TotalLength,
    /// More fragments follow, or the fragment offset is not 0.
    Fragment,
    /// The protocol is not 1, ICMP.
    Protocol,
    /// Fewer than 8 bytes are left for the ICMP message.
    IcmpLength,
    /// The checksum over the whole ICMP message, and nothing else, does not hold.
    IcmpChecksum,
    /// It is neither type 8 nor type 0 with the code 0.
    Type,
}

/// Takes a packet apart.
pub fn parse(packet: &[u8]) -> Result<Echo<'_>, Wrong> {
    // BEGIN SOLUTION
    let Some(fixed) = packet.first_chunk::<20>() else {
        return Err(Wrong::Truncated);
    };
    let word = |at: usize| u16::from_be_bytes([fixed[at], fixed[at + 1]]);
    ensure(fixed[0] >> 4 == 4, Wrong::Version)?;
    let length = usize::from(fixed[0] & 0x0F) * 4;
    ensure((20..=packet.len()).contains(&length), Wrong::HeaderLength)?;
    ensure(holds(&packet[..length]), Wrong::HeaderChecksum)?;
    let message = packet.get(length..word(2).into());
    let message = message.ok_or(Wrong::TotalLength)?;
    ensure(word(6) & 0x3FFF == 0, Wrong::Fragment)?;
    ensure(fixed[9] == 1, Wrong::Protocol)?;
    let Some((header, data)) = message.split_first_chunk::<8>() else {
        return Err(Wrong::IcmpLength);
    };
    ensure(holds(message), Wrong::IcmpChecksum)?;
    let reply = match header[..2] {
        [8, 0] => false,
        [0, 0] => true,
        _ => return Err(Wrong::Type),
    };
    Ok(Echo {
        source: Ipv4Addr::new(fixed[12], fixed[13], fixed[14], fixed[15]),
        ttl: fixed[8],
        reply,
        identifier: u16::from_be_bytes([header[4], header[5]]),
        sequence: u16::from_be_bytes([header[6], header[7]]),
        data,
    })
    // STUB let _ = packet;
    // STUB todo!("compare every length with what is there, then read the fields")
    // END SOLUTION
}
// BEGIN SOLUTION

fn ensure(right: bool, wrong: Wrong) -> Result<(), Wrong> {
    if right { Ok(()) } else { Err(wrong) }
}

/// Whether bytes that contain their internet checksum add up.
fn holds(bytes: &[u8]) -> bool {
    let words = bytes.chunks(2);
    let word =
        |two: &[u8]| u32::from(two[0]) << 8 | two.get(1).map_or(0, |b| (*b).into());
    // At most 65,535 bytes: the sum has room, and two rounds bring the carries in.
    let sum: u32 = words.map(word).sum();
    let sum = (sum & 0xFFFF) + (sum >> 16);
    (sum & 0xFFFF) + (sum >> 16) == 0xFFFF
}
// END SOLUTION

#[cfg(test)]
pub(crate) fn check() -> checks_raw::Check {
    checks_raw::parse(|packet| match parse(packet) {
        Ok(e) => Ok((e.source, e.ttl, e.reply, e.identifier, e.sequence, e.data)),
        Err(wrong) => Err(format!("{wrong:?}")),
    })
}
