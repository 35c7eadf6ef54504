//! Programs that are wrong on purpose, to be run, seen and explained.

use std::io::{self, ErrorKind, Read};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::deadline::drip;
use crate::stop::{Way, serve, stopper};

// ANCHOR: per_read
/// Reads to the end of `stream`, or until `limit` has passed.
///
/// So it says.
fn read_within(mut stream: TcpStream, limit: Duration) -> io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(limit))?;
    let mut all = Vec::new();
    stream.read_to_end(&mut all)?;
    Ok(all)
}
// ANCHOR_END: per_read

/// Reads from a server that drips, with a `limit` for each read; how long that took.
///
/// # Errors
///
/// If the sockets fail, or the limit was kept after all.
pub fn per_read(limit: Duration) -> io::Result<(usize, Duration)> {
    let stream = drip(b"a reply of thirty bytes, or so", limit / 10)?;
    let started = Instant::now();
    let reply = read_within(stream, limit)?;
    Ok((reply.len(), started.elapsed()))
}

/// What became of a server that was to stop.
#[derive(Debug, PartialEq, Eq)]
pub struct Stopped {
    /// It returned by itself.
    pub at_once: bool,
    /// It returned when somebody called.
    pub after_a_call: bool,
}

/// Stops a server that waits in `accept`, in this way, and gives it `patience`.
///
/// # Errors
///
/// If the sockets fail.
pub fn stop(way: Way, patience: Duration) -> io::Result<Stopped> {
    let listener = Arc::new(TcpListener::bind("127.0.0.1:0")?);
    let addr = listener.local_addr()?;
    let flag = Arc::new(AtomicBool::new(false));
    let mut on_signal = stopper(way, &listener, addr, &flag);
    let (sender, returned) = mpsc::channel();
    thread::spawn(move || {
        let _ = sender.send(serve(&listener, &flag)); // nobody waits any more
    });
    // A whole visit: the server is at its `accept` again, or about to be.
    let mut visitor = TcpStream::connect(addr)?;
    visitor.shutdown(std::net::Shutdown::Write)?;
    visitor.read_to_end(&mut Vec::new())?;
    on_signal();
    let at_once = is_over(&returned, patience)?;
    if !at_once {
        drop(TcpStream::connect(addr)?);
    }
    let after_a_call = !at_once && is_over(&returned, Duration::from_secs(10))?;
    Ok(Stopped {
        at_once,
        after_a_call,
    })
}

fn is_over(
    returned: &mpsc::Receiver<io::Result<u32>>,
    patience: Duration,
) -> io::Result<bool> {
    match returned.recv_timeout(patience) {
        Ok(result) => result.map(|_| true),
        Err(RecvTimeoutError::Timeout) => Ok(false),
        Err(RecvTimeoutError::Disconnected) => {
            Err(ErrorKind::UnexpectedEof.into()) // it has panicked
        }
    }
}
