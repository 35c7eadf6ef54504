//! Exercise `tcp/peer-card`: the four numbers of a connection.
//!
//! A connection is known by two addresses and two ports. Write a server that hands
//! each caller a card with all four, one line, and ends the connection:
//!
//! ```text
//! you are 127.0.0.1:50001, I am 127.0.0.1:8009
//! ```
//!
//! Callers come one after another, for ever. A caller that has hung up before its
//! card was written is no reason to stop.
//!
//! The book has it in chapter 1, "The four numbers".

use std::io;
// BEGIN SOLUTION
use std::io::Write;
use std::net::TcpStream;
// END SOLUTION
use std::net::TcpListener;

/// Hands each caller its card until accepting itself fails.
///
/// "You" is the caller's address and port, "I" are those at which this connection
/// was made, whatever the listener is bound to.
pub fn introduce(listener: TcpListener) -> io::Result<()> {
    // BEGIN SOLUTION
    loop {
        let (stream, _) = listener.accept()?;
        if let Err(error) = hand_over_the_card(stream) {
            eprintln!("a caller got no card: {error}");
        }
    }
    // STUB let _ = listener;
    // STUB todo!("accept callers, one after another, and send each its card")
    // END SOLUTION
}
// BEGIN SOLUTION

fn hand_over_the_card(mut stream: TcpStream) -> io::Result<()> {
    // The stream knows, also where the listener takes calls on every address of the
    // machine and its own address says only that: 0.0.0.0.
    let (you, me) = (stream.peer_addr()?, stream.local_addr()?);
    stream.write_all(format!("you are {you}, I am {me}\n").as_bytes())
}
// END SOLUTION

#[cfg(test)]
pub(crate) fn check() -> checks_tcp::Check {
    checks_tcp::peer_card(introduce)
}
