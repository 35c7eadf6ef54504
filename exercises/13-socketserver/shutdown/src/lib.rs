//! Exercise `socketserver/shutdown`: a server that is stopped from anywhere.
//!
//! CPython's `shutdown` waits until the loop has ended: for ever, if the loop waits for
//! the request that has called it. Its threads were kept in a list once, for as long as
//! the server lived. Yours does neither.
//!
//! The book has it in chapter 13, "The end".

use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// What serves a caller. It may take its time, and may panic.
pub type Handle = Arc<dyn Fn(TcpStream) + Send + Sync>;

/// Stops a server, from anywhere. All clones of it stop the same one.
#[derive(Clone, Default)]
pub struct Stopper {
    // what your server and its stoppers share
}

impl Stopper {
    /// Asks the server to stop, and waits until `serve` is about to return, but no longer
    /// than `limit`.
    ///
    /// Returns at once where nobody serves; a `serve` that begins later returns at once
    /// too. May be called as often as one likes, from any thread.
    ///
    /// # Errors
    ///
    /// `TimedOut` where requests are still served when `limit` is over; they go on, and
    /// the server ends when they have ended. `Deadlock`, and at once, where it is called
    /// by the thread of a request of this server, which would wait for itself; the server
    /// is asked to stop all the same.
    pub fn shutdown(&self, limit: Duration) -> io::Result<()> {
        let _ = limit;
        todo!("ask the server to stop, and wait, unless it is for yourself")
    }
}

/// Serves every caller on a thread of its own, until `stopper` says stop; then accepts
/// nobody any more, and returns when all requests have ended.
///
/// A request has ended when `handle` has returned or panicked; a panic is nobody else's
/// business. What a request needs, its thread and its descriptor, is given back when it
/// ends and not when the server does: there may be very many of them.
pub fn serve(
    listener: TcpListener,
    stopper: &Stopper,
    handle: Handle,
) -> io::Result<()> {
    let _ = (listener, stopper, handle);
    todo!("a thread for each caller, until the stopper says stop")
}

#[cfg(test)]
pub(crate) fn check() -> checks_socketserver::Check {
    use checks_socketserver::Stoppable;

    checks_socketserver::shutdown(|| {
        let stopper = Stopper::default();
        let same = stopper.clone();
        Stoppable {
            serve: Box::new(move |listener, handle| {
                serve(listener, &stopper, handle)
            }),
            shutdown: Arc::new(move |limit| same.shutdown(limit)),
        }
    })
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
