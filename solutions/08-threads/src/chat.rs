//! Exercise `threads/chat`: what one says, all others hear.
//!
//! ```text
//! A connects:   server to A: welcome
//! B connects:   server to B: welcome
//! C connects:   server to C: welcome
//! A: hello      server to B, C: hello
//! ```
//!
//! One of them does not read. Its kernel's buffers fill, then a write to it waits, and
//! whoever waits in that write, perhaps with a lock in its hand, does nothing else. The
//! others must not notice: each caller has a queue of its own, of `queue` lines, and a
//! thread of its own that writes what is in it. A queue that is full does not wait for
//! its caller: the caller has to go.
//!
//! The book has it in chapter 8, "One who does not read".

// BEGIN SOLUTION
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
// END SOLUTION
use std::io;
use std::net::TcpListener;
// BEGIN SOLUTION
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
// END SOLUTION

/// The first that a caller hears. From then on it is in the room.
pub const WELCOME: &[u8] = b"welcome\n";

/// The longest line, its newline included, in bytes.
pub const MAX_LINE: usize = 64 << 10;

/// Serves the chat until accepting itself fails.
///
/// Each caller gets [`WELCOME`], and then every line that another one sends, whole, as
/// it was sent, with its newline; a line may come in any pieces, and is any bytes.
/// Lines of one caller stay in their order. Nobody gets its own lines. What a caller
/// has sent behind its last newline when it ends its side is a line too, and gets its
/// newline from us.
///
/// A caller that ends its side, or whose connection breaks, is out of the room, and its
/// connection is ended. So is one that sends more than [`MAX_LINE`] bytes without a
/// newline, and one for which `queue` lines wait already when there is another.
/// Whatever a caller does, the others are served on.
pub fn serve(listener: TcpListener, queue: usize) -> io::Result<()> {
    // BEGIN SOLUTION
    let room = Room::default();
    loop {
        let (stream, peer) = listener.accept()?;
        let room = Arc::clone(&room);
        thread::Builder::new().spawn(move || {
            let stream = Arc::new(stream);
            let _ = visit(&room, peer, &stream, queue);
            lock(&room).remove(&peer);
            let _ = stream.shutdown(Shutdown::Both); // its writer may be in a write
        })?;
    }
    // STUB let _ = (listener, queue);
    // STUB todo!("for each caller: a thread that reads, a queue, a thread that writes")
    // END SOLUTION
}
// BEGIN SOLUTION

/// Who is in the room: how to reach each of them.
type Room = Arc<Mutex<HashMap<SocketAddr, Member>>>;

struct Member {
    queue: SyncSender<Arc<[u8]>>,
    stream: Arc<TcpStream>,
}

fn lock(room: &Room) -> std::sync::MutexGuard<'_, HashMap<SocketAddr, Member>> {
    room.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One caller's visit: reads what it says, until its end.
fn visit(
    room: &Room,
    peer: SocketAddr,
    stream: &Arc<TcpStream>,
    queue: usize,
) -> io::Result<()> {
    let (sender, lines) = mpsc::sync_channel(queue);
    let member = Member {
        queue: sender,
        stream: Arc::clone(stream),
    };
    // In the room first, and welcomed then: who has heard that misses nothing.
    lock(room).insert(peer, member);
    let writer = Arc::clone(stream);
    thread::Builder::new().spawn(move || write(&writer, lines))?;

    let mut input = BufReader::new(&**stream);
    loop {
        let mut line = Vec::new();
        let mut limited = (&mut input).take(MAX_LINE as u64);
        if limited.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if line.last() != Some(&b'\n') {
            if line.len() == MAX_LINE {
                return Err(io::ErrorKind::InvalidData.into());
            }
            line.push(b'\n');
        }
        tell(room, peer, &line.into());
    }
}

/// Puts a line into the queues of all the others. Nothing here waits for anybody.
fn tell(room: &Room, speaker: SocketAddr, line: &Arc<[u8]>) {
    lock(room).retain(|peer, member| {
        let stays =
            *peer == speaker || member.queue.try_send(Arc::clone(line)).is_ok();
        if !stays {
            // Wakes both of its threads, wherever they wait.
            let _ = member.stream.shutdown(Shutdown::Both);
        }
        stays
    });
}

/// Writes what is in a caller's queue, until the queue is gone or the caller is.
fn write(mut stream: &TcpStream, lines: Receiver<Arc<[u8]>>) {
    let mut told = stream.write_all(WELCOME);
    while let (Ok(()), Ok(line)) = (&told, lines.recv()) {
        told = stream.write_all(&line);
    }
    let _ = stream.shutdown(Shutdown::Both); // ends its reader's read too
}
// END SOLUTION

#[cfg(test)]
pub(crate) fn check() -> checks_threads::Check {
    checks_threads::chat(serve)
}
