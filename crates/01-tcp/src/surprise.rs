//! A measurement: what an answer costs, by the way the question takes.

use std::hint::black_box;
use std::io::{self, BufReader};
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{ask, connect};
use crate::server::{ANY_PORT, BACKLOG, PATIENCE, listen, serve};
use crate::upper::{self, upper};

const QUESTION: &[u8] = b"good morning";

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

/// What an answer cost.
#[derive(Debug)]
pub struct Costs {
    /// From a function in the same program.
    pub call: Spread,
    /// From a server, over a connection that was open already.
    pub message: Spread,
    /// From a server, over a new connection for the one question.
    pub connection: Spread,
}

// ANCHOR: measure
/// Asks the same question `rounds` times in each of the three ways, in turn, so that
/// whatever else the machine does disturbs all three alike.
///
/// # Errors
///
/// If the sockets fail.
pub fn measure(rounds: usize) -> io::Result<Costs> {
    let (open, other) = (start_server()?, start_server()?);
    let mut server = BufReader::new(connect(open)?);
    let (mut calls, mut messages, mut connections) = (vec![], vec![], vec![]);
    for _ in 0..rounds {
        calls.push(time(call_often)? / CALLS);
        messages.push(time(|| ask(&mut server, QUESTION))?);
        connections.push(time(|| {
            let mut server = BufReader::new(connect(other)?);
            ask(&mut server, QUESTION)
        })?);
    }
    Ok(Costs {
        call: spread(calls),
        message: spread(messages),
        connection: spread(connections),
    })
}
// ANCHOR_END: measure

/// A call is too short for the clock: so many are measured as one.
const CALLS: u32 = 1000;

fn call_often() -> io::Result<()> {
    for _ in 0..CALLS {
        black_box(upper(black_box(QUESTION))); // or the compiler drops the call
    }
    Ok(())
}

/// Starts a server of capitals that lives as long as this process.
fn start_server() -> io::Result<SocketAddr> {
    let listener = listen(ANY_PORT, BACKLOG)?;
    let addr = listener.local_addr()?;
    thread::spawn(move || serve(&listener, PATIENCE, upper::talk, |_, _| {}));
    Ok(addr)
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
