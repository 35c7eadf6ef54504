//! `cargo run -p lesson-7` plays the lesson; `-- help` tells what else there is.

use std::io::{self, ErrorKind, IsTerminal, Stdout, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, ToSocketAddrs, UdpSocket};
use std::process::{self, Command, ExitCode};
use std::str::FromStr;
use std::{env, fmt};

use anyhow::{Context, Result, anyhow};
use lesson_7::{by_hand, room, sockets};

mod demo;
mod experiments;
mod pinger;

const HELP: &str = "\
Lesson 7: raw sockets

  cargo run -p lesson-7                       play all of it in one terminal
  cargo run -p lesson-7 -- ping [OPTION...] [HOST]    ping HOST, or 127.0.0.1
    -c COUNT      stop after so many requests; otherwise with Ctrl-C
    -i SECONDS    from one request to the next (1)
    -W SECONDS    how long to wait for a reply (1)
    exit code 0 if a reply came, 1 if none, 2 if it could not be tried
  cargo run -p lesson-7 -- layers             a packet of ours, byte by byte
  cargo run -p lesson-7 -- layers ordinary    one that an ordinary socket sent
  cargo run -p lesson-7 -- udp-by-hand        a datagram that no UDP socket sent
  cargo run -p lesson-7 -- doors              what this machine lets you do

In two terminals, both in the same `room`, or both with sudo:
  cargo run -p lesson-7 -- room [COMMAND...]  a network of its own, and a shell in it
  cargo run -p lesson-7 -- server udp [ADDR]  an ordinary socket (127.0.0.1:9999)
  cargo run -p lesson-7 -- client udp [ADDR]  sends it a packet made by hand

Experiments:
  cargo run -p lesson-7 -- trap               all that a raw socket gets
  cargo run -p lesson-7 -- ping-socket        all that a ping socket gets
  cargo run -p lesson-7 -- igmp               what the kernel tells the routers
  cargo run -p lesson-7 -- surprise           what a checksum does not notice

Wrong on purpose; find out why:
  cargo run -p lesson-7 -- broken own-request       0 % loss, and nobody answers
  cargo run -p lesson-7 -- broken no-pseudo-header  sent without error, never seen
  cargo run -p lesson-7 -- broken twenty            ports that nobody has
";

const HOST: Ipv4Addr = Ipv4Addr::LOCALHOST;

fn main() -> ExitCode {
    let args: Vec<String> = env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(code) => code,
        Err(error) => {
            // Where standard error is closed, too, there is nobody left to tell.
            let _ = writeln!(io::stderr(), "lesson-7: {error:#}");
            let pings = args.first() == Some(&"ping"); // whose failure is code 2
            ExitCode::from(if error.is::<Usage>() || pings { 2 } else { 1 })
        }
    }
}

fn run(args: &[&str]) -> Result<ExitCode> {
    let mut out = Screen(io::stdout());
    let out = &mut out;
    match *args {
        [] => inside(|| demo::play(out)),
        ["help" | "--help" | "-h"] => Ok(out.write_all(HELP.as_bytes())?),
        ["ping", ref options @ ..] => return pinger::ping(options, out),
        ["layers"] => inside(|| experiments::layers(out, false, in_color())),
        ["layers", "ordinary"] => {
            inside(|| experiments::layers(out, true, in_color()))
        }
        ["udp-by-hand"] => {
            inside(|| demo::datagram(experiments::TARGET, b"hello", out))
        }
        ["doors"] => experiments::doors(out),
        ["room", ref command @ ..] => into_the_room(command),
        ["server", "udp"] => server("127.0.0.1:9999", out),
        ["server", "udp", addr] => server(addr, out),
        ["client", "udp"] => client("127.0.0.1:9999", out),
        ["client", "udp", addr] => client(addr, out),
        ["trap"] => inside(|| experiments::trap(out)),
        ["ping-socket"] => experiments::ping_socket(enter()?, out),
        ["igmp"] => inside(|| experiments::igmp(out)),
        ["surprise"] => experiments::surprise(out),
        ["broken", "own-request"] => experiments::own_request(enter()?, out),
        ["broken", "no-pseudo-header"] => {
            inside(|| experiments::no_pseudo_header(out))
        }
        ["broken", "twenty"] => experiments::twenty(out),
        ["server" | "client" | "broken"] => Err(misuse(format!("{} what?", args[0]))),
        ["server" | "client", name, ..] => {
            Err(misuse(format!("`{name}` is not: udp")))
        }
        _ => Err(misuse(format!("there is no `{}` here", args.join(" ")))),
    }
    .map(|()| ExitCode::SUCCESS)
}

// ANCHOR: inside
/// Does something in a network of our own, or, where the kernel refuses us one and we
/// have the right anyway, as root in many containers, on the machine's own loopback.
///
/// It has to be the first thing that a process does: one thread more, and the kernel
/// refuses.
fn inside(act: impl FnOnce() -> Result<()>) -> Result<()> {
    enter()?;
    act()
}

/// Whether the network is our own now.
fn enter() -> Result<bool> {
    match room::enter() {
        Ok(()) => Ok(true),
        Err(_) if sockets::raw_icmp().is_ok() => Ok(false),
        Err(error) => Err(anyhow!(
            "cannot make a network of our own: {error}; {}",
            room::REMEDY
        )),
    }
}
// ANCHOR_END: inside

/// In colour unless it is no terminal, or NO_COLOR is set: no-color.org.
fn in_color() -> bool {
    let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stdout().is_terminal() && !unwanted
}

fn into_the_room(command: &[&str]) -> Result<()> {
    use std::os::unix::process::CommandExt;
    if !enter()? {
        return Err(anyhow!(
            "cannot make a network of our own; {}",
            room::REMEDY
        ));
    }
    let shell = env::var("SHELL").unwrap_or_else(|_| "/bin/sh".into());
    let (program, args) = match command {
        [] => (shell.as_str(), command),
        [program, args @ ..] => (*program, args),
    };
    let error = Command::new(program).args(args).exec(); // returns if it fails
    Err(error).with_context(|| format!("cannot run {program}"))
}

fn address(given: &str) -> Result<SocketAddrV4> {
    given.parse().map_err(|_| {
        misuse(format!(
            "`{given}` is not an IPv4 address and a port, like 127.0.0.1:9999"
        ))
    })
}

// ANCHOR: server
/// An ordinary socket, as in chapter 3. It cannot tell how a datagram was made.
fn server(addr: &str, out: &mut Screen) -> Result<()> {
    let addr = address(addr)?;
    let socket =
        UdpSocket::bind(addr).with_context(|| format!("cannot bind {addr}"))?;
    let addr = socket.local_addr()?;
    ctrlc::set_handler(|| process::exit(0))?;
    writeln!(out, "listening on {addr}")?;
    writeln!(
        out,
        "stop with Ctrl-C; in another terminal of the same network:"
    )?;
    writeln!(out, "  cargo run -p lesson-7 -- client udp {addr}")?;
    let mut buffer = vec![0; 65_535];
    loop {
        let (length, from) = socket
            .recv_from(&mut buffer)
            .with_context(|| format!("cannot receive at {addr}"))?;
        writeln!(out, "{from} says \"{}\"", buffer[..length].escape_ascii())?;
    }
}
// ANCHOR_END: server

fn client(addr: &str, out: &mut Screen) -> Result<()> {
    let addr = address(addr)?;
    let packet = by_hand::send(experiments::SOURCE, addr, b"good morning")
        .with_context(|| {
            format!(
                "cannot send a packet to {addr}; it takes CAP_NET_RAW: sudo, or \
                 `cargo run -p lesson-7 -- room` in both terminals"
            )
        })?;
    writeln!(out, "{} bytes sent to {addr}", packet.len())?;
    Ok(())
}

/// The first IPv4 address of a host.
fn host(given: &str) -> Result<Ipv4Addr> {
    let addrs = (given, 0)
        .to_socket_addrs()
        .with_context(|| format!("cannot find {given}"))?;
    let mut addrs = addrs.filter_map(|addr| match addr {
        SocketAddr::V4(addr) => Some(*addr.ip()),
        SocketAddr::V6(_) => None,
    });
    addrs
        .next()
        .with_context(|| format!("{given} has no IPv4 address"))
}

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
            "{}; `cargo run -p lesson-7 -- help` lists all there is",
            self.0
        )
    }
}

impl std::error::Error for Usage {}

fn misuse(what: String) -> anyhow::Error {
    Usage(what).into()
}

/// Standard output; when nobody reads it any more (`lesson-7 | head -1`), we stop.
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
