//! `cargo run -p lesson-5` plays the lesson; `-- help` tells what else there is.

use std::io::{self, ErrorKind, Stdout, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::process::{self, ExitCode};
use std::time::Duration;
use std::{env, fmt};

use anyhow::{Context, Result};
use lesson_5::dual;
use lesson_5::resolve::Hints;

mod demo;
mod experiments;
mod programs;

const HELP: &str = "\
Lesson 5: names and addresses

  cargo run -p lesson-5                           play all of it in one terminal
  cargo run -p lesson-5 -- lookup NAME [SERVICE] [HINT ...]
                                                  all that getaddrinfo returns
      HINT: 4 6 stream dgram raw passive canon figures v4mapped all addrconfig
  cargo run -p lesson-5 -- port NAME [PROTOCOL]   the port of a service
  cargo run -p lesson-5 -- whoami [NAME]          names of this machine, or another
  cargo run -p lesson-5 -- dial HOST PORT [--timeout SECONDS] [--source ADDR]
                                                  try every address of a name
  cargo run -p lesson-5 -- server dual [ADDR]     serve both families, until Ctrl-C
  cargo run -p lesson-5 -- client dual [ADDR]     ask it who we are

  ADDR of `server` is [::]:9006 and of `client` [::1]:9006, unless it is given.

Experiments:
  cargo run -p lesson-5 -- session                who a socket is, call by call
  cargo run -p lesson-5 -- families               what this kernel has sockets for
  cargo run -p lesson-5 -- attempts               one address after another
  cargo run -p lesson-5 -- surprise               what it costs to know an address

Wrong on purpose; find out why:
  cargo run -p lesson-5 -- broken first-only      when the first address is dead
  cargo run -p lesson-5 -- broken mapped          when an IPv4 caller comes to [::]
  cargo run -p lesson-5 -- broken v6only          when [::] is not everything
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
            let _ = writeln!(io::stderr(), "lesson-5: {error:#}");
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

fn run(args: &[&str]) -> Result<()> {
    let mut out = Screen(io::stdout());
    match *args {
        [] => demo::play(&mut out),
        ["help" | "--help" | "-h"] => Ok(out.write_all(HELP.as_bytes())?),
        ["lookup", name, ref rest @ ..] => look_up(name, rest, &mut out),
        ["port", name] => programs::port(name, None, &mut out),
        ["port", name, protocol] => programs::port(name, Some(protocol), &mut out),
        ["whoami"] => programs::whoami(None, &mut out),
        ["whoami", name] => programs::whoami(Some(name), &mut out),
        ["dial", host, port, ref options @ ..] => {
            let Options { timeout, source } = options_of(options)?;
            programs::dial(host, port, timeout, source, &mut out)
        }
        ["server", "dual"] => server(None, &mut out),
        ["server", "dual", addr] => server(Some(addr), &mut out),
        ["client", "dual"] => client(None, &mut out),
        ["client", "dual", addr] => client(Some(addr), &mut out),
        ["session"] => experiments::session(&mut out),
        ["families"] => experiments::families(&mut out),
        ["attempts"] => experiments::attempts(&mut out),
        ["surprise"] => experiments::surprise(&mut out),
        ["broken", "first-only"] => experiments::first_only(&mut out),
        ["broken", "mapped"] => experiments::mapped(&mut out),
        ["broken", "v6only"] => experiments::v6only(&mut out),
        ["server" | "client", name, ..] => {
            Err(misuse(format!("`{name}` is none of: dual")))
        }
        ["lookup" | "port" | "dial" | "server" | "client" | "broken"] => {
            Err(misuse(format!("{} what?", args[0])))
        }
        _ => Err(misuse(format!("there is no `{}` here", args.join(" ")))),
    }
}

/// The arguments behind the name: hints, and one that is none: the service.
fn look_up(name: &str, rest: &[&str], out: &mut Screen) -> Result<()> {
    let mut hints = Hints::default();
    let mut service = None;
    for &word in rest {
        match word {
            "4" => hints.family = libc::AF_INET,
            "6" => hints.family = libc::AF_INET6,
            "stream" => hints.kind = libc::SOCK_STREAM,
            "dgram" => hints.kind = libc::SOCK_DGRAM,
            "raw" => hints.kind = libc::SOCK_RAW,
            "passive" => hints.flags |= libc::AI_PASSIVE,
            "canon" => hints.flags |= libc::AI_CANONNAME,
            "figures" => hints.flags |= libc::AI_NUMERICHOST | libc::AI_NUMERICSERV,
            "v4mapped" => hints.flags |= libc::AI_V4MAPPED,
            "all" => hints.flags |= libc::AI_ALL,
            "addrconfig" => hints.flags |= libc::AI_ADDRCONFIG,
            word if service.is_none() => service = Some(word),
            word => return Err(misuse(format!("`{word}` is no hint"))),
        }
    }
    // `-` stands for no name at all: loopback, or with `passive` the wildcard.
    let name = (name != "-").then_some(name);
    programs::lookup(name, service, hints, out)
}

/// What may stand behind host and port.
struct Options {
    timeout: Duration,
    source: Option<IpAddr>,
}

fn options_of(mut rest: &[&str]) -> Result<Options> {
    const TIMEOUT: Duration = Duration::from_secs(20);
    let mut options = Options {
        timeout: TIMEOUT,
        source: None,
    };
    while let [option, value, behind @ ..] = rest {
        match *option {
            "--timeout" => {
                options.timeout = match value.parse() {
                    Ok(seconds @ 1..=3600) => Duration::from_secs(seconds),
                    _ => {
                        let why = "is not a number of seconds from 1 to 3600";
                        return Err(misuse(format!("`{value}` {why}")));
                    }
                }
            }
            "--source" => {
                let source = value.parse();
                let source = source
                    .map_err(|_| misuse(format!("`{value}` is not an address")))?;
                options.source = Some(source);
            }
            other => return Err(misuse(format!("dial has no option `{other}`"))),
        }
        rest = behind;
    }
    match rest {
        [] => Ok(options),
        [option, ..] => Err(misuse(format!("nothing stands behind `{option}`"))),
    }
}

const PORT: u16 = 9006;

fn address(given: Option<&str>, unless: Ipv6Addr) -> Result<SocketAddr> {
    let Some(given) = given else {
        return Ok(SocketAddr::from((unless, PORT)));
    };
    given.parse().map_err(|_| {
        misuse(format!(
            "`{given}` is not an address and a port, like [::1]:9006"
        ))
    })
}

// ANCHOR: server
fn server(addr: Option<&str>, out: &mut Screen) -> Result<()> {
    let addr = address(addr, Ipv6Addr::UNSPECIFIED)?;
    let listener = dual::listen(addr).with_context(|| {
        format!("cannot listen on {addr} (at [::]:0 there is always a free port)")
    })?;
    let addr = listener
        .local_addr()
        .context("cannot ask for our address")?;
    // Ends the process, and the kernel closes what it had open.
    ctrlc::set_handler(|| process::exit(0)).context("cannot watch for Ctrl-C")?;
    writeln!(out, "listening on {addr}")?;
    if addr.ip().is_unspecified() {
        writeln!(out, "everybody who reaches this machine can call")?;
    }
    writeln!(out, "stop with Ctrl-C; in another terminal, one of:")?;
    for host in ["127.0.0.1", "::1"] {
        writeln!(out, "  nc {host} {}", addr.port())?;
    }
    dual::serve(&listener, |called| {
        // A server whose terminal is gone goes on serving.
        let (peer, known) = (called.peer, dual::caller(called.peer));
        let _ = match called.lost {
            None => writeln!(out, "accept says {peer}; that is {known}"),
            Some(error) => writeln!(out, "{known} lost: {error}"),
        };
    })
    .with_context(|| format!("cannot accept connections on {addr}"))
}
// ANCHOR_END: server

fn client(addr: Option<&str>, out: &mut Screen) -> Result<()> {
    let addr = address(addr, Ipv6Addr::LOCALHOST)?;
    let line = dual::ask(addr).with_context(|| {
        format!(
            "cannot talk to {addr}; does `cargo run -p lesson-5 -- server dual` run?"
        )
    })?;
    let line = String::from_utf8_lossy(&line);
    // What a server says cannot command the terminal.
    let shown = line.trim_end().replace(char::is_control, "\u{fffd}");
    Ok(writeln!(out, "{shown}")?)
}

/// A mistake in what was asked for, not in what was done: exit code 2.
#[derive(Debug)]
struct Usage(String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}; `cargo run -p lesson-5 -- help` lists all there is",
            self.0
        )
    }
}

impl std::error::Error for Usage {}

fn misuse(what: String) -> anyhow::Error {
    Usage(what).into()
}

/// Standard output; when nobody reads it any more (`lesson-5 | head -1`), we stop.
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
