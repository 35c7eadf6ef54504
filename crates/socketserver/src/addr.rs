//! Addresses of both families of transports.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::{fmt, io};

use socket2::SockAddr;

/// An address of a server or of who talks to it.
///
/// ```
/// use socketserver::{Addr, Server};
///
/// let server = Server::tcp("127.0.0.1:0").bind()?;
/// match server.local_addr() {
///     Addr::Inet(addr) => println!("port {}", addr.port()),
///     Addr::Path(path) => println!("the file {}", path.display()),
///     other => println!("{other}"),
/// }
/// # Ok::<(), socketserver::BoxError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Addr {
    /// An IPv4 or IPv6 address and a port.
    Inet(SocketAddr),
    /// A path in the file system, of a Unix socket.
    Path(PathBuf),
    /// A name in Linux's abstract namespace, without the zero byte before it: unix(7).
    Abstract(Vec<u8>),
    /// A Unix socket that was never bound, as most clients' are: unix(7).
    Unnamed,
}

impl Addr {
    /// The IP address and port, unless it is a Unix socket's.
    ///
    /// ```
    /// use std::net::SocketAddr;
    ///
    /// use socketserver::Addr;
    ///
    /// let addr: SocketAddr = "127.0.0.1:80".parse()?;
    /// assert_eq!(Addr::from(addr).as_inet(), Some(addr));
    /// assert_eq!(Addr::Unnamed.as_inet(), None);
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn as_inet(&self) -> Option<SocketAddr> {
        match self {
            Addr::Inet(addr) => Some(*addr),
            _ => None,
        }
    }

    /// The path, if it is one.
    ///
    /// ```
    /// use std::path::Path;
    ///
    /// use socketserver::Addr;
    ///
    /// let addr = Addr::Path("/run/service.sock".into());
    /// assert_eq!(addr.as_path(), Some(Path::new("/run/service.sock")));
    /// ```
    pub fn as_path(&self) -> Option<&Path> {
        match self {
            Addr::Path(path) => Some(path),
            _ => None,
        }
    }

    pub(crate) fn of(addr: &SockAddr) -> Addr {
        if let Some(inet) = addr.as_socket() {
            return Addr::Inet(inet);
        }
        if let Some(name) = addr.as_abstract_namespace() {
            return Addr::Abstract(name.to_vec());
        }
        match addr.as_pathname() {
            Some(path) => Addr::Path(path.to_path_buf()),
            None => Addr::Unnamed,
        }
    }
}

impl Addr {
    /// The form in which the kernel takes it.
    pub(crate) fn to_sock_addr(&self) -> io::Result<SockAddr> {
        match self {
            Addr::Inet(addr) => Ok((*addr).into()),
            Addr::Path(path) => SockAddr::unix(path),
            Addr::Abstract(name) => {
                let mut path = vec![0];
                path.extend_from_slice(name);
                SockAddr::unix(OsStr::from_bytes(&path))
            }
            Addr::Unnamed => Err(io::Error::new(
                io::ErrorKind::AddrNotAvailable,
                "an unnamed socket has no address to send to",
            )),
        }
    }
}

impl fmt::Display for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Addr::Inet(addr) => addr.fmt(f),
            Addr::Path(path) => path.as_os_str().as_bytes().escape_ascii().fmt(f),
            Addr::Abstract(name) => write!(f, "@{}", name.escape_ascii()),
            Addr::Unnamed => f.write_str("an unnamed socket"),
        }
    }
}

impl From<SocketAddr> for Addr {
    fn from(addr: SocketAddr) -> Addr {
        Addr::Inet(addr)
    }
}

/// Who a request is from.
///
/// ```
/// use std::io::Write;
///
/// use socketserver::{Conn, Next, Peer, Result};
///
/// /// For `serve`: a handler that knows who it is for.
/// fn open(peer: &Peer) -> impl FnMut(&mut Conn) -> Result<Next> + use<> {
///     let words = format!("welcome to {}, {}\n", peer.local, peer.addr);
///     move |conn| {
///         conn.write_all(words.as_bytes())?;
///         Ok(Next::Close)
///     }
/// }
/// # Ok::<(), socketserver::BoxError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// Its address.
    pub addr: Addr,
    /// The address at which it found the server: a server that is bound to `0.0.0.0`
    /// has many.
    pub local: Addr,
    /// The how manieth of its server's requests this is, counted from 1.
    pub id: u64,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.addr.fmt(f)
    }
}
