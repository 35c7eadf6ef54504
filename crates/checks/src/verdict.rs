//! What a check says in the end, as data.
//!
//! A [`Verdict`] is what `--json` prints and what the terminal and the book's pages
//! are drawn from: [`Verdict::to_text`] and [`Verdict::to_html`].

use nanoserde::{DeJson, SerJson};
use wire::Timeline;

/// The outcome of one check of one exercise.
#[derive(Clone, Debug, PartialEq, SerJson, DeJson)]
pub struct Verdict {
    /// The exercise's id, such as `tcp/timestamps`.
    pub exercise: String,
    /// Whether every probe passed. A skipped probe does not fail an exercise.
    pub passed: bool,
    /// Every probe in order, from the simplest to the hardest.
    pub probes: Vec<Probed>,
    /// The first probe that failed, told whole.
    pub failure: Option<Failure>,
    /// How long the check took, in microseconds.
    pub micros: u64,
    /// How much of that the check waited on purpose (pauses that shape the input,
    /// observation of an idle program), in microseconds.
    pub waited_micros: u64,
}

/// One probe and what became of it.
#[derive(Clone, Debug, PartialEq, SerJson, DeJson)]
pub struct Probed {
    /// The probe's short name, such as `split`.
    pub name: String,
    /// What it does, such as "a line that arrives in two pieces".
    pub title: String,
    /// What became of it.
    pub state: ProbeState,
}

/// What became of a probe.
#[derive(Clone, Debug, PartialEq, Eq, SerJson, DeJson)]
pub enum ProbeState {
    /// The program did what it should.
    Passed,
    /// It did not.
    Failed,
    /// The machine lacks what the probe needs; the text says what.
    Skipped(String),
}

/// The first failing probe: what was done, what was expected, what came, and why.
#[derive(Clone, Debug, PartialEq, SerJson, DeJson)]
pub struct Failure {
    /// The probe's short name.
    pub probe: String,
    /// What the probe does.
    pub title: String,
    /// The stub's `todo!()` was reached: this is the task, not a mistake.
    pub untouched: bool,
    /// What went wrong, in a few words, such as "no answer came".
    pub summary: String,
    /// What the peer expected; may be empty.
    pub expected: String,
    /// What came instead; may be empty.
    pub got: String,
    /// What the kernel says of the program, a sentence each.
    pub kernel: Vec<String>,
    /// The mistake, where the symptoms name one.
    pub mistake: Option<Diagnosis>,
    /// Where and why the program panicked, such as `src/lib.rs:12:5: …`.
    pub panic: Option<String>,
    /// What the program printed, its standard output and error together, shortened.
    pub output: String,
    /// The conversation as the peer saw it.
    pub timeline: Timeline,
}

/// A named mistake.
#[derive(Clone, Debug, Default, PartialEq, Eq, SerJson, DeJson)]
pub struct Diagnosis {
    /// The mistake's id in the catalogue, such as `M1`.
    pub id: String,
    /// Its name, such as "One read is not one message".
    pub name: String,
    /// One or two sentences: why the symptoms point at it.
    pub why: String,
    /// Where the book tells more, such as `02-bytes.html#one-read-is-not-one-message`.
    pub page: String,
}
