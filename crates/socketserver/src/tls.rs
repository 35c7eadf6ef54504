//! TLS on a connection: rustls makes records of bytes and bytes of records, and this moves
//! the records.
//!
//! All of it happens where the handler runs, the handshake too: a peer that says nothing
//! holds up itself, and not the server's accept.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::{ServerConfig, ServerConnection};

use crate::conn::Wire;

/// A connection's state of TLS.
pub(crate) struct Tls(ServerConnection);

impl Tls {
    /// # Errors
    ///
    /// Where the configuration cannot be used.
    pub(crate) fn new(config: &Arc<ServerConfig>) -> io::Result<Self> {
        let session = ServerConnection::new(Arc::clone(config));
        session.map(Self).map_err(io::Error::other)
    }

    pub(crate) fn session(&self) -> &ServerConnection {
        &self.0
    }

    /// Puts what has come behind `input`; nothing at the end. Where nothing has come, it
    /// waits, if `wire` does.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] where it does not wait;
    /// [`io::ErrorKind::UnexpectedEof`] where the connection ended without the peer's
    /// saying so: somebody may have cut it; [`io::ErrorKind::InvalidData`] for what is not
    /// TLS; otherwise those of the socket.
    pub(crate) fn receive(
        &mut self,
        input: &mut Vec<u8>,
        mut wire: Wire<'_>,
    ) -> io::Result<usize> {
        loop {
            // A step of the handshake may have an answer, and an error its alert.
            self.push(wire)?;
            match self.take(input) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return done,
            }
            self.0.read_tls(&mut wire)?;
            if let Err(error) = self.0.process_new_packets() {
                let _ = self.push(wire); // the alert; who is gone does not hear it
                return Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
        }
    }

    /// Everything that is there in plain text, so that none of it is left where nobody
    /// would look for it.
    fn take(&mut self, input: &mut Vec<u8>) -> io::Result<usize> {
        let before = input.len();
        let mut some = [0; 4096];
        loop {
            match self.0.reader().read(&mut some) {
                Ok(0) => return Ok(input.len() - before),
                Ok(length) => input.extend_from_slice(&some[..length]),
                // The next call has the same to say.
                Err(_) if input.len() > before => return Ok(input.len() - before),
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends all of this, after the handshake if that is not done yet.
    ///
    /// # Errors
    ///
    /// As for [`receive`](Self::receive).
    pub(crate) fn send(
        &mut self,
        mut bytes: &[u8],
        mut wire: Wire<'_>,
    ) -> io::Result<()> {
        while self.0.is_handshaking() {
            self.push(wire)?;
            if self.0.is_handshaking() && self.0.read_tls(&mut wire)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Err(error) = self.0.process_new_packets() {
                let _ = self.push(wire);
                return Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
        }
        while !bytes.is_empty() {
            // It takes as much as its own buffer has room for.
            let length = self.0.writer().write(bytes)?;
            bytes = &bytes[length..];
            self.push(wire)?;
        }
        Ok(())
    }

    /// Tells the peer that nothing more will come.
    ///
    /// # Errors
    ///
    /// Those of the socket.
    pub(crate) fn end(&mut self, wire: Wire<'_>) -> io::Result<()> {
        self.0.send_close_notify();
        self.push(wire)
    }

    /// Sends the records that are ready.
    fn push(&mut self, mut wire: Wire<'_>) -> io::Result<()> {
        while self.0.wants_write() {
            self.0.write_tls(&mut wire)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Tls").finish_non_exhaustive()
    }
}
