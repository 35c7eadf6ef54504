//! The server: bound, served, stopped. What the two kinds have in common.

mod datagrams;
mod streams;

use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{io, mem};

use socket2::{SockAddr, Socket};

use crate::addr::{Addr, Peer};
use crate::bind;
use crate::crew::{self, Crew};
use crate::error::Error;
use crate::handle::{Core, Handle, Stats, count};
use crate::moment::from_now;
use crate::session::House;
use crate::source::{Asks, Source};
use crate::strategy::Strategy;
use crate::turns::{
    BACK_OFF, Turning, Turns, is_exhaustion, is_the_peers, nobody, turn_all,
};
use crate::waker::Waker;

/// The kind of a server whose peers connect.
#[derive(Debug)]
pub enum Streams {}

/// The kind of a server whose peers send datagrams.
#[derive(Debug)]
pub enum Datagrams {}

/// A server, bound to its address.
///
/// Dropping it closes the socket, and removes the file of a Unix socket.
///
/// ```
/// use socketserver::{Datagrams, Server, Streams};
///
/// let streams: Server<Streams> = Server::tcp("127.0.0.1:0").bind()?;
/// let datagrams: Server<Datagrams> = Server::udp("127.0.0.1:0").bind()?;
/// # Ok::<(), socketserver::BoxError>(())
/// ```
pub struct Server<K> {
    pub(crate) socket: Arc<Socket>,
    pub(crate) addr: Addr,
    pub(crate) house: House,
    _file: Option<bind::SocketFile>,
    kind: PhantomData<K>,
}

/// What [`Server::serve_one`] came to.
///
/// ```
/// use std::time::Duration;
///
/// use socketserver::{Conn, Next, Served, Server};
///
/// let server = Server::tcp("127.0.0.1:0").bind()?;
/// let nobody = server.serve_one(Some(Duration::ZERO), |_peer| |_: &mut Conn| Ok(Next::Close));
/// assert_eq!(nobody?, Served::TimedOut);
/// # Ok::<(), socketserver::BoxError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Served {
    /// A request was served, well or with an error that was reported.
    Request,
    /// Somebody came who is not welcome.
    Refused,
    /// Nobody came in time.
    TimedOut,
    /// The server was asked to stop.
    Stopped,
}

impl<K> Server<K> {
    fn new(
        socket: Socket,
        file: Option<bind::SocketFile>,
        config: crate::builder::Config,
    ) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let addr = Addr::of(&socket.local_addr()?);
        let house = House {
            config: Arc::new(config),
            core: Core::new(Waker::new()?),
        };
        Ok(Self {
            socket: Arc::new(socket),
            addr,
            house,
            _file: file,
            kind: PhantomData,
        })
    }

    /// The address that it is bound to, with the port that the kernel chose.
    ///
    /// ```
    /// use socketserver::Server;
    ///
    /// let server = Server::tcp("127.0.0.1:0").bind()?;
    /// assert_ne!(server.local_addr().as_inet().map(|addr| addr.port()), Some(0));
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn local_addr(&self) -> &Addr {
        &self.addr
    }

    /// A handle by which it is stopped, and asked what it has done.
    ///
    /// ```
    /// use std::thread;
    ///
    /// use socketserver::{Conn, Next, Server, Strategy};
    ///
    /// let server = Server::tcp("127.0.0.1:0").bind()?;
    /// let handle = server.handle();
    /// let stopper = thread::spawn(move || handle.shutdown());
    /// server.serve(Strategy::Inline, |_peer| |_: &mut Conn| Ok(Next::Close))?;
    /// # stopper.join().unwrap();
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.house.core))
    }

    /// What it has done so far.
    ///
    /// ```
    /// use socketserver::Server;
    ///
    /// let server = Server::tcp("127.0.0.1:0").bind()?;
    /// assert_eq!(server.stats().accepted, 0);
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn stats(&self) -> Stats {
        self.house.core.stats()
    }
}

impl<K> AsFd for Server<K> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl<K> Server<K> {
    // ANCHOR: serve_with
    fn serve_with<'a, S: Source + 'a>(
        &'a self,
        strategy: Strategy,
        listeners: &[RawFd],
        source: S,
        work: impl Fn(&House, S::Request) -> bool + Send + Sync + 'static,
    ) -> io::Result<Box<dyn Turning + 'a>> {
        let house = &self.house;
        Ok(match strategy {
            Strategy::Inline => self.turns(source, crew::Inline::new(house, work)),
            Strategy::Threads { max } => {
                self.turns(source, crew::Threads::new(house, max, work))
            }
            Strategy::Pool { workers, queue } => {
                self.turns(source, crew::Pool::new(house, workers, queue, work)?)
            }
            Strategy::Fork { max } => {
                self.turns(source, crew::Fork::new(house, max, listeners, work)?)
            }
            Strategy::Prefork { .. } => {
                let why = "Strategy::Prefork has a loop in each of its processes, and none \
                           that could serve others";
                return Err(io::Error::new(io::ErrorKind::Unsupported, why));
            }
            // Both kinds of server have dealt with it.
            Strategy::Parked { .. } => {
                return Err(io::ErrorKind::Unsupported.into());
            }
        })
    }
    // ANCHOR_END: serve_with

    /// The listeners of a loop that serves no other.
    fn own(&self) -> [RawFd; 1] {
        [self.socket.as_raw_fd()]
    }

    fn run(&self, mut turns: Box<dyn Turning + '_>) -> io::Result<Stats> {
        turns.begin()?;
        turn_all(&mut [&mut *turns])?;
        Ok(self.stats())
    }

    fn turns<'a, S, C>(&'a self, source: S, crew: C) -> Box<dyn Turning + 'a>
    where
        S: Source + 'a,
        C: Crew<S::Request> + 'a,
    {
        Box::new(Turns::new(&self.house, &self.socket, source, crew))
    }

    fn prefork<S: Source>(
        &self,
        workers: usize,
        source: impl Fn() -> S,
        work: impl Fn(&House, S::Request) -> bool,
    ) -> io::Result<Stats> {
        let serving = self.house.core.serve()?;
        let config = &self.house.config;
        crew::prefork(&self.house, workers, |stop| {
            // In the worker: a house of its own, that is stopped when the pipe closes.
            let core = Core::new(Waker::at_the_end_of(stop));
            let house = House {
                config: Arc::clone(config),
                core,
            };
            let crew = crew::Inline::new(&house, &work);
            let mut turns = Turns::new(&house, &self.socket, source(), crew);
            turn_all(&mut [&mut turns])
        })?;
        let stats = self.stats();
        drop(serving);
        Ok(stats)
    }

    fn one<S: Source>(
        &self,
        limit: Option<Duration>,
        source: &S,
        work: impl Fn(&House, S::Request) -> bool,
    ) -> io::Result<Served> {
        let house = &self.house;
        let _serving = house.core.serve()?;
        let until = limit.map(from_now);
        let mut reported = false;
        loop {
            if house.core.is_stopping() {
                return Ok(Served::Stopped);
            }
            let mut ears = vec![house.core.waker.as_fd()];
            let mut most = None;
            match source.next(house) {
                Ok(Some(request)) => {
                    let peer = request.peer().clone();
                    count(&house.core.counters.accepted);
                    if !house.welcomes(&peer) {
                        source.refuse(house, request, None);
                        return Ok(Served::Refused);
                    }
                    house.step(&peer, crate::builder::Step::Process);
                    work(house, request);
                    return Ok(Served::Request);
                }
                Ok(None) => ears.push(self.as_fd()),
                Err(error) if is_the_peers(&error) => continue,
                Err(error) if is_exhaustion(&error) => {
                    if !mem::replace(&mut reported, true) {
                        house.failed(&nobody(house), &Error::Exhausted(error));
                    }
                    most = Some(BACK_OFF);
                }
                Err(error) => return Err(error),
            }
            let left =
                until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(Served::TimedOut);
            }
            crew::wait(&ears, left.into_iter().chain(most).min())?;
        }
    }
}

pub(crate) fn peer(addr: &SockAddr, local: &Addr, id: u64) -> Peer {
    Peer {
        addr: Addr::of(addr),
        local: local.clone(),
        id,
    }
}
