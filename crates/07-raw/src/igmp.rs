//! IGMP (RFC 3376): a host tells the routers which groups it wants to hear.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Instant;

use crate::checksum::holds;
use crate::malformed::{Malformed, u16_at};
use crate::{ipv4, sockets};

/// Where all routers that speak IGMP listen for reports.
pub const ROUTERS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 22);

/// What a host says of one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// 3 is "from nobody any more", which leaves the group; 4 is "from all but a list
    /// of nobody", which joins it. The others are about lists of senders.
    pub kind: u8,
    /// The group.
    pub group: Ipv4Addr,
}

// ANCHOR: parse
/// Reads a membership report of version 3, which is what an IPv4 packet of protocol 2
/// holds.
///
/// # Errors
///
/// The field that cannot be right.
pub fn report(bytes: &[u8]) -> Result<Vec<Record>, Malformed> {
    let short = || Malformed::new("IGMP report", format!("{} bytes", bytes.len()));
    let kind = *bytes.first().ok_or_else(short)?;
    if kind != 0x22 {
        let why = format!("it is {kind:#04x}, not 0x22");
        return Err(Malformed::new("IGMP type", why));
    }
    if !holds(bytes) {
        let why = "the report has changed on its way";
        return Err(Malformed::new("IGMP checksum", why));
    }
    let count = u16_at(bytes, 6).ok_or_else(short)?;
    let mut rest = &bytes[8..];
    let mut records = Vec::new();
    for _ in 0..count {
        let (fixed, behind) = rest.split_first_chunk::<8>().ok_or_else(short)?;
        let [kind, words, s1, s0, a, b, c, d] = *fixed;
        records.push(Record {
            kind,
            group: Ipv4Addr::new(a, b, c, d),
        });
        // A list of senders, and words that nobody has found a use for.
        let more = usize::from(u16::from_be_bytes([s1, s0])) + usize::from(words);
        rest = behind.get(4 * more..).ok_or_else(short)?;
    }
    Ok(records)
}
// ANCHOR_END: parse

/// A raw socket that hears what hosts report to the routers on the loopback.
///
/// # Errors
///
/// `PermissionDenied` without CAP_NET_RAW.
pub fn listen() -> io::Result<UdpSocket> {
    let socket = sockets::raw(ipv4::IGMP)?;
    socket.join_multicast_v4(&ROUTERS, &Ipv4Addr::LOCALHOST)?;
    Ok(socket)
}

/// A report, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// To whom.
    pub to: Ipv4Addr,
    /// What the routers have left of its time to live.
    pub ttl: u8,
    /// The bytes of the IP header.
    pub header: Vec<u8>,
}

/// The next report that says this of a group; `None` if there is none until `deadline`.
///
/// # Errors
///
/// If the socket fails.
pub fn next(
    socket: &UdpSocket,
    wanted: Record,
    deadline: Instant,
) -> io::Result<Option<Heard>> {
    sockets::find(socket, deadline, |packet| {
        let records = report(packet.payload).unwrap_or_default();
        records.contains(&wanted).then(|| Heard {
            to: packet.destination,
            ttl: packet.ttl,
            header: packet.header.to_vec(),
        })
    })
}
