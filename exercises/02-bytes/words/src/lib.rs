//! Exercise `bytes/words`: words with their length in front.
//!
//! A word travels as its length, two bytes with the higher one first (big endian,
//! which is also called network byte order), and then that many bytes:
//!
//! ```text
//! 00 05 68 65 6C 6C 6F        5, then "hello"
//! ```
//!
//! A word has from 1 to 65,535 bytes, of any value. Write both directions.
//!
//! The book has it in chapter 2, "Four ways to frame a message".

use std::io::{self, Read, Write};

/// Writes one word, length and bytes, with a single call of `write_all`.
///
/// An empty word, or one of more than 65,535 bytes, is an error of the kind
/// [`io::ErrorKind::InvalidInput`], and nothing of it is written.
pub fn write_word(output: &mut impl Write, word: &[u8]) -> io::Result<()> {
    let _ = (output, word);
    todo!("the length as two bytes, then the word, in one write")
}

/// Reads one word; `None` where the input ends before the next word begins.
///
/// An input that ends in the middle of a word is an error of the kind
/// [`io::ErrorKind::UnexpectedEof`], and a length of 0 one of the kind
/// [`io::ErrorKind::InvalidData`]. A read that fails with
/// [`io::ErrorKind::Interrupted`] is repeated; any other error is returned.
pub fn read_word(input: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let _ = input;
    todo!("the length, then as many bytes as it says")
}

#[cfg(test)]
pub(crate) fn check() -> checks_bytes::Check {
    checks_bytes::words(write_word, read_word)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
