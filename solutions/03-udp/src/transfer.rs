//! Exercise `udp/transfer`: a file in blocks, whatever the network does.
//!
//! A file comes in blocks, one datagram each: two bytes for the number, the most
//! significant first, and up to 512 bytes of the file. Numbers begin at 1. A block
//! with fewer than 512 bytes is the last one; so a file of 1024 bytes has a third
//! block, and an empty file has one, with no bytes in it.
//!
//! The sender waits after each block until it is acknowledged: a datagram with the
//! two bytes of the block's number, and no more. Where no acknowledgement comes, it
//! sends the block again. So the receiver has to expect any of these:
//!
//! - the block that comes next: its bytes are kept, and it is acknowledged;
//! - a block that has come before, because an acknowledgement was lost or the network
//!   doubled it: it is acknowledged again, with its own number, and its bytes are not
//!   kept again;
//! - anything else is ignored, without an answer: the number 0 or one that is too
//!   high, more than 512 bytes, fewer than 2 bytes, and whatever comes from another
//!   address than the first block did.
//!
//! The acknowledgement of the last block may be lost as well. So the receiver stays
//! until `linger` has passed since it acknowledged the last block, and does the same
//! with what still comes: a block that has come before is acknowledged again, anything
//! else is ignored.
//!
//! The book has it in chapter 3, "A file, intact".

// BEGIN SOLUTION
use std::io::ErrorKind;
// END SOLUTION
use std::io;
use std::net::UdpSocket;
// BEGIN SOLUTION
use std::net::SocketAddr;
use std::time::Instant;
// END SOLUTION
use std::time::Duration;
// BEGIN SOLUTION

/// How many bytes of the file a block holds, but for the last.
const BLOCK: usize = 512;
// END SOLUTION

/// Receives a file at `socket` and returns it. The sender is whoever sends block 1.
///
/// If the file is not complete and no datagram at all has come for `patience`, the
/// error is of the kind `TimedOut`. The whole file may take as long as it likes, and
/// be up to 65,534 full blocks long.
pub fn receive(
    socket: UdpSocket,
    patience: Duration,
    linger: Duration,
) -> io::Result<Vec<u8>> {
    // BEGIN SOLUTION
    let mut file = Vec::new();
    let mut sender = None;
    let mut got = 0; // blocks that are kept
    loop {
        let Some((datagram, from)) = datagram(&socket, patience)? else {
            return Err(ErrorKind::TimedOut.into());
        };
        let Some((number, data)) = block(&datagram) else {
            continue;
        };
        if number > got + 1 || from != *sender.get_or_insert(from) {
            continue;
        }
        acknowledge(&socket, number, from);
        if number <= got {
            continue; // it has come before
        }
        file.extend_from_slice(data);
        got = number;
        if data.len() < BLOCK {
            stay(&socket, from, number, linger)?;
            return Ok(file);
        }
    }
    // STUB let _ = (socket, patience, linger);
    // STUB todo!("keep each block once, and acknowledge it whenever it comes")
    // END SOLUTION
}
// BEGIN SOLUTION

/// Acknowledges what still comes after the last block.
fn stay(
    socket: &UdpSocket,
    sender: SocketAddr,
    last: u32,
    linger: Duration,
) -> io::Result<()> {
    let until = Instant::now() + linger;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        if let Some((datagram, from)) = datagram(socket, left)?
            && let Some((number, _)) = block(&datagram)
            && from == sender
            && number <= last
        {
            acknowledge(socket, number, from);
        }
    }
}

/// The next datagram and its sender; nothing if none comes within `patience`.
fn datagram(
    socket: &UdpSocket,
    patience: Duration,
) -> io::Result<Option<(Vec<u8>, SocketAddr)>> {
    socket.set_read_timeout(Some(patience))?;
    let mut buffer = vec![0; 2 + BLOCK + 1]; // one more than a block, to notice it
    match socket.recv_from(&mut buffer) {
        Ok((length, from)) => {
            buffer.truncate(length);
            Ok(Some((buffer, from)))
        }
        Err(error) => match error.kind() {
            // EAGAIN is how the kernel says that the time is up.
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Ok(None),
            _ => Err(error),
        },
    }
}

/// The number and the bytes of a block, if the datagram is one.
fn block(datagram: &[u8]) -> Option<(u32, &[u8])> {
    let (number, data) = datagram.split_first_chunk()?;
    let number = u32::from(u16::from_be_bytes(*number));
    (number > 0 && data.len() <= BLOCK).then_some((number, data))
}

/// An acknowledgement that cannot be sent is one that is lost.
fn acknowledge(socket: &UdpSocket, number: u32, sender: SocketAddr) {
    let [.., high, low] = number.to_be_bytes();
    if let Err(error) = socket.send_to(&[high, low], sender) {
        eprintln!("cannot send to {sender}: {error}");
    }
}
// END SOLUTION

#[cfg(test)]
pub(crate) fn check() -> checks_udp::Check {
    checks_udp::transfer(receive)
}
