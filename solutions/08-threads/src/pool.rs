//! Exercise `threads/pool`: so many at once, so many wait, and a polite no.
//!
//! A thread for every caller is a promise to everybody. This server promises less: it
//! serves `workers` callers at once; `queue` more may wait until one of those has left;
//! and whoever comes then is told so, and can try elsewhere.
//!
//! ```text
//! workers = 2, queue = 1
//! A, B connect:  are served
//! C connects:    hears nothing, waits
//! D connects:    server: busy, try again later
//!                server: (end)
//! A leaves:      C is served, with all that it has sent meanwhile
//! ```
//!
//! The book has it in chapter 8, "A pool with a limit".

// BEGIN SOLUTION
use std::collections::VecDeque;
use std::io::{Read, Write};
// END SOLUTION
use std::io;
use std::net::TcpListener;
// BEGIN SOLUTION
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
// END SOLUTION

/// What a caller is told for whom there is no room; then its connection is ended.
pub const BUSY: &[u8] = b"busy, try again later\n";

/// Serves callers until accepting itself fails; `workers` and `queue` are at least 1.
///
/// A caller that is served gets back in capitals (`to_ascii_uppercase`) whatever it
/// sends, until it ends its side; then its connection is ended, and who has waited
/// longest is next. A caller that waits hears nothing until it is its turn. It may
/// leave or break off meanwhile.
///
/// A caller that is refused gets [`BUSY`] and the end, at once. It may keep its own
/// side open for as long as it likes, and nobody waits for it. (It sends nothing
/// itself.) Nothing is kept of a caller that has left or was refused.
///
/// A caller whose connection breaks ends its own visit, and the thread that served it
/// serves others. The number of threads does not grow with the number of callers, and
/// while nobody speaks no processor time is used.
pub fn serve(listener: TcpListener, workers: usize, queue: usize) -> io::Result<()> {
    // BEGIN SOLUTION
    let shared = Arc::new(Shared::default());
    for _ in 0..workers {
        let shared = Arc::clone(&shared);
        thread::Builder::new().spawn(move || work(&shared))?;
    }
    loop {
        let (stream, _) = listener.accept()?;
        if let Err(mut stream) = shared.offer(stream, workers + queue) {
            let _ = stream.write_all(BUSY); // it may be gone already
        }
    }
    // STUB let _ = (listener, workers, queue);
    // STUB todo!("start the threads, put callers into the queue, refuse the others")
    // END SOLUTION
}
// BEGIN SOLUTION

/// What the threads share.
#[derive(Default)]
struct Shared {
    callers: Mutex<Callers>,
    /// Somebody has been put into the queue.
    news: Condvar,
}

#[derive(Default)]
struct Callers {
    waiting: VecDeque<TcpStream>,
    served: usize,
}

impl Shared {
    /// Puts a caller into the queue, or gives it back where `most` are there.
    fn offer(&self, stream: TcpStream, most: usize) -> Result<(), TcpStream> {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.served + callers.waiting.len() >= most {
            return Err(stream);
        }
        callers.waiting.push_back(stream);
        self.news.notify_one();
        Ok(())
    }

    /// Who has waited longest; waits until somebody is there.
    fn next(&self) -> TcpStream {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(stream) = callers.waiting.pop_front() {
                callers.served += 1;
                return stream; // and with it the lock goes, before the visit
            }
            let woken = self.news.wait(callers);
            callers = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// What each thread does.
fn work(shared: &Shared) {
    loop {
        let _ = talk(shared.next()); // an error ends this visit only
        let callers = shared.callers.lock();
        callers.unwrap_or_else(PoisonError::into_inner).served -= 1;
    }
}

/// One caller's visit, until its end.
fn talk(mut stream: TcpStream) -> io::Result<()> {
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
    checks_threads::pool(serve)
}
