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
///
/// ```
/// use std::net::TcpStream;
/// use std::sync::{Arc, Mutex};
///
/// use socketserver::{Conn, Next, Server, Step};
///
/// let steps = Arc::new(Mutex::new(Vec::new()));
/// let seen = Arc::clone(&steps);
/// let server = Server::tcp("127.0.0.1:0")
///     .observe(move |_peer, step| seen.lock().unwrap().push(step))
///     .bind()?;
/// let caller = TcpStream::connect(server.local_addr().to_string())?;
/// drop(caller); // it says nothing, so there is nothing to handle
/// server.serve_one(None, |_peer| |_: &mut Conn| Ok(Next::Close))?;
/// use Step::*;
/// assert_eq!(*steps.lock().unwrap(), [Verify, Process, Setup, Finish, Shutdown, Close]);
/// # Ok::<(), socketserver::BoxError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
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
///
/// ```
/// use std::time::Duration;
///
/// use socketserver::{Closing, Server};
///
/// // A peer may send more than it is answered to, and is to have the answer all the same.
/// let server = Server::tcp("127.0.0.1:0")
///     .closing(Closing::Linger(Duration::from_secs(5)))
///     .bind()?;
/// # Ok::<(), socketserver::BoxError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
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
///
/// ```
/// use std::time::Duration;
///
/// use socketserver::Server;
///
/// let server = Server::tcp("127.0.0.1:0")
///     .backlog(128)
///     .read_timeout(Duration::from_secs(60))
///     .request_deadline(Duration::from_secs(10))
///     .drain(Duration::from_secs(5))
///     .bind()?;
/// assert_ne!(server.local_addr().as_inet().map(|addr| addr.port()), Some(0));
/// # Ok::<(), socketserver::BoxError>(())
/// ```
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
    ///
    /// ```
    /// use socketserver::Server;
    ///
    /// let server = Server::tcp("localhost:0").bind()?;
    /// println!("listening on {}", server.local_addr());
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn tcp(addr: impl ToSocketAddrs) -> Builder<Streams> {
        Builder::new(inet(addr))
    }

    /// A server at a socket that is bound already: of systemd's, of a parent process's,
    /// or a [`TcpListener`](std::net::TcpListener) that a test has made. Options of the
    /// address are not set on it; `listen` is called again, which is harmless.
    ///
    /// ```
    /// use std::net::TcpListener;
    ///
    /// use socketserver::Server;
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let addr = listener.local_addr()?;
    /// let server = Server::from_listener(listener).bind()?;
    /// assert_eq!(server.local_addr().as_inet(), Some(addr));
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn from_listener(listener: impl Into<OwnedFd>) -> Builder<Streams> {
        Builder::new(Ok(Place::Given(Socket::from(listener.into()))))
    }

    /// A server of connections at a path in the file system, or in Linux's abstract
    /// namespace where the path begins with a zero byte.
    ///
    /// ```
    /// use socketserver::Server;
    ///
    /// let path = std::env::temp_dir().join(format!("doc-{}.sock", std::process::id()));
    /// let server = Server::unix(&path).bind()?;
    /// assert_eq!(server.local_addr().as_path(), Some(&*path));
    /// drop(server);
    /// assert!(!path.exists());
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn unix(path: impl Into<PathBuf>) -> Builder<Streams> {
        Builder::new(Ok(unix(path.into())))
    }
}

impl Server<Datagrams> {
    /// A server of UDP datagrams at an address; port 0 has the kernel choose one.
    ///
    /// ```
    /// use socketserver::Server;
    ///
    /// let server = Server::udp("127.0.0.1:0").bind()?;
    /// println!("datagrams go to {}", server.local_addr());
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn udp(addr: impl ToSocketAddrs) -> Builder<Datagrams> {
        Builder::new(inet(addr))
    }

    /// A server at a socket that is bound already, such as a
    /// [`UdpSocket`](std::net::UdpSocket).
    ///
    /// ```
    /// use std::net::UdpSocket;
    ///
    /// use socketserver::Server;
    ///
    /// let socket = UdpSocket::bind("127.0.0.1:0")?;
    /// socket.set_broadcast(true)?;
    /// let server = Server::from_socket(socket).bind()?;
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn from_socket(socket: impl Into<OwnedFd>) -> Builder<Datagrams> {
        Builder::new(Ok(Place::Given(Socket::from(socket.into()))))
    }

    /// A server of datagrams at a path in the file system, or in Linux's abstract
    /// namespace where the path begins with a zero byte.
    ///
    /// ```
    /// use socketserver::Server;
    ///
    /// let path = std::env::temp_dir().join(format!("doc-{}.datagrams", std::process::id()));
    /// let server = Server::unix_datagram(&path).bind()?;
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
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
    ///
    /// ```
    /// use socketserver::Server;
    ///
    /// // Rather fail than take a port on which an earlier run's connections linger.
    /// let server = Server::tcp("127.0.0.1:0").reuse_address(false).bind()?;
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn reuse_address(mut self, on: bool) -> Self {
        self.options.reuse_address = on;
        self
    }

    /// Whether several sockets may be bound to the same address, among which the kernel
    /// distributes what comes: SO_REUSEPORT of socket(7). Off by default.
    ///
    /// ```
    /// use socketserver::Server;
    ///
    /// let first = Server::tcp("127.0.0.1:0").reuse_port(true).bind()?;
    /// let addr = first.local_addr().to_string();
    /// let second = Server::tcp(&addr).reuse_port(true).bind()?;
    /// assert!(Server::tcp(&addr).bind().is_err());
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn reuse_port(mut self, on: bool) -> Self {
        self.options.reuse_port = on;
        self
    }

    /// Whether an IPv6 server refuses IPv4 peers: IPV6_V6ONLY of ipv6(7). By default the
    /// machine decides; on Linux an IPv6 wildcard serves both.
    ///
    /// ```
    /// use socketserver::Server;
    ///
    /// let v6 = Server::tcp("[::]:0").only_v6(true).bind()?;
    /// let port = v6.local_addr().as_inet().map_or(0, |addr| addr.port());
    /// // So the port is free in the other family.
    /// let v4 = Server::tcp(("0.0.0.0", port)).bind()?;
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn only_v6(mut self, on: bool) -> Self {
        self.options.only_v6 = Some(on);
        self
    }

    /// Who is served. Others are closed at once. By default everybody is; a panic counts
    /// as a refusal.
    ///
    /// ```
    /// use std::io::Read;
    /// use std::net::TcpStream;
    ///
    /// use socketserver::{Conn, Next, Served, Server};
    ///
    /// let server = Server::tcp("127.0.0.1:0")
    ///     .verify(|peer| peer.addr.as_inet().is_some_and(|addr| !addr.ip().is_loopback()))
    ///     .bind()?;
    /// let mut caller = TcpStream::connect(server.local_addr().to_string())?;
    /// let served = server.serve_one(None, |_peer| |_: &mut Conn| Ok(Next::Close))?;
    /// assert_eq!(served, Served::Refused);
    /// assert_eq!(caller.read(&mut [0])?, 0);
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn verify(
        mut self,
        verify: impl Fn(&Peer) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.config.verify = Some(Box::new(verify));
        self
    }

    /// What is done about an error in a request. By default it is printed to standard
    /// error in one line.
    ///
    /// ```
    /// use std::io::Write;
    /// use std::net::TcpStream;
    /// use std::sync::mpsc;
    ///
    /// use socketserver::{Conn, Next, Result, Server};
    ///
    /// let (told, hear) = mpsc::channel();
    /// let server = Server::tcp("127.0.0.1:0")
    ///     .on_error(move |peer, error| drop(told.send(format!("{peer}: {error}"))))
    ///     .bind()?;
    /// let mut caller = TcpStream::connect(server.local_addr().to_string())?;
    /// caller.write_all(b"hello\n")?;
    /// let fails = |_: &mut Conn| -> Result<Next> { Err("I know no hello".into()) };
    /// server.serve_one(None, |_peer| fails)?;
    /// let from = caller.local_addr()?;
    /// assert_eq!(hear.recv()?, format!("{from}: handle failed: I know no hello"));
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn on_error(
        mut self,
        report: impl Fn(&Peer, &Error) + Send + Sync + 'static,
    ) -> Self {
        self.config.on_error = Box::new(report);
        self
    }

    /// Is told of every step of every request, for logs and figures.
    ///
    /// ```
    /// use socketserver::Server;
    ///
    /// let server = Server::tcp("127.0.0.1:0")
    ///     .observe(|peer, step| eprintln!("request {} of {peer}: {step:?}", peer.id))
    ///     .bind()?;
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn observe(
        mut self,
        observe: impl Fn(&Peer, Step) + Send + Sync + 'static,
    ) -> Self {
        self.config.observe = Some(Box::new(observe));
        self
    }

    /// Does something in the server's loop about every so often. It waits for the loop:
    /// under [`Strategy::Inline`](crate::Strategy::Inline) for the request that is served.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use socketserver::Server;
    ///
    /// let server = Server::tcp("127.0.0.1:0")
    ///     .on_tick(Duration::from_secs(60), |stats| eprintln!("{stats:?}"))
    ///     .bind()?;
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
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
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use socketserver::Server;
    ///
    /// // Nobody is waited for.
    /// let server = Server::tcp("127.0.0.1:0").drain(Duration::ZERO).bind()?;
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn drain(mut self, limit: Duration) -> Self {
        self.config.drain = limit;
        self
    }
}

impl Builder<Streams> {
    /// How many connections the kernel keeps until they are accepted: listen(2). 4096 by
    /// default, which most machines allow; what is more is silently less.
    ///
    /// ```
    /// use socketserver::Server;
    ///
    /// let server = Server::tcp("127.0.0.1:0").backlog(16).bind()?;
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn backlog(mut self, connections: u32) -> Self {
        self.options.backlog = i32::try_from(connections).unwrap_or(i32::MAX);
        self
    }

    /// How many bytes are read at a time. 8 KiB by default, and at least 1.
    ///
    /// ```
    /// use socketserver::Server;
    ///
    /// // Many connections, small requests.
    /// let server = Server::tcp("127.0.0.1:0").read_buffer(512).bind()?;
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn read_buffer(mut self, bytes: usize) -> Self {
        self.config.ways.read_buffer = bytes.max(1);
        self
    }

    /// How many bytes of an answer are kept until they are sent. 8 KiB by default; with
    /// 0 every write goes out at once.
    ///
    /// ```
    /// use socketserver::Server;
    ///
    /// let server = Server::tcp("127.0.0.1:0").write_buffer(0).bind()?;
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn write_buffer(mut self, bytes: usize) -> Self {
        self.config.ways.write_buffer = bytes;
        self
    }

    /// How long a handler waits for the next bytes of its peer before it gets
    /// [`io::ErrorKind::TimedOut`]. For ever by default.
    ///
    /// ```
    /// use std::net::TcpStream;
    /// use std::sync::mpsc;
    /// use std::time::Duration;
    ///
    /// use socketserver::{Conn, Next, Server};
    ///
    /// let (told, hear) = mpsc::channel();
    /// let server = Server::tcp("127.0.0.1:0")
    ///     .read_timeout(Duration::from_millis(10))
    ///     .on_error(move |_peer, error| drop(told.send(error.to_string())))
    ///     .bind()?;
    /// let silent = TcpStream::connect(server.local_addr().to_string())?;
    /// server.serve_one(None, |_peer| |_: &mut Conn| Ok(Next::Close))?;
    /// assert!(hear.recv()?.contains("nothing came from 127.0.0.1:"));
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn read_timeout(mut self, limit: Duration) -> Self {
        self.config.ways.read_timeout = Some(limit);
        self
    }

    /// How long a handler waits for the kernel to take bytes, which it does not while the
    /// peer does not read. For ever by default.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use socketserver::Server;
    ///
    /// let server = Server::tcp("127.0.0.1:0").write_timeout(Duration::from_secs(30)).bind()?;
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn write_timeout(mut self, limit: Duration) -> Self {
        self.config.ways.write_timeout = Some(limit);
        self
    }

    /// How long a request may take in all, from its first byte to the return of
    /// [`handle`](crate::Handler::handle). No time limit for single bytes stops a peer
    /// that sends one now and then; this does. For ever by default.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use socketserver::Server;
    ///
    /// let server = Server::tcp("127.0.0.1:0")
    ///     .read_timeout(Duration::from_secs(60)) // silence between requests
    ///     .request_deadline(Duration::from_secs(10)) // a request that never becomes whole
    ///     .bind()?;
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn request_deadline(mut self, limit: Duration) -> Self {
        self.config.ways.request_deadline = Some(limit);
        self
    }

    /// Whether small writes go out at once: TCP_NODELAY of tcp(7). On by default, since
    /// what is written is buffered here.
    ///
    /// ```
    /// use socketserver::Server;
    ///
    /// let server = Server::tcp("127.0.0.1:0").nodelay(false).bind()?;
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn nodelay(mut self, on: bool) -> Self {
        self.config.nodelay = on;
        self
    }

    /// How connections are closed.
    ///
    /// ```
    /// use socketserver::{Closing, Server};
    ///
    /// let server = Server::tcp("127.0.0.1:0").closing(Closing::Abort).bind()?;
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn closing(mut self, closing: Closing) -> Self {
        self.config.closing = closing;
        self
    }

    /// What a peer is told that is refused because the server is at its limit. By
    /// default it only sees the end.
    ///
    /// ```
    /// use socketserver::Server;
    ///
    /// let server = Server::tcp("127.0.0.1:0")
    ///     .busy("421 Too many connections, come back later.\r\n")
    ///     .bind()?;
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
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
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use socketserver::{Conn, Next, Server, Strategy};
    ///
    /// fn serve(config: Arc<rustls::ServerConfig>) -> std::io::Result<()> {
    ///     let server = Server::tcp("127.0.0.1:8443").tls(config).bind()?;
    ///     server.serve(Strategy::Threads { max: 1000 }, |_peer| |_: &mut Conn| Ok(Next::Close))?;
    ///     Ok(())
    /// }
    /// ```
    #[cfg(feature = "tls")]
    pub fn tls(mut self, config: std::sync::Arc<rustls::ServerConfig>) -> Self {
        self.config.tls = Some(config);
        self
    }
}

impl Builder<Datagrams> {
    /// How long a datagram may be, in bytes; longer ones are dropped and reported. By
    /// default 65,535, more than any can be.
    ///
    /// ```
    /// use socketserver::Server;
    ///
    /// // As DNS without extensions: RFC 1035, section 4.2.1.
    /// let server = Server::udp("127.0.0.1:0").max_packet(512).bind()?;
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn max_packet(mut self, bytes: usize) -> Self {
        self.config.max_packet = bytes;
        self
    }
}
