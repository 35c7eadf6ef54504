//! The shortest useful conversation: the server greets and closes.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::client;

/// The longest greeting a client takes, in bytes.
pub const MAX_GREETING: usize = 64 * 1024;

// ANCHOR: talk
/// What the server says to a client.
pub fn thanks(client: SocketAddr) -> String {
    format!("Thank you for connecting, {client}\n")
}

/// Greets the client at the other end of `stream`.
///
/// # Errors
///
/// If the client is gone.
pub fn talk(mut stream: &TcpStream) -> io::Result<usize> {
    let greeting = thanks(stream.peer_addr()?);
    stream.write_all(greeting.as_bytes())?; // sockets carry bytes, not text
    Ok(1)
}
// ANCHOR_END: talk

// ANCHOR: receive
/// Connects to `server` and returns all that it says until it closes.
///
/// A single `read` would return whatever has arrived so far. Only 0 bytes say that
/// nothing more will come; [`read_to_end`](Read::read_to_end) reads until then.
///
/// # Errors
///
/// If the server cannot be reached or breaks off; `InvalidData` if it says more than
/// [`MAX_GREETING`] bytes.
pub fn receive(server: SocketAddr) -> io::Result<Vec<u8>> {
    let mut greeting = Vec::new();
    client::connect(server)?
        .take(MAX_GREETING as u64 + 1)
        .read_to_end(&mut greeting)?;
    if greeting.len() > MAX_GREETING {
        let why = format!("the greeting is longer than {MAX_GREETING} bytes");
        return Err(io::Error::new(ErrorKind::InvalidData, why));
    }
    Ok(greeting)
}
// ANCHOR_END: receive
