//! The first server on `select`: it sends back what comes, and keeps nothing.
//!
//! Each turn of its loop asks the kernel one question: on which of all these sockets
//! would a call not block now? Then it makes one call for each of them.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, RawFd};

use nix::errno::Errno;
use nix::sys::select::{FD_SETSIZE, FdSet, select};

use crate::accept::{Accepted, RETRY, accept, refuse};
use crate::conn::News;
use crate::queues::time_limit;

type Clients = BTreeMap<RawFd, (TcpStream, SocketAddr)>;

// ANCHOR: serve
/// Serves all clients at once, in this thread.
///
/// A client that sends without reading is dropped: there is nowhere to keep its
/// answers.
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
        for fd in wait(listener, &clients, full)? {
            if fd == listener.as_raw_fd() {
                full = welcome(listener, &mut clients, &mut tell)?;
            } else if let Some((stream, peer)) = clients.get(&fd) {
                match send_back(stream, *peer, &mut tell) {
                    Ok(true) => continue,
                    Ok(false) => tell(News::Left(*peer, 0)),
                    Err(error) => tell(News::Lost(*peer, error)),
                }
                clients.remove(&fd); // closes the connection
                full = false;
            }
        }
    }
}
// ANCHOR_END: serve

// ANCHOR: wait
/// Waits until there is something to read, and tells from whom.
fn wait(
    listener: &TcpListener,
    clients: &Clients,
    full: bool,
) -> io::Result<Vec<RawFd>> {
    let mut reads = FdSet::new();
    if !full {
        reads.insert(listener.as_fd());
    }
    for (stream, _) in clients.values() {
        reads.insert(stream.as_fd());
    }
    let mut limit = full.then(|| time_limit(RETRY));
    match select(None, &mut reads, None, None, limit.as_mut()) {
        Err(Errno::EINTR) => return Ok(Vec::new()),
        Ok(0) => return Ok(vec![listener.as_raw_fd()]), // time to try again
        result => result?,
    };
    Ok(reads.fds(None).map(|fd| fd.as_raw_fd()).collect())
}
// ANCHOR_END: wait

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
                clients.insert(stream.as_raw_fd(), (stream, peer));
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

// ANCHOR: fits
/// Whether a set of `select` has a bit for this descriptor. It has 1024 of them, for
/// the numbers 0 to 1023, however many descriptors the process may open.
pub(crate) fn fits(stream: &TcpStream) -> bool {
    usize::try_from(stream.as_raw_fd()).is_ok_and(|fd| fd < FD_SETSIZE)
}
// ANCHOR_END: fits

/// Sends back what one read brings; whether the client is still there.
fn send_back(
    mut stream: &TcpStream,
    peer: SocketAddr,
    tell: &mut impl FnMut(News),
) -> io::Result<bool> {
    let mut buffer = [0; 4096];
    let length = match stream.read(&mut buffer) {
        Ok(0) => return Ok(false),
        Ok(length) => length,
        Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
        Err(error) => return Err(error),
    };
    tell(News::Read(peer, length));
    let written = match stream.write(&buffer[..length]) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
        result => result?,
    };
    tell(News::Wrote(peer, written));
    if written < length {
        let why = "it sends, and does not read what it gets";
        return Err(io::Error::new(ErrorKind::WouldBlock, why));
    }
    Ok(true)
}
