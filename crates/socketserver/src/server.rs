//! The server: bound, served, stopped.

use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use socket2::{SockAddr, Socket};

use crate::addr::{Addr, Peer};
use crate::bind;
use crate::builder::Builder;
use crate::crew::{self, Crew, Woken};
use crate::datagram::Reply;
use crate::error::{During, Error};
use crate::handle::{Core, Handle, Stats, count};
use crate::handler::{DatagramHandler, Handler};
use crate::session::{House, Session, guard, make};
use crate::source::{Asks, Packet, Packets, Source, Visitor, Visitors};
use crate::strategy::Strategy;
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
pub struct Server<K> {
    pub(crate) socket: Socket,
    pub(crate) addr: Addr,
    pub(crate) house: House,
    _file: Option<bind::SocketFile>,
    kind: PhantomData<K>,
}

/// What [`Server::serve_one`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
            socket,
            addr,
            house,
            _file: file,
            kind: PhantomData,
        })
    }

    /// The address that it is bound to, with the port that the kernel chose.
    pub fn local_addr(&self) -> &Addr {
        &self.addr
    }

    /// A handle by which it is stopped, and asked what it has done.
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.house.core))
    }

    /// What it has done so far.
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
        let house = self.house.clone();
        if let Strategy::Parked { workers, max } = strategy {
            let crew = crew::parked(&house, workers, max, open)?;
            return self.run(&self.visitors(), crew);
        }
        let work = move |house: &House, visitor: Visitor| {
            let Visitor { socket, peer } = visitor;
            let (session, good) = Session::open(house, socket, peer, &open);
            session.map_or(good, Session::run)
        };
        self.serve_with(strategy, self.visitors(), work)
    }

    /// Serves a single request, waiting no longer than `limit` for somebody to come; for
    /// ever without one.
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
        let work = |house: &House, Visitor { socket, peer }: Visitor| {
            let (session, good) = Session::open(house, socket, peer, &open);
            session.map_or(good, Session::run)
        };
        self.one(limit, &self.visitors(), work)
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
        let strategy = match strategy {
            Strategy::Parked { workers, max } => Strategy::Pool {
                workers,
                queue: max.saturating_sub(workers),
            },
            other => other,
        };
        let socket = Arc::new(self.socket.try_clone()?);
        let work = move |house: &House, packet: Packet| {
            answer(house, &socket, packet, &open)
        };
        self.serve_with(strategy, self.packets(), work)
    }

    /// Serves a single datagram, waiting no longer than `limit` for one; for ever
    /// without a limit.
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
    fn serve_with<S: Source>(
        &self,
        strategy: Strategy,
        source: S,
        work: impl Fn(&House, S::Request) -> bool + Send + Sync + 'static,
    ) -> io::Result<Stats> {
        let house = &self.house;
        match strategy {
            Strategy::Inline => self.run(&source, crew::Inline::new(house, work)),
            Strategy::Threads { max } => {
                self.run(&source, crew::Threads::new(house, max, work))
            }
            Strategy::Pool { workers, queue } => {
                self.run(&source, crew::Pool::new(house, workers, queue, work)?)
            }
            Strategy::Fork { max } => {
                self.run(&source, crew::Fork::new(house, max, &self.socket, work)?)
            }
            Strategy::Prefork { workers } => self.prefork(workers, &source, work),
            // Both kinds of server have dealt with it.
            Strategy::Parked { .. } => Err(io::ErrorKind::Unsupported.into()),
        }
    }
    // ANCHOR_END: serve_with

    fn prefork<S: Source>(
        &self,
        workers: usize,
        source: &S,
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
            serve_loop(
                &house,
                &self.socket,
                source,
                &mut crew::Inline::new(&house, &work),
            )
        })?;
        let stats = self.stats();
        drop(serving);
        Ok(stats)
    }

    fn run<S: Source, C: Crew<S::Request>>(
        &self,
        source: &S,
        mut crew: C,
    ) -> io::Result<Stats> {
        let serving = self.house.core.serve()?;
        let served = serve_loop(&self.house, &self.socket, source, &mut crew);
        // Even where accepting failed, who is being served is served to the end.
        drain(&self.house, &mut crew);
        let stats = self.stats();
        drop(serving);
        served.map(|()| stats)
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
        loop {
            if house.core.is_stopping() {
                return Ok(Served::Stopped);
            }
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
                Ok(None) => {}
                Err(error) if is_exhaustion(&error) || is_the_peers(&error) => {}
                Err(error) => return Err(error),
            }
            let left =
                until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(Served::TimedOut);
            }
            crew::wait(&house.core.waker, Some(self.as_fd()), &[], left)?;
        }
    }
}

/// How long to wait when there are no descriptors left: somebody has to leave first.
pub(crate) const BACK_OFF: Duration = Duration::from_millis(50);

/// Accepts, or receives, and hands over, until the server is to stop.
fn serve_loop<S: Source, C: Crew<S::Request>>(
    house: &House,
    socket: &Socket,
    source: &S,
    crew: &mut C,
) -> io::Result<()> {
    let core = &house.core;
    let every = house.config.tick.as_ref().map(|(every, _)| *every);
    let mut next_tick = every.map(|every| Instant::now() + every);
    let mut exhausted: Option<Instant> = None;
    while !core.is_stopping() {
        crew.tend();
        if let Some((every, tick)) = &house.config.tick
            && next_tick.is_some_and(|next| next <= Instant::now())
        {
            let _ = guard(During::Handle, || {
                (crate::handle::lock(tick))(&core.stats());
                Ok(())
            });
            next_tick = Some(Instant::now() + *every);
        }
        let now = Instant::now();
        let pausing = exhausted.is_some_and(|until| until > now);
        let open = !pausing && (house.config.busy.is_some() || crew.has_room());
        if open {
            match accept_all(house, source, crew) {
                Ok(accepted) if accepted > 0 => exhausted = None,
                Ok(_) => {}
                Err(error) if is_exhaustion(&error) => {
                    if exhausted.is_none() {
                        house.failed(&nobody(house), &Error::Exhausted(error));
                    }
                    exhausted = Some(now + BACK_OFF);
                    continue;
                }
                Err(error) => return Err(error),
            }
            // The last that was accepted may have taken the last place.
            if house.config.busy.is_none() && !crew.has_room() {
                continue;
            }
        }
        let alarm = exhausted
            .filter(|until| *until > now)
            .into_iter()
            .chain(next_tick);
        let left = alarm.map(|at| at.saturating_duration_since(now));
        let left = left.chain(crew.looks_every()).min();
        let listener = open.then(|| socket.as_fd());
        core.waker.reset();
        // What was said before the reset is looked at here, what is said after it ends
        // the wait.
        if core.is_stopping() || (!open && !pausing && crew.has_room_or_will_say()) {
            continue;
        }
        if crew::wait(&core.waker, listener, &crew.ears(), left)? == Woken::Over {
            core.stop();
        }
    }
    Ok(())
}

// ANCHOR: accept_all
/// Takes everybody who is there, while there is room; how many.
pub(crate) fn accept_all<S: Source, C: Crew<S::Request>>(
    house: &House,
    source: &S,
    crew: &mut C,
) -> io::Result<u64> {
    let mut accepted = 0;
    while !house.core.is_stopping() {
        let room = crew.has_room();
        if !room && house.config.busy.is_none() {
            break;
        }
        let request = match source.next(house) {
            Ok(Some(request)) => request,
            Ok(None) => break,
            Err(error) if is_the_peers(&error) => continue,
            Err(error) => return Err(error),
        };
        accepted += 1;
        count(&house.core.counters.accepted);
        let peer = &request.peer().clone();
        if !house.welcomes(peer) {
            source.refuse(house, request, None);
        } else if !room {
            source.refuse(house, request, house.config.busy.as_deref());
        } else {
            house.step(peer, crate::builder::Step::Process);
            crew.take(request);
        }
    }
    Ok(accepted)
}
// ANCHOR_END: accept_all

/// Waits for those who are being served, for as long as they are given.
fn drain<R>(house: &House, crew: &mut impl Crew<R>) {
    /// How long a worker may take to notice that its connection is gone.
    const GRACE: Duration = Duration::from_secs(1);

    // Idle is who waits for a request; in between the flag is looked at.
    house.core.stop();
    house.core.end_the_idle();
    let limit = house.config.drain;
    if crew.finish(Instant::now() + limit) {
        return;
    }
    let mut late = crew.force();
    late.extend(house.core.end_all());
    for peer in late {
        count(&house.core.counters.forced);
        house.failed(&peer, &Error::Forced(limit));
    }
    crew.finish(Instant::now() + GRACE);
}

/// Errors of accept(2) that are about one connection, or nothing, and pass.
fn is_the_peers(error: &io::Error) -> bool {
    use nix::libc::{
        ECONNABORTED, EHOSTDOWN, EHOSTUNREACH, EINTR, ENETDOWN, ENETUNREACH,
        ENOPROTOOPT, EOPNOTSUPP, EPROTO,
    };
    // "Linux accept() passes already-pending network errors on the new socket as an
    // error code", accept(2), "should be treated like EAGAIN". For a socket of
    // datagrams it is the ICMP answer to something that was sent: ECONNREFUSED.
    matches!(
        error.raw_os_error(),
        Some(
            ECONNABORTED
                | EHOSTDOWN
                | EHOSTUNREACH
                | EINTR
                | ENETDOWN
                | ENETUNREACH
                | ENOPROTOOPT
                | EOPNOTSUPP
                | EPROTO
                | nix::libc::ECONNREFUSED
                | nix::libc::ECONNRESET
                | nix::libc::ETIMEDOUT
                | nix::libc::EPERM // a firewall's doing
        )
    )
}

/// Errors that pass when somebody gives something back.
pub(crate) fn is_exhaustion(error: &io::Error) -> bool {
    use nix::libc::{EMFILE, ENFILE, ENOBUFS, ENOMEM};
    matches!(
        error.raw_os_error(),
        Some(EMFILE | ENFILE | ENOBUFS | ENOMEM)
    )
}

/// The peer of a report that is about no peer.
pub(crate) fn nobody(house: &House) -> Peer {
    Peer {
        addr: Addr::Unnamed,
        local: Addr::Unnamed,
        id: house.core.stats().accepted,
    }
}

pub(crate) fn peer(addr: &SockAddr, local: &Addr, id: u64) -> Peer {
    Peer {
        addr: Addr::of(addr),
        local: local.clone(),
        id,
    }
}
