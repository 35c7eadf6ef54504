//! `bytes/read-line`: lines out of a stream that is cut anywhere.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use wire::script::Script;
use wire::view;

use super::{SIZES, STREAM_RULES, failed, message, scripted, shown};
use checks::diagnosis::{self, Findings, Rule};
use checks::engine::{Check, Seen};
use checks::symptom::{Kind, Symptom};

const MAX_LINE: usize = 1024;

/// How much more than a line may be read before its length is noticed: what a
/// generous buffer brings in one read.
const AHEAD: usize = 64 << 10;

/// Gives the next line of one script.
type Next = Box<dyn FnMut() -> io::Result<Option<Vec<u8>>>>;

/// The learner's reader of lines, begun on a script.
type Start = dyn Fn(Script) -> Next + Send + Sync;

/// The check of `bytes/read-line`: a constructor, and the method for the next line.
pub fn read_line<L: 'static>(
    new: fn(Script) -> L,
    next_line: impl Fn(&mut L) -> io::Result<Option<Vec<u8>>> + Send + Sync + 'static,
) -> Check {
    let next_line = Arc::new(next_line);
    check(Arc::new(move |script| {
        let (mut lines, next_line) = (new(script), Arc::clone(&next_line));
        Box::new(move || next_line(&mut lines))
    }))
}

fn check(start: Arc<Start>) -> Check {
    let probe = |name, title, judge: Judge| {
        let start = Arc::clone(&start);
        scripted(name, title, move |script| judge(&*start, script))
    };
    let probes = vec![
        probe("whole", "one line, whole", |start, script| {
            lines(start, script().gives(b"hello\n"), &[b"hello"])
        }),
        probe("split", "a line in three pieces", |start, script| {
            lines(
                start,
                script().gives_pieces(&[b"he", b"ll", b"o\n"]),
                &[b"hello"],
            )
        }),
        probe("joined", "three lines in one piece", |start, script| {
            let expected: [&[u8]; 3] = [b"one", b"two", b"three"];
            lines(start, script().gives(b"one\ntwo\nthree\n"), &expected)
        }),
        probe(
            "across",
            "a line and a half, then the other half",
            |start, script| {
                let script = script().gives_pieces(&[b"one\ntw", b"o\nthree", b"\n"]);
                lines(start, script, &[b"one", b"two", b"three"])
            },
        ),
        probe(
            "live",
            "two lines in one piece, and a pause behind them",
            live,
        ),
        probe("tail", "a last line without a newline", |start, script| {
            lines(start, script().gives(b"one\ntail"), &[b"one", b"tail"])
        }),
        probe(
            "empty",
            "empty lines, and bytes that are no text",
            |start, script| {
                lines(
                    start,
                    script().gives(b"\n\n\xFF\x00\n"),
                    &[b"", b"", b"\xFF\x00"],
                )
            },
        ),
        probe("sizes", "forty lines in pieces of every size", every_size),
        probe(
            "interrupted",
            "reads that a signal interrupts",
            |start, script| {
                let script =
                    script().gives(b"one\ntw").interrupts_reads(2).gives(b"o\n");
                lines(start, script, &[b"one", b"two"])
            },
        ),
        probe(
            "broken",
            "a connection that is reset in a line",
            |start, script| {
                let script =
                    script().gives(b"one\ntw").fails(ErrorKind::ConnectionReset);
                let mut next = start(script);
                message(next(), Some(b"one"))?;
                failed(next(), ErrorKind::ConnectionReset, |got| {
                    shown(got.as_deref())
                })
            },
        ),
        probe("longest", "a line of exactly 1024 bytes", longest),
        probe("endless", "131,072 bytes without a newline", endless),
        probe("over", "a line of 1025 bytes", over),
        probe(
            "blanks",
            "lines with blanks at both ends, and a carriage return",
            |start, script| {
                let expected: [&[u8]; 2] = [b"  one \t", b"two\r"];
                lines(start, script().gives(b"  one \t\ntwo\r\n"), &expected)
            },
        ),
    ];
    Check::new("bytes/read-line", probes, diagnose)
}

type Judge = fn(&Start, &dyn Fn() -> Script) -> Result<(), Symptom>;

/// That a script holds exactly these lines.
fn lines(start: &Start, script: Script, expected: &[&[u8]]) -> Result<(), Symptom> {
    let mut next = start(script);
    let mut each = expected.iter().map(|line| Some(*line)).chain([None]);
    each.try_for_each(|expected| message(next(), expected))
}

fn every_size(start: &Start, script: &dyn Fn() -> Script) -> Result<(), Symptom> {
    let texts: Vec<String> = (0..40).map(|n| format!("{:->n$}", ">")).collect();
    let expected: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
    let mut stream = expected.join(&b'\n');
    stream.push(b'\n');
    for size in SIZES {
        let script = script().gives_in(&stream, size);
        lines(start, script, &expected).map_err(|mut symptom| {
            symptom.summary += &format!(", which came in pieces of {size} bytes");
            symptom
        })?;
    }
    Ok(())
}

/// On a live connection, a read behind the second line would wait.
fn live(start: &Start, script: &dyn Fn() -> Script) -> Result<(), Symptom> {
    let script = script().gives(b"one\ntwo\n").would_block(1);
    let mut next = start(script.clone());
    message(next(), Some(b"one"))?;
    let all_taken = script.unread().is_empty();
    let reads = script.reads();
    let second = next();
    if all_taken && script.reads() > reads {
        let summary = "your function asked for more while it had a whole line";
        return Err(Symptom::new(Kind::Rule, summary).with_words(
            "\"two\", which has come already, without a read",
            "a read, which waits until the other side says more",
        ));
    }
    message(second, Some(b"two"))
}

/// Sizes of pieces whose bounds lie at, before and behind the longest line's end.
const AROUND: [usize; 8] = [1, 100, 512, 1000, 1023, 1024, 1025, 4096];

fn in_pieces_of(size: usize) -> impl FnOnce(Symptom) -> Symptom {
    move |mut symptom| {
        let bytes = view::bytes(size as u64);
        symptom.summary += &format!(", which came in pieces of {bytes}");
        symptom
    }
}

fn longest(start: &Start, script: &dyn Fn() -> Script) -> Result<(), Symptom> {
    let line = [b'x'; MAX_LINE];
    let stream = [&line[..], b"\n"].concat();
    AROUND.into_iter().try_for_each(|size| {
        let script = script().gives_in(&stream, size);
        lines(start, script, &[&line]).map_err(in_pieces_of(size))
    })
}

fn over(start: &Start, script: &dyn Fn() -> Script) -> Result<(), Symptom> {
    let stream = [&[b'x'; MAX_LINE + 1][..], b"\n"].concat();
    AROUND.into_iter().try_for_each(|size| {
        let mut next = start(script().gives_in(&stream, size));
        failed(next(), ErrorKind::InvalidData, |got| shown(got.as_deref()))
            .map_err(in_pieces_of(size))
    })
}

fn endless(start: &Start, script: &dyn Fn() -> Script) -> Result<(), Symptom> {
    const ALL: usize = 128 << 10;
    let script = script().gives_in(&[b'x'; ALL], 1000);
    let mut next = start(script.clone());
    let seen = failed(next(), ErrorKind::InvalidData, |got| shown(got.as_deref()));
    let read = ALL - script.unread().len();
    if read <= MAX_LINE + AHEAD {
        return seen;
    }
    let summary = "your function read far more than the longest line";
    Err(Symptom::new(Kind::Rule, summary).with_words(
        format!(
            "an error soon after {} bytes",
            view::number(MAX_LINE as u64)
        ),
        format!("{} read", view::bytes(read as u64)),
    ))
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: <[u8]>::to_vec,
    };
    diagnosis::name(&[STREAM_RULES, RULES], &findings)
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M1",
        fits: |all| all.first(&["split"]).is_some_and(|s| s.got_bytes == b"he"),
        why: "The line came in three pieces, and your function gave out the first one \
              as if it were the line: it took what one read brought for one message.",
    },
    Rule {
        mistake: "M2",
        fits: |all| {
            all.first(&["joined", "across"]).is_some_and(|s| {
                let ends = s.got == "None" || s.got_bytes == b"o";
                s.kind == Kind::WrongValue && ends
            })
        },
        why: "What the same read had brought behind the first line never came out. It \
              has to be kept for the next call, which looks at it before it reads: in \
              a buffer, or in one `BufReader`, that lives as long as the stream.",
    },
    Rule {
        mistake: "M10",
        fits: |all| {
            all.first(&["tail"]).is_some_and(|s| {
                s.kind == Kind::WrongValue
                    && s.expected_bytes == b"tail"
                    && s.got == "None"
            })
        },
        why: "The input ended behind `tail`, and your function did not give it out: \
              only what had a newline behind it was taken for a line.",
    },
    Rule {
        mistake: "M39",
        fits: |all| {
            all.first(&["broken"])
                .is_some_and(|s| s.kind == Kind::NoError)
        },
        why: "The connection broke in the middle of a line, and your function kept that \
              to itself: whoever asked takes what there is for all there was.",
    },
    Rule {
        mistake: "M37",
        fits: |all| {
            all.first(&["endless"])
                .is_some_and(|s| s.kind == Kind::Rule)
        },
        why: "Your function read on and on while no newline came. So the other side \
              decides how long that takes and, as far as you keep what you read, how \
              much memory.",
    },
];
