//! Who is being served at this moment.

use std::collections::HashMap;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What both sides of the lock know.
#[derive(Debug, Default)]
struct Shared {
    room: Mutex<Room>,
    /// Somebody has left.
    left: Condvar,
}

#[derive(Debug, Default)]
struct Room {
    next: u64,
    there: HashMap<u64, (SocketAddr, Arc<TcpStream>)>,
}

/// The visits that are under way. Clones share one list.
#[derive(Clone, Debug, Default)]
pub struct Visits {
    shared: Arc<Shared>,
}

// ANCHOR: visit
/// One visit. It is on the list for as long as this lives.
#[derive(Debug)]
pub struct Visit {
    number: u64,
    peer: SocketAddr,
    stream: Arc<TcpStream>,
    shared: Arc<Shared>,
}

impl Drop for Visit {
    /// Takes it off the list, also when the thread that has it panics.
    fn drop(&mut self) {
        self.shared.room().there.remove(&self.number);
        self.shared.left.notify_all();
    }
}
// ANCHOR_END: visit

impl Visit {
    /// The connection.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Who it is.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }
}

impl Shared {
    /// The list. Nothing that is done with the lock held can leave it in disorder, so
    /// it can be used after a panic too.
    fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Visits {
    /// Puts a visit on the list.
    ///
    /// The stream is shared, not cloned: `try_clone` would take a second descriptor,
    /// and the connection would be closed only when both are.
    pub fn begin(&self, stream: TcpStream, peer: SocketAddr) -> Visit {
        let (stream, shared) = (Arc::new(stream), Arc::clone(&self.shared));
        let mut room = self.shared.room();
        let number = room.next;
        room.next += 1;
        room.there.insert(number, (peer, Arc::clone(&stream)));
        Visit {
            number,
            peer,
            stream,
            shared,
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.shared.room().there.len()
    }

    // ANCHOR: drain
    /// Waits until nobody is there, for `limit` at most. Who is there then is shut
    /// out, and named.
    pub fn drain(&self, limit: Duration) -> Vec<SocketAddr> {
        let deadline = Instant::now() + limit;
        let mut room = self.shared.room();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if room.there.is_empty() || left.is_zero() {
                break;
            }
            // Gives the lock back while it waits, and has it again when it returns.
            let woken = self.shared.left.wait_timeout(room, left);
            (room, _) = woken.unwrap_or_else(PoisonError::into_inner);
        }
        let mut late: Vec<SocketAddr> = Vec::new();
        for (peer, stream) in room.there.values() {
            // Ends the call in which the visit's thread waits: a thread cannot be
            // ended from outside, but what it waits for can.
            let _ = stream.shutdown(Shutdown::Both);
            late.push(*peer);
        }
        late
    }
    // ANCHOR_END: drain
}
