//! `tcp/greeting`: a client that hears the server out.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::diagnosis::{self, Findings, Rule};
use crate::engine::{Check, Peer, Probe, Seen, Stage};
use crate::symptom::{Doing, Kind, Symptom};

const GREETING: &str = "Welcome to port 8088.\nThank you for connecting.\n";

/// The check of `tcp/greeting`.
pub fn greeting<C>(client: C) -> Check
where
    C: Fn(SocketAddr) -> io::Result<String> + Send + Sync + 'static,
{
    let client = Arc::new(client);
    let probe = |name, title, play: fn(&mut Stage) -> Result<(), Symptom>| {
        let client = Arc::clone(&client);
        let act = move |report: &crate::engine::Report| {
            report.returned(client(report.peer()));
        };
        Probe::client(name, title, act, play)
    };
    let probes = vec![
        probe("whole", "a server that says two lines and ends", whole),
        probe(
            "pieces",
            "a server that says the same in four pieces",
            pieces,
        ),
        probe("char", "a character that is split between two pieces", char),
        probe("bare", "a greeting without a newline at its end", bare),
        probe("nothing", "a server that ends without a word", nothing),
        probe("long", "a greeting of a hundred thousand bytes", long),
        probe(
            "reset",
            "a server that resets the connection half-way",
            reset,
        ),
        probe("binary", "a greeting that is no UTF-8 text", binary),
    ];
    Check::new("tcp/greeting", probes, diagnose)
}

/// Says these pieces, each when the one before has been read, and ends.
fn greet(stage: &mut Stage, pieces: &[&[u8]]) -> Result<(), Symptom> {
    let mut peer = stage.accept()?;
    say(stage, &mut peer, pieces)?;
    peer.end();
    Ok(())
}

fn say(stage: &mut Stage, peer: &mut Peer, pieces: &[&[u8]]) -> Result<(), Symptom> {
    for (n, piece) in pieces.iter().enumerate() {
        if n > 0 {
            stage.until_taken(peer)?;
        }
        stage.send(peer, piece)?;
    }
    Ok(())
}

fn expect_text(stage: &mut Stage, expected: &str) -> Result<(), Symptom> {
    match stage.returned()? {
        Ok(got) if got == expected => Ok(()),
        Ok(got) => Err(Symptom::new(
            Kind::WrongValue,
            "that is not what the server said",
        )
        .with_bytes(expected.as_bytes(), got.as_bytes())),
        Err(error) => {
            Err(Symptom::new(Kind::Error, "your function returned an error")
                .with_words(wire::view::escaped(expected.as_bytes()), error))
        }
    }
}

fn expect_error(stage: &mut Stage, why: &str) -> Result<(), Symptom> {
    match stage.returned()? {
        Err(_) => Ok(()),
        Ok(got) => Err(Symptom::new(Kind::NoError, "your function hid an error")
            .with_words(format!("an error: {why}"), format!("Ok({got:?})"))),
    }
}

fn whole(stage: &mut Stage) -> Result<(), Symptom> {
    greet(stage, &[GREETING.as_bytes()])?;
    expect_text(stage, GREETING)
}

fn pieces(stage: &mut Stage) -> Result<(), Symptom> {
    let (start, rest) = GREETING.as_bytes().split_at(7);
    let (middle, rest) = rest.split_at(16);
    let (more, end) = rest.split_at(9);
    greet(stage, &[start, middle, more, end])?;
    expect_text(stage, GREETING)
}

fn char(stage: &mut Stage) -> Result<(), Symptom> {
    greet(stage, &[b"Bienvenue au caf\xC3", b"\xA9\n"])?;
    expect_text(stage, "Bienvenue au café\n")
}

fn bare(stage: &mut Stage) -> Result<(), Symptom> {
    greet(stage, &[b"Welcome"])?;
    expect_text(stage, "Welcome")
}

fn nothing(stage: &mut Stage) -> Result<(), Symptom> {
    greet(stage, &[])?;
    expect_text(stage, "")
}

fn long(stage: &mut Stage) -> Result<(), Symptom> {
    let greeting = "Welcome!\n".repeat(11_112);
    greet(stage, &[greeting.as_bytes()])?;
    expect_text(stage, &greeting)
}

fn reset(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.accept()?;
    stage.send(&mut peer, b"Welcome to po")?;
    stage.until_taken(&mut peer)?; // a reset takes with it what has not been read
    peer.reset()?;
    expect_error(
        stage,
        "the connection was reset before the greeting was complete",
    )
}

fn binary(stage: &mut Stage) -> Result<(), Symptom> {
    greet(stage, &[b"Welcome \xFF\xFE\n"])?;
    expect_error(stage, "the bytes 0xFF 0xFE are no UTF-8 text")
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    diagnosis::name(
        &[RULES],
        &Findings {
            seen,
            reply: <[u8]>::to_vec,
        },
    )
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M5",
        fits: |all| {
            let first = all.first(&["whole", "pieces", "bare", "nothing"]);
            first.is_some_and(|s| s.doing == Some(Doing::Spinning))
        },
        why: "The server has ended its side. From then on every read returns 0 bytes at \
              once, and your program goes on reading, for ever.",
    },
    Rule {
        mistake: "M6",
        fits: |all| {
            all.first(&["whole"])
                .is_some_and(|s| s.got_bytes.contains(&0))
        },
        why: "The text is followed by zeros that nobody sent: it was made of the whole \
              buffer, not of the part that the read had filled.",
    },
    Rule {
        mistake: "M40",
        fits: |all| {
            let first_line = GREETING.split('\n').next().unwrap_or_default();
            let whole = all.first(&["whole"]);
            whole.is_some_and(|s| {
                s.got_bytes.trim_ascii_end() == first_line.as_bytes()
            })
        },
        why: "Your program stopped after the first line. The agreement here is another: \
              the greeting ends where the server ends its side.",
    },
    Rule {
        mistake: "M1",
        fits: |all| {
            all.first(&["whole", "pieces", "long"]).is_some_and(|s| {
                s.kind == Kind::WrongValue
                    && !s.got_bytes.is_empty()
                    && s.got_bytes.len() < s.expected_bytes.len()
                    && s.expected_bytes.starts_with(&s.got_bytes)
            })
        },
        why: "Your program returned what one read had brought. The rest of the greeting \
              was still on its way.",
    },
    Rule {
        mistake: "M11",
        fits: |all| {
            all.first(&["char"]).is_some_and(|s| {
                let got = String::from_utf8_lossy(&s.got_bytes);
                got.contains('\u{FFFD}') || s.kind == Kind::Error || s.panic.is_some()
            })
        },
        why: "The two bytes of `é` came in two pieces. Your program turned each piece \
              into text by itself, and half a character is no text.",
    },
];
