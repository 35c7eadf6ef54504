//! Exercise `threads/drain`: told to stop, with callers in the house.
//!
//! A server serves every caller on a thread: it sends back in capitals whatever comes,
//! until the caller ends its side. Then it is told to stop. In a program that would be
//! Ctrl-C; here it is a message in a channel. From then on
//!
//! - no further caller is served;
//! - those that are there are served on, each to its end;
//! - when the last has left, or when a time limit is over, the function returns, and
//!   says who was left.
//!
//! A thread that waits in `accept` or in `read` does not look at channels. `join` has
//! no time limit. Both can be got round.
//!
//! The book has it in chapter 8, "Stopping in good order".

// BEGIN SOLUTION
use std::collections::HashMap;
use std::io::{Read, Write};
// END SOLUTION
use std::io;
// BEGIN SOLUTION
use std::net::{Shutdown, TcpStream};
// END SOLUTION
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::Receiver;
// BEGIN SOLUTION
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
// END SOLUTION
use std::time::Duration;
// BEGIN SOLUTION
use std::time::Instant;
// END SOLUTION

/// Serves all callers at once until `stop` brings its message; then drains.
///
/// Draining takes until the last caller has left, and `limit`, counted from the message
/// on, at most. Returned are the addresses of the callers that were still there when
/// the limit was over, in any order; none where all have left before. A caller that has
/// ended its side or whose connection has broken has left.
///
/// When this returns, nobody listens at the port, and the connections of those that
/// were left are ended. The letters a to z become capitals (`to_ascii_uppercase`). One
/// caller's error ends its own visit only. While nobody speaks, no processor time is
/// used (to look around every few milliseconds is not forbidden).
pub fn serve(
    listener: TcpListener,
    stop: Receiver<()>,
    limit: Duration,
) -> io::Result<Vec<SocketAddr>> {
    // BEGIN SOLUTION
    let told = Arc::new(AtomicBool::new(false));
    let (addr, flag) = (listener.local_addr()?, Arc::clone(&told));
    thread::Builder::new().spawn(move || {
        let _ = stop.recv(); // an error: nobody can tell us any more, so that is all
        flag.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(addr)); // wakes `accept`
    })?;

    let visits = Arc::new(Visits::default());
    loop {
        let accepted = listener.accept();
        if told.load(Ordering::SeqCst) {
            break;
        }
        let (stream, peer) = accepted?;
        let stream = Arc::new(stream);
        visits.begin(peer, &stream);
        let list = Arc::clone(&visits);
        thread::Builder::new().spawn(move || {
            let _ = talk(&stream);
            drop(stream);
            list.end(peer);
        })?;
    }
    drop(listener);
    Ok(visits.drain(limit))
    // STUB let _ = (listener, stop, limit);
    // STUB todo!("serve; on the message accept no more, and wait, but not for ever")
    // END SOLUTION
}
// BEGIN SOLUTION

/// Who is there.
#[derive(Default)]
struct Visits {
    there: Mutex<HashMap<SocketAddr, Arc<TcpStream>>>,
    /// Somebody has left.
    left: Condvar,
}

impl Visits {
    fn begin(&self, peer: SocketAddr, stream: &Arc<TcpStream>) {
        let mut there = self.there.lock().unwrap_or_else(PoisonError::into_inner);
        there.insert(peer, Arc::clone(stream));
    }

    fn end(&self, peer: SocketAddr) {
        let mut there = self.there.lock().unwrap_or_else(PoisonError::into_inner);
        there.remove(&peer);
        self.left.notify_all();
    }

    /// Waits until nobody is there, for `limit` at most; ends what is left, and says
    /// whose it was.
    fn drain(&self, limit: Duration) -> Vec<SocketAddr> {
        let deadline = Instant::now() + limit;
        let mut there = self.there.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let time = deadline.saturating_duration_since(Instant::now());
            if there.is_empty() || time.is_zero() {
                break;
            }
            let woken = self.left.wait_timeout(there, time);
            (there, _) = woken.unwrap_or_else(PoisonError::into_inner);
        }
        for stream in there.values() {
            let _ = stream.shutdown(Shutdown::Both); // ends its thread's read
        }
        there.keys().copied().collect()
    }
}

/// One caller's visit, until its end.
fn talk(mut stream: &TcpStream) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..read].to_ascii_uppercase())?;
    }
}
// END SOLUTION

#[cfg(test)]
pub(crate) fn check() -> checks_threads::Check {
    checks_threads::drain(serve)
}
