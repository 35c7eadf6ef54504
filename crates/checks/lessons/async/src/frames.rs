//! `async/frames`: a reader that may be interrupted.

use std::io::{self, ErrorKind};
use std::net::TcpStream;

use super::listen_and_take;
use checks::diagnosis::{self, Findings, Rule};
use checks::engine::{Check, Peer, Probe, Report, Seen, Stage};
use checks::symptom::{Doing, Kind, Symptom};

/// The learner's program: a conversation, and a clock that ticks with each byte.
type Converse = fn(TcpStream, TcpStream) -> io::Result<()>;

/// The check of `async/frames`: it drives the conversation, and ticks when it likes.
pub fn frames(converse: Converse) -> Check {
    type Play = fn(&mut Stage, &mut Table) -> Result<(), Symptom>;
    let probe = |name, title, play: Play| {
        let act = move |report: &Report| act(report, converse);
        Probe::server(name, title, act, move |stage| {
            let stream = stage.connect()?;
            let clock = stage.connect()?;
            stage.note("#1 is the conversation; a byte on #2 is a tick of the clock");
            play(stage, &mut Table { stream, clock })
        })
    };
    let probes = vec![
        probe(
            "whole",
            "two frames, one after the other",
            |stage, table| {
                table.ask(stage, b"hello")?;
                table.ask(stage, b"and again")
            },
        ),
        probe("joined", "three frames in one piece", joined),
        probe(
            "pieces",
            "a frame in pieces, without a tick",
            |stage, table| table.in_pieces(stage, b"hello", &[1, 3, 4], false),
        ),
        probe(
            "across",
            "a frame and a half, then the other half",
            |stage, table| behind(stage, table, false),
        ),
        probe(
            "large",
            "a frame of 65,535 bytes in four pieces",
            |stage, table| table.in_pieces(stage, &LARGE, &CUTS, false),
        ),
        probe("tick", "a tick between two frames", |stage, table| {
            table.ask(stage, b"one")?;
            table.tick(stage)?;
            table.ask(stage, b"two")
        }),
        probe(
            "half",
            "half a frame, a tick, the other half",
            |stage, table| table.in_pieces(stage, b"hello", &[4], true),
        ),
        probe(
            "length",
            "half a length, a tick, the rest",
            |stage, table| table.in_pieces(stage, b"hello", &[1], true),
        ),
        probe("header", "a length, a tick, the rest", |stage, table| {
            table.in_pieces(stage, b"hello", &[2], true)
        }),
        probe("every", "a frame byte by byte, and ticks between", every),
        probe(
            "behind",
            "a frame and a half, a tick, the other half",
            |stage, table| behind(stage, table, true),
        ),
        probe(
            "long",
            "a frame of 65,535 bytes in four pieces, and ticks",
            |stage, table| table.in_pieces(stage, &LARGE, &CUTS, true),
        ),
        probe(
            "empty",
            "an empty frame, and one behind it",
            |stage, table| {
                table.ask(stage, b"")?;
                table.ask(stage, b"still there?")
            },
        ),
        probe("end", "the end behind a frame", |stage, table| {
            table.ask(stage, b"last words")?;
            table.stream.end();
            stage.expect_end(&mut table.stream)?;
            expect_returned(stage, "Ok")
        }),
        probe("cut", "the end in the middle of a frame", |stage, table| {
            stage.send(&mut table.stream, b"\0\x05hel")?;
            table.stream.end();
            expect_returned(stage, &format!("Err({:?})", ErrorKind::UnexpectedEof))
        }),
        probe(
            "short",
            "the end in the middle of a length",
            |stage, table| {
                table.ask(stage, b"hello")?;
                stage.send(&mut table.stream, b"\0")?;
                table.stream.end();
                expect_returned(
                    stage,
                    &format!("Err({:?})", ErrorKind::UnexpectedEof),
                )
            },
        ),
        probe("rest", "a peer that is silent with half a frame said", rest).early(),
    ];
    Check::new("async/frames", probes, diagnose)
}

/// Two connections are taken: what is said on the first is the conversation.
fn act(report: &Report, converse: Converse) {
    let result = listen_and_take(report)
        .and_then(|(_, [stream, clock])| converse(stream, clock));
    report.returned(Ok::<_, String>(match result {
        Ok(()) => "Ok".to_string(),
        Err(error) => format!("Err({:?}): {error}", error.kind()),
    }));
    loop {
        std::thread::park(); // the check ends this process
    }
}

/// The check's ends of the conversation and of the clock.
struct Table {
    stream: Peer,
    clock: Peer,
}

fn frame(text: &[u8]) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("no probe has a longer one");
    [&length.to_be_bytes(), text].concat()
}

impl Table {
    fn ask(&mut self, stage: &mut Stage, text: &[u8]) -> Result<(), Symptom> {
        stage.send(&mut self.stream, &frame(text))?;
        stage.expect(&mut self.stream, &frame(&text.to_ascii_uppercase()))
    }

    /// A tick, and the program's frame that answers it.
    fn tick(&mut self, stage: &mut Stage) -> Result<(), Symptom> {
        stage.send(&mut self.clock, b"t")?;
        stage.expect(&mut self.stream, &frame(b"tick"))
    }

    /// One frame, cut at these places; each piece is taken before the next comes.
    fn in_pieces(
        &mut self,
        stage: &mut Stage,
        text: &[u8],
        cuts: &[usize],
        ticks: bool,
    ) -> Result<(), Symptom> {
        let whole = frame(text);
        let mut begin = 0;
        for cut in cuts {
            stage.send(&mut self.stream, &whole[begin..*cut])?;
            stage.until_taken(&mut self.stream)?;
            if ticks {
                self.tick(stage)?;
            }
            begin = *cut;
        }
        stage.send(&mut self.stream, &whole[begin..])?;
        stage.expect(&mut self.stream, &frame(&text.to_ascii_uppercase()))
    }
}

fn joined(stage: &mut Stage, table: &mut Table) -> Result<(), Symptom> {
    let texts: [&[u8]; 3] = [b"one", b"two", b"three"];
    let said: Vec<u8> = texts.iter().flat_map(|text| frame(text)).collect();
    stage.send(&mut table.stream, &said)?;
    stage.expect(&mut table.stream, &said.to_ascii_uppercase())
}

fn every(stage: &mut Stage, table: &mut Table) -> Result<(), Symptom> {
    let cuts: Vec<usize> = (1..7).collect();
    table.in_pieces(stage, b"hello", &cuts, true)?;
    table.ask(stage, b"and again")
}

fn behind(stage: &mut Stage, table: &mut Table, ticks: bool) -> Result<(), Symptom> {
    let said = [frame(b"one"), frame(b"two")].concat();
    let (first, rest) = said.split_at(8);
    stage.send(&mut table.stream, first)?;
    stage.expect(&mut table.stream, &frame(b"ONE"))?;
    stage.until_taken(&mut table.stream)?;
    if ticks {
        table.tick(stage)?;
    }
    stage.send(&mut table.stream, rest)?;
    stage.expect(&mut table.stream, &frame(b"TWO"))
}

/// The longest frame that there can be, and where it is cut.
static LARGE: [u8; u16::MAX as usize] = [b'x'; u16::MAX as usize];
const CUTS: [usize; 3] = [5_000, 20_000, 40_000];

fn rest(stage: &mut Stage, table: &mut Table) -> Result<(), Symptom> {
    stage.send(&mut table.stream, b"\0\x05he")?;
    stage.until_taken(&mut table.stream)?;
    stage.expect_rest_in_silence()?;
    stage.send(&mut table.stream, b"llo")?;
    stage.expect(&mut table.stream, &frame(b"HELLO"))
}

fn expect_returned(stage: &mut Stage, wanted: &str) -> Result<(), Symptom> {
    let (Ok(got) | Err(got)) = stage.returned()?;
    if got.starts_with(wanted) {
        return Ok(());
    }
    let summary = "the conversation ended otherwise";
    Err(Symptom::new(Kind::WrongValue, summary).with_words(wanted, got))
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: <[u8]>::to_vec,
    };
    diagnosis::name(&[RULES], &findings)
}

const INTERRUPTED: &[&str] = &["half", "length", "header", "every", "behind", "long"];

const RULES: &[Rule] = &[
    Rule {
        mistake: "M1",
        fits: |all| {
            let first = all.first(&["pieces"]);
            let told = |s: &Symptom| match s.kind {
                Kind::Wrong | Kind::EarlyEnd => true,
                Kind::NoAnswer => s.is_over(),
                _ => false,
            };
            all.passed("whole") && all.passed("joined") && first.is_some_and(told)
        },
        why: "A frame that came in one piece was understood; in pieces it was not. \
              One read brings what has come so far, be it half a frame or half a \
              length.",
    },
    Rule {
        mistake: "M2",
        fits: |all| {
            let first = all.first(&["joined"]);
            first.is_some_and(|s| {
                s.doing == Some(Doing::Blocked) && s.got_bytes == frame(b"ONE")
            })
        },
        why: "Three frames came together, one was answered. What the read had \
              brought behind it has to be kept for the next call.",
    },
    Rule {
        mistake: "M32",
        fits: |all| {
            let lost = |s: &Symptom| {
                matches!(s.kind, Kind::NoAnswer | Kind::Wrong | Kind::EarlyEnd)
                    && s.panic.is_none()
            };
            all.passed("pieces")
                && all.passed("tick")
                && all.first(INTERRUPTED).is_some_and(lost)
        },
        why: "The same pieces without a tick between them were put together. With \
              the tick, `select!` dropped the future of `next`, and what it had read \
              was gone with it: the bytes lay in the future, and have to lie in the \
              reader.",
    },
];
