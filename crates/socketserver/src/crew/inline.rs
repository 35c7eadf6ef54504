//! One after the other, in the server's own thread.

use std::sync::atomic::Ordering;

use super::Crew;
use crate::session::House;

/// Serves in the thread that accepts.
pub(crate) struct Inline<'a, W> {
    house: &'a House,
    work: W,
}

impl<'a, W> Inline<'a, W> {
    pub(crate) fn new(house: &'a House, work: W) -> Self {
        Self { house, work }
    }
}

impl<R, W: Fn(&House, R) -> bool> Crew<R> for Inline<'_, W> {
    fn has_room(&self) -> bool {
        true
    }

    fn has_room_or_will_say(&self) -> bool {
        true
    }

    fn take(&mut self, request: R) {
        let active = &self.house.core.counters.active;
        active.fetch_add(1, Ordering::Relaxed);
        (self.work)(self.house, request);
        active.fetch_sub(1, Ordering::Relaxed);
    }

    fn has_finished(&mut self) -> bool {
        true
    }
}
