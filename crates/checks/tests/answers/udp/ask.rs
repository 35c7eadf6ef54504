//! Answers to `udp/ask`.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use checks::answers::Answer;
use checks_udp::ask as check;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("ask right: connected", check(connected)),
        Answer::right("ask right: polls", check(polls)),
        Answer::right("ask right: short waits", check(short_waits)),
        Answer::right("ask right: a thread", check(a_thread)),
        Answer::right("ask right: recursive", check(recursive)),
        Answer::wrong("M29", "ask: 4096 bytes", check(pages)),
        Answer::wrong("M54", "ask: any port", check(any_port)),
        Answer::wrong("M52", "ask: a question mark", check(question_mark)),
        Answer::unnamed("whole", "ask: keeps the id", check(keeps_the_id)),
        Answer::unnamed("whole", "ask: the id as text", check(id_as_text)),
        Answer::unnamed("whole", "ask: two datagrams", check(two_datagrams)),
        Answer::unnamed("whole", "ask: sleeps", check(sleeps)),
        Answer::unnamed("only", "ask: one try less", check(one_less)),
        Answer::unnamed("only", "ask: no wait for the last", check(no_last_wait)),
        Answer::unnamed("lost", "ask: the next id", check(next_id)),
        Answer::unnamed("late", "ask: a socket for each try", check(sockets)),
        Answer::unnamed("stale", "ask: a stray costs a try", check(costs_a_try)),
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
    less: u32,
    any_port: bool,
    costs: bool,
    new_id: bool,
}

const RIGHT: How = How {
    room: 65_535,
    id: true,
    from: true,
    per_call: false,
    slices: false,
    words: 0,
    more: 0,
    less: 0,
    any_port: false,
    costs: false,
    new_id: false,
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
    let mut buffer = vec![0; how.room];
    for turn in how.less..tries + how.more {
        let id = if how.new_id { id + turn } else { id };
        let request = [&id.to_be_bytes(), question].concat();
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
            let right = from == server || (how.any_port && from.ip() == server.ip());
            if (!how.id || came[..4] == id.to_be_bytes()) && (!how.from || right) {
                return Ok(came[4..].to_vec());
            }
            if how.costs {
                break;
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
    one_less: less = 1;
    pages: room = 4096;
    any_port: any_port = true;
    costs_a_try: costs = true;
    next_id: new_id = true;
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

/// Waits a little at a time, on a socket at any address.
fn short_waits(
    server: SocketAddr,
    id: u32,
    question: &[u8],
    patience: Duration,
    tries: u32,
) -> io::Result<Vec<u8>> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.set_read_timeout(Some(Duration::from_millis(10)))?;
    let mut request = id.to_be_bytes().to_vec();
    request.extend(question);
    let mut buffer = [0; 65_507];
    for _ in 0..tries {
        socket.send_to(&request, server)?;
        let start = Instant::now();
        while start.elapsed() < patience {
            match socket.recv_from(&mut buffer) {
                Ok((4.., from)) if from != server => {}
                Ok((length @ 4.., _)) if buffer[..4] == request[..4] => {
                    return Ok(buffer[4..length].into());
                }
                _ => {}
            }
        }
    }
    Err(ErrorKind::TimedOut.into())
}

/// One thread receives, the other asks.
fn a_thread(
    server: SocketAddr,
    id: u32,
    question: &[u8],
    patience: Duration,
    tries: u32,
) -> io::Result<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let input = socket.try_clone()?;
    let (sender, answers) = std::sync::mpsc::channel();
    std::thread::spawn(move || -> io::Result<()> {
        let mut buffer = vec![0; 65_507];
        loop {
            let (length, from) = input.recv_from(&mut buffer)?;
            let Some((got, answer)) = buffer[..length].split_first_chunk() else {
                continue;
            };
            if from == server && u32::from_be_bytes(*got) == id {
                let _ = sender.send(answer.to_vec());
            }
        }
    });
    for _ in 0..tries {
        socket.send_to(&[&id.to_be_bytes(), question].concat(), server)?;
        if let Ok(answer) = answers.recv_timeout(patience) {
            return Ok(answer);
        }
    }
    Err(ErrorKind::TimedOut.into())
}

fn recursive(
    server: SocketAddr,
    id: u32,
    question: &[u8],
    patience: Duration,
    tries: u32,
) -> io::Result<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let request: Vec<u8> = id.to_be_bytes().iter().chain(question).copied().collect();
    ask_on(&socket, server, &request, patience, tries)
}

fn ask_on(
    socket: &UdpSocket,
    server: SocketAddr,
    request: &[u8],
    patience: Duration,
    tries: u32,
) -> io::Result<Vec<u8>> {
    if tries == 0 {
        return Err(ErrorKind::TimedOut.into());
    }
    socket.send_to(request, server)?;
    let until = Instant::now() + patience;
    let mut buffer = vec![0; 1 << 16];
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        socket.set_read_timeout(Some(left.max(Duration::from_micros(1))))?;
        if let Ok((length, from)) = socket.recv_from(&mut buffer)
            && from == server
            && length >= 4
            && buffer[..4] == request[..4]
        {
            return Ok(buffer[4..length].to_vec());
        }
    }
    ask_on(socket, server, request, patience, tries - 1)
}

fn question_mark(
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
        let (length, from) = socket.recv_from(&mut buffer)?;
        if from == server && buffer[..length].starts_with(&id.to_be_bytes()) {
            return Ok(buffer[4..length].to_vec());
        }
    }
    Err(ErrorKind::TimedOut.into())
}

fn keeps_the_id(
    server: SocketAddr,
    id: u32,
    question: &[u8],
    patience: Duration,
    tries: u32,
) -> io::Result<Vec<u8>> {
    let answer = ask_so(RIGHT, server, id, question, patience, tries)?;
    Ok([&id.to_be_bytes()[..], &answer].concat())
}

fn id_as_text(
    server: SocketAddr,
    id: u32,
    question: &[u8],
    _: Duration,
    _: u32,
) -> io::Result<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let question = String::from_utf8_lossy(question);
    socket.send_to(format!("{id}{question}").as_bytes(), server)?;
    let mut buffer = vec![0; 65_535];
    let length = socket.recv(&mut buffer)?;
    Ok(buffer[4..length].to_vec())
}

fn two_datagrams(
    server: SocketAddr,
    id: u32,
    question: &[u8],
    _: Duration,
    _: u32,
) -> io::Result<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(server)?;
    socket.send(&id.to_be_bytes())?;
    socket.send(question)?;
    let mut buffer = vec![0; 65_535];
    let length = socket.recv(&mut buffer)?;
    Ok(buffer[4..length].to_vec())
}

/// Looks once, when the time is over.
fn sleeps(
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
        std::thread::sleep(patience);
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            if from == server && buffer[..length].starts_with(&id.to_be_bytes()) {
                return Ok(buffer[4..length].to_vec());
            }
        }
    }
    Err(ErrorKind::TimedOut.into())
}

/// Having asked for the last time, it looks once and leaves.
fn no_last_wait(
    server: SocketAddr,
    id: u32,
    question: &[u8],
    patience: Duration,
    tries: u32,
) -> io::Result<Vec<u8>> {
    if tries > 1 {
        return ask_so(RIGHT, server, id, question, patience, tries);
    }
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.send_to(&[&id.to_be_bytes(), question].concat(), server)?;
    Err(ErrorKind::TimedOut.into())
}

/// Each try has a port of its own, and does not hear the answers to the others.
fn sockets(
    server: SocketAddr,
    id: u32,
    question: &[u8],
    patience: Duration,
    tries: u32,
) -> io::Result<Vec<u8>> {
    for _ in 0..tries {
        if let Ok(answer) = ask_so(RIGHT, server, id, question, patience, 1) {
            return Ok(answer);
        }
    }
    Err(ErrorKind::TimedOut.into())
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
