//! Loops that are wrong on purpose, to be run, seen and explained.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::ANY_PORT;

/// Both ends of a new connection, the client's first.
fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind(ANY_PORT)?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    Ok((client, server))
}

// ANCHOR: always_writable
/// Waits for news of a client that says nothing, for `time`; counts the waits.
fn waits_in(
    time: Duration,
    client: &TcpStream,
    events: PollFlags,
) -> io::Result<u64> {
    let until = Instant::now() + time;
    let mut waits = 0;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(waits);
        }
        // Up: rounded down, the last millisecond would be a spin of its own.
        let millis = left.as_nanos().div_ceil(1_000_000);
        let left = PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX);
        poll(&mut [PollFd::new(client.as_fd(), events)], left)?;
        waits += 1;
    }
}
// ANCHOR_END: always_writable

/// How often a loop went round in the same time, with a client that says nothing.
#[derive(Debug)]
pub struct Waits {
    /// Waiting for something to read.
    pub read: u64,
    /// Waiting for something to read or for room to write.
    pub both: u64,
}

/// Waits for a silent client for `time`, in both ways.
///
/// # Errors
///
/// If the sockets fail.
pub fn always_writable(time: Duration) -> io::Result<Waits> {
    let (_client, server) = pair()?;
    let both = PollFlags::POLLIN | PollFlags::POLLOUT;
    Ok(Waits {
        read: waits_in(time, &server, PollFlags::POLLIN)?,
        both: waits_in(time, &server, both)?,
    })
}

/// What became of three lines that came together.
#[derive(Debug)]
pub struct Hidden {
    /// The line that was read.
    pub read: String,
    /// How many lines lay in the buffer then.
    pub buffered: usize,
    /// Whether `poll` found something to read within a tenth of a second.
    pub reported: bool,
}

// ANCHOR: hidden
/// Three lines come together. The server waits, reads a line, and waits for the next.
///
/// # Errors
///
/// If the sockets fail.
pub fn hidden_lines() -> io::Result<Hidden> {
    let (mut client, server) = pair()?;
    client.write_all(b"one\ntwo\nthree\n")?;
    let mut input = BufReader::new(&server);
    let mut line = String::new();
    if is_readable(&server)? {
        input.read_line(&mut line)?;
    }
    let buffered = input.buffer().iter().filter(|byte| **byte == b'\n');
    Ok(Hidden {
        read: line.trim_end().to_string(),
        buffered: buffered.count(),
        reported: is_readable(&server)?,
    })
}

fn is_readable(stream: &TcpStream) -> io::Result<bool> {
    let mut list = [PollFd::new(stream.as_fd(), PollFlags::POLLIN)];
    Ok(poll(&mut list, 100_u8)? == 1)
}
// ANCHOR_END: hidden

/// What a server got that reads once for each edge.
#[cfg(target_os = "linux")]
#[derive(Debug)]
pub struct Half {
    /// How many bytes had come.
    pub sent: usize,
    /// How many were read before a wait reported nothing more.
    pub read: usize,
    /// How many were read after one more byte had come.
    pub then: usize,
}

// ANCHOR: half_drained
/// Ten thousand bytes come. The server is told once, and reads once.
///
/// # Errors
///
/// If the sockets fail.
#[cfg(target_os = "linux")]
pub fn half_drained() -> io::Result<Half> {
    use crate::reactor::{Interest, Reactor, Token};
    use std::io::Read;

    let (mut here, mut there) = std::os::unix::net::UnixStream::pair()?;
    there.set_nonblocking(true)?;
    let mut reactor = Reactor::new()?;
    reactor.register(&there, Token(1), Interest::READ.edge())?;
    let mut events = Vec::new();
    let mut read_what_is_reported = || -> io::Result<usize> {
        let mut read = 0;
        loop {
            reactor.poll(&mut events, Some(Duration::from_millis(100)))?;
            if events.is_empty() {
                return Ok(read);
            }
            read += there.read(&mut [0; 4096])?; // once
        }
    };
    here.write_all(&[b'x'; 10_000])?;
    let read = read_what_is_reported()?;
    here.write_all(b"!")?;
    let then = read_what_is_reported()?;
    Ok(Half {
        sent: 10_000,
        read,
        then,
    })
}
// ANCHOR_END: half_drained
