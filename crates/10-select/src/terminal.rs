//! `select` on a keyboard, with a time limit, and on a keyboard and a socket
//! together.
//!
//! Nothing here reads through a `BufReader`. That would take all that has come, hand
//! out a line, and keep the rest where `select` cannot see it: select looks into the
//! kernel, not into our buffers.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::select::{FdSet, select};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::unistd;

/// The longest line that somebody may type, in bytes.
const MAX_LINE: usize = 4096;

/// What came from the keyboard.
#[derive(Debug, PartialEq, Eq)]
pub enum Typed {
    /// A line, without its newline.
    Line(Vec<u8>),
    /// The end: Ctrl-D, or the end of a pipe.
    End,
    /// Nothing, or not a whole line, in time.
    TooLate,
}

/// A source of lines with a time limit for each.
#[derive(Debug)]
pub struct Keyboard<'a> {
    input: BorrowedFd<'a>,
    /// What came behind the last line.
    rest: Vec<u8>,
}

impl<'a> Keyboard<'a> {
    /// Reads from `input`, which nobody else should read from meanwhile.
    pub fn new(input: BorrowedFd<'a>) -> Self {
        let rest = Vec::new();
        Self { input, rest }
    }

    // ANCHOR: keyboard
    /// Waits for a line, for `limit` at most.
    ///
    /// # Errors
    ///
    /// Those of `select` and `read`, and `InvalidData` for a line that is too long.
    pub fn line(&mut self, limit: Duration) -> io::Result<Typed> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let mut line: Vec<u8> = self.rest.drain(..=end).collect();
                line.pop();
                return Ok(Typed::Line(line));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if !is_readable(self.input, left)? {
                return Ok(Typed::TooLate);
            }
            let mut buffer = [0; 1024];
            match unistd::read(self.input, &mut buffer)? {
                0 => return Ok(Typed::End),
                length => self.rest.extend_from_slice(&buffer[..length]),
            }
            if self.rest.len() > MAX_LINE {
                let why = format!("a line is longer than {MAX_LINE} bytes");
                return Err(io::Error::new(ErrorKind::InvalidData, why));
            }
        }
    }
    // ANCHOR_END: keyboard
}

// ANCHOR: readable
/// Waits until a read of `input` would not block, for `limit` at most.
///
/// `select` changes the set that it is given: it leaves in it what is ready. So the
/// set is made anew for each call. On Linux the time limit is changed too, to what is
/// left.
fn is_readable(input: BorrowedFd<'_>, limit: Duration) -> io::Result<bool> {
    let deadline = Instant::now() + limit;
    loop {
        let mut reads = FdSet::new();
        reads.insert(input);
        let left = deadline.saturating_duration_since(Instant::now());
        let micros = i64::try_from(left.as_micros()).unwrap_or(i64::MAX);
        let mut left = TimeVal::microseconds(micros);
        match select(None, &mut reads, None, None, &mut left) {
            Err(Errno::EINTR) => {} // a signal came: what is left of the time?
            result => return Ok(result? == 1),
        }
    }
}
// ANCHOR_END: readable

// ANCHOR: dialogue
/// Sends to `server` what is typed, and shows what `server` says, each when it comes,
/// until the server ends.
///
/// # Errors
///
/// Those of the calls.
pub fn dialogue(
    keyboard: impl AsFd,
    mut server: &TcpStream,
    mut screen: impl Write,
) -> io::Result<()> {
    let mut buffer = [0; 4096];
    let mut typing = true;
    loop {
        let mut reads = FdSet::new();
        reads.insert(server.as_fd());
        if typing {
            reads.insert(keyboard.as_fd());
        }
        match select(None, &mut reads, None, None, None) {
            Err(Errno::EINTR) => continue,
            result => result?,
        };
        if typing && reads.contains(keyboard.as_fd()) {
            let length = unistd::read(&keyboard, &mut buffer)?;
            typing = length > 0;
            match typing {
                true => server.write_all(&buffer[..length])?,
                false => server.shutdown(Shutdown::Write)?,
            }
        }
        if reads.contains(server.as_fd()) {
            match server.read(&mut buffer)? {
                0 => return Ok(()),
                length => screen.write_all(&buffer[..length])?,
            }
            screen.flush()?;
        }
    }
}
// ANCHOR_END: dialogue
