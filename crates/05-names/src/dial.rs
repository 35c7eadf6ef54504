//! From several addresses to one connection: Python's `create_connection`.

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use std::{error, fmt, io};

use socket2::{Domain, Protocol, Socket, Type};

/// How long to wait for a connection.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For one address. Nobody may answer there, and another one waits behind it.
    pub each: Duration,
    /// For all of them together: what the caller is ready to wait.
    pub total: Duration,
}

/// One attempt that failed.
#[derive(Debug)]
pub struct Attempt {
    /// Where it went.
    pub address: SocketAddr,
    /// Why it failed.
    pub error: io::Error,
}

/// Why there is no connection: all attempts, in order.
#[derive(Debug)]
pub struct DialError {
    /// Those that were made.
    pub attempts: Vec<Attempt>,
    /// How many addresses there was no time left for.
    pub untried: usize,
}

// ANCHOR: dial
/// Connects to the first of `addresses` that answers.
///
/// They are tried one after another, each for as long as `limits` allow; the socket is
/// bound to `source` first, if there is one.
///
/// # Errors
///
/// All attempts and their errors, if none succeeded.
pub fn dial(
    addresses: &[SocketAddr],
    limits: Limits,
    source: Option<IpAddr>,
) -> Result<TcpStream, DialError> {
    let start = Instant::now();
    let mut attempts = Vec::new();
    for (tried, &address) in addresses.iter().enumerate() {
        let left = limits.total.saturating_sub(start.elapsed());
        if left.is_zero() {
            let untried = addresses.len() - tried;
            return Err(DialError { attempts, untried });
        }
        match connect(address, limits.each.min(left), source) {
            Ok(stream) => return Ok(stream),
            Err(error) => attempts.push(Attempt { address, error }),
        }
    }
    Err(DialError {
        attempts,
        untried: 0,
    })
}
// ANCHOR_END: dial

// ANCHOR: connect
/// One attempt: `socket`, `bind` to the source, `connect` with a time limit.
///
/// Port 0 at the source leaves the port to the kernel. `connect_timeout` makes the
/// socket non-blocking, waits in poll(2), and makes it blocking again.
///
/// # Errors
///
/// Those of the three calls; `TimedOut` if nobody has answered within `limit`.
pub fn connect(
    address: SocketAddr,
    limit: Duration,
    source: Option<IpAddr>,
) -> io::Result<TcpStream> {
    let family = Domain::for_address(address);
    let socket = Socket::new(family, Type::STREAM, Some(Protocol::TCP))?;
    if let Some(source) = source {
        socket.bind(&SocketAddr::new(source, 0).into())?;
    }
    socket.connect_timeout(&address.into(), limit)?;
    Ok(socket.into())
}
// ANCHOR_END: connect

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.attempts.is_empty() && self.untried == 0 {
            return write!(f, "there is no address to connect to");
        }
        write!(f, "no address answers")?;
        for (n, Attempt { address, error }) in self.attempts.iter().enumerate() {
            let mark = if n == 0 { ':' } else { ';' };
            write!(f, "{mark} {address}: {error}")?;
        }
        match self.untried {
            0 => Ok(()),
            untried => write!(f, "; no time was left for {untried} more"),
        }
    }
}

// No `source`: the text names every error already, the last one too.
impl error::Error for DialError {}
