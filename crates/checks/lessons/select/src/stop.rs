//! `select/stop`: how to wake somebody who waits for sockets.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use super::queue::{back, unit};
use super::{
    BUSY_WITH_NONE, BUSY_WITH_ONE, WAITS, ask, end, is_blocked_in, is_busy, leaks,
    nobody, reset, two, whole,
};
use checks::diagnosis::{self, Findings, Rule, SERVER_RULES};
use checks::engine::{Check, Probe, Report, Seen, Stage};
use checks::line_server;
use checks::symptom::{Doing, Kind, Symptom};

/// What stops a server.
type Stop = Box<dyn Fn() + Send + Sync>;

/// The learner's server: it hands out what stops it.
type Serve = fn(TcpListener, &dyn Fn(Stop)) -> io::Result<()>;

/// The check of `select/stop`.
pub fn stop(serve: Serve) -> Check {
    let probe =
        |name, title, at_once, play: fn(&mut Stage) -> Result<(), Symptom>| {
            let act = move |report: &Report| act(report, serve, at_once);
            Probe::server(name, title, act, play)
        };
    let probes = vec![
        probe("whole", "two words, one after the other", 0, whole),
        probe(
            "end",
            "a caller that has said all, but still listens",
            0,
            end,
        ),
        probe("two", "a second caller, while the first is silent", 0, two),
        probe("slow", "a caller that sends much, and reads late", 0, slow),
        probe("idle", "a stop while nobody is there", 0, idle),
        probe("served", "a stop while a caller is silent", 0, served),
        probe("queued", "a stop while a caller does not read", 0, queued),
        probe("early", "a stop before the first wait", 1, expect_over),
        probe("many", "a hundred thousand stops", 100_000, expect_over),
        probe("sleep", "a caller that says nothing for a while", 0, sleep).early(),
        probe("reset", "callers that reset, then another", 0, reset),
        probe("leaks", "five callers that come and go", 0, leaks),
        probe("nobody", "a server that nobody calls", 0, nobody).early(),
    ];
    Check::new("select/stop", probes, diagnose)
}

/// Runs the learner's server, which is stopped so many times before it first waits,
/// and once for each order of the check. It is stopped twice more when it is over.
fn act(report: &Report, serve: Serve, at_once: usize) {
    let kept = std::cell::RefCell::new(None::<Arc<Stop>>);
    let ready = |stop: Stop| {
        let stop = Arc::new(stop);
        kept.replace(Some(Arc::clone(&stop)));
        for _ in 0..at_once {
            stop();
        }
        report.on_order(move || stop());
    };
    line_server::act(report, |listener| {
        let result = serve(listener, &ready);
        if let Some(stop) = &*kept.borrow() {
            stop();
            stop();
        }
        result
    });
}

fn slow(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    let sent = stage.flood(&mut peer, &unit())?;
    let mut quick = stage.connect()?;
    ask(stage, &mut quick, b"hello")?;
    stage.expect_much(&mut peer, &back(sent))?;
    ask(stage, &mut peer, b"still there?")
}

const STOPPED: &str = "a thread calls the function that stops your server";

/// Waits for the function to return `Ok`.
fn expect_over(stage: &mut Stage) -> Result<(), Symptom> {
    match stage.returned() {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => {
            Err(Symptom::new(Kind::Error, "your function returned an error")
                .with_words("Ok(())", error))
        }
        // Does it only wait for something to happen?
        Err(mut symptom) if is_blocked_in(&symptom, WAITS) => {
            if stage.returns_after_a_call() {
                symptom.signs.later = AFTER_A_CALL.into();
                let told = "Then somebody called, and your function returned.";
                symptom.kernel.push(told.into());
            }
            Err(symptom)
        }
        Err(symptom) => Err(symptom),
    }
}

const AFTER_A_CALL: &[u8] = b"returned after a call";

fn idle(stage: &mut Stage) -> Result<(), Symptom> {
    // It sleeps when it is stopped.
    stage.expect_rest()?;
    stage.order(STOPPED);
    expect_over(stage)
}

fn served(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, b"hello")?;
    stage.expect_rest()?;
    stage.order(STOPPED);
    expect_over(stage)?;
    stage.expect_end(&mut peer)
}

fn queued(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    let sent = stage.flood(&mut peer, &unit())?;
    stage.expect_rest()?;
    let taken = stage.taken(&peer, sent);
    stage.order(STOPPED);
    if taken.is_some_and(|taken| taken < sent) {
        // What was not read is lost, and with it perhaps some of what was sent back:
        // such a connection ends with a reset.
        let (said, _) = stage.hear_or_rest(&mut peer)?;
        return match back(sent).starts_with(&said) {
            true => Ok(()),
            false => stage.expect_much(&mut peer, &back(sent)),
        };
    }
    if let Err(mut symptom) = stage.expect_much(&mut peer, &back(sent)) {
        symptom.signs.later = CUT_OFF.into();
        return Err(symptom);
    }
    stage.expect_end(&mut peer)?;
    expect_over(stage)
}

const CUT_OFF: &[u8] = b"cut off by the stop";

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

/// The calls that wait for room.
const SENDS: &[&str] = &["sendto", "sendmsg", "write", "writev"];

const RULES: &[Rule] = &[
    Rule {
        mistake: "M31",
        fits: |all| {
            let first = all.first(&["idle", "served"]);
            first.is_some_and(|s| s.signs.later == AFTER_A_CALL)
        },
        why: "The server was told to stop and slept on; when somebody called, it \
              returned. A flag that is set wakes nobody: put a descriptor into the list \
              that is waited for, and write to it.",
    },
    Rule {
        mistake: "M128",
        fits: |all| {
            let first = all.first(&["early"]);
            all.passed("idle") && first.is_some_and(|s| is_blocked_in(s, WAITS))
        },
        why: "A stop while your server sleeps ends it. This one came before it first \
              waited, and was lost. A byte in a pipe, or a count in an eventfd, stays \
              until somebody reads it: nobody may throw it away, or look at the flag \
              only before it is set.",
    },
    Rule {
        mistake: "M126",
        fits: |all| {
            let blocks = |s: &Symptom| {
                s.doing == Some(Doing::Blocked)
                    && s.calls.iter().any(|it| SENDS.contains(&it.as_str()))
            };
            all.passed("early") && all.first(&["many"]).is_some_and(blocks)
        },
        why: "Once is well. After many calls without a reader your pipe is full, and the \
              function that stops the server waits for room, perhaps in the very thread \
              that should make it. The end that is written to must not block: if there \
              is no room, there are bytes enough to wake anybody.",
    },
    Rule {
        mistake: "M125",
        fits: |all| {
            let cut = |s: &Symptom| {
                s.signs.later == CUT_OFF
                    && s.panic.is_none()
                    && matches!(
                        s.kind,
                        Kind::EarlyEnd | Kind::Reset | Kind::NoAnswer | Kind::Gone
                    )
                    && s.is_over()
            };
            all.passed("served")
                && all.passed("slow")
                && all.first(&["queued"]).is_some_and(cut)
        },
        why: "When it was stopped, your server had answers for a caller in a queue, and \
              ended without sending them. What was read has been accepted: send it \
              first, and then end.",
    },
    Rule {
        mistake: "M21",
        fits: |all| {
            let first = all.first(&["sleep", "idle", "served", "leaks", "nobody"]);
            first.is_some_and(is_busy)
                && all.symptom("nobody").is_some_and(|s| s.kind == Kind::Spins)
        },
        why: BUSY_WITH_NONE,
    },
    Rule {
        mistake: "M21",
        fits: |all| {
            all.first(&["sleep", "served", "leaks"])
                .is_some_and(is_busy)
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
        why: "Nothing has happened, and your server wakes again and again to look \
              whether it is to stop. Put a descriptor into the list that is waited for: \
              then it can sleep until it is woken.",
    },
];
