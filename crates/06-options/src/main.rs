//! `cargo run -p lesson-6` plays the lesson; `-- help` tells what else there is.

use std::io::{self, ErrorKind, Read, Stdout, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, ExitCode, Stdio};
use std::{env, fmt, fs, thread};

use anyhow::{Context, Result};
use lesson_6::options::Kind;
use lesson_6::{chat, names, passing};

mod demo;
mod experiments;

const HELP: &str = "\
Lesson 6: options and local sockets

  cargo run -p lesson-6                              play it in one terminal
  cargo run -p lesson-6 -- server chat [PATH]        serve, until Ctrl-C
  cargo run -p lesson-6 -- client chat [PATH]        take part in the chat
  cargo run -p lesson-6 -- server passfd [ADDR]      accept, and hand all callers to
                                                     another process, until Ctrl-C
  cargo run -p lesson-6 -- client passfd [ADDR]      hear who answers

  PATH is a socket file, lesson6.sock in a folder of your own if it is left out;
  ADDR is an address and a port, 127.0.0.1:8888 if it is left out

Experiments:
  cargo run -p lesson-6 -- options [tcp|udp|unix]    what a socket is set to
  cargo run -p lesson-6 -- kinds                     which sockets this kernel makes
  cargo run -p lesson-6 -- linger                    what close does
  cargo run -p lesson-6 -- names                     the life of a socket file
  cargo run -p lesson-6 -- packets                   three types, two messages
  cargo run -p lesson-6 -- copies                    one socket, two descriptors
  cargo run -p lesson-6 -- sendfile [FILE]           a file into a socket, two ways
  cargo run -p lesson-6 -- passfd                    three callers, two processes
  cargo run -p lesson-6 -- surprise                  write, write, read: measured

Wrong on purpose; find out why:
  cargo run -p lesson-6 -- broken takes-the-name     a server that always starts
  cargo run -p lesson-6 -- broken keeps-a-copy       a caller that hears no end
";

/// Where `passfd` listens, in the manner of the tutorials' ports.
const PASSFD: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8888);

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
            let _ = writeln!(io::stderr(), "lesson-6: {error:#}");
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

fn run(args: &[&str]) -> Result<()> {
    let mut out = Screen(io::stdout());
    match *args {
        [] => demo::play(&mut out),
        ["help" | "--help" | "-h"] => Ok(out.write_all(HELP.as_bytes())?),
        ["server", "chat", ref path @ ..] => chat_server(&file(path)?, &mut out),
        ["client", "chat", ref path @ ..] => chat_client(&file(path)?, &mut out),
        ["server", "passfd", ref addr @ ..] => {
            passfd_server(address(addr)?, &mut out)
        }
        ["client", "passfd", ref addr @ ..] => {
            passfd_client(address(addr)?, &mut out)
        }
        ["worker"] => worker(), // only `start_worker` says so
        ["options"] => experiments::options(Kind::Tcp, &mut out),
        ["options", kind] => experiments::options(kind_of(kind)?, &mut out),
        ["kinds"] => experiments::kinds(&mut out),
        ["linger"] => experiments::linger(&mut out),
        ["names"] => experiments::names(&mut out),
        ["packets"] => experiments::packets(&mut out),
        ["copies"] => experiments::copies(&mut out),
        ["sendfile"] => experiments::sendfile(None, &mut out),
        ["sendfile", path] => experiments::sendfile(Some(path), &mut out),
        ["passfd"] => demo::passfd(&mut out),
        ["surprise" | "nagle"] => experiments::nagle(&mut out),
        ["broken", "takes-the-name"] => experiments::takes_the_name(&mut out),
        ["broken", "keeps-a-copy"] => experiments::keeps_a_copy(&mut out),
        ["server" | "client", name, ..] => {
            Err(misuse(format!("`{name}` is none of: chat, passfd")))
        }
        ["server" | "client" | "broken"] => Err(misuse(format!("{} what?", args[0]))),
        _ => Err(misuse(format!("there is no `{}` here", args.join(" ")))),
    }
}

fn kind_of(name: &str) -> Result<Kind> {
    match name {
        "tcp" => Ok(Kind::Tcp),
        "udp" => Ok(Kind::Udp),
        "unix" => Ok(Kind::Unix),
        _ => Err(misuse(format!("`{name}` is none of: tcp, udp, unix"))),
    }
}

fn file(given: &[&str]) -> Result<PathBuf> {
    match *given {
        [] => {
            let folder = names::private_folder()
                .context("cannot find a folder for the socket file; name a PATH")?;
            Ok(folder.join(names::FILE))
        }
        [path] => Ok(path.into()),
        _ => Err(misuse("one PATH is enough".into())),
    }
}

fn address(given: &[&str]) -> Result<SocketAddr> {
    match *given {
        [] => Ok(PASSFD),
        [addr] => addr.parse().map_err(|_| {
            misuse(format!(
                "`{addr}` is not an address and a port, like {PASSFD}"
            ))
        }),
        _ => Err(misuse("one ADDR is enough".into())),
    }
}

// ANCHOR: chat
fn chat_server(path: &Path, out: &mut Screen) -> Result<()> {
    let named = names::listen(path)
        .with_context(|| format!("cannot listen at {}", path.display()))?;
    let file = path.to_path_buf();
    ctrlc::set_handler(move || {
        // The kernel closes what is open; the name is ours to remove.
        let _ = fs::remove_file(&file);
        process::exit(0)
    })?;
    writeln!(out, "listening on {}", path.display())?;
    writeln!(out, "stop with Ctrl-C; in other terminals, one of:")?;
    writeln!(
        out,
        "  cargo run -p lesson-6 -- client chat {}",
        path.display()
    )?;
    writeln!(out, "  nc -U {}", path.display())?;
    chat::serve(&named.listener, |peer| {
        // A server whose terminal is gone goes on serving.
        let _ = match peer {
            Ok((user, process)) => {
                writeln!(out, "user {user}, process {process}, has come")
            }
            Err(error) => writeln!(out, "somebody has come: {error}"),
        };
    })
    .with_context(|| format!("cannot accept at {}", path.display()))
}

fn chat_client(path: &Path, out: &mut Screen) -> Result<()> {
    let mut server = UnixStream::connect(path).with_context(|| {
        let file = path.display();
        format!("cannot connect to {file}; does `lesson-6 -- server chat` run?")
    })?;
    let mut output = server.try_clone().context("cannot copy a descriptor")?;
    // What is typed goes out while what the others say comes in. The thread ends with
    // the process: it may be waiting for the keyboard.
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut output);
        output.shutdown(Shutdown::Write)
    });
    let heard = io::copy(&mut server, out);
    heard.with_context(|| format!("the chat at {} broke off", path.display()))?;
    Ok(())
}
// ANCHOR_END: chat

// ANCHOR: passfd
/// Starts this program anew as a worker; what it is handed goes through the socket
/// that it has for standard input.
fn start_worker() -> Result<(Child, UnixStream)> {
    let (here, there) =
        UnixStream::pair().context("cannot make a pair of sockets")?;
    let program = env::current_exe().context("cannot tell which program this is")?;
    let worker = Command::new(&program)
        .arg("worker")
        .stdin(Stdio::from(OwnedFd::from(there)))
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    Ok((worker, here))
}

fn worker() -> Result<()> {
    let input = io::stdin().as_fd().try_clone_to_owned();
    let input = input.context("the worker has no standard input")?;
    passing::work(&UnixStream::from(input))
        .context("nobody handed the worker anything over a local socket")?;
    Ok(())
}
// ANCHOR_END: passfd

fn passfd_server(addr: SocketAddr, out: &mut Screen) -> Result<()> {
    let listener = TcpListener::bind(addr).with_context(|| {
        format!("cannot listen on {addr} (127.0.0.1:0 has always a free port)")
    })?;
    let addr = listener.local_addr()?;
    let (worker, hands) = start_worker()?;
    ctrlc::set_handler(|| process::exit(0))?; // the worker sees the end, and ends
    writeln!(out, "listening on {addr}")?;
    writeln!(
        out,
        "process {} accepts, {} answers",
        process::id(),
        worker.id()
    )?;
    writeln!(out, "stop with Ctrl-C; in another terminal, one of:")?;
    writeln!(out, "  cargo run -p lesson-6 -- client passfd {addr}")?;
    writeln!(out, "  nc {} {}", addr.ip(), addr.port())?;
    loop {
        passing::hand_next(&listener, &hands)
            .with_context(|| format!("cannot hand over what comes to {addr}"))?;
    }
}

fn passfd_client(addr: SocketAddr, out: &mut Screen) -> Result<()> {
    let mut stream = TcpStream::connect(addr).with_context(|| {
        format!("cannot connect to {addr}; does `lesson-6 -- server passfd` run?")
    })?;
    let mut said = String::new();
    let heard = Read::by_ref(&mut stream)
        .take(1024)
        .read_to_string(&mut said);
    heard.with_context(|| format!("the conversation with {addr} broke off"))?;
    Ok(write!(out, "{said}")?)
}

/// A mistake in what was asked for, not in what was done: exit code 2.
#[derive(Debug)]
struct Usage(String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}; `cargo run -p lesson-6 -- help` lists all there is",
            self.0
        )
    }
}

impl std::error::Error for Usage {}

fn misuse(what: String) -> anyhow::Error {
    Usage(what).into()
}

/// Standard output; when nobody reads it any more (`lesson-6 | head -1`), we stop.
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
