//! The server: bound, served, stopped.

use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{io, mem};

use socket2::{SockAddr, Socket};

use crate::addr::{Addr, Peer};
use crate::bind;
use crate::builder::Builder;
use crate::crew::{self, Crew};
use crate::datagram::Reply;
use crate::error::{During, Error};
use crate::handle::{Core, Handle, Stats, count};
use crate::handler::{DatagramHandler, Handler};
use crate::session::{House, Session, guard, make};
use crate::several::Service;
use crate::source::{Asks, Packet, Packets, Source, Visitor, Visitors};
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

impl Builder<Streams> {
    /// Binds and listens: from now on peers can connect, and wait to be served.
    ///
    /// ```
    /// use std::io::ErrorKind;
    ///
    /// use socketserver::Server;
    ///
    /// let server = Server::tcp("127.0.0.1:0").bind()?;
    /// let taken = Server::tcp(server.local_addr().to_string()).bind();
    /// assert_eq!(taken.err().map(|error| error.kind()), Some(ErrorKind::AddrInUse));
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the lookup, of bind(2) and listen(2), with the address in their words.
    pub fn bind(self) -> io::Result<Server<Streams>> {
        let (place, options, config) = self.into_parts()?;
        let (socket, file) = bind::listener(&place, &options)?;
        Server::new(socket, file, config)
    }
}

impl Builder<Datagrams> {
    /// Binds: from now on datagrams are queued by the kernel.
    ///
    /// ```
    /// use socketserver::Server;
    ///
    /// let server = Server::udp("127.0.0.1:0").bind()?;
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the lookup and of bind(2), with the address in their words.
    pub fn bind(self) -> io::Result<Server<Datagrams>> {
        let (place, options, config) = self.into_parts()?;
        let (socket, file) = bind::receiver(&place, &options)?;
        Server::new(socket, file, config)
    }
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

impl Server<Streams> {
    /// Serves until it is asked to stop, and then until the requests that it serves
    /// are done or the time for them has run out.
    ///
    /// `open` makes a handler for each peer; where and how often at once they run is the
    /// strategy's.
    ///
    /// ```
    /// use std::io::Write;
    ///
    /// use socketserver::{Conn, Next, Result, Server, Strategy};
    ///
    /// fn hello(conn: &mut Conn) -> Result<Next> {
    ///     conn.line(1024)?;
    ///     conn.write_all(b"hello\n")?;
    ///     Ok(Next::Again)
    /// }
    ///
    /// let server = Server::tcp("127.0.0.1:0").bind()?;
    /// # server.handle().shutdown();
    /// let stats = server.serve(Strategy::Threads { max: 1000 }, |_peer| hello)?;
    /// println!("{} connections, {} errors", stats.accepted, stats.errors);
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Where the strategy cannot be had here, and where `accept` fails for a reason that
    /// will not pass. What goes wrong in a request is reported to
    /// [`Builder::on_error`] and ends nothing but that request.
    pub fn serve<F, H>(&self, strategy: Strategy, open: F) -> io::Result<Stats>
    where
        F: Fn(&Peer) -> H + Send + Sync + 'static,
        H: Handler + Send + 'static,
    {
        match strategy {
            Strategy::Prefork { workers } => {
                self.prefork(workers, || self.visitors(), conversation(open))
            }
            _ => self.run(self.start(strategy, &self.own(), open)?),
        }
    }

    /// This server with a strategy and its handlers, for [`serve_all`](crate::serve_all),
    /// which serves several in one loop.
    ///
    /// ```
    /// use socketserver::{Conn, Next, Peer, Reply, Server, Strategy, serve_all};
    ///
    /// let streams = Server::tcp("127.0.0.1:0").bind()?;
    /// let datagrams = Server::udp("127.0.0.1:0").bind()?;
    /// # streams.handle().shutdown();
    /// # datagrams.handle().shutdown();
    /// serve_all([
    ///     streams.service(Strategy::Inline, |_peer| |_: &mut Conn| Ok(Next::Close)),
    ///     datagrams.service(Strategy::Inline, |_peer| {
    ///         |_: &[u8], _: &Peer, _: &mut Reply<'_>| Ok(())
    ///     }),
    /// ])?;
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn service<F, H>(&self, strategy: Strategy, open: F) -> Service<'_>
    where
        F: Fn(&Peer) -> H + Send + Sync + 'static,
        H: Handler + Send + 'static,
    {
        Service::new(&self.house, &self.socket, strategy, move |listeners| {
            self.start(strategy, listeners, open)
        })
    }

    fn start<F, H>(
        &self,
        strategy: Strategy,
        listeners: &[RawFd],
        open: F,
    ) -> io::Result<Box<dyn Turning + '_>>
    where
        F: Fn(&Peer) -> H + Send + Sync + 'static,
        H: Handler + Send + 'static,
    {
        match strategy {
            Strategy::Parked { workers, max } => {
                let crew = crew::parked(&self.house, workers, max, open)?;
                Ok(self.turns(self.visitors(), crew))
            }
            _ => self.serve_with(
                strategy,
                listeners,
                self.visitors(),
                conversation(open),
            ),
        }
    }

    /// Serves a single request, waiting no longer than `limit` for somebody to come; for
    /// ever without one.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use socketserver::{Conn, Next, Served, Server};
    ///
    /// let server = Server::tcp("127.0.0.1:0").bind()?;
    /// let limit = Some(Duration::from_millis(10));
    /// let served = server.serve_one(limit, |_peer| |_: &mut Conn| Ok(Next::Close))?;
    /// assert_eq!(served, Served::TimedOut);
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`serve`](Self::serve).
    pub fn serve_one<F, H>(
        &self,
        limit: Option<Duration>,
        open: F,
    ) -> io::Result<Served>
    where
        F: Fn(&Peer) -> H,
        H: Handler,
    {
        self.one(limit, &self.visitors(), conversation(open))
    }

    pub(crate) fn visitors(&self) -> Visitors<'_> {
        Visitors::new(&self.socket, &self.addr)
    }
}

impl Server<Datagrams> {
    /// Serves until it is asked to stop.
    ///
    /// `open` makes a handler for each datagram.
    ///
    /// ```
    /// use std::io::Write;
    ///
    /// use socketserver::{Peer, Reply, Result, Server, Strategy};
    ///
    /// fn shout(data: &[u8], _peer: &Peer, reply: &mut Reply<'_>) -> Result {
    ///     Ok(reply.write_all(&data.to_ascii_uppercase())?)
    /// }
    ///
    /// let server = Server::udp("127.0.0.1:0").bind()?;
    /// # server.handle().shutdown();
    /// server.serve(Strategy::Inline, |_peer| shout)?;
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Where the strategy cannot be had here, and where receiving fails for a reason that
    /// will not pass. What goes wrong in a request is reported to
    /// [`Builder::on_error`] and ends nothing but that request.
    pub fn serve<F, H>(&self, strategy: Strategy, open: F) -> io::Result<Stats>
    where
        F: Fn(&Peer) -> H + Send + Sync + 'static,
        H: DatagramHandler,
    {
        match strategy {
            Strategy::Prefork { workers } => {
                self.prefork(workers, || self.packets(), self.answers(open))
            }
            _ => self.run(self.start(strategy, &self.own(), open)?),
        }
    }

    /// This server with a strategy and its handlers, for [`serve_all`](crate::serve_all),
    /// which serves several in one loop.
    ///
    /// ```
    /// use socketserver::{Conn, Next, Peer, Reply, Server, Strategy, serve_all};
    ///
    /// let streams = Server::tcp("127.0.0.1:0").bind()?;
    /// let datagrams = Server::udp("127.0.0.1:0").bind()?;
    /// # streams.handle().shutdown();
    /// # datagrams.handle().shutdown();
    /// serve_all([
    ///     streams.service(Strategy::Inline, |_peer| |_: &mut Conn| Ok(Next::Close)),
    ///     datagrams.service(Strategy::Inline, |_peer| {
    ///         |_: &[u8], _: &Peer, _: &mut Reply<'_>| Ok(())
    ///     }),
    /// ])?;
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn service<F, H>(&self, strategy: Strategy, open: F) -> Service<'_>
    where
        F: Fn(&Peer) -> H + Send + Sync + 'static,
        H: DatagramHandler,
    {
        Service::new(&self.house, &self.socket, strategy, move |listeners| {
            self.start(strategy, listeners, open)
        })
    }

    fn start<F, H>(
        &self,
        strategy: Strategy,
        listeners: &[RawFd],
        open: F,
    ) -> io::Result<Box<dyn Turning + '_>>
    where
        F: Fn(&Peer) -> H + Send + Sync + 'static,
        H: DatagramHandler,
    {
        let strategy = match strategy {
            // No connection waits here for its next request.
            Strategy::Parked { workers, max } => Strategy::Pool {
                workers,
                queue: max.saturating_sub(workers),
            },
            other => other,
        };
        // Its own socket is what a child answers with.
        let own = self.socket.as_raw_fd();
        let mut listeners = listeners.to_vec();
        listeners.retain(|fd| *fd != own);
        self.serve_with(strategy, &listeners, self.packets(), self.answers(open))
    }

    /// What is done with a datagram.
    fn answers<F, H>(
        &self,
        open: F,
    ) -> impl Fn(&House, Packet) -> bool + Send + Sync + 'static
    where
        F: Fn(&Peer) -> H + Send + Sync + 'static,
        H: DatagramHandler,
    {
        let socket = Arc::clone(&self.socket);
        move |house, packet| answer(house, &socket, packet, &open)
    }

    /// Serves a single datagram, waiting no longer than `limit` for one; for ever
    /// without a limit.
    ///
    /// ```
    /// use std::net::UdpSocket;
    ///
    /// use socketserver::{Peer, Reply, Result, Served, Server};
    ///
    /// fn print(data: &[u8], peer: &Peer, _: &mut Reply<'_>) -> Result {
    ///     println!("{peer}: {}", data.escape_ascii());
    ///     Ok(())
    /// }
    ///
    /// let server = Server::udp("127.0.0.1:0").bind()?;
    /// UdpSocket::bind("127.0.0.1:0")?.send_to(b"hello", server.local_addr().to_string())?;
    /// assert_eq!(server.serve_one(None, |_peer| print)?, Served::Request);
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`serve`](Self::serve).
    pub fn serve_one<F, H>(
        &self,
        limit: Option<Duration>,
        open: F,
    ) -> io::Result<Served>
    where
        F: Fn(&Peer) -> H,
        H: DatagramHandler,
    {
        let work = |house: &House, packet: Packet| {
            answer(house, &self.socket, packet, &open)
        };
        self.one(limit, &self.packets(), work)
    }

    fn packets(&self) -> Packets<'_> {
        Packets::new(&self.socket, &self.addr, self.house.config.max_packet)
    }
}

/// What is done with a connection: the whole conversation; whether all went well.
fn conversation<F, H>(open: F) -> impl Fn(&House, Visitor) -> bool
where
    F: Fn(&Peer) -> H,
    H: Handler,
{
    move |house, Visitor { socket, peer }| {
        let (session, good) = Session::open(house, socket, peer, &open);
        session.map_or(good, Session::run)
    }
}

/// Serves a datagram; whether all went well.
fn answer<H: DatagramHandler>(
    house: &House,
    socket: &Socket,
    packet: Packet,
    open: impl Fn(&Peer) -> H,
) -> bool {
    use crate::builder::Step;

    let Packet { data, from, peer } = packet;
    house.step(&peer, Step::Setup);
    let served = make(|| open(&peer)).and_then(|mut handler| {
        house.step(&peer, Step::Handle);
        let done = guard(During::Handle, || {
            let mut reply = Reply::new(socket, &from);
            handler.datagram(&data, &peer, &mut reply)?;
            Ok(reply.send()?)
        });
        house.step(&peer, Step::Finish);
        done
    });
    house.step(&peer, Step::Close);
    served.map_err(|error| house.failed(&peer, &error)).is_ok()
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
        let until = limit.map(|limit| Instant::now() + limit);
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
