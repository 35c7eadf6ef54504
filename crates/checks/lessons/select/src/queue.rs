//! `select/queue`: what the caller does not take yet.

use std::io;
use std::net::TcpListener;

use wire::view;

use super::{
    BUSY_WITH_NONE, BUSY_WITH_ONE, HOLDS, LEVELS, alone, ask, end,
    goes_on_when_spoken_to, has_lost_bytes, is_busy, is_silence_in, leaks, nobody,
    read_back, reset, rest, two, whole,
};
use checks::diagnosis::{self, Findings, Rule, SERVER_RULES};
use checks::engine::{Check, Peer, Probe, Report, Seen, Stage};
use checks::line_server;
use checks::symptom::{Kind, Symptom};

/// The learner's server: a listener, and the mark.
type Serve = fn(TcpListener, usize) -> io::Result<()>;

/// How many bytes a caller's queue may hold before it is read from no more.
const MARK: usize = 100_000;

/// One read brings no more than this.
const READ: usize = 64 << 10;

/// The check of `select/queue`.
pub fn queue(serve: Serve) -> Check {
    let probe = |name, title, play: fn(&mut Stage) -> Result<(), Symptom>| {
        let act = move |report: &Report| {
            line_server::act(report, |listener| serve(listener, MARK));
        };
        Probe::server(name, title, act, play)
    };
    let probes = vec![
        probe("whole", "two words, one after the other", whole),
        probe("end", "a caller that has said all, but still listens", end),
        probe("two", "a second caller, while the first is silent", two),
        probe("rest", "a caller that says nothing for a while", rest).early(),
        probe(
            "slow",
            "a caller that sends much and does not read, then reads",
            slow,
        ),
        probe("full", "the server, while a caller does not read", full),
        probe("bound", "how much it keeps for that caller", bound),
        probe(
            "other",
            "a second caller, while a first does not read",
            other,
        ),
        probe("late", "a caller that reads only after its end", late),
        probe("reset", "callers that reset, then another", reset),
        probe("cut", "a caller that resets while it does not read", cut),
        probe("leaks", "five callers that come and go", leaks),
        probe("alone", "three callers, and the threads", alone),
        probe("nobody", "a server that nobody calls", nobody).early(),
    ];
    Check::new("select/queue", probes, diagnose)
}

/// Letters in an order that does not repeat soon: what is left out shows.
pub(super) fn letters(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let letter = || {
        // The numbers are those of Numerical Recipes' generator.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        b'a' + (state >> 24) as u8 % 26
    };
    std::iter::repeat_with(letter).take(length).collect()
}

/// What a caller sends again and again; an odd number, so that no block of a
/// program's is a whole number of them.
pub(super) fn unit() -> Vec<u8> {
    letters((1 << 20) + 7)
}

/// What comes back of `sent` bytes of units.
pub(super) fn back(sent: usize) -> Vec<u8> {
    let unit = unit().to_ascii_uppercase();
    let mut all = unit.repeat(sent.div_ceil(unit.len()));
    all.truncate(sent);
    all
}

/// A caller that has sent until the server takes no more.
fn flooded(stage: &mut Stage) -> Result<(Peer, usize), Symptom> {
    let mut peer = stage.connect()?;
    let sent = stage.flood(&mut peer, &unit())?;
    Ok((peer, sent))
}

fn slow(stage: &mut Stage) -> Result<(), Symptom> {
    let (mut peer, sent) = flooded(stage)?;
    read_back(stage, &mut peer, sent)?;
    ask(stage, &mut peer, b"still there?")
}

fn full(stage: &mut Stage) -> Result<(), Symptom> {
    let (_peer, _) = flooded(stage)?;
    stage.expect_rest_in_silence()
}

fn bound(stage: &mut Stage) -> Result<(), Symptom> {
    let (peer, sent) = flooded(stage)?;
    let count = |bytes: usize| view::bytes(bytes as u64);
    let Some(held) = stage.held(&peer, sent) else {
        return Ok(()); // the kernel cannot be asked, or the connection is gone
    };
    if held <= MARK + READ {
        return Ok(());
    }
    let symptom = Symptom::new(Kind::Rule, HOLDS_TOO_MUCH).with_words(
        format!(
            "{} at most: the mark, and what one read brings",
            count(MARK + READ)
        ),
        format!("{} of {} that were sent", count(held), count(sent)),
    );
    Err(stage.as_it_is(symptom))
}

const HOLDS_TOO_MUCH: &str =
    "your program keeps too much for a caller that does not read";

fn other(stage: &mut Stage) -> Result<(), Symptom> {
    let (mut slow, sent) = flooded(stage)?;
    let mut quick = stage.connect()?;
    ask(stage, &mut quick, b"hello")?;
    stage.expect_much(&mut slow, &back(sent))?;
    ask(stage, &mut quick, b"still there?")
}

/// The end comes while bytes wait in the queue, and fewer than the mark: so it is read.
fn late(stage: &mut Stage) -> Result<(), Symptom> {
    const PIECE: usize = 48 << 10;
    const ENOUGH: usize = 16 << 20; // bytes, more than the kernel keeps
    let mut peer = stage.connect()?;
    let bytes = back(ENOUGH).to_ascii_lowercase();
    let mut sent = 0;
    for piece in bytes.chunks(PIECE) {
        stage.send_quietly(&mut peer, piece)?;
        sent += piece.len();
        stage.expect_rest()?;
        if stage.held(&peer, sent).is_none_or(|held| held > 0) {
            break;
        }
    }
    stage.note(format!(
        "has sent {}, and read nothing",
        view::bytes(sent as u64)
    ));
    peer.end();
    stage.expect_rest()?;
    stage.expect_much(&mut peer, &back(sent))?;
    stage.expect_end(&mut peer)
}

fn cut(stage: &mut Stage) -> Result<(), Symptom> {
    let (rude, _) = flooded(stage)?;
    rude.reset()?;
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, b"anybody there?")?;
    stage.expect_rest_in_silence()
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: |bytes| bytes.to_ascii_uppercase(),
    };
    diagnosis::name(&[RULES, super::RULES, SERVER_RULES], &findings)
}

/// What came has a gap: behind the first difference, it goes on with what was to come
/// later.
pub(super) fn has_a_gap(symptom: &Symptom) -> bool {
    const SOME: usize = 10; // bytes, which the generator does not repeat by chance
    let (expected, got) = (&symptom.expected_bytes, &symptom.got_bytes);
    let same = expected.iter().zip(got).take_while(|(a, b)| a == b).count();
    let Some(behind) = got.get(same..same + SOME) else {
        return false;
    };
    expected[same..].windows(SOME).any(|later| later == behind)
}

/// Why bytes that are missing are said to be lost.
pub(super) const LOST: &str = "Bytes are missing, and what was said after them is \
     answered. The kernel took a part of what it was given, or nothing (`WouldBlock`), and \
     what it did not take was dropped. The number that `write` returns says where to go \
     on.";

/// Why bytes that come late are said to be in a queue that nobody sends.
pub(super) const UNSENT: &str = "The caller reads, and there is room; the rest of its \
     answer came only when it said something more. Your program holds it and does not wait \
     for room: while a queue is not empty, ask for POLLOUT, too.";

const RULES: &[Rule] = &[
    Rule {
        mistake: "M22",
        fits: |all| {
            all.first(&["rest", "two", "leaks"]).is_some_and(is_busy)
                && all.passed("nobody")
                && all.passed("full")
        },
        why: "With a caller that says nothing your program is busy; with one that does \
              not read, so that there is no room, it sleeps. So it waits for room to \
              write while it has nothing to write, and there nearly always is room. Ask \
              for POLLOUT only while the queue is not empty.",
    },
    Rule {
        mistake: "M21",
        fits: |all| {
            all.first(&["rest", "leaks", "nobody"]).is_some_and(is_busy)
                && all.symptom("nobody").is_some_and(|s| s.kind == Kind::Spins)
        },
        why: BUSY_WITH_NONE,
    },
    Rule {
        mistake: "M21",
        fits: |all| {
            all.first(&["rest", "leaks"]).is_some_and(is_busy) && all.passed("nobody")
        },
        why: BUSY_WITH_ONE,
    },
    Rule {
        mistake: "M21",
        fits: |all| all.first(&["full"]).is_some_and(is_busy) && all.passed("rest"),
        why: "While a caller does not read, your program makes calls as fast as it can. \
              There is no room, and `WouldBlock` says so: wait for room (POLLOUT), and \
              do not wait for anything to read while you do not want to read.",
    },
    Rule {
        mistake: "M4",
        fits: |all| {
            let first = all.first(&["slow", "other", "late"]);
            first.is_some_and(has_lost_bytes)
        },
        why: LOST,
    },
    Rule {
        mistake: "M122",
        fits: |all| {
            let dropped = |s: &Symptom| {
                matches!(s.kind, Kind::Reset | Kind::EarlyEnd)
                    && !s.is_over()
                    && s.panic.is_none()
            };
            all.passed("end") && all.first(&["slow"]).is_some_and(dropped)
        },
        why: "The caller had sent much and read nothing, so there was no room for its \
              answers any more; then your program ended the connection. `WouldBlock` \
              from a write is no failure of the connection: keep the bytes, and wait for \
              room.",
    },
    Rule {
        mistake: "M121",
        fits: |all| all.first(&["slow"]).is_some_and(goes_on_when_spoken_to),
        why: UNSENT,
    },
    Rule {
        mistake: "M121",
        fits: |all| {
            let holds = |s: &Symptom| {
                is_silence_in(s, LEVELS) && s.kernel.iter().any(|told| told == HOLDS)
            };
            all.first(&["slow"]).is_some_and(holds)
        },
        why: "The caller reads, and there is room. Your program has read more than it \
              has sent back, and sleeps: it holds the rest and does not wait for room. \
              While a queue is not empty, ask for POLLOUT, too.",
    },
    Rule {
        mistake: "M127",
        fits: |all| {
            let stuck = |s: &Symptom| {
                is_silence_in(s, LEVELS)
                    && s.signs.later.is_empty()
                    && s.signs.unread > 0
                    && !s.kernel.iter().any(|told| told == HOLDS)
            };
            all.passed("whole") && all.first(&["slow"]).is_some_and(stuck)
        },
        why: "The caller reads now, and what it has sent lies unread in the kernel, but \
              your program sleeps: it does not wait for this caller to speak. Reading was \
              paused and is not taken up again. Look at the queue anew before each wait.",
    },
    Rule {
        mistake: "M120",
        fits: |all| {
            let first = all.first(&["bound"]);
            first.is_some_and(|s| s.summary == HOLDS_TOO_MUCH)
        },
        why: "The caller reads nothing, and your program goes on reading from it and \
              keeps the answers. So one caller can have all your memory. Read no more \
              from it while its queue is at the mark: then the kernel's buffers fill, \
              and the caller has to wait.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn got(expected: &[u8], got: &[u8]) -> Symptom {
        let mut symptom = Symptom::new(Kind::Wrong, "");
        symptom.expected_bytes = expected.to_vec();
        symptom.got_bytes = got.to_vec();
        symptom
    }

    #[test]
    fn a_gap_is_one_only_where_it_goes_on_with_what_was_to_come() {
        let all = letters(10_000);
        let gap = [&all[..4000], &all[5000..]].concat();
        assert!(has_a_gap(&got(&all, &gap)));
        let twice = [&all[..4000], &all[3000..]].concat();
        assert!(!has_a_gap(&got(&all, &twice)));
        assert!(!has_a_gap(&got(&all, &all[..4000])));
        assert!(!has_a_gap(&got(&all, &[b'?'; 10_000])));
    }
}
