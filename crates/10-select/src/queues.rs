//! The server with a queue for each client, on `select`.
//!
//! What a client does not take at once stays in its queue, and its socket is watched
//! for room until the queue is empty. Nobody waits for a slow client but itself.

use std::collections::BTreeMap;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::select::{FdSet, select};
use nix::sys::time::{TimeVal, TimeValLike};

use crate::accept::{Accepted, RETRY, accept, refuse};
use crate::conn::{Conn, News, Visit};
use crate::echo::fits;

type Clients = BTreeMap<RawFd, Conn<TcpStream>>;

/// Who is ready, and for what.
struct Ready {
    fd: RawFd,
    readable: bool,
    writable: bool,
}

// ANCHOR: serve
/// Sends lines back in capitals, to all clients at once, in this thread.
///
/// # Errors
///
/// Returns only when waiting or accepting itself has failed.
pub fn serve(listener: &TcpListener, mut tell: impl FnMut(News)) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut clients = Clients::new();
    let mut full = false;
    loop {
        tell(News::Waits);
        for ready in wait(listener, &clients, full)? {
            if ready.fd == listener.as_raw_fd() {
                full = welcome(listener, &mut clients, &mut tell)?;
            } else if let Some(conn) = clients.get_mut(&ready.fd) {
                let visit = conn.turn(ready.readable, ready.writable, &mut tell);
                if visit == Visit::IsOver {
                    clients.remove(&ready.fd); // closes the connection
                    full = false;
                }
            }
        }
    }
}
// ANCHOR_END: serve

// ANCHOR: wait
/// Waits until somebody is ready, and tells who.
fn wait(
    listener: &TcpListener,
    clients: &Clients,
    full: bool,
) -> io::Result<Vec<Ready>> {
    let (mut reads, mut writes) = (FdSet::new(), FdSet::new());
    if !full {
        reads.insert(listener.as_fd());
    }
    for conn in clients.values() {
        if conn.wants_read() {
            reads.insert(conn.stream().as_fd());
        }
        if conn.wants_write() {
            writes.insert(conn.stream().as_fd());
        }
    }
    let mut limit = full.then(|| time_limit(RETRY));
    match select(None, &mut reads, &mut writes, None, limit.as_mut()) {
        Err(Errno::EINTR) => return Ok(Vec::new()),
        Ok(0) => reads.insert(listener.as_fd()), // time to try again
        result => drop(result?),
    }
    let all = [listener.as_fd()].into_iter();
    let all = all.chain(clients.values().map(|conn| conn.stream().as_fd()));
    let ready = all.map(|fd| Ready {
        fd: fd.as_raw_fd(),
        readable: reads.contains(fd),
        writable: writes.contains(fd),
    });
    Ok(ready.filter(|it| it.readable || it.writable).collect())
}
// ANCHOR_END: wait

// ANCHOR: welcome
/// Takes all clients that wait; whether descriptors have run out.
fn welcome(
    listener: &TcpListener,
    clients: &mut Clients,
    tell: &mut impl FnMut(News),
) -> io::Result<bool> {
    loop {
        match accept(listener)? {
            Accepted::Client(stream, peer) if !fits(&stream) => {
                refuse(stream);
                tell(News::Refused(peer));
            }
            Accepted::Client(stream, peer) => {
                clients.insert(stream.as_raw_fd(), Conn::new(stream, peer));
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

/// A time as `select` takes it.
pub(crate) fn time_limit(limit: Duration) -> TimeVal {
    TimeVal::microseconds(i64::try_from(limit.as_micros()).unwrap_or(i64::MAX))
}
