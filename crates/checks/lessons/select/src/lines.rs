//! `select/lines`: many callers, one thread, and half a line.

use std::io;
use std::net::TcpListener;

use super::{
    BUSY_WITH_NONE, BUSY_WITH_ONE, RECEIVES, WAITS, is_busy, is_silence_in, nobody,
};
use checks::diagnosis::{self, Findings, Rule, SERVER_RULES};
use checks::engine::{Check, Probe, Report, Seen, Stage};
use checks::symptom::{Kind, Symptom};
use checks::{battery, line_server};

/// The learner's server.
type Serve = fn(TcpListener) -> io::Result<()>;

/// The check of `select/lines`.
pub fn lines(serve: Serve) -> Check {
    let probe = |name, title, play: fn(&mut Stage) -> Result<(), Symptom>| {
        let act = move |report: &Report| line_server::act(report, serve);
        Probe::server(name, title, act, play)
    };
    let mut probes = line_server::probes(serve, reply);
    // A second caller while the first is silent, and while it is in a line.
    probes.extend(battery::probes(serve, reply).into_iter().take(2));
    probes.push(probe("alone", "three callers, and the threads", |stage| {
        alone_in_lines(stage)
    }));
    probes.push(probe("nobody", "a server that nobody calls", nobody).early());
    Check::new("select/lines", probes, diagnose)
}

fn reply(line: &[u8]) -> Vec<u8> {
    line.to_ascii_uppercase()
}

fn alone_in_lines(stage: &mut Stage) -> Result<(), Symptom> {
    let mut callers = Vec::new();
    for _ in 0..3 {
        callers.push(stage.connect()?);
    }
    for caller in &mut callers {
        line_server::ask(stage, caller, b"hello", reply)?;
    }
    stage.expect_alone()
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings { seen, reply };
    diagnosis::name(&[RULES, super::RULES, battery::RULES], &findings)
        .or_else(|| line_server::diagnose(seen, reply))
        .or_else(|| diagnosis::name(&[SERVER_RULES], &findings))
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M20",
        fits: |all| {
            let two = reply(b"two");
            all.first(&["joined"]).is_some_and(|s| {
                s.signs.later.starts_with(&two) && is_silence_in(s, WAITS)
            })
        },
        why: "Three lines came together. Your program answered the first and went to \
              wait; the second was answered only when a fourth had come. It lay in a \
              buffer of your own, a `BufReader`'s perhaps, where the kernel does not see \
              it: before you wait, take out every line that is there.",
    },
    Rule {
        mistake: "M19",
        fits: |all| {
            all.passed("two")
                && all
                    .first(&["half"])
                    .is_some_and(|s| is_silence_in(s, RECEIVES))
        },
        why: "The first caller has sent half a line, and your program waits for the \
              other half in a read; the second caller waits for your program. Take what \
              has come, keep it with that caller, and go back to the one wait for all.",
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
