//! The checks of lesson 11: coroutines and async.
//!
//! There is no runtime here. A future of the learner's is polled by the check itself,
//! with wakers that count; a server is run by a function that brings its runtime.

mod blocking;
mod drain;
mod frames;
mod readable;
mod waker;

pub use blocking::blocking;
pub use checks::Check;
pub use drain::drain;
pub use frames::frames;
pub use readable::readable;
pub use waker::waker;

use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use wire::{Recorder, Side};

use checks::engine::Report;
use checks::symptom::{Kind, Symptom};

/// A story in two columns: what the check does, and what the learner's code does.
#[derive(Clone)]
pub struct Story(Recorder);

impl Story {
    /// Begins it, with these names for the two columns.
    pub fn new(report: &Report, left: &str, right: &str) -> Self {
        Self(report.record_between(left, right))
    }

    /// The check's side does or sees this.
    pub fn left(&self, text: impl Into<String>) {
        self.0.note(0, Side::Left, text);
    }

    /// The learner's side does this.
    pub fn right(&self, text: impl Into<String>) {
        self.0.note(0, Side::Right, text);
    }
}

/// The check could not do its own part.
pub fn failed(operation: &str, error: io::Error) -> Symptom {
    checks::engine::broken(operation, error)
}

/// Two ends of a connection within this process.
pub fn connection() -> Result<(TcpStream, TcpStream), Symptom> {
    let both = || {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let ours = TcpStream::connect(listener.local_addr()?)?;
        ours.set_nodelay(true)?;
        Ok((ours, listener.accept()?.0))
    };
    both().map_err(|error| failed("make a connection", error))
}

/// Listens, says where, and takes the first connections: so many channels between the
/// check and its child besides those that the learner's code is to serve.
fn listen_and_take<const MANY: usize>(
    report: &Report,
) -> io::Result<(TcpListener, [TcpStream; MANY])> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let addr: SocketAddr = listener.local_addr()?;
    report.listening(addr);
    let mut taken = Vec::new();
    for _ in 0..MANY {
        taken.push(listener.accept()?.0);
    }
    let taken: [TcpStream; MANY] = taken
        .try_into()
        .expect("as many were taken as there is room for");
    Ok((listener, taken))
}

/// Waits for one byte, or for the end.
fn read_a_byte(mut stream: &TcpStream) {
    let _ = stream.read(&mut [0]); // in either case the waiting is over
}

fn wrong(
    summary: impl Into<String>,
    wanted: &str,
    got: impl Into<String>,
) -> Symptom {
    Symptom::new(Kind::Wrong, summary).with_words(wanted, got)
}

/// The calls in which a thread waits for bytes of a connection, or for time to pass.
const WAITS: &[&str] = &[
    "recvfrom", "recvmsg", "read", "readv", "poll", "ppoll", "select", "pselect6",
];
