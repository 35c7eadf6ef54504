//! The server of the time stamps: each line comes back with the time before it.

use std::io::{self, BufReader};
use std::net::TcpStream;
use std::time::SystemTime;

use crate::ctime::ctime;
use crate::lines::converse;

// ANCHOR: stamp
/// The answer to `line` at the time `now`.
///
/// ```
/// let midnight = std::time::UNIX_EPOCH;
/// let answer = lesson_1::timestamps::stamp(b"good morning", midnight);
/// assert_eq!(answer, b"[Thu Jan  1 00:00:00 1970] good morning");
/// ```
pub fn stamp(line: &[u8], now: SystemTime) -> Vec<u8> {
    let mut answer = format!("[{}] ", ctime(now)).into_bytes();
    answer.extend_from_slice(line); // as it came: it need not be text
    answer
}
// ANCHOR_END: stamp

// ANCHOR: talk
/// Answers the client's lines with the time of day, until it has said all.
///
/// # Errors
///
/// If the client breaks off, or sends a line that is too long.
pub fn talk(stream: &TcpStream) -> io::Result<usize> {
    // Two hands on one socket: a shared reference to it can read, and write.
    converse(BufReader::new(stream), stream, |line| {
        stamp(line, SystemTime::now())
    })
}
// ANCHOR_END: talk
