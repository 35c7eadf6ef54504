//! `errors/survivor`: a server that outlives its callers.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use super::{RECEIVES, SENDS, ask, is_blocked_in, say};
use crate::diagnosis::{self, Findings, Rule, SERVER_RULES};
use crate::engine::{Check, Probe, Seen, Stage};
use crate::line_server::{self, CALLERS};
use crate::symptom::Symptom;

/// How long the learner's server has to put up with a caller.
const PATIENCE: Duration = Duration::from_millis(250);

/// How much a caller sends that never reads, in pieces of this size.
const PIECE: usize = 64 << 10;

/// The check of `errors/survivor`.
pub fn survivor(serve: fn(TcpListener, Duration) -> io::Result<()>) -> Check {
    let probe = |name, title, play: fn(&mut Stage) -> Result<(), Symptom>| {
        let act = move |report: &_| line_server::act(report, |l| serve(l, PATIENCE));
        Probe::server(name, title, act, play)
    };
    let probes = vec![
        probe("whole", "a caller that says a word and waits", whole),
        probe("end", "a caller that ends its side", |stage| {
            say(stage, b"last words")
        }),
        probe("next", "a second caller, after the first has left", next),
        probe("reset", "callers that reset, then another", reset),
        probe("gone", "a caller that is gone before its answer", gone),
        probe("unread", "a caller that sends on and never reads", unread),
        probe("cut", "the same, and it resets in the end", cut),
        probe("silent", "a caller that says nothing", silent).early(),
        probe("leaks", "five callers that come and go", leaks),
    ];
    Check::new("errors/survivor", probes, diagnose)
}

fn whole(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, b"hello")?;
    ask(stage, &mut peer, b" and again")
}

fn next(stage: &mut Stage) -> Result<(), Symptom> {
    say(stage, b"one")?;
    stage.connect()?.close();
    say(stage, b"two")
}

fn reset(stage: &mut Stage) -> Result<(), Symptom> {
    let mut first = stage.connect()?;
    ask(stage, &mut first, b"hello")?;
    first.reset()?; // while it waits for more
    stage.reset_unseen()?; // before it was accepted, perhaps
    say(stage, b"anybody there?")
}

fn gone(stage: &mut Stage) -> Result<(), Symptom> {
    // Both have closed before the first byte of an answer: writing to them fails.
    for _ in 0..2 {
        stage.note("your program is held up for a moment");
        stage.hold();
        let mut caller = stage.connect()?;
        stage.send(&mut caller, &b"a question ".repeat(2000))?;
        caller.close();
        stage.let_go();
    }
    say(stage, b"anybody there?")
}

fn unread(stage: &mut Stage) -> Result<(), Symptom> {
    let mut deaf = stage.connect()?;
    stage.send_until_full(&mut deaf, &vec![b'x'; PIECE])?;
    say(stage, b"anybody there?")?;
    stage.expect_over(&mut deaf)
}

fn cut(stage: &mut Stage) -> Result<(), Symptom> {
    let mut deaf = stage.connect()?;
    stage.send(&mut deaf, &vec![b'x'; 4 * PIECE])?;
    deaf.reset()?;
    say(stage, b"anybody there?")
}

fn silent(stage: &mut Stage) -> Result<(), Symptom> {
    let mut silent = stage.connect()?;
    stage.note("says nothing");
    stage.expect_over(&mut silent)?;
    say(stage, b"anybody there?")
}

fn leaks(stage: &mut Stage) -> Result<(), Symptom> {
    say(stage, b"hello")?;
    let before = stage.descriptors();
    for _ in 0..CALLERS {
        say(stage, b"hello")?;
    }
    stage.expect_descriptors(before, CALLERS)?;
    stage.expect_rest()
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: |bytes| bytes.to_ascii_uppercase(),
    };
    diagnosis::name(&[RULES, SERVER_RULES], &findings)
}

/// The probes with a caller that goes before it has had its answer.
const RUDE: &[&str] = &["reset", "gone", "unread", "cut"];

const RULES: &[Rule] = &[
    Rule {
        mistake: "M15",
        fits: |all| {
            let killed =
                |s: &Symptom| s.kernel.iter().any(|line| line.contains("SIGPIPE"));
            all.first(RUDE).is_some_and(killed)
        },
        why: "Your program wrote to a connection whose other end is gone, and SIGPIPE \
              ended it. Rust's programs ignore that signal from the start, and the \
              write fails with EPIPE; something has turned it on again.",
    },
    Rule {
        mistake: "M14",
        fits: |all| {
            let polite = all.symptom("leaks").is_some_and(Symptom::is_over);
            let over =
                |s: &Symptom| s.is_over() && (s.panic.is_some() || s.signs.failed);
            all.first(RUDE).is_some_and(over) && !polite
        },
        why: "Callers who stay to the end are served one after another. One broke off, \
              and your server was over. What goes wrong with one caller has to end its \
              visit only: look for an `unwrap`, or a `?`, a `return` or a `break` that \
              leaves the loop over callers.",
    },
    Rule {
        mistake: "M64",
        fits: |all| {
            let waits = |s: &Symptom| is_blocked_in(s, SENDS);
            all.first(&["unread"]).is_some_and(waits)
        },
        why: "This caller does not read, the buffers are full, and your program waits \
              in a write that has no time limit.",
    },
    Rule {
        mistake: "M64",
        fits: |all| {
            let waits = |s: &Symptom| is_blocked_in(s, RECEIVES);
            all.first(&["silent"]).is_some_and(waits)
        },
        why: "This caller says nothing, and your program waits in a read that has no \
              time limit.",
    },
];
