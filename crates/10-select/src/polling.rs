//! The same server on `poll`: a list in place of sets, and no limit of 1024.

use std::collections::BTreeMap;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, RawFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::accept::{Accepted, RETRY, accept};
use crate::conn::{Conn, News, Visit};

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
    let mut list = Vec::with_capacity(clients.len() + 1);
    if !full {
        list.push(PollFd::new(listener.as_fd(), PollFlags::POLLIN));
    }
    for conn in clients.values() {
        let mut events = PollFlags::empty();
        events.set(PollFlags::POLLIN, conn.wants_read());
        events.set(PollFlags::POLLOUT, conn.wants_write());
        list.push(PollFd::new(conn.stream().as_fd(), events));
    }
    let limit = match full {
        true => PollTimeout::try_from(RETRY).unwrap_or(PollTimeout::MAX),
        false => PollTimeout::NONE,
    };
    match poll(&mut list, limit) {
        Err(Errno::EINTR) => return Ok(Vec::new()),
        Ok(0) => return Ok(vec![Ready::to_accept(listener)]), // time to try again
        result => drop(result?),
    }
    // An error or a hang-up is reported whether asked for or not. Whatever the next
    // call is, it will tell.
    let broken = PollFlags::POLLERR | PollFlags::POLLHUP;
    let ready = list.iter().map(|entry| {
        let events = entry.revents().unwrap_or(broken);
        Ready {
            fd: entry.as_fd().as_raw_fd(),
            readable: events.intersects(PollFlags::POLLIN | broken),
            writable: events.intersects(PollFlags::POLLOUT | broken),
        }
    });
    Ok(ready.filter(|it| it.readable || it.writable).collect())
}
// ANCHOR_END: wait

impl Ready {
    fn to_accept(listener: &TcpListener) -> Self {
        let (readable, writable) = (true, false);
        let fd = listener.as_raw_fd();
        Self {
            fd,
            readable,
            writable,
        }
    }
}

// ANCHOR: welcome
/// Takes all clients that wait; whether descriptors have run out.
fn welcome(
    listener: &TcpListener,
    clients: &mut Clients,
    tell: &mut impl FnMut(News),
) -> io::Result<bool> {
    loop {
        match accept(listener)? {
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
