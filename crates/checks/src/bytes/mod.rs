//! Lesson 2: bytes, not messages.

mod chat_line;
mod read_line;
mod upload;
mod words;
mod write_all;

pub use chat_line::chat_line;
pub use read_line::read_line;
pub use upload::upload;
pub use words::words;
pub use write_all::write_all;

use std::io;

use wire::script::{RUNAWAY, Script};
use wire::view;

use crate::diagnosis::{Findings, Rule};
use crate::engine::{Probe, Report};
use crate::symptom::{Kind, Symptom};

/// The sizes of pieces in which every message has to arrive whole.
const SIZES: [usize; 8] = [1, 2, 3, 5, 7, 64, 1000, 4096];

/// A probe of a function over a script, which `judge` is given as often as it likes.
fn scripted(
    name: &'static str,
    title: &'static str,
    judge: impl Fn(&dyn Fn() -> Script) -> Result<(), Symptom> + Send + Sync + 'static,
) -> Probe {
    Probe::script(name, title, move |report: &Report| {
        judge(&|| Script::recorded_by(report.recorder(), 1))
    })
}

/// The value of a function that had no reason to fail.
fn succeeded<T>(result: io::Result<T>, expected: &str) -> Result<T, Symptom> {
    result.map_err(|error| {
        let summary = "your function returned an error where there was none";
        Symptom::new(Kind::Error, summary).with_words(expected, told(&error))
    })
}

/// That a function returned an error of this kind; `value` puts any other result
/// into words.
fn failed<T>(
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
fn told(error: &io::Error) -> String {
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
        fits: |all| first_words(all).is_some_and(|words| words.contains(RUNAWAY)),
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

/// All that was said of the first failure.
fn first_words(all: &Findings<'_>) -> Option<String> {
    let symptom = all.seen.iter().find_map(|(_, symptom)| *symptom)?;
    Some(format!(
        "{} {}",
        symptom.got,
        symptom.panic.as_deref().unwrap_or_default()
    ))
}
