//! `threads/panic`: a handler that panics.

use std::io;
use std::net::TcpListener;

use super::{ONE_AT_A_TIME, Threads, has_fewer, leave};
use checks::diagnosis::{self, Findings, Rule, SERVER_RULES};
use checks::engine::{Check, Peer, Probe, Seen, Stage};
use checks::line_server::{self, CALLERS};
use checks::symptom::{Kind, Symptom};

/// What the check hands in: answers a line, given the server's number.
type Answer = fn(&[u8], &mut u64) -> Vec<u8>;

/// The learner's server: the socket, how many at once, and what a line is answered.
type Serve = fn(TcpListener, usize, Answer) -> io::Result<()>;

const WORKERS: usize = 2;

/// Panics on some lines, before or after it has counted.
fn answer(line: &[u8], number: &mut u64) -> Vec<u8> {
    const WHY: &str = "this line panics in the function that the check has handed in";
    assert!(line != b"panic", "{WHY}");
    *number += 1;
    assert!(line != b"count and panic", "{WHY}");
    let text = String::from_utf8_lossy(line).to_uppercase();
    format!("{number} {text}").into_bytes()
}

/// The check of `threads/panic`.
pub fn panic(serve: Serve) -> Check {
    let probe = |name, title, play: fn(&mut Stage) -> Result<(), Symptom>| {
        let act = move |report: &_| {
            line_server::act(report, |listener| serve(listener, WORKERS, answer));
        };
        Probe::server(name, title, act, play)
    };
    let probes = vec![
        probe("lines", "lines of one caller, whole and in pieces", lines),
        probe("bytes", "bytes that are no text, and an empty line", bytes),
        probe("two", "a second caller, while the first says nothing", two),
        probe("waits", "a third caller, of two at once", waits),
        probe("panic", "a line that panics, and another caller", one),
        probe(
            "beside",
            "a line that panics, beside another caller",
            beside,
        ),
        probe("number", "a line that counts, and then panics", number),
        probe(
            "shrink",
            "more lines that panic than there are threads",
            shrink,
        ),
        probe("reset", "callers that reset, then two at once", reset),
        probe(
            "leaks",
            "five lines that panic, and what is left of them",
            leaks,
        ),
        probe("rest", "callers who say nothing for a while", rest).early(),
    ];
    Check::new("threads/panic", probes, diagnose)
}

fn tell(
    stage: &mut Stage,
    peer: &mut Peer,
    line: &str,
    told: &str,
) -> Result<(), Symptom> {
    stage.send(peer, format!("{line}\n").as_bytes())?;
    stage.expect(peer, format!("{told}\n").as_bytes())
}

fn lines(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    tell(stage, &mut peer, "hello", "1 HELLO")?;
    stage.send(&mut peer, b"one\ntwo\nth")?;
    stage.expect(&mut peer, b"2 ONE\n3 TWO\n")?;
    stage.send(&mut peer, b"ree\nlast")?;
    stage.expect(&mut peer, b"4 THREE\n")?;
    peer.end();
    stage.expect(&mut peer, b"5 LAST\n")?;
    stage.expect_end(&mut peer)
}

fn bytes(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    stage.send(&mut peer, b"\xFF\x00\r\n")?;
    stage.expect(&mut peer, "1 \u{FFFD}\0\r\n".as_bytes())?;
    tell(stage, &mut peer, "", "2 ")
}

fn two(stage: &mut Stage) -> Result<(), Symptom> {
    let mut silent = stage.connect()?;
    stage.note("says nothing");
    let mut second = stage.connect()?;
    tell(stage, &mut second, "hello", "1 HELLO")?;
    tell(stage, &mut silent, "now I speak", "2 NOW I SPEAK")
}

fn waits(stage: &mut Stage) -> Result<(), Symptom> {
    let (mut a, mut b) = (stage.connect()?, stage.connect()?);
    tell(stage, &mut a, "one", "1 ONE")?;
    tell(stage, &mut b, "two", "2 TWO")?;
    stage.at_rest()?;
    let before = stage.threads();
    let mut third = stage.connect()?;
    stage.send(&mut third, b"three\n")?;
    let quiet =
        stage.expect_no_turn(&mut third, "nothing, as long as two others are served");
    quiet.map_err(|mut symptom| {
        if stage.threads() > before {
            symptom.signs.later = ONE_MORE.into();
        }
        symptom
    })?;
    leave(stage, a)?;
    stage.expect(&mut third, b"3 THREE\n")
}

/// The sign that there is a thread more.
const ONE_MORE: &[u8] = b"a thread more";

/// A caller whose line panics: its connection ends without a word.
fn panics(stage: &mut Stage, line: &str) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    stage.send(&mut peer, format!("{line}\n").as_bytes())?;
    stage.expect_end(&mut peer)?;
    stage.forget_the_panic();
    Ok(())
}

fn one(stage: &mut Stage) -> Result<(), Symptom> {
    panics(stage, "panic")?;
    let mut peer = stage.connect()?;
    tell(stage, &mut peer, "anybody there?", "1 ANYBODY THERE?")
}

fn beside(stage: &mut Stage) -> Result<(), Symptom> {
    let mut other = stage.connect()?;
    tell(stage, &mut other, "hello", "1 HELLO")?;
    panics(stage, "panic")?;
    tell(stage, &mut other, "what was that?", "2 WHAT WAS THAT?")?;
    leave(stage, other)
}

fn number(stage: &mut Stage) -> Result<(), Symptom> {
    panics(stage, "count and panic")?;
    let mut peer = stage.connect()?;
    tell(stage, &mut peer, "and now?", "2 AND NOW?")
}

fn shrink(stage: &mut Stage) -> Result<(), Symptom> {
    let mut first = stage.connect()?;
    tell(stage, &mut first, "hello", "1 HELLO")?;
    leave(stage, first)?;
    let mut threads = Threads::count(stage)?;
    for _ in 0..WORKERS + 1 {
        panics(stage, "panic").map_err(|symptom| threads.told(stage, symptom))?;
        threads.again(stage)?;
    }
    let mut after = || {
        let mut silent = stage.connect()?;
        stage.note("says nothing");
        let mut second = stage.connect()?;
        tell(stage, &mut second, "hello", "2 HELLO")?;
        tell(stage, &mut silent, "now I speak", "3 NOW I SPEAK")
    };
    after().map_err(|symptom| threads.told(stage, symptom))
}

fn reset(stage: &mut Stage) -> Result<(), Symptom> {
    let mut first = stage.connect()?;
    tell(stage, &mut first, "hello", "1 HELLO")?;
    let mut threads = Threads::count(stage)?;
    first.reset()?;
    threads.again(stage)?;
    let mut after = || {
        let mut second = stage.connect()?;
        tell(stage, &mut second, "hello", "2 HELLO")?;
        second.reset()?;
        stage.at_rest()?;
        let (mut a, mut b) = (stage.connect()?, stage.connect()?);
        tell(stage, &mut b, "hello", "3 HELLO")?;
        tell(stage, &mut a, "hello", "4 HELLO")
    };
    after().map_err(|symptom| threads.told(stage, symptom))
}

fn leaks(stage: &mut Stage) -> Result<(), Symptom> {
    panics(stage, "panic")?;
    stage.at_rest()?;
    let (descriptors, threads) = (stage.descriptors(), stage.threads());
    for _ in 0..CALLERS {
        panics(stage, "panic")?;
    }
    stage.expect_descriptors(descriptors, CALLERS)?;
    stage.expect_threads(threads, CALLERS)?;
    stage.expect_rest()
}

fn rest(stage: &mut Stage) -> Result<(), Symptom> {
    let mut a = stage.connect()?;
    tell(stage, &mut a, "hello", "1 HELLO")?;
    let _waiting = (stage.connect()?, stage.connect()?);
    stage.expect_rest_in_silence()?;
    tell(stage, &mut a, "still there?", "2 STILL THERE?")
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: |line| line.to_ascii_uppercase(),
    };
    diagnosis::name(&[RULES, ONE_AT_A_TIME, SERVER_RULES], &findings)
}

/// Somebody who did nothing wrong is not answered, because a lock is poisoned.
fn poisoned(symptom: &Symptom) -> bool {
    let panic = symptom.panic.as_deref().unwrap_or_default();
    panic.contains("PoisonError") || panic.contains("poisoned")
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M105",
        fits: |all| {
            all.first(&["panic", "beside", "number", "shrink"])
                .is_some_and(poisoned)
        },
        why: "A thread had panicked with the lock in its hand, and the lock is \
              poisoned since: every later `lock()` is an `Err`, and an `unwrap` of it \
              is a panic of its own, for callers who did nothing wrong. Here whatever is \
              behind the lock is to be taken as it is: \
              `lock().unwrap_or_else(PoisonError::into_inner)`.",
    },
    Rule {
        mistake: "M106",
        fits: |all| all.first(&["shrink"]).is_some_and(has_fewer),
        why: "A panic ends the thread on which it happens, unless somebody catches it, \
              and nobody has made a new one. With each such line your server has one \
              thread less.",
    },
    Rule {
        mistake: "M104",
        fits: |all| {
            let lost = |s: &Symptom| has_fewer(s) && s.panic.is_none();
            all.passed("shrink") && all.first(&["reset"]).is_some_and(lost)
        },
        why: "Callers broke off while they were served, and the threads that served \
              them are gone. A read or a write that fails ends a visit; look for a `?`, \
              a `return` or a `break` that leaves the loop over callers.",
    },
    Rule {
        mistake: "M14",
        fits: |all| {
            let ends = |s: &Symptom| {
                let code = |told: &String| told.contains("code 101");
                let panicked = s.panic.is_some() || s.kernel.iter().any(code);
                s.is_over() && (s.signs.failed || panicked)
            };
            all.passed("lines")
                && all.passed("two")
                && all
                    .first(&["panic", "beside", "number", "shrink"])
                    .is_some_and(ends)
        },
        why: "One caller's line made the function panic, and your whole server was \
              over. What goes wrong with one caller has to end its visit only.",
    },
    Rule {
        mistake: "M101",
        fits: |all| {
            let early =
                |s: &Symptom| s.kind == Kind::Wrong && s.signs.later == ONE_MORE;
            all.first(&["waits"]).is_some_and(early)
        },
        why: "There were to be two threads, and with two callers at once both were \
              busy. The third was answered all the same, by a thread more.",
    },
];
