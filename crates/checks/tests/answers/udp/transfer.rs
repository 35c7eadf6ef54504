//! Answers to `udp/transfer`.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use checks::answers::Answer;
use checks::udp::transfer as check;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("transfer right: connected", check(connected)),
        Answer::right("transfer right: by number", check(by_number)),
        Answer::wrong("M30", "transfer: little end first", check(little_end)),
        Answer::wrong("M29", "transfer: 512 bytes", check(room_for_512)),
        Answer::wrong("M29", "transfer: 514 bytes", check(room_for_514)),
        Answer::wrong(
            "M57",
            "transfer: passes over empty",
            check(passes_over_empty),
        ),
        Answer::wrong("M58", "transfer: silent again", check(silent_again)),
        Answer::wrong("M56", "transfer: keeps it twice", check(keeps_it_twice)),
        Answer::wrong("M58", "transfer: returns at once", check(returns_at_once)),
        Answer::wrong("M54", "transfer: believes strangers", check(any_sender)),
        Answer::wrong("M59", "transfer: slices", check(slices)),
        Answer::unnamed("ahead", "transfer: keeps what is ahead", check(keeps_ahead)),
        Answer::unnamed("silent", "transfer: half a file", check(half_a_file)),
        Answer::unnamed("late", "transfer: acks the last one", check(acks_the_last)),
        Answer::unnamed("whole", "transfer: says nothing", check(says_nothing)),
    ]
}

/// How the answers here differ.
#[derive(Clone, Copy)]
struct How {
    room: usize,
    little: bool,
    empty: bool,
    again: bool,
    twice: bool,
    stay: bool,
    strangers: bool,
    slices: bool,
    ahead: bool,
    half: bool,
    last: bool,
}

const RIGHT: How = How {
    room: 2000,
    little: false,
    empty: true,
    again: true,
    twice: false,
    stay: true,
    strangers: false,
    slices: false,
    ahead: false,
    half: false,
    last: false,
};

fn receive(
    how: How,
    socket: &UdpSocket,
    patience: Duration,
    linger: Duration,
) -> io::Result<Vec<u8>> {
    let (mut file, mut got, mut sender) = (Vec::new(), 0, None);
    let mut buffer = vec![0; how.room];
    let mut until = None;
    loop {
        let left = until.map_or(patience, |until: Instant| {
            until.saturating_duration_since(Instant::now())
        });
        if left.is_zero() {
            return Ok(file);
        }
        socket.set_read_timeout(Some(left))?;
        let (length, from) = match socket.recv_from(&mut buffer) {
            Ok(came) => came,
            Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
            Err(_) if until.is_some() || how.half => return Ok(file),
            Err(_) => return Err(ErrorKind::TimedOut.into()),
        };
        if (length < 2 && !how.slices) || length > 514 {
            continue;
        }
        let number = u16::from_be_bytes([buffer[..length][0], buffer[..length][1]]);
        let stranger = sender.is_some_and(|sender| sender != from) && !how.strangers;
        let ahead = number > got + 1 && !(how.ahead && got > 0);
        if stranger || ahead || (number <= got && !how.again) {
            continue;
        }
        let data = &buffer[2..length];
        if data.is_empty() && !how.empty {
            continue;
        }
        sender.get_or_insert(from);
        let told = if how.last { got.max(number) } else { number };
        let told = if how.little {
            told.to_le_bytes()
        } else {
            told.to_be_bytes()
        };
        socket.send_to(&told, from)?;
        if number > got || (how.twice && until.is_none()) {
            file.extend_from_slice(data);
            got = got.max(number);
            if data.len() < 512 {
                until = Some(Instant::now() + linger);
            }
        }
        if until.is_some() && !how.stay {
            return Ok(file);
        }
    }
}

macro_rules! variants {
    ($($name:ident: $($field:ident = $value:expr),*;)*) => {$(
        fn $name(
            socket: UdpSocket,
            patience: Duration,
            linger: Duration,
        ) -> io::Result<Vec<u8>> {
            let how = How { $($field: $value,)* ..RIGHT };
            receive(how, &socket, patience, linger)
        }
    )*};
}

variants! {
    little_end: little = true;
    room_for_512: room = 512;
    room_for_514: room = 514;
    passes_over_empty: empty = false;
    silent_again: again = false;
    keeps_it_twice: twice = true;
    returns_at_once: stay = false;
    any_sender: strangers = true;
    slices: slices = true;
    keeps_ahead: ahead = true;
    half_a_file: half = true;
    acks_the_last: last = true;
}

fn connected(
    socket: UdpSocket,
    patience: Duration,
    linger: Duration,
) -> io::Result<Vec<u8>> {
    socket.set_read_timeout(Some(patience))?;
    let mut buffer = [0; 600];
    let timed_out = |error: io::Error| match error.kind() {
        ErrorKind::WouldBlock => ErrorKind::TimedOut.into(),
        _ => error,
    };
    // Until block 1 is there, and its sender the only one who is heard.
    loop {
        let (length, from) = socket.peek_from(&mut buffer).map_err(timed_out)?;
        if (2..=514).contains(&length) && buffer[..2] == [0, 1] {
            socket.connect(from)?;
            break;
        }
        socket.recv_from(&mut buffer).map_err(timed_out)?;
    }
    let mut file = Vec::new();
    let mut next = 1_u16;
    loop {
        let length = socket.recv(&mut buffer).map_err(timed_out)?;
        let Some((number, data)) = buffer[..length].split_first_chunk::<2>() else {
            continue;
        };
        let number = u16::from_be_bytes(*number);
        if number == 0 || number > next || data.len() > 512 {
            continue;
        }
        let _ = socket.send(&number.to_be_bytes());
        if number == next {
            file.extend_from_slice(data);
            next += 1;
            if data.len() < 512 {
                break;
            }
        }
    }
    let start = Instant::now();
    while let Some(left) = linger.checked_sub(start.elapsed())
        && !left.is_zero()
    {
        socket.set_read_timeout(Some(left))?;
        if let Ok(2..=514) = socket.recv(&mut buffer)
            && u16::from_be_bytes([buffer[0], buffer[1]]) < next
        {
            let _ = socket.send(&buffer[..2]);
        }
    }
    Ok(file)
}

/// The blocks by their numbers: what comes twice replaces itself.
fn by_number(
    socket: UdpSocket,
    patience: Duration,
    linger: Duration,
) -> io::Result<Vec<u8>> {
    let mut blocks: BTreeMap<u16, Vec<u8>> = BTreeMap::new();
    let (mut buffer, mut sender, mut over) = (vec![0; 65_535], None, false);
    loop {
        socket.set_read_timeout(Some(if over { linger } else { patience }))?;
        let (length, from) = match socket.recv_from(&mut buffer) {
            Ok(came) => came,
            Err(_) if over => return Ok(blocks.into_values().flatten().collect()),
            Err(_) => return Err(ErrorKind::TimedOut.into()),
        };
        let next = blocks.last_key_value().map_or(1, |(last, _)| last + 1);
        if sender.is_some_and(|sender| sender != from) || !(2..=514).contains(&length)
        {
            continue;
        }
        let number = u16::from_be_bytes([buffer[0], buffer[1]]);
        if number == 0 || number > next || (over && number == next) {
            continue;
        }
        sender = Some(from);
        over |= length < 514;
        blocks.insert(number, buffer[2..length].to_vec());
        let _ = socket.send_to(&buffer[..2], from);
    }
}

fn says_nothing(socket: UdpSocket, _: Duration, _: Duration) -> io::Result<Vec<u8>> {
    let mut buffer = [0; 600];
    loop {
        socket.recv(&mut buffer)?;
    }
}
