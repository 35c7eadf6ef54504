//! The load: one thread, one epoll set, as many connections as asked for.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use nix::sys::epoll::{
    Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout,
};
use socket2::{Domain, Socket, Type};

/// A request, and its answer in capital letters: as long.
pub const SIZE: usize = 64;

/// Who does not answer for so long does not answer.
const PATIENCE: Duration = Duration::from_secs(20);

fn request() -> [u8; SIZE] {
    let mut line = [b'a'; SIZE];
    line[SIZE - 1] = b'\n';
    line
}

/// What a load came to.
#[derive(Debug, Default)]
pub struct Load {
    /// Answers, or conversations, a second.
    pub rate: f64,
    /// How many there were.
    pub count: u64,
    /// How long each answer took, in nanoseconds, sorted.
    pub latencies: Vec<u32>,
}

impl Load {
    fn of(latencies: Vec<u32>, count: u64, time: Duration) -> Self {
        let mut latencies = latencies;
        latencies.sort_unstable();
        Self {
            rate: count as f64 / time.as_secs_f64(),
            count,
            latencies,
        }
    }

    /// The latency in microseconds that this part of the answers did not exceed.
    pub fn micros(&self, part: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let at = (last as f64 * part) as usize;
        self.latencies
            .get(at)
            .map_or(0.0, |ns| f64::from(*ns) / 1e3)
    }
}

/// A connection and what is missing of its answer.
struct Caller {
    stream: TcpStream,
    missing: usize,
    asked: Instant,
}

impl Caller {
    /// Connects; from an address of its own, so that no load runs out of ports.
    fn connect(to: SocketAddr, number: usize) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        let from = Ipv4Addr::new(127, 1, (number >> 8) as u8, number as u8);
        choose_port_late(&socket)?;
        socket.bind(&SocketAddr::from((from, 0)).into())?;
        socket.connect(&to.into())?;
        socket.set_tcp_nodelay(true)?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            stream: socket.into(),
            missing: 0,
            asked: Instant::now(),
        })
    }

    fn ask(&mut self) -> io::Result<()> {
        self.asked = Instant::now();
        self.missing = SIZE;
        // So little always finds room, as the answer to the one before has come.
        self.stream.write_all(&request())
    }

    /// Whether the answer is whole now.
    fn hear(&mut self) -> io::Result<bool> {
        let mut answer = [0; SIZE];
        match self.stream.read(&mut answer[..self.missing]) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(length) => {
                if answer[0] != b'A' && answer[0] != b'\n' {
                    return Err(io::Error::other("the answer is another"));
                }
                self.missing -= length;
                Ok(self.missing == 0)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// IP_BIND_ADDRESS_NO_PORT of ip(7): the port is chosen when the peer is known, so one
/// that another connection has with another peer will do.
fn choose_port_late(socket: &Socket) -> io::Result<()> {
    use nix::sys::socket::{setsockopt, sockopt::IpBindAddressNoPort};
    Ok(setsockopt(socket, IpBindAddressNoPort, &true)?)
}

fn watch(epoll: &Epoll, caller: &Caller, number: usize) -> io::Result<()> {
    let event = EpollEvent::new(EpollFlags::EPOLLIN, number as u64);
    Ok(epoll.add(&caller.stream, event)?)
}

/// Waits for events, and fails where none comes at all.
fn wait<'a>(
    epoll: &Epoll,
    events: &'a mut [EpollEvent],
) -> io::Result<&'a [EpollEvent]> {
    let limit = EpollTimeout::try_from(PATIENCE).unwrap_or(EpollTimeout::NONE);
    match epoll.wait(events, limit)? {
        0 => Err(ErrorKind::TimedOut.into()),
        count => Ok(&events[..count]),
    }
}

/// Asks on so many connections at once, each again as soon as it has its answer; after
/// `warm`, counts for `time`.
///
/// # Errors
///
/// Those of the sockets; a wrong answer, and none.
pub fn steady(
    to: SocketAddr,
    connections: usize,
    warm: Duration,
    time: Duration,
    mut begin: impl FnMut(),
) -> io::Result<Load> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    let mut callers = Vec::with_capacity(connections);
    for number in 0..connections {
        let mut caller = Caller::connect(to, number)?;
        watch(&epoll, &caller, number)?;
        caller.ask()?;
        callers.push(caller);
    }
    let mut events = vec![EpollEvent::empty(); 512];
    let started = Instant::now();
    let mut counting: Option<Instant> = None;
    let mut latencies = Vec::new();
    loop {
        let now = Instant::now();
        match counting {
            None if now - started >= warm => {
                counting = Some(now);
                begin();
            }
            Some(since) if now - since >= time => {
                let count = latencies.len() as u64;
                return Ok(Load::of(latencies, count, now - since));
            }
            _ => {}
        }
        for event in wait(&epoll, &mut events)? {
            let caller = &mut callers[event.data() as usize];
            if caller.hear()? {
                if counting.is_some() {
                    let took = caller.asked.elapsed().as_nanos();
                    latencies.push(took.min(u32::MAX.into()) as u32);
                }
                caller.ask()?;
            }
        }
    }
}

/// Connects, asks once, has the answer, and hangs up, so many at a time.
///
/// # Errors
///
/// As for [`steady`].
pub fn visits(
    to: SocketAddr,
    at_once: usize,
    time: Duration,
    begin: impl FnOnce(),
) -> io::Result<Load> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    let mut next = 0;
    let mut visit = |slot: usize| {
        next += 1;
        let mut caller = Caller::connect(to, next % 60_000)?;
        watch(&epoll, &caller, slot)?;
        caller.ask()?;
        Ok::<_, io::Error>(caller)
    };
    let mut callers = (0..at_once)
        .map(&mut visit)
        .collect::<io::Result<Vec<_>>>()?;
    let mut events = vec![EpollEvent::empty(); 64];
    let started = Instant::now();
    begin();
    let mut latencies = Vec::new();
    while started.elapsed() < time {
        for event in wait(&epoll, &mut events)? {
            let slot = event.data() as usize;
            if callers[slot].hear()? {
                let took = callers[slot].asked.elapsed().as_nanos();
                latencies.push(took.min(u32::MAX.into()) as u32);
                callers[slot] = visit(slot)?; // the one before is closed by this
            }
        }
    }
    let count = latencies.len() as u64;
    Ok(Load::of(latencies, count, started.elapsed()))
}

/// Connections that have had one answer each, and are silent from then on.
///
/// # Errors
///
/// As for [`steady`].
pub fn idle(to: SocketAddr, connections: usize) -> io::Result<Vec<TcpStream>> {
    let mut silent = Vec::with_capacity(connections);
    for number in 0..connections {
        let mut caller = Caller::connect(to, number)?;
        caller.stream.set_nonblocking(false)?;
        caller.stream.set_read_timeout(Some(PATIENCE))?;
        caller.ask()?;
        while !caller.hear()? {}
        silent.push(caller.stream);
    }
    Ok(silent)
}

/// Keeps so many datagrams under way; one that is lost is sent again after a while.
///
/// # Errors
///
/// Those of the socket.
pub fn datagrams(
    to: SocketAddr,
    at_once: usize,
    time: Duration,
    begin: impl FnOnce(),
) -> io::Result<Load> {
    const LOST: Duration = Duration::from_millis(100);
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(to)?;
    socket.set_read_timeout(Some(LOST))?;
    let mut asked = VecDeque::new();
    for _ in 0..at_once {
        socket.send(&request())?;
        asked.push_back(Instant::now());
    }
    let started = Instant::now();
    begin();
    let mut latencies = Vec::new();
    let mut answer = [0; SIZE];
    while started.elapsed() < time {
        match socket.recv(&mut answer) {
            Ok(_) => {
                let since = asked.pop_front().unwrap_or_else(Instant::now);
                let took = since.elapsed().as_nanos();
                latencies.push(took.min(u32::MAX.into()) as u32);
            }
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut
                ) =>
            {
                asked.pop_front();
            }
            Err(error) => return Err(error),
        }
        socket.send(&request())?;
        asked.push_back(Instant::now());
    }
    let count = latencies.len() as u64;
    Ok(Load::of(latencies, count, started.elapsed()))
}
