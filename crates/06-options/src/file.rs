//! A file into a socket: through the program, and past it.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::net::{Shutdown, TcpStream};
use std::thread;

#[cfg(target_os = "linux")]
use nix::sys::sendfile;

use crate::names::Scratch;
use crate::pair;

/// What one way has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// How many bytes have arrived.
    pub bytes: u64,
    /// How many calls took bytes out of the file, if the kernel tells.
    pub reads: Option<u64>,
}

// ANCHOR: send
/// Sends `file` from its beginning: the bytes never come into this process.
///
/// # Errors
///
/// If the file cannot be read, or the connection breaks.
#[cfg(target_os = "linux")]
pub fn send(file: &File, stream: &TcpStream) -> io::Result<u64> {
    let length = file.metadata()?.len();
    let mut offset = 0; // the file's own position does not move
    while (offset as u64) < length {
        let rest = (length - offset as u64).try_into().unwrap_or(usize::MAX);
        // Like `write`, it may take less than it was asked for.
        if sendfile::sendfile(stream, file, Some(&mut offset), rest)? == 0 {
            break; // the file has become shorter meanwhile
        }
    }
    Ok(offset as u64)
}
// ANCHOR_END: send

/// Elsewhere `sendfile` is another call; here it is read and written.
#[cfg(not(target_os = "linux"))]
pub fn send(mut file: &File, mut stream: &TcpStream) -> io::Result<u64> {
    io::copy(&mut file, &mut stream)
}

/// A file of a megabyte that has no name any more: it lives as long as it is open.
///
/// # Errors
///
/// If it cannot be made.
pub fn megabyte() -> io::Result<File> {
    // A name that others could guess, in a folder where they may write, might be a
    // link of theirs to a file of ours.
    let folder = Scratch::new()?;
    let path = folder.0.join("megabyte");
    fs::write(&path, vec![0; 1 << 20])?;
    File::open(&path)
}

/// Sends `file` twice, with `io::copy` and with [`send`].
///
/// # Errors
///
/// If the file cannot be read, or the sockets fail.
pub fn both_ways(file: &mut File) -> io::Result<[Copied; 2]> {
    let copied = counted(|mut stream| {
        file.rewind()?;
        io::copy(file, &mut stream)
    })?;
    let sent = counted(|stream| send(file, stream))?;
    Ok([copied, sent])
}

fn counted(send: impl FnOnce(&TcpStream) -> io::Result<u64>) -> io::Result<Copied> {
    let (sender, mut receiver) = pair()?;
    let receiving = thread::spawn(move || io::copy(&mut receiver, &mut io::sink()));
    // Looking costs reads of its own, each time as many.
    let (first, before) = (reads_so_far(), reads_so_far());
    let sent = send(&sender);
    let after = reads_so_far();
    sender.shutdown(Shutdown::Write)?;
    let bytes = receiving.join().expect("receiving does not panic")?;
    sent?;
    let since = |from: Option<u64>, to: Option<u64>| Some(to? - from?);
    let looking = since(first, before);
    let reads = since(looking, since(before, after));
    Ok(Copied { bytes, reads })
}

/// How many calls of this thread have read from a file: `syscr` of proc_pid_io(5).
/// `read`, `sendfile` and their like count, `recv` does not.
fn reads_so_far() -> Option<u64> {
    let mut told = String::new();
    let mut file = File::open("/proc/thread-self/io").ok()?;
    file.read_to_string(&mut told).ok()?;
    let line = told.lines().find_map(|line| line.strip_prefix("syscr: "))?;
    line.parse().ok()
}
