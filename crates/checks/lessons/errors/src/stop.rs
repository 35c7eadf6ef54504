//! `errors/stop`: Ctrl-C in good order.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;

use rustix::process::{Signal, getpid, kill_process};

use super::{ACCEPTS, ask, is_blocked_in, say};
use checks::diagnosis::{self, Findings, Rule, SERVER_RULES};
use checks::engine::{Check, Peer, Probe, Report, Seen, Stage};
use checks::line_server::CALLERS;
use checks::symptom::{Doing, Kind, Symptom};

/// The learner's server: where it is to listen, and how it says where it does.
type Serve = fn(SocketAddr, &dyn Fn(SocketAddr)) -> io::Result<()>;

/// The check of `errors/stop`.
pub fn stop(serve: Serve) -> Check {
    let probe = |name, title, play: fn(&mut Stage) -> Result<(), Symptom>| {
        let act = move |report: &Report| act(report, serve);
        Probe::server(name, title, act, play)
    };
    let at_once = |name, title, play: fn(&mut Stage) -> Result<(), Symptom>| {
        let act = move |report: &Report| {
            serve_at(report, serve, |addr| {
                report.listening(addr);
                let _ = kill_process(getpid(), Signal::INT);
            });
        };
        Probe::server(name, title, act, play)
    };
    let probes = vec![
        probe("end", "a caller that says a word and ends", end),
        probe("next", "a second caller, after the first has left", next),
        probe("reset", "a caller that resets, then another", reset),
        probe("leaks", "five callers that come and go", leaks),
        at_once("ready", "Ctrl-C as soon as `ready` is called", ready),
        probe("idle", "Ctrl-C while nobody is there", idle),
        probe("served", "Ctrl-C after a caller has left", served),
        probe("busy", "Ctrl-C while a caller is served", busy),
        probe("waiting", "the same, and another caller waits", waiting),
        probe("free", "the port, once the server is over", free),
        probe("again", "a server that is started again at once", again),
        probe("rest", "a server that nobody calls", |stage| {
            stage.expect_rest_in_silence()
        })
        .early(),
    ];
    Check::new("errors/stop", probes, diagnose)
}

/// Runs the learner's server, and stays when it has returned: what it has left open
/// shall be seen.
fn act(report: &Report, serve: Serve) {
    serve_at(report, serve, |addr| report.listening(addr));
}

fn serve_at(report: &Report, serve: Serve, ready: impl Fn(SocketAddr)) {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let at = report.address().unwrap_or(any);
    report.returned(serve(at, &ready).map(|()| ""));
    loop {
        thread::park(); // the check ends this process
    }
}

fn end(stage: &mut Stage) -> Result<(), Symptom> {
    if stage.port() == 0 {
        let summary = "`ready` was told port 0, at which nobody can call";
        return Err(Symptom::new(Kind::Rule, summary)
            .with_words("the port that the kernel has chosen", "port 0"));
    }
    say(stage, b"hello")
}

fn next(stage: &mut Stage) -> Result<(), Symptom> {
    say(stage, b"one")?;
    stage.connect()?.close();
    say(stage, b"two")
}

fn reset(stage: &mut Stage) -> Result<(), Symptom> {
    let mut first = stage.connect()?;
    ask(stage, &mut first, b"hello")?;
    first.reset()?;
    say(stage, b"anybody there?")
}

fn leaks(stage: &mut Stage) -> Result<(), Symptom> {
    say(stage, b"hello")?;
    let before = stage.descriptors();
    for _ in 0..CALLERS {
        say(stage, b"hello")?;
    }
    stage.expect_descriptors(before, CALLERS)
}

/// The signal is sent from within `ready`.
fn ready(stage: &mut Stage) -> Result<(), Symptom> {
    stage.note("Ctrl-C: your program gets SIGINT while it calls `ready`");
    expect_over(stage).map_err(|mut symptom| {
        if symptom.kind == Kind::Gone && symptom.panic.is_none() {
            let summary = "your program was not prepared when it called `ready`";
            symptom.summary = summary.into();
        }
        symptom
    })
}

/// Waits for the function to return `Ok`.
fn expect_over(stage: &mut Stage) -> Result<(), Symptom> {
    match stage.returned() {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => {
            Err(Symptom::new(Kind::Error, "your function returned an error")
                .with_words("Ok(())", error))
        }
        // Does it only wait for somebody to call?
        Err(mut symptom) if is_blocked_in(&symptom, ACCEPTS) => {
            if stage.returns_after_a_call() {
                symptom.signs.later = AFTER_A_CALL.into();
                symptom.kernel.push(
                    "Then somebody called, and your function returned at once."
                        .into(),
                );
            }
            Err(symptom)
        }
        Err(symptom) => Err(symptom),
    }
}

const AFTER_A_CALL: &[u8] = b"returned after a call";

fn idle(stage: &mut Stage) -> Result<(), Symptom> {
    stage.interrupt();
    expect_over(stage)
}

fn served(stage: &mut Stage) -> Result<(), Symptom> {
    say(stage, b"hello")?;
    stage.interrupt();
    expect_over(stage)
}

fn busy(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, b"hello")?;
    stage.interrupt();
    stage.expect_nothing(&mut peer)?; // it goes on waiting for its caller
    finish(stage, &mut peer)?;
    expect_over(stage)
}

/// Another caller is in the queue, and has said its word, when the signal comes.
fn waiting(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, b"hello")?;
    let mut other = stage.connect()?;
    stage.send(&mut other, b"me, too")?;
    if stage.expect_nothing(&mut other).is_err() {
        return Ok(()); // it is served at the same time, and has its turn already
    }
    stage.interrupt();
    stage.expect_nothing(&mut peer)?;
    finish(stage, &mut peer)?;
    let over = expect_over(stage);
    stage.expect_unserved(&mut other)?;
    over
}

/// The caller that was being served goes on, and is served to its end.
fn finish(stage: &mut Stage, peer: &mut Peer) -> Result<(), Symptom> {
    ask(stage, peer, b"one thing more")?;
    peer.end();
    stage.expect_end(peer)
}

fn free(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, b"hello")?;
    stage.interrupt();
    stage.expect_nothing(&mut peer)?; // it goes on waiting for its caller
    finish(stage, &mut peer)?;
    expect_over(stage)?;
    stage.expect_free_port()
}

fn again(stage: &mut Stage) -> Result<(), Symptom> {
    let mut held = stage.connect()?;
    ask(stage, &mut held, b"hello")?;
    stage.note("your server is killed, and started again at the same port");
    stage.restart()?;
    say(stage, b"back again?")
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: |bytes| bytes.to_ascii_uppercase(),
    };
    diagnosis::name(&[RULES, SERVER_RULES], &findings)
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M13",
        fits: |all| {
            let waits = |s: &Symptom| {
                let talks = |call: &String| {
                    call.starts_with("recv") || call.starts_with("send")
                };
                s.kind == Kind::NoEnd
                    && is_blocked_in(s, ACCEPTS)
                    && s.signs.read_the_end
                    && !s.calls.iter().any(talks)
            };
            all.first(&["end", "next", "leaks"]).is_some_and(waits)
        },
        why: "Your program has read the caller's end and waits for the next caller, and \
              the connection with this one is still open: something keeps the stream, \
              or a clone of it, from being dropped.",
    },
    Rule {
        mistake: "M14",
        fits: |all| {
            let over =
                |s: &Symptom| s.is_over() && (s.panic.is_some() || s.signs.failed);
            all.passed("next") && all.first(&["reset"]).is_some_and(over)
        },
        why: "Callers who stay to the end are served one after another. One broke off, \
              and your server was over. What goes wrong with one caller has to end its \
              visit only.",
    },
    Rule {
        mistake: "M31",
        fits: |all| {
            let first = all.first(&["ready", "idle", "served", "busy"]);
            first.is_some_and(|s| s.signs.later == AFTER_A_CALL)
        },
        why: "The signal came, and your server waited on in `accept`; the next caller \
              ended it. A flag that is set wakes nobody: something has to end the call \
              in which the server waits.",
    },
    Rule {
        mistake: "M68",
        fits: |all| {
            let cut = |s: &Symptom| match s.kind {
                Kind::EarlyEnd | Kind::Reset | Kind::NoAnswer | Kind::Gone => {
                    s.is_over() && s.panic.is_none() && s.signs.matched >= 5
                }
                _ => false,
            };
            all.passed("served")
                && all.first(&["busy", "waiting", "free"]).is_some_and(cut)
        },
        why: "While nobody was there, Ctrl-C ended your server in good order. With a \
              caller in the middle of its visit it was over just as fast. The visit \
              comes first: when the program ends, the caller is cut off.",
    },
    Rule {
        mistake: "M68",
        fits: |all| {
            let killed = |s: &Symptom| {
                s.doing == Some(Doing::Ended)
                    && s.panic.is_none()
                    && s.kernel.iter().any(|line| {
                        line.contains("SIGINT") || line.contains("exited with code")
                    })
            };
            all.passed("next")
                && all.first(&["ready", "idle", "served"]).is_some_and(killed)
                && all.symptom("busy").is_some_and(killed)
        },
        why: "With the signal the whole process was over: your function had no chance \
              to return, nor would it have had one to finish with a caller.",
    },
    Rule {
        mistake: "M69",
        fits: |all| {
            let listens =
                |s: &Symptom| s.kind == Kind::Leaks && s.got.contains("listens");
            all.first(&["free"]).is_some_and(listens)
        },
        why: "The listening socket is still open: a thread, a clone or the handler \
              keeps it. Callers are connected by the kernel, and nobody will serve \
              them.",
    },
    Rule {
        mistake: "M16",
        fits: |all| {
            let in_use = io::Error::from(rustix::io::Errno::ADDRINUSE).to_string();
            let told =
                |s: &Symptom| s.kernel.iter().any(|line| line.contains(&in_use));
            all.first(&["again"]).is_some_and(told)
        },
        why: "The port was still occupied by a connection of the server's last run, and \
              `bind` failed with EADDRINUSE. SO_REUSEADDR, set before `bind`, is how a \
              server says that it may have its own port back.",
    },
];
