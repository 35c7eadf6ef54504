//! Which address families this kernel has sockets for.

use std::io;

use socket2::{Domain, Socket, Type};

/// A family and what the kernel says of it.
#[derive(Debug)]
pub struct Family {
    /// As C programs write it.
    pub name: &'static str,
    /// What it was made for.
    pub what: &'static str,
    /// Whether there is a socket of this family.
    pub answer: io::Result<()>,
}

// ANCHOR: families
/// Asks for a socket of each family that the tutorials name.
pub fn families() -> Vec<Family> {
    [
        ("AF_INET", "IPv4", libc::AF_INET, Type::STREAM),
        ("AF_INET6", "IPv6", libc::AF_INET6, Type::STREAM),
        ("AF_IPX", "Novell's networks", libc::AF_IPX, Type::DGRAM),
        (
            "AF_APPLETALK",
            "Apple's networks",
            libc::AF_APPLETALK,
            Type::DGRAM,
        ),
    ]
    .map(|(name, what, number, kind)| Family {
        name,
        what,
        answer: Socket::new(Domain::from(number), kind, None).map(drop),
    })
    .into()
}
// ANCHOR_END: families
