//! `select/edge`: told once.

use std::io;
use std::net::TcpListener;

use super::queue::{LOST, UNSENT, back, letters, unit};
use super::{
    BUSY_WITH_NONE, BUSY_WITH_ONE, WAITS, alone, ask, goes_on_when_spoken_to,
    has_lost_bytes, is_busy, is_silence_in, leaks, nobody, read_back, reset, rest,
    say, two, whole,
};
use checks::diagnosis::{self, Findings, Rule, SERVER_RULES};
use checks::engine::{Check, Probe, Report, Seen, Stage};
use checks::line_server;
use checks::symptom::{Kind, Symptom};

/// The learner's server.
type Serve = fn(TcpListener) -> io::Result<()>;

/// The check of `select/edge`.
pub fn edge(serve: Serve) -> Check {
    let probe = |name, title, play: fn(&mut Stage) -> Result<(), Symptom>| {
        let act = move |report: &Report| line_server::act(report, serve);
        Probe::server(name, title, act, play)
    };
    let probes = vec![
        probe("whole", "two words, one after the other", whole),
        probe("edges", "how the listener and a caller are watched", edges),
        probe(
            "end",
            "a caller that gets its answer, and then ends",
            |stage| say(stage, b"hello"),
        ),
        probe("two", "a second caller, while the first is silent", two),
        probe("burst", "forty thousand bytes in one go", burst),
        probe("behind", "a word, and the end right behind it", behind),
        probe("callers", "five callers in the same moment", callers),
        probe(
            "slow",
            "a caller that sends much and does not read, then reads",
            slow,
        ),
        probe(
            "other",
            "a second caller, while a first does not read",
            other,
        ),
        probe("reset", "callers that reset, then another", reset),
        probe("rest", "a caller that says nothing for a while", rest).early(),
        probe("leaks", "five callers that come and go", leaks),
        probe("alone", "three callers, and the threads", alone),
        probe("nobody", "a server that nobody calls", nobody).early(),
    ];
    Check::new("select/edge", probes, diagnose)
}

fn edges(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, b"hello")?;
    stage.expect_edges()
}

/// Less than the window of a new connection (64 KiB): one write is one segment on
/// loopback, and that is one edge.
const BURST: usize = 40_000;

fn burst(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, b"hello")?;
    stage.expect_rest()?;
    let bytes = letters(BURST);
    stage.send(&mut peer, &bytes)?;
    match stage.expect(&mut peer, &bytes.to_ascii_uppercase()) {
        Err(symptom) if is_silence_in(&symptom, WAITS) => {
            Err(stage.say_more(&mut peer, b"!", symptom))
        }
        result => result,
    }
}

fn behind(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, b"hello")?;
    stage.expect_rest()?;
    stage.send_and_end(&mut peer, b"good night")?;
    stage.expect(&mut peer, b"GOOD NIGHT")?;
    stage.expect_end(&mut peer)
}

fn callers(stage: &mut Stage) -> Result<(), Symptom> {
    stage.expect_rest()?;
    stage.note("your program is stopped for a moment, as by Ctrl-Z");
    stage.hold();
    let mut callers = Vec::new();
    for _ in 0..5 {
        callers.push(stage.connect()?);
    }
    stage.let_go();
    for caller in &mut callers {
        ask(stage, caller, b"hello")?;
    }
    Ok(())
}

fn slow(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    let sent = stage.flood(&mut peer, &unit())?;
    read_back(stage, &mut peer, sent)?;
    ask(stage, &mut peer, b"still there?")
}

fn other(stage: &mut Stage) -> Result<(), Symptom> {
    let mut slow = stage.connect()?;
    let sent = stage.flood(&mut slow, &unit())?;
    let mut quick = stage.connect()?;
    ask(stage, &mut quick, b"hello")?;
    stage.expect_much(&mut slow, &back(sent))?;
    ask(stage, &mut quick, b"still there?")
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: |bytes| bytes.to_ascii_uppercase(),
    };
    diagnosis::name(&[RULES, super::RULES, SERVER_RULES], &findings)
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M38",
        fits: |all| {
            // A wait of epoll is not taken up again when the program goes on: signal(7).
            let words = io::Error::from(rustix::io::Errno::INTR).to_string();
            let told = |s: &Symptom| {
                let panicked = s.panic.as_deref().unwrap_or_default();
                let said =
                    |text: &str| text.contains(&words) || text.contains("EINTR");
                said(panicked) || s.kernel.iter().any(|line| said(line))
            };
            all.first(&["callers"])
                .is_some_and(|s| s.is_over() && told(s))
        },
        why: "Your program was stopped for a moment and went on. Then `epoll_wait` fails \
              with EINTR, and for your program that was the end. Nothing has failed: \
              wait again.",
    },
    Rule {
        mistake: "M23",
        fits: |all| {
            let left =
                |s: &Symptom| is_silence_in(s, WAITS) && !s.signs.later.is_empty();
            all.passed("edges") && all.first(&["burst"]).is_some_and(left)
        },
        why: "Many bytes came at once. Your program was told so once, read a part, and \
              went to wait, while the rest lay there; one more byte, and it read on. An \
              edge is reported once: read until the call says `WouldBlock`.",
    },
    Rule {
        mistake: "M23",
        fits: |all| {
            let waits =
                |s: &Symptom| s.kind == Kind::NoEnd && super::is_blocked_in(s, WAITS);
            // An end that comes by itself is noticed.
            all.passed("edges")
                && all.passed("end")
                && all.first(&["behind"]).is_some_and(waits)
        },
        why: "A word and the end came together, which is one edge. Your program read the \
              word and went to wait; the end lies there, unread. Read until the call \
              says `WouldBlock` or returns 0.",
    },
    Rule {
        mistake: "M23",
        fits: |all| {
            let waits = |s: &Symptom| {
                is_silence_in(s, WAITS)
                    && s.kernel.iter().any(|it| it.contains("in the accept queue"))
            };
            all.passed("edges") && all.first(&["two", "callers"]).is_some_and(waits)
        },
        why: "Several callers came in the same moment, which is one edge of the \
              listener. Your program accepted some, and waits; others are still in the \
              accept queue. Accept until the call says `WouldBlock`.",
    },
    Rule {
        mistake: "M4",
        fits: |all| all.first(&["slow", "other"]).is_some_and(has_lost_bytes),
        why: LOST,
    },
    Rule {
        mistake: "M121",
        fits: |all| all.first(&["slow"]).is_some_and(goes_on_when_spoken_to),
        why: UNSENT,
    },
    Rule {
        mistake: "M21",
        fits: |all| {
            let first =
                all.first(&["burst", "behind", "callers", "rest", "leaks", "nobody"]);
            first.is_some_and(is_busy)
                && all.symptom("nobody").is_some_and(|s| s.kind == Kind::Spins)
        },
        why: BUSY_WITH_NONE,
    },
    Rule {
        mistake: "M21",
        fits: |all| {
            let first = all.first(&["burst", "behind", "callers", "rest", "leaks"]);
            first.is_some_and(is_busy) && all.passed("nobody")
        },
        why: BUSY_WITH_ONE,
    },
];
