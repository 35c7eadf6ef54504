//! A measurement: a request in two writes, with and without TCP_NODELAY, and in one.

use std::io::{self, BufRead, BufReader, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::pair;

const HEAD: &[u8] = b"SUM 3\n";
const BODY: &[u8] = b"7 14 21\n";

// ANCHOR: ways
/// A way to send a request of two parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Write, write, read.
    TwoWrites,
    /// The same, with TCP_NODELAY.
    NoDelay,
    /// One write of both.
    OneWrite,
    /// One `writev` of both, which need not be put together first.
    Vectored,
}

fn send(mut server: impl Write, way: Way) -> io::Result<()> {
    match way {
        Way::TwoWrites | Way::NoDelay => {
            server.write_all(HEAD)?;
            server.write_all(BODY)
        }
        Way::OneWrite => server.write_all(&[HEAD, BODY].concat()),
        Way::Vectored => {
            let parts = [IoSlice::new(HEAD), IoSlice::new(BODY)];
            let taken = server.write_vectored(&parts)?;
            // All of so little, on a blocking socket; but nobody promises it.
            server.write_all(&[HEAD, BODY].concat()[taken..])
        }
    }
}
// ANCHOR_END: ways

/// What a way costs.
#[derive(Debug)]
pub struct Cost {
    /// Which it is.
    pub way: Way,
    /// Calls of `write` or `writev` for a request.
    pub writes: f64,
    /// A quarter of the measurements were shorter.
    pub low: Duration,
    /// The median.
    pub median: Duration,
    /// A quarter of the measurements were longer.
    pub high: Duration,
}

// ANCHOR: measure
/// Makes `rounds` requests in each way, each after the reply to the one before.
///
/// # Errors
///
/// If the sockets fail.
pub fn measure(rounds: u32) -> io::Result<Vec<Cost>> {
    let ways = [Way::TwoWrites, Way::NoDelay, Way::OneWrite, Way::Vectored];
    ways.into_iter().map(|way| cost(way, rounds)).collect()
}

fn cost(way: Way, rounds: u32) -> io::Result<Cost> {
    let (client, server) = pair()?;
    client.set_nodelay(way == Way::NoDelay)?;
    let answering = thread::spawn(move || answer(&server));
    let mut counted = Counted {
        stream: &client,
        writes: 0,
    };
    let mut times = Vec::new();
    for _ in 0..rounds {
        let started = Instant::now();
        send(&mut counted, way)?;
        (&client).read_exact(&mut [0; 3])?; // "42\n"
        times.push(started.elapsed());
    }
    client.shutdown(Shutdown::Write)?;
    answering.join().expect("answering does not panic")?;
    times.sort();
    let at = |part: usize| times.get(times.len() * part / 4).copied();
    let at = |part| at(part).unwrap_or_default();
    Ok(Cost {
        way,
        writes: f64::from(counted.writes) / f64::from(rounds.max(1)),
        low: at(1),
        median: at(2),
        high: at(3),
    })
}
// ANCHOR_END: measure

/// Answers every second line, until the client's end.
fn answer(mut client: &TcpStream) -> io::Result<()> {
    let mut input = BufReader::new(client);
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        line.clear();
        input.read_until(b'\n', &mut line)?;
        line.clear();
        client.write_all(b"42\n")?;
    }
    Ok(())
}

struct Counted<'a> {
    stream: &'a TcpStream,
    writes: u32,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writes += u32::from(!bytes.is_empty());
        self.stream.write(bytes)
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.writes += 1;
        self.stream.write_vectored(parts)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
