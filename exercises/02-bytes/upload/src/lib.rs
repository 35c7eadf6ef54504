//! Exercise `bytes/upload`: sixteen megabytes there and back.
//!
//! An echo server sends back whatever it reads, at once. Send it all of `data`, tell
//! it that this was all, and return what it sent back.
//!
//! A few kilobytes are easy. With many megabytes, the buffers of both sides and of
//! the kernel in between fill up, and whoever only writes waits for ever for somebody
//! to read.
//!
//! The book has it in chapter 2, "Two writers and no reader".

use std::io;
use std::net::SocketAddr;

/// Sends `data` to an echo server, ends the sending, and returns all that came back
/// until the server's end, in whatever pieces it came. The server ends when it has sent
/// back everything and has seen your end.
pub fn exchange(server: SocketAddr, data: &[u8]) -> io::Result<Vec<u8>> {
    let _ = (server, data);
    todo!("write and read at the same time")
}

#[cfg(test)]
pub(crate) fn check() -> checks_bytes::Check {
    checks_bytes::upload(exchange)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
