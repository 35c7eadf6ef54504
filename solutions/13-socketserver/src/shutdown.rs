//! Exercise `socketserver/shutdown`: a server that is stopped from anywhere.
//!
//! CPython's `shutdown` waits until the loop has ended: for ever, if the loop waits for
//! the request that has called it. Its threads were kept in a list once, for as long as
//! the server lived. Yours does neither.
//!
//! The book has it in chapter 13, "The end".

use std::io;
// BEGIN SOLUTION
use std::cell::Cell;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;
// END SOLUTION
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// What serves a caller. It may take its time, and may panic.
pub type Handle = Arc<dyn Fn(TcpStream) + Send + Sync>;

/// Stops a server, from anywhere. All clones of it stop the same one.
#[derive(Clone, Default)]
pub struct Stopper {
    // BEGIN SOLUTION
    shared: Arc<Shared>,
    // STUB // what your server and its stoppers share
    // END SOLUTION
}
// BEGIN SOLUTION

/// How long to try to wake who accepts.
const WAKING: Duration = Duration::from_millis(100);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    stopping: bool,
    /// Where the server listens, while it serves.
    addr: Option<SocketAddr>,
    requests: usize,
}

thread_local! {
    /// Whether this thread is one of a server's. Here one server is all there is.
    static SERVES: Cell<bool> = const { Cell::new(false) };
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is counted, until it is dropped: a panic comes by here as well.
struct Request(Arc<Shared>);

impl Drop for Request {
    fn drop(&mut self) {
        self.0.lock().requests -= 1;
        self.0.changed.notify_all();
    }
}
// END SOLUTION

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
        // BEGIN SOLUTION
        let until = Instant::now() + limit;
        let serving = {
            let mut state = self.shared.lock();
            state.stopping = true;
            state.addr
        };
        let Some(addr) = serving else {
            return Ok(());
        };
        // `accept` is woken by what it waits for. The caller leaves at once. Where its
        // call fails, nobody listens any more; where it has no answer, the queue is full,
        // and who accepts is awake.
        drop(TcpStream::connect_timeout(&addr, WAKING));
        if SERVES.get() {
            return Err(ErrorKind::Deadlock.into());
        }
        let mut state = self.shared.lock();
        while state.addr.is_some() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            let waited = self.shared.changed.wait_timeout(state, left);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
        // STUB let _ = limit;
        // STUB todo!("ask the server to stop, and wait, unless it is for yourself")
        // END SOLUTION
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
    // BEGIN SOLUTION
    let shared = &stopper.shared;
    shared.lock().addr = Some(listener.local_addr()?);
    let outcome = accept(listener, shared, &handle); // closed then: callers are refused
    let mut state = shared.lock();
    while state.requests > 0 {
        let woken = shared.changed.wait(state);
        state = woken.unwrap_or_else(PoisonError::into_inner);
    }
    state.addr = None;
    shared.changed.notify_all();
    outcome
    // STUB let _ = (listener, stopper, handle);
    // STUB todo!("a thread for each caller, until the stopper says stop")
    // END SOLUTION
}
// BEGIN SOLUTION

fn accept(
    listener: TcpListener,
    shared: &Arc<Shared>,
    handle: &Handle,
) -> io::Result<()> {
    loop {
        if shared.lock().stopping {
            return Ok(());
        }
        let (stream, _) = listener.accept()?;
        {
            let mut state = shared.lock();
            if state.stopping {
                return Ok(());
            }
            state.requests += 1;
        }
        let request = Request(Arc::clone(shared));
        let handle = Arc::clone(handle);
        // The handle of the thread is dropped: it is detached, and leaves nothing.
        thread::Builder::new().spawn(move || {
            let _request = request;
            SERVES.set(true);
            handle(stream);
        })?;
    }
}
// END SOLUTION

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
