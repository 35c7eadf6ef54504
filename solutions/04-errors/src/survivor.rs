//! Exercise `errors/survivor`: a server that outlives its callers.
//!
//! The server sends back in capitals whatever a caller sends, piece by piece as it
//! comes, until the caller ends its side; then it ends the connection, and it is the
//! next caller's turn. That is the easy part. Its callers:
//!
//! - one resets the connection, while it is waited for or while it is answered;
//! - one sends a question and has closed before the answer comes;
//! - one sends megabytes and never reads an answer;
//! - one connects and says nothing at all.
//!
//! After each of them the next caller has to be served as if nothing had happened.
//!
//! The book has it in chapter 4, "A limit for read and write".

// BEGIN SOLUTION
use std::io::{Read, Write};
// END SOLUTION
use std::io;
use std::net::TcpListener;
// BEGIN SOLUTION
use std::net::TcpStream;
// END SOLUTION
use std::time::Duration;

/// Serves callers until accepting itself fails.
///
/// The letters a to z become capitals (`to_ascii_uppercase`), other bytes stay. A
/// caller that sends nothing for as long as `patience`, or that takes nothing of what
/// it is sent for so long, has to go: the connection with it is closed. One that speaks
/// again before that may stay, however long it stays in all.
pub fn serve(listener: TcpListener, patience: Duration) -> io::Result<()> {
    // BEGIN SOLUTION
    loop {
        let (stream, peer) = listener.accept()?;
        if let Err(error) = talk(stream, patience) {
            eprintln!("{peer}: {error}");
        }
    }
    // STUB let _ = (listener, patience);
    // STUB todo!("serve callers, and let no one of them stop the others")
    // END SOLUTION
}
// BEGIN SOLUTION

/// One caller's visit. However it ends, `stream` is closed.
fn talk(mut stream: TcpStream, patience: Duration) -> io::Result<()> {
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..read].to_ascii_uppercase())?;
    }
}
// END SOLUTION

#[cfg(test)]
pub(crate) fn check() -> checks_errors::Check {
    checks_errors::survivor(serve)
}
