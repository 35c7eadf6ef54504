//! `cargo run -p lesson-13` plays the lesson; `-- help` tells what else there is.

use std::io::{self, BufRead, ErrorKind, Stdout, Write};
use std::process::{self, ExitCode};
use std::time::Duration;
use std::{env, fmt};

use anyhow::{Context, Result};
use lesson_13::client::Client;
use lesson_13::place::Place;
use lesson_13::programs::{self, Program};
use lesson_13::serve::serve;
use lesson_13::{strategies, trace};
use socketserver::{Stats, Strategy};

mod demo;
mod experiments;

const HELP: &str = "\
Lesson 13: the framework

  cargo run -p lesson-13                     play all of it in one terminal
  cargo run -p lesson-13 -- server NAME [STRATEGY] [PLACE]
  cargo run -p lesson-13 -- client NAME [PLACE]

  NAME is what is said:
    hotline     port 8009    greets; 0, exit, anything else
    timestamps  port 8009    each line with the time before it
    upper       port 9999    each line in capital letters

  STRATEGY is who runs the handler, the one word that changes; without it, threads:
    inline   threads   pool   fork   prefork   parked

  PLACE is over what it is said; without it, a stream at the port above:
    127.0.0.1:9999          a stream over IP
    udp:127.0.0.1:9999      datagrams over IP
    unix:/tmp/upper         a stream at a file
    unixgram:/tmp/upper     datagrams at a file

Experiments:
  cargo run -p lesson-13 -- trace [STRATEGY]   the steps of one request, in order
  cargo run -p lesson-13 -- objects            Python's objects in Rust's types
  cargo run -p lesson-13 -- surprise           how long a server takes to stop

Wrong on purpose; find out why:
  cargo run -p lesson-13 -- broken seats       ten seats, and callers who leave early
  cargo run -p lesson-13 -- broken shutdown    a server that is asked to stop, twice
";

/// How long a client waits for an answer.
const LIMIT: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let args: Vec<String> = env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is closed, too, there is nobody left to tell.
            let _ = writeln!(io::stderr(), "lesson-13: {error:#}");
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

fn run(args: &[&str]) -> Result<()> {
    let mut out = Screen(io::stdout());
    match *args {
        [] => demo::play(&mut out),
        ["help" | "--help" | "-h"] => Ok(out.write_all(HELP.as_bytes())?),
        ["server", name] => server(name, "threads", None, &mut out),
        // The second word is a strategy, or a place.
        ["server", name, word] if strategies::find(word).is_some() => {
            server(name, word, None, &mut out)
        }
        ["server", name, word] if word.contains(':') => {
            server(name, "threads", Some(word), &mut out)
        }
        ["server", name, word] => server(name, word, None, &mut out),
        ["server", name, word, place] => server(name, word, Some(place), &mut out),
        ["client", name] => client(name, None, &mut out),
        ["client", name, place] => client(name, Some(place), &mut out),
        ["trace"] => experiments::trace("threads", &mut out),
        ["trace", word] => {
            strategy(word)?;
            experiments::trace(word, &mut out)
        }
        ["traced", word] => traced(word, &mut out), // for `trace`, which talks to it
        ["objects"] => experiments::objects(&mut out),
        ["surprise"] => experiments::surprise(&mut out),
        ["broken", "seats"] => experiments::seats(&mut out),
        ["broken", "shutdown"] => experiments::shutdown(&mut out),
        ["server" | "client" | "broken"] => Err(misuse(format!("{} what?", args[0]))),
        _ => Err(misuse(format!("there is no `{}` here", args.join(" ")))),
    }
}

fn program(name: &str) -> Result<Program> {
    programs::find(name).ok_or_else(|| {
        misuse(format!("`{name}` is none of: hotline, timestamps, upper"))
    })
}

fn strategy(word: &str) -> Result<Strategy> {
    strategies::find(word).ok_or_else(|| {
        misuse(format!("`{word}` is none of: {}", strategies::names()))
    })
}

/// The place that was given, or a stream at the program's own port.
fn place(given: Option<&str>, program: Program) -> Result<Place> {
    match given {
        Some(given) => given.parse().map_err(misuse),
        None => Ok(Place::Tcp(([127, 0, 0, 1], program.port).into())),
    }
}

fn server(
    name: &str,
    word: &str,
    given: Option<&str>,
    out: &mut Screen,
) -> Result<()> {
    let (program, strategy) = (program(name)?, strategy(word)?);
    let place = place(given, program)?;
    let stats = serve(program, strategy, &place, |place| {
        writeln!(out, "listening on {place}")?;
        writeln!(out, "{word}; stop with Ctrl-C; in another terminal:")?;
        writeln!(out, "  cargo run -q -p lesson-13 -- client {name} {place}")
    })
    .with_context(|| format!("cannot serve {name} at {place} by {word}"))?;
    tell(stats, out)
}

fn traced(word: &str, out: &mut Screen) -> Result<()> {
    let ready = |place: &Place| writeln!(out, "listening on {place}");
    trace::traced(strategy(word)?, io::stdout(), ready)
        .with_context(|| format!("cannot serve by {word}"))?;
    Ok(())
}

fn tell(stats: Stats, out: &mut Screen) -> Result<()> {
    let Stats {
        accepted, errors, ..
    } = stats;
    Ok(writeln!(
        out,
        "stopped; accepted {accepted}, errors {errors}"
    )?)
}

fn client(name: &str, given: Option<&str>, out: &mut Screen) -> Result<()> {
    let program = program(name)?;
    let place = place(given, program)?;
    let mut client = Client::call(&place, LIMIT).with_context(|| {
        format!("cannot reach {place}; does `lesson-13 -- server {name}` run?")
    })?;
    let lost = || format!("the conversation with {place} has failed");
    if !program.welcome.is_empty() && matches!(client, Client::Stream(..)) {
        show(client.hear().with_context(lost)?, out)?;
    }
    for line in io::stdin().lock().lines() {
        let line = line.context("cannot read what is typed")?;
        client.say(line.as_bytes()).with_context(lost)?;
        let answer = client.hear().with_context(lost)?;
        if answer.is_none() {
            break; // the server has ended
        }
        show(answer, out)?;
    }
    Ok(())
}

/// Shows an answer; bytes that are no text, or that would move the cursor, escaped.
fn show(answer: Option<Vec<u8>>, out: &mut Screen) -> Result<()> {
    let answer = answer.unwrap_or_default();
    Ok(writeln!(out, "{}", experiments::printable(&answer))?)
}

/// A mistake in what was asked for, not in what was done: exit code 2.
#[derive(Debug)]
struct Usage(String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}; `cargo run -p lesson-13 -- help` lists all there is",
            self.0
        )
    }
}

impl std::error::Error for Usage {}

fn misuse(what: String) -> anyhow::Error {
    Usage(what).into()
}

/// Standard output; when nobody reads it any more (`lesson-13 | head -1`), we stop.
struct Screen(Stdout);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => process::exit(0),
            kind => io::Error::new(kind, format!("cannot print: {error}")),
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
