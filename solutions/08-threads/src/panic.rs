//! Exercise `threads/panic`: a handler that panics.
//!
//! A server answers lines with lines. How, is not yours to say: it is given a function,
//! somebody else's, and some lines that function does not survive. It panics, with a
//! lock in its hand. That may cost the caller who sent such a line its connection. It
//! may not cost anybody anything else.
//!
//! The book has it in chapter 8, "A panic is one caller's".

// BEGIN SOLUTION
use std::io::{BufRead, BufReader, Write};
use std::panic::{self, AssertUnwindSafe};
// END SOLUTION
use std::io;
use std::net::TcpListener;
// BEGIN SOLUTION
use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
// END SOLUTION

/// Answers a line; both are without their newline.
///
/// The number is the one of the whole server: it has to be the same for all callers, so
/// it stands behind a lock that is held for the call. The function may change it, and
/// may panic, before or after. Whatever is in it then is to be taken as it is. It never
/// waits for anything.
pub type Answer = fn(line: &[u8], number: &mut u64) -> Vec<u8>;

/// Serves callers until accepting itself fails. The number is 0 in the beginning.
///
/// `workers` callers are served at once, by as many threads; a further one waits until
/// one of them has left. Each line of a caller is answered with what `answer` says and
/// a newline, until the caller ends its side. (A line is any bytes, none at all included,
/// and not longer than 1024. A last line without its newline is a line too.)
///
/// When `answer` panics, its caller's connection is ended, without a word. All others
/// are served as before, also those that come later; and there are as many threads to
/// serve them as before.
pub fn serve(
    listener: TcpListener,
    workers: usize,
    answer: Answer,
) -> io::Result<()> {
    // BEGIN SOLUTION
    let number = Arc::new(Mutex::new(0));
    let listener = Arc::new(listener);
    let mut threads = Vec::new();
    for _ in 0..workers {
        let (listener, number) = (Arc::clone(&listener), Arc::clone(&number));
        // Every thread accepts for itself; the kernel gives a caller to one of them.
        let thread = thread::Builder::new().spawn(move || -> io::Result<()> {
            loop {
                let (stream, _) = listener.accept()?;
                // What is borrowed here is used on after a panic: the number, which is
                // to be taken as it is, and nothing else.
                let visit = AssertUnwindSafe(|| talk(&stream, &number, answer));
                let _ = panic::catch_unwind(visit);
            }
        });
        threads.push(thread?);
    }
    for thread in threads {
        thread.join().unwrap_or(Ok(()))?; // an error of `accept`
    }
    Ok(())
    // STUB let _ = (listener, workers, answer);
    // STUB todo!("threads that serve callers, and survive `answer`")
    // END SOLUTION
}
// BEGIN SOLUTION

/// One caller's visit, until its end.
fn talk(
    mut stream: &TcpStream,
    number: &Mutex<u64>,
    answer: Answer,
) -> io::Result<()> {
    for line in BufReader::new(stream).split(b'\n') {
        let line = line?;
        let mut answer = {
            // A panic of somebody before us has poisoned the lock. It says that what
            // is behind it may be half done; here it cannot be.
            let mut number = number.lock().unwrap_or_else(PoisonError::into_inner);
            answer(&line, &mut number)
        };
        answer.push(b'\n');
        stream.write_all(&answer)?; // the lock is not held here
    }
    Ok(())
}
// END SOLUTION

#[cfg(test)]
pub(crate) fn check() -> checks_threads::Check {
    checks_threads::panic(serve)
}
