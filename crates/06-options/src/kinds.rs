//! Which sockets this kernel makes.

use std::io;

use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};

use crate::name_of;

/// What became of a call of `socket`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The family.
    pub family: &'static str,
    /// The type.
    pub kind: &'static str,
    /// `yes`, or the name of the error.
    pub answer: String,
}

const TYPES: [(&str, SockType); 4] = [
    ("SOCK_STREAM", SockType::Stream),
    ("SOCK_DGRAM", SockType::Datagram),
    ("SOCK_SEQPACKET", SockType::SeqPacket),
    ("SOCK_RDM", SockType::Rdm),
];

// ANCHOR: kinds
/// Tries every type of the families that every machine has.
pub fn everywhere() -> Vec<Made> {
    let families = [
        ("AF_INET", AddressFamily::Inet),
        ("AF_INET6", AddressFamily::Inet6),
        ("AF_UNIX", AddressFamily::Unix),
    ];
    let all = families.iter().flat_map(|family| {
        TYPES
            .iter()
            .map(move |(name, kind)| try_one(*family, (name, *kind), None))
    });
    all.collect()
}

fn try_one(
    (family, domain): (&'static str, AddressFamily),
    (kind, socket_type): (&'static str, SockType),
    protocol: Option<SockProtocol>,
) -> Made {
    let answer = match socket(domain, socket_type, SockFlag::empty(), protocol) {
        Ok(_) => "yes".to_string(), // and closed again, for it is dropped here
        Err(error) => name_of(&io::Error::from(error)),
    };
    Made {
        family,
        kind,
        answer,
    }
}
// ANCHOR_END: kinds

/// Tries the families of which the tutorials speak, and which a kernel may lack.
#[cfg(target_os = "linux")]
pub fn elsewhere() -> Vec<Made> {
    let stream = ("SOCK_STREAM", SockType::Stream);
    let datagram = ("SOCK_DGRAM", SockType::Datagram);
    let packets = ("SOCK_SEQPACKET", SockType::SeqPacket);
    let raw = ("SOCK_RAW", SockType::Raw);
    vec![
        try_one(
            ("AF_CAN", AddressFamily::Can),
            raw,
            Some(SockProtocol::CanRaw),
        ),
        try_one(("AF_RDS", AddressFamily::Rds), packets, None),
        try_one(("AF_IPX", AddressFamily::Ipx), datagram, None),
        try_one(("AF_APPLETALK", AddressFamily::AppleTalk), datagram, None),
        try_one(("AF_VSOCK", AddressFamily::Vsock), stream, None),
    ]
}

/// Nothing is known of them here.
#[cfg(not(target_os = "linux"))]
pub fn elsewhere() -> Vec<Made> {
    Vec::new()
}
