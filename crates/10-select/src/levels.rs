//! The same server on `epoll`, level-triggered: the list stays with the kernel.
//!
//! `select` and `poll` are handed everything anew for each wait. An epoll set is told
//! once, and then of the changes; and a wait brings those who are ready, and no
//! others.

use std::collections::HashMap;
use std::io;
use std::net::{TcpListener, TcpStream};

use nix::errno::Errno;
use nix::sys::epoll::{
    Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout,
};

use crate::accept::{Accepted, RETRY, accept};
use crate::conn::{Conn, News, Visit};

/// By numbers of our own, none of which is used twice.
type Clients = HashMap<u64, Conn<TcpStream>>;

/// The listener's number; those of the clients follow.
pub(crate) const LISTENER: u64 = 0;

/// Who is ready, and for what.
pub(crate) struct Ready {
    pub(crate) number: u64,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
}

// ANCHOR: serve
/// Sends lines back in capitals, to all clients at once, in this thread.
///
/// # Errors
///
/// Returns only when waiting or accepting itself has failed.
pub fn serve(listener: &TcpListener, mut tell: impl FnMut(News)) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    epoll.add(listener, EpollEvent::new(EpollFlags::EPOLLIN, LISTENER))?;
    let mut clients = Clients::new();
    let mut last = LISTENER;
    let mut full = false;
    loop {
        tell(News::Waits);
        for ready in wait(&epoll, full)? {
            let was_full = full;
            if ready.number == LISTENER {
                full = welcome(listener, &epoll, &mut clients, &mut last, &mut tell)?;
            } else if let Some(conn) = clients.get_mut(&ready.number) {
                let before = interest(conn);
                let visit = conn.turn(ready.readable, ready.writable, &mut tell);
                if visit == Visit::IsOver {
                    clients.remove(&ready.number); // closes, which ends the watch too
                    full = false;
                } else if interest(conn) != before {
                    let mut event = EpollEvent::new(interest(conn), ready.number);
                    epoll.modify(conn.stream(), &mut event)?;
                }
            }
            if full != was_full {
                let mut event = EpollEvent::new(while_there_is_room(!full), LISTENER);
                epoll.modify(listener, &mut event)?;
            }
        }
    }
}

/// What a client is to be watched for.
fn interest(conn: &Conn<TcpStream>) -> EpollFlags {
    let mut events = EpollFlags::empty();
    events.set(EpollFlags::EPOLLIN, conn.wants_read());
    events.set(EpollFlags::EPOLLOUT, conn.wants_write());
    events
}
// ANCHOR_END: serve

/// What the listener is to be watched for.
fn while_there_is_room(room: bool) -> EpollFlags {
    let mut events = EpollFlags::empty();
    events.set(EpollFlags::EPOLLIN, room);
    events
}

// ANCHOR: wait
/// Waits until somebody is ready, and tells who.
fn wait(epoll: &Epoll, full: bool) -> io::Result<Vec<Ready>> {
    let limit = match full {
        true => EpollTimeout::try_from(RETRY).unwrap_or(EpollTimeout::MAX),
        false => EpollTimeout::NONE,
    };
    let mut events = [EpollEvent::empty(); 256];
    let count = match epoll.wait(&mut events, limit) {
        Err(Errno::EINTR) => return Ok(Vec::new()),
        Ok(0) => return Ok(vec![Ready::to_accept()]), // time to try again
        result => result?,
    };
    let ready = events[..count].iter().map(Ready::from_event);
    Ok(ready.collect())
}
// ANCHOR_END: wait

impl Ready {
    pub(crate) fn to_accept() -> Self {
        Self {
            number: LISTENER,
            readable: true,
            writable: false,
        }
    }

    /// An error or a hang-up is reported whether asked for or not. Whatever the next
    /// call is, it will tell.
    pub(crate) fn from_event(event: &EpollEvent) -> Self {
        let broken = EpollFlags::EPOLLERR | EpollFlags::EPOLLHUP;
        let events = event.events();
        Self {
            number: event.data(),
            readable: events.intersects(EpollFlags::EPOLLIN | broken),
            writable: events.intersects(EpollFlags::EPOLLOUT | broken),
        }
    }
}

// ANCHOR: welcome
/// Takes all clients that wait; whether descriptors have run out.
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
                epoll.add(&stream, EpollEvent::new(EpollFlags::EPOLLIN, *last))?;
                clients.insert(*last, Conn::new(stream, peer));
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
