//! `bytes/chat-line`: text after the cut, not before.

use std::sync::Arc;

use wire::Side;

use checks::diagnosis::{self, Findings, Rule};
use checks::engine::{Check, Probe, Report, Seen};
use checks::symptom::{Kind, Symptom};

/// Pushes pieces into a new decoder: the lines after each piece, then what is left
/// at the end.
type Decode =
    dyn Fn(&[&[u8]], &Report) -> (Vec<Vec<String>>, Option<String>) + Send + Sync;

type Judge = fn(&Decode, &Report) -> Result<(), Symptom>;

/// The check of `bytes/chat-line`: a constructor, the method that takes a piece in,
/// and the one that ends.
pub fn chat_line<D: 'static>(
    new: fn() -> D,
    push: fn(&mut D, &[u8]) -> Vec<String>,
    finish: fn(D) -> Option<String>,
) -> Check {
    check(Arc::new(move |pieces, report| {
        let recorder = report.recorder();
        let mut decoder = new();
        let mut after_each = Vec::new();
        for piece in pieces {
            recorder.sent(1, Side::Left, piece);
            let lines = push(&mut decoder, piece);
            for line in &lines {
                recorder.sent(1, Side::Right, line.as_bytes());
            }
            after_each.push(lines);
        }
        recorder.end(1, Side::Left);
        let rest = finish(decoder);
        if let Some(rest) = &rest {
            recorder.sent(1, Side::Right, rest.as_bytes());
        }
        (after_each, rest)
    }))
}

fn check(decode: Arc<Decode>) -> Check {
    let probe = |name, title, judge: Judge| {
        let decode = Arc::clone(&decode);
        Probe::script(name, title, move |report| judge(&*decode, report))
    };
    let probes = vec![
        probe(
            "whole",
            "two lines, each in a piece of its own",
            |decode, report| {
                lines(
                    decode,
                    report,
                    &[b"hello\n", b"again\n"],
                    &[&["hello"], &["again"]],
                )
            },
        ),
        probe("split", "a line in two pieces", |decode, report| {
            lines(decode, report, &[b"hel", b"lo\n"], &[&[], &["hello"]])
        }),
        probe("joined", "three lines in one piece", joined),
        probe("accent", "a letter of two bytes", |decode, report| {
            let piece = "café\n".as_bytes();
            lines(decode, report, &[piece], &[&["café"]])
        }),
        probe(
            "char",
            "a letter of two bytes that is split between two pieces",
            |decode, report| {
                lines(decode, report, &[b"caf\xC3", b"\xA9\n"], &[&[], &["café"]])
            },
        ),
        probe(
            "bytes",
            "four-byte characters, a byte at a time",
            |decode, report| {
                let text = "grüße 🦀\nund 你好\n";
                let pieces: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
                let (got, rest) = decode(&pieces, report);
                let got: Vec<String> = got.into_iter().flatten().collect();
                same(&["grüße 🦀", "und 你好"], &got)?;
                left(None, rest)
            },
        ),
        probe("tail", "a last line without a newline", |decode, report| {
            let (got, rest) = decode(&[b"one\nta", b"il"], report);
            same(&["one"], &got.concat())?;
            left(Some("tail"), rest)
        }),
        probe(
            "nothing",
            "empty lines, empty pieces and an empty end",
            |decode, report| {
                let expected: [&[&str]; 3] = [&[], &["", ""], &[]];
                lines(decode, report, &[b"", b"\n\n", b""], &expected)
            },
        ),
        probe(
            "invalid",
            "bytes that are no text, between two lines that are",
            |d, report| {
                let pieces: [&[u8]; 2] = [b"one\nt\xFFw", b"o\nthree\n"];
                lines(d, report, &pieces, &[&["one"], &["t\u{FFFD}wo", "three"]])
            },
        ),
        probe(
            "blanks",
            "lines with blanks at both ends, and a carriage return",
            |d, report| {
                let (got, rest) = d(&[b"  one \t\ntwo\r\n", b" ta", b"il "], report);
                same(&["  one \t", "two\r"], &got.concat())?;
                left(Some(" tail "), rest)
            },
        ),
    ];
    Check::new("bytes/chat-line", probes, diagnose)
}

/// That these pieces give these lines, each as soon as it is complete, and leave
/// nothing.
fn lines(
    decode: &Decode,
    report: &Report,
    pieces: &[&[u8]],
    expected: &[&[&str]],
) -> Result<(), Symptom> {
    let (got, rest) = decode(pieces, report);
    same(&expected.concat(), &got.concat())?;
    if got
        .iter()
        .map(Vec::len)
        .ne(expected.iter().map(|lines| lines.len()))
    {
        return Err(Symptom::new(Kind::Rule, "the lines came late").with_words(
            format!("{expected:?}, piece by piece"),
            format!("{got:?}"),
        ));
    }
    left(None, rest)
}

fn joined(decode: &Decode, report: &Report) -> Result<(), Symptom> {
    let (piece, expected) = (b"one\ntwo\nthree\n", ["one", "two", "three"]);
    let result = lines(decode, report, &[piece], &[&expected]);
    result.map_err(|mut symptom| {
        if symptom.got == "[\"one\"]" {
            // What is missing may be lost, or lie there until something comes.
            let (got, _) = decode(&[piece, b"four\n"], report);
            let later = got.get(1).cloned().unwrap_or_default();
            symptom.signs.later = later.concat().into_bytes();
        }
        symptom
    })
}

fn same(expected: &[&str], got: &[String]) -> Result<(), Symptom> {
    if expected == got {
        return Ok(());
    }
    let mut symptom = Symptom::new(Kind::WrongValue, "those are not the lines")
        .with_words(format!("{expected:?}"), format!("{got:?}"));
    symptom.expected_bytes = expected.concat().into_bytes();
    symptom.got_bytes = got.concat().into_bytes();
    Err(symptom)
}

fn left(expected: Option<&str>, got: Option<String>) -> Result<(), Symptom> {
    if expected == got.as_deref() {
        return Ok(());
    }
    Err(
        Symptom::new(Kind::WrongValue, "that is not what was left at the end")
            .with_words(format!("{expected:?}"), format!("{got:?}")),
    )
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: <[u8]>::to_vec,
    };
    diagnosis::name(&[RULES], &findings)
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M9",
        fits: |all| {
            let kept = r#"["hello\n", "again\n"]"#;
            all.first(&["whole"]).is_some_and(|s| s.got == kept)
        },
        why: "Each line came out with its newline. The newline says where a line ends, \
              and is no part of it.",
    },
    Rule {
        mistake: "M1",
        fits: |all| {
            let split = all.first(&["split"]);
            split.is_some_and(|s| s.got.contains("\"hel\""))
        },
        why: "The line came in two pieces, and your decoder gave out the first one as \
              if it were the line.",
    },
    Rule {
        mistake: "M1",
        fits: |all| {
            let joined = all.first(&["joined"]);
            joined.is_some_and(|s| s.signs.later == b"two")
        },
        why: "Three lines came in one piece. The second was given out only when a \
              fourth line came: one piece may hold any number of lines.",
    },
    Rule {
        mistake: "M2",
        fits: |all| {
            let joined = all.first(&["joined"]);
            joined.is_some_and(|s| s.signs.later == b"four")
        },
        why: "Three lines came in one piece. The first was given out, and what stood \
              behind it was lost.",
    },
    Rule {
        mistake: "M11",
        // Whole, the same letter was no trouble.
        fits: |all| all.first(&["char"]).is_some(),
        why: "The two bytes of `é` came in two pieces. Your decoder turned each piece \
              into text by itself, and half a character is no text.",
    },
    Rule {
        mistake: "M10",
        fits: |all| all.first(&["tail"]).is_some_and(|s| s.got == "None"),
        why: "The stream ended behind `tail`, without a newline, and it was thrown away.",
    },
    Rule {
        mistake: "M45",
        fits: |all| {
            all.first(&["invalid"]).is_some_and(|s| {
                s.panic.is_some()
                    || (s.kind == Kind::WrongValue && !s.got.contains("three"))
            })
        },
        why: "One byte that is no text was enough to stop your decoder. Another side may \
              send any bytes at any time.",
    },
];
