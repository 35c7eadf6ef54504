//! `forking/prefork`: workers that are there before anybody calls.

use std::io;
use std::net::TcpListener;

use super::{RULES, Talk, ask, leave, probe, who};
use checks::diagnosis::Rule;
use checks::engine::{Check, Peer, Seen, Stage};
use checks::symptom::{Doing, Kind, Symptom};

/// How many workers are asked for.
const WORKERS: usize = 3;

/// The check of `forking/prefork`.
pub fn prefork(serve: fn(TcpListener, usize, Talk) -> io::Result<()>) -> Check {
    let probe = |name, title, play| {
        let serve = move |listener, talk| {
            serve(listener, WORKERS, talk).map(|()| String::new())
        };
        probe(serve, name, title, play)
    };
    let probes = vec![
        probe("whole", "a caller that says two lines", |stage| {
            let mut peer = stage.connect()?;
            ask(stage, &mut peer, "hello")?;
            ask(stage, &mut peer, "and again")?;
            leave(stage, peer)
        }),
        probe("workers", "three workers before anybody calls", |stage| {
            stage.until_family(WORKERS)
        }),
        probe("three", "three callers at once, then a fourth", three),
        probe("again", "twelve callers, one after another", again),
        probe("dead", "a worker that crashes", dead),
        probe("others", "one worker stays, others are killed", others),
        probe("leaves", "a worker that ends with code 0", |stage| {
            order(stage, "exit")?;
            stage.until_family(WORKERS)?;
            all_work(stage)
        }),
        probe("all", "three workers that end together", all),
        probe("stop", "SIGTERM while nobody is there", |stage| {
            stage.until_family(WORKERS)?;
            stops(stage)
        }),
        probe("served", "SIGTERM after callers and a crash", |stage| {
            all_work(stage)?;
            order(stage, "signal 11")?;
            stage.until_family(WORKERS)?;
            stops(stage)
        }),
        probe("busy", "SIGTERM while callers are there", |stage| {
            let mut peer = stage.connect()?;
            ask(stage, &mut peer, "hello")?;
            stage.terminate();
            // It may let the caller finish, or not.
            if stage.returned_early()?.is_none() {
                stage.note("the caller leaves");
            }
            peer.close();
            is_stopped(stage)
        }),
        probe("rests", "a server that nobody calls", |stage| {
            all_work(stage)?;
            stage.expect_rest_in_silence()
        })
        .early(),
    ];
    Check::new("forking/prefork", probes, diagnose)
}

/// As many callers at once as there are workers, each served by another process.
fn all_work(stage: &mut Stage) -> Result<(), Symptom> {
    let mut callers = Vec::new();
    let mut workers = Vec::new();
    for _ in 0..WORKERS {
        let mut peer = stage.connect()?;
        let worker = who(stage, &mut peer)?;
        if stage.is_itself(worker) {
            let summary = "the server's own process talks to a caller";
            return Err(Symptom::new(Kind::Rule, summary)
                .with_words("a worker", "the server itself"));
        }
        if workers.contains(&worker) {
            let summary = "two callers at once are served by one process";
            return Err(Symptom::new(Kind::Rule, summary)
                .with_words("another worker for each", "the same for two"));
        }
        workers.push(worker);
        callers.push(peer);
    }
    for peer in callers {
        leave(stage, peer)?;
    }
    Ok(())
}

fn three(stage: &mut Stage) -> Result<(), Symptom> {
    stage.until_family(WORKERS)?;
    all_work(stage)?;
    all_work(stage)?;
    // A fourth waits, and is served once one has left.
    let mut callers = Vec::new();
    for _ in 0..WORKERS {
        let mut peer = stage.connect()?;
        ask(stage, &mut peer, "hello")?;
        callers.push(peer);
    }
    let mut fourth = stage.connect()?;
    stage.send(&mut fourth, b"my turn?\n")?;
    leave(stage, callers.remove(0))?;
    stage.expect(&mut fourth, b"MY TURN?\n")?;
    stage.until_family(WORKERS)
}

fn again(stage: &mut Stage) -> Result<(), Symptom> {
    for _ in 0..4 * WORKERS {
        let mut peer = stage.connect()?;
        let worker = who(stage, &mut peer)?;
        if stage.is_itself(worker) {
            let summary = "the server's own process talks to a caller";
            return Err(Symptom::new(Kind::Rule, summary)
                .with_words("a worker", "the server itself"));
        }
        leave(stage, peer)?;
    }
    stage.until_family(WORKERS)
}

/// Has one worker end in this way, in the middle of a visit.
fn order(stage: &mut Stage, order: &str) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    let worker = who(stage, &mut peer)?;
    stage.send(&mut peer, format!("{order}\n").as_bytes())?;
    stage.expect_over(&mut peer)?;
    stage.until_gone(worker)
}

fn dead(stage: &mut Stage) -> Result<(), Symptom> {
    order(stage, "signal 6")?;
    stage.until_family(WORKERS)?;
    all_work(stage)
}

/// One after another is killed, and never a certain one, which sooner or later is the one
/// that a parent waits for who waits for one.
fn others(stage: &mut Stage) -> Result<(), Symptom> {
    stage.until_family(WORKERS)?;
    let mut peer = stage.connect()?;
    let stays = who(stage, &mut peer)?;
    for _ in 0..=WORKERS {
        let living = stage.family()?.living;
        let Some(next) = living.into_iter().find(|worker| *worker != stays) else {
            return Ok(()); // the next look will tell
        };
        stage.note("a worker is killed");
        stage.kill_child(next);
        stage.until_gone(next)?;
        stage.until_family(WORKERS)?;
    }
    ask(stage, &mut peer, "still there?")?;
    leave(stage, peer)
}

fn all(stage: &mut Stage) -> Result<(), Symptom> {
    let mut callers: Vec<Peer> = Vec::new();
    for _ in 0..WORKERS {
        let mut peer = stage.connect()?;
        ask(stage, &mut peer, "hello")?;
        callers.push(peer);
    }
    stage.while_held(|stage| {
        for peer in &mut callers {
            stage.send(peer, b"signal 9\n")?;
        }
        Ok(())
    })?;
    stage.until_family(WORKERS)?;
    all_work(stage)
}

/// SIGTERM: the function returns, and nobody is left.
fn stops(stage: &mut Stage) -> Result<(), Symptom> {
    stage.terminate();
    is_stopped(stage)
}

fn is_stopped(stage: &mut Stage) -> Result<(), Symptom> {
    let returned = stage.returned();
    let returned = returned.map_err(|symptom| stage.with_family(symptom, None))?;
    if let Err(error) = returned {
        let symptom = Symptom::new(Kind::Error, "your function returned an error")
            .with_words("Ok(())", error);
        return Err(stage.as_it_is(symptom));
    }
    stage.until_family(0)?;
    if stage.is_listened_at()? {
        let summary = "your function has returned, and somebody listens at its port";
        return Err(Symptom::new(Kind::Leaks, summary)
            .with_words("nobody", "a socket that listens"));
    }
    Ok(())
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    super::name(&[OWN, RULES], seen)
}

const OWN: &[Rule] = &[
    Rule {
        mistake: "M119",
        fits: |all| {
            let left = |s: &Symptom| {
                s.doing == Some(Doing::Returned)
                    && !s.signs.failed
                    && s.kind == Kind::Leaks
                    && !s.signs.children.is_empty()
            };
            all.first(&["stop", "served", "busy"]).is_some_and(left)
        },
        why: "Your function has returned, and workers are still there. They listen at \
              the port, and nobody knows of them any more.",
    },
    Rule {
        mistake: "M119",
        fits: |all| {
            let waits = |s: &Symptom| {
                s.kind == Kind::NoAnswer
                    && super::waits_for_a_child(s)
                    && !s.signs.children.is_empty()
            };
            all.first(&["stop", "served", "busy"]).is_some_and(waits)
        },
        why: "Your server waits for workers that do not end. Either nobody has told \
              them to, or they do not hear it: a signal that is blocked in the parent \
              when it forks is blocked in the child, too.",
    },
    Rule {
        mistake: "M26",
        fits: |all| {
            let first = all.first(&["dead", "others", "leaves", "served"]);
            first.is_some_and(|s| {
                s.kind == Kind::Leaks
                    && s.signs.zombies > 0
                    && s.doing == Some(Doing::Blocked)
            })
        },
        why: "A worker has ended, its parent sleeps, and the kernel keeps the dead \
              worker's number and the way it ended until somebody asks: a zombie.",
    },
    Rule {
        mistake: "M114",
        fits: |all| {
            let first = all.first(&["all"]);
            all.passed("dead")
                && first.is_some_and(|s| {
                    (1..WORKERS).contains(&s.signs.zombies)
                        && s.doing == Some(Doing::Blocked)
                })
        },
        why: "One worker that died was replaced, and of three that died together only \
              some were collected. Signals do not queue: three ends may be one SIGCHLD.",
    },
];
