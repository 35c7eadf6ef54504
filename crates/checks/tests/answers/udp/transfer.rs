//! Answers to `udp/transfer`.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use checks::answers::Answer;
use checks_udp::transfer as check;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("transfer right: connected", check(connected)),
        Answer::right("transfer right: by number", check(by_number)),
        Answer::right("transfer right: short waits", check(short_waits)),
        Answer::right("transfer right: a thread", check(a_thread)),
        Answer::right("transfer right: two phases", check(two_phases)),
        Answer::wrong("M29", "transfer: 512, and the end", check(room_and_end)),
        Answer::wrong("M29", "transfer: no limit", check(no_limit)),
        Answer::wrong("M58", "transfer: only the last again", check(one_back)),
        Answer::wrong("M58", "transfer: sleeps for a while", check(sleeps)),
        Answer::wrong("M59", "transfer: counts from 1", check(counts_from_1)),
        Answer::wrong("M59", "transfer: an error for no block", check(no_block)),
        Answer::unnamed("whole", "transfer: the next number", check(the_next)),
        Answer::unnamed("whole", "transfer: sends it back", check(sends_it_back)),
        Answer::unnamed("whole", "transfer: stays too long", check(stays_long)),
        Answer::unnamed("blocks", "transfer: one block", check(one_block)),
        Answer::unnamed("almost", "transfer: datagrams of 512", check(short_end)),
        Answer::unnamed("many", "transfer: a byte for a number", check(a_byte)),
        Answer::unnamed("after", "transfer: acks all at the end", check(acks_all)),
        Answer::unnamed("ahead", "transfer: repeats itself", check(repeats)),
        Answer::unnamed("early", "transfer: whoever is first", check(whoever)),
        Answer::unnamed("zero", "transfer: block 0", check(block_0)),
        Answer::unnamed("slow", "transfer: one limit for all", check(one_limit)),
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
    zero: bool,
    end: bool,
    one_back: bool,
    short_end: bool,
    acks_all: bool,
    repeats: bool,
    whoever: bool,
    one_limit: bool,
    no_limit: bool,
    stays_long: bool,
    no_block: bool,
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
    zero: false,
    end: false,
    one_back: false,
    short_end: false,
    acks_all: false,
    repeats: false,
    whoever: false,
    one_limit: false,
    no_limit: false,
    stays_long: false,
    no_block: false,
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
    let start = Instant::now();
    let linger = if how.stays_long { patience } else { linger };
    loop {
        let wait = if how.one_limit {
            patience.saturating_sub(start.elapsed())
        } else {
            patience
        };
        let left = until.map_or(wait, |until: Instant| {
            until.saturating_duration_since(Instant::now())
        });
        if left.is_zero() && until.is_none() {
            return Err(ErrorKind::TimedOut.into());
        }
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
        if how.whoever {
            sender.get_or_insert(from);
        }
        if length < 2 && how.no_block {
            return Err(ErrorKind::InvalidData.into());
        }
        if (length < 2 && !how.slices) || (length > 514 && !how.no_limit) {
            continue;
        }
        let number = u16::from_be_bytes([buffer[..length][0], buffer[..length][1]]);
        let stranger = sender.is_some_and(|sender| sender != from) && !how.strangers;
        let over = until.is_some() && number > got;
        let ahead = number > got + 1 && !(how.ahead && got > 0);
        if how.acks_all && until.is_some() {
            socket.send_to(&number.to_be_bytes(), from)?;
            continue;
        }
        if how.repeats && ahead && !stranger {
            socket.send_to(&got.to_be_bytes(), from)?;
        }
        if how.one_back && number + 1 < got {
            continue;
        }
        if how.end && until.is_some() && number > got {
            return Ok(file);
        }
        if stranger
            || ahead
            || over
            || (number == 0 && !how.zero)
            || (number <= got && !how.again)
        {
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
            if data.len() < 512 && !(how.short_end && length >= 512) {
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
    room_and_end: room = 512, end = true;
    no_limit: no_limit = true;
    one_back: one_back = true;
    short_end: short_end = true;
    acks_all: acks_all = true;
    repeats: repeats = true;
    whoever: whoever = true;
    block_0: zero = true;
    one_limit: one_limit = true;
    stays_long: stays_long = true;
    no_block: no_block = true;
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

/// Waits a little at a time, and looks at the clock itself.
fn short_waits(
    socket: UdpSocket,
    patience: Duration,
    linger: Duration,
) -> io::Result<Vec<u8>> {
    socket.set_read_timeout(Some(Duration::from_millis(5)))?;
    let (mut file, mut expected, mut peer) = (vec![], 1u16, None);
    let mut buffer = [0; 1024];
    let (mut heard, mut done) = (Instant::now(), false);
    loop {
        if done && heard.elapsed() >= linger {
            return Ok(file);
        }
        if !done && heard.elapsed() >= patience {
            return Err(io::Error::new(ErrorKind::TimedOut, "nobody sends"));
        }
        let Ok((length, from)) = socket.recv_from(&mut buffer) else {
            continue;
        };
        if !done {
            heard = Instant::now();
        }
        if !(2..=514).contains(&length) {
            continue;
        }
        let number = u16::from_be_bytes([buffer[0], buffer[1]]);
        match peer {
            None if number == 1 => peer = Some(from),
            Some(peer) if peer == from => {}
            _ => continue,
        }
        if number == expected && !done {
            file.extend(&buffer[2..length]);
            expected += 1;
            if length < 514 {
                done = true;
                heard = Instant::now();
            }
        }
        if number >= 1 && number < expected {
            let _ = socket.send_to(&buffer[..2], from);
        }
    }
}

/// One thread receives, the other thinks.
fn a_thread(
    socket: UdpSocket,
    patience: Duration,
    linger: Duration,
) -> io::Result<Vec<u8>> {
    let input = socket.try_clone()?;
    let (sender, datagrams) = std::sync::mpsc::channel();
    std::thread::spawn(move || -> io::Result<()> {
        let mut buffer = vec![0; 65_535];
        loop {
            let (length, from) = input.recv_from(&mut buffer)?;
            if sender.send((buffer[..length].to_vec(), from)).is_err() {
                return Ok(());
            }
        }
    });
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    let (mut owner, mut over) = (None, false);
    loop {
        let wait = if over { linger } else { patience };
        let Ok((datagram, from)) = datagrams.recv_timeout(wait) else {
            return match over {
                true => Ok(blocks.concat()),
                false => Err(ErrorKind::TimedOut.into()),
            };
        };
        let [high, low, data @ ..] = datagram.as_slice() else {
            continue;
        };
        let number = usize::from(*high) << 8 | usize::from(*low);
        let new = number == blocks.len() + 1;
        if owner.unwrap_or(from) != from
            || data.len() > 512
            || number == 0
            || number > blocks.len() + usize::from(!over)
        {
            continue;
        }
        owner = Some(from);
        if new {
            blocks.push(data.to_vec());
            over = data.len() < 512;
        }
        let _ = socket.send_to(&[*high, *low], from);
    }
}

/// First the file, then the time after it, each a loop of its own.
fn two_phases(
    socket: UdpSocket,
    patience: Duration,
    linger: Duration,
) -> io::Result<Vec<u8>> {
    let mut buffer = [0; 515];
    let mut file = Vec::new();
    let (mut last, mut sender) = (0, None);
    socket.set_read_timeout(Some(patience))?;
    loop {
        let (length, from) =
            socket
                .recv_from(&mut buffer)
                .map_err(|error| match error.kind() {
                    ErrorKind::WouldBlock => ErrorKind::TimedOut.into(),
                    _ => error,
                })?;
        if !(2..=514).contains(&length) || sender.is_some_and(|it| it != from) {
            continue;
        }
        let number = u16::from_be_bytes(buffer[..2].try_into().unwrap());
        if number == last + 1 {
            sender = Some(from);
            last = number;
            file.extend_from_slice(&buffer[2..length]);
        } else if number > last || number == 0 {
            continue;
        }
        socket.send_to(&number.to_be_bytes(), from)?;
        if number == last && length < 514 {
            break;
        }
    }
    let over = Instant::now() + linger;
    while let Some(left) = over.checked_duration_since(Instant::now()) {
        socket.set_read_timeout(Some(left.max(Duration::from_micros(1))))?;
        let Ok((length, from)) = socket.recv_from(&mut buffer) else {
            continue;
        };
        let number = u16::from_be_bytes([buffer[0], buffer[1]]);
        if (2..=514).contains(&length)
            && Some(from) == sender
            && (1..=last).contains(&number)
        {
            let _ = socket.send_to(&buffer[..2], from);
        }
    }
    Ok(file)
}

/// As if there were nothing to be lost: acknowledges what `answer` says, and returns.
fn trusting(
    socket: &UdpSocket,
    answer: fn(&[u8]) -> Vec<u8>,
    is_last: fn(usize) -> bool,
) -> io::Result<Vec<u8>> {
    let (mut file, mut buffer) = (Vec::new(), [0; 2000]);
    loop {
        let (length, from) = socket.recv_from(&mut buffer)?;
        socket.send_to(&answer(&buffer[..length]), from)?;
        file.extend_from_slice(&buffer[2..length]);
        if is_last(length - 2) {
            return Ok(file);
        }
    }
}

fn the_next(socket: UdpSocket, _: Duration, _: Duration) -> io::Result<Vec<u8>> {
    let next = |block: &[u8]| vec![block[0], block[1] + 1];
    trusting(&socket, next, |length| length < 512)
}

fn sends_it_back(socket: UdpSocket, _: Duration, _: Duration) -> io::Result<Vec<u8>> {
    trusting(&socket, <[u8]>::to_vec, |length| length < 512)
}

fn one_block(socket: UdpSocket, _: Duration, _: Duration) -> io::Result<Vec<u8>> {
    trusting(&socket, |block| block[..2].to_vec(), |_| true)
}

/// Looks at the second byte of the number only.
fn a_byte(socket: UdpSocket, _: Duration, _: Duration) -> io::Result<Vec<u8>> {
    let (mut file, mut buffer, mut got) = (Vec::new(), [0; 515], 0_u8);
    loop {
        let (length, from) = socket.recv_from(&mut buffer)?;
        if buffer[1] == got.wrapping_add(1) {
            got = buffer[1];
            file.extend_from_slice(&buffer[2..length]);
        }
        socket.send_to(&[0, buffer[1]], from)?;
        if length < 514 {
            return Ok(file);
        }
    }
}

/// Is there to the end, and does nothing.
fn sleeps(
    socket: UdpSocket,
    patience: Duration,
    linger: Duration,
) -> io::Result<Vec<u8>> {
    let how = How {
        stay: false,
        ..RIGHT
    };
    let file = receive(how, &socket, patience, linger)?;
    std::thread::sleep(linger);
    Ok(file)
}

/// The place of a block in the file, without a look at the number.
fn counts_from_1(
    socket: UdpSocket,
    _: Duration,
    linger: Duration,
) -> io::Result<Vec<u8>> {
    let mut blocks: BTreeMap<u16, Vec<u8>> = BTreeMap::new();
    let (mut buffer, mut sender) = ([0; 515], None);
    loop {
        let (length, from) = match socket.recv_from(&mut buffer) {
            Ok(came) => came,
            Err(_) => return Ok(blocks.into_values().flatten().collect()),
        };
        if !(2..=514).contains(&length) {
            continue;
        }
        let place = u16::from_be_bytes([buffer[0], buffer[1]]) - 1;
        let there = blocks.len() as u16;
        let ended = blocks.values().any(|block| block.len() < 512);
        if sender.is_some_and(|it| it != from)
            || place > there
            || (ended && place == there)
        {
            continue;
        }
        sender = Some(from);
        blocks.insert(place, buffer[2..length].to_vec());
        socket.send_to(&buffer[..2], from)?;
        if length < 514 {
            socket.set_read_timeout(Some(linger))?;
        }
    }
}

fn says_nothing(socket: UdpSocket, _: Duration, _: Duration) -> io::Result<Vec<u8>> {
    let mut buffer = [0; 600];
    loop {
        socket.recv(&mut buffer)?;
    }
}
