//! One client of a server that may not wait: what has come of a line, what has not
//! gone of the answers, and what to wait for next.
//!
//! With a thread for each client this state would be the thread's: how far it has got
//! in the code, and what lies on its stack. Here a turn ends as soon as a call would
//! block, and what has to survive until the next one is written down in [`Conn`].

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

/// The longest line, without its newline, in bytes. A longer one ends the visit.
pub const MAX_LINE: usize = 8 << 10;

/// From so many unsent bytes on, a client is not read from any more. The kernel's
/// buffers fill up, then the client's, and then the client has to wait: what a client
/// makes us keep is bounded, however much it sends.
pub const HIGH_WATER: usize = 64 << 10;

/// How much one turn reads at most, in bytes, so that a client who sends without a
/// pause gets one turn like any other.
pub const TURN: usize = 16 << 10;

/// What there is to tell.
#[derive(Debug)]
pub enum News {
    /// The server is about to wait: it has done all there was to do.
    Waits,
    /// A client has come.
    Came(SocketAddr),
    /// So many bytes were read.
    Read(SocketAddr, usize),
    /// So many bytes were written.
    Wrote(SocketAddr, usize),
    /// A client has got all its answers and is gone; how many lines it was.
    Left(SocketAddr, usize),
    /// A client is gone, because of this.
    Lost(SocketAddr, io::Error),
    /// A client was told that there is no room.
    Refused(SocketAddr),
    /// No descriptor was left for one more client; those who call wait.
    Full(io::Error),
}

// ANCHOR: conn
/// The state of one client's visit. Its lines are sent back in capitals.
#[derive(Debug)]
pub struct Conn<S> {
    stream: S,
    peer: SocketAddr,
    /// The beginning of a line whose end has not come yet.
    line: Vec<u8>,
    /// Answers that the kernel has not taken yet.
    queue: VecDeque<u8>,
    /// The client has said all.
    ended: bool,
    answered: usize,
}

impl<S: Read + Write> Conn<S> {
    /// Whether to wait until there is something to read.
    pub fn wants_read(&self) -> bool {
        !self.ended && self.queue.len() < HIGH_WATER
    }

    /// Whether to wait until there is room to write: only with something to write.
    /// There nearly always is room, so a wait for it with an empty queue is none.
    pub fn wants_write(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Whether the visit is over: all was heard, and all answers are gone.
    pub fn is_done(&self) -> bool {
        self.ended && self.queue.is_empty()
    }

    /// Reads once, and queues the answers to all lines that are complete now. Tells
    /// how many bytes came; `None` is "nothing yet", while `Some(0)` is the end.
    pub fn read(&mut self) -> io::Result<Option<usize>> {
        let mut buffer = [0; TURN];
        let Some(length) = unless_it_blocks(self.stream.read(&mut buffer))? else {
            return Ok(None);
        };
        self.take(&buffer[..length])?;
        if length == 0 && !self.ended {
            self.ended = true;
            if !self.line.is_empty() {
                self.answer(); // a last line without its newline
            }
        }
        Ok(Some(length))
    }

    /// Writes once, as much of the queue as the kernel takes. Tells how much that
    /// was; `None` is "no room".
    pub fn write(&mut self) -> io::Result<Option<usize>> {
        let (front, _) = self.queue.as_slices();
        let written = unless_it_blocks(self.stream.write(front))?;
        if written == Some(0) && !front.is_empty() {
            return Err(ErrorKind::WriteZero.into());
        }
        self.queue.drain(..written.unwrap_or(0)); // what was not taken stays
        Ok(written)
    }
}
// ANCHOR_END: conn

/// A call that may not wait says `WouldBlock` where it would have to. That is no
/// error, it is the answer to the question.
fn unless_it_blocks(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Ok(length) => Ok(Some(length)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

impl<S> Conn<S> {
    /// A client that has just come. Its stream must not block.
    pub fn new(stream: S, peer: SocketAddr) -> Self {
        Self {
            stream,
            peer,
            line: Vec::new(),
            queue: VecDeque::new(),
            ended: false,
            answered: 0,
        }
    }

    /// Who it is.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Its stream, for those who wait for it.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// How many bytes wait in its queue.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// How many of its lines were answered.
    pub fn answered(&self) -> usize {
        self.answered
    }

    // ANCHOR: take
    /// Takes in what has come: the end of a line or several lines, or none.
    ///
    /// *All* lines that are complete are answered now. One left lying here would have
    /// to wait for the next bytes: the kernel cannot report what it has already
    /// handed over.
    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, complete) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            if self.line.len() + text.len() > MAX_LINE {
                let why = format!("a line is longer than {MAX_LINE} bytes");
                return Err(io::Error::new(ErrorKind::InvalidData, why));
            }
            self.line.extend_from_slice(text);
            if complete {
                self.answer();
            }
        }
        Ok(())
    }

    fn answer(&mut self) {
        self.line.make_ascii_uppercase();
        self.queue.extend(self.line.drain(..));
        self.queue.push_back(b'\n');
        self.answered += 1;
    }
    // ANCHOR_END: take
}

// ANCHOR: turn
/// How a turn of a client came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visit {
    /// It goes on.
    GoesOn,
    /// It is over: drop the client.
    IsOver,
}

impl<S: Read + Write> Conn<S> {
    /// A client's turn, once something was reported of it: at most one write and one
    /// read. What goes wrong ends this visit and no other.
    pub fn turn(
        &mut self,
        readable: bool,
        writable: bool,
        tell: &mut impl FnMut(News),
    ) -> Visit {
        match self.try_turn(readable, writable, tell) {
            Ok(()) if !self.is_done() => return Visit::GoesOn,
            Ok(()) => tell(News::Left(self.peer, self.answered)),
            Err(error) => tell(News::Lost(self.peer, error)),
        }
        Visit::IsOver
    }

    fn try_turn(
        &mut self,
        readable: bool,
        writable: bool,
        tell: &mut impl FnMut(News),
    ) -> io::Result<()> {
        if writable
            && self.wants_write()
            && let Some(length) = self.write()?
        {
            tell(News::Wrote(self.peer, length));
        }
        if readable
            && self.wants_read()
            && let Some(length) = self.read()?
        {
            tell(News::Read(self.peer, length));
        }
        Ok(())
    }
}
// ANCHOR_END: turn
