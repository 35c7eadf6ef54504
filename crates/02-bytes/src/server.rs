//! The sockets: the first lesson takes its time for them.

use std::io::{self, ErrorKind, Read};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// On this machine alone (loopback), at a port that the kernel chooses.
pub const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// How long a client may be silent. Nobody else is served meanwhile, but a person who
/// talks to us with `nc` needs time to think, and to read on.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// How long a client that has got everything may take to hang up, too.
const LINGER: Duration = Duration::from_secs(1);

/// What there is to tell about a client.
#[derive(Debug)]
pub enum News {
    /// Its visit begins.
    Came,
    /// Its visit is over; it was sent so many messages.
    Left(usize),
    /// Its visit was cut short by this.
    Lost(io::Error),
}

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
    mut talk: impl FnMut(&TcpStream) -> io::Result<usize>,
    mut tell: impl FnMut(SocketAddr, News),
) -> io::Result<()> {
    loop {
        let (stream, peer) = match listener.accept() {
            Err(error) if is_of_a_client(&error) => continue,
            result => result?,
        };
        tell(peer, News::Came);
        match visit(&stream, patience, &mut talk) {
            Ok(messages) => tell(peer, News::Left(messages)),
            Err(error) => tell(peer, News::Lost(explain_timeout(error, patience))),
        }
    }
}

fn visit(
    mut stream: &TcpStream,
    patience: Duration,
    talk: &mut impl FnMut(&TcpStream) -> io::Result<usize>,
) -> io::Result<usize> {
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    let messages = talk(stream)?;

    // To close with unread bytes would reset the connection, and what the client has
    // not received by then would be lost.
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(Some(LINGER))?;
    let started = Instant::now();
    let mut unread = [0; 1024];
    while started.elapsed() < LINGER {
        match stream.read(&mut unread) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if is_timeout(&error) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(messages)
}

/// Whether this error of `accept` tells what became of a client while it waited,
/// which is no reason to stop ([accept(2)], "Error handling").
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

fn explain_timeout(error: io::Error, patience: Duration) -> io::Error {
    if is_timeout(&error) {
        let why = format!("no byte came or went for {patience:?}");
        return io::Error::new(ErrorKind::TimedOut, why);
    }
    error
}

/// `read` and `write` report a timeout as `WouldBlock` on Unix.
pub(crate) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

// ANCHOR: pair
/// Both ends of a new connection over loopback, the client's first.
///
/// # Errors
///
/// If the sockets fail.
pub fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind(ANY_PORT)?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    Ok((client, server))
}
// ANCHOR_END: pair
