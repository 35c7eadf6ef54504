//! Writing down what happens while it happens, from any thread.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::{Event, Payload, Side, Timeline, What};

/// Takes down the events of a conversation with the time of each.
///
/// Its clock starts when it is made. Clones write into the same timeline, so every
/// thread that takes part can hold one; events stand in the order in which the
/// methods were called.
///
/// A runaway program can produce events without end. The first
/// [`Recorder::FIRST`] and the last [`Recorder::LAST`] are kept, and a note in the
/// timeline says how many are missing between them.
#[derive(Clone, Debug)]
pub struct Recorder {
    started: Instant,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug)]
struct Kept {
    timeline: Timeline,
    last: VecDeque<Event>,
    dropped: u64,
}

impl Recorder {
    /// How many events are kept from the beginning.
    pub const FIRST: usize = 4000;
    /// How many events are kept from the end, once there are more than that.
    pub const LAST: usize = 1000;

    /// Starts the clock; `left` and `right` are the columns' titles.
    pub fn new(left: &str, right: &str) -> Self {
        let timeline = Timeline::new(left, right);
        let kept = Kept {
            timeline,
            last: VecDeque::new(),
            dropped: 0,
        };
        Recorder {
            started: Instant::now(),
            kept: Arc::new(Mutex::new(kept)),
        }
    }

    /// `side` connects; `addresses` may be empty.
    pub fn connect(&self, link: u32, side: Side, addresses: impl Into<String>) {
        self.push(link, side, What::Connect(addresses.into()));
    }

    /// `side` sent `bytes`.
    pub fn sent(&self, link: u32, side: Side, bytes: &[u8]) {
        self.push(link, side, What::Sent(Payload::of(bytes)));
    }

    /// `side` sent `bytes`, which do not arrive.
    pub fn lost(&self, link: u32, side: Side, bytes: &[u8]) {
        self.push(link, side, What::Lost(Payload::of(bytes)));
    }

    /// `side` took `bytes` off the stream.
    pub fn received(&self, link: u32, side: Side, bytes: &[u8]) {
        self.push(link, side, What::Received(Payload::of(bytes)));
    }

    /// `side` asked for up to `bytes` bytes.
    pub fn asked(&self, link: u32, side: Side, bytes: usize) {
        self.push(link, side, What::Asked(bytes as u64));
    }

    /// `side` ended its sending.
    pub fn end(&self, link: u32, side: Side) {
        self.push(link, side, What::End);
    }

    /// `side` reset the connection.
    pub fn reset(&self, link: u32, side: Side) {
        self.push(link, side, What::Reset);
    }

    /// `side` waited in vain.
    pub fn gave_up(&self, link: u32, side: Side, why: impl Into<String>) {
        self.push(link, side, What::GaveUp(why.into()));
    }

    /// Anything else worth a line in the column of `side`.
    pub fn note(&self, link: u32, side: Side, text: impl Into<String>) {
        self.push(link, side, What::Note(text.into()));
    }

    /// Appends an event of any kind.
    pub fn push(&self, link: u32, side: Side, what: What) {
        // The clock is read under the lock: later in the list is never earlier.
        let mut kept = self.lock();
        let at_us = u64::try_from(self.elapsed().as_micros()).unwrap_or(u64::MAX);
        kept.push(Event {
            at_us,
            link,
            side,
            what,
        });
    }

    /// How long ago the clock was started.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// What has been recorded so far.
    pub fn timeline(&self) -> Timeline {
        let kept = self.lock();
        let mut timeline = kept.timeline.clone();
        if let (true, Some(next)) = (kept.dropped > 0, kept.last.front()) {
            let text = format!("{} more events were not kept", kept.dropped);
            let (at_us, side) = (next.at_us, next.side);
            timeline.events.push(Event {
                at_us,
                link: 0,
                side,
                what: What::Note(text),
            });
        }
        timeline.events.extend(kept.last.iter().cloned());
        timeline
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // A thread that panicked while it appended has left a list all the same.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn push(&mut self, event: Event) {
        if self.timeline.events.len() < Recorder::FIRST {
            return self.timeline.events.push(event);
        }
        if self.last.len() == Recorder::LAST {
            self.last.pop_front();
            self.dropped += 1;
        }
        self.last.push_back(event);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn each_method_records_its_event_on_its_connection_and_side() {
        let recorder = Recorder::new("client", "server");
        recorder.connect(1, Side::Left, "a -> b");
        recorder.sent(2, Side::Left, b"x");
        recorder.received(3, Side::Right, b"y");
        recorder.asked(4, Side::Right, 8192);
        recorder.end(5, Side::Left);
        recorder.reset(6, Side::Right);
        recorder.gave_up(7, Side::Left, "why");
        recorder.note(8, Side::Right, "text");
        recorder.lost(9, Side::Left, b"z");
        let events = recorder.timeline().events;
        let whats = [
            (Side::Left, What::Connect("a -> b".into())),
            (Side::Left, What::Sent(Payload::of(b"x"))),
            (Side::Right, What::Received(Payload::of(b"y"))),
            (Side::Right, What::Asked(8192)),
            (Side::Left, What::End),
            (Side::Right, What::Reset),
            (Side::Left, What::GaveUp("why".into())),
            (Side::Right, What::Note("text".into())),
            (Side::Left, What::Lost(Payload::of(b"z"))),
        ];
        assert_eq!(events.len(), whats.len());
        for ((event, what), link) in events.into_iter().zip(whats).zip(1..) {
            assert_eq!((event.link, (event.side, event.what)), (link, what));
        }
    }

    #[test]
    fn many_threads_write_one_timeline_in_the_order_of_its_times() {
        let recorder = Recorder::new("a", "b");
        let threads: Vec<_> = (1..=4)
            .map(|link| {
                let recorder = recorder.clone();
                thread::spawn(move || {
                    for _ in 0..200 {
                        recorder.end(link, Side::Left);
                    }
                })
            })
            .collect();
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        let events = recorder.timeline().events;
        assert_eq!(events.len(), 800);
        assert!(events.is_sorted_by_key(|event| event.at_us));
    }

    #[test]
    fn a_runaway_keeps_its_beginning_its_end_and_the_number_between() {
        let recorder = Recorder::new("a", "b");
        let all = Recorder::FIRST + Recorder::LAST + 7;
        for size in 0..all {
            recorder.asked(1, Side::Right, size);
        }
        let mut events = recorder.timeline().events;
        let note = events.remove(Recorder::FIRST).what;
        assert_eq!(note, What::Note("7 more events were not kept".into()));
        let kept = (0..Recorder::FIRST).chain(all - Recorder::LAST..all);
        let kept: Vec<What> = kept.map(|size| What::Asked(size as u64)).collect();
        assert!(events.into_iter().map(|event| event.what).eq(kept));
    }

    #[test]
    fn as_many_events_as_are_kept_are_all_kept() {
        let recorder = Recorder::new("a", "b");
        for _ in 0..Recorder::FIRST + Recorder::LAST {
            recorder.end(1, Side::Left);
        }
        let events = recorder.timeline().events;
        assert!(events.iter().all(|event| event.what == What::End));
        assert_eq!(events.len(), Recorder::FIRST + Recorder::LAST);
    }
}
