//! A file in blocks, each acknowledged before the next is sent: stop and wait.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use crate::ask::receive_until;

/// How many bytes of the file a block holds, but for the last: as TFTP, RFC 1350.
pub const BLOCK: usize = 512;

/// A block that is lost so often is lost for good.
const TRIES: u32 = 50;

/// The blocks of a file and their numbers. The last has room, even if it is empty;
/// `None` where the numbers, of 16 bits, do not suffice.
pub fn blocks(file: &[u8]) -> Option<impl Iterator<Item = (u16, &[u8])>> {
    let full = file.len() / BLOCK;
    let (whole, last) = file.split_at(full * BLOCK);
    (full < usize::from(u16::MAX))
        .then(|| (1..=u16::MAX).zip(whole.chunks(BLOCK).chain([last])))
}

// ANCHOR: send
/// Sends `file`, and returns how many datagrams that took.
///
/// # Errors
///
/// `InvalidInput` if it is too long, `TimedOut` if nobody acknowledges a block.
pub fn send(
    socket: &UdpSocket,
    to: SocketAddr,
    file: &[u8],
    patience: Duration,
) -> io::Result<u32> {
    let mut sent = 0;
    for (number, data) in blocks(file).ok_or(ErrorKind::InvalidInput)? {
        let block = [&number.to_be_bytes(), data].concat();
        let mut tries = 0..TRIES;
        loop {
            tries.next().ok_or(ErrorKind::TimedOut)?;
            socket.send_to(&block, to)?;
            sent += 1;
            // Only a time limit makes us send again, never an acknowledgement: RFC
            // 1123, 4.2.3.1. An old one is passed over here.
            let acknowledged =
                receive_until(socket, Instant::now() + patience, |came, from| {
                    (from == to && came == number.to_be_bytes()).then_some(())
                })?;
            if acknowledged.is_some() {
                break;
            }
        }
    }
    Ok(sent)
}
// ANCHOR_END: send
