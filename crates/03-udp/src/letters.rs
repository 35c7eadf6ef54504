//! Servers without connections: each datagram says where it came from.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::ROOM;

/// What one of the lesson's servers sends back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reply {
    /// Nothing: the one-way server only prints.
    None,
    /// `ok`.
    Ok,
    /// What came, as RFC 862 has it.
    Echo,
    /// The seconds since 1900 in four bytes, as RFC 868 has it.
    Time,
}

// ANCHOR: serve
/// Receives datagrams until receiving fails, and tells of each.
///
/// # Errors
///
/// If receiving fails. An answer that cannot be sent is told, and ends nothing.
pub fn serve(
    socket: &UdpSocket,
    reply: Reply,
    mut told: impl FnMut(SocketAddr, &[u8], io::Result<()>),
) -> io::Result<()> {
    let mut buffer = vec![0; ROOM];
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        let sent = match reply {
            Reply::None => Ok(0),
            Reply::Ok => socket.send_to(b"ok", peer),
            Reply::Echo => socket.send_to(&buffer[..length], peer),
            Reply::Time => socket.send_to(&since_1900().to_be_bytes(), peer),
        };
        told(peer, &buffer[..length], sent.map(drop));
    }
}
// ANCHOR_END: serve

/// Seconds since 1900, modulo 2^32: RFC 868 counts from there, and starts anew in
/// 2036.
pub fn since_1900() -> u32 {
    const FROM_1900_TO_1970: u64 = 2_208_988_800;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = now.map_or(0, |since| since.as_secs()) + FROM_1900_TO_1970;
    (seconds & u64::from(u32::MAX)) as u32
}
