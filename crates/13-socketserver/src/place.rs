//! Where a server is, in one word: the transport and the address.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// An address with its transport.
///
/// ```
/// use lesson_13::place::Place;
///
/// assert_eq!("127.0.0.1:9".parse(), Ok(Place::Tcp(([127, 0, 0, 1], 9).into())));
/// assert_eq!("unix:/tmp/x".parse(), Ok(Place::Unix("/tmp/x".into())));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `127.0.0.1:9999` or `tcp:127.0.0.1:9999`: a stream over IP.
    Tcp(SocketAddr),
    /// `udp:127.0.0.1:9999`: datagrams over IP.
    Udp(SocketAddr),
    /// `unix:/tmp/upper`: a stream at a file.
    Unix(PathBuf),
    /// `unixgram:/tmp/upper`: datagrams at a file.
    UnixDatagram(PathBuf),
}

impl std::str::FromStr for Place {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{given}` is no place: 127.0.0.1:9999, udp:127.0.0.1:9999, \
                 unix:/tmp/upper and unixgram:/tmp/upper are"
            )
        };
        let addr = |text: &str| text.parse().map_err(|_| wrong());
        let path = |text: &str| match text {
            "" => Err(wrong()),
            text => Ok(PathBuf::from(text)),
        };
        match given.split_once(':') {
            Some(("unix", rest)) => path(rest).map(Place::Unix),
            Some(("unixgram", rest)) => path(rest).map(Place::UnixDatagram),
            Some(("udp", rest)) => addr(rest).map(Place::Udp),
            Some(("tcp", rest)) => addr(rest).map(Place::Tcp),
            _ => addr(given).map(Place::Tcp),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Tcp(addr) => write!(f, "{addr}"),
            Place::Udp(addr) => write!(f, "udp:{addr}"),
            Place::Unix(path) => write!(f, "unix:{}", path.display()),
            Place::UnixDatagram(path) => write!(f, "unixgram:{}", path.display()),
        }
    }
}
