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
// BEGIN SOLUTION
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
// END SOLUTION
use std::net::TcpListener;

/// Serves callers until accepting itself fails. `now` tells the time as text.
///
/// A line holds any bytes, text or not, or none at all; what goes back after the time is
/// what came, without the newline, and then one newline. Nothing else is taken off, no
/// blank and no `\r`.
pub fn serve(listener: TcpListener, now: fn() -> String) -> io::Result<()> {
    // BEGIN SOLUTION
    loop {
        let (stream, peer) = listener.accept()?;
        if let Err(error) = talk(&stream, now) {
            eprintln!("{peer}: {error}");
        }
    }
    // STUB let _ = (listener, now);
    // STUB todo!("accept callers, one after another, and answer each of their lines")
    // END SOLUTION
}
// BEGIN SOLUTION

/// One caller's visit, until the end of its input.
fn talk(stream: &TcpStream, now: fn() -> String) -> io::Result<()> {
    let mut input = BufReader::new(stream);
    let mut output = stream;
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        let mut reply = format!("[{}] ", now()).into_bytes();
        reply.append(&mut line); // and `line` is empty again
        reply.push(b'\n');
        output.write_all(&reply)?; // one message, one write
    }
    Ok(())
}
// END SOLUTION

#[cfg(test)]
pub(crate) fn check() -> checks_tcp::Check {
    checks_tcp::timestamps(serve)
}
