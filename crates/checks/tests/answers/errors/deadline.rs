//! Answers to `errors/deadline`.

use std::io::{self, ErrorKind, Read};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use checks::answers::{Answer, Expected};
use checks::errors::deadline as check;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("deadline right: a thread", check(a_thread)),
        Answer::right("deadline right: short steps", check(short_steps)),
        Answer::wrong("M66", "deadline: per read", check(per_read)),
        Answer::wrong("M64", "deadline: no limit", check(no_limit)),
        Answer::wrong("M63", "deadline: WouldBlock", check(would_block)),
        Answer::wrong("M61", "deadline: a plain connect", check(plain_connect)),
        Answer::wrong("M67", "deadline: zero handed on", check(zero_handed_on)),
        Answer::wrong("M1", "deadline: one read", check(one_read)),
        Answer::unnamed("silent", "deadline: a part is fine", check(a_part)),
        Answer::unnamed("reset", "deadline: hides a reset", check(hides_a_reset)),
        Answer::unnamed("whole", "deadline: always late", check(always_late)),
        Answer {
            name: "deadline: the stub",
            check: check(|_, _| todo!("the task")),
            expected: Expected::Untouched,
        },
    ]
}

fn late() -> io::Error {
    io::Error::new(ErrorKind::TimedOut, "the time is over")
}

fn named(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::WouldBlock => late(),
        _ => error,
    }
}

fn rest(mut stream: TcpStream) -> io::Result<Vec<u8>> {
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).map(|_| reply)
}

/// A thread reads as long as it likes; this one waits as long as was agreed.
fn a_thread(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    let (sender, done) = mpsc::channel();
    thread::spawn(move || {
        let _ = sender.send(TcpStream::connect(server).and_then(rest));
    });
    done.recv_timeout(limit).map_err(|_| late())?
}

fn short_steps(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    let end = Instant::now() + limit;
    if limit.is_zero() {
        return Err(late());
    }
    let mut stream = TcpStream::connect_timeout(&server, limit)?;
    stream.set_read_timeout(Some(Duration::from_millis(20)))?;
    let mut reply = Vec::new();
    let mut byte = [0];
    while Instant::now() < end {
        match stream.read(&mut byte) {
            Ok(0) => return Ok(reply),
            Ok(_) => reply.push(byte[0]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Err(late())
}

fn per_read(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    let stream = TcpStream::connect_timeout(&server, limit)?;
    stream.set_read_timeout(Some(limit))?;
    rest(stream).map_err(named)
}

fn no_limit(server: SocketAddr, _: Duration) -> io::Result<Vec<u8>> {
    rest(TcpStream::connect(server)?)
}

fn would_block(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    let stream = TcpStream::connect_timeout(&server, limit)?;
    stream.set_read_timeout(Some(limit))?;
    rest(stream)
}

fn plain_connect(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    within(TcpStream::connect(server)?, Instant::now() + limit)
}

/// Reads until the deadline; hands on whatever is left of the time.
fn within(mut stream: TcpStream, end: Instant) -> io::Result<Vec<u8>> {
    let mut reply = Vec::new();
    let mut buffer = [0; 100];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        match stream.read(&mut buffer).map_err(named)? {
            0 => return Ok(reply),
            _ if Instant::now() > end => return Err(late()),
            read => reply.extend_from_slice(&buffer[..read]),
        }
    }
}

fn zero_handed_on(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    let end = Instant::now() + limit;
    within(TcpStream::connect_timeout(&server, limit)?, end)
}

fn one_read(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&server, limit)?;
    stream.set_read_timeout(Some(limit))?;
    let mut buffer = [0; 1000];
    let read = stream.read(&mut buffer).map_err(named)?;
    Ok(buffer[..read].to_vec())
}

fn a_part(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&server, limit)?;
    stream.set_read_timeout(Some(limit))?;
    let mut reply = Vec::new();
    match stream.read_to_end(&mut reply) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(reply),
        result => result.map(|_| reply),
    }
}

fn hides_a_reset(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    match short_steps(server, limit) {
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(Vec::new()),
        result => result,
    }
}

fn always_late(_: SocketAddr, _: Duration) -> io::Result<Vec<u8>> {
    Err(late())
}
