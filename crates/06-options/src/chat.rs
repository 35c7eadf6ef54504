//! A chat at a socket file: what one says, all hear.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The longest line, in bytes, with its newline.
pub const MAX_LINE: u64 = 1024;

/// How many may take part. More are sent away.
pub const MAX_MEMBERS: usize = 32;

/// How long one who does not read may hold the others up.
const PATIENCE: Duration = Duration::from_secs(1);

/// All who take part.
#[derive(Debug, Default)]
pub struct Room {
    members: Mutex<Vec<Member>>,
}

#[derive(Debug)]
struct Member {
    number: u32,
    stream: UnixStream,
}

// ANCHOR: peer
/// Who is at the other end of a local connection, as the kernel knows it.
///
/// The kernel wrote it down when the peer called `connect` (SO_PEERCRED in unix(7)):
/// nothing that the peer sends can change it.
///
/// # Errors
///
/// If this is no local connection.
#[cfg(target_os = "linux")]
pub fn peer(stream: &UnixStream) -> io::Result<(u32, i32)> {
    use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
    let peer = getsockopt(stream, PeerCredentials)?;
    Ok((peer.uid(), peer.pid()))
}
// ANCHOR_END: peer

/// Other systems have other calls for it.
#[cfg(not(target_os = "linux"))]
pub fn peer(_: &UnixStream) -> io::Result<(u32, i32)> {
    Err(io::ErrorKind::Unsupported.into())
}

impl Room {
    fn members(&self) -> MutexGuard<'_, Vec<Member>> {
        // A list that a panic has left is a list all the same.
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says a line to all; who does not take it is out.
    fn tell_all(&self, line: &str) {
        for member in self.members().iter() {
            if (&member.stream).write_all(line.as_bytes()).is_err() {
                // Its own thread waits in a read, notices, and takes it off the list.
                let _ = member.stream.shutdown(Shutdown::Both);
            }
        }
    }

    /// Takes a new one in: its number, the lowest that is free.
    fn enter(&self, stream: &UnixStream) -> io::Result<Option<u32>> {
        stream.set_write_timeout(Some(PATIENCE))?;
        let copy = stream.try_clone()?;
        let mut members = self.members();
        if members.len() >= MAX_MEMBERS {
            return Ok(None);
        }
        let is_free = |number: &u32| members.iter().all(|m| m.number != *number);
        let number = (1..).find(is_free).unwrap_or_default();
        let hello = format!("you are {number} of {}\n", members.len() + 1);
        (&copy).write_all(hello.as_bytes())?;
        members.push(Member {
            number,
            stream: copy,
        });
        Ok(Some(number))
    }

    // ANCHOR: visit
    /// One member's visit, until the end of its input.
    ///
    /// # Errors
    ///
    /// If the connection breaks, or a line is too long.
    pub fn visit(&self, stream: &UnixStream) -> io::Result<()> {
        let Some(number) = self.enter(stream)? else {
            let mut stream = stream;
            return stream.write_all(b"there is no room left\n");
        };
        let said = self.pass_on(number, stream);
        self.members().retain(|member| member.number != number);
        self.tell_all(&format!("{number} has left\n"));
        said
    }

    fn pass_on(&self, number: u32, stream: &UnixStream) -> io::Result<()> {
        let mut input = BufReader::new(stream);
        loop {
            let mut line = Vec::new();
            let length = (&mut input).take(MAX_LINE).read_until(b'\n', &mut line)?;
            if length as u64 == MAX_LINE && !line.ends_with(b"\n") {
                return Err(io::Error::other("a line is too long"));
            }
            if length == 0 {
                return Ok(());
            }
            let text = printable(&line);
            self.tell_all(&format!("{number}: {text}\n"));
        }
    }
    // ANCHOR_END: visit
}

/// What somebody typed, without its newline and without what would move a cursor.
pub fn printable(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let text = String::from_utf8_lossy(line);
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().map(shown).collect()
}

/// Serves all who connect, a thread each, until accepting itself fails.
///
/// `tell` hears what the kernel says of each.
///
/// # Errors
///
/// If accepting fails.
pub fn serve(
    listener: &UnixListener,
    mut tell: impl FnMut(io::Result<(u32, i32)>),
) -> io::Result<()> {
    let room = Room::default();
    thread::scope(|scope| {
        for caller in listener.incoming() {
            let caller = caller?;
            tell(peer(&caller));
            let room = &room;
            // What goes wrong with one ends its visit only; the others hear of it.
            let visit = move || drop(room.visit(&caller));
            // No thread left: this caller is sent away, for `visit` is dropped.
            let _ = thread::Builder::new().spawn_scoped(scope, visit);
        }
        Ok(())
    })
}
