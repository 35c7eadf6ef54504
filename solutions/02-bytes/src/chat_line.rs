//! Exercise `bytes/chat-line`: text after the cut, not before.
//!
//! A chat receives bytes in pieces and shows lines of text. A piece may end in the
//! middle of a line, and in the middle of a letter: `é` is two bytes, and the
//! network may cut between them.
//!
//! This time nobody lends you a stream: whoever owns the socket pushes into your
//! decoder what it has read, and takes out what is complete. Such a decoder does no
//! input or output of its own, and works with any server that comes later in this
//! book.
//!
//! The book has it in chapter 2, "Text after the cut".

/// Turns pieces of a stream into lines of text.
#[derive(Debug, Default)]
pub struct Decoder {
    /// What has come and is not yet a line.
    kept: Vec<u8>,
}

impl Decoder {
    /// A decoder at the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a piece and returns the lines that are complete with it, in order
    /// and without their newlines.
    ///
    /// Bytes that are no UTF-8 become U+FFFD, as in [`String::from_utf8_lossy`]; the
    /// rest of their line is kept. Of what stands before a newline nothing is taken off,
    /// no blank and no `\r`.
    pub fn push(&mut self, piece: &[u8]) -> Vec<String> {
        // BEGIN SOLUTION
        let mut lines = Vec::new();
        for part in piece.split_inclusive(|&byte| byte == b'\n') {
            self.kept.extend_from_slice(part);
            if let Some(line) = self.kept.strip_suffix(b"\n") {
                lines.push(String::from_utf8_lossy(line).into_owned());
                self.kept.clear();
            }
        }
        lines
        // STUB let _ = (&mut self.kept, piece);
        // STUB todo!("keep bytes until there is a newline, then make text of them")
        // END SOLUTION
    }

    /// The stream has ended: what is left, if anything is.
    pub fn finish(self) -> Option<String> {
        // BEGIN SOLUTION
        let rest = String::from_utf8_lossy(&self.kept);
        (!rest.is_empty()).then(|| rest.into_owned())
        // STUB todo!("the line that had no newline")
        // END SOLUTION
    }
}

#[cfg(test)]
pub(crate) fn check() -> checks_bytes::Check {
    checks_bytes::chat_line(Decoder::new, Decoder::push, Decoder::finish)
}
