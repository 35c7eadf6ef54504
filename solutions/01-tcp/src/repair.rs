//! Exercise `tcp/repair`: a server that its first rude caller brings down.
//!
//! This server was written after a tutorial that many have copied. It is to send
//! back in capitals whatever a caller sends, whatever pieces it comes in, until the
//! caller ends its side; then it is the next caller's turn, for ever.
//!
//! It has two mistakes: with one it never says a word, with the other one caller's
//! error is the end of it. Run it, read the verdict, repair it.
//!
//! It is written with `socket2`, where a listening socket and a connected one have
//! the same type, as in C and in Python. The types of `std::net` would not have let
//! the first mistake through the compiler.
//!
//! The book has it in chapter 1, "The listener carries no bytes".

use std::io::{self, Read, Write};
use std::net::TcpListener;

use socket2::Socket;

/// Serves callers until accepting itself fails.
pub fn serve(listener: TcpListener) -> io::Result<()> {
    let listener = Socket::from(listener);
    loop {
        let (connection, _) = listener.accept()?;
        // BEGIN SOLUTION
        // What goes wrong with one caller ends its visit, not the server.
        if let Err(error) = talk(&connection, &connection) {
            eprintln!("a caller was lost: {error}");
        }
        // STUB talk(&listener, &connection)?;
        // END SOLUTION
    }
}

/// One caller's visit, until the end of its input.
fn talk(mut input: &Socket, mut output: &Socket) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let read = input.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        output.write_all(&buffer[..read].to_ascii_uppercase())?;
    }
}

#[cfg(test)]
pub(crate) fn check() -> checks_tcp::Check {
    checks_tcp::repair(serve)
}
