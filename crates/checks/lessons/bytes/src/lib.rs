//! The checks of lesson 2: bytes, not messages.

mod chat_line;
mod read_line;
mod upload;
mod words;
mod write_all;

pub use chat_line::chat_line;
pub use checks::Check;
pub use read_line::read_line;
pub use upload::upload;
pub use words::words;
pub use write_all::write_all;

use std::cell::RefCell;
use std::io;
use std::panic::{self, AssertUnwindSafe};

use wire::script::{PATIENCE, Script};
use wire::view;

use checks::diagnosis::Rule;
use checks::engine::{Probe, Report};
use checks::symptom::{Kind, Loop, Symptom};

/// The sizes of pieces in which every message has to arrive whole.
const SIZES: [usize; 8] = [1, 2, 3, 5, 7, 64, 1000, 4096];

/// A probe of a function over a script, which `judge` is given as often as it likes.
pub fn scripted(
    name: &'static str,
    title: &'static str,
    judge: impl Fn(&dyn Fn() -> Script) -> Result<(), Symptom> + Send + Sync + 'static,
) -> Probe {
    Probe::script(name, title, move |report: &Report| {
        let last = RefCell::new(None);
        let script = || {
            let script = Script::recorded_by(report.recorder(), 1);
            last.replace(Some(script.clone()));
            script
        };
        let judged = panic::catch_unwind(AssertUnwindSafe(|| judge(&script)));
        let script = last.take();
        let ran_away = script.as_ref().is_some_and(Script::ran_away);
        match (judged, script) {
            (Ok(judged), Some(script)) => judged.map_err(|s| seen_by(&script, s)),
            (Ok(judged), None) => judged,
            // The script itself has stopped the function so.
            (Err(_), Some(script)) if ran_away => {
                let symptom = Symptom::new(Kind::NoAnswer, "");
                Err(seen_by(&script, symptom))
            }
            (Err(panic), _) => panic::resume_unwind(panic),
        }
    })
}

/// The symptom with what the script knows of how the function called it.
fn seen_by(script: &Script, mut symptom: Symptom) -> Symptom {
    let asked = script.asked();
    if asked.last() == Some(&0) {
        symptom.kernel.push(NO_ROOM.into());
    }
    if !script.ran_away() {
        return symptom;
    }
    let (loops, summary, got) = if asked.last() == Some(&0) {
        let got = "reads of up to 0 bytes, again and again";
        (
            Loop::NoRoom,
            "your function reads into a buffer without room",
            got,
        )
    } else if script.ends() > PATIENCE {
        let got = "reads that return 0 bytes, again and again";
        (Loop::End, "your function reads on after the end", got)
    } else {
        let got = "writes that take nothing, again and again";
        (
            Loop::Full,
            "your function writes on though nothing is taken",
            got,
        )
    };
    symptom.signs.loops = Some(loops);
    (symptom.summary, symptom.got) = (summary.into(), got.into());
    symptom
}

const NO_ROOM: &str = "The last read asked for up to 0 bytes: its buffer has no room. \
     (A `Vec` that has only a capacity has a length of 0.)";

/// The value of a function that had no reason to fail.
pub fn succeeded<T>(result: io::Result<T>, expected: &str) -> Result<T, Symptom> {
    result.map_err(|error| {
        let summary = "your function returned an error where there was none";
        Symptom::new(Kind::Error, summary).with_words(expected, told(&error))
    })
}

/// That a function returned an error of this kind; `value` puts any other result
/// into words.
pub fn failed<T>(
    result: io::Result<T>,
    kind: io::ErrorKind,
    value: impl FnOnce(T) -> String,
) -> Result<(), Symptom> {
    let wanted = format!("an error of the kind {kind:?}");
    match result {
        Err(error) if error.kind() == kind => Ok(()),
        Err(error) => Err(Symptom::new(Kind::Error, "the error is of another kind")
            .with_words(wanted, told(&error))),
        Ok(got) => Err(Symptom::new(Kind::NoError, "your function saw no error")
            .with_words(wanted, value(got))),
    }
}

/// An error for people: its kind and its words.
pub fn told(error: &io::Error) -> String {
    format!("an error of the kind {:?}: {error}", error.kind())
}

/// What a function that reads one message returned, for people.
fn shown(message: Option<&[u8]>) -> String {
    match message {
        Some(bytes) if bytes.len() > 100 => {
            format!("a message of {} bytes", bytes.len())
        }
        Some(bytes) => format!("Some({})", view::escaped(bytes)),
        None => "None".into(),
    }
}

/// That a function which reads one message returned this one.
fn message(
    result: io::Result<Option<Vec<u8>>>,
    expected: Option<&[u8]>,
) -> Result<(), Symptom> {
    let got = succeeded(result, &shown(expected))?;
    if got.as_deref() == expected {
        return Ok(());
    }
    let mut symptom =
        Symptom::new(Kind::WrongValue, "that is not what the stream held")
            .with_words(shown(expected), shown(got.as_deref()));
    symptom.expected_bytes = expected.unwrap_or_default().to_vec();
    symptom.got_bytes = got.unwrap_or_default();
    Err(symptom)
}

/// Mistakes of every function over a stream.
const STREAM_RULES: &[Rule] = &[
    Rule {
        mistake: "M5",
        fits: |all| {
            let first = all.seen.iter().find_map(|(_, symptom)| *symptom);
            first.is_some_and(|s| s.signs.loops == Some(Loop::End))
        },
        why: "A read that returns 0 bytes says that there will never be more. Your \
              function asked again, for ever.",
    },
    Rule {
        mistake: "M38",
        fits: |all| {
            let first = all.first(&["interrupted"]);
            first.is_some_and(|s| {
                s.kind == Kind::Error && s.got.contains("Interrupted")
            })
        },
        why: "A signal had interrupted the call before it moved a byte (EINTR). Nothing \
              is wrong with the stream: the call has to be made again.",
    },
];
