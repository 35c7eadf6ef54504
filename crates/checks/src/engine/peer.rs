//! One connection, seen from the other end of the program's.

use std::io::{self, Read};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use wire::{Recorder, Side};

use crate::symptom::{Kind, Symptom};

/// The other end of one connection with the learner's program.
///
/// Everything that goes over it is written into the timeline. Waiting is the
/// business of [`Stage`](super::Stage), which watches the program meanwhile.
pub struct Peer {
    pub(super) stream: TcpStream,
    pub(super) link: u32,
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    recorder: Recorder,
    /// What came and has not been looked at.
    pub(super) unseen: Vec<u8>,
    pub(super) over: Option<Over>,
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
            stream,
            link,
            local,
            remote,
            recorder,
            unseen,
            over: None,
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
        rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO))
            .map_err(|error| broken("set SO_LINGER", error.into()))?;
        self.recorder.reset(self.link, Side::Left);
        Ok(())
    }

    /// Closes both directions at once, as a program that exits does.
    pub fn close(self) {
        self.recorder.end(self.link, Side::Left);
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
            match self.stream.read(&mut buffer) {
                Ok(0) => {
                    self.recorder.end(self.link, Side::Right);
                    self.over = Some(Over::End);
                }
                Ok(read) => {
                    self.recorder.sent(self.link, Side::Right, &buffer[..read]);
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
