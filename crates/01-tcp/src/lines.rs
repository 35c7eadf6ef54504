//! A conversation in lines, over anything that reads and writes.
//!
//! TCP carries a stream of bytes, not messages: one `read` may bring half a line, or
//! three. The newline is our own agreement on where a message ends. The next lesson
//! is about that; here [`BufRead`] takes care of it.

use std::io::{self, BufRead, ErrorKind, Read, Write};

/// The longest line that either side takes, its line end included, in bytes.
///
/// Without a limit, a client that never sends a newline makes us store all it sends.
pub const MAX_LINE: usize = 1024;

// ANCHOR: converse
/// Sends an `answer` to each line of `input`, until its end; returns how many.
///
/// It knows nothing of sockets, so that a test can hand it two buffers.
///
/// # Errors
///
/// Those of `input`, of `output` and of [`read_line`].
///
/// ```
/// let mut said = Vec::new();
/// let lines = lesson_1::lines::converse(
///     &b"one\ntwo\n"[..],
///     &mut said,
///     |line| line.repeat(2),
/// )?;
/// assert_eq!((lines, &said[..]), (2, &b"oneone\ntwotwo\n"[..]));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn converse(
    mut input: impl BufRead,
    mut output: impl Write,
    answer: impl Fn(&[u8]) -> Vec<u8>,
) -> io::Result<usize> {
    let mut lines = 0;
    while let Some(line) = read_line(&mut input)? {
        send(&mut output, answer(&line))?;
        lines += 1;
    }
    Ok(lines)
}
// ANCHOR_END: converse

// ANCHOR: read_line
/// Reads one line, without its line end; `None` at the end of `input`.
///
/// The last line counts without a newline too. A carriage return before the newline
/// is part of the line end: Windows and telnet send it.
///
/// # Errors
///
/// Those of `input`, and `InvalidData` for a line of more than [`MAX_LINE`] bytes.
pub fn read_line(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    input.take(MAX_LINE as u64).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None); // 0 bytes: the other side has ended
    }
    if line.pop_if(|byte| *byte == b'\n').is_some() {
        line.pop_if(|byte| *byte == b'\r');
    } else if line.len() == MAX_LINE {
        let why = format!("a line is longer than {MAX_LINE} bytes");
        return Err(io::Error::new(ErrorKind::InvalidData, why));
    }
    Ok(Some(line))
}
// ANCHOR_END: read_line

// ANCHOR: send
/// Sends one line, in one go.
///
/// `writeln!` on a socket would send each piece of the text on its own, and the
/// kernel may hold back the later pieces until the first is acknowledged: some 40 ms
/// a line. `write` may take only a part of the bytes; `write_all` goes on until the
/// kernel has them all. That the other program has them, nobody says.
///
/// # Errors
///
/// Those of `output`.
pub fn send(mut output: impl Write, mut line: Vec<u8>) -> io::Result<()> {
    line.push(b'\n');
    output.write_all(&line)
}
// ANCHOR_END: send
