//! Exercise `select/edge`: told once.
//!
//! A server sends back in capitals (ASCII letters only) whatever bytes a caller
//! sends, to all callers at once, in one thread: you start neither a thread nor a
//! process. It waits by `epoll`, edge-triggered: the listener and every connection
//! are watched with `EPOLLET`, and the check looks into the kernel whether they are.
//!
//! - Whatever comes is sent back whole, also where much comes in one go and nothing
//!   after it, and also where the caller's end comes right behind it;
//! - callers that come in the same moment are all served;
//! - what a caller does not take yet waits in a queue, however long (no limit is
//!   asked for here), and goes when there is room; nobody else waits meanwhile;
//! - after a caller's end, and the last byte to it, its connection is closed;
//! - a caller that resets ends its own visit and nothing else;
//! - while there is nothing to do, the server sleeps;
//! - a wait may end with EINTR (`Interrupted`): epoll does so when a program is stopped
//!   and goes on, as by Ctrl-Z and `fg`. Then it waits again.
//!
//! The book has it in chapter 10, "Told once".

use std::io;
// BEGIN SOLUTION
use std::collections::{HashMap, VecDeque};
use std::io::{ErrorKind, Read, Write};
// END SOLUTION
use std::net::TcpListener;
// BEGIN SOLUTION
use std::net::TcpStream;

use nix::errno::Errno;
use nix::sys::epoll::{
    Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout,
};
// END SOLUTION

/// Serves all callers of `listener`, for ever.
///
/// Returns only when waiting or accepting itself has failed.
pub fn serve(listener: TcpListener) -> io::Result<()> {
    // BEGIN SOLUTION
    listener.set_nonblocking(true)?;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    let edge = EpollFlags::EPOLLIN | EpollFlags::EPOLLET;
    epoll.add(&listener, EpollEvent::new(edge, 0))?;
    let mut callers: HashMap<u64, Caller> = HashMap::new();
    let mut last = 0;
    loop {
        let mut events = [EpollEvent::empty(); 64];
        let count = match epoll.wait(&mut events, EpollTimeout::NONE) {
            Err(Errno::EINTR) => continue, // a signal, or Ctrl-Z and `fg`
            result => result?,
        };
        for event in &events[..count] {
            if event.data() == 0 {
                // All of them: of those left behind nobody tells again.
                while let Some((stream, _)) = unless_it_blocks(listener.accept())? {
                    stream.set_nonblocking(true)?;
                    last += 1;
                    let both = edge | EpollFlags::EPOLLOUT;
                    epoll.add(&stream, EpollEvent::new(both, last))?;
                    callers.insert(last, Caller::new(stream));
                }
            } else if let Some(caller) = callers.get_mut(&event.data())
                && (caller.drain().is_err() || caller.is_done())
            {
                callers.remove(&event.data());
            }
        }
    }
    // STUB let _ = listener;
    // STUB todo!("wait for edges, and leave nothing behind")
    // END SOLUTION
}
// BEGIN SOLUTION

struct Caller {
    stream: TcpStream,
    queue: VecDeque<u8>,
    ended: bool,
}

impl Caller {
    fn new(stream: TcpStream) -> Self {
        let (queue, ended) = (VecDeque::new(), false);
        Self {
            stream,
            queue,
            ended,
        }
    }

    fn is_done(&self) -> bool {
        self.ended && self.queue.is_empty()
    }

    /// Reads until there is nothing, and writes until there is no room.
    fn drain(&mut self) -> io::Result<()> {
        let mut buffer = [0; 16 << 10];
        while !self.ended
            && let Some(length) = unless_it_blocks(self.stream.read(&mut buffer))?
        {
            self.ended = length == 0;
            self.queue.extend(buffer[..length].to_ascii_uppercase());
        }
        while !self.queue.is_empty() {
            let (front, _) = self.queue.as_slices();
            let Some(taken) = unless_it_blocks(self.stream.write(front))? else {
                break; // there will be an edge when there is room
            };
            self.queue.drain(..taken);
        }
        Ok(())
    }
}

fn unless_it_blocks<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}
// END SOLUTION

#[cfg(test)]
pub(crate) fn check() -> checks_select::Check {
    checks_select::edge(serve)
}
