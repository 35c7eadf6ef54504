//! `select/idle`: a time for each caller.

use std::io;
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use super::{
    BUSY_WITH_NONE, BUSY_WITH_ONE, CALLERS, RECEIVES, WAITS, alone, ask, end,
    is_blocked_in, is_busy, leaks, nobody, reset, say, two, whole,
};
use checks::diagnosis::{self, Findings, Rule, SERVER_RULES};
use checks::engine::{Check, Probe, Report, Seen, Stage};
use checks::line_server;
use checks::symptom::{Kind, Symptom};

/// The learner's server: a listener, and how long a caller may be silent.
type Serve = fn(TcpListener, Duration) -> io::Result<()>;

/// Where callers are to go: short, and long for a machine.
const SHORT: Duration = Duration::from_millis(400);

/// Where nobody is to go.
const HOUR: Duration = Duration::from_secs(3600);

/// The check of `select/idle`.
pub fn idle(serve: Serve) -> Check {
    let probe =
        |name, title, patience, play: fn(&mut Stage) -> Result<(), Symptom>| {
            let act = move |report: &Report| {
                line_server::act(report, |listener| serve(listener, patience));
            };
            Probe::server(name, title, act, play)
        };
    let probes = vec![
        probe("whole", "two words, one after the other", HOUR, whole),
        probe("end", "a caller that says a word and ends", HOUR, end),
        probe(
            "two",
            "a second caller, while the first is silent",
            HOUR,
            two,
        ),
        probe("silent", "a caller that says nothing at all", SHORT, silent).early(),
        probe(
            "spoken",
            "a caller that says a word, and no more",
            SHORT,
            spoken,
        )
        .early(),
        probe(
            "active",
            "a caller that says a word now and then",
            SHORT,
            active,
        )
        .early(),
        probe(
            "company",
            "one that speaks, and one that is silent",
            SHORT,
            company,
        )
        .early(),
        probe("several", "five callers that are silent", SHORT, several).early(),
        probe(
            "sleep",
            "an hour of patience, and a silent caller",
            HOUR,
            sleep,
        )
        .early(),
        probe("reset", "callers that reset, then another", HOUR, reset),
        probe("leaks", "five callers that come and go", HOUR, leaks),
        probe("alone", "three callers, and the threads", HOUR, alone),
        probe("nobody", "a server that nobody calls", HOUR, nobody).early(),
    ];
    Check::new("select/idle", probes, diagnose)
}

/// Whole milliseconds are what the calls that wait count in.
const ROUNDING: Duration = Duration::from_millis(5);

fn silent(stage: &mut Stage) -> Result<(), Symptom> {
    let since = Instant::now(); // before the program can know of the caller
    let mut peer = stage.connect()?;
    stage.expect_end(&mut peer)?;
    not_before_its_time(stage, since)
}

fn spoken(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    thread::sleep(SHORT / 4); // so that the two times differ
    let since = Instant::now();
    ask(stage, &mut peer, b"hello")?;
    stage.expect_end(&mut peer)?;
    not_before_its_time(stage, since)
}

fn not_before_its_time(stage: &mut Stage, since: Instant) -> Result<(), Symptom> {
    let passed = since.elapsed();
    if passed + ROUNDING >= SHORT {
        return Ok(());
    }
    let symptom = Symptom::new(Kind::Rule, TOO_EARLY).with_words(
        format!("{SHORT:?} of silence"),
        format!("the end after {} ms at most", passed.as_millis()),
    );
    Err(stage.as_it_is(symptom))
}

const TOO_EARLY: &str = "your program let a caller go before its time";

/// Somebody who speaks in time, for longer than a silent one may stay.
///
/// Whether it speaks in time depends on the machine. What the machine has made late
/// proves nothing, and is tried again.
fn active(stage: &mut Stage) -> Result<(), Symptom> {
    speaks_in_time(stage, false)
}

fn company(stage: &mut Stage) -> Result<(), Symptom> {
    speaks_in_time(stage, true)
}

fn speaks_in_time(stage: &mut Stage, with_a_silent_one: bool) -> Result<(), Symptom> {
    const TRIES: usize = 5;
    'tries: for _ in 0..TRIES {
        let came = Instant::now();
        let _silent = with_a_silent_one.then(|| stage.connect()).transpose()?;
        let mut peer = stage.connect()?;
        let mut spoke = came;
        while came.elapsed() < 2 * SHORT {
            let before = Instant::now();
            let asked = ask(stage, &mut peer, b"word ");
            if spoke.elapsed() + ROUNDING >= SHORT {
                continue 'tries; // the last word may have been too long ago
            }
            if let Err(mut symptom) = asked {
                let known = matches!(
                    symptom.kind,
                    Kind::EarlyEnd | Kind::Reset | Kind::NoAnswer
                );
                if known && !symptom.is_over() && came.elapsed() + ROUNDING >= SHORT {
                    symptom.signs.later = LET_GO.into();
                }
                return Err(symptom);
            }
            spoke = before;
            thread::sleep(SHORT / 8); // shapes what the caller says
        }
        return Ok(());
    }
    Err(Symptom::new(
        Kind::Skipped,
        "this machine is too busy to speak in time",
    ))
}

const LET_GO: &[u8] = b"let go although it spoke";

fn several(stage: &mut Stage) -> Result<(), Symptom> {
    say(stage, b"hello")?;
    let before = stage.descriptors();
    let mut callers = Vec::new();
    for _ in 0..CALLERS {
        callers.push(stage.connect()?);
    }
    for caller in &mut callers {
        stage.expect_end(caller)?;
    }
    stage.expect_descriptors(before, CALLERS)
}

fn sleep(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, b"hello")?;
    stage.expect_long_sleep()?;
    ask(stage, &mut peer, b"still there?")
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
        mistake: "M64",
        fits: |all| {
            let waits = |s: &Symptom| {
                s.kind == Kind::NoEnd
                    && (is_blocked_in(s, WAITS) || is_blocked_in(s, RECEIVES))
            };
            all.first(&["silent", "spoken"]).is_some_and(waits)
        },
        why: "The caller says nothing, and your program sleeps in a call that nothing \
              will end. The wait needs a limit: the time that is left until the first \
              caller's is over.",
    },
    Rule {
        mistake: "M123",
        fits: |all| {
            let first = all.first(&["active"]);
            first.is_some_and(|s| s.signs.later == LET_GO)
        },
        why: "The caller said a word again and again, each time long before its time was \
              over, and was let go all the same, after it had been there for that time. \
              The time runs from the last byte, not from the beginning: each one sets it \
              anew.",
    },
    Rule {
        mistake: "M123",
        fits: |all| {
            all.passed("silent")
                && all
                    .first(&["spoken"])
                    .is_some_and(|s| s.summary == TOO_EARLY)
        },
        why: "A caller that is silent from the beginning has its time. One that said a \
              word first was let go earlier than that after it: the time runs from the \
              last byte, not from the beginning.",
    },
    Rule {
        mistake: "M21",
        fits: |all| {
            let first = all.first(&["sleep", "leaks", "nobody"]);
            first.is_some_and(is_busy)
                && all.symptom("nobody").is_some_and(|s| s.kind == Kind::Spins)
        },
        why: BUSY_WITH_NONE,
    },
    Rule {
        mistake: "M21",
        fits: |all| {
            all.first(&["sleep", "leaks"]).is_some_and(is_busy)
                && all.passed("nobody")
        },
        why: BUSY_WITH_ONE,
    },
    Rule {
        mistake: "M124",
        fits: |all| {
            let first = all.first(&["sleep"]);
            first.is_some_and(|s| s.kind == Kind::Rule)
        },
        why: "There is an hour until the first caller's time is over, and your program \
              wakes again and again to look at the clock. Ask for the whole time that is \
              left as the limit of the wait.",
    },
];
