//! `cargo run -p lesson-10` plays the lesson; `-- help` tells what else there is.

use std::io::{self, ErrorKind, Stdout, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::process::{self, ExitCode};
use std::time::Duration;
use std::{env, fmt};

use anyhow::{Context, Result};
use lesson_10::conn::News;
use lesson_10::terminal::dialogue;
use lesson_10::{echo, polling, queues};

mod demo;
mod experiments;

const HELP: &str = "\
Lesson 10: readiness, by select, poll and epoll

  cargo run -p lesson-10                           play it in one terminal
  cargo run -p lesson-10 -- server NAME [ADDR]     serve, until Ctrl-C
  cargo run -p lesson-10 -- client NAME [ADDR]     keyboard and server at once

  NAME is one of       and ADDR, if it is left out,
    echo                 127.0.0.1:8002    select; sends back what comes
    queues               127.0.0.1:10000   select; a queue for each client
    poll                 127.0.0.1:10000   the same, by poll
    epoll                127.0.0.1:10000   the same, by epoll, level-triggered
    edge                 127.0.0.1:10000   the same, by epoll, edge-triggered
    reactor              127.0.0.1:10000   on the reactor; the idle have to go

Experiments:
  cargo run -p lesson-10 -- quiz [SECONDS]         a question with a time limit
  cargo run -p lesson-10 -- nonblocking            what the calls say
  cargo run -p lesson-10 -- limit                  descriptor 1024
  cargo run -p lesson-10 -- triggers               level and edge, side by side
  cargo run -p lesson-10 -- memory [CLIENTS]       what a silent client costs
  cargo run -p lesson-10 -- surprise [FILE]        what a wait costs, measured;
                                                   FILE gets it as a picture (SVG)

Wrong on purpose; find out why:
  cargo run -p lesson-10 -- broken always-writable
  cargo run -p lesson-10 -- broken hidden-lines
  cargo run -p lesson-10 -- broken half-drained
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
            let _ = writeln!(io::stderr(), "lesson-10: {error:#}");
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

fn run(args: &[&str]) -> Result<()> {
    let mut out = Screen(io::stdout());
    match *args {
        [] => demo::play(&mut out),
        ["help" | "--help" | "-h"] => Ok(out.write_all(HELP.as_bytes())?),
        ["server", name, ref addr @ ..] => server(program(name)?, addr, &mut out),
        ["client", name, ref addr @ ..] => client(program(name)?, addr, &mut out),
        ["quiz"] => experiments::quiz(5, &mut out),
        ["quiz", seconds] => experiments::quiz(number(seconds, 3600)?, &mut out),
        ["nonblocking"] => experiments::nonblocking(&mut out),
        ["limit"] => experiments::limit(&mut out),
        ["triggers"] => experiments::triggers(&mut out),
        ["memory"] => experiments::memory(1000, &mut out),
        ["memory", clients] => {
            experiments::memory(number(clients, 100_000)?, &mut out)
        }
        ["surprise"] => experiments::surprise(None, &mut out),
        ["surprise", file] => experiments::surprise(Some(file), &mut out),
        ["broken", "always-writable"] => experiments::always_writable(&mut out),
        ["broken", "hidden-lines"] => experiments::hidden_lines(&mut out),
        ["broken", "half-drained"] => experiments::half_drained(&mut out),
        ["server" | "client" | "broken"] => Err(misuse(format!("{} what?", args[0]))),
        _ => Err(misuse(format!("there is no `{}` here", args.join(" ")))),
    }
}

/// Serves until the process ends.
type Serve = fn(TcpListener, &mut dyn FnMut(News)) -> io::Result<()>;

/// One of the lesson's servers.
struct Program {
    name: &'static str,
    port: u16,
    serve: Serve,
}

const PROGRAMS: &[Program] = &[
    Program {
        name: "echo",
        port: 8002,
        serve: |listener, tell| echo::serve(&listener, tell),
    },
    Program {
        name: "queues",
        port: 10000,
        serve: |listener, tell| queues::serve(&listener, tell),
    },
    Program {
        name: "poll",
        port: 10000,
        serve: |listener, tell| polling::serve(&listener, tell),
    },
    #[cfg(target_os = "linux")]
    Program {
        name: "epoll",
        port: 10000,
        serve: |listener, tell| lesson_10::levels::serve(&listener, tell),
    },
    #[cfg(target_os = "linux")]
    Program {
        name: "edge",
        port: 10000,
        serve: |listener, tell| lesson_10::edges::serve(&listener, tell),
    },
    #[cfg(target_os = "linux")]
    Program {
        name: "reactor",
        port: 10000,
        serve: until_ctrl_c,
    },
];

/// How long a client of the reactor's server may be silent.
#[cfg(target_os = "linux")]
const PATIENCE: Duration = Duration::from_secs(300);

// ANCHOR: until_ctrl_c
/// Serves on the reactor; Ctrl-C stops it in good order.
#[cfg(target_os = "linux")]
fn until_ctrl_c(listener: TcpListener, tell: &mut dyn FnMut(News)) -> io::Result<()> {
    let server = lesson_10::reacting::Server::new(listener, PATIENCE)?;
    let stopper = server.stopper();
    ctrlc::set_handler(move || {
        let _ = stopper.stop(); // this cannot fail, and there is nobody to tell
    })
    .map_err(io::Error::other)?;
    server.run(tell)
}
// ANCHOR_END: until_ctrl_c

fn program(name: &str) -> Result<&'static Program> {
    let known: Vec<&str> = PROGRAMS.iter().map(|program| program.name).collect();
    PROGRAMS
        .iter()
        .find(|program| program.name == name)
        .ok_or_else(|| misuse(format!("`{name}` is none of: {}", known.join(", "))))
}

fn address(program: &Program, given: &[&str]) -> Result<SocketAddr> {
    match *given {
        [] => Ok(SocketAddr::from(([127, 0, 0, 1], program.port))),
        [addr] => addr.parse().map_err(|_| {
            misuse(format!(
                "`{addr}` is not an address and a port, like 127.0.0.1:8002"
            ))
        }),
        _ => Err(misuse("one ADDR is enough".into())),
    }
}

fn number(given: &str, most: u64) -> Result<u64> {
    match given.parse() {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        _ => Err(misuse(format!(
            "`{given}` is not a number from 1 to {most}"
        ))),
    }
}

fn server(program: &Program, addr: &[&str], out: &mut Screen) -> Result<()> {
    let addr = address(program, addr)?;
    let listener = TcpListener::bind(addr).with_context(|| {
        format!("cannot listen on {addr} (127.0.0.1:0 has always a free port)")
    })?;
    let addr = listener.local_addr()?;
    writeln!(out, "listening on {addr}")?;
    writeln!(out, "stop with Ctrl-C; in other terminals, one of:")?;
    writeln!(
        out,
        "  cargo run -p lesson-10 -- client {} {addr}",
        program.name
    )?;
    writeln!(out, "  nc {} {}", addr.ip(), addr.port())?;
    // A server whose terminal is gone goes on serving.
    let mut tell = |news: News| {
        let _ = match news {
            News::Waits | News::Read(..) | News::Wrote(..) => Ok(()),
            News::Came(peer) => writeln!(out, "{peer} came"),
            News::Left(peer, _) => writeln!(out, "{peer} left"),
            News::Lost(peer, error) => writeln!(out, "{peer} lost: {error}"),
            News::Refused(peer) => writeln!(out, "{peer} refused: no room"),
            News::Full(error) => writeln!(out, "no room for one more: {error}"),
        };
    };
    (program.serve)(listener, &mut tell)
        .with_context(|| format!("cannot serve on {addr}"))
}

fn client(program: &Program, addr: &[&str], out: &mut Screen) -> Result<()> {
    let addr = address(program, addr)?;
    let server = TcpStream::connect(addr).with_context(|| {
        let server = format!("lesson-10 -- server {}", program.name);
        format!("cannot connect to {addr}; does `cargo run -p {server}` run?")
    })?;
    dialogue(io::stdin().as_fd(), &server, out)
        .with_context(|| format!("the conversation with {addr} broke off"))
}

/// A mistake in what was asked for, not in what was done: exit code 2.
#[derive(Debug)]
struct Usage(String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}; `cargo run -p lesson-10 -- help` lists all there is",
            self.0
        )
    }
}

impl std::error::Error for Usage {}

fn misuse(what: String) -> anyhow::Error {
    Usage(what).into()
}

/// Standard output; when nobody reads it any more (`lesson-10 | head -1`), we stop.
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
