//! The server from outside: how it is stopped, and what it has done.

use std::collections::HashMap;
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};
use std::{fmt, io};

use crate::addr::Peer;
use crate::conn::Link;
use crate::moment::from_now;
use crate::waker::Waker;

/// What a server has done so far.
///
/// Under a strategy with processes, what happens in them is counted here only where it
/// shows in how they end.
///
/// ```
/// use socketserver::{Conn, Next, Server, Strategy};
///
/// let server = Server::tcp("127.0.0.1:0").bind()?;
/// server.handle().shutdown();
/// let stats = server.serve(Strategy::Inline, |_peer| |_: &mut Conn| Ok(Next::Close))?;
/// assert_eq!((stats.accepted, stats.refused, stats.errors), (0, 0, 0));
/// # Ok::<(), socketserver::BoxError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Connections accepted, or datagrams received.
    pub accepted: u64,
    /// Of these, refused: not welcome, or more than the limit.
    pub refused: u64,
    /// Of these, ended with an error or a panic.
    pub errors: u64,
    /// Of these, served now.
    pub active: u64,
    /// Of these, shut down because the time for the rest had run out.
    pub forced: u64,
}

/// The figures behind [`Stats`], as every thread counts them.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) accepted: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) errors: AtomicU64,
    pub(crate) active: AtomicU64,
    pub(crate) forced: AtomicU64,
}

pub(crate) fn count(counter: &AtomicU64) -> u64 {
    counter.fetch_add(1, Ordering::Relaxed) + 1
}

/// What a server and its handles share.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) waker: Waker,
    pub(crate) counters: Counters,
    stopping: AtomicBool,
    serving: Mutex<Option<ThreadId>>,
    served: Condvar,
    /// Every connection that is open.
    links: Mutex<HashMap<u64, Arc<Link>>>,
}

impl Core {
    pub(crate) fn new(waker: Waker) -> Arc<Self> {
        Arc::new(Self {
            waker,
            counters: Counters::default(),
            stopping: AtomicBool::new(false),
            serving: Mutex::new(None),
            served: Condvar::new(),
            links: Mutex::default(),
        })
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.waker.wake();
    }

    /// Keeps a connection in view until [`forget`](Core::forget).
    pub(crate) fn watch(&self, link: &Arc<Link>) {
        lock(&self.links).insert(link.peer.id, Arc::clone(link));
    }

    pub(crate) fn forget(&self, link: &Link) {
        lock(&self.links).remove(&link.peer.id);
    }

    /// Ends the connections on which no request is being served: their next read finds
    /// the end.
    pub(crate) fn end_the_idle(&self) {
        for link in lock(&self.links).values().filter(|link| link.is_idle()) {
            let _ = link.socket.shutdown(Shutdown::Read);
        }
    }

    /// Shuts every connection down, and returns whose they were.
    pub(crate) fn end_all(&self) -> Vec<Peer> {
        let links = lock(&self.links);
        let ended = links.values().map(|link| {
            let _ = link.socket.shutdown(Shutdown::Both);
            link.peer.clone()
        });
        ended.collect()
    }

    pub(crate) fn stats(&self) -> Stats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counters {
            accepted,
            refused,
            errors,
            active,
            forced,
        } = &self.counters;
        Stats {
            accepted: read(accepted),
            refused: read(refused),
            errors: read(errors),
            active: read(active),
            forced: read(forced),
        }
    }

    /// Notes that this thread serves, until the value is dropped.
    pub(crate) fn serve(self: &Arc<Self>) -> io::Result<Serving> {
        let mut serving = lock(&self.serving);
        if serving.is_some() {
            let why = "the server is being served by another thread";
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, why));
        }
        *serving = Some(thread::current().id());
        Ok(Serving(Arc::clone(self)))
    }
}

/// That a server is being served.
pub(crate) struct Serving(Arc<Core>);

impl Drop for Serving {
    fn drop(&mut self) {
        let mut serving = lock(&self.0.serving);
        // Whoever asked for the end has it; who serves again begins anew. Under the lock,
        // or who asks and waits just now would leave the asking behind for the next.
        self.0.stopping.store(false, Ordering::SeqCst);
        self.0.waker.reset();
        *serving = None;
        self.0.served.notify_all();
    }
}

/// A handle by which a server is stopped from anywhere: another thread, a handler, a
/// signal handler.
///
/// ```
/// use socketserver::{Conn, Next, Server, Strategy};
///
/// let server = Server::tcp("127.0.0.1:0").bind()?;
/// let handle = server.handle();
/// ctrlc::set_handler(move || handle.shutdown())?;
/// # server.handle().shutdown();
/// server.serve(Strategy::Threads { max: 100 }, |_peer| |_: &mut Conn| Ok(Next::Close))?;
/// # Ok::<(), socketserver::BoxError>(())
/// ```
#[derive(Clone)]
pub struct Handle(pub(crate) Arc<Core>);

impl Handle {
    /// Asks the server to stop: it accepts nobody any more, serves on who is being
    /// served for as long as [`Builder::drain`](crate::Builder::drain) says, and its
    /// `serve` returns.
    ///
    /// It does not wait and may be called more than once, and before `serve`, which then
    /// returns at once. It sets a flag and calls write(2), so it may be called in a
    /// signal handler: signal-safety(7).
    ///
    /// ```
    /// use std::net::TcpStream;
    ///
    /// use socketserver::{Conn, Next, Server, Strategy};
    ///
    /// let server = Server::tcp("127.0.0.1:0").bind()?;
    /// let handle = server.handle();
    /// let mut caller = TcpStream::connect(server.local_addr().to_string())?;
    /// # use std::io::Write;
    /// caller.write_all(b"stop\n")?;
    /// server.serve(Strategy::Inline, move |_peer| {
    ///     let handle = handle.clone();
    ///     move |_: &mut Conn| {
    ///         handle.shutdown(); // from a handler
    ///         Ok(Next::Close)
    ///     }
    /// })?;
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn shutdown(&self) {
        self.0.stop();
    }

    /// Asks the server to stop and waits until `serve` has returned, but no longer than
    /// `limit`. Where nobody serves there is nothing to wait for, and whoever serves next
    /// finds that it was asked to stop, as after [`shutdown`](Self::shutdown).
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::TimedOut`] when it has not returned by then.
    /// [`io::ErrorKind::Deadlock`] in the thread that serves, which would wait for
    /// itself; the server is asked to stop all the same.
    // ANCHOR: wait
    ///
    /// ```
    /// use std::thread;
    /// use std::time::Duration;
    ///
    /// use socketserver::{Conn, Next, Server, Strategy};
    ///
    /// let server = Server::tcp("127.0.0.1:0").bind()?;
    /// let handle = server.handle();
    /// let serving = thread::spawn(move || {
    ///     server.serve(Strategy::Inline, |_peer| |_: &mut Conn| Ok(Next::Close))
    /// });
    /// handle.shutdown_and_wait(Duration::from_secs(5))?;
    /// # serving.join().unwrap()?;
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn shutdown_and_wait(&self, limit: Duration) -> io::Result<()> {
        // Asked in any case: who serves may not have got as far as to say so.
        self.shutdown();
        let mut serving = lock(&self.0.serving);
        if *serving == Some(thread::current().id()) {
            let why = "the thread that serves cannot wait for its own end";
            return Err(io::Error::new(io::ErrorKind::Deadlock, why));
        }
        let until = from_now(limit);
        while serving.is_some() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let why = format!("the server has not stopped within {limit:?}");
                return Err(io::Error::new(io::ErrorKind::TimedOut, why));
            }
            let waited = self.0.served.wait_timeout(serving, left);
            (serving, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }
    // ANCHOR_END: wait

    /// What the server has done so far.
    ///
    /// ```
    /// use socketserver::Server;
    ///
    /// let server = Server::tcp("127.0.0.1:0").bind()?;
    /// let handle = server.handle();
    /// // From another thread, while the server serves:
    /// println!("{} now, {} in all", handle.stats().active, handle.stats().accepted);
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn stats(&self) -> Stats {
        self.0.stats()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.stats()).finish()
    }
}

/// Nothing that is done under these locks panics, and if it did, what they guard would
/// be whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
