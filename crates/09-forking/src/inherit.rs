//! What a child has from its parent, tried out.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::net::UnixStream;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::getpid;

use crate::process::{Fork, exit_now, fork};

/// Does `work` in a child and returns the byte that it returns there: the exit code.
fn in_a_child(work: impl FnOnce() -> io::Result<u8>) -> io::Result<u8> {
    match fork()? {
        Fork::Child => exit_now(work().unwrap_or(u8::MAX)),
        Fork::Parent(child) => match waitpid(child, None)? {
            WaitStatus::Exited(_, code) => Ok(u8::try_from(code).unwrap_or(u8::MAX)),
            other => Err(io::Error::other(format!("the child: {other:?}"))),
        },
    }
}

// ANCHOR: facts
/// Questions, and what the kernel answers to them.
///
/// # Errors
///
/// If [`fork`] fails, or there is no room for a temporary file.
pub fn facts() -> io::Result<Vec<(&'static str, String)>> {
    let mut facts = Vec::new();

    let mut number = 1;
    let address = &raw const number as usize;
    let same = in_a_child(|| {
        let same = &raw const number as usize == address;
        number += 1; // the child's page is copied now, before it is written
        Ok(u8::from(same) * 100 + number)
    })?;
    facts.push(("the child finds a variable at", same_place(same / 100)));
    facts.push(("it adds 1, and has", (same % 100).to_string()));
    facts.push(("the parent still has", number.to_string()));

    let mut file = scratch(b"abcdef")?;
    let mut two = [0; 2];
    let read = in_a_child(|| file.read_exact(&mut two).map(|()| two[0]))?;
    facts.push(("the child reads 2 bytes of a file, from", letter(read)));
    let mut next = [0];
    file.read_exact(&mut next)?;
    facts.push(("the parent's next byte is", letter(next[0])));

    let (mut here, there) = UnixStream::pair()?;
    let mut there = Some(there);
    in_a_child(|| {
        drop(there.take()); // the child's number for it, and no other
        Ok(0)
    })?;
    here.set_nonblocking(true)?;
    let heard = here.read(&mut [0]);
    let open =
        matches!(heard, Err(error) if error.kind() == io::ErrorKind::WouldBlock);
    facts.push((
        "the child closes a descriptor; the parent's is",
        open_or(open),
    ));
    drop(there);

    let mut blocked = SigSet::empty();
    blocked.add(Signal::SIGUSR1);
    blocked.thread_block()?;
    let inherited = in_a_child(|| {
        let mask = SigSet::thread_get_mask()?;
        Ok(u8::from(mask.contains(Signal::SIGUSR1)))
    })?;
    blocked.thread_unblock()?;
    facts.push((
        "a signal is blocked; in the child it is",
        blocked_or(inherited),
    ));

    let parent = getpid();
    let other = in_a_child(|| Ok(u8::from(getpid() != parent)))?;
    facts.push(("the child's number is", another(other)));
    Ok(facts)
}
// ANCHOR_END: facts

fn same_place(same: u8) -> String {
    ["another address", "the same address"][usize::from(same == 1)].into()
}

fn open_or(open: bool) -> String {
    ["closed", "open"][usize::from(open)].into()
}

fn blocked_or(blocked: u8) -> String {
    ["not blocked", "blocked"][usize::from(blocked == 1)].into()
}

fn another(other: u8) -> String {
    ["the same", "another"][usize::from(other == 1)].into()
}

fn letter(byte: u8) -> String {
    char::from(byte).to_string()
}

/// A file without a name, with these bytes in it, to be read from the beginning.
fn scratch(bytes: &[u8]) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    let name = format!("lesson-9-{}", getpid());
    let path = std::env::temp_dir().join(name);
    let mut file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    std::fs::remove_file(&path)?;
    file.write_all(bytes)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}
