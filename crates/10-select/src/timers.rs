//! Many timers, one heap: which is due first, and how long until then.
//!
//! A loop that waits for sockets can wait for a time as well: the call that waits
//! takes a limit. It takes one limit, though, and a server with a thousand clients
//! has a thousand times in mind. Only the earliest matters for the next wait.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::{Duration, Instant};

/// Names one timer, for [`Timers::cancel`]. No two timers of a heap get the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TimerId(u64);

// ANCHOR: timers
/// Timers, each with a `T` that says what it is for.
///
/// [`BinaryHeap`] keeps the greatest on top; [`Reverse`] turns that into the
/// earliest. A heap finds nothing but its top, so a cancelled timer stays in it and
/// is left out when its time comes. What counts is in `waiting`.
#[derive(Debug)]
pub struct Timers<T> {
    heap: BinaryHeap<Reverse<(Instant, TimerId)>>,
    waiting: HashMap<TimerId, T>,
    made: u64,
}

impl<T> Timers<T> {
    /// No timers.
    pub fn new() -> Self {
        Self {
            heap: BinaryHeap::new(),
            waiting: HashMap::new(),
            made: 0,
        }
    }

    /// Adds a timer that is due at `due`.
    pub fn set(&mut self, due: Instant, what: T) -> TimerId {
        self.made += 1;
        let id = TimerId(self.made);
        self.heap.push(Reverse((due, id)));
        self.waiting.insert(id, what);
        id
    }

    /// Takes a timer back; `None` if it has been due or been cancelled before.
    pub fn cancel(&mut self, id: TimerId) -> Option<T> {
        let what = self.waiting.remove(&id)?;
        // Whoever moves a timeout with each byte cancels much more than comes due.
        // Before the cancelled ones are the greater part, they go.
        if self.heap.len() > 2 * self.waiting.len() + 64 {
            let waiting = &self.waiting;
            self.heap
                .retain(|Reverse((_, id))| waiting.contains_key(id));
        }
        Some(what)
    }

    /// When the next timer is due.
    pub fn next_due(&mut self) -> Option<Instant> {
        loop {
            let &Reverse((due, id)) = self.heap.peek()?;
            if self.waiting.contains_key(&id) {
                return Some(due);
            }
            self.heap.pop(); // cancelled
        }
    }

    /// Takes the earliest timer if it is due at `now`.
    pub fn pop_due(&mut self, now: Instant) -> Option<T> {
        if self.next_due()? > now {
            return None;
        }
        let Reverse((_, id)) = self.heap.pop()?;
        self.waiting.remove(&id)
    }
}
// ANCHOR_END: timers

impl<T> Timers<T> {
    /// How long a wait that begins at `now` may last: until the next timer is due,
    /// and for `limit` at most. `None` is for ever.
    pub fn limit(
        &mut self,
        now: Instant,
        limit: Option<Duration>,
    ) -> Option<Duration> {
        let due = self
            .next_due()
            .map(|due| due.saturating_duration_since(now));
        match (due, limit) {
            (Some(due), Some(limit)) => Some(due.min(limit)),
            (due, limit) => due.or(limit),
        }
    }

    /// How many timers wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether no timer waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many entries the heap holds, the cancelled ones among them.
    pub fn held(&self) -> usize {
        self.heap.len()
    }
}

impl<T> Default for Timers<T> {
    fn default() -> Self {
        Self::new()
    }
}
