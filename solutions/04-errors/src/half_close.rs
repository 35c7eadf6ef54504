//! Exercise `errors/half-close`: an answer after the caller's end.
//!
//! A caller sends a text, as much and in as many pieces as it likes, and ends its
//! direction (`shutdown(Shutdown::Write)`): that is how it says that this was all.
//! Only then the server answers: the whole text in capitals, and its own end.
//!
//! ```text
//! caller: good
//! caller:  morning
//! caller: (end)
//! server: GOOD MORNING
//! server: (end)
//! ```
//!
//! Callers come one after another. A caller whose connection breaks is no reason to
//! stop. No caller may get a reset where it looks for the end.
//!
//! The book has it in chapter 4, "Half a conversation".

// BEGIN SOLUTION
use std::io::{Read, Write};
// END SOLUTION
use std::io;
use std::net::TcpListener;
// BEGIN SOLUTION
use std::net::TcpStream;
// END SOLUTION

/// Serves callers until accepting itself fails.
///
/// The text is any bytes; of these the letters a to z become capitals
/// (`to_ascii_uppercase`). As long as the caller has not ended its direction it gets
/// nothing. A text may have several megabytes. A caller who ends without a word gets
/// the end alone.
pub fn serve(listener: TcpListener) -> io::Result<()> {
    // BEGIN SOLUTION
    loop {
        let (stream, peer) = listener.accept()?;
        if let Err(error) = answer(stream) {
            eprintln!("{peer}: {error}");
        }
    }
    // STUB let _ = listener;
    // STUB todo!("read to the caller's end, answer, end")
    // END SOLUTION
}
// BEGIN SOLUTION

/// One caller's visit; `stream` is closed when it is over, with nothing left unread.
fn answer(mut stream: TcpStream) -> io::Result<()> {
    let mut text = Vec::new();
    stream.read_to_end(&mut text)?;
    stream.write_all(&text.to_ascii_uppercase())
}
// END SOLUTION

#[cfg(test)]
pub(crate) fn check() -> checks_errors::Check {
    checks_errors::half_close(serve)
}
