//! Gopher (RFC 1436): a page over one connection, and every way to miss it.

use std::error::Error;
use std::fmt;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::time::Duration;

/// The longest page that is taken, in bytes.
pub const MAX_PAGE: u64 = 1 << 20;

/// The longest selector that is listened to, in bytes with its line end.
const MAX_SELECTOR: u64 = 257; // RFC 1436: 255 characters, and CRLF

// ANCHOR: failure
/// Why there is no page: the stage at which it failed.
#[derive(Debug)]
pub enum Failure {
    /// The host's name has no address.
    Name(io::Error),
    /// Nobody listens there.
    Refused(io::Error),
    /// The other side has broken the connection off.
    Reset(io::Error),
    /// Nothing came for so long.
    TimedOut(Duration),
    /// The stream ended before the page's last line, after so many bytes.
    Truncated(usize),
    /// The server has no such page; it says why.
    NotFound(String),
    /// Something else.
    Other(io::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Name(_) => write!(f, "the name has no address"),
            Failure::Refused(_) => write!(f, "nobody listens there"),
            Failure::Reset(_) => write!(f, "the server broke the connection off"),
            Failure::TimedOut(limit) => write!(f, "nothing came for {limit:?}"),
            Failure::Truncated(bytes) => {
                write!(f, "the page is cut short, after {bytes} bytes")
            }
            Failure::NotFound(why) => write!(f, "no such page: {why}"),
            Failure::Other(_) => write!(f, "the connection failed"),
        }
    }
}

/// `source` is what lies below: an error that is printed with its chain of sources
/// says both what we wanted and what the kernel said.
impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Failure::Name(error)
            | Failure::Refused(error)
            | Failure::Reset(error)
            | Failure::Other(error) => Some(error),
            Failure::TimedOut(_) | Failure::Truncated(_) | Failure::NotFound(_) => {
                None
            }
        }
    }
}
// ANCHOR_END: failure

impl Failure {
    /// What a program exits with, so that a script can tell, too.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Other(_) => 1, // and 2 is for what was asked wrongly
            Failure::Name(_) => 3,
            Failure::Refused(_) => 4,
            Failure::Reset(_) => 5,
            Failure::TimedOut(_) => 6,
            Failure::Truncated(_) => 7,
            Failure::NotFound(_) => 8,
        }
    }
}

// ANCHOR: fetch
/// Fetches the page `selector` from `place`, a host and a port such as
/// `localhost:7070`. No step waits longer than `limit`.
///
/// # Errors
///
/// The stage at which it failed.
pub fn fetch(
    place: &str,
    selector: &str,
    limit: Duration,
) -> Result<Vec<u8>, Failure> {
    let stage = |error| of_connection(error, limit);
    let stream = dial(place, limit)?;
    stream.set_read_timeout(Some(limit)).map_err(stage)?;
    stream.set_write_timeout(Some(limit)).map_err(stage)?;
    let request = format!("{selector}\r\n"); // one message, one write
    (&stream).write_all(request.as_bytes()).map_err(stage)?;
    let mut answer = Vec::new();
    let mut input = (&stream).take(MAX_PAGE);
    input.read_to_end(&mut answer).map_err(stage)?;
    page(&answer)
}

/// What an error of the connection means to whoever wanted a page.
fn of_connection(error: io::Error, limit: Duration) -> Failure {
    match error.kind() {
        ErrorKind::ConnectionRefused => Failure::Refused(error),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Failure::Reset(error),
        // A connect says the first, a read or a write says the second.
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Failure::TimedOut(limit),
        _ => Failure::Other(error),
    }
}
// ANCHOR_END: fetch

// ANCHOR: dial
/// Connects to the first of the name's addresses that takes the call.
///
/// To look a name up is another conversation, with another server, and fails in ways
/// of its own: before there is a socket.
fn dial(place: &str, limit: Duration) -> Result<TcpStream, Failure> {
    let mut last = None;
    for addr in place.to_socket_addrs().map_err(Failure::Name)? {
        match TcpStream::connect_timeout(&addr, limit) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    let nothing = || Failure::Name(io::Error::other("the name has no address"));
    Err(last.map_or_else(nothing, |error| of_connection(error, limit)))
}
// ANCHOR_END: dial

// ANCHOR: page
/// The page in all that a server has sent: the lines before the one that is a period
/// alone. A period that begins a line of the page was doubled on the way.
///
/// # Errors
///
/// `Truncated` without that line; `NotFound` if the first item is an error, whose type
/// is 3. It takes all of the answer, in however many pieces it has come.
pub fn page(answer: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    for line in answer.split_inclusive(|byte| *byte == b'\n') {
        if line == b".\r\n" || line == b".\n" {
            return match page.strip_prefix(b"3") {
                None => Ok(page),
                Some(why) => Err(Failure::NotFound(reason(why))),
            };
        }
        page.extend_from_slice(match line {
            [b'.', rest @ ..] if rest.starts_with(b".") => rest,
            line => line,
        });
    }
    Err(Failure::Truncated(answer.len()))
}
// ANCHOR_END: page

/// The words of an error item: up to the first tab, of its first line.
fn reason(item: &[u8]) -> String {
    let end = item.iter().position(|byte| b"\t\r\n".contains(byte));
    let words = String::from_utf8_lossy(&item[..end.unwrap_or(item.len())]);
    words.chars().filter(|c| !c.is_control()).collect()
}

/// What the burrow has, by selector.
const PAGES: &[(&str, &str)] = &[
    (
        "",
        "iWelcome to the burrow.\t\tnone\t0\r\n0Today's tea\t/tea\tlocalhost\t7070\r\n",
    ),
    ("/tea", "Darjeeling, first flush.\r\n.5 litres a pot.\r\n"),
];

/// The answer to a selector, with its last line.
pub fn answer(selector: &str) -> String {
    let known = PAGES.iter().find(|(name, _)| *name == selector);
    let mut answer = match known {
        Some((_, text)) => text.replace("\r\n.", "\r\n.."), // see `page`
        None => {
            let shown: String =
                selector.chars().filter(|c| !c.is_control()).collect();
            format!("3'{shown}' does not exist\t\terror.host\t1\r\n")
        }
    };
    answer.push_str(".\r\n");
    answer
}

/// One caller's visit: a selector, a page, the end.
///
/// # Errors
///
/// If the caller breaks off, is too slow, or does not end its line in time.
pub fn talk(stream: &TcpStream, limit: Duration) -> io::Result<String> {
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    let mut line = Vec::new();
    BufReader::new(stream.take(MAX_SELECTOR)).read_until(b'\n', &mut line)?;
    if !line.ends_with(b"\n") {
        let why = "the selector has no end, or is too long";
        return Err(io::Error::new(ErrorKind::InvalidData, why));
    }
    let selector = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
    let mut output = stream;
    output.write_all(answer(&selector).as_bytes())?;
    Ok(selector)
}

/// Serves one caller after another; `tell` hears of each.
///
/// # Errors
///
/// Only if accepting itself fails.
pub fn serve(
    listener: &TcpListener,
    limit: Duration,
    mut tell: impl FnMut(io::Result<String>),
) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        tell(talk(&stream, limit)); // an error of one caller is news, no more
    }
}
