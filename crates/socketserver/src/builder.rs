//! What a server is told before it is bound.

use std::io;
use std::marker::PhantomData;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use socket2::Socket;

use crate::addr::{Addr, Peer};
use crate::conn::Ways;
use crate::error::Error;
use crate::handle::Stats;
use crate::server::{Datagrams, Server, Streams};

type Verify = Box<dyn Fn(&Peer) -> bool + Send + Sync>;
type OnError = Box<dyn Fn(&Peer, &Error) + Send + Sync>;
type Observe = Box<dyn Fn(&Peer, Step) + Send + Sync>;
type Tick = Mutex<Box<dyn FnMut(&Stats) + Send>>;

/// A step of a request, in the order in which they happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The peer is looked at: is it welcome?
    Verify,
    /// A thread, a process or the server's own loop takes the request.
    Process,
    /// The handler is made and prepares.
    Setup,
    /// The handler serves a request, or the whole conversation.
    Handle,
    /// The handler cleans up.
    Finish,
    /// The sending side of the connection is shut down: the peer sees the end.
    Shutdown,
    /// The connection is closed.
    Close,
}

/// How a connection is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Closing {
    /// The sending side is shut down, then the connection is closed. Where bytes of the
    /// peer's lie unread, the kernel sends a reset and the peer may lose the answer.
    #[default]
    Graceful,
    /// The sending side is shut down, and what still comes is read and thrown away until
    /// the peer has ended too, or for so long: so an answer to a peer that goes on
    /// talking is not lost.
    Linger(Duration),
    /// The connection is reset, and what was not yet sent is thrown away.
    Abort,
}

/// What the threads of a server share of what it was told.
pub(crate) struct Config {
    pub(crate) ways: Ways,
    pub(crate) nodelay: bool,
    pub(crate) closing: Closing,
    pub(crate) drain: Duration,
    pub(crate) max_packet: usize,
    pub(crate) busy: Option<Vec<u8>>,
    pub(crate) verify: Option<Verify>,
    pub(crate) on_error: OnError,
    pub(crate) observe: Option<Observe>,
    pub(crate) tick: Option<(Duration, Tick)>,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<std::sync::Arc<rustls::ServerConfig>>,
}

impl Config {
    /// Whether what is sent in plain text would be taken for rubbish.
    pub(crate) fn speaks_tls(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.is_some();
        #[cfg(not(feature = "tls"))]
        false
    }

    pub(crate) fn report(&self, peer: &Peer, error: &Error) {
        (self.on_error)(peer, error);
    }

    pub(crate) fn step(&self, peer: &Peer, step: Step) {
        if let Some(observe) = &self.observe {
            observe(peer, step);
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        let ways = Ways {
            read_buffer: 8 << 10,
            write_buffer: 8 << 10,
            read_timeout: None,
            write_timeout: None,
            request_deadline: None,
        };
        Self {
            ways,
            nodelay: true,
            closing: Closing::default(),
            drain: Duration::from_secs(30),
            max_packet: 65_535,
            busy: None,
            verify: None,
            on_error: Box::new(|peer, error| eprintln!("{peer}: {error}")),
            observe: None,
            tick: None,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

/// What [`Builder::bind`] binds to.
pub(crate) enum Place {
    Inet(Vec<SocketAddr>),
    Unix(Addr),
    /// A socket that somebody else has bound.
    Given(Socket),
}

/// Options of the socket, which are set before it is bound.
pub(crate) struct Options {
    pub(crate) backlog: i32,
    pub(crate) reuse_address: bool,
    pub(crate) reuse_port: bool,
    pub(crate) only_v6: Option<bool>,
}

/// A server that is not bound yet. Made by [`Server::tcp`] and its like.
#[must_use = "a server that is not bound does nothing"]
pub struct Builder<K> {
    place: io::Result<Place>,
    options: Options,
    config: Config,
    kind: PhantomData<K>,
}

impl Server<Streams> {
    /// A server of TCP connections at an address; port 0 has the kernel choose one.
    ///
    /// A name is looked up, and the first of its addresses that can be bound is taken.
    pub fn tcp(addr: impl ToSocketAddrs) -> Builder<Streams> {
        Builder::new(inet(addr))
    }

    /// A server at a socket that is bound already: of systemd's, of a parent process's,
    /// or a [`TcpListener`](std::net::TcpListener) that a test has made. Options of the
    /// address are not set on it; `listen` is called again, which is harmless.
    pub fn from_listener(listener: impl Into<OwnedFd>) -> Builder<Streams> {
        Builder::new(Ok(Place::Given(Socket::from(listener.into()))))
    }

    /// A server of connections at a path in the file system, or in Linux's abstract
    /// namespace where the path begins with a zero byte.
    pub fn unix(path: impl Into<PathBuf>) -> Builder<Streams> {
        Builder::new(Ok(unix(path.into())))
    }
}

impl Server<Datagrams> {
    /// A server of UDP datagrams at an address; port 0 has the kernel choose one.
    pub fn udp(addr: impl ToSocketAddrs) -> Builder<Datagrams> {
        Builder::new(inet(addr))
    }

    /// A server at a socket that is bound already, such as a
    /// [`UdpSocket`](std::net::UdpSocket).
    pub fn from_socket(socket: impl Into<OwnedFd>) -> Builder<Datagrams> {
        Builder::new(Ok(Place::Given(Socket::from(socket.into()))))
    }

    /// A server of datagrams at a path in the file system, or in Linux's abstract
    /// namespace where the path begins with a zero byte.
    pub fn unix_datagram(path: impl Into<PathBuf>) -> Builder<Datagrams> {
        Builder::new(Ok(unix(path.into())))
    }
}

fn inet(addr: impl ToSocketAddrs) -> io::Result<Place> {
    Ok(Place::Inet(addr.to_socket_addrs()?.collect()))
}

fn unix(path: PathBuf) -> Place {
    use std::os::unix::ffi::OsStrExt;
    let bytes = path.as_os_str().as_bytes();
    Place::Unix(match bytes.strip_prefix(&[0]) {
        Some(name) => Addr::Abstract(name.to_vec()),
        None => Addr::Path(path),
    })
}

impl<K> Builder<K> {
    fn new(place: io::Result<Place>) -> Self {
        let options = Options {
            backlog: 4096,
            reuse_address: true,
            reuse_port: false,
            only_v6: None,
        };
        Self {
            place,
            options,
            config: Config::default(),
            kind: PhantomData,
        }
    }

    pub(crate) fn into_parts(self) -> io::Result<(Place, Options, Config)> {
        Ok((self.place?, self.options, self.config))
    }

    /// Whether the port may be bound while connections of an earlier run linger:
    /// SO_REUSEADDR of socket(7). On by default, except for datagrams, where it would
    /// let two servers share a port.
    pub fn reuse_address(mut self, on: bool) -> Self {
        self.options.reuse_address = on;
        self
    }

    /// Whether several sockets may be bound to the same address, among which the kernel
    /// distributes what comes: SO_REUSEPORT of socket(7). Off by default.
    pub fn reuse_port(mut self, on: bool) -> Self {
        self.options.reuse_port = on;
        self
    }

    /// Whether an IPv6 server refuses IPv4 peers: IPV6_V6ONLY of ipv6(7). By default the
    /// machine decides; on Linux an IPv6 wildcard serves both.
    pub fn only_v6(mut self, on: bool) -> Self {
        self.options.only_v6 = Some(on);
        self
    }

    /// Who is served. Others are closed at once. By default everybody is; a panic counts
    /// as a refusal.
    pub fn verify(
        mut self,
        verify: impl Fn(&Peer) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.config.verify = Some(Box::new(verify));
        self
    }

    /// What is done about an error in a request. By default it is printed to standard
    /// error in one line.
    pub fn on_error(
        mut self,
        report: impl Fn(&Peer, &Error) + Send + Sync + 'static,
    ) -> Self {
        self.config.on_error = Box::new(report);
        self
    }

    /// Is told of every step of every request, for logs and figures.
    pub fn observe(
        mut self,
        observe: impl Fn(&Peer, Step) + Send + Sync + 'static,
    ) -> Self {
        self.config.observe = Some(Box::new(observe));
        self
    }

    /// Does something in the server's loop about every so often. It waits for the loop:
    /// under [`Strategy::Inline`](crate::Strategy::Inline) for the request that is served.
    pub fn on_tick(
        mut self,
        every: Duration,
        tick: impl FnMut(&Stats) + Send + 'static,
    ) -> Self {
        self.config.tick = Some((every, Mutex::new(Box::new(tick))));
        self
    }

    /// How long a stopped server waits for the requests that it still serves, before it
    /// shuts their connections down. Half a minute by default.
    pub fn drain(mut self, limit: Duration) -> Self {
        self.config.drain = limit;
        self
    }
}

impl Builder<Streams> {
    /// How many connections the kernel keeps until they are accepted: listen(2). 4096 by
    /// default, which most machines allow; what is more is silently less.
    pub fn backlog(mut self, connections: u32) -> Self {
        self.options.backlog = i32::try_from(connections).unwrap_or(i32::MAX);
        self
    }

    /// How many bytes are read at a time. 8 KiB by default, and at least 1.
    pub fn read_buffer(mut self, bytes: usize) -> Self {
        self.config.ways.read_buffer = bytes.max(1);
        self
    }

    /// How many bytes of an answer are kept until they are sent. 8 KiB by default; with
    /// 0 every write goes out at once.
    pub fn write_buffer(mut self, bytes: usize) -> Self {
        self.config.ways.write_buffer = bytes;
        self
    }

    /// How long a handler waits for the next bytes of its peer before it gets
    /// [`io::ErrorKind::TimedOut`]. For ever by default.
    pub fn read_timeout(mut self, limit: Duration) -> Self {
        self.config.ways.read_timeout = Some(limit);
        self
    }

    /// How long a handler waits for the kernel to take bytes, which it does not while the
    /// peer does not read. For ever by default.
    pub fn write_timeout(mut self, limit: Duration) -> Self {
        self.config.ways.write_timeout = Some(limit);
        self
    }

    /// How long a request may take in all, from its first byte to the return of
    /// [`handle`](crate::Handler::handle). No time limit for single bytes stops a peer
    /// that sends one now and then; this does. For ever by default.
    pub fn request_deadline(mut self, limit: Duration) -> Self {
        self.config.ways.request_deadline = Some(limit);
        self
    }

    /// Whether small writes go out at once: TCP_NODELAY of tcp(7). On by default, since
    /// what is written is buffered here.
    pub fn nodelay(mut self, on: bool) -> Self {
        self.config.nodelay = on;
        self
    }

    /// How connections are closed.
    pub fn closing(mut self, closing: Closing) -> Self {
        self.config.closing = closing;
        self
    }

    /// What a peer is told that is refused because the server is at its limit. By
    /// default it only sees the end.
    pub fn busy(mut self, words: impl Into<Vec<u8>>) -> Self {
        self.config.busy = Some(words.into());
        self
    }

    /// Has every connection speak TLS, with rustls.
    ///
    /// The handshake is done where the handler runs, with its first read or write, and
    /// [`read_timeout`](Self::read_timeout) bounds each of its steps: a peer that says
    /// nothing keeps nobody else from being accepted. A peer that is not welcome, or comes
    /// while the server is busy, sees the end without a word.
    ///
    /// A connection that ends without the peer's having said so is an error of
    /// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) for the handler that reads: somebody
    /// may have cut it (RFC 8446, section 6.1).
    #[cfg(feature = "tls")]
    pub fn tls(mut self, config: std::sync::Arc<rustls::ServerConfig>) -> Self {
        self.config.tls = Some(config);
        self
    }
}

impl Builder<Datagrams> {
    /// How long a datagram may be, in bytes; longer ones are dropped and reported. By
    /// default 65,535, more than any can be.
    pub fn max_packet(mut self, bytes: usize) -> Self {
        self.config.max_packet = bytes;
        self
    }
}
