//! A proxy that cuts a stream of bytes into other pieces.
//!
//! TCP promises the bytes and their order, not their grouping. A program that relies
//! on the grouping works on one machine and fails between two. Put this proxy between
//! the ends and it fails at home:
//!
//! ```no_run
//! use std::net::TcpListener;
//! use wire::proxy::{Cut, Rechunk};
//!
//! let listener = TcpListener::bind("127.0.0.1:9000")?;
//! let target = ([127, 0, 0, 1], 8000).into();
//! let proxy = Rechunk::new(Cut::Bytes(1)).start(listener, target)?;
//! for problem in proxy.problems() {
//!     eprintln!("{problem}"); // goes on for ever; the proxy works meanwhile
//! }
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! What the proxy passes on besides bytes: the end of one direction (the other stays
//! open), a reset (as a reset), and slowness (it reads no faster than it can write).
//! What it cannot: a reset from an end that has ended its own sending before is seen
//! only with the next bytes for it. And the kernel of the receiver may join again
//! what waits to be read: pieces stay apart for certain only where the reader keeps
//! up, for which a pause between them helps.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::{Recorder, Side};

/// As many bytes as one read of the proxy takes.
const BUFFER: usize = 64 * 1024;
/// More callers than this at a time are turned away: each costs two threads.
const MOST_CONNECTIONS: usize = 256;
/// A target that does not answer a connection request is given up after this.
const CONNECTING: Duration = Duration::from_secs(5);
/// How often a write that waits for room looks whether it is still wanted.
const STALLED: Duration = Duration::from_millis(100);
/// How long to leave the kernel alone after `accept` has failed.
const RECOVERY: Duration = Duration::from_millis(100);
/// So many problems wait for someone to look at them; later ones are dropped.
const MOST_PROBLEMS: usize = 64;

/// How the bytes are cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cut {
    /// Not at all: what one read brings is passed on in one write.
    AsRead,
    /// Into pieces of so many bytes. What is left of a read is not held back, or two
    /// ends that wait for each other's answers would wait for ever: the last piece
    /// may be smaller.
    Bytes(usize),
    /// Into pieces of 1 to `most` bytes. The same `seed` and the same reads give the
    /// same pieces.
    Random {
        /// The largest piece.
        most: usize,
        /// Chooses the sizes.
        seed: u64,
    },
    /// Joined: held until there are so many `bytes`, or nothing came for the time of
    /// `quiet`, or the sender has ended.
    Join {
        /// Enough to be passed on at once; so many are held in memory.
        bytes: usize,
        /// How long a pause ends the waiting; not zero.
        quiet: Duration,
    },
}

impl Cut {
    /// Says why this cut cannot be made.
    fn check(self) -> io::Result<()> {
        let why = match self {
            Cut::Bytes(0)
            | Cut::Random { most: 0, .. }
            | Cut::Join { bytes: 0, .. } => {
                "a proxy cannot pass on pieces of 0 bytes"
            }
            Cut::Join {
                quiet: Duration::ZERO,
                ..
            } => "a proxy that joins pieces must wait for them longer than no time",
            _ => return Ok(()),
        };
        Err(io::Error::new(ErrorKind::InvalidInput, why))
    }
}

/// A proxy to be: how it cuts, whether it pauses, where it writes down what it does.
#[derive(Clone, Debug)]
pub struct Rechunk {
    cut: Cut,
    pause: Duration,
    recorder: Option<Recorder>,
}

impl Rechunk {
    /// Both directions are cut alike, without pauses.
    pub fn new(cut: Cut) -> Self {
        Rechunk {
            cut,
            pause: Duration::ZERO,
            recorder: None,
        }
    }

    /// Waits so long before every piece but the first of each direction.
    pub fn pause(self, pause: Duration) -> Self {
        Rechunk { pause, ..self }
    }

    /// Records every connection, the client on the left: the pieces as they are
    /// passed on.
    pub fn record(self, recorder: Recorder) -> Self {
        Rechunk {
            recorder: Some(recorder),
            ..self
        }
    }

    /// Starts to pass on what comes to `listener` to `target`, and the answers back.
    ///
    /// Fails if the cut cannot be made ([`ErrorKind::InvalidInput`]), if the address
    /// of `listener` cannot be told, or if there can be no new thread.
    pub fn start(
        self,
        listener: TcpListener,
        target: SocketAddr,
    ) -> io::Result<Proxy> {
        self.cut.check()?;
        let addr = listener
            .local_addr()
            .map_err(|error| during("cannot tell the proxy's own address", error))?;
        let (sender, problems) = mpsc::sync_channel(MOST_PROBLEMS);
        let shared = Arc::new(Shared {
            addr,
            target,
            how: self,
            problems: sender,
            state: Mutex::default(),
            stop: Condvar::new(),
        });
        let acceptor = spawn("proxy", {
            let shared = Arc::clone(&shared);
            move || accept_all(&listener, &shared)
        })?;
        Ok(Proxy {
            shared,
            problems,
            acceptor: Some(acceptor),
        })
    }
}

/// A running proxy. It stops when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    problems: Receiver<io::Error>,
    acceptor: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.shared.addr
    }

    /// What has gone wrong, but for resets, which are part of the game. Iterating
    /// over it waits for the next problem; `try_iter` does not.
    pub fn problems(&self) -> &Receiver<io::Error> {
        &self.problems
    }

    /// Closes every connection and the listener, and waits until its threads have
    /// ended.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stop();
        // `accept` wakes up for a caller only. Should we not get through, the process
        // lacks descriptors or ports: better leave the thread than wait for it.
        let woken =
            TcpStream::connect_timeout(&reachable(self.shared.addr), CONNECTING);
        if let (Ok(_), Some(acceptor)) = (woken, self.acceptor.take()) {
            // A panic there has been printed; there is nobody else to tell.
            let _ = acceptor.join();
        }
    }
}

/// An address to call a listener on `addr` at.
fn reachable(mut addr: SocketAddr) -> SocketAddr {
    match addr {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => {
            addr.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
            addr.set_ip(Ipv6Addr::LOCALHOST.into());
        }
        _ => {}
    }
    addr
}

/// What all threads of a proxy know.
#[derive(Debug)]
struct Shared {
    addr: SocketAddr,
    target: SocketAddr,
    how: Rechunk,
    problems: SyncSender<io::Error>,
    state: Mutex<State>,
    /// Notified when `stopped` is set.
    stop: Condvar,
}

#[derive(Debug, Default)]
struct State {
    stopped: bool,
    live: HashMap<u32, Arc<Link>>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        for link in state.live.values() {
            link.hang_up();
        }
        self.stop.notify_all();
    }

    fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// Waits for `time`, or until the proxy stops.
    fn wait(&self, time: Duration) {
        let going_on = |state: &mut State| !state.stopped;
        drop(self.stop.wait_timeout_while(self.lock(), time, going_on));
    }

    /// Puts a connection on the list of those to be closed, unless it is too late.
    fn enter(&self, link: &Arc<Link>) -> bool {
        let mut state = self.lock();
        if !state.stopped {
            state.live.insert(link.number, Arc::clone(link));
        }
        !state.stopped
    }

    fn report(&self, problem: io::Error) {
        // Full, or nobody listens: the proxy goes on.
        let _ = self.problems.try_send(problem);
    }

    fn record(&self, write: impl FnOnce(&Recorder)) {
        if let Some(recorder) = &self.how.recorder {
            write(recorder);
        }
    }
}

/// Takes callers until the proxy stops, a thread for each.
fn accept_all(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut visits: Vec<JoinHandle<()>> = Vec::new();
    for number in 1.. {
        let caller = listener.accept();
        if shared.is_stopped() {
            break;
        }
        visits.retain(|visit| !visit.is_finished());
        let started = match caller {
            Ok((_, peer)) if visits.len() >= MOST_CONNECTIONS => {
                let why = format!("{peer} turned away: {MOST_CONNECTIONS} are here");
                Err(io::Error::other(why))
            }
            Ok((client, peer)) => {
                let shared = Arc::clone(shared);
                spawn("proxy visit", move || {
                    receive(&shared, client, peer, number)
                })
            }
            Err(error) => {
                Err(during(&format!("cannot accept on {}", shared.addr), error))
            }
        };
        match started {
            Ok(visit) => visits.push(visit),
            Err(problem) => {
                shared.report(problem);
                // No descriptors, no threads: to try again at once would only spin.
                shared.wait(RECOVERY);
            }
        }
    }
    for visit in visits {
        // Had it panicked, the panic would have been printed.
        let _ = visit.join();
    }
}

/// One visit from beginning to end; what goes wrong is told and ends this visit only.
fn receive(shared: &Arc<Shared>, client: TcpStream, peer: SocketAddr, number: u32) {
    let route = format!("{peer} -> {}", shared.target);
    shared.record(|recorder| recorder.connect(number, Side::Left, route));
    let outcome = connect(shared, client, peer, number)
        .and_then(|link| pass_both_ways(shared, &Arc::new(link)));
    if let Err(problem) = outcome {
        shared.record(|recorder| {
            recorder.note(number, Side::Right, problem.to_string())
        });
        shared.report(problem);
    }
}

/// Connects to the target on behalf of `client`.
fn connect(
    shared: &Shared,
    client: TcpStream,
    peer: SocketAddr,
    number: u32,
) -> io::Result<Link> {
    let target = shared.target;
    let server = TcpStream::connect_timeout(&target, CONNECTING)
        .inspect_err(|_| close_with_reset(&client))
        .map_err(|error| {
            during(&format!("cannot connect {peer} to {target}"), error)
        })?;
    for stream in [&client, &server] {
        // Without this the kernel would hold small pieces back and join them.
        stream
            .set_nodelay(true)
            .and_then(|()| stream.set_write_timeout(Some(STALLED)))
            .map_err(|error| during(&format!("cannot serve {peer}"), error))?;
    }
    Ok(Link {
        number,
        client,
        server,
        state: LinkState::default(),
    })
}

/// Runs both directions until both have ended.
fn pass_both_ways(shared: &Arc<Shared>, link: &Arc<Link>) -> io::Result<()> {
    if !shared.enter(link) {
        return Ok(());
    }
    let answers = spawn("proxy answers", {
        let (shared, link) = (Arc::clone(shared), Arc::clone(link));
        move || {
            Direction {
                shared: &shared,
                link: &link,
                from: Side::Right,
            }
            .run()
        }
    });
    if answers.is_ok() {
        Direction {
            shared,
            link,
            from: Side::Left,
        }
        .run();
    }
    let outcome = answers.map(|thread| drop(thread.join()));
    shared.lock().live.remove(&link.number);
    outcome
}

/// The two sockets of a connection. They are closed when the last thread lets go.
#[derive(Debug)]
struct Link {
    number: u32,
    client: TcpStream,
    server: TcpStream,
    state: LinkState,
}

#[derive(Debug, Default)]
struct LinkState {
    /// One end has reset the connection, or failed otherwise.
    broken: AtomicBool,
    /// We have ended our sending to the client, to the server.
    client_told: AtomicBool,
    server_told: AtomicBool,
}

impl Link {
    fn stream(&self, side: Side) -> &TcpStream {
        match side {
            Side::Left => &self.client,
            Side::Right => &self.server,
        }
    }

    fn told(&self, side: Side) -> &AtomicBool {
        match side {
            Side::Left => &self.state.client_told,
            Side::Right => &self.state.server_told,
        }
    }

    fn is_broken(&self) -> bool {
        self.state.broken.load(Ordering::SeqCst)
    }

    /// Ends both directions in good order, whatever their threads are waiting for.
    fn hang_up(&self) {
        for stream in [&self.client, &self.server] {
            // An error means that there is nothing left to shut down.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Both ends shall see a reset; true for the first who says so.
    fn break_off(&self) -> bool {
        let first = !self.state.broken.swap(true, Ordering::SeqCst);
        for stream in [&self.client, &self.server] {
            close_with_reset(stream);
            // Wakes the other thread if it reads, and tells nobody outside.
            let _ = stream.shutdown(Shutdown::Read);
        }
        first
    }
}

/// Closing `stream` shall send RST, not FIN: to linger for no time at all means to
/// drop what is unsent and to reset (socket(7), SO_LINGER).
///
/// Only Unix can be asked here; elsewhere the peer sees an ordinary end.
fn close_with_reset(stream: &TcpStream) {
    // A socket that is past lingering is past resetting too.
    #[cfg(unix)]
    let _ = rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO));
    #[cfg(not(unix))]
    let _ = stream;
}

/// What `from` sends on its way to the other end.
#[derive(Clone, Copy)]
struct Direction<'a> {
    shared: &'a Shared,
    link: &'a Link,
    from: Side,
}

/// Whose fault it is that a direction ends early.
struct Broken {
    side: Side,
    call: &'static str,
    error: io::Error,
}

impl Direction<'_> {
    /// Passes on everything, then the end, or the reset.
    fn run(self) {
        let to = self.from.other();
        match self.pass_on() {
            Ok(()) if self.is_over() => {}
            Ok(()) => {
                self.record(|recorder, number| recorder.end(number, self.from));
                self.link.told(to).store(true, Ordering::SeqCst);
                // It may have gone in the meantime; the other direction will see.
                let _ = self.link.stream(to).shutdown(Shutdown::Write);
            }
            Err(broken) => self.break_off(broken),
        }
    }

    /// Whether nobody wants our bytes any more.
    fn is_over(self) -> bool {
        self.link.is_broken() || self.shared.is_stopped()
    }

    fn break_off(self, broken: Broken) {
        if self.shared.is_stopped() || !self.link.break_off() {
            return; // we did it ourselves, or the other direction has told already
        }
        self.record(|recorder, number| recorder.reset(number, broken.side));
        let kind = broken.error.kind();
        if !matches!(kind, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) {
            let who = match broken.side {
                Side::Left => format!("a client of {}", self.shared.addr),
                Side::Right => self.shared.target.to_string(),
            };
            let what = format!("cannot {} {who}", broken.call);
            self.shared.report(during(&what, broken.error));
        }
    }

    fn pass_on(self) -> Result<(), Broken> {
        let mut sizes = Sizes::new(self.shared.how.cut, self.link.number, self.from);
        let (mut held, mut buffer) = (Vec::new(), vec![0; BUFFER]);
        let mut first = true;
        while self.fetch(&mut held, &mut buffer)? {
            let mut rest = &held[..];
            while !rest.is_empty() {
                let (piece, later) = rest.split_at(sizes.next(rest.len()));
                if !first {
                    self.shared.wait(self.shared.how.pause);
                }
                if self.is_over() {
                    return Ok(());
                }
                self.send(piece)?;
                (first, rest) = (false, later);
            }
            held.clear();
        }
        Ok(())
    }

    /// Fills `held` with what is to be passed on next; false at the end.
    fn fetch(self, held: &mut Vec<u8>, buffer: &mut [u8]) -> Result<bool, Broken> {
        let Cut::Join { bytes, quiet } = self.shared.how.cut else {
            let taken = self.read(buffer, None)?.unwrap_or(0);
            held.extend(&buffer[..taken]);
            return Ok(taken > 0);
        };
        while held.len() < bytes {
            let patience = (!held.is_empty()).then_some(quiet);
            match self.read(buffer, patience)? {
                Some(0) | None => break,
                Some(taken) => held.extend(&buffer[..taken]),
            }
        }
        Ok(!held.is_empty())
    }

    /// One read: how many bytes came, 0 at the end, `None` if `patience` ran out.
    fn read(
        self,
        buffer: &mut [u8],
        patience: Option<Duration>,
    ) -> Result<Option<usize>, Broken> {
        let mut from = self.link.stream(self.from);
        let broken = |error| Broken {
            side: self.from,
            call: "read from",
            error,
        };
        if matches!(self.shared.how.cut, Cut::Join { .. }) {
            from.set_read_timeout(patience).map_err(broken)?;
        }
        loop {
            match from.read(buffer) {
                Ok(0) if self.was_reset() => return Err(self.reset_by_sender()),
                Ok(taken) => return Ok(Some(taken)),
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted => {}
                    ErrorKind::WouldBlock | ErrorKind::TimedOut
                        if patience.is_some() =>
                    {
                        return Ok(None);
                    }
                    _ => return Err(broken(error)),
                },
            }
        }
    }

    /// Whether what looks like an end is a reset. The kernel tells of a reset once,
    /// and it may have told the other thread, which was writing. A socket that was
    /// reset has no peer any more; one that was closed by both sides has none either.
    fn was_reset(self) -> bool {
        let closed_by_us = self.link.told(self.from).load(Ordering::SeqCst);
        !closed_by_us && self.link.stream(self.from).peer_addr().is_err()
    }

    fn reset_by_sender(self) -> Broken {
        let error = ErrorKind::ConnectionReset.into();
        Broken {
            side: self.from,
            call: "read from",
            error,
        }
    }

    /// Writes `piece`, for as long as anybody wants it.
    fn send(self, piece: &[u8]) -> Result<(), Broken> {
        let side = self.from.other();
        let broken = |error| Broken {
            side,
            call: "write to",
            error,
        };
        // Before it is written: the answer must not stand above the question.
        self.record(|recorder, number| recorder.sent(number, self.from, piece));
        let mut to = self.link.stream(side);
        let mut rest = piece;
        while !rest.is_empty() {
            match to.write(rest) {
                Ok(0) => return Err(broken(ErrorKind::WriteZero.into())),
                Ok(taken) => rest = &rest[taken..],
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted => {}
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                        // While we wait here, nobody else asks after the sender.
                        if self.was_reset() {
                            return Err(self.reset_by_sender());
                        }
                    }
                    _ => return Err(broken(error)),
                },
            }
        }
        Ok(())
    }

    fn record(self, write: impl FnOnce(&Recorder, u32)) {
        self.shared
            .record(|recorder| write(recorder, self.link.number));
    }
}

/// The sizes of the pieces of one direction.
struct Sizes {
    cut: Cut,
    state: u64,
}

impl Sizes {
    /// Each direction of each connection has sizes of its own.
    fn new(cut: Cut, number: u32, from: Side) -> Self {
        let direction = u64::from(number) * 2 + u64::from(from == Side::Right);
        let state = match cut {
            Cut::Random { seed, .. } => seed ^ direction << 32,
            _ => 0,
        };
        Sizes { cut, state }
    }

    /// How many of the `left` bytes go next; at least one.
    fn next(&mut self, left: usize) -> usize {
        match self.cut {
            Cut::AsRead | Cut::Join { .. } => left,
            Cut::Bytes(size) => size.min(left),
            Cut::Random { most, .. } => {
                // Less than `most`, so it fits where `most` does.
                (1 + (self.random() % most as u64) as usize).min(left)
            }
        }
    }

    /// SplitMix64 (Steele, Lea, Flood 2014): a step and a scramble.
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = self.state;
        let z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
}

/// `error` with what was tried when it came.
fn during(what: &str, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}

fn spawn(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new()
        .name(name.into())
        .spawn(work)
        .map_err(|error| during("cannot start a thread for the proxy", error))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// A connection from a client through a proxy that does not run to a server.
    fn link() -> (Shared, Link, TcpStream, TcpStream) {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
        let shared = Shared {
            addr: proxy.local_addr().unwrap(),
            target: server.local_addr().unwrap(),
            how: Rechunk::new(Cut::AsRead),
            problems: mpsc::sync_channel(1).0,
            state: Mutex::default(),
            stop: Condvar::new(),
        };
        let client_end = TcpStream::connect(shared.addr).unwrap();
        let (client, peer) = proxy.accept().unwrap();
        let link = connect(&shared, client, peer, 1).unwrap();
        let server_end = server.accept().unwrap().0;
        (shared, link, client_end, server_end)
    }

    #[test]
    fn small_pieces_are_not_held_back_by_the_kernel() {
        let (_, link, _client, _server) = link();
        assert!(link.client.nodelay().unwrap() && link.server.nodelay().unwrap());
    }

    /// As if the other thread had been told of the reset, by its write.
    #[test]
    fn a_reset_that_the_kernel_has_told_already_is_not_taken_for_an_end() {
        let (shared, link, _client, server) = link();
        close_with_reset(&server);
        drop(server);
        let deadline = Instant::now() + CONNECTING;
        while link.server.take_error().unwrap().is_none() {
            assert!(Instant::now() < deadline, "the reset has not arrived");
            thread::yield_now();
        }
        assert_eq!(
            (&link.server).read(&mut [0]).unwrap(),
            0,
            "looks like an end"
        );
        let answers = Direction {
            shared: &shared,
            link: &link,
            from: Side::Right,
        };
        let Err(broken) = answers.read(&mut [0], None) else {
            panic!("taken for an end")
        };
        assert_eq!(broken.error.kind(), ErrorKind::ConnectionReset);
        assert_eq!(broken.side, Side::Right);
    }

    #[test]
    fn a_listener_on_every_address_can_be_called_on_loopback() {
        let at = |addr: &str| reachable(addr.parse().unwrap()).to_string();
        assert_eq!(at("0.0.0.0:80"), "127.0.0.1:80");
        assert_eq!(at("[::]:80"), "[::1]:80");
        assert_eq!(at("127.0.0.2:80"), "127.0.0.2:80");
    }
}
