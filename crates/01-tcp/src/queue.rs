//! The kernel's part in accepting: it shakes hands first, and asks us later.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use crate::card::{Card, card};
use crate::server::{ANY_PORT, listen};

/// A kernel that admits more clients than this does not keep to the backlog.
const MANY: usize = 64;

// ANCHOR: knock
/// Connects to a `server` that does not accept, again and again, until one attempt
/// has had no answer for `patience`; returns the connections that stand.
///
/// An attempt that the queue has no room for is not refused: Linux drops its first
/// packet as if it had been lost on the way, and the client's kernel repeats it,
/// after 1 s, 3 s, 7 s, in the hope of room ([listen(2)], [tcp(7)]).
///
/// # Errors
///
/// Whatever else goes wrong with `connect`.
///
/// [listen(2)]: https://man7.org/linux/man-pages/man2/listen.2.html
/// [tcp(7)]: https://man7.org/linux/man-pages/man7/tcp.7.html
pub fn knock(server: SocketAddr, patience: Duration) -> io::Result<Vec<TcpStream>> {
    let mut admitted = Vec::new();
    while admitted.len() < MANY {
        match TcpStream::connect_timeout(&server, patience) {
            Ok(stream) => admitted.push(stream),
            Err(error) if error.kind() == ErrorKind::TimedOut => break,
            Err(error) => return Err(error),
        }
    }
    Ok(admitted)
}
// ANCHOR_END: knock

// ANCHOR: backlog
/// What a queue let in.
#[derive(Debug)]
pub struct Admitted {
    /// How many clients were connected before the first that got no answer.
    pub at_first: usize,
    /// How many more, once one of them had been accepted.
    pub after_one_accept: usize,
}

/// Fills the queue of a server that asked for `backlog`, then accepts once.
///
/// # Errors
///
/// If the sockets fail.
pub fn fill(backlog: i32, patience: Duration) -> io::Result<Admitted> {
    let listener = listen(ANY_PORT, backlog)?;
    let server = listener.local_addr()?;
    let first = knock(server, patience)?;
    let accepted = listener.accept()?; // makes room for one
    let more = knock(server, patience)?;
    drop(accepted);
    Ok(Admitted {
        at_first: first.len(),
        after_one_accept: more.len(),
    })
}
// ANCHOR_END: backlog

// ANCHOR: order
/// What one thread saw of both ends of a connection.
#[derive(Debug)]
pub struct Order {
    /// The listening socket's descriptor.
    pub listener: RawFd,
    /// The client's end, before the server had accepted.
    pub client: Card,
    /// How many bytes the client had sent by then.
    pub sent: usize,
    /// The server's end.
    pub server: Card,
    /// What the server read once it had accepted.
    pub read: Vec<u8>,
}

/// Connects and sends `message` before it accepts, all in this one thread.
///
/// # Errors
///
/// If the sockets fail.
pub fn connect_then_accept(message: &[u8]) -> io::Result<Order> {
    let listener = listen(ANY_PORT, 1)?;
    let mut client = TcpStream::connect(listener.local_addr()?)?; // does not wait
    client.write_all(message)?; // nor does this, while the kernel has room

    let (mut server, _) = listener.accept()?; // does not make a connection: takes one
    let mut read = vec![0; message.len()];
    server.read_exact(&mut read)?;
    Ok(Order {
        listener: listener.as_raw_fd(),
        client: card(&client)?,
        sent: message.len(),
        server: card(&server)?,
        read,
    })
}
// ANCHOR_END: order
