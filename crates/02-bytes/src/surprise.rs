//! A measurement: the same line, sent whole and sent in pieces.

use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use crate::count::{Counted, Counts};
use crate::framing::read_line;
use crate::server::pair;

const TEXT: &str = "good morning";

// ANCHOR: ways
/// A way to send a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Put together first, then sent.
    Whole,
    /// With `writeln!`, straight to the socket.
    Pieces,
    /// The same, with `TCP_NODELAY` set.
    PiecesAtOnce,
}

fn send(mut server: impl Write, way: Way, number: u32) -> io::Result<()> {
    match way {
        Way::Whole => server.write_all(format!("{number} {TEXT}\n").as_bytes()),
        Way::Pieces | Way::PiecesAtOnce => writeln!(server, "{number} {TEXT}"),
    }
}
// ANCHOR_END: ways

/// What a way costs.
#[derive(Debug)]
pub struct Cost {
    /// Which it is.
    pub way: Way,
    /// Calls of `write` for a line, on average.
    pub writes: f64,
    /// Reads that the line took at the other end, on average.
    pub reads: f64,
    /// From sending the line to having the answer.
    pub time: Spread,
}

/// The middle of some measurements, and what half of them lie between.
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    /// A quarter of the measurements were shorter.
    pub low: Duration,
    /// The median.
    pub median: Duration,
    /// A quarter of the measurements were longer.
    pub high: Duration,
}

// ANCHOR: measure
/// Sends `rounds` lines in each way, one after the other, each after the answer to
/// the one before.
///
/// # Errors
///
/// If the sockets fail.
pub fn measure(rounds: u32) -> io::Result<Vec<Cost>> {
    let ways = [Way::Whole, Way::Pieces, Way::PiecesAtOnce];
    ways.into_iter().map(|way| cost(way, rounds)).collect()
}

fn cost(way: Way, rounds: u32) -> io::Result<Cost> {
    let (client, server) = pair()?;
    client.set_nodelay(way == Way::PiecesAtOnce)?;
    let reads = thread::spawn(move || answer_lines(server));
    let counts = Counts::default();
    let mut stream = BufReader::new(Counted {
        stream: &client,
        counts: &counts,
    });
    let mut times = Vec::new();
    for number in 0..rounds {
        let started = Instant::now();
        send(stream.get_mut(), way, number)?;
        read_line(&mut stream, 1024)?;
        times.push(started.elapsed());
    }
    client.shutdown(Shutdown::Write)?;
    let reads = reads.join().expect("counting does not panic")?;
    let per_line = |count: u64| count as f64 / f64::from(rounds.max(1));
    Ok(Cost {
        way,
        writes: per_line(counts.writes.load(Relaxed)),
        reads: per_line(reads),
        time: spread(times),
    })
}
// ANCHOR_END: measure

// ANCHOR: answer_lines
/// Sends each line back once it is whole; returns how many reads there were.
fn answer_lines(mut stream: TcpStream) -> io::Result<u64> {
    let mut buffer = [0; 1024];
    let mut line = Vec::new();
    let mut reads = 0;
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(reads);
        }
        reads += 1;
        line.extend_from_slice(&buffer[..length]);
        if line.ends_with(b"\n") {
            stream.write_all(&line)?;
            line.clear();
        }
    }
}
// ANCHOR_END: answer_lines

fn spread(mut times: Vec<Duration>) -> Spread {
    times.sort();
    let at = |quarter: usize| times.get(times.len() * quarter / 4).copied();
    let at = |quarter| at(quarter).unwrap_or_default();
    Spread {
        low: at(1),
        median: at(2),
        high: at(3),
    }
}
