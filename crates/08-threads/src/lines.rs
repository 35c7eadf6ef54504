//! What every server of this lesson says: each line comes back in capitals.
//!
//! There is nothing about threads in here. One thread talks to one caller, and waits
//! for it, as in the first lesson.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;

/// The longest line that is taken, its newline included, in bytes.
pub const MAX_LINE: usize = 64 << 10;

/// `line` in upper case: text as Unicode says, of other bytes the letters of ASCII.
///
/// ```
/// use lesson_8::lines::upper;
///
/// assert_eq!(upper("straße".as_bytes()), b"STRASSE");
/// assert_eq!(upper(b"caf\xe9"), b"CAF\xe9"); // ISO 8859-1
/// ```
pub fn upper(line: &[u8]) -> Vec<u8> {
    match str::from_utf8(line) {
        Ok(text) => text.to_uppercase().into_bytes(),
        Err(_) => line.to_ascii_uppercase(),
    }
}

/// Reads one line, without its newline; `None` at the end of `input`. The last line
/// counts without a newline too.
///
/// # Errors
///
/// Those of `input`, and `InvalidData` for a line of more than [`MAX_LINE`] bytes.
pub fn read_line(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    input.take(MAX_LINE as u64).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.pop_if(|byte| *byte == b'\n').is_none() && line.len() == MAX_LINE {
        let why = format!("a line is longer than {MAX_LINE} bytes");
        return Err(io::Error::new(ErrorKind::InvalidData, why));
    }
    Ok(Some(line))
}

/// Answers each line of `input` on `output`, until the end of `input`.
///
/// # Errors
///
/// Those of [`read_line`] and of `output`.
pub fn converse(mut input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    while let Some(line) = read_line(&mut input)? {
        let mut answer = upper(&line);
        answer.push(b'\n');
        output.write_all(&answer)?;
    }
    Ok(())
}

// ANCHOR: talk
/// One caller's visit: answers its lines until it has said all.
///
/// Every call in here may wait for as long as the caller likes. Whoever calls this
/// lends the caller a thread.
///
/// # Errors
///
/// If the caller breaks off, or sends a line that is too long.
pub fn talk(stream: &TcpStream) -> io::Result<()> {
    converse(BufReader::new(stream), stream)
}
// ANCHOR_END: talk
