//! One conversation: its steps, in their order, whatever goes wrong in them.

use std::io::Write;
use std::net::Shutdown;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use std::{io, mem};

use socket2::Socket;

use crate::addr::Peer;
use crate::builder::{Closing, Config, Step};
use crate::conn::{Come, Conn, Link};
use crate::error::{self, During, Error, Result};
use crate::handle::{Core, count};
use crate::handler::{Handler, Next};
use crate::moment::from_now;

// ANCHOR: guard
/// Calls a method of a user's and makes an [`Error`] of what goes wrong in it.
pub(crate) fn guard<T>(
    during: During,
    call: impl FnOnce() -> Result<T>,
) -> std::result::Result<T, Error> {
    // What a panic leaves half done belongs to the handler, which is called for
    // `finish` at most and then dropped.
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Error::Failed(during, error)),
        Err(panic) => Err(Error::Panicked(during, error::words(panic))),
    }
}
// ANCHOR_END: guard

/// Makes a value of a user's, which may panic.
pub(crate) fn make<T>(make: impl FnOnce() -> T) -> std::result::Result<T, Error> {
    guard(During::Setup, || Ok(make()))
}

/// Drops a value of a user's, which may panic.
pub(crate) fn let_go<T>(value: T) -> std::result::Result<(), Error> {
    guard(During::Finish, move || {
        drop(value);
        Ok(())
    })
}

/// What a server's workers have in common.
#[derive(Clone)]
pub(crate) struct House {
    pub(crate) config: Arc<Config>,
    pub(crate) core: Arc<Core>,
}

impl House {
    /// Reports an error and counts it.
    pub(crate) fn failed(&self, peer: &Peer, error: &Error) {
        count(&self.core.counters.errors);
        // A hook that panics has said so already; it must not end the server.
        let _ = catch_unwind(AssertUnwindSafe(|| self.config.report(peer, error)));
    }

    pub(crate) fn step(&self, peer: &Peer, step: Step) {
        let _ = catch_unwind(AssertUnwindSafe(|| self.config.step(peer, step)));
    }

    /// Whether a peer is welcome; a test that panics refuses.
    pub(crate) fn welcomes(&self, peer: &Peer) -> bool {
        self.step(peer, Step::Verify);
        let Some(verify) = &self.config.verify else {
            return true;
        };
        guard(During::Verify, || Ok(verify(peer))).unwrap_or_else(|error| {
            self.failed(peer, &error);
            false
        })
    }

    /// Turns a connection away.
    pub(crate) fn refuse(&self, socket: Socket, peer: &Peer, words: Option<&[u8]>) {
        self.core.counters.refused.fetch_add(1, Ordering::Relaxed);
        if let Some(words) = words.filter(|_| !self.config.speaks_tls()) {
            // Who does not take so little at once does without: nobody waits here.
            let _ = socket.set_nonblocking(true);
            let _ = (&socket).write(words);
        }
        self.step(peer, Step::Shutdown);
        let _ = socket.shutdown(Shutdown::Write);
        self.step(peer, Step::Close);
    }
}

/// What comes after a request.
pub(crate) enum Turn {
    /// The next one is waited for.
    Wait,
    /// The conversation is over.
    Over(std::result::Result<(), Error>),
}

/// A conversation whose handler has been made.
pub(crate) struct Session<H> {
    house: House,
    conn: Conn,
    handler: Option<H>,
}

impl<H: Handler> Session<H> {
    /// Makes the handler and has it prepare.
    ///
    /// Nothing where that failed, or was all; then the connection is closed.
    pub(crate) fn open(
        house: &House,
        socket: Socket,
        peer: Peer,
        open: impl FnOnce(&Peer) -> H,
    ) -> (Option<Self>, bool) {
        let link = Link::new(socket, peer);
        house.core.watch(&link);
        let conn = Conn::new(link, house.config.ways);
        let mut session = Self {
            house: house.clone(),
            conn,
            handler: None,
        };
        session.step(Step::Setup);
        let set_up = make(|| open(session.conn.peer())).and_then(|mut handler| {
            session.prepare_socket();
            session.secure()?;
            let next = guard(During::Setup, || {
                let next = handler.setup(&mut session.conn)?;
                session.conn.flush()?;
                Ok(next)
            });
            next.map(|next| (handler, next))
        });
        match set_up {
            Ok((handler, next)) => {
                session.handler = Some(handler);
                match next {
                    Next::Again => (Some(session), true),
                    Next::Close => (None, session.close(Ok(()))),
                }
            }
            Err(error) => (None, session.close(Err(error))),
        }
    }

    /// The socket's options. They help and do not decide: a connection that has none of
    /// them, as one in the Unix family has no TCP_NODELAY, is served all the same.
    fn prepare_socket(&self) {
        let Config { ways, nodelay, .. } = &*self.house.config;
        let socket = self.conn.socket();
        if self.conn.peer().local.as_inet().is_some() {
            let _ = socket.set_tcp_nodelay(*nodelay);
        }
        let _ = socket.set_read_timeout(ways.read_timeout);
        let _ = socket.set_write_timeout(ways.write_timeout);
    }

    /// Has the connection speak TLS, if the server does. The handshake comes with the
    /// first byte that is read or written.
    fn secure(&mut self) -> std::result::Result<(), Error> {
        #[cfg(feature = "tls")]
        if let Some(config) = &self.house.config.tls {
            let tls = guard(During::Setup, || Ok(crate::tls::Tls::new(config)?))?;
            self.conn.secure(tls);
        }
        Ok(())
    }

    fn step(&self, step: Step) {
        self.house.step(self.conn.peer(), step);
    }

    pub(crate) fn link(&self) -> &Arc<Link> {
        self.conn.link()
    }

    /// Serves to the end; whether all went well.
    pub(crate) fn run(mut self) -> bool {
        loop {
            match self.wait() {
                Ok(true) => {}
                Ok(false) => return self.close(Ok(())),
                Err(error) => {
                    return self
                        .close(Err(Error::Failed(During::Handle, error.into())));
                }
            }
            if let Turn::Over(outcome) = self.turn() {
                return self.close(outcome);
            }
        }
    }

    /// Waits for a request; there is none where the peer has ended, or the server stops.
    fn wait(&mut self) -> io::Result<bool> {
        if !self.conn.buffered().is_empty() {
            return Ok(true);
        }
        // First idle, then the look at the flag; who stops the server does it the other
        // way round, so one of the two sees the other.
        self.conn.link().set_idle(true);
        if self.house.core.is_stopping() {
            return Ok(false);
        }
        let more = self.conn.wait_for_more();
        self.conn.link().set_idle(false);
        more
    }

    /// The same for a connection of which something is known to have come.
    pub(crate) fn take(&mut self) -> io::Result<Come> {
        self.conn.link().set_idle(false);
        self.conn.look()
    }

    /// Whether a request, or a part of one, lies in the buffer.
    pub(crate) fn has_more(&self) -> bool {
        !self.conn.buffered().is_empty()
    }

    /// Prepares for a long silence; `false` where the server stops.
    pub(crate) fn park(&mut self) -> bool {
        self.conn.rest();
        self.conn.link().set_idle(true);
        !self.house.core.is_stopping()
    }

    /// Serves one request.
    pub(crate) fn turn(&mut self) -> Turn {
        self.conn.begin_request();
        self.step(Step::Handle);
        let Self { conn, handler, .. } = self;
        let Some(handler) = handler else {
            return Turn::Over(Ok(()));
        };
        let next = guard(During::Handle, || {
            let next = handler.handle(conn)?;
            conn.flush()?;
            conn.end_request()?;
            Ok(next)
        });
        match next {
            Ok(Next::Again) => Turn::Wait,
            Ok(Next::Close) => Turn::Over(Ok(())),
            Err(error) => Turn::Over(Err(error)),
        }
    }

    // ANCHOR: close
    /// Cleans up and closes; whether all went well.
    pub(crate) fn close(mut self, outcome: std::result::Result<(), Error>) -> bool {
        let mut good = true;
        if let Err(error) = &outcome {
            good = false;
            self.house.failed(self.conn.peer(), error);
        }
        if let Some(mut handler) = self.handler.take() {
            self.step(Step::Finish);
            let conn = &mut self.conn;
            let finished = guard(During::Finish, || {
                handler.finish(conn, outcome.as_ref().map(|done| *done))?;
                conn.flush()?;
                Ok(())
            });
            if let Err(error) = finished {
                good = false;
                self.house.failed(self.conn.peer(), &error);
            }
            // Its `drop` may panic as well.
            if let Err(error) = let_go(handler) {
                good = false;
                self.house.failed(self.conn.peer(), &error);
            }
        }
        self.shut();
        good
    }
    // ANCHOR_END: close

    fn shut(&mut self) {
        if self.house.config.closing != Closing::Abort {
            self.conn.say_the_end();
        }
        let socket = self.conn.socket();
        match self.house.config.closing {
            Closing::Abort => {
                let _ = socket.set_linger(Some(Duration::ZERO));
            }
            closing => {
                self.step(Step::Shutdown);
                // ENOTCONN: the peer has reset the connection.
                let _ = socket.shutdown(Shutdown::Write);
                if let Closing::Linger(limit) = closing {
                    let _ = read_to_the_end(socket, limit);
                }
            }
        }
        self.house.core.forget(self.conn.link());
        self.step(Step::Close);
    }
}

/// Reads what still comes, until the end or for so long.
fn read_to_the_end(socket: &Socket, limit: Duration) -> io::Result<()> {
    let until = from_now(limit);
    let mut waste = [mem::MaybeUninit::uninit(); 4096];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        socket.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        match socket.recv(&mut waste) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
