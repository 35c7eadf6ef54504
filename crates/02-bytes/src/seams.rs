//! A stream has no seams: what was written at once need not be read at once.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::server::pair;

/// Loopback needs some microseconds; who waits this long waits for ever.
const PATIENCE: Duration = Duration::from_secs(10);

// ANCHOR: join
/// Writes twice, then reads once.
///
/// # Errors
///
/// If the sockets fail.
pub fn two_writes_one_read(first: &[u8], second: &[u8]) -> io::Result<Vec<u8>> {
    let (mut client, mut server) = pair()?;
    client.set_nodelay(true)?; // the second write must not wait for anything
    client.write_all(first)?;
    client.write_all(second)?;

    let length = first.len() + second.len();
    wait_for(&server, length)?;
    let mut buffer = [0; 1024];
    let length = server.read(&mut buffer)?;
    Ok(buffer[..length].to_vec())
}
// ANCHOR_END: join

// ANCHOR: split
/// Writes once, then reads with a buffer of `size` bytes until it has all.
///
/// What does not fit into the buffer stays with the kernel, for the next `read`.
///
/// # Errors
///
/// If the sockets fail.
pub fn one_write_many_reads(message: &[u8], size: usize) -> io::Result<Vec<Vec<u8>>> {
    let (mut client, mut server) = pair()?;
    client.write_all(message)?;
    drop(client); // so that the reads come to an end

    wait_for(&server, message.len())?;
    let mut buffer = vec![0; size];
    let mut pieces = Vec::new();
    loop {
        match server.read(&mut buffer)? {
            0 => return Ok(pieces),
            length => pieces.push(buffer[..length].to_vec()),
        }
    }
}
// ANCHOR_END: split

// ANCHOR: peek
/// Waits until so many bytes can be read from `stream`, and leaves them there.
///
/// `peek` is `recv` with `MSG_PEEK`
/// ([recv(2)](https://man7.org/linux/man-pages/man2/recv.2.html)): it looks at what
/// has arrived, and the next `read` gets the same bytes.
fn wait_for(stream: &TcpStream, length: usize) -> io::Result<()> {
    let started = Instant::now();
    let mut look = vec![0; length];
    while stream.peek(&mut look)? < length {
        if started.elapsed() > PATIENCE {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
    Ok(())
}
// ANCHOR_END: peek
