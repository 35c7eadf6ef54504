//! A measurement: what it costs to know where to call.

use std::hint::black_box;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::doors::ANY_PORT;
use crate::resolve::{Hints, lookup};

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

/// What each way to an address cost.
#[derive(Debug)]
pub struct Costs {
    /// `"127.0.0.1:80".parse()`.
    pub parse: Spread,
    /// `getaddrinfo` of an address in figures.
    pub figures: Spread,
    /// `getaddrinfo` of `localhost`, which is in a file.
    pub name: Spread,
    /// A TCP connection to the address, there and closed.
    pub connection: Spread,
}

// ANCHOR: measure
/// Takes each way `rounds` times, in turn, so that whatever else the machine does
/// disturbs all alike.
///
/// # Errors
///
/// If this machine does not know `localhost`, or the sockets fail.
pub fn measure(rounds: usize) -> io::Result<Costs> {
    let server = TcpListener::bind(ANY_PORT)?;
    let address = server.local_addr()?;
    let hints = Hints {
        kind: libc::SOCK_STREAM,
        ..Hints::default()
    };
    let ask =
        |name: &str| lookup(Some(name), Some("80"), hints).map_err(io::Error::other);
    let [mut parse, mut figures, mut name, mut connection] = [const { vec![] }; 4];
    for _ in 0..rounds {
        parse.push(time(parse_often)? / PARSES);
        figures.push(time(|| ask("127.0.0.1"))?);
        name.push(time(|| ask("localhost"))?);
        connection.push(time(|| {
            let _client = TcpStream::connect(address)?;
            server.accept()
        })?);
    }
    Ok(Costs {
        parse: spread(parse),
        figures: spread(figures),
        name: spread(name),
        connection: spread(connection),
    })
}
// ANCHOR_END: measure

/// Parsing is too short for the clock: so many are measured as one.
const PARSES: u32 = 1000;

fn parse_often() -> io::Result<()> {
    for _ in 0..PARSES {
        let parsed = black_box("127.0.0.1:80").parse::<SocketAddr>();
        black_box(parsed.map_err(io::Error::other)?);
    }
    Ok(())
}

fn time<T>(work: impl FnOnce() -> io::Result<T>) -> io::Result<Duration> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed())
}

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
