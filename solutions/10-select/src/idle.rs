//! Exercise `select/idle`: a time for each caller.
//!
//! A server sends back in capitals (ASCII letters only) whatever bytes a caller
//! sends, to all callers at once, in one thread: you start neither a thread nor a
//! process. Who is silent has to go:
//!
//! - a caller from whom no byte has come for `patience` is let go: its connection is
//!   closed, with a FIN;
//! - the time begins when the caller comes, and anew with each byte from it: who says
//!   a word now and then stays as long as it likes;
//! - nobody goes before its time;
//! - between two events the server sleeps, until something comes or until the next
//!   caller's time is over, and not in small steps: with an hour of `patience` it
//!   sleeps for an hour;
//! - after a caller's end its connection is closed; a caller that resets ends its own
//!   visit and nothing else.
//!
//! The callers of this exercise read what they get, and send little at a time.
//!
//! The book has it in chapter 10, "Time is an event, too".

use std::io;
// BEGIN SOLUTION
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::io::{ErrorKind, Read, Write};
// END SOLUTION
use std::net::TcpListener;
// BEGIN SOLUTION
use std::net::TcpStream;
use std::os::fd::AsFd;
// END SOLUTION
use std::time::Duration;
// BEGIN SOLUTION
use std::time::Instant;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
// END SOLUTION

/// Serves all callers of `listener`, for ever, and lets go who is silent for
/// `patience`.
///
/// Returns only when waiting or accepting itself has failed.
pub fn serve(listener: TcpListener, patience: Duration) -> io::Result<()> {
    // BEGIN SOLUTION
    listener.set_nonblocking(true)?;
    let mut callers: HashMap<u64, Caller> = HashMap::new();
    let mut timers: BinaryHeap<Reverse<(Instant, u64)>> = BinaryHeap::new();
    let mut last = 0;
    loop {
        let now = Instant::now();
        // One timer for each caller. Who has spoken since it was set gets a new one.
        while let Some(&Reverse((due, number))) = timers.peek()
            && due <= now
        {
            timers.pop();
            let Some(caller) = callers.get(&number) else {
                continue; // it is gone
            };
            if caller.heard + patience <= now {
                callers.remove(&number); // closes the connection
            } else {
                timers.push(Reverse((caller.heard + patience, number)));
            }
        }
        let limit = timers.peek().map(|Reverse((due, _))| *due - now);
        let ready = wait(&listener, &callers, limit)?;
        for number in ready {
            if number == 0 {
                if let Ok((stream, _)) = listener.accept() {
                    stream.set_nonblocking(true)?;
                    last += 1;
                    let heard = Instant::now();
                    callers.insert(last, Caller { stream, heard });
                    timers.push(Reverse((heard + patience, last)));
                }
            } else if let Some(caller) = callers.get_mut(&number)
                && !caller.turn()
            {
                callers.remove(&number);
            }
        }
    }
    // STUB let _ = (listener, patience);
    // STUB todo!("wait for bytes, and for the first caller whose time is over")
    // END SOLUTION
}
// BEGIN SOLUTION

struct Caller {
    stream: TcpStream,
    heard: Instant,
}

impl Caller {
    /// Sends back what has come; whether the visit goes on.
    fn turn(&mut self) -> bool {
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(length) => {
                self.heard = Instant::now();
                let answer = buffer[..length].to_ascii_uppercase();
                self.stream.write_all(&answer).is_ok() // they read
            }
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        }
    }
}

/// The numbers of those who are ready; 0 is the listener.
fn wait(
    listener: &TcpListener,
    callers: &HashMap<u64, Caller>,
    limit: Option<Duration>,
) -> io::Result<Vec<u64>> {
    let mut numbers = vec![0];
    let mut list = vec![PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
    for (number, caller) in callers {
        numbers.push(*number);
        list.push(PollFd::new(caller.stream.as_fd(), PollFlags::POLLIN));
    }
    // Rounded up: else the last millisecond would be a spin.
    let limit = limit.map_or(PollTimeout::NONE, |limit| {
        let millis = limit.as_nanos().div_ceil(1_000_000);
        PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX)
    });
    poll(&mut list, limit)?;
    let ready = numbers.iter().zip(&list);
    let ready = ready.filter(|(_, entry)| entry.any() != Some(false));
    Ok(ready.map(|(number, _)| *number).collect())
}
// END SOLUTION

#[cfg(test)]
pub(crate) fn check() -> checks_select::Check {
    checks_select::idle(serve)
}
