//! The checks of lesson 4: when it goes wrong.

mod deadline;
mod gopher;
mod half_close;
mod stop;
mod survivor;

pub use checks::Check;
pub use deadline::deadline;
pub use gopher::gopher;
pub use half_close::half_close;
pub use stop::stop;
pub use survivor::survivor;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;

use rustix::net::{self, AddressFamily, SocketType};

use checks::engine::{Peer, Stage};
use checks::symptom::{Doing, Symptom};

/// An address at which nobody listens, for as long as this lives.
struct Closed {
    addr: SocketAddr,
    /// It keeps the port: nobody else can listen there meanwhile.
    _socket: OwnedFd,
}

impl Closed {
    fn new() -> io::Result<Self> {
        let socket = net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
        let addr = bound(&socket)?;
        Ok(Self {
            addr,
            _socket: socket,
        })
    }
}

/// A server that listens and never accepts, and whose queue is full: a further call
/// gets no answer, neither yes nor no.
struct FullQueue {
    addr: SocketAddr,
    _sockets: Vec<OwnedFd>,
}

impl FullQueue {
    fn new() -> io::Result<Self> {
        /// Linux admits one more than the backlog, other systems some more.
        const CALLERS: usize = 8;
        let listener = net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
        let addr = bound(&listener)?;
        net::listen(&listener, 0)?;
        let mut sockets = vec![listener];
        for _ in 0..CALLERS {
            let caller = net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
            // Those for whom there is no room go on trying, and need not be waited for.
            rustix::io::ioctl_fionbio(&caller, true)?;
            match net::connect(&caller, &addr) {
                Ok(()) | Err(rustix::io::Errno::INPROGRESS) => sockets.push(caller),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Self {
            addr,
            _sockets: sockets,
        })
    }
}

/// Binds to a port of the kernel's choice; which it is.
fn bound(socket: &OwnedFd) -> io::Result<SocketAddr> {
    net::bind(socket, &SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let addr = net::getsockname(socket)?;
    Ok(SocketAddr::try_from(addr)?)
}

/// Says `word`, and expects it back in capitals.
fn ask(stage: &mut Stage, peer: &mut Peer, word: &[u8]) -> Result<(), Symptom> {
    stage.send(peer, word)?;
    stage.expect(peer, &word.to_ascii_uppercase())
}

/// A whole visit: says `word`, gets it in capitals, ends, and sees the end.
fn say(stage: &mut Stage, word: &[u8]) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, word)?;
    peer.end();
    stage.expect_end(&mut peer)
}

/// Every thread of the program that has a say is blocked, and one of them in `call`.
fn is_blocked_in(symptom: &Symptom, calls: &[&str]) -> bool {
    symptom.doing == Some(Doing::Blocked)
        && symptom
            .calls
            .iter()
            .any(|call| calls.contains(&call.as_str()))
}

/// The calls that wait for bytes.
const RECEIVES: &[&str] = &["recvfrom", "recvmsg", "read", "readv"];

/// The calls that wait for room.
const SENDS: &[&str] = &["sendto", "sendmsg", "write", "writev"];

/// The calls that wait for somebody to call.
const ACCEPTS: &[&str] = &["accept4", "accept"];
