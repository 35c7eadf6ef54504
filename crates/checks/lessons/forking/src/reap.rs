//! `forking/reap`: every child that has ended is collected, however many at once.

use std::io;
use std::net::TcpListener;

use super::{RULES, Talk, ask, grows, own_processes, probe, resets, rests, visit};
use super::{waits_for_a_child, who};
use checks::diagnosis::Rule;
use checks::engine::{Check, Peer, Seen, Stage};
use checks::symptom::{Doing, Kind, Symptom};

/// How many children end at once.
const BURST: usize = 10;

/// The check of `forking/reap`.
pub fn reap(serve: fn(TcpListener, Talk) -> io::Result<()>) -> Check {
    let probe = |name, title, play| {
        let serve =
            move |listener, talk| serve(listener, talk).map(|()| String::new());
        probe(serve, name, title, play)
    };
    let probes = vec![
        probe("whole", "a caller that says two lines", |stage| {
            let mut peer = stage.connect()?;
            ask(stage, &mut peer, "hello")?;
            ask(stage, &mut peer, "and again")
        }),
        probe("two", "two callers at once", own_processes),
        probe(
            "collected",
            "a caller that leaves; no other comes",
            |stage| {
                visit(stage, "hello")?;
                stage.until_family(0)
            },
        ),
        probe(
            "next",
            "a second caller, after the first child's end",
            |stage| {
                visit(stage, "one")?;
                stage.until_none_lives()?;
                visit(stage, "two")?;
                stage.until_family(0)
            },
        ),
        probe("stays", "one caller leaves, another stays", stays),
        probe("burst", "ten children that end behind one signal", burst),
        probe("after", "callers after such a burst", |stage| {
            burst(stage)?;
            visit(stage, "anybody there?")?;
            burst(stage)
        }),
        probe("crash", "children that crash or fail", |stage| {
            for order in ["signal 6", "code 3", "signal 9"] {
                let mut peer = stage.connect()?;
                who(stage, &mut peer)?;
                stage.send(&mut peer, format!("{order}\n").as_bytes())?;
                stage.expect_over(&mut peer)?;
            }
            stage.until_family(0)?;
            visit(stage, "anybody there?")
        }),
        probe("grows", "five callers that come and go", grows),
        probe("resets", "callers that reset, while another stays", resets),
        probe("rests", "a server that nobody calls", rests).early(),
    ];
    Check::new("forking/reap", probes, diagnose)
}

fn stays(stage: &mut Stage) -> Result<(), Symptom> {
    let mut staying = stage.connect()?;
    ask(stage, &mut staying, "hello")?;
    visit(stage, "in and out")?;
    stage.until_collected()?;
    ask(stage, &mut staying, "still there?")?;
    visit(stage, "and another")
}

fn burst(stage: &mut Stage) -> Result<(), Symptom> {
    let mut callers: Vec<Peer> = Vec::new();
    for nr in 0..BURST {
        let mut peer = stage.connect()?;
        if nr > 0 {
            peer.hush(); // one shows how it goes
        }
        ask(stage, &mut peer, "hello")?;
        callers.push(peer);
    }
    stage.while_held(|stage| {
        stage.note("all ten callers leave");
        callers.into_iter().for_each(Peer::close);
        Ok(())
    })?;
    stage.until_family(0)
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    super::name(&[OWN, RULES], seen)
}

const OWN: &[Rule] = &[
    Rule {
        mistake: "M26",
        fits: |all| {
            let first = all.first(&["collected", "next", "stays"]);
            first.is_some_and(|s| {
                s.kind == Kind::Leaks
                    && s.signs.zombies > 0
                    && s.doing == Some(Doing::Blocked)
                    && !waits_for_a_child(s)
            })
        },
        why: "A child has ended, its parent sleeps, and the kernel keeps the dead \
              child's number and the way it ended until somebody asks: a zombie. \
              Something has to wake the server when a child ends.",
    },
    Rule {
        mistake: "M114",
        fits: |all| {
            let first = all.first(&["burst", "after"]);
            all.passed("collected")
                && first.is_some_and(|s| {
                    s.kind == Kind::Leaks
                        && (1..BURST).contains(&s.signs.zombies)
                        && s.doing == Some(Doing::Blocked)
                })
        },
        why: "One child that ended was collected, and of ten that ended together only \
              some. Signals do not queue: ten ends may be one SIGCHLD. Collect until \
              there is no more, not once for each signal or each turn.",
    },
];
