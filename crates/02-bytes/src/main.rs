//! `cargo run -p lesson-2` plays the lesson; `-- help` tells what else there is.

use std::io::{self, BufReader, ErrorKind, Stdout, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::num::NonZero;
use std::process::{self, ExitCode};
use std::str::FromStr;
use std::time::Duration;
use std::{env, fmt};

use anyhow::{Context, Result};
use lesson_2::chat::{self, Log};
use lesson_2::framing::read_word;
use lesson_2::server::{News, PATIENCE, serve};
use lesson_2::words;
use wire::proxy::{Cut, Rechunk};

mod demo;
mod experiments;

const HELP: &str = "\
Lesson 2: bytes, not messages

  cargo run -p lesson-2                           play all of it in one terminal
  cargo run -p lesson-2 -- server NAME [ADDR]     serve, until Ctrl-C
  cargo run -p lesson-2 -- client NAME [ADDR]     talk to a server

  NAME is one of these, ADDR an address and a port:
    words    127.0.0.1:9990    says some words, their lengths in front
    lines    127.0.0.1:9991    keeps a log of the lines that are said to it

A proxy that cuts whatever passes, of any server's:
  cargo run -p lesson-2 -- drip LISTEN TARGET [OPTION...]
    LISTEN and TARGET are addresses like those above
    --bytes N        into pieces of N bytes (1)
    --random SEED    into pieces of 1 to 16 bytes; the seed chooses them
    --pause MS       and waits so many milliseconds between two pieces (0)

Experiments:
  cargo run -p lesson-2 -- seams              two writes and one read, and so on
  cargo run -p lesson-2 -- flow               what `write` gets rid of if nobody reads
  cargo run -p lesson-2 -- surprise           the same line, sent whole and in pieces

Wrong on purpose; find out why:
  cargo run -p lesson-2 -- broken one-read    a server that understands good morning
  cargo run -p lesson-2 -- broken utf8        a server that understands grüße
  cargo run -p lesson-2 -- broken deadlock    a client that sends 16 MB
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
            let _ = writeln!(io::stderr(), "lesson-2: {error:#}");
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
        ["drip", listen, target, ref options @ ..] => {
            drip(address(listen)?, address(target)?, options, &mut out)
        }
        ["seams"] => experiments::seams(&mut out),
        ["flow"] => experiments::flow(&mut out),
        ["surprise"] => experiments::surprise(&mut out),
        ["broken", "one-read"] => experiments::one_read(&mut out),
        ["broken", "utf8"] => experiments::utf8(&mut out),
        ["broken", "deadlock"] => experiments::deadlock(&mut out),
        ["server" | "client" | "broken"] => Err(misuse(format!("{} what?", args[0]))),
        ["drip", ..] => Err(misuse("drip from where to where?".into())),
        _ => Err(misuse(format!("there is no `{}` here", args.join(" ")))),
    }
}

/// One of the lesson's two servers.
#[derive(Clone, Copy, PartialEq)]
enum Program {
    Words,
    Lines,
}

impl Program {
    fn name(self) -> &'static str {
        match self {
            Program::Words => "words",
            Program::Lines => "lines",
        }
    }

    fn addr(self, given: Option<&str>) -> Result<SocketAddr> {
        let port = match self {
            Program::Words => 9990,
            Program::Lines => 9991,
        };
        given.map_or(Ok(([127, 0, 0, 1], port).into()), address)
    }
}

fn program(name: &str) -> Result<Program> {
    match name {
        "words" => Ok(Program::Words),
        "lines" => Ok(Program::Lines),
        _ => Err(misuse(format!("`{name}` is none of: words, lines"))),
    }
}

fn address(given: &str) -> Result<SocketAddr> {
    given.parse().map_err(|_| {
        misuse(format!(
            "`{given}` is not an address and a port, like 127.0.0.1:9990"
        ))
    })
}

fn bind(addr: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(addr).with_context(|| {
        format!(
            "cannot listen on {addr} (at 127.0.0.1:0 there is always a free port)"
        )
    })
}

// ANCHOR: server
fn server(program: Program, addr: Option<&str>, out: &mut Screen) -> Result<()> {
    let listener = bind(program.addr(addr)?)?;
    let (addr, name) = (listener.local_addr()?, program.name());
    ctrlc::set_handler(|| process::exit(0))?; // the kernel closes what is open
    writeln!(out, "listening on {addr}")?;
    writeln!(out, "stop with Ctrl-C; in another terminal, one of:")?;
    writeln!(out, "  cargo run -p lesson-2 -- client {name} {addr}")?;
    writeln!(out, "  nc {} {}", addr.ip(), addr.port())?;

    let mut log = Log::default(); // one for all visits
    let talk = |stream: &TcpStream| match program {
        Program::Words => words::tell(stream),
        Program::Lines => chat::converse(BufReader::new(stream), stream, &mut log),
    };
    serve(&listener, PATIENCE, talk, |peer, news| {
        // A server whose terminal is gone goes on serving.
        let _ = match news {
            News::Came => writeln!(out, "{peer} came"),
            News::Left(count) => {
                writeln!(out, "{peer} left; {name} sent to it: {count}")
            }
            News::Lost(error) => writeln!(out, "{peer} lost: {error}"),
        };
    })
    .context("cannot accept connections")
}
// ANCHOR_END: server

// ANCHOR: client
fn client(program: Program, addr: Option<&str>, out: &mut Screen) -> Result<()> {
    let addr = program.addr(addr)?;
    let stream = TcpStream::connect(addr).with_context(|| {
        let server = format!("lesson-2 -- server {}", program.name());
        format!("cannot connect to {addr}; does `cargo run -p {server}` run?")
    })?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut server = BufReader::new(stream);
    let outcome = match program {
        Program::Words => show_words(&mut server, out),
        Program::Lines => chat::take_part(io::stdin().lock(), out, &mut server),
    };
    outcome.with_context(|| format!("the conversation with {addr} broke off"))
}

fn show_words(server: &mut BufReader<TcpStream>, out: &mut Screen) -> io::Result<()> {
    while let Some(word) = read_word(server)? {
        writeln!(out, "{:5} bytes: {}", word.len(), chat::printable(&word))?;
    }
    Ok(())
}
// ANCHOR_END: client

// ANCHOR: drip
fn drip(
    listen: SocketAddr,
    target: SocketAddr,
    options: &[&str],
    out: &mut Screen,
) -> Result<()> {
    let mut cut = Cut::Bytes(1);
    let mut pause = Duration::ZERO;
    for option in options.chunks(2) {
        match *option {
            ["--bytes", bytes] => {
                cut = Cut::Bytes(number::<NonZero<usize>>(bytes)?.get())
            }
            ["--random", seed] => {
                cut = Cut::Random {
                    most: 16,
                    seed: number(seed)?,
                }
            }
            ["--pause", time] => pause = Duration::from_millis(number(time)?),
            _ => {
                return Err(misuse(format!(
                    "what does `{}` mean?",
                    option.join(" ")
                )));
            }
        }
    }
    let listener = bind(listen)?;
    ctrlc::set_handler(|| process::exit(0))?;
    let proxy = Rechunk::new(cut).pause(pause).start(listener, target)?;
    writeln!(out, "listening on {}", proxy.addr())?;
    writeln!(out, "and passing on what comes to {target}, until Ctrl-C")?;
    for problem in proxy.problems() {
        let _ = writeln!(out, "{problem}"); // one connection's; the others go on
    }
    Ok(())
}
// ANCHOR_END: drip

fn number<T: FromStr>(given: &str) -> Result<T> {
    given
        .parse()
        .map_err(|_| misuse(format!("`{given}` is not such a number")))
}

/// A mistake in what was asked for, not in what was done: exit code 2.
#[derive(Debug)]
struct Usage(String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}; `cargo run -p lesson-2 -- help` lists all there is",
            self.0
        )
    }
}

impl std::error::Error for Usage {}

fn misuse(what: String) -> anyhow::Error {
    Usage(what).into()
}

/// Standard output; when nobody reads it any more (`lesson-2 | head -1`), we stop.
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
