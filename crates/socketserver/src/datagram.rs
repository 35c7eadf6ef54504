//! What a handler of datagrams answers with.

use std::io::{self, Write};

use socket2::{SockAddr, Socket};

use crate::addr::Peer;

/// The answer to a datagram.
///
/// What is written to it becomes one datagram to the peer when the handler has returned
/// without an error. Where nothing is written, nothing is sent; an answer of no bytes
/// has to be asked for.
///
/// ```
/// use std::io::Write;
/// use std::net::UdpSocket;
///
/// use socketserver::{Peer, Reply, Result, Server};
///
/// fn shout(data: &[u8], _peer: &Peer, reply: &mut Reply<'_>) -> Result {
///     Ok(reply.write_all(&data.to_ascii_uppercase())?)
/// }
///
/// let server = Server::udp("127.0.0.1:0").bind()?;
/// let client = UdpSocket::bind("127.0.0.1:0")?;
/// client.send_to(b"hello", server.local_addr().to_string())?;
/// server.serve_one(None, |_peer| shout)?;
/// let mut answer = [0; 5];
/// client.recv(&mut answer)?;
/// assert_eq!(&answer, b"HELLO");
/// # Ok::<(), socketserver::BoxError>(())
/// ```
#[derive(Debug)]
pub struct Reply<'a> {
    socket: &'a Socket,
    peer: &'a SockAddr,
    bytes: Vec<u8>,
    wanted: bool,
}

impl<'a> Reply<'a> {
    pub(crate) fn new(socket: &'a Socket, peer: &'a SockAddr) -> Self {
        Self {
            socket,
            peer,
            bytes: Vec::new(),
            wanted: false,
        }
    }

    /// Sends an answer even where nothing is written: a datagram of no bytes.
    ///
    /// ```
    /// use socketserver::{Peer, Reply, Result};
    ///
    /// /// Tells that something has come, and no more.
    /// fn acknowledge(_data: &[u8], _peer: &Peer, reply: &mut Reply<'_>) -> Result {
    ///     reply.even_if_empty();
    ///     Ok(())
    /// }
    /// ```
    pub fn even_if_empty(&mut self) {
        self.wanted = true;
    }

    /// Sends a datagram now, to the peer or to somebody else, beside the answer.
    ///
    /// ```
    /// use socketserver::{Peer, Reply, Result};
    ///
    /// /// Sends each line in a datagram of its own.
    /// fn lines(data: &[u8], peer: &Peer, reply: &mut Reply<'_>) -> Result {
    ///     for line in data.split(|byte| *byte == b'\n') {
    ///         reply.send_to(line, peer)?;
    ///     }
    ///     Ok(())
    /// }
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of sendto(2): EMSGSIZE for one that is too long is one of them.
    pub fn send_to(&self, bytes: &[u8], whom: &Peer) -> io::Result<()> {
        send(self.socket, bytes, &whom.addr.to_sock_addr()?)
    }

    /// Sends the answer, if there is one.
    pub(crate) fn send(self) -> io::Result<()> {
        match self.bytes.is_empty() && !self.wanted {
            true => Ok(()),
            false => send(self.socket, &self.bytes, self.peer),
        }
    }
}

fn send(socket: &Socket, bytes: &[u8], whom: &SockAddr) -> io::Result<()> {
    loop {
        match socket.send_to(bytes, whom) {
            Ok(_) => return Ok(()), // a datagram goes whole or not at all
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

impl Write for Reply<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
