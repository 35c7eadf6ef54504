//! Exercise `async/readable`: a future for what a socket brings.
//!
//! A task asks for the next bytes of a connection. If there are none it must not
//! wait in the call, for other tasks share its thread: it says [`Poll::Pending`], and
//! leaves word with the reactor whom to wake. The reactor is somebody else's; what
//! you write is the future between the two.
//!
//! The book has it in chapter 11, "A future is asked".

// BEGIN SOLUTION
use std::io::{self, ErrorKind, Read};
// STUB use std::io;
// END SOLUTION
use std::net::TcpStream;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// How to order a wake-up: the reactor wakes this waker, once, when there is
/// something to read from this socket, be it bytes, the end or an error.
///
/// Something that is there already counts: then the wake-up comes at once, perhaps
/// before the call returns. For each socket one order stands, the latest, and it is
/// spent with its wake-up.
pub type WakeWhenReadable = Arc<dyn Fn(&TcpStream, Waker) + Send + Sync>;

/// What a connection brings next.
pub struct NextBytes {
    stream: TcpStream,
    order: WakeWhenReadable,
}

/// The next bytes from `stream`, which does not block: a read with nothing to give
/// fails with [`io::ErrorKind::WouldBlock`].
pub fn next_bytes(stream: TcpStream, order: WakeWhenReadable) -> NextBytes {
    NextBytes { stream, order }
}

impl Future for NextBytes {
    type Output = io::Result<Vec<u8>>;

    /// What one read brings, as soon as it brings something: bytes that are there
    /// already by the first poll, none at the end of the stream, or the error. It takes
    /// no byte off the connection that it does not give out.
    ///
    /// As long as there is nothing it is pending. It may be polled at any time, also
    /// when nothing has come, and each time by another task; whenever it says so, a
    /// wake-up is on order for the waker of *this* poll. It wakes nobody itself, and
    /// it never waits.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // BEGIN SOLUTION
        let mut buffer = [0; 1024];
        match (&self.stream).read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                (self.order)(&self.stream, cx.waker().clone());
                Poll::Pending
            }
            result => Poll::Ready(result.map(|read| buffer[..read].to_vec())),
        }
        // STUB let _ = (&self.stream, &self.order, cx);
        // STUB todo!("read; where nothing has come, order a wake-up")
        // END SOLUTION
    }
}

#[cfg(test)]
pub(crate) fn check() -> checks_async::Check {
    checks_async::readable(next_bytes)
}
