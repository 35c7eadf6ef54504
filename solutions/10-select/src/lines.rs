//! Exercise `select/lines`: many callers, one thread, and half a line.
//!
//! A server that sends each line back in capitals (ASCII letters only; all other
//! bytes as they are), each with its newline. Callers come and go at any time, and
//! all are served at once:
//!
//! - in one thread: you start neither a thread nor a process;
//! - while a caller is silent, or in the middle of a line, the others are answered;
//! - lines that arrive together are all answered, at once and in order;
//! - a last line without its newline is answered too, with a newline, once the caller
//!   has ended its side; after that the connection is closed;
//! - a caller that hangs up or resets ends its own visit and nothing else;
//! - while nobody says a word, the server sleeps.
//!
//! The callers of this exercise read their answers, and some five hundred short lines
//! at once are the most that you get from one: whether a write may block is the
//! matter of the next exercise. `poll` of the crate `nix` is there for you; `select`
//! and `epoll` do as well.
//!
//! The book has it in chapter 10, "One client as a state machine".

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

/// Serves all callers of `listener`, for ever.
///
/// Returns only when waiting or accepting itself has failed.
pub fn serve(listener: TcpListener) -> io::Result<()> {
    // BEGIN SOLUTION
    listener.set_nonblocking(true)?;
    let mut callers: Vec<Caller> = Vec::new();
    loop {
        let mut list = vec![PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
        for caller in &callers {
            let mut events = PollFlags::empty();
            events.set(PollFlags::POLLIN, !caller.ended);
            events.set(PollFlags::POLLOUT, !caller.answers.is_empty());
            list.push(PollFd::new(caller.stream.as_fd(), events));
        }
        poll(&mut list, PollTimeout::NONE)?;
        let ready: Vec<bool> =
            list.iter().map(|it| it.any() != Some(false)).collect();
        for (caller, _) in callers.iter_mut().zip(&ready[1..]).filter(|it| *it.1) {
            if caller.turn().is_err() {
                (caller.ended, caller.answers) = (true, VecDeque::new());
            }
        }
        callers.retain(|caller| !(caller.ended && caller.answers.is_empty()));
        if ready[0]
            && let Ok((stream, _)) = listener.accept()
        {
            stream.set_nonblocking(true)?;
            callers.push(Caller {
                stream,
                line: Vec::new(),
                answers: VecDeque::new(),
                ended: false,
            });
        }
    }
    // STUB let _ = listener;
    // STUB todo!("wait for all callers at once, and keep what each has begun")
    // END SOLUTION
}
// BEGIN SOLUTION

struct Caller {
    stream: TcpStream,
    line: Vec<u8>,
    answers: VecDeque<u8>,
    ended: bool,
}

impl Caller {
    /// One write and one read, neither of which waits.
    fn turn(&mut self) -> io::Result<()> {
        if !self.answers.is_empty() {
            let (front, _) = self.answers.as_slices();
            let taken = unless_it_blocks(self.stream.write(front))?;
            self.answers.drain(..taken.unwrap_or(0));
        }
        if self.ended {
            return Ok(());
        }
        let mut buffer = [0; 4096];
        let Some(length) = unless_it_blocks(self.stream.read(&mut buffer))? else {
            return Ok(());
        };
        for byte in &buffer[..length] {
            self.line.push(byte.to_ascii_uppercase());
            if *byte == b'\n' {
                self.answers.extend(self.line.drain(..));
            }
        }
        if length == 0 {
            self.ended = true;
            if !self.line.is_empty() {
                self.answers.extend(self.line.drain(..));
                self.answers.push_back(b'\n');
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
    checks_select::lines(serve)
}
