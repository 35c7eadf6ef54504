//! A measurement: what it costs to hear "no", and to hear nothing.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::produce::{bound, local};

/// What three calls to connect took.
#[derive(Debug)]
pub struct Costs {
    /// Somebody listened.
    pub accepted: Duration,
    /// Nobody listened.
    pub refused: Duration,
    /// Somebody listened and had no time: one packet was lost, and repeated.
    pub dropped: Duration,
}

// ANCHOR: measure
/// Connects in three ways. In the third, the queue is full, and room is made in it
/// right after the first SYN was thrown away.
///
/// # Errors
///
/// If the sockets fail.
pub fn measure(rounds: usize) -> io::Result<Costs> {
    let open = TcpListener::bind("127.0.0.1:0")?;
    let addr = open.local_addr()?;
    let accepted = median(rounds, || {
        TcpStream::connect(addr)?;
        open.accept().map(drop)
    })?;
    let closed = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let refused = median(rounds, || {
        let _ = TcpStream::connect(closed); // ECONNREFUSED
        Ok(())
    })?;
    Ok(Costs {
        accepted,
        refused,
        dropped: dropped()?,
    })
}
// ANCHOR_END: measure

// ANCHOR: dropped
/// A queue with room for one, which is taken; then it is given back.
fn dropped() -> io::Result<Duration> {
    let listener = bound()?;
    listener.listen(0)?; // Linux admits one more than this
    let addr = local(&listener)?;
    let _first = TcpStream::connect(addr)?;
    std::thread::scope(|scope| {
        let caller = scope.spawn(move || {
            let started = Instant::now();
            connect(addr).map(|()| started.elapsed())
        });
        std::thread::sleep(Duration::from_millis(100)); // its SYN is thrown away
        listener.accept()?; // there is room now, and nobody is told
        caller.join().expect("connecting does not panic")
    })
}
// ANCHOR_END: dropped

fn connect(addr: SocketAddr) -> io::Result<()> {
    TcpStream::connect_timeout(&addr, Duration::from_secs(20)).map(drop)
}

fn median(rounds: usize, work: impl Fn() -> io::Result<()>) -> io::Result<Duration> {
    let mut times = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let started = Instant::now();
        work()?;
        times.push(started.elapsed());
    }
    times.sort();
    Ok(times.get(times.len() / 2).copied().unwrap_or_default())
}
