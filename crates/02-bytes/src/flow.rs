//! Flow control: the kernel makes a fast writer wait for a slow reader.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::server::{ANY_PORT, is_timeout, pair};

// ANCHOR: fill
/// Writes until the kernel has taken nothing for `patience`; returns how many bytes
/// it has taken.
///
/// Those that the reader has not read lie in the kernel: in the writer's send buffer,
/// and in the reader's receive buffer, whose free room the reader's kernel announces
/// with every segment (the *window*, [RFC 9293, 3.8.6]).
///
/// # Errors
///
/// If the connection breaks.
///
/// [RFC 9293, 3.8.6]: https://www.rfc-editor.org/rfc/rfc9293#section-3.8.6
pub fn write_until_full(
    mut stream: &TcpStream,
    patience: Duration,
) -> io::Result<u64> {
    stream.set_write_timeout(Some(patience))?;
    let bytes = [0; 64 * 1024];
    let mut taken = 0;
    loop {
        match stream.write(&bytes) {
            Ok(length) => taken += length as u64, // maybe less than all of `bytes`
            Err(error) if is_timeout(&error) => return Ok(taken),
            Err(error) => return Err(error),
        }
    }
}
// ANCHOR_END: fill

/// How many bytes a writer got rid of.
#[derive(Debug)]
pub struct Flow {
    /// While nobody read them.
    pub unread: u64,
    /// More of them, after the reader had taken [`Flow::READ`] bytes.
    pub after_reading: u64,
    /// While nobody read them, with buffers of [`Flow::SMALL`] bytes at both ends.
    pub small_buffers: u64,
}

impl Flow {
    /// What the reader takes, in bytes.
    pub const READ: u64 = 1024 * 1024;
    /// The smaller buffers, in bytes. Linux doubles the number, for its own needs.
    pub const SMALL: usize = 8 * 1024;
}

// ANCHOR: measure
/// Fills the buffers between two ends, then empties them a little.
///
/// # Errors
///
/// If the sockets fail.
pub fn measure(patience: Duration) -> io::Result<Flow> {
    let (writer, reader) = pair()?;
    let unread = write_until_full(&writer, patience)?;
    io::copy(&mut (&reader).take(Flow::READ), &mut io::sink())?;
    let after_reading = write_until_full(&writer, patience)?;

    let (writer, _reader) = pair_with_buffers(Flow::SMALL)?;
    let small_buffers = write_until_full(&writer, patience)?;
    Ok(Flow {
        unread,
        after_reading,
        small_buffers,
    })
}
// ANCHOR_END: measure

// ANCHOR: buffers
/// Both ends of a new connection, the writer's first, with buffers of `size` bytes.
fn pair_with_buffers(size: usize) -> io::Result<(TcpStream, TcpStream)> {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    // Before `listen`: a connection inherits it, and announces it as it begins.
    listener.set_recv_buffer_size(size)?; // SO_RCVBUF
    listener.bind(&ANY_PORT.into())?;
    listener.listen(1)?;

    let writer = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    writer.set_send_buffer_size(size)?; // SO_SNDBUF
    writer.connect(&listener.local_addr()?)?;
    let (reader, _) = listener.accept()?;
    Ok((writer.into(), reader.into()))
}
// ANCHOR_END: buffers
