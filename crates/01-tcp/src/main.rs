//! `cargo run -p lesson-1` plays the lesson; `-- help` tells what else there is.

use std::io::{self, BufReader, ErrorKind, Stdout, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{self, ExitCode};
use std::{env, fmt};

use anyhow::{Context, Result};
use lesson_1::client::{connect, dialogue, printable};
use lesson_1::server::{BACKLOG, News, PATIENCE, listen, serve};
use lesson_1::{greeting, timestamps, upper};

mod demo;
mod experiments;

const HELP: &str = "\
Lesson 1: a first conversation over TCP

  cargo run -p lesson-1                           play all of it in one terminal
  cargo run -p lesson-1 -- server NAME [ADDR]     serve, until Ctrl-C
  cargo run -p lesson-1 -- client NAME [ADDR]     talk to a server

  NAME is one of these, ADDR an address and a port:
    greeting      127.0.0.1:8088    greets whoever connects, then closes
    timestamps    127.0.0.1:8009    sends each line back with the time before it
    upper         127.0.0.1:8000    sends each line back in capitals

Experiments:
  cargo run -p lesson-1 -- order                  connect, send, and only then accept
  cargo run -p lesson-1 -- backlog [N]            clients that nobody accepts (N: 1)
  cargo run -p lesson-1 -- surprise               what an answer costs, three ways

Wrong on purpose; find out why:
  cargo run -p lesson-1 -- broken spin                when a client has left
  cargo run -p lesson-1 -- broken one-client-kills    when a client breaks off
";

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
            let _ = writeln!(io::stderr(), "lesson-1: {error:#}");
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
        ["order"] => experiments::order(&mut out),
        ["backlog"] => experiments::backlog(1, &mut out),
        ["backlog", length] => experiments::backlog(number(length)?, &mut out),
        ["surprise"] => experiments::surprise(&mut out),
        ["broken", "spin"] => experiments::spin(&mut out),
        ["broken", "one-client-kills"] => experiments::one_client_kills(&mut out),
        ["server" | "client" | "broken"] => Err(misuse(format!("{} what?", args[0]))),
        _ => Err(misuse(format!("there is no `{}` here", args.join(" ")))),
    }
}

/// One of the lesson's three servers.
struct Program {
    name: &'static str,
    port: u16,
    talk: fn(&TcpStream) -> io::Result<usize>,
}

const PROGRAMS: [Program; 3] = [
    Program {
        name: "greeting",
        port: 8088,
        talk: greeting::talk,
    },
    Program {
        name: "timestamps",
        port: 8009,
        talk: timestamps::talk,
    },
    Program {
        name: "upper",
        port: 8000,
        talk: upper::talk,
    },
];

fn program(name: &str) -> Result<&'static Program> {
    PROGRAMS
        .iter()
        .find(|program| program.name == name)
        .ok_or_else(|| {
            misuse(format!("`{name}` is none of: greeting, timestamps, upper"))
        })
}

fn address(program: &Program, given: Option<&str>) -> Result<SocketAddr> {
    let Some(given) = given else {
        return Ok(SocketAddr::from(([127, 0, 0, 1], program.port)));
    };
    given.parse().map_err(|_| {
        misuse(format!(
            "`{given}` is not an address and a port, like 127.0.0.1:8009"
        ))
    })
}

fn number(given: &str) -> Result<i32> {
    match given.parse() {
        Ok(number @ 0..=50) => Ok(number),
        _ => Err(misuse(format!("`{given}` is not a number from 0 to 50"))),
    }
}

// ANCHOR: server
fn server(program: &Program, addr: Option<&str>, out: &mut Screen) -> Result<()> {
    let addr = address(program, addr)?;
    let listener = listen(addr, BACKLOG).with_context(|| {
        format!(
            "cannot listen on {addr} (at 127.0.0.1:0 there is always a free port)"
        )
    })?;
    let addr = listener.local_addr()?;
    // Ends the process, and the kernel closes what it had open. A later lesson stops
    // without cutting off a conversation.
    ctrlc::set_handler(|| process::exit(0))?;
    writeln!(out, "listening on {addr}")?;
    writeln!(out, "stop with Ctrl-C; in another terminal, one of:")?;
    writeln!(
        out,
        "  cargo run -p lesson-1 -- client {} {addr}",
        program.name
    )?;
    writeln!(out, "  nc {} {}", addr.ip(), addr.port())?;
    serve(&listener, PATIENCE, program.talk, |peer, news| {
        // A server whose terminal is gone goes on serving.
        let _ = match news {
            News::Came => writeln!(out, "{peer} came"),
            News::Left(lines) => {
                writeln!(out, "{peer} left; lines sent to it: {lines}")
            }
            News::Lost(error) => writeln!(out, "{peer} lost: {error}"),
        };
    })
    .context("cannot accept connections")
}
// ANCHOR_END: server

// ANCHOR: client
fn client(program: &Program, addr: Option<&str>, out: &mut Screen) -> Result<()> {
    let addr = address(program, addr)?;
    let unreachable = || {
        let server = format!("lesson-1 -- server {}", program.name);
        format!("cannot talk to {addr}; does `cargo run -p {server}` run?")
    };
    if program.name == "greeting" {
        let greeting = greeting::receive(addr).with_context(unreachable)?;
        for line in greeting.trim_ascii_end().split(|byte| *byte == b'\n') {
            writeln!(out, "{}", printable(line))?;
        }
        return Ok(());
    }
    let stream = connect(addr).with_context(unreachable)?;
    dialogue(io::stdin().lock(), out, &mut BufReader::new(stream))
        .with_context(|| format!("the conversation with {addr} broke off"))
}
// ANCHOR_END: client

/// A mistake in what was asked for, not in what was done: exit code 2.
#[derive(Debug)]
struct Usage(String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}; `cargo run -p lesson-1 -- help` lists all there is",
            self.0
        )
    }
}

impl std::error::Error for Usage {}

fn misuse(what: String) -> anyhow::Error {
    Usage(what).into()
}

/// Standard output; when nobody reads it any more (`lesson-1 | head -1`), we stop.
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
