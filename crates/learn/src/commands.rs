//! What `cargo learn` does for scripts, and for whoever wants one answer.

use std::env;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use checks::catalogue::Exercise;
use checks::verdict::Verdict;
use clap::ArgMatches;
use nanoserde::SerJson;

use crate::book;
use crate::check::{self, Outcome, Phase};
use crate::check_all::{self, Step};
use crate::compile::Busy;
use crate::doctor;
use crate::hints;
use crate::keeper::Cancel;
use crate::list;
use crate::look::{self, Look, Pen};
use crate::progress::Progress;
use crate::project::{Misuse, Project};
use crate::reset::{self, Reset};
use crate::screen::Screen;
use crate::solution;
use crate::tell::Teller;
use crate::watch;
use crate::xrays;

/// Does what the command line asks for.
pub fn run(matches: &ArgMatches) -> Result<ExitCode> {
    let no_book = matches.get_flag("no-book");
    let (name, matches) = matches.subcommand().unwrap_or(("watch", matches));
    if name == "xray" {
        return xray(matches); // a process has nothing to do with any folder
    }
    let root: Option<&PathBuf> = matches.get_one("root");
    let project = Project::find(root.map(PathBuf::as_path))?;
    match name {
        "list" => list(&project, matches.get_flag("json")),
        "next" => next(&project),
        "check" => check(&project, matches),
        "hint" => hint(&project, matches),
        "reset" => reset(&project, matches),
        "solution" => say(&solution::text(&project, named(&project, matches)?)?),
        "book" => book_until_stopped(&project, matches),
        "doctor" => doctor::doctor(&project),
        _ => watch(project, matches, no_book || matches.get_flag("no-book")),
    }
}

fn say(text: &str) -> Result<ExitCode> {
    io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn here() -> Result<PathBuf> {
    env::current_dir().context("cannot tell the current folder")
}

/// The exercise that was named, which the command line requires.
fn named(project: &Project, matches: &ArgMatches) -> Result<&'static Exercise> {
    named_if_any(project, matches)?.ok_or_else(|| {
        Misuse("which exercise? `cargo learn list` shows them".into()).into()
    })
}

fn named_if_any(
    project: &Project,
    matches: &ArgMatches,
) -> Result<Option<&'static Exercise>> {
    let Some(name) = matches.try_get_one::<String>("exercise").ok().flatten() else {
        return Ok(None);
    };
    Ok(Some(project.exercise(name, &here()?)?))
}

fn load_progress(project: &Project) -> Progress {
    let (progress, remark) = Progress::load(&project.root);
    if let Some(remark) = remark {
        eprintln!("{remark}");
    }
    progress
}

/// What is said where no exercise is left to do.
fn nothing_left(project: &Project) -> Result<ExitCode> {
    match project.present().len() {
        0 => say("there are no exercises here\n"),
        all => say(&format!("all {all} exercises pass\n")),
    }
}

/// The first exercise, in the order of the book, that has not passed.
fn next_open(project: &Project, progress: &Progress) -> Option<&'static Exercise> {
    let mut present = project.present().into_iter();
    present.find(|exercise| !progress.has_passed(exercise.id))
}

fn list(project: &Project, json: bool) -> Result<ExitCode> {
    let progress = load_progress(project);
    match json {
        true => say(&format!("{}\n", list::json(project, &progress))),
        false => say(&list::table(project, &progress, &look::stdout())),
    }
}

fn next(project: &Project) -> Result<ExitCode> {
    let progress = load_progress(project);
    match next_open(project, &progress) {
        Some(exercise) => say(&format!(
            "{}\n{}\n{}\n{}\n",
            exercise.id,
            exercise.title,
            exercise.stub().display(),
            exercise.page()
        )),
        None => nothing_left(project),
    }
}

fn hint(project: &Project, matches: &ArgMatches) -> Result<ExitCode> {
    let exercise = named(project, matches)?;
    let level: usize = matches.get_one("level").copied().unwrap_or(1);
    let hints = hints::load(project, exercise)?;
    match level.checked_sub(1).and_then(|n| hints.get(n)) {
        Some(hint) => say(&format!("{hint}\n")),
        None => Err(Misuse(format!(
            "{} has hints 1 to {}, not {level}",
            exercise.id,
            hints.len()
        ))
        .into()),
    }
}

// ---- watch ----

/// Watches; without a terminal there is nobody to watch for, so it checks once.
fn watch(project: Project, matches: &ArgMatches, no_book: bool) -> Result<ExitCode> {
    let first = named_if_any(&project, matches)?;
    if Screen::is_there() {
        return watch::watch(project, first, !no_book);
    }
    eprintln!("watching needs a terminal; this is one check");
    let progress = load_progress(&project);
    match first.or_else(|| next_open(&project, &progress)) {
        Some(exercise) => check_one(&project, exercise, false),
        None => nothing_left(&project),
    }
}

// ---- check ----

fn check(project: &Project, matches: &ArgMatches) -> Result<ExitCode> {
    let json = matches.get_flag("json");
    let names: Vec<&String> = matches.get_many("names").unwrap_or_default().collect();
    let mut chosen: Vec<&'static Exercise> = Vec::new();
    for name in &names {
        for exercise in project.exercises_of(name, &here()?)? {
            if !chosen.contains(&exercise) {
                chosen.push(exercise);
            }
        }
    }
    if names.is_empty() {
        chosen = project.present();
    }
    if let Some(missing) = chosen.iter().find(|exercise| !project.has(exercise)) {
        let dir = missing.dir();
        return Err(Misuse(format!("this checkout has no {}", dir.display())).into());
    }
    match chosen.as_slice() {
        [] => nothing_left(project),
        [exercise] => check_one(project, exercise, json),
        several => check_several(project, several, json),
    }
}

fn check_one(project: &Project, exercise: &Exercise, json: bool) -> Result<ExitCode> {
    let look = look::stdout();
    let mut waiting = Waiting::new();
    let color = look.color && !json;
    let phase = |phase| waiting.phase(&phase);
    let outcome = check::check(project, exercise, color, &Cancel::default(), phase)?;
    waiting.end();
    let mut progress = load_progress(project);
    if let Some(state) = outcome.state() {
        progress.note(exercise.id, state);
    }
    save(&mut progress);
    let book = None;
    let teller = Teller {
        project,
        look: &look,
        book,
    };
    match json {
        true => say(&json_line(exercise, outcome_word(&outcome), &outcome))?,
        false => say(&teller.outcome(exercise, &outcome))?,
    };
    Ok(exit_code(outcome.passed()))
}

fn check_several(
    project: &Project,
    exercises: &[&'static Exercise],
    json: bool,
) -> Result<ExitCode> {
    let mut progress = load_progress(project);
    let look = look::stdout();
    let mut waiting = Waiting::new();
    let mut done: Vec<(&'static Exercise, Outcome)> = Vec::new();
    let color = look.color && !json;
    let step = |step| match step {
        Step::Cargo(busy) => waiting.phase(&Phase::Cargo(busy)),
        Step::Done(exercise, outcome) => {
            done.push((exercise, outcome));
            waiting.say(&format!("checked {} of {}", done.len(), exercises.len()));
        }
    };
    check_all::check_all(project, exercises, color, &Cancel::default(), step)?;
    waiting.end();
    done.sort_by_key(|(exercise, _)| project.index_of(exercise));
    for (exercise, outcome) in &done {
        if let Some(state) = outcome.state() {
            progress.note(exercise.id, state);
        }
    }
    save(&mut progress); // first: whoever reads the table may go before its end
    for (exercise, outcome) in &done {
        match json {
            true => say(&json_line(exercise, outcome_word(outcome), outcome))?,
            false => say(&format!("{}\n", list::result(exercise, outcome, &look)))?,
        };
    }
    let passed = done.iter().filter(|(_, outcome)| outcome.passed()).count();
    if !json {
        say(&summary(&done, passed, &look))?;
    }
    Ok(exit_code(passed == exercises.len()))
}

fn summary(done: &[(&Exercise, Outcome)], passed: usize, look: &Look) -> String {
    let pen = Pen::new(look);
    let count = format!("{passed} of {} pass", done.len());
    let failing = done.iter().find(|(_, o)| !o.passed() && !o.is_untouched());
    let advice = failing.map_or(String::new(), |(exercise, _)| {
        format!("; `cargo learn check {}` says more", exercise.id)
    });
    format!("{}{advice}\n", pen.strong(&count))
}

fn exit_code(good: bool) -> ExitCode {
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn save(progress: &mut Progress) {
    if let Err(error) = progress.save() {
        eprintln!("your progress is not saved: {error:#}");
    }
}

#[derive(SerJson)]
struct Line {
    exercise: &'static str,
    outcome: &'static str,
    message: String,
    verdict: Option<Verdict>,
}

fn outcome_word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Judged { verdict, .. } if verdict.passed => "passed",
        Outcome::Judged { .. } if outcome.is_untouched() => "untouched",
        Outcome::Judged { .. } => "failed",
        Outcome::DoesNotCompile(_) => "does-not-compile",
        Outcome::CannotBuild(_) => "cannot-build",
        Outcome::NoVerdict { .. } => "no-verdict",
        Outcome::Cancelled => "cancelled",
    }
}

fn json_line(exercise: &Exercise, word: &'static str, outcome: &Outcome) -> String {
    let (message, verdict) = match outcome {
        Outcome::Judged {
            verdict, warnings, ..
        } => (warnings.clone(), Some((**verdict).clone())),
        Outcome::DoesNotCompile(words) | Outcome::CannotBuild(words) => {
            (words.clone(), None)
        }
        Outcome::NoVerdict { how, output } => (format!("{how}\n{output}"), None),
        Outcome::Cancelled => (String::new(), None),
    };
    let line = Line {
        exercise: exercise.id,
        outcome: word,
        message,
        verdict,
    };
    format!("{}\n", line.serialize_json())
}

/// What goes on, on one line of standard error, if that is a terminal.
struct Waiting {
    shown: bool,
    terminal: bool,
}

impl Waiting {
    fn new() -> Waiting {
        let terminal = io::stderr().is_terminal() && !console::is_dumb();
        Waiting {
            shown: false,
            terminal,
        }
    }

    fn phase(&mut self, phase: &Phase) {
        match phase {
            Phase::Compiling => self.say("compiling"),
            Phase::Cargo(Busy::Compiling(package)) => {
                self.say(&format!("compiling {package}"));
            }
            Phase::Cargo(Busy::Waiting(what)) => {
                self.say(&format!("waiting for another cargo ({what})"));
            }
            Phase::Running => self.say("checking"),
        }
    }

    fn say(&mut self, words: &str) {
        if self.terminal {
            // A line that cannot be shown is not worth an error.
            let _ = write!(io::stderr(), "\r\x1b[K{words}");
            self.shown = true;
        }
    }

    fn end(&mut self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

// ---- reset ----

fn reset(project: &Project, matches: &ArgMatches) -> Result<ExitCode> {
    let exercise = named_if_any(project, matches)?;
    let exercises = match (exercise, matches.get_flag("all")) {
        (Some(exercise), false) => vec![exercise],
        (None, true) => project.present(),
        (Some(_), true) => {
            return Err(Misuse("one exercise or --all, not both".into()).into());
        }
        (None, false) => {
            return Err(
                Misuse("which exercise? Or --all for all of them".into()).into()
            );
        }
    };
    if matches.get_flag("all")
        && !matches.get_flag("yes")
        && !agreed(exercises.len())?
    {
        say("nothing was reset\n")?;
        return Ok(ExitCode::FAILURE);
    }
    let mut progress = load_progress(project);
    for exercise in exercises {
        let id = exercise.id;
        let done = reset::reset(project, exercise)?;
        progress.note(id, None);
        save(&mut progress);
        let done = match done {
            Reset::Nothing => format!("{id} is the stub already\n"),
            Reset::Done(None) => format!("{id} is the stub again\n"),
            Reset::Done(Some(kept)) => format!(
                "{id} is the stub again; what you had is kept in {}\n",
                kept.display()
            ),
        };
        say(&done)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks on the terminal; where there is none, nobody can agree.
fn agreed(exercises: usize) -> Result<bool> {
    if !io::stdin().is_terminal() {
        return Err(
            Misuse("--all asks first; without a terminal say --yes".into()).into(),
        );
    }
    let mut out = io::stdout();
    write!(
        out,
        "Put all {exercises} exercises back to their stubs? [y/N] "
    )?;
    out.flush()?;
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .context("cannot read your answer")?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

// ---- book and x-ray ----

fn book_until_stopped(project: &Project, matches: &ArgMatches) -> Result<ExitCode> {
    let exercise = named_if_any(project, matches)?;
    let page = exercise.map_or(String::new(), Exercise::page);
    let port: u16 = matches.get_one("port").copied().unwrap_or_default();
    let passed = project.exercises.iter().map(|exercise| exercise.id);
    let progress = load_progress(project);
    let passed = passed
        .filter(|id| progress.has_passed(id))
        .map(str::to_owned)
        .collect();
    book::serve_until_stopped(project, port, passed, |url| {
        let url = format!("{url}{page}");
        let _ = writeln!(io::stdout(), "the book is at {url} (Ctrl-C ends it)");
        book::open_browser(&url);
    })
}

fn xray(matches: &ArgMatches) -> Result<ExitCode> {
    let target = matches
        .get_one::<String>("process")
        .map_or("", String::as_str);
    let width = look::stdout().width;
    let pids = xrays::find(target)?;
    let seen = || -> Result<String> {
        let seen = pids.iter().map(|&pid| xrays::look(pid, width));
        Ok(seen.collect::<Result<Vec<_>>>()?.join("\n"))
    };
    if !matches.get_flag("watch") {
        return say(&seen()?);
    }
    let clear = if io::stdout().is_terminal() {
        "\x1b[H\x1b[2J"
    } else {
        "\n"
    };
    loop {
        say(&format!("{clear}{}", seen()?))?;
        thread::sleep(Duration::from_millis(500));
    }
}
