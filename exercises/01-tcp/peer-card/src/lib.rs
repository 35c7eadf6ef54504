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
use std::net::TcpListener;

/// Hands each caller its card until accepting itself fails.
///
/// "You" is the caller's address and port, "I" are those at which this connection
/// was made, whatever the listener is bound to.
pub fn introduce(listener: TcpListener) -> io::Result<()> {
    let _ = listener;
    todo!("accept callers, one after another, and send each its card")
}

#[cfg(test)]
pub(crate) fn check() -> checks_tcp::Check {
    checks_tcp::peer_card(introduce)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
