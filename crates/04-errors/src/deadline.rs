//! A limit for a whole reply, and one for each read.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

// ANCHOR: deadline
/// A moment after which nothing is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// `limit` from now.
    pub fn after(limit: Duration) -> Self {
        Self(Instant::now() + limit)
    }

    /// What is left until then: the limit for the next call.
    ///
    /// # Errors
    ///
    /// `TimedOut` when nothing is. It is never zero, which setsockopt(2) would take
    /// for "no limit", and which std refuses with `InvalidInput`.
    pub fn left(self) -> io::Result<Duration> {
        match self.0.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(ErrorKind::TimedOut.into()),
            left => Ok(left),
        }
    }

    /// Reads to the end of `stream`, or until this moment.
    ///
    /// # Errors
    ///
    /// `TimedOut` if the end has not come by then.
    pub fn read_to_end(self, mut stream: &TcpStream) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            stream.set_read_timeout(Some(self.left()?))?;
            match stream.read(&mut buffer) {
                Ok(0) => return Ok(all),
                Ok(length) => all.extend_from_slice(&buffer[..length]),
                // Its time is over, or nearly: the clock decides, in `left`.
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
// ANCHOR_END: deadline

/// A server that sends `text` to one caller, a byte at a time.
///
/// # Errors
///
/// If it cannot listen.
pub fn drip(text: &'static [u8], pause: Duration) -> io::Result<TcpStream> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?;
    thread::spawn(move || -> io::Result<()> {
        let (mut stream, _) = listener.accept()?;
        for byte in text {
            stream.write_all(&[*byte])?;
            thread::sleep(pause);
        }
        Ok(())
    });
    TcpStream::connect(addr)
}
