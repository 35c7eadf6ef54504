//! `select/limit`: as many callers as there is room for.

use std::fs::File;
use std::io;
use std::mem;
use std::net::TcpListener;
use std::os::fd::AsRawFd;

use rustix::process::{Resource, getrlimit};

use super::{
    BUSY_WITH_NONE, BUSY_WITH_ONE, ask, end, is_busy, leaks, nobody, reset, rest,
    two, whole,
};
use checks::battery;
use checks::diagnosis::{self, Findings, Rule, SERVER_RULES};
use checks::engine::{Check, Limits, Peer, Probe, Report, Seen, Stage};
use checks::line_server;
use checks::symptom::{Kind, Symptom};

/// The learner's server.
type Serve = fn(TcpListener) -> io::Result<()>;

/// A set of `select` has room for the descriptors below this number.
const SET: i32 = 1024;

/// How many of them are free for the server's callers.
const FREE: i32 = 4;

/// How many descriptors the server may have beyond.
const ALLOWED: u64 = 1100;

/// The check of `select/limit`.
pub fn limit(serve: Serve) -> Check {
    let probe = |name, title, play: fn(&mut Stage) -> Result<(), Symptom>| {
        let act = move |report: &Report| line_server::act(report, serve);
        Probe::server(name, title, act, play)
    };
    let beyond_the_set = move |report: &Report| {
        line_server::act(report, |listener| {
            fill_the_set()?;
            serve(listener)
        });
    };
    let probes = vec![
        probe("whole", "two words, one after the other", whole),
        probe("end", "a caller that says a word and ends", end),
        probe("two", "a second caller, while the first is silent", two),
        Probe::server(
            "beyond",
            "callers with descriptors from 1024 on",
            beyond_the_set,
            beyond,
        )
        .limited(Limits {
            descriptors: ALLOWED,
        }),
        probe("crowd", "more callers than there are descriptors", crowd)
            .limited(Limits { descriptors: 16 }),
        probe("reset", "callers that reset, then another", reset),
        probe("rest", "a caller that says nothing for a while", rest).early(),
        probe("leaks", "five callers that come and go", leaks),
        probe("nobody", "a server that nobody calls", nobody).early(),
    ];
    Check::new("select/limit", probes, diagnose)
}

/// Opens files until only a few numbers below 1024 are left.
fn fill_the_set() -> io::Result<()> {
    loop {
        let file = File::open("/dev/null")?;
        let number = file.as_raw_fd();
        mem::forget(file); // it stays open for as long as this process lives
        if number >= SET - FREE - 1 {
            return Ok(());
        }
    }
}

/// What became of a caller.
#[derive(PartialEq, Eq)]
enum Fate {
    Served,
    Refused,
}

fn beyond(stage: &mut Stage) -> Result<(), Symptom> {
    /// So many callers that some get no number below 1024.
    const CALLERS: usize = 2 * FREE as usize;
    let allowed = getrlimit(Resource::Nofile).maximum;
    if allowed.is_some_and(|allowed| allowed < ALLOWED) {
        let summary = format!(
            "this machine allows a process {} descriptors, and the probe needs \
             {ALLOWED}: see `ulimit -Hn`",
            allowed.unwrap_or_default()
        );
        return Err(Symptom::new(Kind::Skipped, summary));
    }
    stage.note(
        "your program has so many files open that few numbers below 1024 are left",
    );
    let mut served = Vec::new();
    for nr in 0..CALLERS {
        let mut caller = stage.connect()?;
        match fate(stage, &mut caller)? {
            Fate::Served => served.push(caller),
            Fate::Refused if nr == 0 => {
                let summary = "the first caller was sent away";
                let symptom = Symptom::new(Kind::Rule, summary).with_words(
                    "HELLO: there are numbers below 1024 left",
                    "busy, and the end",
                );
                return Err(stage.as_it_is(symptom));
            }
            Fate::Refused => {}
        }
    }
    for caller in &mut served {
        ask(stage, caller, b"still there?")?;
    }
    if let Some(mut first) = served.pop() {
        first.end();
        stage.expect_end(&mut first)?;
    }
    let mut next = stage.connect()?;
    ask(stage, &mut next, b"room for me?")
}

/// Whether a caller is told that there is no room, or is served.
fn fate(stage: &mut Stage, caller: &mut Peer) -> Result<Fate, Symptom> {
    let (said, over) = stage.hear_or_rest(caller)?;
    if said.is_empty() && !over {
        ask(stage, caller, b"hello")?;
        return Ok(Fate::Served);
    }
    stage.expect(caller, b"busy\n")?;
    stage.expect_end(caller)?;
    Ok(Fate::Refused)
}

fn crowd(stage: &mut Stage) -> Result<(), Symptom> {
    const CALLERS: usize = 24;
    let mut callers: Vec<Peer> = Vec::new();
    for _ in 0..CALLERS {
        callers.push(stage.connect()?);
    }
    ask(stage, &mut callers[0], b"hello")?;
    stage.expect_rest()?;
    ask(stage, &mut callers[0], b"still there?")?;
    let served = stage.descriptors().map_or(1, |open| open.connections);
    let mut first = callers.remove(0);
    first.end();
    stage.expect_end(&mut first)?;
    // Of those who waited the first has the number that has become free.
    if let Some(next) = callers.get_mut(served.saturating_sub(1)) {
        ask(stage, next, b"my turn?")?;
    }
    stage.note("all callers leave");
    for caller in callers {
        caller.close();
    }
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, b"room for me?")
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: |bytes| bytes.to_ascii_uppercase(),
    };
    diagnosis::name(
        &[RULES, super::RULES, battery::RULES, SERVER_RULES],
        &findings,
    )
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M24",
        fits: |all| {
            let asserts = |s: &Symptom| {
                s.panic
                    .as_deref()
                    .is_some_and(|it| it.contains("FD_SETSIZE"))
            };
            all.first(&["beyond"]).is_some_and(asserts)
        },
        why: "A caller got a descriptor from 1024 on, and your program put it into a set \
              of `select`, which has no bit for it: nix panics. Look at the number first \
              (`FD_SETSIZE`), and send such a caller away, or wait by `poll`.",
    },
    Rule {
        mistake: "M24",
        fits: |all| {
            let killed = |s: &Symptom| {
                let by = ["signal 6,", "signal 7,", "signal 11,"]; // ABRT, BUS, SEGV
                let told = |line: &String| by.iter().any(|name| line.contains(name));
                s.panic.is_none() && s.kernel.iter().any(told)
            };
            all.first(&["beyond"]).is_some_and(killed) && all.passed("two")
        },
        why: "A caller got a descriptor from 1024 on, and your program was killed. \
              `FD_SET` of C does not look at the number: it writes beyond the set, over \
              memory that is somebody else's.",
    },
    Rule {
        mistake: "M21",
        fits: |all| {
            let first = all.first(&["rest", "leaks", "nobody"]);
            first.is_some_and(is_busy)
                && all.symptom("nobody").is_some_and(|s| s.kind == Kind::Spins)
        },
        why: BUSY_WITH_NONE,
    },
    Rule {
        mistake: "M21",
        fits: |all| {
            all.first(&["rest", "leaks"]).is_some_and(is_busy) && all.passed("nobody")
        },
        why: BUSY_WITH_ONE,
    },
];
