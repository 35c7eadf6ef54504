//! Exercise `select/queue`: what the caller does not take yet.
//!
//! A server sends back in capitals (ASCII letters only) whatever bytes a caller
//! sends, to all callers at once, in one thread: you start neither a thread nor a
//! process. There are no lines here, only bytes. Some callers send much, and read
//! late or never:
//!
//! - what a caller does not take waits in a queue of its own; in the end it gets
//!   every byte, in order, also when it has ended its side meanwhile;
//! - while `mark` bytes or more wait in a caller's queue, nothing more is read from
//!   that caller; when there are fewer, it is read from again. One read brings at
//!   most 64 KiB, so that no queue is ever longer than `mark` and 64 KiB;
//! - nobody else waits meanwhile;
//! - after a caller's end, and the last byte to it, its connection is closed;
//! - a caller that resets ends its own visit and nothing else;
//! - while there is nothing to do the server sleeps: also while callers are connected
//!   and silent, and also while one does not read and its queue is full.
//!
//! The book has it in chapter 10, "Room to write".

use std::io;
// BEGIN SOLUTION
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
// END SOLUTION
use std::net::TcpListener;
// BEGIN SOLUTION
use std::net::TcpStream;
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
// END SOLUTION

/// Serves all callers of `listener`, for ever, with queues that are bounded by
/// `mark`, which is at least 1.
///
/// Returns only when waiting or accepting itself has failed.
pub fn serve(listener: TcpListener, mark: usize) -> io::Result<()> {
    // BEGIN SOLUTION
    listener.set_nonblocking(true)?;
    let mut callers: Vec<Caller> = Vec::new();
    loop {
        let mut list = vec![PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
        for caller in &callers {
            let mut events = PollFlags::empty();
            events.set(PollFlags::POLLIN, caller.wants_read(mark));
            events.set(PollFlags::POLLOUT, !caller.queue.is_empty());
            list.push(PollFd::new(caller.stream.as_fd(), events));
        }
        poll(&mut list, PollTimeout::NONE)?;
        let ready: Vec<bool> =
            list.iter().map(|it| it.any() != Some(false)).collect();
        for (caller, _) in callers.iter_mut().zip(&ready[1..]).filter(|it| *it.1) {
            if caller.turn(mark).is_err() {
                (caller.ended, caller.queue) = (true, VecDeque::new());
            }
        }
        callers.retain(|caller| !(caller.ended && caller.queue.is_empty()));
        if ready[0]
            && let Ok((stream, _)) = listener.accept()
        {
            stream.set_nonblocking(true)?;
            callers.push(Caller {
                stream,
                queue: VecDeque::new(),
                ended: false,
            });
        }
    }
    // STUB let _ = (listener, mark);
    // STUB todo!("a queue for each caller, and no more than a mark in it")
    // END SOLUTION
}
// BEGIN SOLUTION

struct Caller {
    stream: TcpStream,
    queue: VecDeque<u8>,
    ended: bool,
}

impl Caller {
    fn wants_read(&self, mark: usize) -> bool {
        !self.ended && self.queue.len() < mark
    }

    /// One write and one read, neither of which waits.
    fn turn(&mut self, mark: usize) -> io::Result<()> {
        if !self.queue.is_empty() {
            let (front, _) = self.queue.as_slices();
            let taken = unless_it_blocks(self.stream.write(front))?;
            self.queue.drain(..taken.unwrap_or(0)); // what was not taken stays
        }
        if self.wants_read(mark) {
            let mut buffer = [0; 16 << 10];
            if let Some(length) = unless_it_blocks(self.stream.read(&mut buffer))? {
                self.ended = length == 0;
                self.queue.extend(buffer[..length].to_ascii_uppercase());
            }
        }
        Ok(())
    }
}

fn unless_it_blocks(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Ok(length) => Ok(Some(length)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}
// END SOLUTION

#[cfg(test)]
pub(crate) fn check() -> checks_select::Check {
    checks_select::queue(serve)
}
