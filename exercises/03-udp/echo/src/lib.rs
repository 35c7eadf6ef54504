//! Exercise `udp/echo`: every datagram goes back to whoever sent it.
//!
//! One socket serves everybody. Each datagram that comes to it is sent back, byte for
//! byte and from this same socket, to the address that it came from. A datagram has
//! any length from 0 to 65,507 bytes, and an empty one is a datagram like any other.
//!
//! Peers come and go without a word. That one of them is no longer there when its
//! answer arrives is no reason to stop. While nothing comes, the program sleeps.
//!
//! The book has it in chapter 3, "Back to whoever sent it".

use std::io;
use std::net::UdpSocket;

/// Sends back what comes, for ever. It returns only if receiving itself fails.
pub fn serve(socket: UdpSocket) -> io::Result<()> {
    let _ = socket;
    todo!("receive a datagram, and send it back to its sender")
}

#[cfg(test)]
pub(crate) fn check() -> checks_udp::Check {
    checks_udp::echo(serve)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
