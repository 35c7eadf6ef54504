//! Exercise `options/prompt`: a request in pieces that is not held back.
//!
//! A client sends a request and waits for the reply, one line. Written in two pieces,
//! the request takes 40 ms where it could take a fiftieth of one: the kernel holds the
//! second piece back until the first is acknowledged. Two ways around it:
//!
//! - where head and body are both there, send them with one write;
//! - where the pieces become ready one after the other, send each at once, with
//!   TCP_NODELAY set before the first.
//!
//! Both functions return the reply without its newline, as soon as that is there: the
//! server says nothing behind it, and stays connected. The reply is bytes of any kind:
//! blanks belong to it, and it need not be text. A stream that ends before the newline
//! is an error of the kind [`io::ErrorKind::UnexpectedEof`].
//!
//! The book has it in chapter 6, "Write, write, read".

use std::io::{self, Read, Write};
use std::net::TcpStream;

/// Sends `head` and `body` with one write, if `server` takes that much at once, and
/// reads the reply.
pub fn ask_whole(
    server: &mut (impl Read + Write),
    head: &[u8],
    body: &[u8],
) -> io::Result<Vec<u8>> {
    let _ = (server, head, body);
    todo!("put both together, write, read a line")
}

/// Sends each of `pieces` before it asks for the next, which may take long to make, and
/// reads the reply. No piece waits for another one's acknowledgement.
pub fn ask_in_pieces(
    server: &TcpStream,
    pieces: &mut dyn Iterator<Item = Vec<u8>>,
) -> io::Result<Vec<u8>> {
    let _ = (server, pieces);
    todo!("set the option, write piece after piece, read a line")
}

#[cfg(test)]
pub(crate) fn check() -> checks_options::Check {
    checks_options::prompt(ask_whole, ask_in_pieces)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
