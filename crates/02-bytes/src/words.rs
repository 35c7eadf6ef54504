//! A server that says some words, each with its length in front.

use std::io::{self, Write};

use crate::framing::write_word;

/// What the server says. One word has more bytes than letters.
pub const WORDS: [&str; 8] = [
    "TCP",
    "carries",
    "bytes,",
    "and",
    "your",
    "words",
    "are",
    "Gedächtniskünstler",
];

// ANCHOR: tell
/// Says all the [`WORDS`] and returns how many they are.
///
/// Each is one `write_all`. On the way they may be joined or cut, which does not
/// matter: every word tells where it ends.
///
/// # Errors
///
/// Those of `output`.
pub fn tell(mut output: impl Write) -> io::Result<usize> {
    for word in WORDS {
        write_word(&mut output, word.as_bytes())?;
    }
    Ok(WORDS.len())
}
// ANCHOR_END: tell
