//! Who runs the handlers: a crew for each strategy, and one loop that feeds any of them.

mod fork;
mod inline;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod parked;
mod pool;
mod threads;

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::addr::Peer;
use crate::handle::Core;

pub(crate) use fork::{Fork, prefork};
pub(crate) use inline::Inline;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use parked::parked;
pub(crate) use pool::Pool;
pub(crate) use threads::Threads;

/// Takes requests from the server's loop.
pub(crate) trait Crew<R> {
    /// Whether it can take one more.
    fn has_room(&self) -> bool;

    /// The same; if not, it will wake the loop once it can.
    fn has_room_or_will_say(&self) -> bool;

    /// Takes a request. It is called only while there is room.
    fn take(&mut self, request: R);

    /// Looks after who works for it: called in each turn of the loop.
    fn tend(&mut self) {}

    /// How often it wants to be looked after, if nothing happens.
    fn looks_every(&self) -> Option<Duration> {
        None
    }

    /// What the loop waits for beside the listener and the waker.
    fn ears(&self) -> Vec<BorrowedFd<'_>> {
        Vec::new()
    }

    /// Whether all that it has taken is done; if not, it will wake the loop once it is.
    fn has_finished(&mut self) -> bool;

    /// Ends by force what does not end by itself once its connections are shut down;
    /// whose requests they were.
    fn force(&mut self) -> Vec<Peer> {
        Vec::new()
    }
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// Something happened, or the time is up.
    Look,
    /// The other end of the waker is gone, and with it whoever could say more.
    Over,
}

/// Waits until one of these can be read, or is closed at its other end, but no longer
/// than this. The first is a waker.
pub(crate) fn wait(
    ears: &[BorrowedFd<'_>],
    limit: Option<Duration>,
) -> io::Result<Woken> {
    let fds = ears.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN));
    let mut fds: Vec<PollFd<'_>> = fds.collect();
    // Whole milliseconds, rounded up: one too few would have the loop turn until then.
    let limit = limit.map_or(PollTimeout::NONE, |limit| {
        let limit = limit.as_nanos().div_ceil(1_000_000);
        PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX)
    });
    match poll(&mut fds, limit) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(error) => return Err(error.into()),
    }
    let hung_up = |fd: &PollFd<'_>| {
        fd.revents()
            .is_some_and(|seen| seen.contains(PollFlags::POLLHUP))
    };
    Ok(match fds.first().is_some_and(hung_up) {
        true => Woken::Over,
        false => Woken::Look,
    })
}

/// How many are at work, and whether the loop waits for one of them to leave.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    inside: AtomicUsize,
    awaited: AtomicBool,
}

impl Gate {
    pub(crate) fn inside(&self) -> usize {
        self.inside.load(Ordering::SeqCst)
    }

    pub(crate) fn enter(&self) {
        self.inside.fetch_add(1, Ordering::SeqCst);
    }

    /// One leaves. The loop is woken only when it waits: a write(2) for every connection
    /// would cost a tenth of a short one.
    pub(crate) fn leave(&self, core: &Core) {
        self.inside.fetch_sub(1, Ordering::SeqCst);
        if self.awaited.swap(false, Ordering::SeqCst) {
            core.waker.wake();
        }
    }

    /// Whether fewer than `max` are inside; if not, the next who leaves wakes the loop.
    ///
    /// First the wish, then the look; who leaves does it the other way round. So either
    /// the look sees that it has left, or it sees the wish.
    pub(crate) fn below_or_await(&self, max: usize) -> bool {
        if self.inside() < max {
            return true;
        }
        self.awaited.store(true, Ordering::SeqCst);
        self.inside() < max
    }
}

/// Elsewhere there is no epoll(7).
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn parked<F, H>(
    house: &crate::session::House,
    workers: usize,
    max: usize,
    open: F,
) -> io::Result<Inline<impl Fn(&crate::session::House, crate::source::Visitor) -> bool>>
where
    F: Fn(&Peer) -> H,
{
    let _ = (house, workers, max, open);
    let none: Option<
        Inline<fn(&crate::session::House, crate::source::Visitor) -> bool>,
    > = None;
    none.ok_or_else(|| {
        let why = "connections are parked with epoll, which only Linux has";
        io::Error::new(io::ErrorKind::Unsupported, why)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;
    use crate::waker::Waker;

    /// Whoever waits for the last to leave sees it gone, or is woken, whichever of the
    /// two comes first. Under Miri with `-Zmiri-many-seeds` the threads are interleaved in
    /// many ways.
    #[test]
    fn who_leaves_is_seen_or_heard() {
        let turns = if cfg!(miri) { 3 } else { 2000 };
        for _ in 0..turns {
            let core = Core::new(Waker::new().unwrap());
            let gate = Arc::new(Gate::default());
            gate.enter();
            let leaving = {
                let (core, gate) = (Arc::clone(&core), Arc::clone(&gate));
                thread::spawn(move || gate.leave(&core))
            };
            if !gate.below_or_await(1) {
                // A wake-up that is lost would be waited for in vain.
                while nix::unistd::read(&core.waker, &mut [0]).is_err() {
                    thread::yield_now();
                }
            }
            assert_eq!(gate.inside(), 0);
            leaving.join().unwrap();
        }
    }
}
