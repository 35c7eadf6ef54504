//! What a handler of datagrams answers with.

use std::io::{self, Write};

use socket2::{SockAddr, Socket};

use crate::addr::Peer;

/// The answer to a datagram.
///
/// What is written to it becomes one datagram to the peer when the handler has returned
/// without an error. Where nothing is written, nothing is sent; an answer of no bytes
/// has to be asked for.
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
    pub fn even_if_empty(&mut self) {
        self.wanted = true;
    }

    /// Sends a datagram now, to the peer or to somebody else, beside the answer.
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
