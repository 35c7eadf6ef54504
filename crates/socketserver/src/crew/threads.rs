//! A new thread for each request.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use super::{Crew, Gate};
use crate::error::Error;
use crate::session::House;
use crate::source::Asks;

/// Starts a thread for each request, up to a limit.
pub(crate) struct Threads<W> {
    house: House,
    max: usize,
    work: Arc<W>,
    gate: Arc<Gate>,
}

impl<W> Threads<W> {
    pub(crate) fn new(house: &House, max: usize, work: W) -> Self {
        Self {
            house: house.clone(),
            max: max.max(1),
            work: Arc::new(work),
            gate: Arc::default(),
        }
    }
}

/// One request's place inside; it is given back whatever happens.
pub(super) struct Place {
    house: House,
    gate: Arc<Gate>,
}

impl Place {
    pub(super) fn take(house: &House, gate: &Arc<Gate>) -> Self {
        gate.enter();
        house.core.counters.active.fetch_add(1, Ordering::Relaxed);
        Self {
            house: house.clone(),
            gate: Arc::clone(gate),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let core = &self.house.core;
        core.counters.active.fetch_sub(1, Ordering::Relaxed);
        self.gate.leave(core);
    }
}

impl<R, W> Crew<R> for Threads<W>
where
    R: Asks,
    W: Fn(&House, R) -> bool + Send + Sync + 'static,
{
    fn has_room(&self) -> bool {
        self.gate.inside() < self.max
    }

    fn has_room_or_will_say(&self) -> bool {
        self.gate.below_or_await(self.max)
    }

    // ANCHOR: take
    fn take(&mut self, request: R) {
        let place = Place::take(&self.house, &self.gate);
        let peer = request.peer().clone();
        let (house, work) = (self.house.clone(), Arc::clone(&self.work));
        let started = thread::Builder::new()
            .name(format!("request {}", peer.id))
            .spawn(move || {
                work(&house, request);
                drop(place);
            });
        // The machine's limit; the request went with the closure, and is closed.
        if let Err(error) = started {
            self.house.failed(&peer, &Error::NoWorker(error));
        }
    }
    // ANCHOR_END: take

    fn has_finished(&mut self) -> bool {
        self.gate.below_or_await(1)
    }
}
