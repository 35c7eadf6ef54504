//! `cargo run -p lesson-8` plays the lesson; `-- help` tells what else there is.

use std::io::{self, BufReader, ErrorKind, Stdout, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fmt, thread};

use anyhow::{Context, Result};
use lesson_8::accept::Stop;
use lesson_8::lines::read_line;
use lesson_8::object::Server;
use lesson_8::pool::{self, Size};
use lesson_8::{chat, function};

mod demo;
mod experiments;

const HELP: &str = "\
Lesson 8: threads

  cargo run -p lesson-8                           play all of it in one terminal
  cargo run -p lesson-8 -- server NAME [ADDR]     serve, until Ctrl-C
  cargo run -p lesson-8 -- client NAME [ADDR]     talk to a server; Ctrl-D to leave

  NAME is one of these, ADDR an address and a port:
    function  127.0.0.1:8000    capitals; a thread for each caller, as a function
    object    127.0.0.1:8000    the same as objects, and it stops in good order
    pool      127.0.0.1:8001    4 threads, 8 callers wait, a polite no to the rest
    chat      127.0.0.1:8003    what one says, all others hear

Experiments:
  cargo run -p lesson-8 -- threads                how many, for up to 200 callers
  cargo run -p lesson-8 -- memory [N [FILE]]      what N idle callers cost (N: 200);
                                                  FILE gets a plot of it, as SVG
  cargo run -p lesson-8 -- lanes                  four callers: one thread, and four
  cargo run --release -p lesson-8 -- surprise     the same, measured, in two ways

Wrong on purpose; find out why:
  cargo run -p lesson-8 -- broken unbounded       200 callers, and who gets a thread
  cargo run -p lesson-8 -- broken lock            a chat, and one who does not read
  cargo run -p lesson-8 -- broken panic           a pool of two, and an empty line
  cargo run -p lesson-8 -- broken flag            a server that was told to stop
";

/// How long those who are there may take to finish after Ctrl-C.
const LIMIT: Duration = Duration::from_secs(5);

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
            let _ = writeln!(io::stderr(), "lesson-8: {error:#}");
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

fn run(args: &[&str]) -> Result<()> {
    let mut out = Screen(io::stdout());
    match *args {
        [] => demo::play(&mut out),
        ["help" | "--help" | "-h"] => Ok(out.write_all(HELP.as_bytes())?),
        ["server", name] => server(program(name)?, None, &mut out),
        ["server", name, addr] => server(program(name)?, Some(addr), &mut out),
        ["client", name] => client(program(name)?, None, &mut out),
        ["client", name, addr] => client(program(name)?, Some(addr), &mut out),
        ["memory"] => experiments::memory(200, None, &mut out),
        ["memory", callers] => experiments::memory(number(callers)?, None, &mut out),
        ["memory", callers, file] => {
            experiments::memory(number(callers)?, Some(file), &mut out)
        }
        ["threads"] => experiments::threads(&mut out),
        ["lanes"] => experiments::lanes(&mut out),
        ["surprise"] => experiments::surprise(&mut out),
        ["broken", "unbounded"] => experiments::unbounded(&mut out),
        ["broken", "lock"] => experiments::lock(&mut out),
        ["broken", "panic"] => experiments::panic(&mut out),
        ["broken", "flag"] => experiments::flag(&mut out),
        ["server" | "client" | "broken"] => Err(misuse(format!("{} what?", args[0]))),
        _ => Err(misuse(format!("there is no `{}` here", args.join(" ")))),
    }
}

/// One of the lesson's four servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Program {
    Function,
    Object,
    Pool,
    Chat,
}

impl Program {
    fn name(self) -> &'static str {
        match self {
            Program::Function => "function",
            Program::Object => "object",
            Program::Pool => "pool",
            Program::Chat => "chat",
        }
    }

    fn port(self) -> u16 {
        match self {
            Program::Function | Program::Object => 8000,
            Program::Pool => 8001,
            Program::Chat => 8003,
        }
    }
}

fn program(name: &str) -> Result<Program> {
    let all = [
        Program::Function,
        Program::Object,
        Program::Pool,
        Program::Chat,
    ];
    let known = all.into_iter().find(|program| program.name() == name);
    known.ok_or_else(|| {
        misuse(format!("`{name}` is none of: function, object, pool, chat"))
    })
}

fn address(program: Program, given: Option<&str>) -> Result<SocketAddr> {
    let Some(given) = given else {
        return Ok(SocketAddr::from(([127, 0, 0, 1], program.port())));
    };
    given.parse().map_err(|_| {
        misuse(format!(
            "`{given}` is not an address and a port, like 127.0.0.1:8000"
        ))
    })
}

fn number(given: &str) -> Result<usize> {
    match given.parse() {
        Ok(number @ 4..=10_000) => Ok(number),
        _ => Err(misuse(format!("`{given}` is not a number from 4 to 10000"))),
    }
}

// ANCHOR: server
fn server(program: Program, addr: Option<&str>, out: &mut Screen) -> Result<()> {
    let addr = address(program, addr)?;
    let listener = TcpListener::bind(addr).with_context(|| {
        format!(
            "cannot listen on {addr} (at 127.0.0.1:0 there is always a free port)"
        )
    })?;
    let addr = listener.local_addr()?;
    writeln!(out, "listening on {addr}")?;
    writeln!(out, "stop with Ctrl-C; in another terminal, one of:")?;
    let name = program.name();
    writeln!(out, "  cargo run -q -p lesson-8 -- client {name} {addr}")?;
    writeln!(out, "  nc {} {}", addr.ip(), addr.port())?;
    let late = match program {
        Program::Function => {
            ctrlc::set_handler(|| process::exit(0))?; // whoever is there is cut off
            return function::serve(&listener).context("cannot accept connections");
        }
        Program::Object => {
            let server = Server::new(listener)?;
            on_ctrl_c(server.stop())?;
            server.run(LIMIT)
        }
        Program::Pool => {
            let stop = Arc::new(Stop::new(&listener)?);
            on_ctrl_c(Arc::clone(&stop))?;
            pool::serve(listener, Size::default(), &stop, LIMIT)
        }
        Program::Chat => {
            let stop = Arc::new(Stop::new(&listener)?);
            on_ctrl_c(Arc::clone(&stop))?;
            chat::serve(listener, &stop, LIMIT)
        }
    };
    let late = late.context("cannot serve any more")?;
    for peer in &late {
        writeln!(out, "{peer} had not finished after {LIMIT:?}")?;
    }
    writeln!(out, "stopped; callers cut off: {}", late.len())?;
    Ok(())
}

/// On Ctrl-C the server stops; on the second one the process ends at once.
fn on_ctrl_c(stop: Arc<Stop>) -> Result<()> {
    let handler = move || match stop.is_told() {
        false => stop.now(),
        true => process::exit(130), // as a shell reports an end by SIGINT
    };
    ctrlc::set_handler(handler).context("cannot handle Ctrl-C")
}
// ANCHOR_END: server

// ANCHOR: client
/// Talks in both directions at once: one thread sends what is typed, the other shows
/// what comes. `try_clone` makes a second descriptor for the one connection.
fn client(program: Program, addr: Option<&str>, out: &mut Screen) -> Result<()> {
    let addr = address(program, addr)?;
    let stream = TcpStream::connect(addr).with_context(|| {
        let server = format!("lesson-8 -- server {}", program.name());
        format!("cannot connect to {addr}; does `cargo run -p {server}` run?")
    })?;
    let mut typed = stream.try_clone()?;
    // Nobody joins it: it waits for a keyboard, and the process ends without it.
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut typed);
        typed.shutdown(Shutdown::Write) // says "this was all", for both descriptors
    });
    let mut input = BufReader::new(stream);
    let broken = || format!("the conversation with {addr} broke off");
    while let Some(line) = read_line(&mut input).with_context(broken)? {
        writeln!(out, "{}", printable(&line))?;
    }
    Ok(())
}
// ANCHOR_END: client

/// `bytes` as text for a terminal, with `�` for what is not UTF-8 and for control
/// characters: a stranger's could move the cursor, or worse.
fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let visible = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().map(visible).collect()
}

/// A mistake in what was asked for, not in what was done: exit code 2.
#[derive(Debug)]
struct Usage(String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}; `cargo run -p lesson-8 -- help` lists all there is",
            self.0
        )
    }
}

impl std::error::Error for Usage {}

fn misuse(what: String) -> anyhow::Error {
    Usage(what).into()
}

/// Standard output; when nobody reads it any more (`lesson-8 | head -1`), we stop.
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
