//! Exercise `threads/two`: two callers at once, and two hundred.
//!
//! A server sends back in capitals whatever a caller sends, piece by piece as it comes,
//! until the caller ends its side; then it ends the connection. You have written that
//! loop before. Here no caller waits for another: neither for one that says nothing,
//! nor for one that does not read.
//!
//! A server runs for months. Whatever it keeps of a caller that has left adds up: a
//! descriptor, a thread, and also a `JoinHandle`. The handle of a thread that has ended
//! keeps the memory of its stack, until it is joined or dropped.
//!
//! The book has it in chapter 8, "A thread for each caller".

// BEGIN SOLUTION
use std::io::{Read, Write};
// END SOLUTION
use std::io;
use std::net::TcpListener;
// BEGIN SOLUTION
use std::net::TcpStream;
use std::thread;
// END SOLUTION

/// Serves all callers at once until accepting itself fails.
///
/// The letters a to z become capitals (`to_ascii_uppercase`), other bytes stay. A
/// caller whose connection breaks ends its own visit, and nothing else. When all
/// callers have left, the process has as many descriptors and threads as before they
/// came, and nothing is left of the threads that have ended. While nobody speaks, it
/// uses no processor time.
pub fn serve(listener: TcpListener) -> io::Result<()> {
    // BEGIN SOLUTION
    loop {
        let (stream, peer) = listener.accept()?;
        // The handle is dropped at once: nobody will join this thread, and nothing
        // of it is left when it has ended.
        let spawned = thread::Builder::new().spawn(move || {
            if let Err(error) = talk(stream) {
                eprintln!("{peer}: {error}");
            }
        });
        if let Err(error) = spawned {
            eprintln!("{peer}: no thread for it: {error}");
        }
    }
    // STUB let _ = listener;
    // STUB todo!("a thread for each caller")
    // END SOLUTION
}
// BEGIN SOLUTION

/// One caller's visit, until its end.
fn talk(mut stream: TcpStream) -> io::Result<()> {
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
pub(crate) fn check() -> checks_threads::Check {
    checks_threads::two(serve)
}
