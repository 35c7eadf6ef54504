//! A server's six steps: create, bind, listen, accept, talk, close.

use std::io::{self, ErrorKind, Read};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

/// On this machine alone (loopback), at a port that the kernel chooses.
pub const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// How many clients the kernel keeps waiting while we are busy; std asks for as many.
pub const BACKLOG: i32 = 128;

/// How long a client may be silent. Nobody else is served meanwhile, but a person who
/// talks to us with `nc` needs time to think, and to read on.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// How long a client that has got everything may take to hang up, too.
const LINGER: Duration = Duration::from_secs(1);

// ANCHOR: listen
/// Opens a listening socket: `socket`, `setsockopt`, `bind`, `listen`.
///
/// With port 0 the kernel chooses a free port; [`TcpListener::local_addr`] tells
/// which. [`TcpListener::bind`] makes the same four calls with a `backlog` of 128.
///
/// # Errors
///
/// If the address is taken, is none of this machine, or needs rights we lack
/// ([bind(2)](https://man7.org/linux/man-pages/man2/bind.2.html)).
pub fn listen(addr: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let family = Domain::for_address(addr); // AF_INET or AF_INET6
    let socket = Socket::new(family, Type::STREAM, Some(Protocol::TCP))?;
    // A server that is started again would find its port still taken, for a minute,
    // by the ended connections of its last run (TIME_WAIT), and `bind` would fail.
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.listen(backlog)?; // from here on the kernel accepts in our name
    Ok(socket.into())
}
// ANCHOR_END: listen

// ANCHOR: news
/// What there is to tell about a client.
#[derive(Debug)]
pub enum News {
    /// Its visit begins.
    Came,
    /// Its visit is over; it was sent so many lines.
    Left(usize),
    /// Its visit was cut short by this.
    Lost(io::Error),
}
// ANCHOR_END: news

// ANCHOR: serve
/// Serves one client after another: `talk` talks to each, `tell` hears of each.
///
/// What goes wrong with one client ends its visit, not the server. A client that is
/// silent for `patience` has to go.
///
/// # Errors
///
/// Returns only when accepting itself has failed.
pub fn serve(
    listener: &TcpListener,
    patience: Duration,
    talk: impl Fn(&TcpStream) -> io::Result<usize>,
    mut tell: impl FnMut(SocketAddr, News),
) -> io::Result<()> {
    loop {
        let (stream, peer) = accept(listener)?;
        tell(peer, News::Came);
        match visit(&stream, patience, &talk) {
            Ok(lines) => tell(peer, News::Left(lines)),
            Err(error) => tell(peer, News::Lost(error)),
        }
    } // `stream` is dropped here, which closes the connection
}
// ANCHOR_END: serve

// ANCHOR: accept
/// Takes the next client from the kernel's queue, or waits for one.
fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    loop {
        match listener.accept() {
            Err(error) if is_of_a_client(&error) => {}
            result => return result,
        }
    }
}

/// Whether this error of `accept` tells what became of a client while it waited,
/// which is no reason to stop ([accept(2)], "Error handling"). Not even a reset need
/// come out here: Linux yields the connection, and its first `read` fails.
///
/// [accept(2)]: https://man7.org/linux/man-pages/man2/accept.2.html
fn is_of_a_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::NetworkDown
            | ErrorKind::NetworkUnreachable
            | ErrorKind::HostUnreachable
    )
}
// ANCHOR_END: accept

// ANCHOR: visit
/// One client's visit, from the first byte to the last.
fn visit(
    stream: &TcpStream,
    patience: Duration,
    talk: impl Fn(&TcpStream) -> io::Result<usize>,
) -> io::Result<usize> {
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    let lines = talk(stream).map_err(|error| explain_timeout(error, patience))?;
    hang_up(stream, LINGER)?;
    Ok(lines)
}
// ANCHOR_END: visit

// ANCHOR: hang_up
/// Says that we are done, then waits, for `linger` at most, until the client is too.
///
/// Closing a socket that holds unread bytes, or that gets more, resets the
/// connection: what the client's kernel has not received by then is lost, and the
/// client meets an error where it looks for the end. So what it still sends is read,
/// and dropped ([RFC 1122, 4.2.2.13], [RFC 2525, 2.17]).
///
/// [RFC 1122, 4.2.2.13]: https://www.rfc-editor.org/rfc/rfc1122
/// [RFC 2525, 2.17]: https://www.rfc-editor.org/rfc/rfc2525
///
/// # Errors
///
/// If the client breaks off.
pub fn hang_up(mut stream: &TcpStream, linger: Duration) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?; // the client reads 0 bytes: the end
    stream.set_read_timeout(Some(linger))?;
    let started = Instant::now();
    let mut unread = [0; 1024];
    while started.elapsed() < linger {
        match stream.read(&mut unread) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if is_timeout(&error) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
// ANCHOR_END: hang_up

/// Says of a timeout what was waited for; the kernel's own words for it are
/// "Resource temporarily unavailable".
pub(crate) fn explain_timeout(error: io::Error, patience: Duration) -> io::Error {
    if is_timeout(&error) {
        let why = format!("no byte came or went for {patience:?}");
        return io::Error::new(ErrorKind::TimedOut, why);
    }
    error
}

/// `read` and `write` report a timeout as `WouldBlock` on Unix.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
