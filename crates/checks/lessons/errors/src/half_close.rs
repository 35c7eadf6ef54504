//! `errors/half-close`: an answer after the caller's end.

use std::io;
use std::net::TcpListener;

use checks::diagnosis::{self, Findings, Rule, SERVER_RULES};
use checks::engine::{Check, Probe, Seen, Stage};
use checks::line_server::{self, CALLERS};
use checks::symptom::{Doing, Kind, Symptom};

/// The check of `errors/half-close`.
pub fn half_close(serve: fn(TcpListener) -> io::Result<()>) -> Check {
    let probe = |name, title, play: fn(&mut Stage) -> Result<(), Symptom>| {
        let act = move |report: &_| line_server::act(report, serve);
        Probe::server(name, title, act, play)
    };
    let probes = vec![
        probe("whole", "a caller that says a word and ends", whole),
        probe("early", "a caller that says a word and has more", early),
        probe("lines", "three lines in three pieces", lines),
        probe("nothing", "a caller that ends without a word", nothing),
        probe("binary", "a text of every byte there is", binary),
        probe("large", "a text of two megabytes", large),
        probe("next", "a second caller, after the first", next),
        probe("reset", "callers that reset, then another", reset),
        probe("leaks", "five callers that come and go", leaks),
    ];
    Check::new("errors/half-close", probes, diagnose)
}

fn say(stage: &mut Stage, text: &[u8]) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    stage.send(&mut peer, text)?;
    peer.end();
    stage.expect(&mut peer, &text.to_ascii_uppercase())?;
    stage.expect_end(&mut peer)
}

fn whole(stage: &mut Stage) -> Result<(), Symptom> {
    say(stage, b"hello")
}

fn early(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    stage.send(&mut peer, b"hello\n")?;
    stage.expect_nothing(&mut peer)?;
    stage.send(&mut peer, b"and more\n")?;
    stage.expect_nothing(&mut peer)?;
    peer.end();
    stage.expect(&mut peer, b"HELLO\nAND MORE\n")?;
    stage.expect_end(&mut peer)
}

fn lines(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    for piece in [&b"one\ntw"[..], b"o\nth", b"ree"] {
        stage.send(&mut peer, piece)?;
        stage.until_taken(&mut peer)?;
    }
    peer.end();
    stage.expect(&mut peer, b"ONE\nTWO\nTHREE")?;
    stage.expect_end(&mut peer)
}

fn nothing(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    peer.end();
    stage.expect_end(&mut peer)
}

fn binary(stage: &mut Stage) -> Result<(), Symptom> {
    let all: Vec<u8> = (0..=255).collect();
    say(stage, &all)
}

fn large(stage: &mut Stage) -> Result<(), Symptom> {
    say(stage, &b"sixteen letters\n".repeat(2 << 16))
}

fn next(stage: &mut Stage) -> Result<(), Symptom> {
    say(stage, b"one")?;
    stage.connect()?.close();
    say(stage, b"two")
}

fn reset(stage: &mut Stage) -> Result<(), Symptom> {
    let mut first = stage.connect()?;
    stage.send(&mut first, b"hel")?;
    stage.until_taken(&mut first)?;
    first.reset()?;
    let second = stage.connect()?;
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

const RULES: &[Rule] = &[
    Rule {
        mistake: "M5",
        fits: |all| {
            let first = all.first(&["whole", "nothing"]);
            first.is_some_and(|s| {
                s.doing == Some(Doing::Spinning)
                    && s.signs.read_the_end
                    && s.signs.asks
            })
        },
        why: "The caller ended its side. From then on every read returns 0 bytes at \
              once, and your program reads again and again.",
    },
    Rule {
        mistake: "M65",
        fits: |all| {
            let early = |s: &Symptom| {
                s.kind == Kind::Wrong
                    && b"HELLO\nAND MORE\n".starts_with(&s.got_bytes)
            };
            all.first(&["early"]).is_some_and(early)
        },
        why: "Your program answered while the caller was still speaking. Here the \
              caller's end, a read that returns 0 bytes, is what says that the text is \
              complete; neither a newline nor a read does.",
    },
    Rule {
        mistake: "M45",
        fits: |all| {
            // A text that is longer was no trouble.
            all.passed("large")
                && all.first(&["binary"]).is_some_and(|s| {
                    let silent = matches!(s.kind, Kind::EarlyEnd | Kind::NoAnswer);
                    silent && s.got_bytes.is_empty()
                })
        },
        why: "A text of letters is answered, however long; one with every byte there \
              is gets nothing. What comes from outside need not be UTF-8, and is not \
              text before somebody has looked.",
    },
    Rule {
        mistake: "M12",
        fits: |all| {
            let first = all.first(&["whole", "lines", "binary", "large"]);
            first.is_some_and(|s| {
                s.kind == Kind::Reset && s.panic.is_none() && !s.is_over()
            })
        },
        why: "Your program closed the connection while bytes from the caller still \
              lay unread in the kernel. Then the kernel sends a reset in place of an \
              end, and the caller may lose even what was sent before.",
    },
];
