//! The server of the capitals: each line comes back in upper case.

use std::io::{self, BufReader};
use std::net::TcpStream;

use crate::lines::converse;

// ANCHOR: upper
/// `line` in upper case.
///
/// UTF-8 text is changed as Unicode says, which can make it longer. A line that is
/// not UTF-8 is no text that we know: its ASCII letters are changed, the rest stays.
///
/// ```
/// use lesson_1::upper::upper;
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
// ANCHOR_END: upper

/// Answers the client's lines in upper case, until it has said all.
///
/// # Errors
///
/// If the client breaks off, or sends a line that is too long.
pub fn talk(stream: &TcpStream) -> io::Result<usize> {
    converse(BufReader::new(stream), stream, upper)
}
