//! `errors/survivor`: a server that outlives its callers.

use std::io;
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use super::{RECEIVES, SENDS, ask, is_blocked_in, say};
use checks::diagnosis::{self, Findings, Rule, SERVER_RULES};
use checks::engine::{Check, Probe, Seen, Stage};
use checks::line_server::{self, CALLERS};
use checks::symptom::Symptom;
use checks_tcp::{if_waiting_for_the_end, waits_for_the_end};

/// How long the learner's server has to put up with a caller.
const PATIENCE: Duration = Duration::from_millis(250);

/// Longer than a caller's pauses, and shorter than all of them together.
const PATIENT: Duration = Duration::from_millis(800);

/// A caller's pause.
const PAUSE: Duration = Duration::from_millis(240);

/// So long that nobody waits for it, here.
const FOREVER: Duration = Duration::from_secs(60);

/// How much a caller sends that never reads, in pieces of this size.
const PIECE: usize = 64 << 10;

/// The check of `errors/survivor`.
pub fn survivor(serve: fn(TcpListener, Duration) -> io::Result<()>) -> Check {
    let with = |patience, name, title, play: fn(&mut Stage) -> _| {
        let act = move |report: &_| line_server::act(report, |l| serve(l, patience));
        Probe::server(name, title, act, play)
    };
    let probe = |name, title, play| with(PATIENCE, name, title, play);
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
        with(PATIENT, "pauses", "a caller that pauses", pauses).early(),
        with(FOREVER, "slow", "a caller that takes its time", slow),
        probe("leaks", "five callers that come and go", leaks),
    ];
    Check::new("errors/survivor", probes, diagnose)
}

fn whole(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    match ask(stage, &mut peer, b"hello") {
        Err(symptom) => Err(if_waiting_for_the_end(stage, &mut peer, symptom)),
        Ok(()) => ask(stage, &mut peer, b" and again"),
    }
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
    say(stage, b"still there?")?;
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
        say(stage, b"anybody there?")?;
    }
    Ok(())
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

/// Nothing is too long but a pause that is: the visit may be.
fn pauses(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    stage.note(format!("your server is given a patience of {PATIENT:?}"));
    ask(stage, &mut peer, b"hello")?;
    for _ in 0..5 {
        let start = Instant::now();
        stage.note(format!("says nothing for {PAUSE:?}"));
        thread::sleep(PAUSE); // shapes the input
        if start.elapsed() > PATIENT / 2 {
            return Ok(()); // the machine made the pause, and it was another one
        }
        ask(stage, &mut peer, b" and again")?;
    }
    Ok(())
}

/// There is a minute; whoever closes before does not do what was agreed.
fn slow(stage: &mut Stage) -> Result<(), Symptom> {
    stage.note("your server is given a patience of a minute");
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, b"hello")?;
    stage.note("says nothing for a while");
    stage.expect_nothing_yet(&mut peer)?;
    ask(stage, &mut peer, b" and again")
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
const RUDE: &[&str] = &["reset", "gone", "cut"];

/// The probes with a caller that is there and does nothing.
const IDLE: &[&str] = &["unread", "silent"];

/// The server is over because of what it met, and not because of polite callers.
fn is_brought_down(all: &Findings<'_>, probes: &[&str]) -> bool {
    let over = |s: &Symptom| s.is_over() && (s.panic.is_some() || s.signs.failed);
    all.first(probes).is_some_and(over)
        && !all.symptom("leaks").is_some_and(Symptom::is_over)
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M7",
        fits: |all| all.first(&["whole"]).is_some_and(waits_for_the_end),
        why: "Neither a word nor a thousand lines behind it were answered, and then the \
              caller's end was: your program reads to the end of the input, while the \
              caller waits for an answer.",
    },
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
        fits: |all| is_brought_down(all, RUDE),
        why: "Callers who stay to the end are served one after another. One broke off, \
              and your server was over. What goes wrong with one caller has to end its \
              visit only: look for an `unwrap`, or a `?`, a `return` or a `break` that \
              leaves the loop over callers.",
    },
    Rule {
        mistake: "M14",
        fits: |all| is_brought_down(all, IDLE),
        why: "Callers who break off do not stop your server, but one for whom its \
              patience was over did. A time limit is one more error of a read or a \
              write, and it, too, has to end this caller's visit only.",
    },
    Rule {
        mistake: "M64",
        fits: |all| {
            let waits = |s: &Symptom| is_blocked_in(s, SENDS);
            all.first(&["unread"]).is_some_and(waits)
        },
        why: "This caller does not read, the buffers are full, and your program waits \
              in a write that has no time limit, or a far longer one than `patience`.",
    },
    Rule {
        mistake: "M64",
        fits: |all| {
            let waits = |s: &Symptom| is_blocked_in(s, RECEIVES);
            all.first(&["silent"]).is_some_and(waits)
        },
        why: "This caller says nothing, and your program waits in a read that has no \
              time limit, or a far longer one than `patience`.",
    },
];
