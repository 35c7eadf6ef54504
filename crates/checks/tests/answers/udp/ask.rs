//! Answers to `udp/ask`.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use checks::answers::Answer;
use checks::udp::ask as check;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("ask right: connected", check(connected)),
        Answer::right("ask right: polls", check(polls)),
        Answer::wrong("M30", "ask: little end first", check(little_end)),
        Answer::wrong("M6", "ask: whole buffer", check(whole_buffer)),
        Answer::wrong("M53", "ask: waits for a word", check(waits_for_a_word)),
        Answer::wrong("M29", "ask: 1024 bytes", check(short_buffer)),
        Answer::wrong("M52", "ask: waits for ever", check(waits_for_ever)),
        Answer::wrong("M52", "ask: one try", check(one_try)),
        Answer::wrong("M54", "ask: takes what comes", check(takes_what_comes)),
        Answer::wrong("M54", "ask: believes strangers", check(believes_strangers)),
        Answer::wrong("M45", "ask: slices", check(slices)),
        Answer::wrong("M55", "ask: a limit for the call", check(per_call)),
        Answer::unnamed("silent", "ask: one try more", check(one_more)),
        Answer::unnamed("silent", "ask: the kernel's word", check(kernels_word)),
        Answer::unnamed("silent", "ask: an empty answer", check(hides_it)),
        Answer::unnamed("whole", "ask: another id", check(another_id)),
        Answer::unnamed("stale", "ask: gives up on a stray", check(gives_up)),
    ]
}

/// How the answers here differ.
#[derive(Clone, Copy)]
struct How {
    room: usize,
    id: bool,
    from: bool,
    per_call: bool,
    slices: bool,
    words: usize,
    more: u32,
}

const RIGHT: How = How {
    room: 65_535,
    id: true,
    from: true,
    per_call: false,
    slices: false,
    words: 0,
    more: 0,
};

fn ask_so(
    how: How,
    server: SocketAddr,
    id: u32,
    question: &[u8],
    patience: Duration,
    tries: u32,
) -> io::Result<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let request = [&id.to_be_bytes(), question].concat();
    let mut buffer = vec![0; how.room];
    for _ in 0..tries + how.more {
        socket.send_to(&request, server)?;
        let until = Instant::now() + patience;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let left = if how.per_call { patience } else { left };
            if left.is_zero() {
                break;
            }
            socket.set_read_timeout(Some(left))?;
            let Ok((length, from)) = socket.recv_from(&mut buffer) else {
                break;
            };
            let came = &buffer[..length];
            if !how.slices && length < 4 + how.words {
                continue;
            }
            if (!how.id || came[..4] == id.to_be_bytes())
                && (!how.from || from == server)
            {
                return Ok(came[4..].to_vec());
            }
        }
    }
    Err(ErrorKind::TimedOut.into())
}

macro_rules! variants {
    ($($name:ident: $($field:ident = $value:expr),*;)*) => {$(
        fn $name(
            server: SocketAddr,
            id: u32,
            question: &[u8],
            patience: Duration,
            tries: u32,
        ) -> io::Result<Vec<u8>> {
            let how = How { $($field: $value,)* ..RIGHT };
            ask_so(how, server, id, question, patience, tries)
        }
    )*};
}

variants! {
    short_buffer: room = 1024;
    waits_for_a_word: words = 1;
    takes_what_comes: id = false;
    believes_strangers: from = false;
    slices: slices = true;
    per_call: per_call = true;
    one_more: more = 1;
}

fn connected(
    server: SocketAddr,
    id: u32,
    question: &[u8],
    patience: Duration,
    tries: u32,
) -> io::Result<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(server)?;
    let mut buffer = vec![0; 65_535];
    for _ in 0..tries {
        socket.send(&[&id.to_be_bytes(), question].concat())?;
        let start = Instant::now();
        while let Some(left) = patience.checked_sub(start.elapsed())
            && !left.is_zero()
        {
            socket.set_read_timeout(Some(left))?;
            match socket.recv(&mut buffer) {
                Ok(length) if buffer[..length].starts_with(&id.to_be_bytes()) => {
                    return Ok(buffer[4..length].to_vec());
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
    }
    Err(io::Error::new(ErrorKind::TimedOut, "nobody has answered"))
}

/// Looks every few milliseconds.
fn polls(
    server: SocketAddr,
    id: u32,
    question: &[u8],
    patience: Duration,
    tries: u32,
) -> io::Result<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_nonblocking(true)?;
    let mut buffer = vec![0; 65_535];
    for _ in 0..tries {
        socket.send_to(&[&id.to_be_bytes(), question].concat(), server)?;
        let until = Instant::now() + patience;
        while Instant::now() < until {
            if let Ok((length, from)) = socket.recv_from(&mut buffer) {
                if from == server && buffer[..length].starts_with(&id.to_be_bytes()) {
                    return Ok(buffer[4..length].to_vec());
                }
            } else {
                std::thread::sleep(Duration::from_millis(3));
            }
        }
    }
    Err(ErrorKind::TimedOut.into())
}

fn little_end(
    server: SocketAddr,
    id: u32,
    question: &[u8],
    patience: Duration,
    tries: u32,
) -> io::Result<Vec<u8>> {
    ask_so(RIGHT, server, id.swap_bytes(), question, patience, tries)
}

fn another_id(
    server: SocketAddr,
    _: u32,
    question: &[u8],
    patience: Duration,
    tries: u32,
) -> io::Result<Vec<u8>> {
    ask_so(RIGHT, server, 1, question, patience, tries)
}

fn whole_buffer(
    server: SocketAddr,
    id: u32,
    question: &[u8],
    _: Duration,
    _: u32,
) -> io::Result<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.send_to(&[&id.to_be_bytes(), question].concat(), server)?;
    let mut buffer = vec![0; 1024];
    socket.recv_from(&mut buffer)?;
    Ok(buffer.split_off(4))
}

fn waits_for_ever(
    server: SocketAddr,
    id: u32,
    question: &[u8],
    _: Duration,
    _: u32,
) -> io::Result<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.send_to(&[&id.to_be_bytes(), question].concat(), server)?;
    let mut buffer = vec![0; 65_535];
    loop {
        let (length, from) = socket.recv_from(&mut buffer)?;
        if from == server && buffer[..length].starts_with(&id.to_be_bytes()) {
            return Ok(buffer[4..length].to_vec());
        }
    }
}

fn one_try(
    server: SocketAddr,
    id: u32,
    question: &[u8],
    patience: Duration,
    _: u32,
) -> io::Result<Vec<u8>> {
    ask_so(RIGHT, server, id, question, patience, 1)
}

fn kernels_word(
    server: SocketAddr,
    id: u32,
    question: &[u8],
    patience: Duration,
    tries: u32,
) -> io::Result<Vec<u8>> {
    ask_so(RIGHT, server, id, question, patience, tries)
        .map_err(|_| io::Error::from(ErrorKind::WouldBlock))
}

fn hides_it(
    server: SocketAddr,
    id: u32,
    question: &[u8],
    patience: Duration,
    tries: u32,
) -> io::Result<Vec<u8>> {
    Ok(ask_so(RIGHT, server, id, question, patience, tries).unwrap_or_default())
}

fn gives_up(
    server: SocketAddr,
    id: u32,
    question: &[u8],
    patience: Duration,
    tries: u32,
) -> io::Result<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(patience))?;
    let mut buffer = vec![0; 65_535];
    for _ in 0..tries {
        socket.send_to(&[&id.to_be_bytes(), question].concat(), server)?;
        if let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let right =
                from == server && buffer[..length].starts_with(&id.to_be_bytes());
            return match right {
                true => Ok(buffer[4..length].to_vec()),
                false => Err(io::Error::other("not the answer")),
            };
        }
    }
    Err(ErrorKind::TimedOut.into())
}
