//! `cargo run -p lesson-4` plays the lesson; `-- help` tells what else there is.

use std::io::{self, BufRead, ErrorKind, Stdout, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use std::{env, fmt};

use anyhow::{Context, Result};
use lesson_4::gopher::{self, Failure};
use lesson_4::slam;
use lesson_4::stop::{self, Way};

mod demo;
mod experiments;

const HELP: &str = "\
Lesson 4: when it goes wrong

  cargo run -p lesson-4                           play all of it in one terminal
  cargo run -p lesson-4 -- server NAME [ADDR]     serve, until Ctrl-C
  cargo run -p lesson-4 -- client gopher [HOST:PORT [SELECTOR]]
  cargo run -p lesson-4 -- client slam [ADDR]     type fin, rst or anything else

  NAME is one of these, ADDR an address and a port:
    gopher    127.0.0.1:7070    has two pages: the empty selector and /tea
    slam      127.0.0.1:7071    ends as it is told: fin, rst, or not at all

The gopher client's exit codes:
    0  the page is shown             5  the server broke the connection off
    1  something else went wrong     6  nothing came for two seconds
    2  asked wrongly                 7  the page is cut short
    3  the name has no address       8  there is no such page
    4  nobody listens there

Experiments:
  cargo run -p lesson-4 -- errors                 every error of sockets, for real
  cargo run -p lesson-4 -- bind ADDR              what the kernel says to an address
  cargo run -p lesson-4 -- connect-ex ADDR        the number, as Python gives it
  cargo run -p lesson-4 -- exceptions             twelve of Python's, in Rust
  cargo run -p lesson-4 -- states                 who keeps what, and for how long
  cargo run -p lesson-4 -- deadline               a reply that drips, and two limits
  cargo run -p lesson-4 -- stop WAY [ADDR]        a server of capitals and its Ctrl-C:
                                                  flag, self-connect or shutdown
  cargo run -p lesson-4 -- surprise               yes, no, and a lost packet

Wrong on purpose; find out why:
  cargo run -p lesson-4 -- broken per-read        a limit of 300 ms
  cargo run -p lesson-4 -- broken flag            a server that was told to stop
";

/// How long the programs of this lesson wait for any one thing.
const LIMIT: Duration = Duration::from_secs(2);

/// A person who types needs longer.
const PATIENCE: Duration = Duration::from_secs(300);

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
            let _ = writeln!(io::stderr(), "lesson-4: {error:#}");
            ExitCode::from(exit_code(&error))
        }
    }
}

// ANCHOR: exit_code
/// What to exit with. The error may be wrapped in any number of contexts; what is
/// asked is whether one of our own kinds is among them.
fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<Usage>() {
        return 2;
    }
    error
        .downcast_ref::<Failure>()
        .map_or(1, Failure::exit_code)
}
// ANCHOR_END: exit_code

fn run(args: &[&str]) -> Result<()> {
    let mut out = Screen(io::stdout());
    match *args {
        [] => demo::play(&mut out),
        ["help" | "--help" | "-h"] => Ok(out.write_all(HELP.as_bytes())?),
        ["server", "gopher"] => serve_gopher("127.0.0.1:7070", &mut out),
        ["server", "gopher", addr] => serve_gopher(addr, &mut out),
        ["server", "slam"] => serve_slam("127.0.0.1:7071", &mut out),
        ["server", "slam", addr] => serve_slam(addr, &mut out),
        ["client", "gopher"] => fetch("127.0.0.1:7070", "", &mut out),
        ["client", "gopher", place] => fetch(place, "", &mut out),
        ["client", "gopher", place, selector] => fetch(place, selector, &mut out),
        ["client", "slam"] => slam_door("127.0.0.1:7071", &mut out),
        ["client", "slam", addr] => slam_door(addr, &mut out),
        ["errors"] => experiments::errors(&mut out),
        ["descriptors"] => experiments::descriptors(&mut out),
        ["bind", addr] => experiments::bind(address(addr)?, &mut out),
        ["connect-ex", addr] => experiments::connect_ex(address(addr)?, &mut out),
        ["exceptions"] => experiments::exceptions(&mut out),
        ["states"] => experiments::states(&mut out),
        ["deadline"] => experiments::deadline(&mut out),
        ["stop", way] => serve_until_stopped(way, "127.0.0.1:8000", &mut out),
        ["stop", way, addr] => serve_until_stopped(way, addr, &mut out),
        ["surprise"] => experiments::surprise(&mut out),
        ["broken", "per-read"] => experiments::per_read(&mut out),
        ["broken", "flag"] => experiments::flag(&mut out),
        ["server", name, ..] => {
            Err(misuse(format!("`{name}` is none of: gopher, slam")))
        }
        ["client", name, ..] => {
            Err(misuse(format!("`{name}` is none of: gopher, slam")))
        }
        ["server" | "client" | "broken" | "stop" | "bind" | "connect-ex"] => {
            Err(misuse(format!("{} what?", args[0])))
        }
        _ => Err(misuse(format!("there is no `{}` here", args.join(" ")))),
    }
}

fn address(given: &str) -> Result<SocketAddr> {
    given.parse().map_err(|_| {
        misuse(format!(
            "`{given}` is not an address and a port, like 127.0.0.1:7070"
        ))
    })
}

// ANCHOR: listen
fn listen(addr: &str) -> Result<TcpListener> {
    let addr = address(addr)?;
    TcpListener::bind(addr).with_context(|| {
        format!(
            "cannot listen on {addr} (at 127.0.0.1:0 there is always a free port)"
        )
    })
}
// ANCHOR_END: listen

fn serve_gopher(addr: &str, out: &mut Screen) -> Result<()> {
    let listener = listen(addr)?;
    let addr = listener
        .local_addr()
        .context("cannot ask for our address")?;
    // `stop` shows how to do better.
    ctrlc::set_handler(|| process::exit(0)).context("cannot watch for Ctrl-C")?;
    writeln!(out, "listening on {addr}")?;
    writeln!(out, "stop with Ctrl-C; in another terminal:")?;
    writeln!(
        out,
        "  cargo run -q -p lesson-4 -- client gopher {addr} /tea; echo $?"
    )?;
    gopher::serve(&listener, PATIENCE, |visit| {
        // A server whose terminal is gone goes on serving.
        let _ = match visit {
            Ok(selector) => writeln!(out, "served {selector:?}"),
            Err(error) => writeln!(out, "a caller was lost: {error}"),
        };
    })
    .context("cannot accept connections")
}

fn serve_slam(addr: &str, out: &mut Screen) -> Result<()> {
    let listener = listen(addr)?;
    let addr = listener
        .local_addr()
        .context("cannot ask for our address")?;
    ctrlc::set_handler(|| process::exit(0)).context("cannot watch for Ctrl-C")?;
    writeln!(out, "listening on {addr}")?;
    writeln!(out, "stop with Ctrl-C; in another terminal:")?;
    writeln!(out, "  cargo run -q -p lesson-4 -- client slam {addr}")?;
    slam::serve(&listener, PATIENCE, |ended| {
        let _ = match ended {
            Ok(ending) => writeln!(out, "ended by {ending:?}"),
            Err(error) => writeln!(out, "a caller was lost: {error}"),
        };
    })
    .context("cannot accept connections")
}

// ANCHOR: client
fn fetch(place: &str, selector: &str, out: &mut Screen) -> Result<()> {
    if !place.contains(':') {
        let what = format!("`{place}` is not a host and a port, like localhost:7070");
        return Err(misuse(what));
    }
    let page = gopher::fetch(place, selector, LIMIT)
        .with_context(|| format!("cannot fetch {selector:?} from {place}"))?;
    out.write_all(experiments::printable(&page).as_bytes())?;
    Ok(())
}
// ANCHOR_END: client

/// Asks the slam door for an ending, a line at a time.
fn slam_door(addr: &str, out: &mut Screen) -> Result<()> {
    let addr = address(addr)?;
    let mut lines = io::stdin().lock().lines();
    loop {
        write!(out, ">>> ")?;
        out.flush()?; // a terminal shows a line when it is whole, or when told to
        let Some(word) = lines.next() else {
            return Ok(writeln!(out)?);
        };
        let stream = TcpStream::connect(addr).with_context(|| {
            format!("cannot connect to {addr}; does `lesson-4 -- server slam` run?")
        })?;
        let outcome = slam::knock(&stream, word?.trim(), LIMIT)
            .with_context(|| format!("cannot speak to {addr}"))?;
        writeln!(out, "{outcome}")?;
    }
}

// ANCHOR: stop
fn serve_until_stopped(way: &str, addr: &str, out: &mut Screen) -> Result<()> {
    let way = match way {
        "flag" => Way::Flag,
        "self-connect" => Way::SelfConnect,
        "shutdown" => Way::Shutdown,
        _ => {
            let ways = "flag, self-connect, shutdown";
            return Err(misuse(format!("`{way}` is none of: {ways}")));
        }
    };
    let listener = Arc::new(listen(addr)?);
    let addr = listener
        .local_addr()
        .context("cannot ask for our address")?;
    let stop = Arc::new(AtomicBool::new(false));
    ctrlc::set_handler(stop::stopper(way, &listener, addr, &stop))
        .context("cannot watch for Ctrl-C")?;
    writeln!(out, "listening on {addr}")?;
    writeln!(out, "press Ctrl-C, with a caller and without")?;
    let served =
        stop::serve(&listener, &stop).context("cannot accept connections")?;
    writeln!(out, "stopped in good order; callers served: {served}")?;
    Ok(())
}
// ANCHOR_END: stop

/// A mistake in what was asked for, not in what was done: exit code 2.
#[derive(Debug)]
struct Usage(String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}; `cargo run -p lesson-4 -- help` lists all there is",
            self.0
        )
    }
}

impl std::error::Error for Usage {}

fn misuse(what: String) -> anyhow::Error {
    Usage(what).into()
}

/// Standard output; when nobody reads it any more (`lesson-4 | head -1`), we stop.
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
