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
    let _ = packet;
    todo!("compare every length with what is there, then read the fields")
}

#[cfg(test)]
pub(crate) fn check() -> checks_raw::Check {
    checks_raw::parse(|packet| match parse(packet) {
        Ok(e) => Ok((e.source, e.ttl, e.reply, e.identifier, e.sequence, e.data)),
        Err(wrong) => Err(format!("{wrong:?}")),
    })
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
