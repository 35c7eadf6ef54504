//! Addresses that behave in a known way, for demonstrations and tests.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

/// On this machine alone (loopback), at a port that the kernel chooses.
pub const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// What happens to a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// The kernel shakes hands.
    Answers,
    /// The port is bound and nobody listens: the kernel says no, at once.
    Refuses,
    /// The queue is full: Linux drops the caller's packet and says nothing, and so
    /// does a firewall, or a machine that is switched off.
    Silent,
}

/// An address of this machine at which callers are treated in one manner.
#[derive(Debug)]
pub struct Door {
    address: SocketAddr,
    _socket: Socket,
    _fillers: Vec<TcpStream>,
}

impl Door {
    // ANCHOR: open
    /// Opens a door at `address`, whose port may be 0.
    ///
    /// # Errors
    ///
    /// If the sockets fail.
    pub fn open(address: SocketAddr, manner: Manner) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.bind(&address.into())?;
        let address = socket
            .local_addr()?
            .as_socket()
            .ok_or(io::ErrorKind::AddrNotAvailable)?;
        let mut fillers = Vec::new();
        match manner {
            Manner::Refuses => {}
            Manner::Answers => socket.listen(16)?,
            Manner::Silent => {
                socket.listen(0)?; // Linux: room for one
                fillers = fill(address)?;
            }
        }
        Ok(Self {
            address,
            _socket: socket,
            _fillers: fillers,
        })
    }
    // ANCHOR_END: open

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Calls until nobody answers any more, and keeps what was answered.
fn fill(address: SocketAddr) -> io::Result<Vec<TcpStream>> {
    const MANY: usize = 16; // a kernel that admits more does not keep to the backlog
    const SILENCE: Duration = Duration::from_millis(100); // loopback needs far less
    let mut fillers = Vec::new();
    while fillers.len() < MANY {
        match TcpStream::connect_timeout(&address, SILENCE) {
            Ok(filler) => fillers.push(filler),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => break,
            Err(error) => return Err(error),
        }
    }
    Ok(fillers)
}
