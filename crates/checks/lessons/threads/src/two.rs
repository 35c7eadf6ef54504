//! `threads/two`: callers who do not wait for each other.

use std::io;
use std::net::TcpListener;

use super::{
    ACCEPTS, LOCKS, ONE_AT_A_TIME, RECEIVES, ask, blocked_in, leave, served,
    somebody_waits, visit,
};
use checks::diagnosis::{self, Findings, Rule, SERVER_RULES};
use checks::engine::{Check, Probe, Seen, Stage};
use checks::line_server::{self, CALLERS};
use checks::symptom::{Doing, Kind, Symptom};

/// The check of `threads/two`.
pub fn two(serve: fn(TcpListener) -> io::Result<()>) -> Check {
    let probe = |name, title, play: fn(&mut Stage) -> Result<(), Symptom>| {
        let act = move |report: &_| line_server::act(report, serve);
        Probe::server(name, title, act, play)
    };
    let probes = vec![
        probe("whole", "a caller that says a word, and another", whole),
        probe("two", "a second caller, while the first says nothing", both),
        probe("end", "a caller that ends its side", visit),
        probe("bytes", "bytes that are no text, in two pieces", bytes),
        probe("many", "thirty callers at once", many),
        probe("slow", "a caller that does not read, and another", slow),
        probe("reset", "callers that reset, then another", reset),
        probe("leaks", "five callers that come and go", leaks),
        probe("handles", "a hundred callers that come and go", handles),
        probe("rest", "a caller that says nothing for a while", rest).early(),
    ];
    Check::new("threads/two", probes, diagnose)
}

fn whole(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = served(stage)?;
    ask(stage, &mut peer, b" and again")
}

fn both(stage: &mut Stage) -> Result<(), Symptom> {
    let mut silent = stage.connect()?;
    stage.note("says nothing");
    let mut second = stage.connect()?;
    ask(stage, &mut second, b"hello")?;
    ask(stage, &mut silent, b"now I speak")?;
    ask(stage, &mut second, b" and again")
}

fn bytes(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, b"caf\xC3")?;
    ask(stage, &mut peer, b"\xA9\x00\xFFz")?;
    leave(stage, peer)
}

fn many(stage: &mut Stage) -> Result<(), Symptom> {
    const MANY: usize = 30;
    let mut callers = Vec::new();
    for _ in 0..MANY {
        callers.push(stage.connect()?);
    }
    stage.note("all are silent; then the last speaks, and the one before it, …");
    while let Some(mut caller) = callers.pop() {
        ask(stage, &mut caller, b"hello")?;
    }
    Ok(())
}

fn slow(stage: &mut Stage) -> Result<(), Symptom> {
    let mut slow = stage.connect()?;
    stage.send_until_full(&mut slow, &[b'x'; 1000])?;
    let mut second = stage.connect()?;
    ask(stage, &mut second, b"hello")
}

fn reset(stage: &mut Stage) -> Result<(), Symptom> {
    let mut other = served(stage)?;
    served(stage)?.reset()?; // while it waits for more
    stage.reset_unseen()?; // before it was accepted, perhaps
    // Who hears of it later, in another thread, has heard of it when the program rests;
    // that it does not rest is the matter of another probe.
    let _ = stage.expect_rest();
    ask(stage, &mut other, b"still there?")?;
    visit(stage)?;
    // Threads that are joined in their order hear of it when the first has ended.
    leave(stage, other)?;
    visit(stage)?;
    visit(stage)
}

fn leaks(stage: &mut Stage) -> Result<(), Symptom> {
    visit(stage)?;
    let (descriptors, threads) = (stage.descriptors(), stage.threads());
    let mut callers = Vec::new();
    for _ in 0..CALLERS {
        callers.push(served(stage)?);
    }
    for caller in callers {
        leave(stage, caller)?;
    }
    stage.expect_descriptors(descriptors, CALLERS)?;
    stage.expect_threads(threads, CALLERS)?;
    stage.expect_rest()
}

fn handles(stage: &mut Stage) -> Result<(), Symptom> {
    const VISITORS: usize = 100;
    // The first few leave behind what is used again by those who follow.
    for _ in 0..CALLERS {
        visit(stage)?;
    }
    let threads = stage.threads();
    let before = stage.mappings();
    for _ in 0..VISITORS {
        visit(stage)?;
    }
    stage.expect_threads(threads, VISITORS)?;
    let (Some(before), Some(now)) = (before, stage.mappings()) else {
        return Ok(());
    };
    // The stack of a thread and its guard are two pieces. What else there may be, such
    // as the allocator's own, does not come with every caller.
    if now < before + VISITORS {
        return Ok(());
    }
    let idle = stage.at_rest()?;
    let summary = "the threads have ended, and their stacks are still there";
    Err(Symptom::new(Kind::Leaks, summary)
        .with_words(
            format!("about {before} pieces of memory, as before"),
            format!("{now}, after {VISITORS} more callers came and went"),
        )
        .while_idle(idle))
}

fn rest(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = served(stage)?;
    stage.expect_rest_in_silence()?;
    ask(stage, &mut peer, b"still there?")
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: |bytes| bytes.to_ascii_uppercase(),
    };
    diagnosis::name(&[RULES, ONE_AT_A_TIME, SERVER_RULES], &findings)
}

/// Nothing came, and every thread sleeps.
fn silence(symptom: &Symptom) -> bool {
    symptom.kind == Kind::NoAnswer
        && symptom.doing == Some(Doing::Blocked)
        && symptom.got_bytes.is_empty()
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M18",
        fits: |all| {
            let joins = |s: &Symptom| {
                silence(s)
                    && somebody_waits(s)
                    && blocked_in(s, ACCEPTS) == 0
                    && blocked_in(s, RECEIVES) == 1
                    && blocked_in(s, LOCKS) == 1
                    && s.calls.len() == 2
            };
            all.first(&["two"]).is_some_and(joins)
        },
        why: "One thread waits for the first caller, who says nothing. The one that \
              should accept waits for that thread (futex is how `join` waits), and the \
              second caller waits in the accept queue.",
    },
    Rule {
        mistake: "M102",
        fits: |all| {
            let locked = |s: &Symptom| {
                silence(s)
                    && !somebody_waits(s)
                    && blocked_in(s, ACCEPTS) == 1
                    && blocked_in(s, RECEIVES) == 1
                    && blocked_in(s, LOCKS) == 1
            };
            all.first(&["two"]).is_some_and(locked)
        },
        why: "Both callers have been accepted. One thread waits for the first, who \
              says nothing; the other waits for something that the first thread holds, \
              in futex, which is how a `Mutex` waits.",
    },
    Rule {
        mistake: "M14",
        fits: |all| {
            let over =
                |s: &Symptom| s.is_over() && (s.panic.is_some() || s.signs.failed);
            all.passed("end")
                && all.passed("many")
                && all.first(&["reset"]).is_some_and(over)
                && !all.symptom("leaks").is_some_and(Symptom::is_over)
        },
        why: "Callers who stay to the end are served. One broke off, and your server \
              was over. What goes wrong with one caller has to end its visit only.",
    },
    Rule {
        mistake: "M100",
        fits: |all| {
            let kept = |s: &Symptom| s.summary.contains("their stacks");
            all.first(&["handles"]).is_some_and(kept)
        },
        why: "A hundred threads have ended, and the kernel still counts the memory of \
              their stacks: it is kept until a thread is joined or its `JoinHandle` is \
              dropped. A list of handles that nobody clears keeps all of it.",
    },
];
