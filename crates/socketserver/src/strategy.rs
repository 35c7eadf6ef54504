//! Who serves: the one word that changes.

/// Who runs the handlers of a server.
///
/// It is given to `serve`, and the handler stays the same:
///
/// ```no_run
/// # use socketserver::{Conn, Next, Result, Server, Strategy};
/// # use std::io::Write;
/// # fn upper(conn: &mut Conn) -> Result<Next> {
/// #     let line = conn.line(1024)?.unwrap_or_default().to_ascii_uppercase();
/// #     conn.write_all(&line)?;
/// #     Ok(Next::Again)
/// # }
/// # fn main() -> std::io::Result<()> {
/// let server = Server::tcp("127.0.0.1:8000").bind()?;
/// server.serve(Strategy::Threads { max: 1000 }, |_peer| upper)?;
/// # Ok(())
/// # }
/// ```
///
/// At its limit a server does not accept any more, and the kernel's backlog is the
/// queue, unless [`Builder::busy`](crate::Builder::busy) tells it to refuse.
///
/// For datagrams a request is one datagram; [`Strategy::Parked`] has nothing to park
/// there and is a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strategy {
    /// The thread that called `serve`, one peer after the other: `TCPServer`,
    /// `UDPServer` and their Unix variants.
    Inline,
    /// A new thread for each peer, at most so many at once: `ThreadingMixIn`, which
    /// knows no limit.
    Threads {
        /// The limit.
        max: usize,
    },
    /// A fixed number of threads.
    Pool {
        /// How many threads.
        workers: usize,
        /// How many accepted peers may wait for one of them.
        queue: usize,
    },
    /// A new process for each peer, at most so many at once: `ForkingMixIn` with
    /// `max_children`.
    ///
    /// The process must have a single thread; `serve` fails otherwise, since fork(2)
    /// copies only the thread that calls it, and with it every lock that another held.
    Fork {
        /// The limit.
        max: usize,
    },
    /// A fixed number of processes, each of which accepts and serves one peer after the
    /// other; one that dies is replaced. As for [`Strategy::Fork`], the process must
    /// have a single thread.
    ///
    /// What happens in them is not counted in the parent's
    /// [`Stats`](crate::Stats).
    Prefork {
        /// How many processes.
        workers: usize,
    },
    /// A fixed number of threads, and connections that wait for their next request in
    /// an epoll(7) set, where an idle one costs no thread. Only on Linux.
    Parked {
        /// How many threads.
        workers: usize,
        /// How many connections may be open at once.
        max: usize,
    },
}
