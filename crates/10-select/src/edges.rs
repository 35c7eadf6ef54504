//! The same server on `epoll`, edge-triggered: told of each change once.
//!
//! What was reported has to be remembered here, until a call says `WouldBlock`: the
//! kernel will not repeat it. In return nothing is ever changed in the set: a client
//! is added once, for both directions.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::net::{TcpListener, TcpStream};

use nix::errno::Errno;
use nix::sys::epoll::{
    Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout,
};

use crate::accept::{Accepted, RETRY, accept};
use crate::conn::{Conn, News};
use crate::levels::{LISTENER, Ready};

/// A client, and what was reported of it and is still true as far as we know.
struct Client {
    conn: Conn<TcpStream>,
    readable: bool,
    writable: bool,
}

type Clients = HashMap<u64, Client>;

const BOTH: EpollFlags = EpollFlags::EPOLLIN
    .union(EpollFlags::EPOLLOUT)
    .union(EpollFlags::EPOLLET);

// ANCHOR: serve
/// Sends lines back in capitals, to all clients at once, in this thread.
///
/// # Errors
///
/// Returns only when waiting or accepting itself has failed.
pub fn serve(listener: &TcpListener, mut tell: impl FnMut(News)) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    let edge = EpollFlags::EPOLLIN | EpollFlags::EPOLLET;
    epoll.add(listener, EpollEvent::new(edge, LISTENER))?;
    let mut clients = Clients::new();
    let mut last = LISTENER;
    let mut full = false;
    let mut busy = BTreeSet::new(); // who could go on at once
    loop {
        tell(News::Waits);
        for ready in wait(&epoll, full, !busy.is_empty())? {
            if ready.number == LISTENER {
                full = welcome(listener, &epoll, &mut clients, &mut last, &mut tell)?;
            } else if let Some(client) = clients.get_mut(&ready.number) {
                client.readable |= ready.readable;
                client.writable |= ready.writable;
                busy.insert(ready.number);
            }
        }
        for number in std::mem::take(&mut busy) {
            let Some(client) = clients.get_mut(&number) else {
                continue;
            };
            if !client.turn(&mut tell) {
                clients.remove(&number); // closes the connection
                if full {
                    full = welcome(
                        listener,
                        &epoll,
                        &mut clients,
                        &mut last,
                        &mut tell,
                    )?;
                }
            } else if client.could_go_on() {
                busy.insert(number);
            }
        }
    }
}
// ANCHOR_END: serve

// ANCHOR: turn
impl Client {
    /// One write and one read at most, then it is somebody else's turn; whether the
    /// visit goes on. `None` is the only thing that takes a readiness back.
    fn turn(&mut self, tell: &mut impl FnMut(News)) -> bool {
        let peer = self.conn.peer();
        match self.try_turn(tell) {
            Ok(()) if !self.conn.is_done() => return true,
            Ok(()) => tell(News::Left(peer, self.conn.answered())),
            Err(error) => tell(News::Lost(peer, error)),
        }
        false
    }

    fn try_turn(&mut self, tell: &mut impl FnMut(News)) -> io::Result<()> {
        let peer = self.conn.peer();
        if self.writable && self.conn.wants_write() {
            match self.conn.write()? {
                Some(length) => tell(News::Wrote(peer, length)),
                None => self.writable = false,
            }
        }
        if self.readable && self.conn.wants_read() {
            match self.conn.read()? {
                Some(length) => tell(News::Read(peer, length)),
                None => self.readable = false,
            }
        }
        Ok(())
    }

    /// Whether there is a call that would not block, as far as we know.
    fn could_go_on(&self) -> bool {
        self.writable && self.conn.wants_write()
            || self.readable && self.conn.wants_read()
    }
}
// ANCHOR_END: turn

// ANCHOR: wait
/// Waits until somebody is ready, and tells who. While somebody could go on, it only
/// looks who else is.
fn wait(epoll: &Epoll, full: bool, busy: bool) -> io::Result<Vec<Ready>> {
    let limit = match (busy, full) {
        (true, _) => EpollTimeout::ZERO,
        (_, true) => EpollTimeout::try_from(RETRY).unwrap_or(EpollTimeout::MAX),
        _ => EpollTimeout::NONE,
    };
    let mut events = [EpollEvent::empty(); 256];
    let count = match epoll.wait(&mut events, limit) {
        Err(Errno::EINTR) => return Ok(Vec::new()),
        Ok(0) if full && !busy => return Ok(vec![Ready::to_accept()]), // try again
        result => result?,
    };
    let ready = events[..count].iter().map(Ready::from_event);
    Ok(ready.collect())
}
// ANCHOR_END: wait

// ANCHOR: welcome
/// Takes all clients that wait, to the last; whether descriptors have run out.
fn welcome(
    listener: &TcpListener,
    epoll: &Epoll,
    clients: &mut Clients,
    last: &mut u64,
    tell: &mut impl FnMut(News),
) -> io::Result<bool> {
    loop {
        match accept(listener)? {
            Accepted::Client(stream, peer) => {
                *last += 1;
                epoll.add(&stream, EpollEvent::new(BOTH, *last))?;
                let client = Client {
                    conn: Conn::new(stream, peer),
                    readable: false, // if it is, the first wait says so
                    writable: false,
                };
                clients.insert(*last, client);
                tell(News::Came(peer));
            }
            Accepted::Nobody => return Ok(false),
            Accepted::Full(error) => {
                tell(News::Full(error));
                return Ok(true);
            }
        }
    }
}
// ANCHOR_END: welcome
