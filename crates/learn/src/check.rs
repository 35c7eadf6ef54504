//! One check of one exercise: compile it, run its program, read the verdict.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use checks::catalogue::Exercise;
use checks::verdict::{Diagnosis, Verdict};

use crate::compile::{self, Built, Busy};
use crate::keeper::{self, Cancel, Ended, Finished, Limits};
use crate::progress::State;
use crate::project::Project;
use crate::reset;
use checks::json;

/// A check decides within its own, shorter deadlines; this one is for a check that is
/// broken itself.
const DEADLINE: Duration = Duration::from_secs(60);

/// A verdict has some kilobytes. A program that prints more than this is not a check.
const MAX_OUTPUT: u64 = 4 << 20;

/// How many of the last bytes of a check without a verdict are shown.
const TAIL: usize = 2000;

/// What a check came to.
#[derive(Debug)]
pub enum Outcome {
    /// It has a verdict, and the compiler may have warned.
    Judged {
        /// The verdict.
        verdict: Box<Verdict>,
        /// The compiler's warnings as it prints them; may be empty.
        warnings: String,
        /// Whether the learner's file is the stub as it came. Some stubs hold a
        /// program that runs and is to be repaired.
        pristine: bool,
    },
    /// The exercise does not compile; the compiler's words.
    DoesNotCompile(String),
    /// It could not be built for another reason; cargo's words.
    CannotBuild(String),
    /// The check's program ended without a verdict.
    NoVerdict {
        /// How it ended, as a clause: "it was killed by signal 9".
        how: String,
        /// The end of what it printed; may be empty.
        output: String,
    },
    /// It was cancelled.
    Cancelled,
}

/// How far a check is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Cargo has been started.
    Compiling,
    /// Cargo says what it is busy with.
    Cargo(Busy),
    /// The program runs.
    Running,
}

impl Outcome {
    /// Whether the exercise passed.
    pub fn passed(&self) -> bool {
        matches!(self, Outcome::Judged { verdict, .. } if verdict.passed)
    }

    /// Whether this is the stub as it came, which is no failure but a task.
    pub fn is_untouched(&self) -> bool {
        let Outcome::Judged {
            verdict, pristine, ..
        } = self
        else {
            return false;
        };
        let failure = verdict.failure.as_ref();
        failure.is_some_and(|failure| failure.untouched || *pristine)
    }

    /// The mistake that was recognised, if one was.
    pub fn mistake(&self) -> Option<&Diagnosis> {
        let Outcome::Judged { verdict, .. } = self else {
            return None;
        };
        verdict.failure.as_ref()?.mistake.as_ref()
    }

    /// What is to be noted in the learner's progress: nothing for a task not begun
    /// and for a check that was no check; that a pass is one no more, always.
    pub fn state(&self) -> Option<Option<State>> {
        match self {
            Outcome::Judged { verdict, .. } if verdict.passed => {
                Some(Some(State::Passed))
            }
            Outcome::Judged { .. } if self.is_untouched() => Some(None),
            Outcome::Judged { .. }
            | Outcome::DoesNotCompile(_)
            | Outcome::NoVerdict { .. } => Some(Some(State::Failed)),
            Outcome::CannotBuild(_) | Outcome::Cancelled => None,
        }
    }

    /// One line on what is wrong; empty after a pass.
    pub fn summary(&self) -> String {
        match self {
            Outcome::Judged { .. } if self.is_untouched() => "not begun".to_owned(),
            Outcome::Judged { verdict, .. } => {
                let failure = verdict.failure.as_ref();
                failure.map_or(String::new(), |failure| match &failure.mistake {
                    Some(mistake) => {
                        format!("{} ({})", failure.summary, mistake.name)
                    }
                    None => failure.summary.clone(),
                })
            }
            Outcome::DoesNotCompile(_) => "it does not compile".to_owned(),
            Outcome::CannotBuild(_) => "cargo cannot build it".to_owned(),
            Outcome::NoVerdict { how, .. } => format!("no verdict: {how}"),
            Outcome::Cancelled => "cancelled".to_owned(),
        }
    }
}

/// Compiles and checks an exercise.
pub fn check(
    project: &Project,
    exercise: &Exercise,
    color: bool,
    cancel: &Cancel,
    mut on_phase: impl FnMut(Phase) + Send,
) -> Result<Outcome> {
    on_phase(Phase::Compiling);
    let busy = |busy| on_phase(Phase::Cargo(busy));
    match compile::compile(project, exercise, color, cancel, busy)? {
        Built::Errors(words) => Ok(Outcome::DoesNotCompile(words)),
        Built::Failed(words) => Ok(Outcome::CannotBuild(words)),
        Built::Cancelled => Ok(Outcome::Cancelled),
        Built::Program { path, warnings } => {
            on_phase(Phase::Running);
            run(project, exercise, &path, warnings, cancel)
        }
    }
}

/// Runs the program of a check that has been built, and reads its verdict.
pub fn run(
    project: &Project,
    exercise: &Exercise,
    program: &Path,
    warnings: String,
    cancel: &Cancel,
) -> Result<Outcome> {
    let began = Instant::now();
    let mut command = keeper::command(program, false);
    command
        .arg("--json")
        .current_dir(project.path(exercise.dir()))
        // A backtrace takes longer than the check, and its lines say nothing here.
        .env("RUST_BACKTRACE", "0")
        .env_remove("RUST_LIB_BACKTRACE");
    let limits = Limits {
        time: Some(DEADLINE),
        bytes: MAX_OUTPUT,
    };
    let finished = keeper::run(command, cancel, limits, |_| {})?;
    let took = began.elapsed();
    Ok(read(project, exercise, finished, warnings, took))
}

fn read(
    project: &Project,
    exercise: &Exercise,
    finished: Finished,
    warnings: String,
    took: Duration,
) -> Outcome {
    let how = match finished.ended {
        Ended::Cancelled => return Outcome::Cancelled,
        Ended::Deadline => format!("it had not ended after {} s", took.as_secs()),
        Ended::TooMuch => format!("it printed more than {} MB", MAX_OUTPUT >> 20),
        Ended::NotStarted => "it could not be started".to_owned(),
        Ended::Lost => "it was killed together with its keeper".to_owned(),
        Ended::Itself(status) => match verdict(&finished.stdout, exercise.id) {
            Some(verdict) => {
                return Outcome::Judged {
                    verdict: Box::new(verdict),
                    warnings,
                    pristine: reset::is_pristine(project, exercise),
                };
            }
            None => format!("it ended with {status}"),
        },
    };
    let output = tail(&finished.stdout) + &tail(&finished.stderr);
    Outcome::NoVerdict { how, output }
}

/// The verdict on a check's standard output: the last line that is one. Something
/// else may have got in before it.
fn verdict(stdout: &[u8], id: &str) -> Option<Verdict> {
    let text = String::from_utf8_lossy(stdout);
    let lines = text.lines().rev().filter(|line| line.starts_with('{'));
    let mut verdicts = lines.filter_map(json::read::<Verdict>);
    verdicts.find(|verdict| verdict.exercise == id)
}

fn tail(bytes: &[u8]) -> String {
    let cut = bytes.len().saturating_sub(TAIL);
    let mut text = String::new();
    if cut > 0 {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "[{cut} bytes before this]");
    }
    text + &String::from_utf8_lossy(&bytes[cut..])
}
