//! Exercise `bytes/write-all`: all the bytes, whatever the kernel takes at a time.
//!
//! `write` takes as many of your bytes as there is room for and returns how many
//! that were. Write all of them.
//!
//! `Write::write_all` is what you build here, so do without it.
//!
//! The book has it in chapter 2, "A write may take less".

use std::io::{self, Write};

/// Writes all of `bytes`.
///
/// A write that fails with [`io::ErrorKind::Interrupted`] is repeated; any other
/// error is returned. A write that takes 0 bytes will not take more the next time:
/// it is an error of the kind [`io::ErrorKind::WriteZero`]. Where there is nothing
/// to write, nothing is written.
pub fn write_all(output: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let _ = (output, bytes);
    todo!("write, and go on where the write has stopped")
}

#[cfg(test)]
pub(crate) fn check() -> checks_bytes::Check {
    checks_bytes::write_all(write_all)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
