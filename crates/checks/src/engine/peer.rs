//! One connection, seen from the other end of the program's.

use std::io::{self, Read};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use wire::{Recorder, Side};

use crate::symptom::{Kind, Symptom};

/// The other end of one connection with the learner's program.
///
/// Everything that goes over it is written into the timeline. Waiting is the
/// business of [`Stage`](super::Stage), which watches the program meanwhile.
pub struct Peer {
    pub(super) stream: Arc<TcpStream>, // shared with whoever waits on it
    pub(super) link: u32,
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    recorder: Recorder,
    /// What came and has not been looked at.
    pub(super) unseen: Vec<u8>,
    pub(super) over: Option<Over>,
    /// How many bytes came as expected.
    pub(super) matched: usize,
    /// What goes over the connection is not written down any more.
    pub(super) quiet: bool,
}

/// How the program's side of a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// It said all: FIN, a read of 0 bytes.
    End,
    /// It threw the connection away: RST, ECONNRESET.
    Reset,
}

impl Peer {
    pub(super) fn new(
        stream: TcpStream,
        link: u32,
        recorder: Recorder,
    ) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?; // what is sent in pieces travels in pieces
        let (local, remote) = (stream.local_addr()?, stream.peer_addr()?);
        let unseen = Vec::new();
        Ok(Self {
            stream: Arc::new(stream),
            link,
            local,
            remote,
            recorder,
            unseen,
            over: None,
            matched: 0,
            quiet: false,
        })
    }

    /// Our address of the connection.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// The program's address of the connection.
    pub fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// Ends our sending: FIN. What the program still says can be read.
    pub fn end(&mut self) {
        // ENOTCONN: the program has already thrown the connection away, and the
        // next read tells.
        let _ = self.stream.shutdown(Shutdown::Write);
        self.recorder.end(self.link, Side::Left);
    }

    /// Throws the connection away: with a linger time of zero, close(2) sends RST.
    pub fn reset(self) -> Result<(), Symptom> {
        rustix::net::sockopt::set_socket_linger(&*self.stream, Some(Duration::ZERO))
            .map_err(|error| broken("set SO_LINGER", error.into()))?;
        self.recorder.reset(self.link, Side::Left);
        Ok(())
    }

    /// Closes both directions at once, as a program that exits does.
    pub fn close(self) {
        self.recorder.end(self.link, Side::Left);
    }

    /// Bounds the kernel's buffers at this end, which may otherwise grow to any size
    /// that the machine allows, and hold what nobody reads.
    pub(super) fn keep_buffers_small(&self) -> Result<(), Symptom> {
        const SMALL: usize = 256 << 10; // bytes; Linux doubles it for its own needs
        use rustix::net::sockopt;
        sockopt::set_socket_recv_buffer_size(&*self.stream, SMALL)
            .and_then(|()| sockopt::set_socket_send_buffer_size(&*self.stream, SMALL))
            .map_err(|error| broken("set the size of a buffer", error.into()))
    }

    /// Writes down that the peer waited in vain.
    pub(super) fn gave_up(&self, why: impl Into<String>) {
        self.recorder.gave_up(self.link, Side::Left, why);
    }

    /// Writes down what the peer sends.
    pub(super) fn sends(&self, bytes: &[u8]) {
        if !self.quiet {
            self.recorder.sent(self.link, Side::Left, bytes);
        }
    }

    /// Takes in whatever has come, without waiting. Returns whether anything has.
    pub(super) fn take_in(&mut self) -> Result<bool, Symptom> {
        self.take_in_at_most(usize::MAX)
    }

    /// As [`Peer::take_in`], no more than about `most` bytes.
    pub(super) fn take_in_at_most(&mut self, most: usize) -> Result<bool, Symptom> {
        let mut buffer = [0; 64 << 10];
        let mut news = false;
        while self.over.is_none() && self.unseen.len() < most {
            match (&*self.stream).read(&mut buffer) {
                Ok(0) => {
                    self.recorder.end(self.link, Side::Right);
                    self.over = Some(Over::End);
                }
                Ok(read) => {
                    if !self.quiet {
                        self.recorder.sent(self.link, Side::Right, &buffer[..read]);
                    }
                    self.unseen.extend_from_slice(&buffer[..read]);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => break,
                    io::ErrorKind::Interrupted => continue,
                    io::ErrorKind::ConnectionReset => {
                        self.recorder.reset(self.link, Side::Right);
                        self.over = Some(Over::Reset);
                    }
                    _ => return Err(broken("read", error)),
                },
            }
            news = true;
        }
        Ok(news)
    }
}

/// The check could not do its own part; the learner's program is not to blame.
pub(super) fn broken(operation: &str, error: io::Error) -> Symptom {
    Symptom::new(
        Kind::Broken,
        format!("the check itself could not {operation}: {error}"),
    )
}
