//! What happens if nobody is there.

use std::io;
use std::net::SocketAddr;

use crate::socket;

// ANCHOR: nobody
/// Sends twice to a port that nobody has, and asks for an answer: what the three
/// calls say. With `connected`, the socket has one peer, and the kernel can tell
/// whose an ICMP message is.
///
/// # Errors
///
/// If there is no socket to be had.
pub fn send_to_nobody(connected: bool) -> io::Result<[io::Result<usize>; 3]> {
    let sender = socket()?;
    let nobody = free_address()?;
    if connected {
        sender.connect(nobody)?;
    }
    let send = || match connected {
        true => sender.send(b"hello"),
        false => sender.send_to(b"hello", nobody),
    };
    let (first, second) = (send(), send());
    sender.set_nonblocking(true)?; // or an unconnected one would wait in vain
    let answer = sender.recv(&mut [0; 16]);
    Ok([first, second, answer])
}
// ANCHOR_END: nobody

/// An address that was free a moment ago.
fn free_address() -> io::Result<SocketAddr> {
    socket()?.local_addr()
}
