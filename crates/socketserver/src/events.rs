//! One thread for all connections: an event loop over select, poll or epoll.

use std::net::Shutdown;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use std::{io, mem};

use crate::addr::Peer;
use crate::buffer;
use crate::builder::{Closing, Step};
use crate::conn::{Link, send};
use crate::crew::Crew;
use crate::error::{During, Error};
use crate::handle::{Stats, count};
use crate::handler::{Next, Protocol};
use crate::moment::{after, from_now};
use crate::selector::{Backend, Interest, Ready, Selector};
use crate::server::{Server, Streams};
use crate::session::{House, guard, let_go, make};
use crate::source::Visitor;
use crate::turns::{BACK_OFF, accept_all, is_exhaustion, nobody};

/// How many bytes of answers a connection may have unsent before the server stops
/// reading from it: a peer that does not read gets no more than this kept for it.
const HIGH_WATER: usize = 256 << 10;

/// How many bytes are read at a time, into a buffer that all connections share.
const READ: usize = 64 << 10;

const WAKER: u64 = 0;
const LISTENER: u64 = 1;
/// The tokens of connections are their places, counted from here.
const FIRST: u64 = 2;

impl Server<Streams> {
    /// Serves all peers in this thread, each with a [`Protocol`] that `open` makes, at
    /// most `max` at once, until it is asked to stop.
    ///
    /// The time limits hold here too: [`Builder::read_timeout`](crate::Builder) for a
    /// peer that is silent, `write_timeout` for one that does not read, and
    /// `request_deadline` for one whose request does not become whole.
    ///
    /// ```
    /// use socketserver::{Backend, Next, Protocol, Result, Server};
    ///
    /// struct Echo;
    ///
    /// impl Protocol for Echo {
    ///     fn data(&mut self, input: &mut Vec<u8>, output: &mut Vec<u8>) -> Result<Next> {
    ///         output.append(input);
    ///         Ok(Next::Again)
    ///     }
    /// }
    ///
    /// let server = Server::tcp("127.0.0.1:0").bind()?;
    /// # server.handle().shutdown();
    /// server.serve_events(Backend::Poll, 10_000, |_peer| Echo)?;
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Where the backend cannot be had here, or the server was built with TLS, which needs
    /// a [`Strategy`](crate::Strategy); and where `accept` fails for a reason that will not
    /// pass.
    pub fn serve_events<F, P>(
        &self,
        backend: Backend,
        max: usize,
        open: F,
    ) -> io::Result<Stats>
    where
        F: Fn(&Peer) -> P,
        P: Protocol,
    {
        #[cfg(feature = "tls")]
        if self.house.config.tls.is_some() {
            let why = "the event loop speaks no TLS; Strategy::Parked does";
            return Err(io::Error::new(io::ErrorKind::Unsupported, why));
        }
        let serving = self.house.core.serve()?;
        let mut events = Events {
            house: &self.house,
            selector: Selector::new(backend)?,
            open,
            max: max.max(1),
            lines: Vec::new(),
            free: Vec::new(),
            input: Vec::new(),
            output: Vec::new(),
            listening: false,
        };
        let served = events.run(self);
        let stats = self.stats();
        drop(serving);
        served.map(|()| stats)
    }
}

/// The event loop.
struct Events<'a, F, P> {
    house: &'a House,
    selector: Selector,
    open: F,
    max: usize,
    lines: Vec<Option<Line<P>>>,
    /// Places of `lines` that nobody has.
    free: Vec<usize>,
    /// What the protocol that is called now reads and writes. All share them, so a
    /// connection that says nothing takes no memory for either.
    input: Vec<u8>,
    output: Vec<u8>,
    listening: bool,
}

/// One connection.
struct Line<P> {
    link: Arc<Link>,
    /// None once the conversation is over.
    protocol: Option<P>,
    /// What has come and was not taken.
    input: Vec<u8>,
    /// What the kernel has not taken, from `sent` on.
    output: Vec<u8>,
    sent: usize,
    interest: Interest,
    /// It is closed once its output is sent.
    over: bool,
    /// When it was heard of last.
    heard: Instant,
    /// Since when it has had a part of a request, or an answer that it does not take.
    waits: Option<Instant>,
    /// Until when what still comes is thrown away, once all is said.
    lingers: Option<Instant>,
}

impl<P> Line<P> {
    fn unsent(&self) -> usize {
        self.output.len() - self.sent
    }

    fn wants(&self) -> Interest {
        Interest {
            read: !self.over && self.unsent() < HIGH_WATER,
            write: self.unsent() > 0,
        }
    }
}

impl<F, P> Events<'_, F, P>
where
    F: Fn(&Peer) -> P,
    P: Protocol,
{
    fn run(&mut self, server: &Server<Streams>) -> io::Result<()> {
        let core = &self.house.core;
        let reading = Interest {
            read: true,
            write: false,
        };
        self.selector.add(&core.waker, WAKER, reading)?;
        self.listening = true;
        self.selector.add(&server.socket, LISTENER, reading)?;
        let visitors = server.visitors();
        let every = self.house.config.tick.as_ref().map(|(every, _)| *every);
        let mut next_tick = every.map(from_now);
        let mut next_look = self.looks_every().map(from_now);
        let mut exhausted: Option<Instant> = None;
        let mut short = false;
        let mut ends: Option<Instant> = None;
        let mut ready: Vec<Ready> = Vec::new();
        loop {
            let now = Instant::now();
            if core.is_stopping() && ends.is_none() {
                ends = Some(after(now, self.house.config.drain));
                self.end_the_idle();
            }
            if ends.is_some() && self.is_empty() {
                return Ok(());
            }
            if ends.is_some_and(|ends| ends <= now) {
                self.end_all();
                return Ok(());
            }
            if let Some((every, tick)) = &self.house.config.tick
                && next_tick.is_some_and(|next| next <= now)
            {
                let _ = guard(During::Handle, || {
                    (crate::handle::lock(tick))(&core.stats());
                    Ok(())
                });
                next_tick = Some(after(now, *every));
            }
            if next_look.is_some_and(|next| next <= now) {
                self.end_the_slow(now);
                next_look = self.looks_every().map(|every| now + every);
            }
            exhausted = exhausted.filter(|until| *until > now);
            let listen = ends.is_none()
                && exhausted.is_none()
                && (self.house.config.busy.is_some() || self.has_room());
            if listen != self.listening {
                self.listening = listen;
                let interest = Interest {
                    read: listen,
                    write: false,
                };
                self.selector.change(&server.socket, LISTENER, interest)?;
            }
            let alarms = [ends, exhausted, next_tick, next_look]
                .into_iter()
                .flatten();
            let left = alarms.map(|at| at.saturating_duration_since(now)).min();
            let Self {
                selector, lines, ..
            } = self;
            let own = [
                Some((core.waker.as_fd(), WAKER, reading)),
                listen.then(|| (server.socket.as_fd(), LISTENER, reading)),
            ];
            let lines = (FIRST..).zip(lines.iter()).filter_map(|(token, line)| {
                let line = line.as_ref()?;
                Some((line.link.socket.as_fd(), token, line.interest))
            });
            selector.wait(
                left,
                &mut ready,
                own.into_iter().flatten().chain(lines),
            )?;
            for one in &ready {
                match one.token {
                    WAKER => core.waker.reset(),
                    LISTENER => match accept_all(self.house, &visitors, self) {
                        Ok(accepted) => short &= accepted == 0,
                        Err(error) if is_exhaustion(&error) => {
                            if !mem::replace(&mut short, true) {
                                let error = Error::Exhausted(error);
                                self.house.failed(&nobody(self.house), &error);
                            }
                            exhausted = Some(Instant::now() + BACK_OFF);
                        }
                        Err(error) => return Err(error),
                    },
                    token => self.serve(token, *one),
                }
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.lines.len() == self.free.len()
    }

    /// Goes on with one connection.
    fn serve(&mut self, token: u64, ready: Ready) {
        let place = (token - FIRST) as usize;
        let Some(mut line) = self.lines[place].take() else {
            return; // closed by an event before this one
        };
        if line.lingers.is_some() {
            return self.linger(place, line);
        }
        let done = match self.step(&mut line, ready) {
            Ok(done) => done.then_some(Ok(())),
            Err(error) => Some(Err(error)),
        };
        match done {
            Some(outcome) => self.close(place, line, outcome),
            None => {
                let wants = line.wants();
                if wants != line.interest {
                    line.interest = wants;
                    let changed =
                        self.selector.change(&line.link.socket, token, wants);
                    if let Err(error) = changed {
                        let error = Error::Failed(During::Handle, error.into());
                        return self.close(place, line, Err(error));
                    }
                }
                self.lines[place] = Some(line);
            }
        }
    }

    /// Reads, has the protocol answer, writes; whether the conversation is over.
    fn step(&mut self, line: &mut Line<P>, ready: Ready) -> Result<bool, Error> {
        let failed = |error: io::Error| Error::Failed(During::Handle, error.into());
        if ready.write && line.unsent() > 0 {
            self.send(line).map_err(failed)?;
        }
        if ready.read && line.wants().read {
            self.receive(line)?;
            self.send(line).map_err(failed)?;
        }
        Ok(line.over && line.unsent() == 0)
    }

    fn receive(&mut self, line: &mut Line<P>) -> Result<(), Error> {
        let failed = |error: io::Error| Error::Failed(During::Handle, error.into());
        self.input.clear();
        self.input.append(&mut line.input);
        let socket = &line.link.socket;
        let come = loop {
            match buffer::fill(&mut self.input, READ, |room| socket.recv(room)) {
                Ok(length) => break length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    line.input.extend_from_slice(&self.input);
                    return Ok(());
                }
                Err(error) => return Err(failed(error)),
            }
        };
        line.heard = Instant::now();
        let Some(protocol) = &mut line.protocol else {
            return Ok(());
        };
        self.output.clear();
        self.house.step(&line.link.peer, Step::Handle);
        let (input, output) = (&mut self.input, &mut self.output);
        let next = guard(During::Handle, || match come {
            0 => protocol.end(input, output).map(|()| Next::Close),
            _ => protocol.data(input, output),
        });
        // What the protocol said before it failed is sent all the same.
        line.output.extend_from_slice(&self.output);
        let next = next.inspect_err(|_| drop(self.send(line)))?;
        line.over |= next == Next::Close;
        line.input.extend_from_slice(&self.input);
        line.waits = match line.input.is_empty() && line.output.is_empty() {
            true => None,
            false => line.waits.or(Some(line.heard)),
        };
        line.link.set_idle(line.input.is_empty());
        Ok(())
    }

    /// Sends what the kernel takes.
    fn send(&mut self, line: &mut Line<P>) -> io::Result<()> {
        while line.unsent() > 0 {
            match send(&line.link.socket, &line.output[line.sent..]) {
                Ok(length) => line.sent += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
            line.heard = Instant::now();
        }
        // Its memory is given back: most connections are silent most of the time.
        (line.output, line.sent) = (Vec::new(), 0);
        if line.input.is_empty() {
            line.waits = None;
        }
        Ok(())
    }

    /// The conversation is over; the connection is, too, unless it lingers.
    fn close(&mut self, place: usize, mut line: Line<P>, outcome: Result<(), Error>) {
        let link = Arc::clone(&line.link);
        if let Err(error) = outcome {
            self.house.failed(&link.peer, &error);
        }
        self.house.step(&link.peer, Step::Finish);
        if let Err(error) = let_go(line.protocol.take()) {
            self.house.failed(&link.peer, &error);
        }
        let closing = self.house.config.closing;
        if closing == Closing::Abort {
            let _ = link.socket.set_linger(Some(Duration::ZERO));
        } else {
            self.house.step(&link.peer, Step::Shutdown);
            let _ = link.socket.shutdown(Shutdown::Write);
        }
        if let Closing::Linger(limit) = closing {
            line.lingers = Some(from_now(limit));
            line.interest = Interest {
                read: true,
                write: false,
            };
            let token = FIRST + place as u64;
            let changed = self.selector.change(&link.socket, token, line.interest);
            if changed.is_ok() {
                self.lines[place] = Some(line);
                return;
            }
        }
        self.forget(place, line);
    }

    /// Throws away what still comes; at its end the connection is closed.
    fn linger(&mut self, place: usize, line: Line<P>) {
        use io::ErrorKind::{Interrupted, WouldBlock};
        self.input.clear();
        let socket = &line.link.socket;
        match buffer::fill(&mut self.input, READ, |room| socket.recv(room)) {
            Ok(1..) => self.lines[place] = Some(line),
            Err(error) if matches!(error.kind(), Interrupted | WouldBlock) => {
                self.lines[place] = Some(line);
            }
            Ok(0) | Err(_) => self.forget(place, line),
        }
    }

    fn forget(&mut self, place: usize, line: Line<P>) {
        let peer = line.link.peer.clone();
        self.selector.remove(&line.link.socket);
        drop(line);
        self.house.step(&peer, Step::Close);
        self.free.push(place);
        self.house
            .core
            .counters
            .active
            .fetch_sub(1, Ordering::Relaxed);
    }

    /// Closes those whose time limits have run out, each of which is looked at several
    /// times within the shortest of them.
    fn end_the_slow(&mut self, now: Instant) {
        let ways = self.house.config.ways;
        for place in 0..self.lines.len() {
            let done =
                |line: &mut Line<P>| line.lingers.is_some_and(|end| end <= now);
            if let Some(line) = self.lines[place].take_if(done) {
                self.forget(place, line);
            }
            let Some(line) = &self.lines[place] else {
                continue;
            };
            if line.lingers.is_some() {
                continue;
            }
            let over = |since: Instant, limit: Option<Duration>| {
                limit
                    .is_some_and(|limit| now.saturating_duration_since(since) > limit)
            };
            let peer = &line.link.peer;
            let silence = match line.unsent() {
                0 => ways.read_timeout,
                _ => ways.write_timeout,
            };
            let why = if line
                .waits
                .is_some_and(|since| over(since, ways.request_deadline))
            {
                format!("the request of {peer} was not done in time")
            } else if over(line.heard, silence) {
                format!("{peer} was silent for longer than the time limit")
            } else {
                continue;
            };
            if let Some(line) = self.lines[place].take() {
                let error = io::Error::new(io::ErrorKind::TimedOut, why);
                let error = Error::Failed(During::Handle, error.into());
                self.close(place, line, Err(error));
            }
        }
    }

    fn looks_every(&self) -> Option<Duration> {
        let ways = self.house.config.ways;
        let lingers = match self.house.config.closing {
            Closing::Linger(limit) => Some(limit),
            _ => None,
        };
        let limits = [
            ways.read_timeout,
            ways.write_timeout,
            ways.request_deadline,
            lingers,
        ];
        let shortest = limits.into_iter().flatten().min()?;
        Some((shortest / 4).clamp(Duration::from_millis(10), Duration::from_secs(1)))
    }

    /// The server stops: who waits for nothing is closed now.
    fn end_the_idle(&mut self) {
        for place in 0..self.lines.len() {
            let idle = |line: &mut Line<P>| {
                line.lingers.is_none() && line.input.is_empty() && line.unsent() == 0
            };
            if let Some(line) = self.lines[place].take_if(idle) {
                self.close(place, line, Ok(()));
            }
        }
    }

    fn end_all(&mut self) {
        for place in 0..self.lines.len() {
            let Some(line) = self.lines[place].take() else {
                continue;
            };
            count(&self.house.core.counters.forced);
            let forced = Error::Forced(self.house.config.drain);
            if line.lingers.is_some() {
                self.house.failed(&line.link.peer, &forced);
                self.forget(place, line);
                continue;
            }
            self.close(place, line, Err(forced));
            // Who would linger now has no time for it.
            if let Some(line) = self.lines[place].take() {
                self.forget(place, line);
            }
        }
    }
}

impl<F, P> Crew<Visitor> for Events<'_, F, P>
where
    F: Fn(&Peer) -> P,
    P: Protocol,
{
    fn has_room(&self) -> bool {
        self.lines.len() - self.free.len() < self.max
    }

    fn has_room_or_will_say(&self) -> bool {
        self.has_room()
    }

    fn take(&mut self, Visitor { socket, peer }: Visitor) {
        let house = self.house;
        house.step(&peer, Step::Setup);
        let made = make(|| (self.open)(&peer)).and_then(|protocol| {
            let failed =
                |error: io::Error| Error::Failed(During::Setup, error.into());
            if !self.selector.can_hold(socket.as_fd()) {
                let why = "select knows no descriptor from 1024 on";
                return Err(failed(io::Error::new(io::ErrorKind::Unsupported, why)));
            }
            socket.set_nonblocking(true).map_err(failed)?;
            if peer.local.as_inet().is_some() {
                let _ = socket.set_tcp_nodelay(house.config.nodelay);
            }
            Ok(protocol)
        });
        let protocol = match made {
            Ok(protocol) => protocol,
            Err(error) => return house.failed(&peer, &error),
        };
        let interest = Interest {
            read: true,
            write: false,
        };
        let place = self.free.pop().unwrap_or_else(|| {
            self.lines.push(None);
            self.lines.len() - 1
        });
        house.core.counters.active.fetch_add(1, Ordering::Relaxed);
        let line = Line {
            link: Link::new(socket, peer),
            protocol: Some(protocol),
            input: Vec::new(),
            output: Vec::new(),
            sent: 0,
            interest,
            over: false,
            heard: Instant::now(),
            waits: None,
            lingers: None,
        };
        let token = FIRST + place as u64;
        match self.selector.add(&line.link.socket, token, interest) {
            Ok(()) => self.lines[place] = Some(line),
            Err(error) => {
                let error = Error::Failed(During::Setup, error.into());
                self.close(place, line, Err(error));
            }
        }
    }

    fn has_finished(&mut self) -> bool {
        self.is_empty()
    }
}

/// A protocol as a handler: so it runs under every [`Strategy`](crate::Strategy).
///
/// ```
/// use socketserver::{Blocking, Next, Protocol, Result, Server, Strategy};
///
/// struct Echo;
///
/// impl Protocol for Echo {
///     fn data(&mut self, input: &mut Vec<u8>, output: &mut Vec<u8>) -> Result<Next> {
///         output.append(input);
///         Ok(Next::Again)
///     }
/// }
///
/// let server = Server::tcp("127.0.0.1:0").bind()?;
/// # server.handle().shutdown();
/// server.serve(Strategy::Threads { max: 100 }, |_peer| Blocking::new(Echo))?;
/// # Ok::<(), socketserver::BoxError>(())
/// ```
#[derive(Debug, Default)]
pub struct Blocking<P> {
    protocol: P,
    input: Vec<u8>,
    output: Vec<u8>,
}

impl<P: Protocol> Blocking<P> {
    /// A handler that speaks this protocol.
    ///
    /// ```
    /// use socketserver::{Blocking, Next, Protocol, Result};
    ///
    /// struct Silence;
    ///
    /// impl Protocol for Silence {
    ///     fn data(&mut self, input: &mut Vec<u8>, _: &mut Vec<u8>) -> Result<Next> {
    ///         input.clear();
    ///         Ok(Next::Again)
    ///     }
    /// }
    ///
    /// let handler = Blocking::new(Silence);
    /// ```
    pub fn new(protocol: P) -> Self {
        let (input, output) = (Vec::new(), Vec::new());
        Self {
            protocol,
            input,
            output,
        }
    }
}

impl<P: Protocol> crate::Handler for Blocking<P> {
    fn handle(&mut self, conn: &mut crate::Conn) -> crate::Result<Next> {
        use std::io::{BufRead, Write};

        let come = conn.fill_buf()?;
        let length = come.len();
        self.input.extend_from_slice(come);
        conn.consume(length);
        let next = self.protocol.data(&mut self.input, &mut self.output);
        let output = mem::take(&mut self.output);
        conn.write_all(&output)?;
        next
    }

    fn finish(
        &mut self,
        conn: &mut crate::Conn,
        outcome: Result<(), &Error>,
    ) -> crate::Result {
        use std::io::Write;

        // Called once more where the peer has ended between two calls of `handle`.
        if outcome.is_ok() && conn.has_ended() {
            self.protocol.end(&mut self.input, &mut self.output)?;
            conn.write_all(&self.output)?;
        }
        Ok(())
    }
}
