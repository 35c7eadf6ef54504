//! ICMP (RFC 792): what hosts and routers say to each other about packets.

use crate::checksum::{checksum, holds};
use crate::ipv4;
use crate::malformed::{Malformed, u16_at};

/// The length of a message's fixed part, in bytes.
pub const HEADER: usize = 8;

/// An echo: what is asked comes back as the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Echo<'a> {
    /// Tells the programs of one host apart.
    pub identifier: u16,
    /// Tells the requests of one program apart.
    pub sequence: u16,
    /// Comes back as it was sent.
    pub data: &'a [u8],
}

/// A message, as far as this lesson has to do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// Type 8.
    EchoRequest(Echo<'a>),
    /// Type 0.
    EchoReply(Echo<'a>),
    /// Type 3: a packet did not arrive. It is quoted, as far as 8 bytes behind its
    /// header at least.
    Unreachable(u8, &'a [u8]),
    /// Type 11: a packet was passed on by too many routers. It is quoted.
    TimeExceeded(u8, &'a [u8]),
    /// Another type.
    Other(u8),
}

// ANCHOR: parse
/// Reads a message, which is what an IPv4 packet of protocol 1 holds.
///
/// # Errors
///
/// The field that cannot be right.
pub fn parse(bytes: &[u8]) -> Result<Message<'_>, Malformed> {
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER>() else {
        let why = format!("{} bytes came, it has at least {HEADER}", bytes.len());
        return Err(Malformed::new("ICMP header", why));
    };
    if !holds(bytes) {
        let why = "the message has changed on its way";
        return Err(Malformed::new("ICMP checksum", why));
    }
    let [kind, code, _, _, i1, i0, s1, s0] = *header;
    let echo = Echo {
        identifier: u16::from_be_bytes([i1, i0]),
        sequence: u16::from_be_bytes([s1, s0]),
        data: rest,
    };
    Ok(match (kind, code) {
        (8, 0) => Message::EchoRequest(echo),
        (0, 0) => Message::EchoReply(echo),
        (3, code) => Message::Unreachable(code, rest),
        (11, code) => Message::TimeExceeded(code, rest),
        (kind, _) => Message::Other(kind),
    })
}
// ANCHOR_END: parse

// ANCHOR: request
/// An echo request.
pub fn echo_request(identifier: u16, sequence: u16, data: &[u8]) -> Vec<u8> {
    let mut message = vec![8, 0, 0, 0]; // type, code, and room for the checksum
    message.extend(identifier.to_be_bytes());
    message.extend(sequence.to_be_bytes());
    message.extend(data);
    let sum = checksum(&message).to_be_bytes();
    message[2..4].copy_from_slice(&sum);
    message
}
// ANCHOR_END: request

// ANCHOR: quoted
/// Identifier and sequence of the echo request that an error quotes, if it is one.
///
/// The quote is a packet cut short, so its lengths and checksums do not hold. Its own
/// header may have options.
pub fn quoted_request(quote: &[u8]) -> Option<(u16, u16)> {
    let first = *quote.first()?;
    let length = usize::from(first & 0x0F) * 4;
    let is_icmp = *quote.get(9)? == ipv4::ICMP;
    let inner = quote.get(length..)?;
    let is_request = first >> 4 == 4 && is_icmp && inner.first() == Some(&8);
    (is_request && length >= ipv4::HEADER)
        .then_some((u16_at(inner, 4)?, u16_at(inner, 6)?))
}
// ANCHOR_END: quoted
