//! A queue that is full, and nobody who says so.

use std::io::{self, ErrorKind};

use crate::socket;

// ANCHOR: flood
/// Sends `many` datagrams of `length` bytes to a socket that nobody reads, and counts
/// what is there afterwards.
///
/// # Errors
///
/// If a datagram cannot be sent; that it is lost is no such error.
pub fn flood(many: usize, length: usize) -> io::Result<usize> {
    let (from, to) = (socket()?, socket()?);
    let address = to.local_addr()?;
    for _ in 0..many {
        from.send_to(&vec![0; length], address)?;
    }
    to.set_nonblocking(true)?;
    let mut arrived = 0;
    loop {
        match to.recv(&mut [0; 1]) {
            Ok(_) => arrived += 1,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                return Ok(arrived);
            }
            Err(error) => return Err(error),
        }
    }
}
// ANCHOR_END: flood
