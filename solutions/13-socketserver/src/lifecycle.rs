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
// BEGIN SOLUTION
use std::any::Any;
use std::net::Shutdown;
use std::panic::{AssertUnwindSafe, catch_unwind};
// END SOLUTION

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
    // BEGIN SOLUTION
    let mut stream = stream;
    let outcome = steps(&mut stream, handler);
    let _ = stream.shutdown(Shutdown::Write); // ENOTCONN: the peer is gone
    outcome
    // STUB let _ = (stream, handler);
    // STUB todo!("three steps in their order, and an end in any case")
    // END SOLUTION
}
// BEGIN SOLUTION

fn steps(stream: &mut TcpStream, handler: &mut dyn Handler) -> io::Result<()> {
    guard(|| handler.setup(stream))?;
    let handled = guard(|| handler.handle(stream));
    let finished = guard(|| handler.finish(stream));
    handled.and(finished) // the first error of the two
}

/// Calls a step, and makes an error of its panic.
fn guard(step: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    // What a panic leaves half done is the handler's own, and the stream.
    catch_unwind(AssertUnwindSafe(step))
        .unwrap_or_else(|panic| Err(io::Error::other(words(&*panic))))
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without words".to_owned())
}
// END SOLUTION

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
