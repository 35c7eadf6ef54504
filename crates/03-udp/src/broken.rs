//! Wrong on purpose. Find out why.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use crate::ask::receive_until;
use crate::{PATIENCE, socket};

// ANCHOR: stale
/// A client that takes what comes for the answer to what it asked last. The server is
/// slow with its first answer.
///
/// # Errors
///
/// If a socket cannot be made or used.
pub fn stale() -> io::Result<Vec<(String, String)>> {
    let (client, server) = (socket()?, socket()?);
    let (client_at, server_at) = (client.local_addr()?, server.local_addr()?);
    client.send_to(b"one?", server_at)?;
    // No answer within the time limit. The client asks the next question.
    let mut believed = Vec::new();
    let mut late = Some(&b"one"[..]);
    for (question, answer) in [("two?", "two"), ("three?", "three")] {
        client.send_to(question.as_bytes(), server_at)?;
        for answer in late.take().into_iter().chain([answer.as_bytes()]) {
            server.send_to(answer, client_at)?;
        }
        let mut buffer = [0; 64];
        let length = client.recv(&mut buffer)?;
        let answer = String::from_utf8_lossy(&buffer[..length]).into_owned();
        believed.push((question.to_string(), answer));
    }
    Ok(believed)
}
// ANCHOR_END: stale

// ANCHOR: apprentice
/// What the sender of an earlier TFTP does (RFC 783): it answers every acknowledgement
/// with the next block, also one that it has had before. How many datagrams that takes
/// for so many blocks.
///
/// # Errors
///
/// If a socket cannot be used, or an acknowledgement does not come.
pub fn apprentice(
    socket: &UdpSocket,
    to: SocketAddr,
    blocks: u16,
    mut patience: Duration,
) -> io::Result<u32> {
    let mut sent = 0;
    let mut send = |number: u16| {
        sent += 1;
        socket.send_to(&number.to_be_bytes(), to)
    };
    send(1)?;
    loop {
        let until = Instant::now() + patience;
        match receive_until(socket, until, acknowledged)? {
            Some(number) if number >= blocks => return Ok(sent),
            Some(number) => send(number + 1)?,
            // Once, for a block whose acknowledgement is late.
            None if patience < PATIENCE => send(1)?,
            None => return Err(ErrorKind::TimedOut.into()),
        };
        patience = PATIENCE;
    }
}
// ANCHOR_END: apprentice

/// The number that a datagram acknowledges, if it does.
fn acknowledged(datagram: &[u8], _: SocketAddr) -> Option<u16> {
    Some(u16::from_be_bytes(datagram.try_into().ok()?))
}

/// Its other end acknowledges whatever comes, until the last block has come.
///
/// # Errors
///
/// If the socket cannot be used, or nothing comes any more.
pub fn acknowledge(socket: &UdpSocket, blocks: u16) -> io::Result<()> {
    let mut block = [0; 2];
    loop {
        let (length, from) = socket.recv_from(&mut block)?;
        socket.send_to(&block[..length], from)?;
        if block == blocks.to_be_bytes() {
            return Ok(());
        }
    }
}
