//! `bytes/write-all`: all the bytes, whatever the kernel takes at a time.

use std::io::{self, ErrorKind};

use wire::script::Script;

use super::{STREAM_RULES, failed, scripted, succeeded};
use checks::diagnosis::{self, Findings, Rule};
use checks::engine::{Check, Seen};
use checks::symptom::{Kind, Loop, Symptom};

const TEXT: &[u8] = b"the quick brown fox";

/// The learner's function.
type WriteAll = fn(&mut Script, &[u8]) -> io::Result<()>;
type Judge = fn(WriteAll, &dyn Fn() -> Script) -> Result<(), Symptom>;

/// The check of `bytes/write-all`.
pub fn write_all(write_all: WriteAll) -> Check {
    let probe = |name, title, judge: Judge| {
        scripted(name, title, move |script| judge(write_all, script))
    };
    let probes = vec![
        probe(
            "whole",
            "a stream that takes everything",
            |write_all, script| written(write_all, script(), TEXT),
        ),
        probe(
            "short",
            "a stream that takes two bytes at a time",
            |write_all, script| written(write_all, script().takes_at_most(2), TEXT),
        ),
        probe(
            "uneven",
            "a stream that takes seven bytes at a time",
            |write_all, script| written(write_all, script().takes_at_most(7), TEXT),
        ),
        probe("nothing", "nothing to write", |write_all, script| {
            written(write_all, script().takes_nothing_after(0), b"")
        }),
        probe(
            "interrupted",
            "writes that a signal interrupts",
            |write_all, script| {
                let script = script().takes_at_most(5).interrupts_writes(3);
                written(write_all, script, TEXT)
            },
        ),
        probe(
            "full",
            "a stream that takes no more",
            |write_all, script| {
                let mut script = script().takes_nothing_after(8);
                let result = write_all(&mut script, TEXT);
                failed(result, ErrorKind::WriteZero, |()| "Ok(())".into())
            },
        ),
        probe(
            "broken",
            "a connection that breaks half-way",
            |write_all, script| {
                let mut script = script().refuses_after(8, ErrorKind::BrokenPipe);
                let result = write_all(&mut script, TEXT);
                failed(result, ErrorKind::BrokenPipe, |()| "Ok(())".into())
            },
        ),
    ];
    Check::new("bytes/write-all", probes, diagnose)
}

fn written(
    write_all: WriteAll,
    mut script: Script,
    bytes: &[u8],
) -> Result<(), Symptom> {
    let expected = format!("Ok(()), and {} written", wire::view::escaped(bytes));
    succeeded(write_all(&mut script, bytes), &expected)?;
    let got = script.written();
    if got == bytes {
        return Ok(());
    }
    let summary = "your function returned Ok, but other bytes were written";
    Err(Symptom::new(Kind::WrongValue, summary).with_bytes(bytes, &got))
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: <[u8]>::to_vec,
    };
    diagnosis::name(&[RULES, STREAM_RULES], &findings)
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M4",
        fits: |all| {
            all.first(&["short", "uneven"]).is_some_and(|s| {
                s.kind == Kind::WrongValue
                    && s.got_bytes.len() < TEXT.len()
                    && TEXT.starts_with(&s.got_bytes)
            })
        },
        why: "The stream took only a part of what it was given, and said how much. The \
              rest was never offered again.",
    },
    Rule {
        mistake: "M41",
        fits: |all| {
            all.first(&["short", "uneven"]).is_some_and(|s| {
                let twice = [&TEXT[..2], &TEXT[..2]].concat();
                s.got_bytes.starts_with(&twice)
            })
        },
        why: "After a short write your function began again from the first byte, so the \
              other side gets the beginning twice.",
    },
    Rule {
        mistake: "M42",
        fits: |all| {
            let full = all.first(&["full"]);
            full.is_some_and(|s| s.signs.loops == Some(Loop::Full))
        },
        why: "A write that takes 0 of your bytes will take none the next time either. \
              Your function offered them again and again.",
    },
];
