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

// BEGIN SOLUTION
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
// END SOLUTION
use std::io;
use std::net::SocketAddr;
// BEGIN SOLUTION
use std::thread;
// END SOLUTION

/// Sends `data` to an echo server, ends the sending, and returns all that came back
/// until the server's end, in whatever pieces it came. The server ends when it has sent
/// back everything and has seen your end.
pub fn exchange(server: SocketAddr, data: &[u8]) -> io::Result<Vec<u8>> {
    // BEGIN SOLUTION
    let stream = TcpStream::connect(server)?;
    thread::scope(|scope| {
        // One thread writes while the other reads, so each direction keeps moving.
        let sending = scope.spawn(|| {
            (&stream).write_all(data)?;
            stream.shutdown(Shutdown::Write)
        });
        let mut back = Vec::with_capacity(data.len());
        (&stream).read_to_end(&mut back)?;
        match sending.join() {
            Ok(sent) => sent.map(|()| back),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
    // STUB let _ = (server, data);
    // STUB todo!("write and read at the same time")
    // END SOLUTION
}

#[cfg(test)]
pub(crate) fn check() -> checks_bytes::Check {
    checks_bytes::upload(exchange)
}
