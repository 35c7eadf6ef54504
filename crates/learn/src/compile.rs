//! Has cargo compile an exercise's check and takes from its messages what matters:
//! the program to run, or what the compiler says about the learner's own file.

#![allow(
    clippy::question_mark,
    reason = "in what nanoserde writes for an Option"
)]

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use anyhow::Result;
use checks::catalogue::Exercise;
use nanoserde::DeJson;

use crate::keeper::{self, Cancel, Ended, Finished, Limits};
use crate::project::Project;
use crate::replay;
use checks::json;

/// More than cargo says when it builds everything anew; one compiler error with a
/// macro gone wild can be long.
pub const MAX_OUTPUT: u64 = 64 << 20;

/// What cargo made of one package.
#[derive(Debug)]
pub enum Built {
    /// The check's program, and the compiler's warnings about the exercise, if any.
    Program {
        /// Where it is.
        path: PathBuf,
        /// The warnings as the compiler prints them; may be empty.
        warnings: String,
    },
    /// The exercise does not compile; what the compiler says about it.
    Errors(String),
    /// Cargo itself failed, or a package that the learner has not written; its words.
    Failed(String),
    /// It was cancelled.
    Cancelled,
}

/// What cargo is busy with, for whoever waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Busy {
    /// It compiles this package.
    Compiling(String),
    /// It waits for another cargo to finish; the text says what for.
    Waiting(String),
}

/// A cargo command as every build here needs it: in the course's folder, with steady
/// output and without the settings that make a small build slow.
pub fn cargo(project: &Project, nice: bool) -> Command {
    // Set by `cargo learn` itself, it saves the detour over rustup's proxy.
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = keeper::command(cargo, nice);
    command
        .current_dir(&project.root)
        // CI images switch incremental builds off: a check then takes 2.5 times as
        // long.
        .env_remove("CARGO_INCREMENTAL")
        .env_remove("CARGO_TERM_VERBOSE")
        .env("CARGO_TERM_COLOR", "never")
        .env("CARGO_TERM_PROGRESS_WHEN", "never")
        .env("CARGO_TERM_QUIET", "false");
    command
}

/// The message format for builds whose messages we read.
pub fn message_format(color: bool) -> &'static str {
    match color {
        true => "--message-format=json-diagnostic-rendered-ansi",
        false => "--message-format=json",
    }
}

/// Compiles the check of one exercise: by cargo, or by the call that cargo has made
/// before.
pub fn compile(
    project: &Project,
    exercise: &Exercise,
    color: bool,
    cancel: &Cancel,
    mut on_busy: impl FnMut(Busy) + Send,
) -> Result<Built> {
    if let Some(built) = replay::compile(project, exercise, color, cancel) {
        return Ok(built);
    }
    let package = exercise.package();
    let before = replay::before(project, exercise);
    let mut command = cargo(project, false);
    command
        .args([
            "test",
            "--no-run",
            "--lib",
            message_format(color),
            "-vv",
            "-p",
        ])
        .arg(&package);
    let finished = run_cargo(command, cancel, &mut on_busy)?;
    let messages = Messages::read(&finished.stdout);
    Ok(match finished.ended {
        Ended::Cancelled => Built::Cancelled,
        Ended::Itself(status) => {
            let built = messages.about(&package, status, &finished.stderr);
            if let Built::Program { path, .. } = &built {
                let said = (finished.stderr.as_slice(), messages.manifests());
                replay::remember(project, exercise, before, said, path);
            }
            built
        }
        ended => Built::Failed(died(ended, &finished)),
    })
}

/// Runs cargo to its end and reports what it is busy with.
pub fn run_cargo(
    command: Command,
    cancel: &Cancel,
    on_busy: &mut (impl FnMut(Busy) + Send),
) -> Result<Finished> {
    let limits = Limits {
        time: None,
        bytes: MAX_OUTPUT,
    };
    keeper::run(command, cancel, limits, |line| on_busy_line(line, on_busy))
}

fn on_busy_line(line: &str, on_busy: &mut impl FnMut(Busy)) {
    let line = line.trim();
    if let Some(rest) = line.strip_prefix("Compiling ") {
        let package = rest.split(' ').next().unwrap_or(rest);
        on_busy(Busy::Compiling(package.to_owned()));
    } else if let Some(rest) = line.strip_prefix("Blocking waiting for file lock on ")
    {
        on_busy(Busy::Waiting(rest.to_owned()));
    }
}

/// A cargo that did not end by itself, in words.
pub fn died(ended: Ended, finished: &Finished) -> String {
    let how = match ended {
        Ended::TooMuch => "cargo printed without end and was stopped",
        Ended::NotStarted => "cargo could not be started",
        _ => "cargo was killed",
    };
    format!("{how}\n{}", said(&finished.stderr))
}

/// What cargo says on standard error, without its progress lines.
pub fn said(stderr: &[u8]) -> String {
    const PROGRESS: [&str; 11] = [
        "Compiling ",
        "Dirty ",
        "Fresh ",
        "Running ",
        "Blocking ",
        "Finished ",
        "Executable ",
        "Downloading ",
        "Downloaded ",
        "Updating ",
        "Locking ",
    ];
    let text = String::from_utf8_lossy(stderr);
    let is_progress = |line: &&str| {
        PROGRESS
            .iter()
            .any(|word| line.trim_start().starts_with(word))
    };
    let lines: Vec<_> = text.lines().filter(|line| !is_progress(line)).collect();
    lines.join("\n").trim().to_owned()
}

/// The messages of one cargo run. The Cargo Book has them under "External tools".
pub struct Messages(Vec<Message>);

#[derive(DeJson)]
struct Message {
    package_id: Option<String>,
    manifest_path: Option<String>,
    message: Option<Diagnostic>,
    executable: Option<String>,
}

#[derive(DeJson)]
struct Diagnostic {
    rendered: Option<String>,
    level: String,
}

impl Messages {
    /// Reads cargo's standard output; a line that is no message is passed over.
    pub fn read(stdout: &[u8]) -> Messages {
        let text = String::from_utf8_lossy(stdout);
        let lines = text.lines().filter(|line| line.starts_with('{'));
        Messages(lines.filter_map(json::read).collect())
    }

    /// The manifests of the packages that were built from this machine's folders, not
    /// from a registry.
    pub fn manifests(&self) -> Vec<PathBuf> {
        let local = self.0.iter().filter(|message| {
            let id = message.package_id.as_deref();
            id.is_some_and(|id| id.starts_with("path+"))
        });
        let manifests: BTreeSet<PathBuf> = local
            .filter_map(|message| message.manifest_path.as_ref())
            .map(PathBuf::from)
            .collect();
        manifests.into_iter().collect()
    }

    /// What became of `package` in a run of cargo that ended with `status`.
    pub fn about(&self, package: &str, status: ExitStatus, stderr: &[u8]) -> Built {
        let own = || self.0.iter().filter(|message| message.is_of(package));
        let said: String = own().filter_map(Message::rendered).collect();
        if own().any(Message::is_error) {
            return Built::Errors(said);
        }
        match own().find_map(|message| message.executable.as_ref()) {
            Some(path) => Built::Program {
                path: PathBuf::from(path),
                warnings: said,
            },
            None => Built::Failed(self.failure(status, stderr)),
        }
    }

    /// Why there is no program although the exercise itself has no errors: a package
    /// below it does not compile, or cargo could not even begin.
    fn failure(&self, status: ExitStatus, stderr: &[u8]) -> String {
        let errors = self.0.iter().filter(|message| message.is_error());
        let errors: String = errors.filter_map(Message::rendered).collect();
        let said = said(stderr);
        match (errors.as_str(), said.as_str()) {
            ("", "") => format!("cargo ended without a word ({status})"),
            _ => format!("{errors}{said}"),
        }
    }
}

impl Message {
    fn is_error(&self) -> bool {
        // A bug of the compiler has the level "error: internal compiler error".
        let diagnostic = self.message.as_ref();
        diagnostic.is_some_and(|diagnostic| diagnostic.level.starts_with("error"))
    }

    fn rendered(&self) -> Option<&str> {
        self.message.as_ref()?.rendered.as_deref()
    }

    /// Whether this is about the package: its id ends in `#NAME@VERSION`, or in
    /// `/NAME#VERSION` where the folder has the package's name.
    fn is_of(&self, package: &str) -> bool {
        let Some((path, name)) = self
            .package_id
            .as_deref()
            .and_then(|id| id.rsplit_once('#'))
        else {
            return false;
        };
        match name.split_once('@') {
            Some((name, _)) => name == package,
            None => path.rsplit('/').next() == Some(package),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    const WARNING: &str = r##"{
        "reason": "compiler-message", "package_id": "path+file:///c/x#ex-tcp-a@0.1.0",
        "target": {"kind": ["lib"]},
        "message": {
            "rendered": "warning: \u001b[1mw\n", "level": "warning",
            "children": [{"level": "note", "rendered": null}]
        }
    }"##;
    const ERROR: &str = r##"{
        "reason": "compiler-message", "package_id": "path+file:///c/x#ex-tcp-a@0.1.0",
        "message": {"rendered": "error: e\n", "level": "error"}
    }"##;
    const PROGRAM: &str = r##"{
        "reason": "compiler-artifact", "package_id": "path+file:///c/ex-tcp-a#0.1.0",
        "executable": "/t/a-1", "fresh": false
    }"##;
    const LIBRARY: &str = r##"{
        "reason": "compiler-artifact", "package_id": "path+file:///c/checks#0.1.0",
        "executable": null
    }"##;
    const FOREIGN: &str = r##"{
        "reason": "compiler-message", "package_id": "path+file:///c/checks#0.1.0",
        "message": {"rendered": "error: below\n", "level": "error"}
    }"##;

    fn about(lines: &[&str]) -> Built {
        // Cargo prints each on one line.
        let lines: Vec<_> =
            lines.iter().map(|line| line.replace('\n', " ")).collect();
        let messages = Messages::read(lines.join("\n").as_bytes());
        messages.about(
            "ex-tcp-a",
            ExitStatus::from_raw(0),
            b"   Compiling a\nerror: no\n",
        )
    }

    #[test]
    fn a_program_comes_with_the_warnings_about_the_exercise_alone() {
        match about(&[LIBRARY, WARNING, PROGRAM]) {
            Built::Program { path, warnings } => {
                assert_eq!(path, PathBuf::from("/t/a-1"));
                assert_eq!(warnings, "warning: \x1b[1mw\n");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn errors_are_the_compilers_own_words_in_their_order() {
        match about(&["not json", "{", WARNING, ERROR]) {
            Built::Errors(text) => assert_eq!(text, "warning: \x1b[1mw\nerror: e\n"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_fails_elsewhere_is_told_with_cargos_own_words() {
        match about(&[FOREIGN]) {
            Built::Failed(text) => assert_eq!(text, "error: below\nerror: no"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn cargo_tells_what_it_is_busy_with() {
        let mut seen = Vec::new();
        for line in [
            "   Compiling checks v0.1.0 (/c/crates/checks)",
            "    Blocking waiting for file lock on build directory",
            "    Finished `test` profile",
        ] {
            on_busy_line(line, &mut |busy| seen.push(busy));
        }
        let compiling = Busy::Compiling("checks".to_owned());
        let waiting = Busy::Waiting("build directory".to_owned());
        assert_eq!(seen, [compiling, waiting]);
    }
}
