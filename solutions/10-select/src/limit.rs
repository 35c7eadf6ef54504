//! Exercise `select/limit`: as many callers as there is room for.
//!
//! A server sends back in capitals (ASCII letters only) whatever bytes a caller
//! sends, to all callers at once, in one thread. It is meant to wait by `select`,
//! whose sets have room for the descriptors 0 to 1023 and no others: nix's `FdSet`
//! panics when it is given another, and C's `FD_SET` writes over memory that is
//! somebody else's.
//!
//! The process has many files open already, and some callers get a number from 1024
//! on:
//!
//! - such a caller is sent `busy` and a newline, and its connection is closed; or
//!   else it is served, if you wait by something that can;
//! - callers that are served go on being served, and who comes when one of them has
//!   left is served in its place.
//!
//! And then there is a limit for every program: when no descriptor is left at all,
//! `accept` fails with EMFILE. Then
//!
//! - the server goes on, and sleeps while there is nothing it can do;
//! - those who are served go on being served;
//! - those who wait are served as soon as there is a descriptor again: at the latest
//!   a second or so after one of the others has left.
//!
//! After a caller's end its connection is closed. The callers of this exercise read
//! what they get, and send little at a time.
//!
//! The book has it in chapter 10, "Descriptor 1024".

use std::io;
// BEGIN SOLUTION
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
// END SOLUTION
use std::net::TcpListener;
// BEGIN SOLUTION
use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd, RawFd};

use nix::sys::select::{FD_SETSIZE, FdSet, select};
use nix::sys::time::{TimeVal, TimeValLike};
// END SOLUTION

/// Serves all callers of `listener` for whom there is room, for ever.
///
/// Returns only when waiting itself has failed.
pub fn serve(listener: TcpListener) -> io::Result<()> {
    // BEGIN SOLUTION
    listener.set_nonblocking(true)?;
    let mut callers: BTreeMap<RawFd, TcpStream> = BTreeMap::new();
    let mut full = false; // no descriptor was left
    loop {
        let mut reads = FdSet::new();
        if !full {
            reads.insert(listener.as_fd());
        }
        for stream in callers.values() {
            reads.insert(stream.as_fd());
        }
        let mut second = full.then(|| TimeVal::seconds(1));
        let count = select(None, &mut reads, None, None, second.as_mut())?;
        let ready: Vec<RawFd> = reads.fds(None).map(|fd| fd.as_raw_fd()).collect();
        if count == 0 {
            full = false; // look again
            continue;
        }
        for fd in ready {
            if fd == listener.as_raw_fd() {
                match listener.accept() {
                    Ok((stream, _)) => welcome(stream, &mut callers)?,
                    Err(error) => full = error.kind() != ErrorKind::WouldBlock,
                }
            } else if let Some(stream) = callers.get(&fd)
                && !answer(stream)
            {
                callers.remove(&fd);
                full = false;
            }
        }
    }
    // STUB let _ = listener;
    // STUB todo!("serve those for whom there is room, and tell the others")
    // END SOLUTION
}
// BEGIN SOLUTION

fn welcome(
    mut stream: TcpStream,
    callers: &mut BTreeMap<RawFd, TcpStream>,
) -> io::Result<()> {
    let fd = stream.as_raw_fd();
    if usize::try_from(fd).is_ok_and(|fd| fd < FD_SETSIZE) {
        stream.set_nonblocking(true)?;
        callers.insert(fd, stream);
    } else {
        let _ = stream.write_all(b"busy\n"); // a few bytes always fit
    }
    Ok(())
}

/// Sends back what has come; whether the visit goes on.
fn answer(mut stream: &TcpStream) -> bool {
    let mut buffer = [0; 4096];
    match stream.read(&mut buffer) {
        Ok(0) => false,
        Ok(length) => {
            let answer = buffer[..length].to_ascii_uppercase();
            stream.write_all(&answer).is_ok() // they read
        }
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}
// END SOLUTION

#[cfg(test)]
pub(crate) fn check() -> checks_select::Check {
    checks_select::limit(serve)
}
