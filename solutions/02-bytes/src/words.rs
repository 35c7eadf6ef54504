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
    // BEGIN SOLUTION
    let length = match u16::try_from(word.len()) {
        Ok(length @ 1..) => length,
        _ => {
            let why = format!("a word of {} bytes", word.len());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
    };
    let mut frame = length.to_be_bytes().to_vec();
    frame.extend_from_slice(word);
    output.write_all(&frame)
    // STUB let _ = (output, word);
    // STUB todo!("the length as two bytes, then the word, in one write")
    // END SOLUTION
}

/// Reads one word; `None` where the input ends before the next word begins.
///
/// An input that ends in the middle of a word is an error of the kind
/// [`io::ErrorKind::UnexpectedEof`], and a length of 0 one of the kind
/// [`io::ErrorKind::InvalidData`]. A read that fails with
/// [`io::ErrorKind::Interrupted`] is repeated; any other error is returned.
pub fn read_word(input: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    // BEGIN SOLUTION
    let mut length = [0; 2];
    // The end is all right here, and nowhere else.
    if !read_first(input, &mut length[..1])? {
        return Ok(None);
    }
    input.read_exact(&mut length[1..])?;
    let length = u16::from_be_bytes(length);
    if length == 0 {
        let why = "a word of 0 bytes";
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    let mut word = vec![0; length.into()];
    input.read_exact(&mut word)?;
    Ok(Some(word))
    // STUB let _ = input;
    // STUB todo!("the length, then as many bytes as it says")
    // END SOLUTION
}
// BEGIN SOLUTION

/// Reads one byte; `false` at the end of the input.
fn read_first(input: &mut impl Read, byte: &mut [u8]) -> io::Result<bool> {
    loop {
        match input.read(byte) {
            Ok(read) => return Ok(read > 0),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
// END SOLUTION

#[cfg(test)]
pub(crate) fn check() -> checks_bytes::Check {
    checks_bytes::words(write_word, read_word)
}
