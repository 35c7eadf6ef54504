//! Lines out of pieces, and what they are answered. Nothing here waits, so it serves
//! a thread, our executor and tokio alike.

use std::io::{self, ErrorKind};

/// The longest line, in bytes, its newline not counted.
pub const MAX_LINE: usize = 64 << 10;

// ANCHOR: lines
/// What has come of a stream and has not been given out as a line.
#[derive(Debug, Default)]
pub struct Lines {
    kept: Vec<u8>,
    /// So many bytes of it hold no newline.
    searched: usize,
}

impl Lines {
    /// Takes in what a read has brought.
    pub fn push(&mut self, bytes: &[u8]) {
        self.kept.extend_from_slice(bytes);
    }

    /// The next line, without its newline, if all of it has come.
    ///
    /// # Errors
    ///
    /// `InvalidData` for a line of more than [`MAX_LINE`] bytes, as soon as so many
    /// have come.
    pub fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let newline = self.kept[self.searched..].iter().position(|&b| b == b'\n');
        let Some(end) = newline.map(|at| self.searched + at) else {
            self.searched = self.kept.len();
            return if self.searched > MAX_LINE {
                too_long()
            } else {
                Ok(None)
            };
        };
        let rest = self.kept.split_off(end + 1);
        let mut line = std::mem::replace(&mut self.kept, rest);
        self.searched = 0;
        line.pop();
        if line.len() > MAX_LINE {
            return too_long();
        }
        Ok(Some(line))
    }

    /// What stands behind the last newline when the stream has ended; nothing if
    /// nothing does.
    pub fn rest(&mut self) -> Option<Vec<u8>> {
        self.searched = 0;
        let rest = std::mem::take(&mut self.kept);
        (!rest.is_empty()).then_some(rest)
    }
}
// ANCHOR_END: lines

fn too_long<T>() -> io::Result<T> {
    let why = format!("a line of more than {MAX_LINE} bytes");
    Err(io::Error::new(ErrorKind::InvalidData, why))
}

/// `line` in upper case, and a newline.
///
/// UTF-8 text is changed as Unicode says; of other bytes the ASCII letters are
/// changed.
///
/// ```
/// assert_eq!(lesson_11::lines::upper("straße".as_bytes()), b"STRASSE\n");
/// ```
pub fn upper(line: &[u8]) -> Vec<u8> {
    let mut answer = match str::from_utf8(line) {
        Ok(text) => text.to_uppercase().into_bytes(),
        Err(_) => line.to_ascii_uppercase(),
    };
    answer.push(b'\n');
    answer
}

/// Whether this error of accept(2) tells what became of one client while it waited.
pub(crate) fn is_of_a_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::NetworkDown
            | ErrorKind::NetworkUnreachable
            | ErrorKind::HostUnreachable
    )
}

/// Whether this error of accept(2) will pass when somebody leaves: no descriptor is
/// left in this process or on this machine (EMFILE, ENFILE), or no memory.
pub(crate) fn will_pass(error: &io::Error) -> bool {
    // ENOMEM, ENFILE, EMFILE; and ENOBUFS, on Linux.
    matches!(error.raw_os_error(), Some(12 | 23 | 24 | 105))
}
