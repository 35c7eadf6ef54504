//! `tcp/greeting`: a client that hears the server out.

use std::io;
use std::net::SocketAddr;

use checks::diagnosis::{self, Findings, Rule};
use checks::engine::{Check, Peer, Probe, Report, Seen, Stage};
use checks::symptom::{self, Doing, Kind, Symptom};

const GREETING: &str = "Welcome to port 8088.\nThank you for connecting.\n";

/// The check of `tcp/greeting`.
pub fn greeting(client: fn(SocketAddr) -> io::Result<String>) -> Check {
    let probe = |name, title, play: fn(&mut Stage) -> Result<(), Symptom>| {
        let act = move |report: &Report| report.returned(client(report.peer()));
        Probe::client(name, title, act, play)
    };
    let probes = vec![
        probe("whole", "a server that says two lines and ends", whole),
        probe(
            "pieces",
            "a server that says the same in four pieces",
            pieces,
        ),
        probe("accent", "a greeting with letters of two bytes", accent),
        probe(
            "char",
            "a letter of two bytes that comes in two pieces",
            char,
        ),
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

/// Says these pieces, each when the one before has been read, and ends. The
/// connection stays until the peer is dropped: what the client may say is not refused.
fn greet(stage: &mut Stage, pieces: &[&[u8]]) -> Result<Peer, Symptom> {
    let mut peer = stage.accept()?;
    for (n, piece) in pieces.iter().enumerate() {
        if n > 0 {
            stage.until_taken(&mut peer)?;
        }
        stage.send(&mut peer, piece)?;
    }
    peer.end();
    Ok(peer)
}

/// Greets in these pieces, and expects that the client has understood them so.
fn understood(
    stage: &mut Stage,
    pieces: &[&[u8]],
    expected: &str,
) -> Result<(), Symptom> {
    let _peer = greet(stage, pieces)?;
    expect_text(stage, expected)
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
                .with_words(symptom::shown(expected.as_bytes()), error))
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
    understood(stage, &[GREETING.as_bytes()], GREETING)
}

/// Cut where no word and no line ends.
const FIRST_PIECE: &[u8] = b"Welc";

fn pieces(stage: &mut Stage) -> Result<(), Symptom> {
    let (start, rest) = GREETING.as_bytes().split_at(FIRST_PIECE.len());
    let (middle, rest) = rest.split_at(19);
    let (more, end) = rest.split_at(9);
    understood(stage, &[start, middle, more, end], GREETING)
}

fn accent(stage: &mut Stage) -> Result<(), Symptom> {
    let text = "Grüße aus dem café\n";
    understood(stage, &[text.as_bytes()], text)
}

fn char(stage: &mut Stage) -> Result<(), Symptom> {
    let pieces: [&[u8]; 2] = [b"Bienvenue au caf\xC3", b"\xA9\n"];
    understood(stage, &pieces, "Bienvenue au café\n")
}

fn bare(stage: &mut Stage) -> Result<(), Symptom> {
    understood(stage, &[b"Welcome"], "Welcome")
}

fn nothing(stage: &mut Stage) -> Result<(), Symptom> {
    understood(stage, &[], "")
}

fn long(stage: &mut Stage) -> Result<(), Symptom> {
    let greeting = "Welcome!\n".repeat(11_112);
    understood(stage, &[greeting.as_bytes()], &greeting)
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
    let _peer = greet(stage, &[b"Welcome \xFF\xFE\n"])?;
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

/// Whether a long greeting, which comes without a pause, is cut short too: so what
/// ended the reading was no pause between two pieces.
fn is_cut_short(all: &Findings<'_>) -> bool {
    all.symptom("long").is_some_and(|s| {
        let got = &s.got_bytes;
        s.kind == Kind::WrongValue
            && !got.is_empty()
            && got.len() < s.expected_bytes.len()
            && s.expected_bytes.starts_with(got)
    })
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M5",
        fits: |all| {
            let first = all.first(&["whole", "pieces", "bare", "nothing"]);
            first.is_some_and(|s| {
                s.doing == Some(Doing::Spinning)
                    && s.signs.read_the_end
                    && s.signs.asks
            })
        },
        why: "The server has ended its side. From then on every read returns 0 bytes at \
              once, and your program goes on reading, for ever.",
    },
    Rule {
        mistake: "M6",
        fits: |all| {
            all.first(&["whole"]).is_some_and(|s| {
                let behind = s.got_bytes.strip_prefix(GREETING.as_bytes());
                // One alone may be the end of a string in the manner of C.
                behind.is_some_and(|behind| behind.starts_with(&[0, 0]))
            })
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
        why: "Your program returned the first line only. The agreement here is another: \
              the greeting ends where the server ends its side.",
    },
    Rule {
        mistake: "M1",
        fits: |all| {
            let pieces = all.first(&["pieces"]);
            pieces.is_some_and(|s| s.got_bytes == FIRST_PIECE) && is_cut_short(all)
        },
        why: "The server said its greeting in pieces, and your program returned what \
              one read had brought. The rest was still on its way.",
    },
    Rule {
        mistake: "M1",
        fits: |all| {
            let whole = all.first(&["whole"]);
            let pieces = all.symptom("pieces");
            // What is only trimmed has been read to its end.
            whole.is_some_and(|s| {
                let rest = s.expected_bytes.strip_prefix(&s.got_bytes[..]);
                s.kind == Kind::WrongValue
                    && s.got_bytes.len() > FIRST_PIECE.len()
                    && rest.is_some_and(|rest| !rest.trim_ascii().is_empty())
            }) && pieces.is_some_and(|s| s.got_bytes == FIRST_PIECE)
                && is_cut_short(all)
        },
        why: "Your program returned the beginning of the greeting, and of one that comes \
              in pieces the first piece alone: what one read brings. Only a read of 0 \
              bytes says that this was all.",
    },
    Rule {
        mistake: "M11",
        // The same letters, whole, were no trouble, and neither were pieces.
        fits: |all| all.first(&["char"]).is_some(),
        why: "The two bytes of `é` came in two pieces. Your program turned each piece \
              into text by itself, and half a character is no text.",
    },
];
