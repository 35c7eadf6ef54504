//! Exercise `socketserver/lifecycle`: setup, handle, finish.
//!
//! The innermost part of a server framework: one conversation. Somebody else has written
//! the handler; it may fail at any of its steps, and it may panic. Whatever it does, its
//! steps come in their order, the peer sees the end, and whoever has called you learns
//! what went wrong.
//!
//! The book has it in chapter 13, "One conversation".

use std::io;
use std::net::TcpStream;

/// What serves a peer. Every step may return an error, and may panic.
pub trait Handler {
    /// Takes what the conversation needs.
    fn setup(&mut self, stream: &mut TcpStream) -> io::Result<()>;

    /// Talks to the peer.
    fn handle(&mut self, stream: &mut TcpStream) -> io::Result<()>;

    /// Gives back what `setup` has taken; it may say a last word to the peer.
    fn finish(&mut self, stream: &mut TcpStream) -> io::Result<()>;
}

/// Serves one peer: `setup`, `handle`, `finish`.
///
/// - Where `setup` fails, neither of the others is called. Where `handle` fails,
///   `finish` is called all the same.
/// - To panic is to fail. The panic ends here, and becomes an error that contains its
///   words, where it has words: a `&str` or a `String`.
/// - In the end, and in every case, the connection is shut down for sending and closed.
///   The peer sees the end even if the handler has kept a copy of the descriptor
///   somewhere. A shutdown that fails, because the peer is gone, is no failure.
///
/// Returns what went wrong first: an error of `finish` only where `handle` went well.
pub fn serve_one(stream: TcpStream, handler: &mut dyn Handler) -> io::Result<()> {
    let _ = (stream, handler);
    todo!("three steps in their order, and an end in any case")
}

#[cfg(test)]
impl Handler for checks_socketserver::Scripted {
    fn setup(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        Self::setup(self, stream)
    }

    fn handle(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        Self::handle(self, stream)
    }

    fn finish(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        Self::finish(self, stream)
    }
}

#[cfg(test)]
pub(crate) fn check() -> checks_socketserver::Check {
    checks_socketserver::lifecycle(|stream, mut handler| {
        serve_one(stream, &mut handler)
    })
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
