//! One socket, two descriptors: what belongs to the one and what to the other.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};

use crate::name_of;

/// What an experiment asks, and what came out.
pub type Fact = (&'static str, String);

// ANCHOR: copies
/// Makes a copy of a descriptor and tries what is shared.
///
/// `try_clone` is `fcntl(F_DUPFD_CLOEXEC)`: another number for the same socket.
///
/// # Errors
///
/// If the sockets fail.
pub fn facts() -> io::Result<Vec<Fact>> {
    let (mut here, mut there) = UnixStream::pair()?;
    let mut facts = Vec::new();

    let number = here.as_raw_fd();
    let same: OwnedFd = here.into(); // the same descriptor in another type
    facts.push((
        "into another type, same number",
        yes(same.as_raw_fd() == number),
    ));
    here = same.into();
    let mut copy = here.try_clone()?;
    facts.push(("a clone, same number", yes(copy.as_raw_fd() == number)));

    here.set_nonblocking(true)?;
    facts.push((
        "set O_NONBLOCK; the clone has it",
        yes(is_nonblocking(&copy)?),
    ));
    here.set_nonblocking(false)?;
    fcntl(&here, FcntlArg::F_SETFD(FdFlag::empty()))?;
    facts.push((
        "clear FD_CLOEXEC; the clone has it",
        yes(has_cloexec(&copy)?),
    ));
    fcntl(&here, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;

    drop(here);
    let written = copy.write_all(b"still here\n");
    facts.push(("close one, write to the clone", told(written)));
    let another = copy.try_clone()?;
    another.shutdown(Shutdown::Write)?;
    facts.push((
        "shut one down, write to the clone",
        told(copy.write_all(b"!")),
    ));
    let mut heard = String::new();
    there.read_to_string(&mut heard)?;
    facts.push(("the other end has read", format!("{heard:?}, then the end")));
    Ok(facts)
}
// ANCHOR_END: copies

fn is_nonblocking(stream: &UnixStream) -> io::Result<bool> {
    let flags = OFlag::from_bits_truncate(fcntl(stream, FcntlArg::F_GETFL)?);
    Ok(flags.contains(OFlag::O_NONBLOCK))
}

fn has_cloexec(stream: &UnixStream) -> io::Result<bool> {
    let flags = FdFlag::from_bits_truncate(fcntl(stream, FcntlArg::F_GETFD)?);
    Ok(flags.contains(FdFlag::FD_CLOEXEC))
}

fn yes(is: bool) -> String {
    if is { "yes" } else { "no" }.to_string()
}

fn told(result: io::Result<()>) -> String {
    result.map_or_else(|error| name_of(&error), |()| "ok".into())
}
