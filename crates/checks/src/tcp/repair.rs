//! `tcp/repair`: a server that its first rude caller brings down.

use std::io;
use std::net::TcpListener;

use crate::diagnosis::{self, Findings, Rule, SERVER_RULES};
use crate::engine::{Check, Probe, Seen, Stage};
use crate::line_server::{self, CALLERS};
use crate::symptom::Symptom;

/// The check of `tcp/repair`: a server that sends back what it is sent, in capitals,
/// whatever pieces it comes in.
pub fn repair(serve: fn(TcpListener) -> io::Result<()>) -> Check {
    let probe = |name, title, play: fn(&mut Stage) -> Result<(), Symptom>| {
        let act = move |report: &_| line_server::act(report, serve);
        Probe::server(name, title, act, play)
    };
    let probes = vec![
        probe("whole", "a caller that says a word and waits", whole),
        probe(
            "large",
            "a caller that says 96,000 bytes before it reads",
            large,
        ),
        probe("end", "a caller that has said all, but still listens", end),
        probe("next", "a second caller, after the first has left", next),
        probe(
            "reset",
            "callers that reset the connection, then another",
            reset,
        ),
        probe("leaks", "five callers that come and go", leaks),
    ];
    Check::new("tcp/repair", probes, diagnose)
}

fn say(stage: &mut Stage, word: &[u8]) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    stage.send(&mut peer, word)?;
    stage.expect(&mut peer, &word.to_ascii_uppercase())?;
    peer.end();
    stage.expect_end(&mut peer)
}

fn whole(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    stage.send(&mut peer, b"hello")?;
    stage.expect(&mut peer, b"HELLO")?;
    stage.send(&mut peer, b" and again")?;
    stage.expect(&mut peer, b" AND AGAIN")
}

fn large(stage: &mut Stage) -> Result<(), Symptom> {
    // Less than the kernel buffers for both directions, so that nobody has to read
    // while the other side writes.
    let text = b"twelve bytes".repeat(8_000);
    let mut peer = stage.connect()?;
    stage.send(&mut peer, &text)?;
    stage.expect(&mut peer, &text.to_ascii_uppercase())
}

fn end(stage: &mut Stage) -> Result<(), Symptom> {
    say(stage, b"last words")
}

fn next(stage: &mut Stage) -> Result<(), Symptom> {
    say(stage, b"one")?;
    stage.connect()?.close();
    say(stage, b"two")
}

fn reset(stage: &mut Stage) -> Result<(), Symptom> {
    let mut first = stage.connect()?;
    stage.send(&mut first, b"hello")?;
    stage.expect(&mut first, b"HELLO")?;
    first.reset()?;
    let mut second = stage.connect()?;
    stage.send(&mut second, b"hello")?;
    second.reset()?;
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

const RULES: &[Rule] = &[Rule {
    mistake: "M34",
    fits: |all| {
        let error = io::Error::from(rustix::io::Errno::NOTCONN).to_string();
        let words = error.split(" (os error").next().unwrap_or(&error);
        all.first(&["whole"]).is_some_and(|s| {
            let told = |told: &String| told.contains(words);
            s.kernel.iter().any(told)
                || s.panic.as_ref().is_some_and(told)
                || told(&s.signs.printed)
        })
    },
    why: "The call failed with ENOTCONN, \"not connected\": the bytes were asked of the \
          listening socket. `accept` returns another socket, and that one carries the \
          conversation.",
}];
