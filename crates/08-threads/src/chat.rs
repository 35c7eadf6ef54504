//! A chat: what one says, all others hear, and who does not listen stops nobody.

use std::collections::HashMap;
use std::io::{self, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::accept::{Stop, callers};
use crate::lines::read_line;
use crate::visits::{Visit, Visits};

/// How many lines may wait for one member. Who is so far behind has to go.
pub const QUEUE: usize = 64;

/// How long a member may take nothing of what it is told, while there is something.
const PATIENCE: Duration = Duration::from_secs(10);

/// One line, told to many: each queue holds a pointer to the same bytes.
type Line = Arc<[u8]>;

// ANCHOR: room
/// Who is in the room.
#[derive(Debug, Default)]
pub struct Room {
    members: Mutex<HashMap<SocketAddr, Member>>,
}

#[derive(Debug)]
struct Member {
    queue: SyncSender<Line>,
    stream: TcpStream,
}

impl Room {
    /// Tells `line` to all but `speaker`. Whoever's queue is full is thrown out.
    ///
    /// The lock is held here, and no call in here waits: `try_send` puts the line into
    /// a queue or says that it is full. The writes, which may wait, are done by the
    /// members' own threads, without the lock.
    pub fn tell(&self, speaker: SocketAddr, line: &[u8]) {
        let line: Line = line.into();
        self.members().retain(|peer, member| {
            let hears =
                *peer == speaker || member.queue.try_send(Arc::clone(&line)).is_ok();
            if !hears {
                // Ends the write in which its writer waits, and the read of its
                // reader: both threads are done.
                let _ = member.stream.shutdown(Shutdown::Both);
            }
            hears
        });
    }

    fn members(&self) -> MutexGuard<'_, HashMap<SocketAddr, Member>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
// ANCHOR_END: room

impl Room {
    /// Lets somebody in, and says so to it. Returns what it is to be told.
    fn join(&self, visit: &Visit) -> io::Result<Receiver<Line>> {
        let (queue, lines) = mpsc::sync_channel(QUEUE);
        let stream = visit.stream().try_clone()?;
        let mut members = self.members();
        let welcome = format!("welcome; others here: {}\n", members.len());
        let _ = queue.try_send(welcome.into_bytes().into()); // it is empty
        members.insert(visit.peer(), Member { queue, stream });
        Ok(lines)
    }

    /// Takes somebody out, with its queue: its writer comes to the end of it.
    fn leave(&self, peer: SocketAddr) {
        self.members().remove(&peer);
    }
}

// ANCHOR: member
/// One member's visit: this thread reads what it says, another writes what it is told.
/// Two threads, because each may wait while the other has something to do.
fn visit(room: &Room, visit: &Visit) -> io::Result<()> {
    visit.stream().set_write_timeout(Some(PATIENCE))?;
    let told = room.join(visit)?;
    thread::scope(|scope| {
        let writer =
            thread::Builder::new().name(format!("to {}", visit.peer().port()));
        let spawned = writer.spawn_scoped(scope, || write(visit.stream(), told));
        let read = spawned.and_then(|_| read(room, visit));
        room.leave(visit.peer()); // or the writer would wait for ever, and we for it
        read
    })
}

fn read(room: &Room, visit: &Visit) -> io::Result<()> {
    let mut input = BufReader::new(visit.stream());
    while let Some(line) = read_line(&mut input)? {
        let mut told = format!("{}: ", visit.peer().port()).into_bytes();
        told.extend(line);
        told.push(b'\n');
        room.tell(visit.peer(), &told);
    }
    Ok(())
}

fn write(mut stream: &TcpStream, lines: Receiver<Line>) {
    for line in lines {
        if stream.write_all(&line).is_err() {
            // Nobody is told any more; its reader finds the end, too.
            let _ = stream.shutdown(Shutdown::Both);
            break;
        }
    }
}
// ANCHOR_END: member

/// Serves the chat until `stop` is told, then drains: see [`Visits::drain`].
///
/// # Errors
///
/// If the listening socket fails.
pub fn serve(
    listener: TcpListener,
    stop: &Stop,
    limit: Duration,
) -> io::Result<Vec<SocketAddr>> {
    let room = Arc::new(Room::default());
    let visits = Visits::default();
    for caller in callers(&listener, stop) {
        let (stream, peer) = caller?;
        let (room, member) = (Arc::clone(&room), visits.begin(stream, peer));
        let thread = thread::Builder::new().name(format!("caller {}", peer.port()));
        let spawned = thread.spawn(move || {
            if let Err(error) = visit(&room, &member) {
                eprintln!("{peer}: {error}");
            }
        });
        if let Err(error) = spawned {
            eprintln!("{peer}: there is no thread for it: {error}");
        }
    }
    drop(listener);
    Ok(visits.drain(limit))
}
