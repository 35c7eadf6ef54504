//! `cargo run -p lesson-11` plays the lesson; `-- help` tells what else there is.

use std::io::{self, BufRead, BufReader, ErrorKind, Stdout, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{self, ExitCode};
use std::time::Duration;
use std::{env, fmt, thread};

use anyhow::{Context, Result};
use lesson_11::memory::KINDS;
use lesson_11::{chat, mini, upper};
use tokio::runtime::Builder;

mod demo;
mod experiments;

const HELP: &str = "\
Lesson 11: coroutines and async

  cargo run -p lesson-11                           play all of it in one terminal
  cargo run -p lesson-11 -- server NAME [ADDR]     serve, until Ctrl-C
  cargo run -p lesson-11 -- client NAME [ADDR]     talk to a server, from a terminal

  NAME is one of these, ADDR an address and a port:
    upper    127.0.0.1:8000    capitals, on tokio; Ctrl-C lets who is there finish
    mini     127.0.0.1:8001    capitals, on an executor of two hundred lines
    chat     127.0.0.1:8002    what one says, the others hear

Experiments:
  cargo run -p lesson-11 -- coroutine        one conversation, written in four ways
  cargo run -p lesson-11 -- polls            what our executor polls, when it sleeps
  cargo run -p lesson-11 -- timeline         the same work by threads and by tasks
  cargo run -p lesson-11 -- pressure         a queue with a limit, and one without
  cargo run -p lesson-11 -- memory [N]       what N idle clients cost, each (400)
  cargo run -p lesson-11 -- surprise         a turn of threads, and a turn of tasks

Wrong on purpose; find out why:
  cargo run -p lesson-11 -- broken forgotten-waker   a future that tells nobody
  cargo run -p lesson-11 -- broken spin              one that wakes itself
  cargo run -p lesson-11 -- broken lost-bytes        a frame, and a tick in the middle
  cargo run -p lesson-11 -- broken blocking          who is answered first?
";

/// How long those who are being served have when Ctrl-C is pressed.
const DRAIN: Duration = Duration::from_secs(5);

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
            let _ = writeln!(io::stderr(), "lesson-11: {error:#}");
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
        ["coroutine"] => experiments::coroutine(&mut out),
        ["polls"] => demo::polls(&mut out),
        ["timeline"] => experiments::timeline(&mut out),
        ["pressure"] => experiments::pressure(&mut out),
        ["memory"] => experiments::memory(400, &mut out),
        ["memory", clients] => experiments::memory(number(clients)?, &mut out),
        ["memory", kind, clients] => {
            let named = KINDS.into_iter().find(|(name, _)| *name == kind);
            let kind = named.ok_or_else(|| {
                misuse(format!("`{kind}` is none of: threads, mini, tokio"))
            })?;
            experiments::memory_of(kind, number(clients)?, &mut out)
        }
        ["surprise"] => experiments::surprise(&mut out),
        ["broken", "forgotten-waker"] => experiments::forgotten_waker(&mut out),
        ["broken", "spin"] => experiments::spin(&mut out),
        ["broken", "lost-bytes"] => experiments::lost_bytes(&mut out),
        ["broken", "blocking"] => experiments::blocking(&mut out),
        ["server" | "client" | "broken"] => Err(misuse(format!("{} what?", args[0]))),
        _ => Err(misuse(format!("there is no `{}` here", args.join(" ")))),
    }
}

/// One of the lesson's three servers.
#[derive(Clone, Copy, PartialEq)]
enum Program {
    Upper,
    Mini,
    Chat,
}

impl Program {
    fn name(self) -> &'static str {
        match self {
            Program::Upper => "upper",
            Program::Mini => "mini",
            Program::Chat => "chat",
        }
    }

    fn addr(self, given: Option<&str>) -> Result<SocketAddr> {
        let port = match self {
            Program::Upper => 8000,
            Program::Mini => 8001,
            Program::Chat => 8002,
        };
        given.map_or(Ok(([127, 0, 0, 1], port).into()), |given| {
            given.parse().map_err(|_| {
                misuse(format!(
                    "`{given}` is not an address and a port, like 127.0.0.1:8000"
                ))
            })
        })
    }
}

fn program(name: &str) -> Result<Program> {
    match name {
        "upper" => Ok(Program::Upper),
        "mini" => Ok(Program::Mini),
        "chat" => Ok(Program::Chat),
        _ => Err(misuse(format!("`{name}` is none of: upper, mini, chat"))),
    }
}

fn number(given: &str) -> Result<usize> {
    match given.parse() {
        Ok(number @ 1..=100_000) => Ok(number),
        _ => Err(misuse(format!(
            "`{given}` is not a number from 1 to 100000"
        ))),
    }
}

// ANCHOR: server
fn server(program: Program, addr: Option<&str>, out: &mut Screen) -> Result<()> {
    let addr = program.addr(addr)?;
    let listener = TcpListener::bind(addr).with_context(|| {
        format!(
            "cannot listen on {addr} (at 127.0.0.1:0 there is always a free port)"
        )
    })?;
    let (addr, name) = (listener.local_addr()?, program.name());
    writeln!(out, "listening on {addr}")?;
    writeln!(out, "stop with Ctrl-C; in another terminal, one of:")?;
    writeln!(out, "  cargo run -p lesson-11 -- client {name} {addr}")?;
    writeln!(out, "  nc {} {}", addr.ip(), addr.port())?;
    match program {
        Program::Mini => {
            // The kernel closes what is open.
            ctrlc::set_handler(|| process::exit(0))?;
            mini::serve(listener).context("cannot accept connections")
        }
        Program::Upper => until_ctrl_c(listener, out),
        Program::Chat => {
            ctrlc::set_handler(|| process::exit(0))?;
            listener.set_nonblocking(true)?;
            let runtime = Builder::new_multi_thread().enable_all().build()?;
            let served = runtime.block_on(async {
                chat::serve(tokio::net::TcpListener::from_std(listener)?).await
            });
            served.context("cannot accept connections")
        }
    }
}

fn until_ctrl_c(listener: TcpListener, out: &mut Screen) -> Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let drained = runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let stop = async {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending().await // no handler: Ctrl-C ends the process
            }
        };
        upper::serve_until(listener, stop, DRAIN).await
    });
    let drained = drained.context("cannot accept connections")?;
    let (finished, aborted) = (drained.finished, drained.aborted);
    Ok(writeln!(
        out,
        "at the stop: {finished} finished, {aborted} cut off"
    )?)
}
// ANCHOR_END: server

// ANCHOR: client
/// Sends what is typed, prints what comes: two threads, since a terminal knows no
/// async.
fn client(program: Program, addr: Option<&str>, out: &mut Screen) -> Result<()> {
    let addr = program.addr(addr)?;
    let stream = TcpStream::connect(addr).with_context(|| {
        let server = format!("lesson-11 -- server {}", program.name());
        format!("cannot connect to {addr}; does `cargo run -p {server}` run?")
    })?;
    let mut sending = stream.try_clone()?;
    thread::spawn(move || -> io::Result<()> {
        for line in io::stdin().lock().lines() {
            sending.write_all(format!("{}\n", line?).as_bytes())?;
        }
        sending.shutdown(Shutdown::Write) // all is said; what comes is still printed
    });
    let mut input = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        let read = input.read_until(b'\n', &mut line);
        let broken = || format!("the conversation with {addr} broke off");
        if read.with_context(broken)? == 0 {
            return Ok(());
        }
        writeln!(out, ">>> {}", String::from_utf8_lossy(&line).trim_end())?;
    }
}
// ANCHOR_END: client

/// A mistake in what was asked for, not in what was done: exit code 2.
#[derive(Debug)]
struct Usage(String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}; `cargo run -p lesson-11 -- help` lists all there is",
            self.0
        )
    }
}

impl std::error::Error for Usage {}

fn misuse(what: String) -> anyhow::Error {
    Usage(what).into()
}

/// Standard output; when nobody reads it any more (`lesson-11 | head -1`), we stop.
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
