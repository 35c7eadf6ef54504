//! Level and edge, side by side.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::reactor::{Event, Interest, Reactor, Token};

/// What was done, and whether a wait reported it.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// What was done before the waits.
    pub what: &'static str,
    /// How many bytes lie in the socket now.
    pub unread: usize,
    /// Whether the level-triggered wait told of it.
    pub level: bool,
    /// Whether the edge-triggered wait told of it.
    pub edge: bool,
}

// ANCHOR: compare
/// Does the same to two sockets, one watched by level and one by edge, and asks after
/// each step, without waiting, whether there is something to read.
///
/// # Errors
///
/// If a call fails.
pub fn compare() -> io::Result<Vec<Row>> {
    let mut level = Watched::new(Interest::READ)?;
    let mut edge = Watched::new(Interest::READ.edge())?;
    let mut rows = Vec::new();
    let mut unread = 0;
    let mut step = |what, write: &[u8], read: usize| -> io::Result<()> {
        unread = unread + write.len() - read;
        rows.push(Row {
            what,
            unread,
            level: level.step(write, read)?,
            edge: edge.step(write, read)?,
        });
        Ok(())
    };
    step("nothing has come", b"", 0)?;
    step("3 bytes come", b"abc", 0)?;
    step("1 byte is read", b"", 1)?;
    step("nothing is done", b"", 0)?;
    step("2 bytes come", b"de", 0)?;
    step("nothing is done", b"", 0)?;
    step("all 4 are read", b"", 4)?;
    Ok(rows)
}
// ANCHOR_END: compare

/// A socket, its other end, and a reactor that watches it.
struct Watched {
    here: UnixStream,
    there: UnixStream,
    reactor: Reactor,
}

impl Watched {
    fn new(interest: Interest) -> io::Result<Self> {
        let (here, there) = UnixStream::pair()?;
        there.set_nonblocking(true)?;
        let reactor = Reactor::new()?;
        reactor.register(&there, Token(1), interest)?;
        Ok(Self {
            here,
            there,
            reactor,
        })
    }

    fn step(&mut self, write: &[u8], read: usize) -> io::Result<bool> {
        self.here.write_all(write)?;
        self.there.read_exact(&mut vec![0; read])?;
        let mut events = Vec::new();
        self.reactor.poll(&mut events, Some(Duration::ZERO))?;
        Ok(matches!(events[..], [Event::Ready(..)]))
    }
}
