//! Runs checks against answers whose verdict is known: solutions, other right
//! answers, and wrong ones that must get their own diagnosis.
//!
//! A test binary that has no test harness calls [`main`]; its output has the form of
//! Rust's own tests. With `--verdict NAME` it prints the verdict on one answer instead,
//! with `--list` a line for each answer; `--every=N` leaves all but every `N`th out.

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use nanoserde::SerJson;

use crate::engine::Check;
use crate::verdict::{ProbeState, Probed, Verdict};

/// What the check must say of an answer.
#[derive(Clone, Copy, Debug)]
pub enum Expected {
    /// Every probe passes.
    Pass,
    /// The diagnosis with this id, whichever probe shows it.
    Mistake(&'static str),
    /// The diagnosis with this id, at a probe that this machine may have to skip: then
    /// all others pass.
    MistakeWhere(&'static str, &'static str),
    /// This probe fails first, and no mistake is named.
    Account(&'static str),
    /// The stub as it is handed out: the check says that this is the task.
    Untouched,
}

/// An answer and what the check must say of it.
pub struct Answer {
    /// Its name, unlike any other in the same binary.
    pub name: &'static str,
    /// The check that was given the answer.
    pub check: Check,
    /// What the check must say.
    pub expected: Expected,
}

impl Answer {
    /// An answer that must pass.
    pub fn right(name: &'static str, check: Check) -> Self {
        Self {
            name,
            check,
            expected: Expected::Pass,
        }
    }

    /// An answer that must get the diagnosis with this id.
    pub fn wrong(mistake: &'static str, name: &'static str, check: Check) -> Self {
        Self {
            name,
            check,
            expected: Expected::Mistake(mistake),
        }
    }

    /// An answer that must fail first at this probe, with no mistake named.
    pub fn unnamed(probe: &'static str, name: &'static str, check: Check) -> Self {
        Self {
            name,
            check,
            expected: Expected::Account(probe),
        }
    }

    /// Nothing where the verdict is as expected, otherwise what it was.
    fn judge(&self, verdict: &Verdict) -> Result<(), String> {
        let failure = verdict.failure.as_ref();
        let named = failure
            .and_then(|f| f.mistake.as_ref())
            .map(|m| m.id.as_str());
        let untouched = failure.is_some_and(|failure| failure.untouched);
        let probe = failure.map(|failure| failure.probe.as_str());
        let fits = match self.expected {
            Expected::Pass => verdict.passed,
            Expected::Mistake(id) => named == Some(id),
            Expected::MistakeWhere(id, probe) => {
                let skipped = |probed: &Probed| {
                    probed.name == probe
                        && matches!(probed.state, ProbeState::Skipped(_))
                };
                named == Some(id)
                    || verdict.passed && verdict.probes.iter().any(skipped)
            }
            Expected::Account(name) => {
                probe == Some(name) && named.is_none() && !untouched
            }
            Expected::Untouched => untouched,
        };
        if fits {
            return Ok(());
        }
        let said = verdict.to_text(&wire::Look::default());
        Err(format!(
            "expected {:?}, named {named:?} in:\n{said}",
            self.expected
        ))
    }
}

/// Runs the answers whose names contain the arguments, a few at a time, or plays the
/// part that this process was started for.
pub fn main(answers: &[Answer]) -> ExitCode {
    for answer in answers {
        if let Some(probe) = answer.check.assigned(answer.name) {
            probe.run_as_child();
            return ExitCode::SUCCESS;
        }
    }
    if let Some(name) = env::args().skip_while(|arg| arg != "--verdict").nth(1) {
        return tell_one(answers, &name);
    }
    if env::args().any(|arg| arg == "--list") {
        return list(answers);
    }
    let filters: Vec<String> = env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    let chosen = |answer: &&Answer| {
        filters.is_empty() || filters.iter().any(|part| answer.name.contains(part))
    };
    let every =
        env::args().find_map(|arg| arg.strip_prefix("--every=")?.parse().ok());
    let chosen: Vec<&Answer> = (answers.iter().filter(chosen))
        .step_by(every.unwrap_or(1).max(1))
        .collect();
    println!("\nrunning {} tests", chosen.len());
    let failed = run(&chosen);
    let passed = chosen.len() - failed;
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; \
         {} filtered out\n",
        answers.len() - chosen.len()
    );
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Prints the verdict on one answer as JSON: what the pictures in the book are drawn
/// from.
fn tell_one(answers: &[Answer], name: &str) -> ExitCode {
    let Some(answer) = answers.iter().find(|answer| answer.name == name) else {
        eprintln!("there is no answer named `{name}`");
        return ExitCode::from(2);
    };
    let verdict = answer.check.verdict(answer.name);
    println!("{}", verdict.serialize_json());
    ExitCode::SUCCESS
}

/// Prints of each answer the exercise, the number of its probes, and what is expected.
fn list(answers: &[Answer]) -> ExitCode {
    for Answer {
        name,
        check,
        expected,
    } in answers
    {
        let expected = match expected {
            Expected::Pass => "pass",
            Expected::Mistake(id) | Expected::MistakeWhere(id, _) => id,
            Expected::Account(_) => "account",
            Expected::Untouched => "untouched",
        };
        let (id, probes) = (check.exercise().id, check.probes());
        let _ = writeln!(io::stdout(), "{id}\t{probes}\t{expected}\t{name}");
    }
    ExitCode::SUCCESS
}

fn run(answers: &[&Answer]) -> usize {
    // Most of the time a check of a wrong answer waits.
    let at_once = 5 * thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let failures: Mutex<Vec<String>> = Mutex::default();
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some(answer) =
                    answers.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let judged = answer.judge(&answer.check.verdict(answer.name));
                    let word = if judged.is_ok() { "ok" } else { "FAILED" };
                    let _ = writeln!(io::stdout(), "test {} ... {word}", answer.name);
                    if let Err(why) = judged {
                        let mut failures = failures.lock().expect("no writer panics");
                        failures.push(format!("---- {} ----\n{why}", answer.name));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no writer panics");
    for failure in &failures {
        println!("\n{failure}");
    }
    failures.len()
}
