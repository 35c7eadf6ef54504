//! The server on the reactor: what is left is the server.
//!
//! It does two things more than the others. Who says nothing for a while has to go;
//! and it can be told to stop, from another thread: then it takes no more, sends what
//! is in its queues, and returns.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::accept::{Accepted, RETRY, accept};
use crate::conn::{Conn, News, Visit};
use crate::reactor::{Event, Interest, Reactor, Readiness, Token, Waker};
use crate::timers::TimerId;

/// The listener's token; those of the clients follow.
const LISTENER: Token = Token(0);

/// The timer's that looks whether there are descriptors again.
const AGAIN: Token = Token(u64::MAX - 1);

/// The timer's that ends the patience of a server that stops.
const LAST: Token = Token(u64::MAX - 2);

/// How long a server that was told to stop waits for clients that do not read.
pub const LINGER: Duration = Duration::from_secs(5);

/// A client, with the time at which it has to go.
struct Client {
    conn: Conn<TcpStream>,
    interest: Interest,
    heard: Instant,
    timer: TimerId,
}

/// A server that is ready to run.
pub struct Server {
    listener: TcpListener,
    reactor: Reactor,
    stop: Arc<AtomicBool>,
    clients: HashMap<Token, Client>,
    last: u64,
    patience: Duration,
    /// While descriptors are out: the timer that looks again.
    full: Option<TimerId>,
}

// ANCHOR: stopper
/// Stops its server, from any thread, at any time.
#[derive(Debug, Clone)]
pub struct Stopper {
    stop: Arc<AtomicBool>,
    waker: Waker,
}

impl Stopper {
    /// Has the server stop. The flag says what, the waker says when: it is set first,
    /// so that who wakes sees it.
    ///
    /// # Errors
    ///
    /// Those of [`Waker::wake`].
    pub fn stop(&self) -> io::Result<()> {
        self.stop.store(true, Ordering::Release);
        self.waker.wake()
    }
}
// ANCHOR_END: stopper

impl Server {
    /// A server of lines in capitals, which lets go who is silent for `patience`.
    ///
    /// # Errors
    ///
    /// If there are no descriptors left.
    pub fn new(listener: TcpListener, patience: Duration) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let reactor = Reactor::new()?;
        reactor.register(&listener, LISTENER, Interest::READ)?;
        Ok(Self {
            listener,
            reactor,
            stop: Arc::default(),
            clients: HashMap::new(),
            last: LISTENER.0,
            patience,
            full: None,
        })
    }

    /// What stops it.
    pub fn stopper(&self) -> Stopper {
        let (stop, waker) = (Arc::clone(&self.stop), self.reactor.waker());
        Stopper { stop, waker }
    }

    // ANCHOR: serve
    /// Serves until it is told to stop.
    ///
    /// # Errors
    ///
    /// Those of waiting and accepting.
    pub fn run(mut self, mut tell: impl FnMut(News)) -> io::Result<()> {
        let mut events = Vec::new();
        while !self.stop.load(Ordering::Acquire) {
            tell(News::Waits);
            self.reactor.poll(&mut events, None)?;
            for event in &events {
                match *event {
                    Event::Ready(LISTENER, _) | Event::Due(AGAIN) => {
                        self.welcome(&mut tell)?;
                    }
                    Event::Ready(token, ready) => {
                        self.turn(token, ready, &mut tell)?;
                    }
                    Event::Due(token) => self.look_at(token, &mut tell)?,
                    Event::Woken => {} // the loop looks at the flag
                }
            }
        }
        self.finish(&mut tell)
    }

    /// Says all that is in the queues, and ends.
    fn finish(mut self, tell: &mut impl FnMut(News)) -> io::Result<()> {
        self.reactor.deregister(&self.listener)?;
        let queues: Vec<Token> = self.clients.keys().copied().collect();
        for token in queues {
            self.settle(token, tell)?; // who has nothing to get may go
        }
        self.reactor.set_timer(Instant::now() + LINGER, LAST);
        let mut events = Vec::new();
        while !self.clients.is_empty() {
            self.reactor.poll(&mut events, None)?;
            for event in &events {
                match *event {
                    Event::Ready(token, ready) => self.turn(token, ready, tell)?,
                    Event::Due(LAST) => return Ok(()), // who does not read loses
                    _ => {}
                }
            }
        }
        Ok(())
    }
    // ANCHOR_END: serve

    fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    // ANCHOR: turn
    /// A client's turn.
    fn turn(
        &mut self,
        token: Token,
        ready: Readiness,
        tell: &mut impl FnMut(News),
    ) -> io::Result<()> {
        let stopping = self.is_stopping();
        let Some(client) = self.clients.get_mut(&token) else {
            return Ok(()); // it went a moment ago
        };
        let readable = ready.can_read() && !stopping;
        let visit = client.conn.turn(readable, ready.can_write(), tell);
        client.heard = Instant::now();
        match visit {
            Visit::IsOver => self.let_go(token),
            Visit::GoesOn => self.settle(token, tell),
        }
    }

    /// Asks the kernel for what the client waits for now.
    fn settle(
        &mut self,
        token: Token,
        tell: &mut impl FnMut(News),
    ) -> io::Result<()> {
        let stopping = self.is_stopping();
        let Some(client) = self.clients.get_mut(&token) else {
            return Ok(());
        };
        let conn = &client.conn;
        if stopping && !conn.wants_write() {
            tell(News::Left(conn.peer(), conn.answered()));
            return self.let_go(token);
        }
        let interest =
            Interest::new(conn.wants_read() && !stopping, conn.wants_write());
        if interest != client.interest {
            self.reactor.modify(conn.stream(), token, interest)?;
            client.interest = interest;
        }
        Ok(())
    }
    // ANCHOR_END: turn

    // ANCHOR: idle
    /// A client's time may be over. If it has said something since the timer was set,
    /// the timer is set anew: so a busy client costs a timer now and then, and not
    /// one for each byte.
    fn look_at(
        &mut self,
        token: Token,
        tell: &mut impl FnMut(News),
    ) -> io::Result<()> {
        let Some(client) = self.clients.get_mut(&token) else {
            return Ok(());
        };
        let due = client.heard + self.patience;
        if due > Instant::now() {
            client.timer = self.reactor.set_timer(due, token);
            return Ok(());
        }
        let why = format!("nothing came or went for {:?}", self.patience);
        let error = io::Error::new(ErrorKind::TimedOut, why);
        tell(News::Lost(client.conn.peer(), error));
        self.let_go(token)
    }
    // ANCHOR_END: idle

    /// Ends a visit: the timer, the watch, the connection.
    fn let_go(&mut self, token: Token) -> io::Result<()> {
        if let Some(client) = self.clients.remove(&token) {
            self.reactor.cancel_timer(client.timer);
            self.reactor.deregister(client.conn.stream())?;
        } // closed here
        if self.full.is_some() && !self.is_stopping() {
            self.there_is_room()?;
        }
        Ok(())
    }

    /// Has the listener watched again.
    fn there_is_room(&mut self) -> io::Result<()> {
        match self.full.take() {
            Some(timer) => self.reactor.cancel_timer(timer),
            None => return Ok(()),
        };
        self.listen(Interest::READ)
    }

    fn listen(&self, interest: Interest) -> io::Result<()> {
        self.reactor.modify(&self.listener, LISTENER, interest)
    }

    /// Takes all clients that wait.
    fn welcome(&mut self, tell: &mut impl FnMut(News)) -> io::Result<()> {
        loop {
            let (stream, peer) = match accept(&self.listener)? {
                Accepted::Client(stream, peer) => (stream, peer),
                Accepted::Nobody => return self.there_is_room(),
                Accepted::Full(error) => {
                    tell(News::Full(error));
                    self.there_is_room()?; // the timer of last time
                    let again = Instant::now() + RETRY;
                    self.full = Some(self.reactor.set_timer(again, AGAIN));
                    return self.listen(Interest::NONE);
                }
            };
            self.last += 1;
            let token = Token(self.last);
            self.reactor.register(&stream, token, Interest::READ)?;
            let heard = Instant::now();
            let client = Client {
                conn: Conn::new(stream, peer),
                interest: Interest::READ,
                heard,
                timer: self.reactor.set_timer(heard + self.patience, token),
            };
            self.clients.insert(token, client);
            tell(News::Came(peer));
        }
    }
}
