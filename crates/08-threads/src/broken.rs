//! Servers that are wrong on purpose, to be run, seen and explained.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::lines;

/// For what is to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// For what is not to come.
const SHORT: Duration = Duration::from_millis(300);

fn listen() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?;
    Ok((listener, addr))
}

fn call(addr: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Sends a line, and returns what comes back: a line, or why none does.
fn ask(mut stream: &TcpStream, line: &str, limit: Duration) -> io::Result<String> {
    use ErrorKind::{BrokenPipe, ConnectionReset, WouldBlock};
    stream.set_read_timeout(Some(limit))?;
    let mut answer = String::new();
    let sent = stream.write_all(format!("{line}\n").as_bytes());
    match sent.and_then(|()| BufReader::new(stream).read_line(&mut answer)) {
        Ok(0) => Ok("hung up on".into()),
        Ok(_) => Ok(answer.trim_end().to_string()),
        Err(error) => match error.kind() {
            WouldBlock => Ok("nothing".into()),
            // Whether the end or a reset comes first is a matter of microseconds.
            ConnectionReset | BrokenPipe => Ok("hung up on".into()),
            _ => Err(error),
        },
    }
}

// ANCHOR: panic
/// A pool in the manner of many tutorials: threads that take streams from a channel.
fn workers(number: usize, streams: Receiver<TcpStream>) {
    let streams = Arc::new(Mutex::new(streams));
    for _ in 0..number {
        let streams = Arc::clone(&streams);
        thread::spawn(move || {
            loop {
                let next = streams
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .recv();
                match next {
                    Ok(stream) => answer_first_word(&stream),
                    Err(_) => break,
                }
            }
        });
    }
}

/// Sends the first word of a line back. What line has no first word?
fn answer_first_word(mut stream: &TcpStream) {
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let words: Vec<&str> =
            line.split(' ').filter(|word| !word.is_empty()).collect();
        let _ = stream.write_all(format!("{}\n", words[0]).as_bytes());
    }
}
// ANCHOR_END: panic

/// What callers of that pool of two were told, one after another.
///
/// # Errors
///
/// If the sockets fail.
pub fn panicking() -> io::Result<Vec<(&'static str, String)>> {
    let (listener, addr) = listen()?;
    let (sender, streams) = mpsc::channel();
    workers(2, streams);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            if sender.send(stream).is_err() {
                break;
            }
        }
    });
    let mut told = Vec::new();
    for line in ["good morning", "", "", "anybody there?"] {
        let limit = if told.len() < 3 { PATIENCE } else { SHORT };
        told.push((line, ask(&call(addr)?, line, limit)?));
    }
    Ok(told)
}

// ANCHOR: lock
/// Who is in the room, and how to write to them.
type Room = Arc<Mutex<HashMap<SocketAddr, TcpStream>>>;

/// Tells everybody what one caller says, with the room locked so that nobody comes or
/// goes meanwhile.
fn tell_all(room: &Room, speaker: SocketAddr, line: &[u8]) {
    let members = room.lock().unwrap_or_else(PoisonError::into_inner);
    for (peer, mut stream) in members.iter() {
        if *peer != speaker {
            let _ = stream.write_all(line);
        }
    }
}
// ANCHOR_END: lock

fn chat(listener: &TcpListener) -> io::Result<()> {
    let room = Room::default();
    loop {
        let (stream, peer) = listener.accept()?;
        let (room, member) = (Arc::clone(&room), stream.try_clone()?);
        thread::spawn(move || {
            let welcome = || room.lock().unwrap_or_else(PoisonError::into_inner);
            welcome().insert(peer, member);
            let _ = (&stream).write_all(b"welcome\n");
            let mut input = BufReader::new(&stream);
            while let Ok(Some(mut line)) = lines::read_line(&mut input) {
                line.push(b'\n');
                tell_all(&room, peer, &line);
            }
            welcome().remove(&peer);
        });
    }
}

/// What became of the chat with one member that does not read.
#[derive(Debug)]
pub struct Stuck {
    /// Before: B heard A.
    pub before: bool,
    /// After: B hears A.
    pub after: bool,
    /// Somebody new is let in.
    pub newcomer: bool,
}

/// Has A talk until the member that does not read has stopped the room.
///
/// # Errors
///
/// If the sockets fail.
pub fn locked() -> io::Result<Stuck> {
    let (listener, addr) = listen()?;
    thread::spawn(move || chat(&listener));
    let enter = || -> io::Result<(TcpStream, BufReader<TcpStream>)> {
        let stream = call(addr)?;
        let mut input = BufReader::new(stream.try_clone()?);
        input.read_line(&mut String::new())?;
        Ok((stream, input))
    };
    let (_deaf, _) = enter()?;
    let (mut a, _) = enter()?;
    let (b, mut heard) = enter()?;
    let mut hears = |limit| -> io::Result<bool> {
        b.set_read_timeout(Some(limit))?;
        Ok(heard
            .read_line(&mut String::new())
            .is_ok_and(|read| read > 0))
    };
    a.write_all(b"hello\n")?;
    let before = hears(PATIENCE)?;
    // B reads all along; the deaf member's buffers fill.
    let line = [vec![b'x'; 32 << 10], b"\n".to_vec()].concat();
    a.set_write_timeout(Some(SHORT))?;
    let mut after = true;
    for _ in 0..4000 {
        if a.write_all(&line).is_err() || !hears(SHORT)? {
            after = false;
            break;
        }
    }
    let late = call(addr)?;
    late.set_read_timeout(Some(SHORT))?;
    let newcomer = (&late).read(&mut [0]).is_ok();
    for stream in [&a, &b] {
        let _ = stream.shutdown(Shutdown::Both);
    }
    Ok(Stuck {
        before,
        after,
        newcomer,
    })
}

// ANCHOR: flag
/// Serves until the flag is set. Each caller has a thread; the flag is looked at
/// before each `accept`.
fn serve_until(stop: &AtomicBool, listener: &TcpListener) -> io::Result<()> {
    while !stop.load(Ordering::SeqCst) {
        let (stream, _) = listener.accept()?;
        thread::spawn(move || lines::talk(&stream));
    }
    Ok(())
}
// ANCHOR_END: flag

/// Whether that server was over once the flag was set, and then once somebody called.
///
/// # Errors
///
/// If the sockets fail.
pub fn flag() -> io::Result<(bool, bool)> {
    let (listener, addr) = listen()?;
    let stop = Arc::new(AtomicBool::new(false));
    let (sender, ended) = mpsc::channel();
    let told = Arc::clone(&stop);
    thread::spawn(move || {
        let _ = serve_until(&told, &listener);
        let _ = sender.send(());
    });
    ask(&call(addr)?, "hello", PATIENCE)?; // by now it waits for the next
    stop.store(true, Ordering::SeqCst);
    let at_once = ended.recv_timeout(SHORT).is_ok();
    drop(call(addr)?);
    let after_a_call = at_once || ended.recv_timeout(PATIENCE).is_ok();
    Ok((at_once, after_a_call))
}
