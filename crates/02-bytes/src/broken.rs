//! Programs that are wrong on purpose, to be run, seen and explained.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use wire::proxy::{Cut, Proxy, Rechunk};

use crate::count::{Counted, Counts};
use crate::server::{ANY_PORT, is_timeout, pair};

// ANCHOR: one_read
/// Answers each message with how it has understood it, between brackets.
///
/// It is wrong about what a `read` brings.
fn answer_messages(mut stream: &TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        let message = buffer[..length].trim_ascii_end().escape_ascii();
        stream.write_all(format!("[{message}]\n").as_bytes())?;
    }
}
// ANCHOR_END: one_read

// ANCHOR: utf8
/// Answers each line with how it has understood it, between brackets.
///
/// It finds the lines, whatever the reads bring. It is wrong about text.
fn answer_texts(mut stream: &TcpStream) -> io::Result<()> {
    let mut text = String::new();
    let mut buffer = [0; 1024];
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        text.push_str(&String::from_utf8_lossy(&buffer[..length]));
        while let Some((line, rest)) = text.split_once('\n') {
            stream.write_all(format!("[{line}]\n").as_bytes())?;
            text = rest.to_string();
        }
    }
}
// ANCHOR_END: utf8

/// What a server has answered.
#[derive(Debug)]
pub struct Answers {
    /// To a line that arrived whole.
    pub direct: Vec<String>,
    /// To the same line, cut into pieces by a proxy.
    pub cut: Vec<String>,
    /// To two lines that arrived together.
    pub joined: Vec<String>,
}

/// Talks to the server that takes a read for a message.
///
/// # Errors
///
/// If the sockets fail.
pub fn one_read() -> io::Result<Answers> {
    answers(answer_messages, "good morning\n", 5)
}

/// Talks to the server that decodes what each read brings.
///
/// # Errors
///
/// If the sockets fail.
pub fn utf8() -> io::Result<Answers> {
    answers(answer_texts, "grüße\n", 3)
}

fn answers(
    answer: fn(&TcpStream) -> io::Result<()>,
    line: &str,
    piece: usize,
) -> io::Result<Answers> {
    let server = start(answer)?;
    // The pause lets the server take a piece before the next one arrives.
    let drip = Rechunk::new(Cut::Bytes(piece)).pause(Duration::from_millis(50));
    let proxy: Proxy = drip.start(TcpListener::bind(ANY_PORT)?, server)?;
    Ok(Answers {
        direct: say(server, line)?,
        cut: say(proxy.addr(), line)?,
        joined: say(server, &line.repeat(2))?,
    })
}

/// Starts a server that lives as long as this process, for one client at a time.
fn start(answer: fn(&TcpStream) -> io::Result<()>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(ANY_PORT)?;
    let addr = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream.and_then(|stream| answer(&stream)); // the client's affair
        }
    });
    Ok(addr)
}

/// Says `text` in one write and returns the lines of the answer.
fn say(server: SocketAddr, text: &str) -> io::Result<Vec<String>> {
    let mut stream = TcpStream::connect(server)?;
    stream.write_all(text.as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    BufReader::new(stream).lines().collect()
}

// ANCHOR: deadlock
/// Sends `message` to a server that sends everything back, and returns the answer.
///
/// Each end does what it should. Together they wait for ever.
fn send_then_read(
    mut server: impl Read + Write,
    message: &[u8],
) -> io::Result<Vec<u8>> {
    server.write_all(message)?;
    let mut answer = vec![0; message.len()];
    server.read_exact(&mut answer)?;
    Ok(answer)
}

/// Sends everything back, as it comes.
fn echo(mut client: impl Read + Write) -> io::Result<()> {
    let mut buffer = [0; 64 * 1024];
    loop {
        let length = client.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        client.write_all(&buffer[..length])?;
    }
}
// ANCHOR_END: deadlock

/// How far both ends have come, in bytes.
#[derive(Debug)]
pub struct Stall {
    /// The client has written so many, and read none.
    pub sent: u64,
    /// The server has read so many of them.
    pub received: u64,
    /// And written so many back.
    pub returned: u64,
}

/// Sends `length` bytes to an echo server before it reads the first one back. `None` if
/// that went well; where both stand, if the client could not write for `patience`.
///
/// # Errors
///
/// If the sockets fail in another way.
pub fn deadlock(length: usize, patience: Duration) -> io::Result<Option<Stall>> {
    let (client, server) = pair()?;
    let (here, there) = (Counts::default(), Counts::default());
    thread::scope(|scope| {
        scope.spawn(|| {
            let server = server; // closed when this thread ends
            echo(Counted {
                stream: &server,
                counts: &there,
            })
        });
        client.set_write_timeout(Some(patience))?;
        let stream = Counted {
            stream: &client,
            counts: &here,
        };
        let outcome = send_then_read(stream, &vec![b'x'; length]);
        let stall = Stall {
            sent: here.written.load(Relaxed),
            received: there.read.load(Relaxed),
            returned: there.written.load(Relaxed),
        };
        drop(client); // with unread bytes: a reset, which ends the server's waiting
        match outcome {
            Ok(_) => Ok(None),
            Err(error) if is_timeout(&error) => Ok(Some(stall)),
            Err(error) => Err(error),
        }
    })
}
