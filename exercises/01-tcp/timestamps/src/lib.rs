//! Exercise `tcp/timestamps`: a server that stamps each line with the time.
//!
//! Callers come one after another. Each sends lines; each line gets one line back,
//! with the time in front:
//!
//! ```text
//! caller: hello
//! server: [Sat Nov 21 09:49:47 2026] hello
//! ```
//!
//! A caller is done when its input ends; if it ends in the middle of a line, that
//! piece is answered like a line. Then the next caller is served. A caller whose
//! connection breaks is no reason to stop.
//!
//! The book has it in chapter 1, "Two loops".

use std::io;
use std::net::TcpListener;

/// Serves callers until accepting itself fails. `now` tells the time as text.
///
/// A line holds any bytes, text or not, or none at all; what goes back after the time is
/// what came, without the newline, and then one newline. Nothing else is taken off, no
/// blank and no `\r`.
pub fn serve(listener: TcpListener, now: fn() -> String) -> io::Result<()> {
    let _ = (listener, now);
    todo!("accept callers, one after another, and answer each of their lines")
}

#[cfg(test)]
pub(crate) fn check() -> checks_tcp::Check {
    checks_tcp::timestamps(serve)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
