//! Exercise `socketserver/verify`: who is served, and what is counted.
//!
//! A server on the framework, with a test at the door and an account of what went
//! wrong. Both functions that you are given are somebody else's: they may panic, and the
//! server goes on.
//!
//! The book has it in chapter 13, "Errors by kind".

use std::io;
use std::net::{SocketAddr, TcpListener};

/// What has happened, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Peers who were not welcome, and peers at whose test `welcome` panicked.
    pub refused: u64,
    /// Conversations that ended because `answer` returned an error.
    pub failed: u64,
    /// Conversations that ended because `answer` panicked.
    pub panicked: u64,
    /// Conversations that ended because the connection broke: the peer has reset it.
    pub broken: u64,
}

/// Serves every peer who is welcome, up to 100 at once, each on a thread of its own,
/// until `stop` returns; then returns what has been counted.
///
/// - A line (of at most 1024 bytes, without its newline) is answered with what `answer`
///   says and a newline, until the peer ends.
/// - A peer who is not `welcome` hears nothing and sees the end. `welcome` may panic:
///   that is a refusal.
/// - Where `answer` returns an error or panics, the peer hears nothing more and sees the
///   end.
/// - Nothing of this ends anything else.
/// - `stop` blocks until the server is to stop, so it is called by another thread. Peers
///   who are silent then do not hold the server up.
pub fn serve(
    listener: TcpListener,
    welcome: fn(SocketAddr) -> bool,
    answer: fn(&[u8]) -> Result<Vec<u8>, String>,
    stop: Box<dyn FnOnce() + Send>,
) -> io::Result<Counts> {
    let _ = (listener, welcome, answer, stop);
    todo!("a server with a test at the door, and an account of its errors")
}

#[cfg(test)]
pub(crate) fn check() -> checks_socketserver::Check {
    checks_socketserver::verify(|listener, welcome, answer, stop| {
        let counts = serve(listener, welcome, answer, stop)?;
        let Counts {
            refused,
            failed,
            panicked,
            broken,
        } = counts;
        Ok([refused, failed, panicked, broken])
    })
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
