//! Exercise `select/stop`: how to wake somebody who waits for sockets.
//!
//! A server sends back in capitals (ASCII letters only) whatever bytes a caller
//! sends, to all callers at once. What a caller does not take yet waits in a queue of
//! its own, however long (no limit is asked for here). It can be stopped by a
//! function:
//!
//! - the function may be called from any thread, also before `serve` first waits,
//!   also many times (tens of thousands), also when the server is over; it never
//!   blocks and never panics;
//! - once it was called, the server takes no new caller and reads no more; a caller
//!   with an empty queue is let go at once, one with a queue when all of it is sent;
//! - then `serve` returns `Ok(())`;
//! - until it was called, the server sleeps while there is nothing to do, for as long
//!   as there is nothing to do, and not in small steps.
//!
//! A caller that resets ends its own visit and nothing else. The book has it in
//! chapter 10, "Who wakes the one who waits".

use std::io;
// BEGIN SOLUTION
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
// END SOLUTION
use std::net::TcpListener;
// BEGIN SOLUTION
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
// END SOLUTION

/// What stops a server.
pub type Stop = Box<dyn Fn() + Send + Sync>;

/// Serves all callers of `listener` until it is stopped.
///
/// Calls `ready` once, before it first waits, with the function that stops it.
pub fn serve(listener: TcpListener, ready: &dyn Fn(Stop)) -> io::Result<()> {
    // BEGIN SOLUTION
    listener.set_nonblocking(true)?;
    // One end for whoever stops, the other for `poll`. A byte in it is the flag.
    let (wakes, woken) = UnixStream::pair()?;
    wakes.set_nonblocking(true)?;
    let wakes = Arc::new(wakes); // one copy stays here: the other end never hangs up
    let bell = Arc::clone(&wakes);
    ready(Box::new(move || {
        let _ = (&*bell).write(b"!"); // if there is no room, there are bytes enough
    }));
    let mut callers: Vec<Caller> = Vec::new();
    let mut stopping = false;
    loop {
        callers.retain(|it| !(it.queue.is_empty() && (it.ended || stopping)));
        if stopping && callers.is_empty() {
            return Ok(());
        }
        let open = |wanted: bool| match wanted {
            true => PollFlags::POLLIN,
            false => PollFlags::empty(),
        };
        let mut list = vec![
            PollFd::new(woken.as_fd(), open(!stopping)),
            PollFd::new(listener.as_fd(), open(!stopping)),
        ];
        for caller in &callers {
            let mut events = open(!stopping && !caller.ended);
            events.set(PollFlags::POLLOUT, !caller.queue.is_empty());
            list.push(PollFd::new(caller.stream.as_fd(), events));
        }
        poll(&mut list, PollTimeout::NONE)?;
        let ready: Vec<bool> =
            list.iter().map(|it| it.any() != Some(false)).collect();
        stopping |= ready[0];
        for (caller, _) in callers.iter_mut().zip(&ready[2..]).filter(|it| *it.1) {
            if caller.turn(!stopping).is_err() {
                (caller.ended, caller.queue) = (true, VecDeque::new());
            }
        }
        if ready[1]
            && !stopping
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
    // STUB let _ = (listener, ready);
    // STUB todo!("a descriptor more in the list, and somebody who writes into it")
    // END SOLUTION
}
// BEGIN SOLUTION

struct Caller {
    stream: TcpStream,
    queue: VecDeque<u8>,
    ended: bool,
}

impl Caller {
    fn turn(&mut self, reading: bool) -> io::Result<()> {
        let mut buffer = [0; 16 << 10];
        if reading
            && !self.ended
            && let Some(length) = unless_it_blocks(self.stream.read(&mut buffer))?
        {
            self.ended = length == 0;
            self.queue.extend(buffer[..length].to_ascii_uppercase());
        }
        if !self.queue.is_empty() {
            let (front, _) = self.queue.as_slices();
            let taken = unless_it_blocks(self.stream.write(front))?;
            self.queue.drain(..taken.unwrap_or(0));
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
    checks_select::stop(serve)
}
