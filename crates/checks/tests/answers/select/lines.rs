//! Answers to `select/lines`.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::thread;

use checks::answers::{Answer, Expected};
use checks_select::lines as check;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::unless_it_blocks;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("lines right: blocking sockets", check(blocking_sockets)),
        Answer::right(
            "lines right: a buffer each, drained",
            check(drained_buffers),
        ),
        Answer::wrong("M20", "lines: a BufReader each", check(a_bufreader_each)),
        Answer::wrong("M20", "lines: one line a turn", check(one_line_a_turn)),
        Answer::wrong("M19", "lines: reads to the newline", check(to_the_newline)),
        Answer::wrong("M18", "lines: one after another", check(one_after_another)),
        Answer::wrong("M21", "lines: asks all in turn", check(asks_all_in_turn)),
        Answer::wrong("M21", "lines: waits for room", check(waits_for_room)),
        Answer::wrong("M5", "lines: keeps the ended", check(keeps_the_ended)),
        Answer::wrong("M1", "lines: a read is a line", check(a_read_is_a_line)),
        Answer::wrong("M10", "lines: drops the tail", check(drops_the_tail)),
        Answer::wrong("M14", "lines: falls with a caller", check(falls)),
        Answer::unnamed("alone", "lines: a thread each", check(a_thread_each)),
        Answer {
            name: "lines: the stub",
            check: check(|_| todo!("the task")),
            expected: Expected::Untouched,
        },
    ]
}

/// A caller, and the beginning of its line.
type Caller = (TcpStream, Vec<u8>);

/// Waits for all of these, and tells which are ready; the listener is the first.
fn ready(
    listener: &TcpListener,
    streams: &[&TcpStream],
    events: PollFlags,
) -> io::Result<Vec<RawFd>> {
    let mut list = vec![PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
    list.extend(streams.iter().map(|it| PollFd::new(it.as_fd(), events)));
    poll(&mut list, PollTimeout::NONE)?;
    let ready = list.iter().filter(|it| it.any() != Some(false));
    Ok(ready.map(|it| it.as_fd().as_raw_fd()).collect())
}

/// What one turn of a server of lines does otherwise than it should.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slip {
    None,
    OneLineATurn,
    WaitsForRoom,
    KeepsTheEnded,
    AReadIsALine,
    DropsTheTail,
    Falls,
}

/// Reads only where poll said that there is something: then no read waits.
fn lines(listener: &TcpListener, slip: Slip) -> io::Result<()> {
    let mut callers: HashMap<RawFd, Caller> = HashMap::new();
    let events = match slip {
        Slip::WaitsForRoom => PollFlags::POLLIN | PollFlags::POLLOUT,
        _ => PollFlags::POLLIN,
    };
    loop {
        let streams: Vec<&TcpStream> = callers.values().map(|it| &it.0).collect();
        let ready = ready(listener, &streams, events)?;
        for fd in ready {
            if fd == listener.as_raw_fd() {
                let (stream, _) = listener.accept()?;
                stream.set_nonblocking(true)?;
                callers.insert(stream.as_raw_fd(), (stream, Vec::new()));
                continue;
            }
            let Some((stream, line)) = callers.get_mut(&fd) else {
                continue;
            };
            let goes_on = match (turn(stream, line, slip), slip) {
                (Err(error), Slip::Falls) => return Err(error),
                (result, _) => result.unwrap_or(false),
            };
            if !goes_on && slip != Slip::KeepsTheEnded {
                callers.remove(&fd);
            }
        }
    }
}

fn turn(stream: &mut TcpStream, line: &mut Vec<u8>, slip: Slip) -> io::Result<bool> {
    let mut buffer = [0; 1024];
    let Some(length) = unless_it_blocks(stream.read(&mut buffer))? else {
        return Ok(true);
    };
    if slip == Slip::AReadIsALine && length > 0 {
        let text = buffer[..length].trim_ascii_end().to_ascii_uppercase();
        stream.write_all(&[&text[..], b"\n"].concat())?;
        return Ok(true);
    }
    line.extend_from_slice(&buffer[..length]);
    if length == 0 {
        if !line.is_empty() && slip != Slip::DropsTheTail {
            stream.write_all(&[&line.to_ascii_uppercase()[..], b"\n"].concat())?;
            line.clear();
        }
        return Ok(false);
    }
    while let Some(end) = line.iter().position(|byte| *byte == b'\n') {
        let whole: Vec<u8> = line.drain(..=end).collect();
        stream.write_all(&whole.to_ascii_uppercase())?;
        if slip == Slip::OneLineATurn {
            break;
        }
    }
    Ok(true)
}

fn one_line_a_turn(listener: TcpListener) -> io::Result<()> {
    lines(&listener, Slip::OneLineATurn)
}

fn waits_for_room(listener: TcpListener) -> io::Result<()> {
    lines(&listener, Slip::WaitsForRoom)
}

fn keeps_the_ended(listener: TcpListener) -> io::Result<()> {
    lines(&listener, Slip::KeepsTheEnded)
}

fn a_read_is_a_line(listener: TcpListener) -> io::Result<()> {
    lines(&listener, Slip::AReadIsALine)
}

fn drops_the_tail(listener: TcpListener) -> io::Result<()> {
    lines(&listener, Slip::DropsTheTail)
}

fn falls(listener: TcpListener) -> io::Result<()> {
    lines(&listener, Slip::Falls)
}

fn drained_buffers(listener: TcpListener) -> io::Result<()> {
    lines(&listener, Slip::None)
}

/// The sockets block: a read behind a word of poll's does not, nor does a short write.
fn blocking_sockets(listener: TcpListener) -> io::Result<()> {
    let mut callers: HashMap<RawFd, Caller> = HashMap::new();
    loop {
        let streams: Vec<&TcpStream> = callers.values().map(|it| &it.0).collect();
        for fd in ready(&listener, &streams, PollFlags::POLLIN)? {
            if fd == listener.as_raw_fd() {
                let (stream, _) = listener.accept()?;
                callers.insert(stream.as_raw_fd(), (stream, Vec::new()));
            } else if let Some((stream, line)) = callers.get_mut(&fd)
                && !turn(stream, line, Slip::None).unwrap_or(false)
            {
                callers.remove(&fd);
            }
        }
    }
}

fn a_bufreader_each(listener: TcpListener) -> io::Result<()> {
    let mut callers: HashMap<RawFd, BufReader<TcpStream>> = HashMap::new();
    loop {
        let streams: Vec<&TcpStream> =
            callers.values().map(BufReader::get_ref).collect();
        for fd in ready(&listener, &streams, PollFlags::POLLIN)? {
            if fd == listener.as_raw_fd() {
                let (stream, _) = listener.accept()?;
                callers.insert(stream.as_raw_fd(), BufReader::new(stream));
            } else if let Some(input) = callers.get_mut(&fd) {
                let mut line = Vec::new();
                let read = input.read_until(b'\n', &mut line).unwrap_or(0);
                if line.last() != Some(&b'\n') {
                    line.push(b'\n');
                }
                let answer = line.to_ascii_uppercase();
                if read == 0 || input.get_mut().write_all(&answer).is_err() {
                    callers.remove(&fd);
                }
            }
        }
    }
}

/// Byte by byte to the newline: nothing is hidden, and everybody waits for the other
/// half of a line.
fn to_the_newline(listener: TcpListener) -> io::Result<()> {
    fn line(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
        let (mut line, mut byte) = (Vec::new(), [0]);
        while line.last() != Some(&b'\n') && stream.read(&mut byte)? == 1 {
            line.push(byte[0]);
        }
        Ok(line)
    }
    let mut callers: HashMap<RawFd, TcpStream> = HashMap::new();
    loop {
        let streams: Vec<&TcpStream> = callers.values().collect();
        for fd in ready(&listener, &streams, PollFlags::POLLIN)? {
            if fd == listener.as_raw_fd() {
                let (stream, _) = listener.accept()?;
                callers.insert(stream.as_raw_fd(), stream);
            } else if let Some(stream) = callers.get_mut(&fd) {
                let mut line = line(stream).unwrap_or_default();
                let is_over = line.is_empty();
                if line.last() != Some(&b'\n') {
                    line.push(b'\n');
                }
                if is_over || stream.write_all(&line.to_ascii_uppercase()).is_err() {
                    callers.remove(&fd);
                }
            }
        }
    }
}

fn talk(stream: &TcpStream) -> io::Result<()> {
    let mut output = stream;
    for line in BufReader::new(stream).split(b'\n') {
        let line = line?.to_ascii_uppercase();
        output.write_all(&[&line[..], b"\n"].concat())?;
    }
    Ok(())
}

fn one_after_another(listener: TcpListener) -> io::Result<()> {
    loop {
        let _ = talk(&listener.accept()?.0);
    }
}

fn a_thread_each(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        thread::spawn(move || talk(&stream));
    }
}

/// Nothing here waits: who says "not now" is asked again.
fn asks_all_in_turn(listener: TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut callers: Vec<Caller> = Vec::new();
    loop {
        if let Some((stream, _)) = unless_it_blocks(listener.accept())? {
            stream.set_nonblocking(true)?;
            callers.push((stream, Vec::new()));
        }
        callers.retain_mut(|(stream, line)| {
            turn(stream, line, Slip::None).unwrap_or(false)
        });
    }
}
