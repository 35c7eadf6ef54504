//! What a child says to its caller: lines, and nothing about processes.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process;
use std::time::Duration;

/// The longest line that is taken, its line end included, in bytes. What comes in lives
/// in the child's memory.
pub const MAX_LINE: u64 = 64 << 10;

/// How long a caller may be silent, or not take what it is sent. Its child is a process
/// that nobody else can use meanwhile.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// A conversation with one caller, in a process of its own.
pub type Talk = fn(TcpStream) -> io::Result<()>;

// ANCHOR: answer
/// What is answered to a line: its capitals; to `who`, which process answers.
///
/// ```
/// use lesson_9::talk::answer;
///
/// assert_eq!(answer(b"good morning", 7), b"GOOD MORNING");
/// assert_eq!(answer(b"who", 7), b"7");
/// ```
pub fn answer(line: &[u8], process: u32) -> Vec<u8> {
    match line {
        b"who" => process.to_string().into_bytes(),
        _ => line.to_ascii_uppercase(),
    }
}
// ANCHOR_END: answer

/// Answers each line of `input` on `output`, until its end; a last line needs no newline.
///
/// # Errors
///
/// Those of `input` and `output`, and `InvalidData` for a line of more than
/// [`MAX_LINE`] bytes.
pub fn converse(
    mut input: impl BufRead,
    mut output: impl Write,
    process: u32,
) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        (&mut input).take(MAX_LINE).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(());
        }
        let whole = line.pop_if(|byte| *byte == b'\n').is_some();
        if !whole && line.len() as u64 == MAX_LINE {
            let why = format!("a line is longer than {MAX_LINE} bytes");
            return Err(io::Error::new(ErrorKind::InvalidData, why));
        }
        let mut reply = answer(&line, process);
        reply.push(b'\n');
        output.write_all(&reply)?;
    }
}

/// A caller's visit: [`converse`] over its connection.
///
/// # Errors
///
/// If the caller breaks off, or is silent for longer than [`PATIENCE`].
pub fn visit(stream: TcpStream) -> io::Result<()> {
    stream.set_nonblocking(false)?; // some systems have it inherited from the listener
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    converse(BufReader::new(&stream), &stream, process::id())
}
