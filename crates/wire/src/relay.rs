//! A relay for datagrams that does to them what a network may do.
//!
//! UDP promises that a datagram arrives whole, if it arrives. Not that it does, nor
//! once, nor after those that were sent before it. On one machine all of that is so
//! rare that a program which relies on it seems to work. Put this relay between the
//! ends, and what happens once a year between two cities happens every second here,
//! and the same way again for the same seed:
//!
//! ```no_run
//! use std::net::UdpSocket;
//! use wire::relay::Lossy;
//!
//! let server = ([127, 0, 0, 1], 9999).into();
//! let front = UdpSocket::bind("127.0.0.1:9998")?;
//! let relay = Lossy::new(1).lose(20).start(front, server)?;
//! println!("send to {}, one in five is lost", relay.addr());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Each client has a socket of its own towards the server, so that the server can tell
//! them apart and each gets its own answers.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::{Recorder, Side, view};

/// Longer than any datagram over IPv4 or IPv6 (RFC 768: a length of 16 bits).
const BUFFER: usize = 1 << 16;
/// How often a thread that waits for a datagram looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(20);
/// A datagram that is held back, and that no other follows, comes so much later.
const LATE: Duration = Duration::from_millis(30);
/// More clients than this at a time are not passed on: each costs a thread.
const MOST_CLIENTS: usize = 64;

/// A relay to be: what it does to datagrams, in both directions, by chance.
#[derive(Clone, Debug)]
pub struct Lossy {
    seed: u64,
    lose: u8,
    double: u8,
    hold: u8,
    first: usize,
    recorder: Option<Recorder>,
}

/// What becomes of one datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It is passed on.
    Arrives,
    /// It is not.
    Lost,
    /// It is passed on twice.
    Doubled,
    /// It is passed on behind the next one; alone, some 40 ms late.
    Held,
}

impl Lossy {
    /// Passes everything on until told otherwise. The same `seed` and the same
    /// datagrams in a direction have the same fates.
    pub fn new(seed: u64) -> Self {
        Lossy {
            seed,
            lose: 0,
            double: 0,
            hold: 0,
            first: usize::MAX,
            recorder: None,
        }
    }

    /// Loses so many of a hundred.
    pub fn lose(self, percent: u8) -> Self {
        Lossy {
            lose: percent.min(100),
            ..self
        }
    }

    /// Passes so many of a hundred on twice.
    pub fn double(self, percent: u8) -> Self {
        Lossy {
            double: percent.min(100),
            ..self
        }
    }

    /// Holds so many of a hundred back: each comes behind the one after it.
    pub fn hold(self, percent: u8) -> Self {
        Lossy {
            hold: percent.min(100),
            ..self
        }
    }

    /// Does all that to so many of the first datagrams in each direction, and passes
    /// the others on.
    pub fn only_first(self, first: usize) -> Self {
        Lossy { first, ..self }
    }

    /// Records what is passed on and what is not, the client on the left.
    pub fn record(self, recorder: Recorder) -> Self {
        Lossy {
            recorder: Some(recorder),
            ..self
        }
    }

    /// The fates of the datagrams in one direction, in their order.
    pub fn fates(&self, from: Side) -> impl Iterator<Item = Fate> + use<> {
        let (lose, double, hold) = (self.lose, self.double, self.hold);
        let mut dice = Dice::new(self.seed, from);
        let fates = std::iter::repeat_with(move || {
            // Always three throws, so that one chance does not shift the others.
            let [lost, doubled, held] = [lose, double, hold].map(|c| dice.hits(c));
            match (lost, doubled, held) {
                (true, _, _) => Fate::Lost,
                (_, true, _) => Fate::Doubled,
                (_, _, true) => Fate::Held,
                _ => Fate::Arrives,
            }
        });
        let others = std::iter::repeat(Fate::Arrives);
        fates.take(self.first).chain(others)
    }

    /// Starts to pass on what comes to `front` to `server`, and the answers back.
    ///
    /// # Errors
    ///
    /// If the address of `front` cannot be told, its time limit cannot be set, or there
    /// can be no new thread.
    pub fn start(self, front: UdpSocket, server: SocketAddr) -> io::Result<Relay> {
        let addr = front.local_addr()?;
        front.set_read_timeout(Some(LOOK))?;
        let shared = Arc::new(Shared {
            front,
            server,
            how: self,
            stopped: AtomicBool::new(false),
            problem: Mutex::default(),
        });
        let thread = thread::Builder::new().name("relay".into()).spawn({
            let shared = Arc::clone(&shared);
            move || forward(&shared)
        })?;
        Ok(Relay {
            addr,
            shared,
            thread: Some(thread),
        })
    }
}

/// A running relay. It stops when this is dropped.
#[derive(Debug)]
pub struct Relay {
    addr: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// Where it takes datagrams.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What has gone wrong last, if anything has.
    pub fn problem(&self) -> Option<String> {
        self.shared.problem().clone()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed; there is nobody else to tell.
            let _ = thread.join();
        }
    }
}

/// What all threads of a relay know.
#[derive(Debug)]
struct Shared {
    front: UdpSocket,
    server: SocketAddr,
    how: Lossy,
    stopped: AtomicBool,
    problem: Mutex<Option<String>>,
}

impl Shared {
    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    fn problem(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self, what: &str, error: &io::Error) {
        *self.problem() = Some(format!("cannot {what}: {error}"));
    }
}

/// Takes the clients' datagrams until the relay stops.
fn forward(shared: &Arc<Shared>) {
    let mut clients: HashMap<SocketAddr, (Lane, JoinHandle<()>)> = HashMap::new();
    let mut buffer = vec![0; BUFFER];
    while !shared.is_stopped() {
        let came = receive(&mut buffer, |buffer| shared.front.recv_from(buffer));
        for (lane, _) in clients.values_mut() {
            lane.release_what_is_late(shared);
        }
        let (length, client) = match came {
            Ok(Some(came)) => came,
            Ok(None) => continue,
            Err(error) => {
                shared.report("receive from a client", &error);
                continue;
            }
        };
        if !clients.contains_key(&client) && clients.len() < MOST_CLIENTS {
            let number = u32::try_from(clients.len()).unwrap_or(u32::MAX) + 1;
            match enter(shared, client, number) {
                Ok(entered) => drop(clients.insert(client, entered)),
                Err(error) => {
                    shared.report("make a socket towards the server", &error)
                }
            }
        }
        if let Some((lane, _)) = clients.get_mut(&client) {
            lane.pass(shared, &buffer[..length]);
        }
    }
    for (_, (_, thread)) in clients {
        let _ = thread.join(); // had it panicked, the panic would have been printed
    }
}

/// Makes a new client's socket towards the server, and the thread for the answers.
fn enter(
    shared: &Arc<Shared>,
    client: SocketAddr,
    number: u32,
) -> io::Result<(Lane, JoinHandle<()>)> {
    let any: SocketAddr = match shared.server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let back = UdpSocket::bind(any)?;
    back.connect(shared.server)?;
    back.set_read_timeout(Some(LOOK))?;
    let back = Arc::new(back);
    let there = Lane::new(shared, Side::Left, number, Way::There(Arc::clone(&back)));
    let answers = Lane::new(shared, Side::Right, number, Way::Back(client));
    let thread = thread::Builder::new().name("relay back".into()).spawn({
        let shared = Arc::clone(shared);
        move || answer(&shared, &back, answers)
    })?;
    Ok((there, thread))
}

/// Takes the server's answers to one client until the relay stops.
fn answer(shared: &Shared, back: &UdpSocket, mut lane: Lane) {
    let mut buffer = vec![0; BUFFER];
    while !shared.is_stopped() {
        let came = receive(&mut buffer, |buffer| back.recv(buffer));
        lane.release_what_is_late(shared);
        match came {
            Ok(Some(length)) => lane.pass(shared, &buffer[..length]),
            Ok(None) => {}
            Err(error) => shared.report("receive from the server", &error),
        }
    }
}

/// The next datagram; `None` where none has come for a while.
fn receive<T>(
    buffer: &mut [u8],
    receive: impl FnOnce(&mut [u8]) -> io::Result<T>,
) -> io::Result<Option<T>> {
    match receive(buffer) {
        Ok(came) => Ok(Some(came)),
        Err(error) => match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {
                Ok(None)
            }
            // Nobody is at the other end at this moment (an ICMP message said so): to
            // a network that is a datagram lost.
            ErrorKind::ConnectionRefused => Ok(None),
            _ => Err(error),
        },
    }
}

/// Where the datagrams of a lane go.
enum Way {
    There(Arc<UdpSocket>),
    Back(SocketAddr),
}

/// One direction of one client.
struct Lane {
    from: Side,
    number: u32,
    way: Way,
    fates: Box<dyn Iterator<Item = Fate> + Send>,
    held: Option<(std::time::Instant, Vec<u8>)>,
}

impl Lane {
    fn new(shared: &Shared, from: Side, number: u32, way: Way) -> Self {
        Lane {
            from,
            number,
            way,
            fates: Box::new(shared.how.fates(from)),
            held: None,
        }
    }

    /// Does to a datagram what its fate is.
    fn pass(&mut self, shared: &Shared, datagram: &[u8]) {
        match self.fates.next().unwrap_or(Fate::Arrives) {
            Fate::Lost => {
                if let Some(recorder) = &shared.how.recorder {
                    recorder.lost(self.number, self.from, datagram);
                }
            }
            Fate::Held if self.held.is_none() => {
                self.note(shared, "is held up", datagram);
                self.held = Some((std::time::Instant::now(), datagram.to_vec()));
                return;
            }
            Fate::Doubled => {
                self.send(shared, datagram);
                self.send(shared, datagram);
            }
            Fate::Held | Fate::Arrives => self.send(shared, datagram),
        }
        if let Some((_, held)) = self.held.take() {
            self.send(shared, &held);
        }
    }

    /// Sends what was held back for another that has not come.
    fn release_what_is_late(&mut self, shared: &Shared) {
        if self
            .held
            .as_ref()
            .is_some_and(|(since, _)| since.elapsed() >= LATE)
            && let Some((_, held)) = self.held.take()
        {
            self.send(shared, &held);
        }
    }

    fn send(&self, shared: &Shared, datagram: &[u8]) {
        if let Some(recorder) = &shared.how.recorder {
            recorder.sent(self.number, self.from, datagram);
        }
        let sent = match &self.way {
            Way::There(back) => back.send(datagram),
            Way::Back(client) => shared.front.send_to(datagram, client),
        };
        match sent {
            // As above: nobody is there, and the datagram is lost.
            Err(error) if error.kind() != ErrorKind::ConnectionRefused => {
                shared.report("pass a datagram on", &error);
            }
            _ => {}
        }
    }

    fn note(&self, shared: &Shared, what: &str, datagram: &[u8]) {
        const SHOWN: usize = 24;
        if let Some(recorder) = &shared.how.recorder {
            let shown = match datagram.len() {
                0..=SHOWN => view::escaped(datagram),
                many => format!("a datagram of {}", view::bytes(many as u64)),
            };
            recorder.note(self.number, self.from, format!("{shown} {what}"));
        }
    }
}

/// Chance that comes out the same every time: SplitMix64 (Steele, Lea and Flood, "Fast
/// splittable pseudorandom number generators", 2014).
struct Dice(u64);

impl Dice {
    fn new(seed: u64, from: Side) -> Self {
        // The two directions do not share their chances: the fate of an answer does not
        // depend on what else was under way.
        Dice(match from {
            Side::Left => seed,
            Side::Right => !seed,
        })
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Whether one of `percent` in a hundred is the case.
    fn hits(&mut self, percent: u8) -> bool {
        self.next() % 100 < u64::from(percent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn socket() -> UdpSocket {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        socket
    }

    fn told(socket: &UdpSocket) -> Vec<u8> {
        let mut buffer = [0; 100];
        let length = socket.recv(&mut buffer).unwrap();
        buffer[..length].to_vec()
    }

    fn between(how: Lossy) -> (UdpSocket, UdpSocket, Relay) {
        let (client, server) = (socket(), socket());
        let relay = how.start(socket(), server.local_addr().unwrap()).unwrap();
        client.connect(relay.addr()).unwrap();
        (client, server, relay)
    }

    #[test]
    fn a_relay_without_faults_passes_everything_both_ways() {
        let (client, server, relay) = between(Lossy::new(7));
        for word in [&b"one"[..], b"", b"three"] {
            client.send(word).unwrap();
            let mut buffer = [0; 100];
            let (length, from) = server.recv_from(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], word);
            server.send_to(b"ok", from).unwrap();
            assert_eq!(told(&client), b"ok");
        }
        assert_eq!(relay.problem(), None);
    }

    #[test]
    fn each_client_gets_its_own_answers() {
        let (first, server, relay) = between(Lossy::new(7));
        let second = socket();
        second.connect(relay.addr()).unwrap();
        first.send(b"first").unwrap();
        second.send(b"second").unwrap();
        for _ in 0..2 {
            let mut buffer = [0; 100];
            let (length, from) = server.recv_from(&mut buffer).unwrap();
            server.send_to(&buffer[..length], from).unwrap();
        }
        assert_eq!(
            (told(&first), told(&second)),
            (b"first".to_vec(), b"second".to_vec())
        );
    }

    #[test]
    fn all_that_is_doubled_comes_twice() {
        let (client, server, _relay) = between(Lossy::new(7).double(100));
        client.send(b"again").unwrap();
        assert_eq!(
            (told(&server), told(&server)),
            (b"again".to_vec(), b"again".to_vec())
        );
    }

    #[test]
    fn what_is_held_comes_behind_the_next_one_or_late() {
        let (client, server, _relay) = between(Lossy::new(7).hold(100));
        client.send(b"first").unwrap();
        client.send(b"second").unwrap();
        assert_eq!(
            (told(&server), told(&server)),
            (b"second".to_vec(), b"first".to_vec())
        );
        client.send(b"alone").unwrap();
        assert_eq!(told(&server), b"alone");
    }

    #[test]
    fn the_fates_are_those_that_were_told() {
        let how = Lossy::new(3).lose(30).double(20);
        let fates: Vec<Fate> = how.fates(Side::Left).take(40).collect();
        assert!(fates.contains(&Fate::Lost) && fates.contains(&Fate::Doubled));
        let (client, server, _relay) = between(how);
        let mut expected = Vec::new();
        for (number, fate) in (0_u8..).zip(&fates) {
            client.send(&[number]).unwrap();
            let copies = match fate {
                Fate::Lost => 0,
                Fate::Doubled => 2,
                Fate::Arrives | Fate::Held => 1,
            };
            expected.extend(std::iter::repeat_n(number, copies));
        }
        let got: Vec<u8> = expected.iter().map(|_| told(&server)[0]).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn behind_the_first_ones_all_arrive() {
        let how = Lossy::new(3).lose(100).only_first(2);
        let fates: Vec<Fate> = how.fates(Side::Right).take(4).collect();
        assert_eq!(
            fates,
            [Fate::Lost, Fate::Lost, Fate::Arrives, Fate::Arrives]
        );
    }

    #[test]
    fn the_directions_do_not_share_their_chances_and_a_seed_gives_them_again() {
        let how = Lossy::new(11).lose(50);
        let fates = |side| how.fates(side).take(64).collect::<Vec<_>>();
        assert_eq!(fates(Side::Left), fates(Side::Left));
        assert_ne!(fates(Side::Left), fates(Side::Right));
        let lost = fates(Side::Left)
            .iter()
            .filter(|fate| **fate == Fate::Lost)
            .count();
        assert!((10..54).contains(&lost), "{lost} of 64");
    }

    #[test]
    fn what_happens_is_written_down() {
        let recorder = Recorder::new("client", "server");
        let (client, server, _relay) =
            between(Lossy::new(1).lose(100).record(recorder.clone()));
        client.send(b"gone").unwrap();
        while recorder.timeline().events.is_empty() {
            thread::yield_now();
        }
        let events = recorder.timeline().events;
        let gone = crate::Payload::of(b"gone");
        assert_eq!(events[0].what, crate::What::Lost(gone));
        drop(server);
    }
}
