//! The checks of lesson 10: readiness.

mod edge;
mod idle;
mod limit;
mod lines;
mod queue;
mod stop;

pub use checks::Check;
pub use edge::edge;
pub use idle::idle;
pub use limit::limit;
pub use lines::lines;
pub use queue::queue;
pub use stop::stop;

use checks::diagnosis::{Findings, Rule};
use checks::engine::{Peer, Stage};
use checks::symptom::{Doing, Kind, Symptom};

/// Says `word`, and expects it back in capitals.
fn ask(stage: &mut Stage, peer: &mut Peer, word: &[u8]) -> Result<(), Symptom> {
    stage.send(peer, word)?;
    stage.expect(peer, &word.to_ascii_uppercase())
}

/// A whole visit: says `word`, gets it in capitals, ends, and sees the end.
fn say(stage: &mut Stage, word: &[u8]) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, word)?;
    peer.end();
    stage.expect_end(&mut peer)
}

// The probes that several exercises have in common.

fn whole(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, b"hello")?;
    ask(stage, &mut peer, b"and again, \xFF\x00")
}

fn end(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    stage.send(&mut peer, b"last words")?;
    peer.end();
    stage.expect(&mut peer, b"LAST WORDS")?;
    stage.expect_end(&mut peer)
}

fn two(stage: &mut Stage) -> Result<(), Symptom> {
    let mut silent = stage.connect()?;
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, b"hello")?;
    ask(stage, &mut silent, b"now I speak")
}

fn rest(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, b"hello")?;
    stage.expect_rest_in_silence()?;
    ask(stage, &mut peer, b"still there?")
}

fn nobody(stage: &mut Stage) -> Result<(), Symptom> {
    stage.expect_rest_in_silence()
}

/// Callers that break off: while they are silent, behind a word, and behind an
/// answer.
fn reset(stage: &mut Stage) -> Result<(), Symptom> {
    stage.connect()?.reset()?;
    let mut first = stage.connect()?;
    ask(stage, &mut first, b"hello")?;
    first.reset()?;
    let mut second = stage.connect()?;
    stage.send(&mut second, b"hello")?;
    second.reset()?;
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, b"anybody there?")
}

/// What a caller says when not all has come back and the program sleeps.
const MORE: &[u8] = b"0123456789";

/// Reads what must come back of `sent` bytes of [`queue::unit`]. Where it stops coming,
/// something more is said: what comes then tells where the rest is.
fn read_back(stage: &mut Stage, peer: &mut Peer, sent: usize) -> Result<(), Symptom> {
    match stage.expect_much(peer, &queue::back(sent)) {
        Err(symptom) if is_silence_in(&symptom, WAITS) => {
            let holds = stage.held(peer, sent).is_some_and(|held| held > 0);
            let mut symptom = stage.say_more(peer, MORE, symptom);
            if holds && symptom.signs.later.is_empty() {
                symptom.kernel.push(HOLDS.into());
            }
            Err(symptom)
        }
        result => result,
    }
}

/// Said of a program that sleeps.
const HOLDS: &str = "It has read more of this caller's than it has sent back.";

/// Bytes were left out: behind a gap it goes on, or the next word is answered though
/// what was to come before it has not come.
fn has_lost_bytes(symptom: &Symptom) -> bool {
    symptom.kind == Kind::Wrong && queue::has_a_gap(symptom)
        || symptom.kind == Kind::NoAnswer && symptom.signs.later.starts_with(MORE)
}

/// What was missing came when something more was said.
fn goes_on_when_spoken_to(symptom: &Symptom) -> bool {
    let later = &symptom.signs.later;
    let rest = symptom.expected_bytes.get(symptom.got_bytes.len()..);
    let length = later.len().min(1000);
    symptom.kind == Kind::NoAnswer
        && length > 0
        && rest.is_some_and(|rest| rest.starts_with(&later[..length]))
}

/// How many callers come and go before the program's descriptors are counted again.
const CALLERS: usize = checks::line_server::CALLERS;

fn leaks(stage: &mut Stage) -> Result<(), Symptom> {
    say(stage, b"hello")?; // what a server opens once and keeps, it has opened now
    let before = stage.descriptors();
    for _ in 0..CALLERS {
        say(stage, b"hello")?;
    }
    stage.expect_descriptors(before, CALLERS)?;
    stage.expect_rest()
}

fn alone(stage: &mut Stage) -> Result<(), Symptom> {
    let mut callers = Vec::new();
    for _ in 0..3 {
        callers.push(stage.connect()?);
    }
    for caller in &mut callers {
        ask(stage, caller, b"hello")?;
    }
    stage.expect_alone()
}

/// The calls that wait for several descriptors.
const WAITS: &[&str] = &[
    "poll",
    "ppoll",
    "select",
    "pselect6",
    "epoll_wait",
    "epoll_pwait",
    "epoll_pwait2",
];

/// Those of them that tell again and again of what is ready.
const LEVELS: &[&str] = &["poll", "ppoll", "select", "pselect6"];

/// The calls that wait for bytes of one.
const RECEIVES: &[&str] = &["recvfrom", "recvmsg", "read", "readv"];

/// Every thread of the program is blocked, each in one of these calls.
fn is_blocked_in(symptom: &Symptom, calls: &[&str]) -> bool {
    symptom.doing == Some(Doing::Blocked)
        && !symptom.calls.is_empty()
        && symptom.calls.iter().all(|it| calls.contains(&it.as_str()))
}

/// No answer at all, or not the whole, from a program that waits.
fn is_silence_in(symptom: &Symptom, calls: &[&str]) -> bool {
    symptom.kind == Kind::NoAnswer && is_blocked_in(symptom, calls)
}

/// A program that outlives polite callers, and not this one.
fn falls_with_a_caller(all: &Findings<'_>, probes: &[&str]) -> bool {
    let over = |s: &Symptom| s.is_over() && (s.panic.is_some() || s.signs.failed);
    let polite = all.symptom("leaks").or(all.symptom("end"));
    all.first(probes).is_some_and(over) && !polite.is_some_and(Symptom::is_over)
}

/// What goes wrong with callers in any of these exercises.
const RULES: &[Rule] = &[
    Rule {
        mistake: "M14",
        fits: |all| falls_with_a_caller(all, &["reset", "visitors"]),
        why: "Callers who stay to the end are served. One broke off, and your server \
              was over. What goes wrong with one caller has to end its visit only: look \
              for an `unwrap`, or a `?` that leaves the loop over all of them.",
    },
    Rule {
        mistake: "M5",
        fits: |all| {
            let woken = |s: &Symptom| {
                matches!(s.kind, Kind::NoEnd | Kind::NoAnswer | Kind::Leaks)
                    && s.doing == Some(Doing::Spinning)
                    && s.signs.read_the_end
                    && s.signs.asks
            };
            all.first(&["end", "tail", "leaks"]).is_some_and(woken)
                && (all.passed("rest") || all.passed("sleep"))
        },
        why: "The caller ended its side, and your program has read that. A connection \
              that has ended is readable for ever: from then on the wait returns at once, \
              again and again. The end has to take it out of the list.",
    },
    Rule {
        mistake: "M13",
        fits: |all| {
            // Level-triggered, so that who watches the connection is woken. An edge that
            // was not read to its end looks the same.
            let kept = |s: &Symptom| {
                s.kind == Kind::NoEnd
                    && is_blocked_in(s, LEVELS)
                    && s.signs.unread == 0
            };
            all.first(&["end", "tail"]).is_some_and(kept)
        },
        why: "The caller ended its side. Your program sleeps, so it does not wait for \
              this connection any more, and the connection is still open: something \
              keeps the stream from being dropped.",
    },
];

/// Why a server that rests with nobody there, and does not rest with a silent caller,
/// is said to ask again and again: there are several causes, and all are named.
const BUSY_WITH_ONE: &str = "With nobody there your program slept; with a caller that \
     says nothing it makes calls as fast as it can. Either it waits for room to write \
     (POLLOUT) while it has nothing to write, and there nearly always is room; or its \
     wait has a limit of 0; or it asks the connection itself, again and again.";

/// Why a server that nobody has called is busy.
const BUSY_WITH_NONE: &str = "Nobody has called, and your program makes calls as fast as \
     it can. `WouldBlock` says \"not now\": the next thing to do is a wait without a \
     limit, not the same call again.";

/// A program that makes calls while nobody says a word.
fn is_busy(symptom: &Symptom) -> bool {
    symptom.kind == Kind::Spins && symptom.signs.asks
}
