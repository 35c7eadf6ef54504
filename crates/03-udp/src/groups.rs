//! One datagram for many.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

use crate::{PATIENCE, socket};

/// A group from the block that is for documentation: RFC 6676.
pub const GROUP: Ipv4Addr = Ipv4Addr::new(233, 252, 0, 3);

/// Every address of loopback: 127.0.0.0/8 ends with it.
const EVERYBODY: Ipv4Addr = Ipv4Addr::new(127, 255, 255, 255);

// ANCHOR: broadcast
/// Sends to a broadcast address, first as the socket is, then with SO_BROADCAST.
///
/// # Errors
///
/// If there is no socket to be had.
pub fn broadcast() -> io::Result<[io::Result<usize>; 2]> {
    let sender = socket()?;
    let to = (EVERYBODY, sender.local_addr()?.port());
    let forbidden = sender.send_to(b"to all", to);
    sender.set_broadcast(true)?;
    Ok([forbidden, sender.send_to(b"to all", to)])
}
// ANCHOR_END: broadcast

// ANCHOR: member
/// A member of the group at this port, on loopback. Several can have the same port.
///
/// # Errors
///
/// If the port is taken by somebody who does not share it, or loopback has no
/// multicast.
pub fn member(port: u16) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)).into())?;
    socket.join_multicast_v4(&GROUP, &Ipv4Addr::LOCALHOST)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket.into())
}

/// A socket whose datagrams to the group stay on this machine.
///
/// # Errors
///
/// If there is no socket to be had.
pub fn speaker() -> io::Result<UdpSocket> {
    let socket = socket()?;
    let options = socket2::SockRef::from(&socket);
    options.set_multicast_if_v4(&Ipv4Addr::LOCALHOST)?;
    options.set_multicast_loop_v4(true)?;
    Ok(socket)
}
// ANCHOR_END: member

/// What each of `members` members hears of one datagram.
///
/// # Errors
///
/// As [`member`] and [`speaker`].
pub fn to_group(members: usize) -> io::Result<Vec<Vec<u8>>> {
    let first = member(0)?;
    let port = first.local_addr()?.port();
    let mut all = vec![first];
    for _ in 1..members {
        all.push(member(port)?);
    }
    speaker()?.send_to(b"to the group", (GROUP, port))?;
    all.iter()
        .map(|member| {
            let mut buffer = [0; 64];
            let length = member.recv(&mut buffer)?;
            Ok(buffer[..length].to_vec())
        })
        .collect()
}
