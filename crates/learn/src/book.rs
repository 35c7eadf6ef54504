//! The live book: built and started in the background, told what the learner does.
//!
//! Its server is a package of its own with a hundred crates below it, in a target
//! folder of its own, so that neither its build lock nor its compilers stand between
//! a save and its verdict: it is built at the lowest priority, and only once the
//! first verdict is on the screen.

use std::env;
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use anyhow::{Context, Result, bail};
use checks::verdict::Verdict;
use nanoserde::SerJson;

use crate::check::Outcome;
use crate::compile::{self, Built, Busy, Messages};
use crate::keeper::{Cancel, Ended};
use crate::project::Project;

const PACKAGE: &str = "book-server";

/// Where the live book is looked for first; the server takes another port if this
/// one is taken.
const PORT: &str = "4321";

/// What the server's first line begins with; the address follows.
const GREETING: &str = "listening on ";

/// What becomes of the live book.
#[derive(Debug)]
pub enum News {
    /// It is up, at this address, which ends in a slash.
    Up(String),
    /// It is not, or no more; why.
    Down(String),
    /// Its build was stopped, because a verdict had to wait for it.
    Postponed,
}

/// A line to the server: what the learner does.
#[derive(SerJson)]
struct State<'a> {
    kind: &'a str,
    passed: Vec<String>,
}

#[derive(SerJson)]
struct Judged<'a> {
    kind: &'a str,
    untouched: bool,
    verdict: &'a Verdict,
}

#[derive(SerJson)]
struct Unjudged<'a> {
    kind: &'a str,
    exercise: &'a str,
    summary: &'a str,
    words: &'a str,
}

#[derive(SerJson)]
struct Current<'a> {
    kind: &'a str,
    exercise: &'a str,
}

/// The live book, from its build on.
pub struct LiveBook {
    cancel: Cancel,
    lines: Sender<String>,
}

impl LiveBook {
    /// Begins to build the book; `news` is told what becomes of it.
    pub fn start(
        project: &Project,
        news: impl Fn(News) + Send + 'static,
    ) -> LiveBook {
        let cancel = Cancel::default();
        let (lines, to_server) = mpsc::channel();
        let (project, stop) = (project.clone(), cancel.clone());
        thread::spawn(move || {
            let why = match serve(&project, &stop, to_server, &news) {
                Ok(()) => "it has ended".to_owned(),
                Err(error) => format!("{error:#}"),
            };
            match stop.is_cancelled() {
                true => news(News::Postponed),
                false => news(News::Down(why)),
            }
        });
        LiveBook { cancel, lines }
    }

    /// Stops the build, if it still goes on.
    pub fn postpone(&self) {
        self.cancel.cancel();
    }

    /// Says which exercises have passed, and that all others have not.
    pub fn state(&self, passed: Vec<String>) {
        self.tell(&State {
            kind: "state",
            passed,
        });
    }

    /// Passes on what the check of an exercise came to.
    pub fn outcome(&self, exercise: &str, outcome: &Outcome) {
        match outcome {
            Outcome::Judged { verdict, .. } => self.tell(&Judged {
                kind: "verdict",
                untouched: outcome.is_untouched(),
                verdict,
            }),
            Outcome::DoesNotCompile(words)
            | Outcome::NoVerdict { output: words, .. } => self.tell(&Unjudged {
                kind: "unjudged",
                exercise,
                summary: &outcome.summary(),
                words: &console::strip_ansi_codes(words),
            }),
            // Not a word about the exercise.
            Outcome::CannotBuild(_) | Outcome::Cancelled => {}
        }
    }

    /// Says which exercise the learner is at.
    pub fn current(&self, exercise: &str) {
        self.tell(&Current {
            kind: "current",
            exercise,
        });
    }

    fn tell(&self, line: &impl SerJson) {
        // A book that has ended has said so already.
        let _ = self.lines.send(line.serialize_json());
    }
}

/// Builds the book's server, starts it and waits for its end.
fn serve(
    project: &Project,
    cancel: &Cancel,
    to_server: Receiver<String>,
    news: &impl Fn(News),
) -> Result<()> {
    let program = build(project, cancel)?;
    let mut server = spawn(project, program, PORT, true)?;
    let stdin = server
        .stdin
        .take()
        .context("the book has no standard input")?;
    // A thread of its own: a server that does not read must not stop the learner.
    thread::spawn(move || pass_on(&to_server, stdin));
    let up = address(&mut server).map(|url| news(News::Up(url)));
    if up.is_err() {
        let _ = server.kill();
    }
    let status = server.wait().context("cannot wait for the book")?;
    up?;
    bail!("the book's server ended ({status})")
}

/// Builds the server quietly, at the lowest priority.
fn build(project: &Project, cancel: &Cancel) -> Result<PathBuf> {
    let mut command = compile::cargo(project, true);
    command
        .args([
            "build",
            "-p",
            PACKAGE,
            compile::message_format(false),
            "--target-dir",
        ])
        .arg(target_dir(project));
    let finished = compile::run_cargo(command, cancel, &mut |_: Busy| {})?;
    let Ended::Itself(status) = finished.ended else {
        bail!(compile::died(finished.ended, &finished));
    };
    match Messages::read(&finished.stdout).about(PACKAGE, status, &finished.stderr) {
        Built::Program { path, .. } => Ok(path),
        Built::Errors(why) | Built::Failed(why) => bail!(why),
        Built::Cancelled => bail!("cancelled"),
    }
}

fn target_dir(project: &Project) -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    project.path(target).join("book")
}

/// Starts the server. One in the background is out of reach of the terminal's Ctrl-C,
/// which is for us; the end of its input ends it.
fn spawn(
    project: &Project,
    program: PathBuf,
    port: &str,
    background: bool,
) -> Result<Child> {
    let mut command = Command::new(&program);
    command
        .arg("serve")
        .arg("--root")
        .arg(&project.root)
        .args(["--port", port])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    if background {
        command.process_group(0).stderr(Stdio::null());
    }
    command
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))
}

/// The address that the server says first. The rest of what it says is read, so that
/// it can go on, and dropped.
fn address(server: &mut Child) -> Result<String> {
    let stdout = server
        .stdout
        .take()
        .context("the book has no standard output")?;
    let mut stdout = BufReader::new(stdout);
    let mut line = String::new();
    stdout
        .read_line(&mut line)
        .context("cannot read what the book says")?;
    thread::spawn(move || io::copy(&mut stdout, &mut io::sink()));
    match line.trim().strip_prefix(GREETING) {
        Some(url) => Ok(format!("{}/", url.trim_end_matches('/'))),
        None => bail!(
            "the book's server did not say its address but {:?}",
            line.trim()
        ),
    }
}

fn pass_on(lines: &Receiver<String>, mut stdin: ChildStdin) {
    for line in lines {
        if writeln!(stdin, "{line}").is_err() {
            return;
        }
    }
}

/// Opens an address in a browser, if this machine has a display to show one on.
/// Whether it tried; a browser says nothing more.
pub fn open_browser(url: &str) -> bool {
    let Some(program) = browser() else {
        return false;
    };
    let mut command = Command::new(program);
    command.arg(url).process_group(0);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    match command.spawn() {
        Ok(mut child) => {
            thread::spawn(move || child.wait());
            true
        }
        Err(_) => false,
    }
}

/// The program that shows an address to this user, if there is a display.
pub fn browser() -> Option<&'static OsStr> {
    if cfg!(target_os = "macos") {
        return Some(OsStr::new("open"));
    }
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    if set("WSL_DISTRO_NAME") {
        return Some(OsStr::new("explorer.exe"));
    }
    let display = set("DISPLAY") || set("WAYLAND_DISPLAY");
    display.then_some(OsStr::new("xdg-open"))
}

/// Builds the book's server in sight of the learner and serves until it ends, which
/// Ctrl-C in the terminal makes it do. `up` is told its address.
pub fn serve_until_stopped(
    project: &Project,
    port: u16,
    passed: Vec<String>,
    up: impl FnOnce(&str),
) -> Result<ExitCode> {
    let program = build_in_sight(project)?;
    let mut server = spawn(project, program, &port.to_string(), false)?;
    let mut stdin = server
        .stdin
        .take()
        .context("the book has no standard input")?;
    let state = State {
        kind: "state",
        passed,
    };
    writeln!(stdin, "{}", state.serialize_json()).context("cannot tell the book")?;
    up(&address(&mut server)?);
    let status = server.wait().context("cannot wait for the book")?;
    drop(stdin); // held until here: its end would have ended the book
    bail!("the book's server ended ({status})")
}

/// Builds the server with cargo's own progress on standard error.
fn build_in_sight(project: &Project) -> Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .current_dir(&project.root)
        .args([
            "build",
            "-p",
            PACKAGE,
            "--message-format=json-render-diagnostics",
        ])
        .arg("--target-dir")
        .arg(target_dir(project))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    match Messages::read(&built.stdout).about(PACKAGE, built.status, b"") {
        Built::Program { path, .. } => Ok(path),
        _ => bail!("cargo could not build the book's server"),
    }
}
