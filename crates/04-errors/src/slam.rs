//! A server that ends a conversation as it is told.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

/// How a conversation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// In good order: all was read, then FIN.
    Fin,
    /// Thrown away: closed with unread input, so RST.
    Rst,
    /// Not at all.
    Silence,
}

/// A word is a word, however long its sender takes.
const MAX_WORD: usize = 16;

// ANCHOR: slam
/// Ends the conversation in the way that the caller's line names: `fin`, `rst`, and
/// anything else is answered with silence until the caller ends.
///
/// The line is looked at and left where it is (MSG_PEEK). Who closes now closes with
/// unread input, and the kernel sends RST ([RFC 1122, 4.2.2.13]).
///
/// [RFC 1122, 4.2.2.13]: https://www.rfc-editor.org/rfc/rfc1122
///
/// # Errors
///
/// If the caller breaks off, or says nothing for `limit`.
pub fn talk(mut stream: &TcpStream, limit: Duration) -> io::Result<Ending> {
    stream.set_read_timeout(Some(limit))?;
    let ending = loop {
        let mut seen = [0; MAX_WORD];
        let length = stream.peek(&mut seen)?;
        match &seen[..length] {
            b"rst\n" => return Ok(Ending::Rst), // and what we have seen stays unread
            b"fin\n" => break Ending::Fin,
            b"" => return Ok(Ending::Fin), // the caller was first
            line if line.ends_with(b"\n") || length == MAX_WORD => {
                break Ending::Silence;
            }
            // Half a line. A peek would find it again at once: wait a moment.
            _ => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    let mut line = Vec::new();
    if ending == Ending::Fin {
        BufReader::new(stream).read_until(b'\n', &mut line)?;
    } else {
        stream.read_to_end(&mut line)?; // silence, until the caller has enough
    }
    stream.shutdown(Shutdown::Write)?; // FIN
    Ok(ending)
}
// ANCHOR_END: slam

// ANCHOR: knock
/// Asks for an ending; what comes of it, in words.
///
/// # Errors
///
/// If the word cannot be sent.
pub fn knock(
    mut stream: &TcpStream,
    word: &str,
    limit: Duration,
) -> io::Result<String> {
    stream.set_read_timeout(Some(limit))?;
    stream.write_all(format!("{word}\n").as_bytes())?;
    Ok(match stream.read(&mut [0; 64]) {
        Ok(0) => "read returns 0: the end".into(),
        Ok(bytes) => format!("read returns {bytes} bytes"),
        Err(error) => format!("read fails: {:?}: {error}", error.kind()),
    })
}
// ANCHOR_END: knock

/// Serves one caller after another; `tell` hears of each.
///
/// # Errors
///
/// Only if accepting itself fails.
pub fn serve(
    listener: &TcpListener,
    limit: Duration,
    mut tell: impl FnMut(io::Result<Ending>),
) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        let ended = talk(&stream, limit);
        drop(stream);
        tell(ended.map_err(|error| match error.kind() {
            ErrorKind::WouldBlock => ErrorKind::TimedOut.into(),
            _ => error,
        }));
    }
}
