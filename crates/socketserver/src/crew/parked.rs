//! A fixed number of threads, and connections that wait in an epoll set.

use std::collections::HashMap;
use std::io;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::epoll::{
    Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout,
};

use super::threads::Place;
use super::{Crew, Gate};
use crate::addr::Peer;
use crate::conn::Come;
use crate::error::{During, Error};
use crate::handle::lock;
use crate::handler::Handler;
use crate::session::{House, Session, Turn};
use crate::source::Visitor;
use crate::waker::Waker;

/// The token of the pipe that ends the workers; the others are the peers' ids, from 1.
const END: u64 = 0;

/// Hands a connection to a thread when something has come on it.
pub(crate) struct Parked<F, H> {
    lot: Arc<Lot<F, H>>,
    max: usize,
    workers: Vec<JoinHandle<()>>,
}

/// Where connections wait. All workers share it: the kernel wakes one for an event, and
/// with EPOLLONESHOT no other has the same connection meanwhile.
struct Lot<F, H> {
    house: House,
    epoll: Epoll,
    end: Waker,
    open: F,
    gate: Arc<Gate>,
    waiting: Mutex<HashMap<u64, Waiting<H>>>,
}

struct Waiting<H> {
    what: What<H>,
    place: Place,
    since: Instant,
}

enum What<H> {
    New(Visitor),
    Known(Box<Session<H>>),
}

/// Makes the crew and starts its threads.
///
/// # Errors
///
/// Those of epoll_create(2), and where the machine does not allow so many threads.
pub(crate) fn parked<F, H>(
    house: &House,
    workers: usize,
    max: usize,
    open: F,
) -> io::Result<Parked<F, H>>
where
    F: Fn(&Peer) -> H + Send + Sync + 'static,
    H: Handler + Send + 'static,
{
    let lot = Arc::new(Lot {
        house: house.clone(),
        epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
        end: Waker::new()?,
        open,
        gate: Arc::default(),
        waiting: Mutex::default(),
    });
    // Level-triggered and for all: every worker is to see it.
    lot.epoll
        .add(&lot.end, EpollEvent::new(EpollFlags::EPOLLIN, END))?;
    let mut crew = Parked {
        lot: Arc::clone(&lot),
        max: max.max(1),
        workers: Vec::new(),
    };
    for number in 1..=workers.max(1) {
        let lot = Arc::clone(&lot);
        let name = format!("worker {number}");
        let worker = thread::Builder::new()
            .name(name)
            .spawn(move || lot.work())?;
        crew.workers.push(worker);
    }
    Ok(crew)
}

impl<F, H> Lot<F, H>
where
    F: Fn(&Peer) -> H + Send + Sync + 'static,
    H: Handler + Send + 'static,
{
    fn work(&self) {
        let mut events = [EpollEvent::empty()];
        loop {
            match self.epoll.wait(&mut events, EpollTimeout::NONE) {
                Ok(0) | Err(Errno::EINTR) => continue,
                Ok(_) => {}
                Err(_) => return, // the set is gone
            }
            let id = events[0].data();
            if id == END {
                return;
            }
            let come = lock(&self.waiting).remove(&id);
            if let Some(Waiting { what, place, .. }) = come {
                match what {
                    What::New(visitor) => self.welcome(visitor, place),
                    What::Known(mut session) => match session.take() {
                        Ok(Come::Something) => self.serve(session, place),
                        Ok(Come::NothingYet) => self.park(session, place, false),
                        Ok(Come::End) => self.close(*session, Ok(())),
                        Err(error) => {
                            let error = Error::Failed(During::Handle, error.into());
                            self.close(*session, Err(error));
                        }
                    },
                }
            }
        }
    }

    fn welcome(&self, Visitor { socket, peer }: Visitor, place: Place) {
        let _ = self.epoll.delete(&socket);
        let (session, _) = Session::open(&self.house, socket, peer, &self.open);
        if let Some(session) = session {
            let session = Box::new(session);
            match session.has_more() {
                true => self.serve(session, place),
                false => self.park(session, place, true),
            }
        }
    }

    /// Serves all that has come, and then parks.
    fn serve(&self, mut session: Box<Session<H>>, place: Place) {
        loop {
            match session.turn() {
                Turn::Over(outcome) => return self.close(*session, outcome),
                Turn::Wait if session.has_more() => {}
                Turn::Wait => return self.park(session, place, false),
            }
        }
    }

    fn park(&self, mut session: Box<Session<H>>, place: Place, is_new: bool) {
        if !session.park() {
            return self.close(*session, Ok(()));
        }
        let link = Arc::clone(session.link());
        let id = link.peer.id;
        let waiting = Waiting {
            what: What::Known(session),
            place,
            since: Instant::now(),
        };
        // It has to be there before the event can come.
        lock(&self.waiting).insert(id, waiting);
        let armed = self.arm(&link.socket, id, is_new, EpollFlags::EPOLLIN);
        if let Err(error) = armed
            && let Some(Waiting { what, .. }) = lock(&self.waiting).remove(&id)
            && let What::Known(session) = what
        {
            let error = Error::Failed(During::Handle, error.into());
            self.close(*session, Err(error));
        }
    }

    fn arm(
        &self,
        socket: impl AsFd,
        id: u64,
        is_new: bool,
        wanted: EpollFlags,
    ) -> nix::Result<()> {
        let once = EpollFlags::EPOLLONESHOT | EpollFlags::EPOLLRDHUP | wanted;
        let mut event = EpollEvent::new(once, id);
        match is_new {
            true => self.epoll.add(socket, event),
            false => self.epoll.modify(socket, &mut event),
        }
    }

    fn close(&self, session: Session<H>, outcome: Result<(), Error>) {
        let _ = self.epoll.delete(&session.link().socket);
        session.close(outcome);
    }

    /// No thread waits for a parked connection, so no time limit of the socket's ends
    /// its wait. This does: its next read finds the end.
    fn end_the_silent(&self, limit: Duration) {
        for waiting in lock(&self.waiting).values() {
            if let What::Known(session) = &waiting.what
                && waiting.since.elapsed() > limit
            {
                let _ = session.link().socket.shutdown(std::net::Shutdown::Read);
            }
        }
    }
}

impl<F, H> Crew<Visitor> for Parked<F, H>
where
    F: Fn(&Peer) -> H + Send + Sync + 'static,
    H: Handler + Send + 'static,
{
    fn has_room(&self) -> bool {
        self.lot.gate.inside() < self.max
    }

    fn has_room_or_will_say(&self) -> bool {
        self.lot.gate.below_or_await(self.max)
    }

    /// The handler is made by a worker, not here: its `setup` may take its time. A fresh
    /// connection can be written to, so the wait for that is over at once.
    fn take(&mut self, visitor: Visitor) {
        let lot = &self.lot;
        let place = Place::take(&lot.house, &lot.gate);
        let (id, peer) = (visitor.peer.id, visitor.peer.clone());
        let armed = {
            let mut waiting = lock(&lot.waiting);
            let armed = lot.arm(&visitor.socket, id, true, EpollFlags::EPOLLOUT);
            if armed.is_ok() {
                let what = What::New(visitor);
                let since = Instant::now();
                waiting.insert(id, Waiting { what, place, since });
            }
            armed
        };
        if let Err(error) = armed {
            lot.house.failed(&peer, &Error::NoWorker(error.into()));
        }
    }

    fn tend(&mut self) {
        if let Some(limit) = self.lot.house.config.ways.read_timeout {
            self.lot.end_the_silent(limit);
        }
    }

    fn looks_every(&self) -> Option<Duration> {
        let limit = self.lot.house.config.ways.read_timeout?;
        Some((limit / 4).clamp(Duration::from_millis(10), Duration::from_secs(1)))
    }

    fn has_finished(&mut self) -> bool {
        self.lot.gate.below_or_await(1)
    }
}

impl<F, H> Drop for Parked<F, H> {
    fn drop(&mut self) {
        self.lot.end.wake();
        for worker in self.workers.drain(..) {
            // One that is held up in a handler is left to itself.
            if worker.is_finished() {
                let _ = worker.join();
            }
        }
    }
}
