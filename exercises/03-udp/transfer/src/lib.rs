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

use std::io;
use std::net::UdpSocket;
use std::time::Duration;

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
    let _ = (socket, patience, linger);
    todo!("keep each block once, and acknowledge it whenever it comes")
}

#[cfg(test)]
pub(crate) fn check() -> checks_udp::Check {
    checks_udp::transfer(receive)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
