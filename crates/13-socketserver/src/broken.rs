//! Wrong on purpose; find out why.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

// ANCHOR: seats
/// The number of free seats. Who is served takes one, and `finish` gives it back.
pub struct Seats(AtomicUsize);

/// One conversation, with the steps in a row. What is wrong?
fn serve_one(mut stream: TcpStream, seats: &Seats) -> io::Result<()> {
    setup(seats);
    handle(&mut stream)?;
    finish(seats);
    Ok(())
}
// ANCHOR_END: seats

fn setup(seats: &Seats) {
    seats.0.fetch_sub(1, Ordering::SeqCst);
}

fn finish(seats: &Seats) {
    seats.0.fetch_add(1, Ordering::SeqCst);
}

/// Answers four letters. A peer that leaves before the fourth is an error.
fn handle(stream: &mut TcpStream) -> io::Result<()> {
    let mut word = [0; 4];
    stream.read_exact(&mut word)?;
    stream.write_all(&word.to_ascii_uppercase())
}

/// How many of ten seats are free after three callers of each kind.
///
/// # Errors
///
/// Those of the sockets.
pub fn leaking_seats() -> io::Result<[(&'static str, usize); 3]> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let addr = listener.local_addr()?;
    let seats = Seats(AtomicUsize::new(10));
    let free = || seats.0.load(Ordering::SeqCst);
    let before = free();
    for _ in 0..3 {
        let mut caller = TcpStream::connect(addr)?;
        caller.write_all(b"good")?;
        serve_one(listener.accept()?.0, &seats)?;
    }
    let after_good = free();
    for _ in 0..3 {
        let mut caller = TcpStream::connect(addr)?;
        caller.write_all(b"ba")?;
        caller.shutdown(Shutdown::Write)?;
        let _ = serve_one(listener.accept()?.0, &seats); // it fails, and we go on
    }
    Ok([
        ("before", before),
        ("after three who say it all", after_good),
        ("after three who leave too early", free()),
    ])
}

// ANCHOR: waits
/// A server in the manner of CPython's: `shutdown` sets a flag, and waits until the
/// loop has seen it.
#[derive(Default)]
pub struct Loop {
    stop: Mutex<bool>,
    over: Mutex<bool>,
    ended: Condvar,
}

impl Loop {
    fn serve(&self, mut request: impl FnMut(&Loop)) {
        while !*self.stop.lock().unwrap_or_else(PoisonError::into_inner) {
            request(self);
        }
        *self.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.ended.notify_all();
    }

    /// Whether the loop has ended; CPython's `shutdown` has no `limit`.
    fn shutdown(&self, limit: Duration) -> bool {
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = true;
        let over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.ended.wait_timeout_while(over, limit, |over| !*over);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
// ANCHOR_END: waits

/// Calls `shutdown` from another thread and from a request, each with a limit;
/// whether the loop had ended when it returned.
pub fn shutdown_twice() -> (bool, bool) {
    let limit = Duration::from_secs(10);
    let server = Arc::new(Loop::default());
    let other = {
        let server = Arc::clone(&server);
        thread::spawn(move || {
            server.serve(|_| thread::sleep(Duration::from_millis(1)));
        })
    };
    let from_another = server.shutdown(limit);
    let _ = other.join();

    let server = Loop::default();
    let mut from_a_request = false;
    server
        .serve(|server| from_a_request = server.shutdown(Duration::from_millis(300)));
    (from_another, from_a_request)
}
