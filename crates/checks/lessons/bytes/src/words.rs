//! `bytes/words`: words with their length in front.

use std::io::{self, ErrorKind};

use wire::script::Script;
use wire::view;

use super::{SIZES, STREAM_RULES, failed, message, scripted, shown, succeeded};
use checks::diagnosis::{self, Findings, Rule};
use checks::engine::{Check, Seen};
use checks::symptom::{Kind, Symptom};

type Write = fn(&mut Script, &[u8]) -> io::Result<()>;
type Read = fn(&mut Script) -> io::Result<Option<Vec<u8>>>;

/// The learner's two functions.
struct Codec {
    write: Write,
    read: Read,
}

type Judge = fn(&Codec, &dyn Fn() -> Script) -> Result<(), Symptom>;

/// The check of `bytes/words`.
pub fn words(write: Write, read: Read) -> Check {
    let probe = |name, title, judge: Judge| {
        let codec = Codec { write, read };
        scripted(name, title, move |script| judge(&codec, script))
    };
    let probes = vec![
        probe("write", "a word is written", |codec, script| {
            written(codec, script(), b"hello", b"\0\x05hello")
        }),
        probe("read", "a word is read", |codec, script| {
            let mut script = script().gives(b"\0\x05hello");
            let first = message((codec.read)(&mut script), Some(b"hello"));
            first.map_err(|symptom| note_the_other_order(symptom, &script))?;
            message((codec.read)(&mut script), None)
        }),
        probe("split", "a word in three pieces", |codec, script| {
            let mut script = script().gives_pieces(&[b"\0", b"\x05he", b"llo"]);
            message((codec.read)(&mut script), Some(b"hello"))
        }),
        probe("joined", "two words in one piece", |codec, script| {
            let mut script = script().gives(b"\0\x03one\0\x03two");
            message((codec.read)(&mut script), Some(b"one"))?;
            let all_taken = script.unread().is_empty();
            let second = message((codec.read)(&mut script), Some(b"two"));
            second.map_err(|mut symptom| {
                if all_taken {
                    symptom.kernel.push(TOOK_BOTH.into());
                }
                symptom
            })?;
            message((codec.read)(&mut script), None)
        }),
        probe("longest", "a word of 65,535 bytes, there and back", longest),
        probe("once", "a word leaves in one write", once),
        probe("sizes", "words in pieces of every size", every_size),
        probe(
            "short",
            "a stream that takes three bytes at a time",
            |codec, script| {
                written(codec, script().takes_at_most(3), b"hello", b"\0\x05hello")
            },
        ),
        probe(
            "interrupted",
            "reads that a signal interrupts",
            |codec, script| {
                let script = script().interrupts_reads(2).gives(b"\0");
                let mut script =
                    script.interrupts_reads(1).gives(b"\x02").gives(b"ok");
                message((codec.read)(&mut script), Some(b"ok"))
            },
        ),
        probe(
            "cut",
            "an input that ends in the middle of a word",
            |codec, script| {
                for piece in [&b"\0"[..], b"\0\x05", b"\0\x05hell"] {
                    let mut script = script().gives(piece);
                    let result = (codec.read)(&mut script);
                    failed(result, ErrorKind::UnexpectedEof, |got| {
                        shown(got.as_deref())
                    })?;
                }
                Ok(())
            },
        ),
        probe("refused", "words that are too long, or empty", refused),
        probe(
            "zero",
            "a length of 0 from the other side",
            |codec, script| {
                let mut script = script().gives(b"\0\0\0\x02ok");
                let result = (codec.read)(&mut script);
                failed(result, ErrorKind::InvalidData, |got| shown(got.as_deref()))
            },
        ),
    ];
    Check::new("bytes/words", probes, diagnose)
}

const TOOK_BOTH: &str = "For the first word your function had taken all 10 bytes off \
     the stream, those of the second word too.";

const OTHER_ORDER: &str = "Your function asked for 1280 bytes: 05 00, as a number.";

/// Says so where the function has read the length with its lower byte first.
fn note_the_other_order(mut symptom: Symptom, script: &Script) -> Symptom {
    if script.asked().contains(&0x0500) {
        symptom.kernel.push(OTHER_ORDER.into());
    }
    symptom
}

fn written(
    codec: &Codec,
    mut script: Script,
    word: &[u8],
    expected: &[u8],
) -> Result<(), Symptom> {
    succeeded((codec.write)(&mut script, word), "Ok(())")?;
    let got = script.written();
    if got == expected {
        return Ok(());
    }
    let summary = "other bytes were written than were agreed";
    Err(Symptom::new(Kind::Wrong, summary).with_bytes(expected, &got))
}

fn longest(codec: &Codec, script: &dyn Fn() -> Script) -> Result<(), Symptom> {
    let word: Vec<u8> = (0..65_535_u32).map(|n| n.to_le_bytes()[0]).collect();
    let frame = [b"\xFF\xFF", &word[..]].concat();
    written(codec, script(), &word, &frame)?;
    message(
        (codec.read)(&mut script().gives_in(&frame, 1448)),
        Some(&word),
    )
}

fn once(codec: &Codec, script: &dyn Fn() -> Script) -> Result<(), Symptom> {
    let mut script = script();
    succeeded((codec.write)(&mut script, b"hello"), "Ok(())")?;
    let writes = script.writes();
    if writes == 1 {
        return Ok(());
    }
    Err(
        Symptom::new(Kind::Rule, "the word did not leave in one write")
            .with_words("1 write", format!("{writes} writes")),
    )
}

fn every_size(codec: &Codec, script: &dyn Fn() -> Script) -> Result<(), Symptom> {
    // Short ones, and some whose length needs its higher byte.
    let lengths = (1..=40).chain(254..=258);
    let words: Vec<Vec<u8>> =
        lengths.map(|n| vec![b'a' + (n % 26) as u8; n]).collect();
    let mut stream = Vec::new();
    for word in &words {
        stream.extend_from_slice(&(word.len() as u16).to_be_bytes());
        stream.extend_from_slice(word);
    }
    for size in SIZES {
        let mut script = script().gives_in(&stream, size);
        for word in &words {
            message((codec.read)(&mut script), Some(word)).map_err(
                |mut symptom| {
                    symptom.summary +=
                        &format!(", which came in pieces of {size} bytes");
                    symptom
                },
            )?;
        }
        message((codec.read)(&mut script), None)?;
    }
    Ok(())
}

fn refused(codec: &Codec, script: &dyn Fn() -> Script) -> Result<(), Symptom> {
    for word in [vec![b'x'; 65_536], Vec::new()] {
        let mut script = script();
        let result = (codec.write)(&mut script, &word);
        let got = script.written();
        let begins = &got[..got.len().min(2)];
        let told = || told_of_refused(&word, &got, begins);
        failed(result, ErrorKind::InvalidInput, |()| told()).map_err(|symptom| {
            Symptom {
                got_bytes: begins.to_vec(),
                expected_bytes: word[..word.len().min(1)].to_vec(),
                ..symptom
            }
        })?;
        if !got.is_empty() {
            let summary = "a part of a refused word was written";
            return Err(Symptom::new(Kind::Rule, summary)
                .with_words("an error alone", told()));
        }
    }
    Ok(())
}

fn told_of_refused(word: &[u8], got: &[u8], begins: &[u8]) -> String {
    let word = view::bytes(word.len() as u64);
    let told = format!(
        "for a word of {word}: {} written",
        view::bytes(got.len() as u64)
    );
    match begins {
        [high, low] => format!("{told}, the first two {high:02X} {low:02X}"),
        _ => told,
    }
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
        mistake: "M30",
        fits: |all| {
            let write = all.first(&["write"]);
            write.is_some_and(|s| s.got_bytes == b"\x05\0hello")
        },
        why: "The two bytes of the length are in the other order: 5 was written as \
              05 00, which the other side reads as 1280.",
    },
    Rule {
        mistake: "M30",
        fits: |all| {
            let told = |s: &Symptom| s.kernel.iter().any(|told| told == OTHER_ORDER);
            all.first(&["read"]).is_some_and(told)
        },
        why: "Your function waited for far more than five bytes: it took 00 05 for \
              1280, the two bytes of the length in the other order.",
    },
    Rule {
        mistake: "M1",
        // The same word, whole, was read well.
        fits: |all| all.first(&["split"]).is_some() && all.passed("joined"),
        why: "Whole words are read well, and words in pieces are not: one read was \
              taken to bring all that was asked for.",
    },
    Rule {
        mistake: "M2",
        fits: |all| {
            let told = |s: &Symptom| s.kernel.iter().any(|told| told == TOOK_BOTH);
            all.first(&["joined"]).is_some_and(told)
        },
        why: "Two words came in one read. The first was given out, and the second was \
              lost with the buffer that had taken both.",
    },
    Rule {
        mistake: "M4",
        fits: |all| {
            all.first(&["short"]).is_some_and(|s| {
                s.kind == Kind::Wrong
                    && s.got_bytes.len() < s.expected_bytes.len()
                    && s.expected_bytes.starts_with(&s.got_bytes)
            })
        },
        why: "The stream took only a part of what it was given, and said how much. The \
              rest was never offered again.",
    },
    Rule {
        mistake: "M43",
        fits: |all| all.first(&["once"]).is_some_and(|s| s.kind == Kind::Rule),
        why: "One word left in several writes. On a connection the kernel may hold the \
              second back until the first is acknowledged, some 40 ms: one message, \
              one write.",
    },
    Rule {
        mistake: "M39",
        fits: |all| all.first(&["cut"]).is_some_and(|s| s.kind == Kind::NoError),
        why: "The input ended inside a word. An end is all right between two words; \
              anywhere else something is missing, and whoever asked has to know.",
    },
    Rule {
        mistake: "M44",
        fits: |all| {
            let refused = all.first(&["refused"]);
            refused.is_some_and(|s| {
                let cut = s.kind == Kind::NoError && s.got_bytes == [0, 0];
                cut && !s.expected_bytes.is_empty()
            })
        },
        why: "65,536 does not fit into two bytes. `as u16` cuts it to 0 without a word, \
              and from then on the other side reads the middle of words as lengths.",
    },
];
