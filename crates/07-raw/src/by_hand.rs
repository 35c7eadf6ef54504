//! A datagram that no UDP socket has sent, and an ordinary one that receives it.

use std::io;
use std::net::{SocketAddr, SocketAddrV4, UdpSocket};

use crate::{ipv4, sockets, udp};

// ANCHOR: send
/// Puts a UDP header and an IP header in front of `data` and gives all of it to the
/// kernel as a packet; returns the packet.
///
/// The source may be any address and port. Nothing has to be bound to it: whoever
/// may do this may also lie, which is one reason why it takes a right.
///
/// # Errors
///
/// If the data is too long for a packet, or the packet cannot be sent.
pub fn send(
    source: SocketAddrV4,
    destination: SocketAddrV4,
    data: &[u8],
) -> io::Result<Vec<u8>> {
    let datagram = udp::build(source, destination, data)?;
    send_as_it_is(source, destination, &[], &datagram)
}

/// Sends what is already a datagram, right or wrong, in a header with these options.
pub(crate) fn send_as_it_is(
    source: SocketAddrV4,
    destination: SocketAddrV4,
    options: &[u8],
    datagram: &[u8],
) -> io::Result<Vec<u8>> {
    let ends = (*source.ip(), *destination.ip());
    let packet = ipv4::build(ends, ipv4::UDP, options, datagram)?;
    let socket = sockets::whole_packets()?;
    // The kernel looks up the route for the address given here, and takes the
    // addresses in the packet from the packet. raw(7): it fills in the IP checksum.
    socket.send_to(&packet, SocketAddr::V4(destination))?;
    Ok(packet)
}
// ANCHOR_END: send

/// An ordinary socket at this address, and where it is.
///
/// # Errors
///
/// If it cannot be bound.
pub fn receiver(addr: SocketAddrV4) -> io::Result<(UdpSocket, SocketAddrV4)> {
    let socket = UdpSocket::bind(addr)?;
    match socket.local_addr()? {
        SocketAddr::V4(addr) => Ok((socket, addr)),
        SocketAddr::V6(_) => Err(io::ErrorKind::AddrNotAvailable.into()),
    }
}
