//! Arbitrary input for the tests of this crate, the same in every run.

use std::time::Duration;

use crate::{Side, Timeline, What};

/// Random input that can be had again from its seed.
pub(crate) struct Random(fastrand::Rng);

/// Runs `check` with two hundred seeds and says which one made it fail.
pub(crate) fn for_seeds(check: impl Fn(&mut Random)) {
    for seed in 0..200 {
        let named = NamedOnPanic(seed);
        check(&mut Random(fastrand::Rng::with_seed(seed)));
        drop(named);
    }
}

struct NamedOnPanic(u64);

impl Drop for NamedOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the seed was {}", self.0);
        }
    }
}

impl Random {
    /// A number less than `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0.usize(..limit)
    }

    /// Up to `most` bytes: any, or the few that are special somewhere, or one alone.
    pub fn bytes(&mut self, most: usize) -> Vec<u8> {
        let len = self.0.usize(..=most);
        let special = b"\n\r\0\"\\<>&'{}$\x1b\x7f\x80\xC3\xA9\xff a";
        match self.below(3) {
            0 => (0..len).map(|_| self.0.u8(..)).collect(),
            1 => (0..len)
                .map(|_| special[self.0.usize(..special.len())])
                .collect(),
            _ => vec![self.0.u8(..); len],
        }
    }

    /// Text with all sorts of characters in it.
    pub fn text(&mut self, most: usize) -> String {
        let len = self.0.usize(..=most);
        let odd = [
            'é', '漢', '\u{202e}', '\u{301}', '\u{1b}', '\u{ffff}', '…', '🦀', '<',
            ' ',
        ];
        let mut letter = || match self.0.usize(..2) {
            0 => odd[self.0.usize(..odd.len())],
            _ => self.0.char(..),
        };
        (0..len).map(|_| letter()).collect()
    }

    /// A conversation in which anything may happen, some of it again and again.
    pub fn timeline(&mut self) -> Timeline {
        let mut timeline = Timeline::new(&self.text(30), &self.text(90));
        for _ in 0..self.below(12) {
            let (what, link) = (self.what(), self.0.u32(..) >> self.below(32));
            let side = if self.0.bool() {
                Side::Left
            } else {
                Side::Right
            };
            let times = if self.0.bool() { 1 } else { self.below(60) };
            for _ in 0..times {
                let at = Duration::from_micros(self.0.u64(..) >> self.below(64));
                timeline.push(at, link, side, what.clone());
            }
        }
        timeline
    }

    fn what(&mut self) -> What {
        match self.below(9) {
            0 => What::Connect(self.text(60)),
            1 => What::Sent(crate::Payload::of(&self.bytes(700))),
            2 => What::Received(crate::Payload::of(&self.bytes(40))),
            3 => What::Asked(self.0.u64(..)),
            4 => What::End,
            5 => What::Reset,
            6 => What::Lost(crate::Payload::of(&self.bytes(40))),
            7 => What::GaveUp(self.text(200)),
            _ => What::Note(self.text(200)),
        }
    }
}
