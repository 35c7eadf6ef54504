//! A server that keeps a log of lines: what is said to it, the next visitor can read.
//!
//! A visitor first gets what there is: a line such as `2 so far`, then as many
//! lines. Then each line that it sends is put into the log and comes back with its
//! number. A line that is not UTF-8 is answered with a complaint, and not kept.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};

use crate::framing::read_line;

/// The longest line, in bytes, without its newline. A longer one ends the visit: we
/// do not know where the next line begins, unless we read on for as long as the peer
/// likes.
pub const MAX_LINE: usize = 512;

/// So many lines are kept; of the older ones, only the numbers go on.
pub const KEPT: usize = 20;

// ANCHOR: log
/// The last [`KEPT`] lines, with their numbers.
#[derive(Debug, Default)]
pub struct Log {
    lines: VecDeque<String>,
    count: u64,
}

impl Log {
    /// Puts `text` into the log and returns it as it stands there.
    pub fn add(&mut self, text: &str) -> String {
        self.count += 1;
        let line = format!("{} {text}\n", self.count);
        self.lines.push_back(line.clone());
        if self.lines.len() > KEPT {
            self.lines.pop_front();
        }
        line
    }

    /// What a new visitor gets: how many lines are kept, and the lines.
    pub fn so_far(&self) -> String {
        let lines: String = self.lines.iter().map(String::as_str).collect();
        format!("{} so far\n{lines}", self.lines.len())
    }
}
// ANCHOR_END: log

// ANCHOR: converse
/// One visit: what is in the log, then an answer to each line of `input` until its
/// end. Returns how many lines were answered.
///
/// # Errors
///
/// Those of `input` and `output`, and `InvalidData` for a line that is too long.
pub fn converse(
    mut input: impl BufRead,
    mut output: impl Write,
    log: &mut Log,
) -> io::Result<usize> {
    output.write_all(log.so_far().as_bytes())?;
    let mut lines = 0;
    while let Some(line) = read_line(&mut input, MAX_LINE)? {
        output.write_all(answer(&line, log).as_bytes())?;
        lines += 1;
    }
    Ok(lines)
}
// ANCHOR_END: converse

// ANCHOR: answer
/// The answer to `line`, which goes into `log` if it is text.
///
/// Only a whole line is decoded: a character may have come in two pieces, and neither
/// of them is UTF-8.
pub fn answer(line: &[u8], log: &mut Log) -> String {
    match str::from_utf8(line) {
        Ok(text) => log.add(text.trim_end()), // also the carriage return of telnet
        Err(error) => format!("! not UTF-8 after {} bytes\n", error.valid_up_to()),
    }
}
// ANCHOR_END: answer

// ANCHOR: take_part
/// The client's end: shows what is in the log, then sends each line of `keyboard` and
/// shows the answer, until `keyboard` ends.
///
/// # Errors
///
/// Those of `keyboard`, `screen` and `server`; `UnexpectedEof` if the server hangs up
/// instead of answering, `InvalidData` if it does not say how many lines there are.
pub fn take_part(
    mut keyboard: impl BufRead,
    mut screen: impl Write,
    server: &mut BufReader<impl Read + Write>,
) -> io::Result<()> {
    let heading = next_line(server)?;
    writeln!(screen, "{heading}")?;
    for _ in 0..count_in(&heading)? {
        writeln!(screen, "{}", next_line(server)?)?;
    }
    loop {
        write!(screen, ">>> ")?;
        screen.flush()?;
        let Some(mut line) = read_line(&mut keyboard, MAX_LINE)? else {
            return writeln!(screen);
        };
        line.push(b'\n');
        server.get_mut().write_all(&line)?; // one message, one write
        writeln!(screen, "{}", next_line(server)?)?;
    }
}
// ANCHOR_END: take_part

/// The number that a heading such as `2 so far` begins with.
fn count_in(heading: &str) -> io::Result<u64> {
    let count = heading
        .split(' ')
        .next()
        .and_then(|count| count.parse().ok());
    let why = "the server does not say how many lines there are";
    count.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, why))
}

/// The longest answer: the number of a line, and the line.
const MAX_ANSWER: usize = MAX_LINE + 100;

fn next_line(server: &mut impl BufRead) -> io::Result<String> {
    let why = "the server hung up instead of answering";
    let line = read_line(server, MAX_ANSWER)?
        .ok_or_else(|| io::Error::new(ErrorKind::UnexpectedEof, why))?;
    Ok(printable(&line))
}

/// `bytes` as text for a terminal, with `�` for what is not UTF-8 and for control
/// characters: a stranger's could move the cursor, or worse.
pub fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let visible = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().map(visible).collect()
}
