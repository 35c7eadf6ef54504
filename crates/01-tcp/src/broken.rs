//! Servers that are wrong on purpose, to be run, seen and explained.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;

use crate::server::{ANY_PORT, BACKLOG, listen};
use crate::upper;

// ANCHOR: spin
/// Sends back what `stream` brings, for `time`; counts the turns of its loop.
///
/// It is wrong about one of the values that `read` can return.
fn echo_for(mut stream: &TcpStream, time: Duration) -> io::Result<u64> {
    stream.set_read_timeout(Some(time))?;
    let started = Instant::now();
    let mut buffer = [0; 1024];
    let mut turns = 0;
    while started.elapsed() < time {
        turns += 1;
        match stream.read(&mut buffer) {
            Ok(0) => continue, // "nothing yet"
            Ok(length) => stream.write_all(&buffer[..length])?,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(turns)
}
// ANCHOR_END: spin

/// How often the loop of the spinning server went round.
#[derive(Debug)]
pub struct Turns {
    /// While a client was connected and silent.
    pub silent: u64,
    /// After a client had closed its connection.
    pub gone: u64,
}

/// Has the spinning server serve a client that is silent, for `time`, then one that
/// is gone, for as long.
///
/// # Errors
///
/// If the sockets fail.
pub fn spin(time: Duration) -> io::Result<Turns> {
    let listener = listen(ANY_PORT, BACKLOG)?;
    let addr = listener.local_addr()?;

    let client = TcpStream::connect(addr)?;
    let (stream, _) = listener.accept()?;
    let silent = echo_for(&stream, time)?;

    drop(client);
    let gone = echo_for(&stream, time)?;
    Ok(Turns { silent, gone })
}

// ANCHOR: fragile
/// Sends lines back in capitals, to one client after another.
///
/// It asks `?` to do something that only it can decide.
fn fragile(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        upper::talk(&stream)?;
    }
}
// ANCHOR_END: fragile

/// What became of the fragile server.
#[derive(Debug)]
pub struct Fall {
    /// The error with which it returned.
    pub ended_by: io::Error,
    /// What the next client was told.
    pub next_client: io::Error,
}

/// Has one client reset its connection to the fragile server, and another come after.
///
/// # Errors
///
/// If the sockets fail in another way than they should.
pub fn one_client_kills() -> io::Result<Fall> {
    let listener = listen(ANY_PORT, BACKLOG)?;
    let addr = listener.local_addr()?;
    let server = thread::spawn(|| fragile(listener));
    reset(addr)?;
    let ended = server
        .join()
        .expect("the fragile server returns, it does not panic");
    match (ended, TcpStream::connect(addr)) {
        (Err(ended_by), Err(next_client)) => Ok(Fall {
            ended_by,
            next_client,
        }),
        _ => Err(io::Error::other("the fragile server has survived")),
    }
}

// ANCHOR: reset
/// Connects to `server` and breaks off: `close` sends a reset instead of an end.
///
/// A program that crashes or is killed with unread bytes in its socket does the same.
///
/// # Errors
///
/// If `server` cannot be reached.
pub fn reset(server: SocketAddr) -> io::Result<()> {
    let stream = TcpStream::connect(server)?;
    // SO_LINGER with 0 s: what is unsent is dropped, and the peer told so
    // (socket(7)). std has no stable name for it.
    SockRef::from(&stream).set_linger(Some(Duration::ZERO))
}
// ANCHOR_END: reset
