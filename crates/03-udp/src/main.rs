//! `cargo run -p lesson-3` plays the lesson; `-- help` tells what else there is.

use std::io::{self, BufRead, ErrorKind, Stdout, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::process::{self, ExitCode};
use std::{env, fmt, thread};

use anyhow::{Context, Result};
use lesson_3::letters::{self, Reply};
use lesson_3::{PATIENCE, ROOM};
use wire::relay::Lossy;

mod experiments;

const HELP: &str = "\
Lesson 3: datagrams

  cargo run -p lesson-3                           play all of it in one terminal
  cargo run -p lesson-3 -- server NAME [ADDR]     serve, until Ctrl-C
  cargo run -p lesson-3 -- client NAME [ADDR]     send to a server

  NAME is one of these, ADDR an address and a port:
    oneway   127.0.0.1:9999    takes what comes and answers nothing
    ask      127.0.0.1:9999    answers ok
    time     127.0.0.1:9037    answers with the time in four bytes
    echo     127.0.0.1:9007    answers with what came
  ADDR may be one of IPv6, such as [::1]:9999.

A relay that loses a fifth of what passes, doubles some and holds some up:
  cargo run -p lesson-3 -- lossy LISTEN TARGET [SEED]

Experiments:
  cargo run -p lesson-3 -- sizes              what the length of a datagram does
  cargo run -p lesson-3 -- nobody             what happens if nobody is there
  cargo run -p lesson-3 -- groups             broadcast and multicast
  cargo run -p lesson-3 -- transfer           a file over the lossy relay
  cargo run -p lesson-3 -- surprise           what a full queue says

Wrong on purpose; find out why:
  cargo run -p lesson-3 -- broken stale       a client that is one answer behind
  cargo run -p lesson-3 -- broken apprentice  a sender that does everything twice
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
            let _ = writeln!(io::stderr(), "lesson-3: {error:#}");
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

fn run(args: &[&str]) -> Result<()> {
    let mut out = Screen(io::stdout());
    match *args {
        [] => experiments::play(&mut out),
        ["help" | "--help" | "-h"] => Ok(out.write_all(HELP.as_bytes())?),
        ["server", name] => server(program(name)?, None, &mut out),
        ["server", name, addr] => server(program(name)?, Some(addr), &mut out),
        ["client", name] => client(program(name)?, None, &mut out),
        ["client", name, addr] => client(program(name)?, Some(addr), &mut out),
        ["lossy", listen, target] => lossy(listen, target, "1", &mut out),
        ["lossy", listen, target, seed] => lossy(listen, target, seed, &mut out),
        ["sizes"] => experiments::sizes(&mut out),
        ["nobody"] => experiments::nobody(&mut out),
        ["groups"] => experiments::groups(&mut out),
        ["transfer"] => experiments::transfer(&mut out),
        ["surprise"] => experiments::surprise(&mut out),
        ["broken", "stale"] => experiments::stale(&mut out),
        ["broken", "apprentice"] => experiments::apprentice(&mut out),
        ["server" | "client" | "broken"] => Err(misuse(format!("{} what?", args[0]))),
        ["lossy", ..] => Err(misuse("lossy from where to where?".into())),
        _ => Err(misuse(format!("there is no `{}` here", args.join(" ")))),
    }
}

fn program(name: &str) -> Result<(Reply, u16)> {
    match name {
        "oneway" => Ok((Reply::None, 9999)),
        "ask" => Ok((Reply::Ok, 9999)),
        "time" => Ok((Reply::Time, 9037)),
        "echo" => Ok((Reply::Echo, 9007)), // RFC 862 has 7, which only root may bind
        _ => Err(misuse(format!(
            "`{name}` is none of: oneway, ask, time, echo"
        ))),
    }
}

fn address(given: &str) -> Result<SocketAddr> {
    given.parse().map_err(|_| {
        misuse(format!(
            "`{given}` is not an address and a port, like 127.0.0.1:9999"
        ))
    })
}

fn bind(addr: SocketAddr) -> Result<UdpSocket> {
    UdpSocket::bind(addr)
        .with_context(|| format!("cannot bind {addr} (127.0.0.1:0 is always free)"))
}

// ANCHOR: server
fn server(
    (reply, port): (Reply, u16),
    addr: Option<&str>,
    out: &mut Screen,
) -> Result<()> {
    let addr = addr.map_or(Ok(([127, 0, 0, 1], port).into()), address)?;
    let socket = bind(addr)?;
    ctrlc::set_handler(|| process::exit(0))?; // the kernel closes what is open
    writeln!(out, "listening on {}", socket.local_addr()?)?;
    writeln!(out, "stop with Ctrl-C")?;
    letters::serve(&socket, reply, |peer, data, sent| {
        // A server whose terminal is gone goes on serving.
        let _ = writeln!(
            out,
            "{} from {} port {}",
            data.escape_ascii(),
            peer.ip(),
            peer.port()
        );
        if let Err(error) = sent {
            let _ = writeln!(out, "cannot send to {peer}: {error}");
        }
    })
    .with_context(|| format!("cannot receive at {addr}"))
}
// ANCHOR_END: server

// ANCHOR: client
fn client(
    (reply, port): (Reply, u16),
    addr: Option<&str>,
    out: &mut Screen,
) -> Result<()> {
    let addr = addr.map_or(Ok(([127, 0, 0, 1], port).into()), address)?;
    let any: SocketAddr = match addr {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = bind(any)?;
    socket
        .set_read_timeout(Some(PATIENCE))
        .and_then(|()| socket.connect(addr))
        .with_context(|| format!("cannot choose {addr} for a peer"))?;
    for line in io::stdin().lock().lines() {
        let line = line.context("cannot read standard input")?;
        if line == "exit" {
            break;
        }
        let sent = socket.send(line.as_bytes());
        sent.with_context(|| format!("cannot send to {addr}"))?;
        if reply != Reply::None {
            let mut buffer = vec![0; ROOM];
            let length = socket.recv(&mut buffer).with_context(|| {
                format!("no answer from {addr} in {} s", PATIENCE.as_secs())
            })?;
            show(reply, &buffer[..length], out)?;
        }
    }
    Ok(())
}
// ANCHOR_END: client

fn show(reply: Reply, answer: &[u8], out: &mut Screen) -> Result<()> {
    match <[u8; 4]>::try_from(answer) {
        Ok(time) if reply == Reply::Time => {
            let seconds = u32::from_be_bytes(time);
            Ok(writeln!(out, "{seconds} seconds since 1900")?)
        }
        _ => Ok(writeln!(out, "{}", answer.escape_ascii())?),
    }
}

fn lossy(listen: &str, target: &str, seed: &str, out: &mut Screen) -> Result<()> {
    let seed = seed
        .parse()
        .map_err(|_| misuse(format!("`{seed}` is not a number for a seed")))?;
    let (listen, target) = (address(listen)?, address(target)?);
    ctrlc::set_handler(|| process::exit(0))?;
    let relay = Lossy::new(seed)
        .lose(20)
        .double(10)
        .hold(10)
        .start(bind(listen)?, target)
        .with_context(|| format!("cannot start a relay at {listen}"))?;
    writeln!(out, "listening on {}", relay.addr())?;
    writeln!(out, "passing on to {target}, or not, until Ctrl-C")?;
    loop {
        thread::park(); // the relay has threads of its own
    }
}

/// A mistake in what was asked for, not in what was done: exit code 2.
#[derive(Debug)]
struct Usage(String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let help = "`cargo run -p lesson-3 -- help` lists all there is";
        write!(f, "{}; {help}", self.0)
    }
}

impl std::error::Error for Usage {}

fn misuse(what: String) -> anyhow::Error {
    Usage(what).into()
}

/// Standard output; when nobody reads it any more (`lesson-3 | head -1`), we stop.
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
