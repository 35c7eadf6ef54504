//! When a socket has which addresses: `getsockname` and `getpeername` at every step.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, SockAddr, Socket, Type};

/// What a socket said of itself after a step.
#[derive(Debug)]
pub struct Step {
    /// The call that was made.
    pub call: &'static str,
    /// Its own address.
    pub local: io::Result<SocketAddr>,
    /// The address at the other end.
    pub peer: io::Result<SocketAddr>,
}

// ANCHOR: session
/// Makes a client step by step, and asks it after each step who it is.
///
/// # Errors
///
/// If a step itself fails.
pub fn session() -> io::Result<Vec<Step>> {
    let server = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    server.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    server.listen(1)?;

    let client = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let mut steps = vec![step("socket", &client)];
    client.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    steps.push(step("bind", &client));
    client.connect(&server.local_addr()?)?;
    steps.push(step("connect", &client));
    Ok(steps)
}

fn step(call: &'static str, socket: &Socket) -> Step {
    let address = |address: io::Result<SockAddr>| {
        address?
            .as_socket()
            .ok_or_else(|| io::ErrorKind::Other.into())
    };
    Step {
        call,
        local: address(socket.local_addr()),
        peer: address(socket.peer_addr()),
    }
}
// ANCHOR_END: session
