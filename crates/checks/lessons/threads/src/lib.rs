//! The checks of lesson 8: threads.

mod chat;
mod drain;
mod panic;
mod pool;
mod two;

pub use chat::chat;
pub use checks::Check;
pub use drain::drain;
pub use panic::panic;
pub use pool::pool;
pub use two::two;

use checks::diagnosis::Rule;
use checks::engine::{Peer, Stage};
use checks::symptom::{Doing, Kind, Symptom};

/// Sends `text` and waits for it in capitals.
fn ask(stage: &mut Stage, peer: &mut Peer, text: &[u8]) -> Result<(), Symptom> {
    stage.send(peer, text)?;
    stage.expect(peer, &text.to_ascii_uppercase())
}

/// A caller ends its side, and waits for the other.
fn leave(stage: &mut Stage, mut peer: Peer) -> Result<(), Symptom> {
    peer.end();
    stage.expect_end(&mut peer)
}

/// A caller that is served: it has been answered once.
fn served(stage: &mut Stage) -> Result<Peer, Symptom> {
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, b"hello")?;
    Ok(peer)
}

/// A whole visit.
fn visit(stage: &mut Stage) -> Result<(), Symptom> {
    let peer = served(stage)?;
    leave(stage, peer)
}

/// Whether every thread is blocked, and how many of them in one of these calls.
fn blocked_in(symptom: &Symptom, calls: &[&str]) -> usize {
    let is_one = |call: &&String| calls.contains(&call.as_str());
    match symptom.doing {
        Some(Doing::Blocked) => symptom.calls.iter().filter(is_one).count(),
        _ => 0,
    }
}

/// The calls that wait for bytes.
const RECEIVES: &[&str] = &["recvfrom", "recvmsg", "read", "readv"];

/// The calls that wait for room.
const SENDS: &[&str] = &["sendto", "sendmsg", "write", "writev"];

/// The calls that wait for somebody to call.
const ACCEPTS: &[&str] = &["accept4", "accept"];

/// The call that waits for another thread.
const LOCKS: &[&str] = &["futex"];

/// Whether a caller waits to be accepted.
fn somebody_waits(symptom: &Symptom) -> bool {
    let waits = |told: &String| told.contains("in the accept queue");
    symptom.kernel.iter().any(waits)
}

/// The sign that threads are gone.
const FEWER: &[u8] = b"fewer threads";

/// How many threads a program has had, and whether it has lost some.
struct Threads {
    before: Option<usize>,
    least: Option<usize>,
}

impl Threads {
    /// Counts them, once the program has come to rest.
    fn count(stage: &mut Stage) -> Result<Self, Symptom> {
        stage.at_rest()?;
        let before = stage.threads();
        let least = before;
        Ok(Self { before, least })
    }

    /// Counts them again.
    fn again(&mut self, stage: &mut Stage) -> Result<(), Symptom> {
        stage.at_rest()?;
        self.look(stage);
        Ok(())
    }

    fn look(&mut self, stage: &Stage) {
        // Of a program that is over there is nothing to count.
        let now = stage.threads().filter(|now| *now > 0);
        self.least = now.or(self.least).min(self.least);
    }

    /// With a word on it, if threads were lost.
    fn told(&mut self, stage: &Stage, mut symptom: Symptom) -> Symptom {
        if !symptom.is_over() {
            self.look(stage);
        }
        if let (Some(before), Some(least)) = (self.before, self.least)
            && least < before
        {
            symptom.signs.later = FEWER.into();
            let told = format!("Of its {before} threads {least} were left.");
            symptom.kernel.push(told);
        }
        symptom
    }
}

/// Somebody was not served, and threads had gone before.
fn has_fewer(symptom: &Symptom) -> bool {
    use Kind::{EarlyEnd, Gone, NoAnswer, Refused, Reset};
    symptom.signs.later == FEWER
        && matches!(symptom.kind, NoAnswer | EarlyEnd | Reset | Refused | Gone)
}

/// For every check with a probe `two`, in which the first caller says nothing.
const ONE_AT_A_TIME: &[Rule] = &[Rule {
    mistake: "M18",
    fits: |all| {
        let waits = |s: &Symptom| {
            s.kind == Kind::NoAnswer
                && s.got_bytes.is_empty()
                && somebody_waits(s)
                && blocked_in(s, ACCEPTS) == 0
                && blocked_in(s, RECEIVES) == 1
        };
        all.first(&["two"]).is_some_and(waits)
    },
    why: "A thread waits for the first caller, who says nothing. Nobody accepts the \
          second, who waits in the accept queue.",
}];
