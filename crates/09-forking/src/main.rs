//! `cargo run -p lesson-9` plays the lesson; `-- help` tells what else there is.
//!
//! This program forks. It must have one thread when it does, so it starts none: no
//! `ctrlc`, which keeps a thread, and no `thread::spawn` but in the experiment that is
//! about it, which comes last where there are several.

use std::io::{self, BufRead, ErrorKind, Stdout, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::process::{self, ExitCode};
use std::{env, fmt};

use anyhow::{Context, Result};
use lesson_9::server::{self, How};
use lesson_9::stand::Caller;
use lesson_9::{launch, prefork, talk};

mod demo;
mod experiments;

const HELP: &str = "\
Lesson 9: processes

  cargo run -p lesson-9                              play it in one terminal
  cargo run -p lesson-9 -- server forking [ADDR]     a process for each caller
  cargo run -p lesson-9 -- server prefork [ADDR]     4 processes that wait for callers
  cargo run -p lesson-9 -- client NAME [ADDR]        send lines; `who` asks who answers
  cargo run -p lesson-9 -- launch ADDR PROGRAM [ARG]...
                                                     any program as a server

  ADDR is an address and a port; if it is left out, 127.0.0.1:8009 for forking and
  127.0.0.1:8010 for prefork. Servers stop with Ctrl-C, and in good order with SIGTERM.

Experiments:
  cargo run -p lesson-9 -- inherit                   what a child has from its parent
  cargo run -p lesson-9 -- tree                      who has what open, step by step
  cargo run -p lesson-9 -- zombies                   ended, and not collected
  cargo run -p lesson-9 -- crash                     how children end, counted
  cargo run -p lesson-9 -- replace                   a worker dies, another comes
  cargo run -p lesson-9 -- memory [N]                what N idle callers cost (N: 200)
  cargo run -p lesson-9 -- surprise                  the same, in a word
  cargo run -p lesson-9 -- hazard                    fork where there are threads

Wrong on purpose; find out why:
  cargo run -p lesson-9 -- broken keeps-the-connection    a caller that hears no end
  cargo run -p lesson-9 -- broken keeps-the-listener      a port that stays occupied
  cargo run -p lesson-9 -- broken one-wait                ten ends, one signal
  cargo run -p lesson-9 -- broken twice                   half a line, printed twice
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
            let _ = writeln!(io::stderr(), "lesson-9: {error:#}");
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

fn run(args: &[&str]) -> Result<()> {
    let mut out = Screen(io::stdout());
    match *args {
        [] => demo::play(&mut out),
        ["help" | "--help" | "-h"] => Ok(out.write_all(HELP.as_bytes())?),
        ["server", "forking", ref addr @ ..] => {
            forking(address(addr, FORKING)?, &mut out)
        }
        ["server", "prefork", ref addr @ ..] => {
            preforking(address(addr, PREFORK)?, &mut out)
        }
        ["client", "forking", ref addr @ ..] => {
            client("forking", address(addr, FORKING)?, &mut out)
        }
        ["client", "prefork", ref addr @ ..] => {
            client("prefork", address(addr, PREFORK)?, &mut out)
        }
        ["launch", addr, name, ref args @ ..] => {
            let args = args.iter().map(ToString::to_string).collect();
            let name = name.to_string();
            let program = launch::Program { name, args };
            launcher(address(&[addr], FORKING)?, program, &mut out)
        }
        ["inherit"] => experiments::inherit(&mut out),
        ["tree"] => experiments::tree(&mut out),
        ["zombies"] => experiments::zombies(&mut out),
        ["crash"] => experiments::crash(&mut out),
        ["replace"] => experiments::replace(&mut out),
        ["memory"] => experiments::memory(200, &mut out),
        ["memory", count] => experiments::memory(number(count)?, &mut out),
        ["surprise"] => experiments::surprise(&mut out),
        ["hazard"] => experiments::hazard(&mut out),
        ["broken", "keeps-the-connection"] => {
            experiments::keeps_the_connection(&mut out)
        }
        ["broken", "keeps-the-listener"] => experiments::keeps_the_listener(&mut out),
        ["broken", "one-wait"] => experiments::one_wait(&mut out),
        ["broken", "twice"] => experiments::twice(&mut out),
        // Only `experiments::twice` says so.
        ["half-a-line", by] => experiments::half_a_line(by == "exit"),
        ["server" | "client", name, ..] => {
            Err(misuse(format!("`{name}` is none of: forking, prefork")))
        }
        ["launch", _] => Err(misuse("launch which program?".into())),
        ["server" | "client" | "broken" | "launch"] => {
            Err(misuse(format!("{} what?", args[0])))
        }
        _ => Err(misuse(format!("there is no `{}` here", args.join(" ")))),
    }
}

const FORKING: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8009);
const PREFORK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8010);

fn address(given: &[&str], usual: SocketAddr) -> Result<SocketAddr> {
    match *given {
        [] => Ok(usual),
        [addr] => addr.parse().map_err(|_| {
            misuse(format!(
                "`{addr}` is not an address and a port, like {usual}"
            ))
        }),
        _ => Err(misuse("one ADDR is enough".into())),
    }
}

fn number(given: &str) -> Result<usize> {
    match given.parse() {
        Ok(number @ 1..=500) => Ok(number),
        _ => Err(misuse(format!("`{given}` is not a number from 1 to 500"))),
    }
}

fn listen(addr: SocketAddr) -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(addr).with_context(|| {
        format!("cannot listen on {addr} (127.0.0.1:0 has always a free port)")
    })?;
    let addr = listener
        .local_addr()
        .context("the listener has no address")?;
    Ok((listener, addr))
}

fn announce(addr: SocketAddr, client: &str, out: &mut Screen) -> Result<()> {
    writeln!(out, "listening on {addr}")?;
    writeln!(out, "process {}; stop with Ctrl-C", process::id())?;
    writeln!(out, "in another terminal, one of:")?;
    if !client.is_empty() {
        writeln!(out, "  cargo run -p lesson-9 -- client {client} {addr}")?;
    }
    writeln!(out, "  nc {} {}", addr.ip(), addr.port())?;
    out.flush()?; // what is in a buffer when we fork, the child has too
    Ok(())
}

// ANCHOR: forking
fn forking(addr: SocketAddr, out: &mut Screen) -> Result<()> {
    let (listener, addr) = listen(addr)?;
    announce(addr, "forking", out)?;
    serve(listener, addr, &How::Fork(talk::visit), out)
}
// ANCHOR_END: forking

fn launcher(
    addr: SocketAddr,
    program: launch::Program,
    out: &mut Screen,
) -> Result<()> {
    let (listener, addr) = listen(addr)?;
    announce(addr, "", out)?;
    serve(listener, addr, &How::Run(program), out)
}

fn serve(
    listener: TcpListener,
    addr: SocketAddr,
    how: &How,
    out: &mut Screen,
) -> Result<()> {
    let tally = server::serve(listener, server::MOST, how, |news| {
        use server::News::{Came, Ended, Lost, Stopping};
        // A server whose terminal is gone goes on serving.
        let _ = match news {
            Came(child, peer) => writeln!(out.0, "child {child} serves {peer}"),
            Ended(child, end) => writeln!(out.0, "child {child} has ended: {end}"),
            Lost(error) => writeln!(out.0, "a caller is lost: {error}"),
            Stopping(count) => writeln!(out.0, "stopping; children at work: {count}"),
        };
    })
    .with_context(|| format!("cannot serve at {addr}"))?;
    let _ = writeln!(out.0, "children that have ended: {tally}");
    Ok(())
}

// ANCHOR: prefork
fn preforking(addr: SocketAddr, out: &mut Screen) -> Result<()> {
    let (listener, addr) = listen(addr)?;
    announce(addr, "prefork", out)?;
    prefork::serve(listener, prefork::WORKERS, talk::visit, |news| {
        use prefork::News::{Began, Ended, Lost, Stopping};
        let _ = match news {
            Began(worker) => writeln!(out.0, "worker {worker} has begun"),
            Ended(worker, end, pause) if pause.is_zero() => {
                writeln!(out.0, "worker {worker} has ended: {end}")
            }
            Ended(worker, end, pause) => {
                writeln!(out.0, "worker {worker} has ended: {end}; next in {pause:?}")
            }
            Lost(error) => writeln!(out.0, "no worker could begin: {error}"),
            Stopping(count) => writeln!(out.0, "stopping; workers: {count}"),
        };
    })
    .with_context(|| format!("cannot serve at {addr}"))
}
// ANCHOR_END: prefork

fn client(name: &str, addr: SocketAddr, out: &mut Screen) -> Result<()> {
    let mut server = Caller::call(addr).with_context(|| {
        format!("cannot connect to {addr}; does `lesson-9 -- server {name}` run?")
    })?;
    for line in io::stdin().lock().lines() {
        let line = line.context("cannot read what is typed")?;
        let reply = server
            .ask(&line)
            .with_context(|| format!("the conversation with {addr} broke off"))?;
        writeln!(out, "{reply}")?;
    }
    Ok(())
}

/// A mistake in what was asked for, not in what was done: exit code 2.
#[derive(Debug)]
struct Usage(String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}; `cargo run -p lesson-9 -- help` lists all there is",
            self.0
        )
    }
}

impl std::error::Error for Usage {}

fn misuse(what: String) -> anyhow::Error {
    Usage(what).into()
}

/// Standard output; when nobody reads it any more (`lesson-9 | head -1`), we stop.
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
