//! Programs that are wrong on purpose, to be run, seen and explained.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};

use socket2::{Domain, Socket, Type};

use crate::doors::{ANY_PORT, Door, Manner};
use crate::dual::listen;

// ANCHOR: mapped
/// Lets in callers from this machine alone, and for that looks at where they come from.
///
/// It was written for a server at 127.0.0.1.
fn is_let_in(peer: SocketAddr) -> bool {
    peer.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST)
}
// ANCHOR_END: mapped

/// A caller at a server.
#[derive(Debug)]
pub struct Visit {
    /// Where the server listens.
    pub server: IpAddr,
    /// What `accept` says of the caller.
    pub peer: IpAddr,
    /// Whether it was let in.
    pub let_in: bool,
}

/// The same caller, at the server as it was and at the one that was made dual-stack.
///
/// # Errors
///
/// If the sockets fail, or there is no IPv6.
pub fn mapped() -> io::Result<[Visit; 2]> {
    let visit = |server: IpAddr| -> io::Result<Visit> {
        let listener = listen(SocketAddr::new(server, 0))?;
        let port = listener.local_addr()?.port();
        let _caller = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        let (_, peer) = listener.accept()?;
        Ok(Visit {
            server,
            peer: peer.ip(),
            let_in: is_let_in(peer),
        })
    };
    Ok([
        visit(Ipv4Addr::LOCALHOST.into())?,
        visit(Ipv6Addr::UNSPECIFIED.into())?,
    ])
}

// ANCHOR: v6only
/// Listens "on all addresses". The option's default is the machine's affair; here it
/// is as some systems and some administrators set it.
fn listen_on_all() -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV6, Type::STREAM, None)?;
    socket.set_only_v6(true)?;
    socket.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)).into())?;
    socket.listen(128)?;
    Ok(socket.into())
}
// ANCHOR_END: v6only

/// What callers of both families hear from a server "on all addresses".
///
/// # Errors
///
/// If the sockets fail, or there is no IPv6.
pub fn v6only() -> io::Result<[(IpAddr, io::Result<()>); 2]> {
    let listener = listen_on_all()?;
    let port = listener.local_addr()?.port();
    let ips = [Ipv6Addr::LOCALHOST.into(), IpAddr::V4(Ipv4Addr::LOCALHOST)];
    Ok(ips.map(|ip| (ip, TcpStream::connect((ip, port)).map(drop))))
}

// ANCHOR: first_only
/// Connects to a name's addresses, or so it seems.
fn connect_to_first(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let first = addresses.first().ok_or(io::ErrorKind::InvalidInput)?;
    TcpStream::connect(first)
}
// ANCHOR_END: first_only

/// Two addresses of one server, of which the second answers: what the function above
/// makes of them, and what std does, which tries them all.
///
/// # Errors
///
/// If the sockets fail.
pub fn first_only() -> io::Result<[io::Result<()>; 2]> {
    let dead = Door::open(ANY_PORT, Manner::Refuses)?;
    let alive = Door::open(ANY_PORT, Manner::Answers)?;
    let addresses = [dead.address(), alive.address()];
    Ok([
        connect_to_first(&addresses).map(drop),
        TcpStream::connect(&addresses[..]).map(drop),
    ])
}
