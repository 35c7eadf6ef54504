//! A client's four steps: create, connect, talk, close.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::lines::{read_line, send};
use crate::server::{PATIENCE, explain_timeout};

// ANCHOR: connect
/// Connects to `server`: `socket`, `connect`. Dropping the stream closes it.
///
/// The kernel picks our own address and a port that is free (an *ephemeral* port). It
/// gives up after some two minutes if nobody answers at all
/// ([tcp(7)](https://man7.org/linux/man-pages/man7/tcp.7.html), `tcp_syn_retries`).
///
/// # Errors
///
/// `ConnectionRefused` if nobody listens there; `TimedOut` if nothing answers.
pub fn connect(server: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}
// ANCHOR_END: connect

// ANCHOR: ask
/// Sends `question` as one line and waits for the answer, one line.
///
/// `server` must stay the same from question to question: a [`BufReader`] may hold
/// more than it has given out, which is lost if it is dropped.
///
/// # Errors
///
/// If the connection breaks; `UnexpectedEof` if the server hangs up instead of
/// answering; `TimedOut` if it is silent for [`PATIENCE`].
pub fn ask(
    server: &mut BufReader<impl Read + Write>,
    question: &[u8],
) -> io::Result<Vec<u8>> {
    send(server.get_mut(), question.to_vec())?;
    let answer =
        read_line(server).map_err(|error| explain_timeout(error, PATIENCE))?;
    let why = "the server hung up instead of answering";
    answer.ok_or_else(|| io::Error::new(ErrorKind::UnexpectedEof, why))
}
// ANCHOR_END: ask

// ANCHOR: dialogue
/// Asks `server` each line typed at `keyboard`, and shows the answers on `screen`.
///
/// A blank line asks nothing and is skipped. The dialogue is over when the input of
/// `keyboard` is: Ctrl-D in a terminal.
///
/// # Errors
///
/// Those of [`ask`], of `keyboard` and of `screen`.
pub fn dialogue(
    mut keyboard: impl BufRead,
    mut screen: impl Write,
    server: &mut BufReader<impl Read + Write>,
) -> io::Result<()> {
    loop {
        write!(screen, ">>> ")?;
        screen.flush()?; // a terminal shows a line when it is whole, or when told to
        let Some(question) = read_line(&mut keyboard)? else {
            return writeln!(screen);
        };
        if !question.trim_ascii().is_empty() {
            writeln!(screen, "{}", printable(&ask(server, &question)?))?;
        }
    }
}
// ANCHOR_END: dialogue

// ANCHOR: printable
/// `bytes` as text for a terminal, with `�` for what is not UTF-8 and for control
/// characters: a stranger's could move the cursor, or worse.
pub fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let visible = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().map(visible).collect()
}
// ANCHOR_END: printable
