//! One server for callers of both families.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

/// How many callers the kernel keeps waiting; std asks for as many.
const BACKLOG: i32 = 128;

/// How long a caller that has its line may take to hang up, too.
const LINGER: Duration = Duration::from_secs(1);

// ANCHOR: listen
/// Listens at `address`, and at `[::]` for callers of both families.
///
/// Whether an IPv6 socket takes IPv4 callers too is an option, IPV6_V6ONLY
/// (ipv6(7)), whose default the machine's owner can change. So it is said.
///
/// # Errors
///
/// If the address is taken, is none of this machine, or needs rights we lack.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let family = Domain::for_address(address);
    let socket = Socket::new(family, Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?; // before `bind`; afterwards it is too late
    }
    socket.set_reuse_address(true)?; // as in chapter 1
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
// ANCHOR_END: listen

// ANCHOR: caller
/// The caller's address as the caller would write it.
///
/// At an IPv6 socket an IPv4 caller has an address that was made up for it, the IPv4
/// one behind `::ffff:` (RFC 4291, 2.5.5.2). In a log, or beside a list of who may come
/// in, it is a stranger.
///
/// ```
/// let caller = "[::ffff:192.0.2.7]:50001".parse().unwrap();
/// assert_eq!(lesson_5::dual::caller(caller).to_string(), "192.0.2.7:50001");
/// ```
pub fn caller(peer: SocketAddr) -> SocketAddr {
    match peer.ip().to_canonical() {
        // An address that is its own stays whole: `new` would forget its scope.
        same if same == peer.ip() => peer,
        v4 => SocketAddr::new(v4, peer.port()),
    }
}
// ANCHOR_END: caller

/// What there is to tell about a caller.
#[derive(Debug)]
pub struct Called {
    /// Its address as `accept` has it.
    pub peer: SocketAddr,
    /// What went wrong with its visit, if anything did.
    pub lost: Option<io::Error>,
}

/// Tells each caller its address, one line, and ends the connection.
///
/// # Errors
///
/// Returns only when accepting itself has failed.
pub fn serve(listener: &TcpListener, mut tell: impl FnMut(Called)) -> io::Result<()> {
    loop {
        match listener.accept() {
            Ok((stream, peer)) => tell(Called {
                peer,
                lost: answer(&stream, peer).err(),
            }),
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
            Err(error) => return Err(error),
        }
    }
}

/// One visit: the line, our end, and what the caller still sends is dropped, so that
/// the kernel does not reset the connection under the line (chapter 2).
fn answer(mut stream: &TcpStream, peer: SocketAddr) -> io::Result<()> {
    stream.set_write_timeout(Some(LINGER))?;
    stream.write_all(line(peer).as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(Some(LINGER))?;
    let started = Instant::now();
    while started.elapsed() < LINGER {
        match stream.read(&mut [0; 1024]) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                return Err(error);
            }
            Err(_) => break, // silence: it has its line, and we have waited
        }
    }
    Ok(())
}

/// What a caller is told.
pub fn line(peer: SocketAddr) -> String {
    let family = match caller(peer) {
        SocketAddr::V4(_) => "IPv4",
        SocketAddr::V6(_) => "IPv6",
    };
    format!("you are {} over {family}\n", caller(peer))
}

/// Connects to `server` and hears it out.
///
/// # Errors
///
/// If nobody answers, or the connection breaks.
pub fn ask(server: SocketAddr) -> io::Result<Vec<u8>> {
    const PATIENCE: Duration = Duration::from_secs(10);
    const LONGEST: usize = 1024; // bytes; a line has less than 100
    let stream = TcpStream::connect_timeout(&server, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut line = Vec::with_capacity(LONGEST);
    stream.take(LONGEST as u64).read_to_end(&mut line)?;
    Ok(line)
}
