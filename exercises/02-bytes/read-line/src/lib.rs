//! Exercise `bytes/read-line`: lines out of a stream that is cut anywhere.
//!
//! A stream brings its bytes in whatever pieces the network has made of them: half a
//! line, a line and a half, a byte at a time. Give out whole lines.
//!
//! Ask the input only with `read`, and keep between two calls what has come too
//! early. `BufRead::read_until` would do all of this; here you build it.
//!
//! The book has it in chapter 2, "What came behind the message".

use std::io::{self, Read};

/// The longest line, in bytes, its newline not counted.
pub const MAX_LINE: usize = 1024;

/// The lines of an input.
pub struct Lines<R> {
    input: R,
    /// What has come and has not been given out.
    kept: Vec<u8>,
}

impl<R: Read> Lines<R> {
    /// The lines of `input`.
    pub fn new(input: R) -> Self {
        Self {
            input,
            kept: Vec::new(),
        }
    }

    /// The next line without its newline; `None` at the end of the input.
    ///
    /// A line that has come is given out without another read: on a connection that
    /// read would wait until the other side says more.
    ///
    /// What stands between the last newline and the end of the input is a line too,
    /// unless it is empty. Bytes are bytes: a line need not be text, and of what stands
    /// before its newline nothing is taken off, no blank and no `\r`.
    ///
    /// A line of more than [`MAX_LINE`] bytes is an error of the kind
    /// [`io::ErrorKind::InvalidData`], and it is noticed before much more than that
    /// has been read, in whatever pieces it comes. A read that fails with [`io::ErrorKind::Interrupted`] is
    /// repeated; any other error is returned.
    pub fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let _ = (&mut self.input, &mut self.kept);
        todo!("read until there is a newline, and keep what came behind it")
    }
}

#[cfg(test)]
pub(crate) fn check() -> checks_bytes::Check {
    checks_bytes::read_line(Lines::new, Lines::next_line)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
