//! The sockets of this lesson. All but the last are more than a program gets without
//! asking.

use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

use crate::ipv4;

// ANCHOR: open
/// A raw socket for ICMP: it gets a copy of every ICMP message that arrives at this
/// host, whichever program it is for, with its IP header. What we send is the
/// message; the kernel puts the header in front.
///
/// The standard library has no type for it. Its `UdpSocket` is a thin coat around any
/// descriptor for which sendto(2) and recvfrom(2) make sense, so it serves here too.
///
/// # Errors
///
/// `PermissionDenied` without CAP_NET_RAW.
pub fn raw_icmp() -> io::Result<UdpSocket> {
    raw(ipv4::ICMP)
}

/// The same for the protocol of this number.
///
/// # Errors
///
/// As [`raw_icmp`].
pub fn raw(protocol: u8) -> io::Result<UdpSocket> {
    let protocol = Protocol::from(i32::from(protocol));
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(protocol))?;
    Ok(socket.into())
}

/// A ping socket, see icmp(7): echo requests out, the replies to them in, and nothing
/// else. The kernel puts in the identifier, which is the socket's port, and the
/// checksum; on Linux what is received has no IP header. Identifier 0 lets the kernel
/// choose.
///
/// # Errors
///
/// `PermissionDenied` where none of our groups is in `net.ipv4.ping_group_range`.
pub fn ping_socket(identifier: u16) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::ICMPV4))?;
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, identifier)).into())?;
    Ok(socket.into())
}

/// A socket that sends whole IP packets, header included, and receives nothing: the
/// protocol IPPROTO_RAW switches IP_HDRINCL on, see raw(7).
///
/// # Errors
///
/// As [`raw_icmp`].
pub fn whole_packets() -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(255)))?;
    socket.set_header_included_v4(true)?; // said, so that it can be seen
    Ok(socket.into())
}
// ANCHOR_END: open

/// A packet socket, see packet(7): a copy of every frame with an IPv4 packet that
/// arrives at any interface, as the link brought it.
///
/// # Errors
///
/// As [`raw_icmp`].
#[cfg(target_os = "linux")]
pub fn frames() -> io::Result<Frames> {
    const ETH_P_IP: u16 = 0x0800;
    let protocol = Protocol::from(i32::from(ETH_P_IP.to_be())); // network byte order
    Ok(Frames(Socket::new(
        Domain::PACKET,
        Type::RAW,
        Some(protocol),
    )?))
}

/// Frames of the link, see [`frames`].
#[derive(Debug)]
pub struct Frames(Socket);

/// Other systems have other doors to the link: BPF, on macOS.
///
/// # Errors
///
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn frames() -> io::Result<Frames> {
    let why = "packet sockets are Linux's own";
    Err(io::Error::new(io::ErrorKind::Unsupported, why))
}

impl Frames {
    /// The first frame that `wanted` likes; `None` if there is none until `deadline`.
    ///
    /// # Errors
    ///
    /// If the socket fails.
    pub fn find(
        &self,
        deadline: Instant,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> io::Result<Option<Vec<u8>>> {
        let mut buffer = vec![0; 65_550];
        while let Some(left) = left(deadline) {
            self.0.set_read_timeout(Some(left))?;
            match waited((&self.0).read(&mut buffer))? {
                Some(length) if wanted(&buffer[..length]) => {
                    buffer.truncate(length);
                    return Ok(Some(buffer));
                }
                _ => {}
            }
        }
        Ok(None)
    }
}

/// A message that has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// Who sent it.
    pub from: Ipv4Addr,
    /// What the routers have left of its time to live; a ping socket does not tell.
    pub ttl: Option<u8>,
    /// The ICMP message, without the IP header.
    pub message: Vec<u8>,
}

// ANCHOR: receive
/// The next ICMP message; `None` if there is none until `deadline`. What is no IPv4
/// packet with ICMP inside is left out.
///
/// # Errors
///
/// If the socket fails.
pub fn receive(
    socket: &UdpSocket,
    raw: bool,
    deadline: Instant,
) -> io::Result<Option<Arrived>> {
    let mut buffer = vec![0; 65_535]; // the longest packet that IPv4 has
    while let Some(left) = left(deadline) {
        socket.set_read_timeout(Some(left))?;
        let Some((length, from)) = waited(socket.recv_from(&mut buffer))? else {
            continue;
        };
        let bytes = &buffer[..length];
        match (raw, ipv4::parse(bytes), from) {
            (true, Ok(packet), _) if packet.protocol == ipv4::ICMP => {
                return Ok(Some(Arrived {
                    from: packet.source,
                    ttl: Some(packet.ttl),
                    message: packet.payload.to_vec(),
                }));
            }
            (false, _, SocketAddr::V4(from)) => {
                return Ok(Some(Arrived {
                    from: *from.ip(),
                    ttl: None,
                    message: bytes.to_vec(),
                }));
            }
            _ => {}
        }
    }
    Ok(None)
}
// ANCHOR_END: receive

/// What `look` finds in the next packet in which it finds something; `None` if there is
/// none until `deadline`.
///
/// # Errors
///
/// If the socket fails.
pub fn find<T>(
    socket: &UdpSocket,
    deadline: Instant,
    look: impl Fn(&ipv4::Packet<'_>) -> Option<T>,
) -> io::Result<Option<T>> {
    let mut buffer = vec![0; 65_535];
    while let Some(left) = left(deadline) {
        socket.set_read_timeout(Some(left))?;
        let Some((length, _)) = waited(socket.recv_from(&mut buffer))? else {
            continue;
        };
        let packet = ipv4::parse(&buffer[..length]).ok();
        if let Some(found) = packet.and_then(|packet| look(&packet)) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// What is left until `deadline`. A timeout of 0 would mean none at all: socket(7).
fn left(deadline: Instant) -> Option<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    (!left.is_zero()).then_some(left)
}

/// `None` where a signal or the time limit ended the call.
fn waited<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    match result {
        Err(error) if matches!(error.kind(), WouldBlock | TimedOut | Interrupted) => {
            Ok(None)
        }
        result => result.map(Some),
    }
}
