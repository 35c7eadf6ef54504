//! Where `select` ends: at descriptor 1024.

use std::fs::File;
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::panic;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::select::{FD_SETSIZE, FdSet};

use crate::ANY_PORT;

/// What was tried beyond the limit.
#[derive(Debug)]
pub struct Beyond {
    /// How many descriptors a set of `select` holds.
    pub set: usize,
    /// The number that the kernel gave to a connection.
    pub descriptor: RawFd,
    /// What nix said when it was put into a set.
    pub select: String,
    /// How many entries `poll` found ready.
    pub poll: i32,
}

// ANCHOR: beyond
/// Opens files until no number below 1024 is free, and asks `select` and `poll` about the
/// connection that comes next.
///
/// # Errors
///
/// If the system allows no such number (`ulimit -n`), or the calls fail.
pub fn beyond() -> io::Result<Beyond> {
    const ROOM: u64 = FD_SETSIZE as u64 + 64;
    let last = FD_SETSIZE as RawFd - 1; // the kernel gives the lowest free number
    let (now, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if now < ROOM {
        setrlimit(Resource::RLIMIT_NOFILE, ROOM.min(most), most)?;
    }
    let mut filler = Vec::new();
    while filler.last().map_or(0, File::as_raw_fd) < last {
        filler.push(File::open("/dev/null")?);
    }
    let listener = TcpListener::bind(ANY_PORT)?;
    let mut client = TcpStream::connect(listener.local_addr()?)?;
    let (stream, _) = listener.accept()?;
    client.write_all(b"anybody there?")?;

    let said = panic::catch_unwind(|| FdSet::new().insert(stream.as_fd()));
    let mut list = [PollFd::new(stream.as_fd(), PollFlags::POLLIN)];
    let ready = poll(&mut list, PollTimeout::NONE)?;
    drop(filler);
    Ok(Beyond {
        set: FD_SETSIZE,
        descriptor: stream.as_raw_fd(),
        select: said.err().map_or("it took it".into(), |words| {
            let words = words.downcast_ref::<&str>().copied();
            words.unwrap_or("a panic without words").to_string()
        }),
        poll: ready,
    })
}
// ANCHOR_END: beyond
