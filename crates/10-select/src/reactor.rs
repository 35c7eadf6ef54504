//! A tiny reactor: it waits for sockets, timers and other threads, all in one call.
//!
//! The name is that of the pattern: the program does not ask each socket for news, it
//! *reacts* to news. Underneath is [epoll(7)]. What this adds is small, and each part
//! of it answers a mistake that a program on bare epoll makes once:
//!
//! - a [`Token`] of your own choice names a source, where the kernel would give back
//!   a descriptor number that may meanwhile belong to somebody else;
//! - an [`Interest`] says what to wait for, and [`Reactor::modify`] changes it;
//! - a [`Waker`] ends a wait from another thread;
//! - timers shorten a wait, so that nobody has to sleep.
//!
//! It is level-triggered: what is ready is reported by every [`Reactor::poll`] until
//! it is ready no more. [`Interest::edge`] asks for the change alone.
//!
//! ```
//! use std::io::Write;
//! use std::os::unix::net::UnixStream;
//! use lesson_10::reactor::{Event, Interest, Reactor, Token};
//!
//! let (mut here, there) = UnixStream::pair()?;
//! there.set_nonblocking(true)?;
//! let mut reactor = Reactor::new()?;
//! reactor.register(&there, Token(7), Interest::READ)?;
//!
//! here.write_all(b"news")?;
//! let mut events = Vec::new();
//! reactor.poll(&mut events, None)?;
//! let [Event::Ready(Token(7), readiness)] = events[..] else { panic!() };
//! assert!(readiness.readable);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! [epoll(7)]: https://man7.org/linux/man-pages/man7/epoll.7.html

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::epoll::{
    Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout,
};
use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::timers::{TimerId, Timers};

// ANCHOR: types
/// What you call a source or a timer. The kernel keeps it and gives it back.
///
/// Number your clients with a counter: a token that is never used again cannot be
/// mistaken. A descriptor can: the kernel gives a new socket the lowest free number,
/// which is often the one that was closed a moment ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(pub u64);

/// What to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interest {
    /// Until a read would not block: there are bytes, or the end, or a new client.
    pub readable: bool,
    /// Until a write would not block: there is room. Nearly always there is.
    pub writable: bool,
    /// Report only that something has *become* ready, once.
    pub edge: bool,
}

/// What a source is ready for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readiness {
    /// A read would not block.
    pub readable: bool,
    /// A write would not block.
    pub writable: bool,
    /// Both directions have ended (EPOLLHUP). Reported whether asked for or not.
    pub hung_up: bool,
    /// The next call will tell an error (EPOLLERR). Reported whether asked for or
    /// not.
    pub error: bool,
}

/// What [`Reactor::poll`] has to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// This source is ready.
    Ready(Token, Readiness),
    /// A timer with this token is due.
    Due(Token),
    /// Somebody has called [`Waker::wake`], once or more often.
    Woken,
}
// ANCHOR_END: types

impl Interest {
    /// Reading.
    pub const READ: Self = Self::new(true, false);
    /// Writing.
    pub const WRITE: Self = Self::new(false, true);
    /// Reading and writing.
    pub const BOTH: Self = Self::new(true, true);
    /// Neither. A connection that breaks is still reported, again and again, until it
    /// is deregistered.
    pub const NONE: Self = Self::new(false, false);

    /// Level-triggered interest in these two.
    pub const fn new(readable: bool, writable: bool) -> Self {
        Self {
            readable,
            writable,
            edge: false,
        }
    }

    /// The same, edge-triggered: whoever is told has to read, write or accept until
    /// the call says `WouldBlock`. What is left behind is not reported again.
    pub const fn edge(self) -> Self {
        Self { edge: true, ..self }
    }

    fn flags(self) -> EpollFlags {
        let mut flags = EpollFlags::empty();
        flags.set(EpollFlags::EPOLLIN, self.readable);
        flags.set(EpollFlags::EPOLLOUT, self.writable);
        flags.set(EpollFlags::EPOLLET, self.edge);
        flags
    }
}

impl Readiness {
    /// Whether a read has something to say: bytes, the end or an error.
    pub fn can_read(self) -> bool {
        self.readable || self.hung_up || self.error
    }

    /// Whether a write has something to say: that there is room, or an error.
    pub fn can_write(self) -> bool {
        self.writable || self.hung_up || self.error
    }

    fn from_flags(flags: EpollFlags) -> Self {
        Self {
            readable: flags.contains(EpollFlags::EPOLLIN),
            writable: flags.contains(EpollFlags::EPOLLOUT),
            hung_up: flags.contains(EpollFlags::EPOLLHUP),
            error: flags.contains(EpollFlags::EPOLLERR),
        }
    }
}

/// The waker's own token. No source may have it.
const WAKER: Token = Token(u64::MAX);

/// So many sources are told of by one wait. Where more are ready, the next wait
/// begins with those that were left out (epoll_wait(2), "round robin").
const EVENTS: usize = 256;

// ANCHOR: reactor
/// Waits for everything at once. See the [module](self).
#[derive(Debug)]
pub struct Reactor {
    epoll: Epoll,
    buffer: Vec<EpollEvent>,
    waker: Waker,
    timers: Timers<Token>,
}

impl Reactor {
    /// A reactor without sources, only its waker.
    ///
    /// # Errors
    ///
    /// If there is no descriptor left; it takes two.
    pub fn new() -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)
            .map_err(|errno| failed("epoll_create1", errno))?;
        let waker = Waker::new()?;
        let event = EpollEvent::new(EpollFlags::EPOLLIN, WAKER.0);
        let added = epoll.add(&*waker.0, event);
        added.map_err(|errno| failed("epoll_ctl for the waker", errno))?;
        Ok(Self {
            epoll,
            buffer: vec![EpollEvent::empty(); EVENTS],
            waker,
            timers: Timers::new(),
        })
    }

    /// Waits for `source` from now on, and calls it `token`.
    ///
    /// Closing a source ends that too, if no copy of its descriptor is left
    /// (`try_clone`, a child process); [`Reactor::deregister`] ends it in any case.
    /// The source should be nonblocking: *ready* is a hint that may be stale by the
    /// time of the call.
    ///
    /// # Errors
    ///
    /// If the source is registered already, or is a file on a disk, which is always
    /// ready and which epoll does not take (EPERM). If the token is `u64::MAX`.
    pub fn register(
        &self,
        source: impl AsFd,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        let event = event_for(token, interest)?;
        let source = source.as_fd();
        let added = self.epoll.add(source, event);
        added.map_err(|errno| failed_for("register", source, errno))
    }

    /// Changes what is waited for at `source`, and its token.
    ///
    /// With [`Interest::edge`] this also asks anew: what is ready already is reported
    /// once more.
    ///
    /// # Errors
    ///
    /// If the source is not registered, or the token is `u64::MAX`.
    pub fn modify(
        &self,
        source: impl AsFd,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        let mut event = event_for(token, interest)?;
        let source = source.as_fd();
        let modified = self.epoll.modify(source, &mut event);
        modified.map_err(|errno| failed_for("modify the interest in", source, errno))
    }

    /// Waits for `source` no more. Events that were handed out are not called back.
    ///
    /// # Errors
    ///
    /// If the source is not registered.
    pub fn deregister(&self, source: impl AsFd) -> io::Result<()> {
        let source = source.as_fd();
        let deleted = self.epoll.delete(source);
        deleted.map_err(|errno| failed_for("deregister", source, errno))
    }
}
// ANCHOR_END: reactor

// ANCHOR: poll
impl Reactor {
    /// Waits until something happens, for `limit` at most, and puts it into `events`
    /// in place of what was there. No limit is for ever.
    ///
    /// `events` is empty if the limit is over or a signal has come.
    ///
    /// # Errors
    ///
    /// Those of `epoll_wait`, none of which a correct program gets.
    pub fn poll(
        &mut self,
        events: &mut Vec<Event>,
        limit: Option<Duration>,
    ) -> io::Result<()> {
        events.clear();
        let limit = self.timers.limit(Instant::now(), limit);
        let ready = match self.epoll.wait(&mut self.buffer, in_millis(limit)) {
            Err(Errno::EINTR) => 0,
            result => result.map_err(|errno| failed("epoll_wait", errno))?,
        };
        for event in &self.buffer[..ready] {
            if event.data() == WAKER.0 {
                self.waker.reset()?;
                events.push(Event::Woken);
            } else {
                let readiness = Readiness::from_flags(event.events());
                events.push(Event::Ready(Token(event.data()), readiness));
            }
        }
        let now = Instant::now();
        while let Some(token) = self.timers.pop_due(now) {
            events.push(Event::Due(token));
        }
        Ok(())
    }

    /// Has [`Reactor::poll`] tell [`Event::Due`] with this token at `due`, or as soon
    /// after it as it is called.
    pub fn set_timer(&mut self, due: Instant, token: Token) -> TimerId {
        self.timers.set(due, token)
    }

    /// Takes a timer back; whether it was still to come.
    pub fn cancel_timer(&mut self, timer: TimerId) -> bool {
        self.timers.cancel(timer).is_some()
    }

    /// What ends a wait of this reactor from elsewhere.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }
}
// ANCHOR_END: poll

// ANCHOR: millis
/// `epoll_wait` counts in whole milliseconds, so a limit is rounded *up*. Rounded
/// down, the last fraction before a timer would be a wait of 0, and one more, and one
/// more: a loop that spins until the timer is due.
fn in_millis(limit: Option<Duration>) -> EpollTimeout {
    let Some(limit) = limit else {
        return EpollTimeout::NONE;
    };
    let millis = limit.as_nanos().div_ceil(1_000_000);
    EpollTimeout::try_from(millis).unwrap_or(EpollTimeout::MAX) // 24 days
}
// ANCHOR_END: millis

// ANCHOR: waker
/// Ends a wait of its [`Reactor`], from any thread.
///
/// It is a counter in the kernel ([eventfd(2)]): `wake` adds 1, which makes the
/// counter readable, and the reactor sets it back to 0. A wake that comes before the
/// wait is kept until then, so none is lost between "is there something to do?" and
/// the wait.
///
/// `wake` allocates nothing and takes no lock: all it does is one `write`, which
/// [signal-safety(7)] allows in a signal handler. The handler has to put `errno`
/// back.
///
/// [eventfd(2)]: https://man7.org/linux/man-pages/man2/eventfd.2.html
/// [signal-safety(7)]: https://man7.org/linux/man-pages/man7/signal-safety.7.html
#[derive(Debug, Clone)]
pub struct Waker(Arc<EventFd>);

impl Waker {
    fn new() -> io::Result<Self> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let counter = EventFd::from_flags(flags);
        Ok(Self(Arc::new(
            counter.map_err(|errno| failed("eventfd", errno))?,
        )))
    }

    /// Has the reactor's next [`Reactor::poll`], or the one that is waiting, return
    /// with [`Event::Woken`].
    ///
    /// # Errors
    ///
    /// Those of `write`, none of which a correct program gets.
    pub fn wake(&self) -> io::Result<()> {
        match self.0.write(1) {
            // The counter is at its greatest value: nobody can be more awake.
            Ok(_) | Err(Errno::EAGAIN) => Ok(()),
            Err(errno) => Err(failed("write to an eventfd", errno)),
        }
    }

    fn reset(&self) -> io::Result<()> {
        match self.0.read() {
            Ok(_) | Err(Errno::EAGAIN) => Ok(()),
            Err(errno) => Err(failed("read from an eventfd", errno)),
        }
    }
}
// ANCHOR_END: waker

fn event_for(token: Token, interest: Interest) -> io::Result<EpollEvent> {
    if token == WAKER {
        let why = "the token u64::MAX is the reactor's own";
        return Err(io::Error::new(ErrorKind::InvalidInput, why));
    }
    Ok(EpollEvent::new(interest.flags(), token.0))
}

fn failed(call: &str, errno: Errno) -> io::Error {
    let error = io::Error::from(errno);
    io::Error::new(error.kind(), format!("{call} failed: {error}"))
}

fn failed_for(what: &str, source: impl AsFd, errno: Errno) -> io::Error {
    let error = io::Error::from(errno);
    let fd = source.as_fd().as_raw_fd();
    let text = format!("cannot {what} descriptor {fd}: {error}");
    io::Error::new(error.kind(), text)
}
