//! Programs that are wrong on purpose, to be run, seen and explained.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use crate::count::{Counted, Counts};
use crate::server::{is_timeout, pair};

/// A server takes some microseconds to read; one that takes so long has died.
const PATIENCE: Duration = Duration::from_secs(10);

// ANCHOR: one_read
/// Answers each message with how it has understood it, between brackets.
///
/// It is wrong about what a `read` brings.
fn answer_messages(mut stream: impl Read + Write) -> io::Result<()> {
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
fn answer_texts(mut stream: impl Read + Write) -> io::Result<()> {
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
    /// To the same line, which arrived in pieces.
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
    answers(|client| answer_messages(client), "good morning\n", 5)
}

/// Talks to the server that decodes what each read brings.
///
/// # Errors
///
/// If the sockets fail.
pub fn utf8() -> io::Result<Answers> {
    answers(|client| answer_texts(client), "grüße\n", 3)
}

type Answer = fn(Counted<'_>) -> io::Result<()>;

fn answers(answer: Answer, line: &str, size: usize) -> io::Result<Answers> {
    let pieces: Vec<&[u8]> = line.as_bytes().chunks(size).collect();
    Ok(Answers {
        direct: converse(answer, &[line.as_bytes()])?,
        cut: converse(answer, &pieces)?,
        joined: converse(answer, &[line.repeat(2).as_bytes()])?,
    })
}

/// Runs both ends; the lines of the server's answer to `pieces`.
fn converse(answer: Answer, pieces: &[&[u8]]) -> io::Result<Vec<String>> {
    let (client, server) = pair()?;
    let counts = Counts::default();
    thread::scope(|scope| {
        scope.spawn(|| {
            let server = server; // closed when this thread ends
            answer(Counted {
                stream: &server,
                counts: &counts,
            })
        });
        say(client, pieces, &counts)
    })
}

// ANCHOR: say
/// Sends `pieces`, each after the server has read the one before, as a slow network
/// would bring them. Returns the lines of the answer.
fn say(
    mut server: TcpStream,
    pieces: &[&[u8]],
    at_server: &Counts,
) -> io::Result<Vec<String>> {
    server.set_nodelay(true)?; // no piece waits for the next one
    let started = Instant::now();
    let mut sent = 0;
    for piece in pieces {
        server.write_all(piece)?;
        sent += piece.len() as u64;
        while at_server.read.load(Relaxed) < sent {
            if started.elapsed() > PATIENCE {
                return Err(ErrorKind::TimedOut.into());
            }
            thread::yield_now();
        }
    }
    server.shutdown(Shutdown::Write)?;
    BufReader::new(server).lines().collect()
}
// ANCHOR_END: say

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

/// Sends `length` bytes to an echo server before it reads the first one back. `None`
/// if that went well; where both stand, if the client could not write for `patience`.
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
