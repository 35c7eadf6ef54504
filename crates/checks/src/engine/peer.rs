//! One connection, seen from the other end of the program's.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
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
    /// A write was told that the program has thrown the connection away.
    was_reset: bool,
    /// Where the connection goes, if it was given up, until the program has been looked
    /// at: a program that meets its end before that does what the check made it do.
    pub(super) held: Held,
    given_up: bool,
}

/// Connections that nobody speaks on any more, and that are still open.
pub(super) type Held = Arc<Mutex<Vec<Arc<TcpStream>>>>;

impl Drop for Peer {
    fn drop(&mut self) {
        if self.given_up
            && let Ok(mut held) = self.held.lock()
        {
            held.push(Arc::clone(&self.stream));
        }
    }
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
            was_reset: false,
            held: Held::default(),
            given_up: false,
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
    pub(super) fn gave_up(&mut self, why: impl Into<String>) {
        self.recorder.gave_up(self.link, Side::Left, why);
        self.stays_open();
    }

    /// The probe has failed here: the connection stays until the program has been
    /// looked at.
    pub(super) fn stays_open(&mut self) {
        self.given_up = true;
    }

    /// Writes down what the peer sends.
    pub(super) fn sends(&self, bytes: &[u8]) {
        if !self.quiet {
            self.recorder.sent(self.link, Side::Left, bytes);
        }
    }

    /// Writes as much as there is room for.
    ///
    /// The kernel tells of a reset once. Where a write is told, the reads behind it see
    /// what looks like an end: [`Peer::take_in`] has to know.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = (&*self.stream).write(bytes);
        if let Err(error) = &written {
            self.was_reset |= error.kind() == io::ErrorKind::ConnectionReset;
        }
        written
    }

    /// Takes in what has come, without waiting. Returns whether anything has.
    ///
    /// A program may send faster than we read, and without end: of that it is a part,
    /// so that whoever asked can say that it is enough.
    pub(super) fn take_in(&mut self) -> Result<bool, Symptom> {
        const AT_A_TIME: usize = 1 << 20; // bytes
        self.take_in_at_most(self.unseen.len() + AT_A_TIME)
    }

    /// As [`Peer::take_in`], no more than about `most` bytes.
    pub(super) fn take_in_at_most(&mut self, most: usize) -> Result<bool, Symptom> {
        let mut buffer = [0; 64 << 10];
        let mut news = false;
        while self.over.is_none() && self.unseen.len() < most {
            match (&*self.stream).read(&mut buffer) {
                Ok(0) if self.was_reset => self.is_reset(),
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
                    io::ErrorKind::ConnectionReset => self.is_reset(),
                    _ => return Err(broken("read", error)),
                },
            }
            news = true;
        }
        Ok(news)
    }

    fn is_reset(&mut self) {
        self.recorder.reset(self.link, Side::Right);
        self.over = Some(Over::Reset);
    }
}

/// The check could not do its own part; the learner's program is not to blame.
pub fn broken(operation: &str, error: io::Error) -> Symptom {
    Symptom::new(
        Kind::Broken,
        format!("the check itself could not {operation}: {error}"),
    )
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};
    use std::time::Instant;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    /// A connection: our end, and the program's.
    fn connection() -> (Peer, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let recorder = Recorder::new("the peer", "your program");
        let peer = Peer::new(ours, 1, recorder).unwrap();
        (peer, listener.accept().unwrap().0)
    }

    #[test]
    fn a_reset_that_a_write_is_told_of_is_not_taken_for_an_end() {
        let (mut peer, mut program) = connection();
        program.write_all(b"half an ans").unwrap();
        rustix::net::sockopt::set_socket_linger(&program, Some(Duration::ZERO))
            .unwrap();
        drop(program);
        let deadline = Instant::now() + LIMIT;
        while peer.write(b"x").is_ok() {
            assert!(Instant::now() < deadline, "the reset has not arrived");
        }
        assert!(peer.take_in().unwrap());
        assert_eq!(peer.unseen, b"half an ans");
        assert_eq!(peer.over, Some(Over::Reset));
    }

    #[test]
    fn of_what_a_program_sends_without_end_a_part_is_taken_in() {
        let (mut peer, mut program) = connection();
        std::thread::scope(|scope| {
            scope.spawn(move || while program.write_all(&[b'x'; 1 << 20]).is_ok() {});
            let start = Instant::now();
            while peer.unseen.len() < 8 << 20 {
                let before = peer.unseen.len();
                peer.take_in().unwrap();
                assert!(peer.unseen.len() <= before + (2 << 20), "no part of it");
                assert!(start.elapsed() < LIMIT, "it does not come");
            }
            drop(peer);
        });
    }
}
