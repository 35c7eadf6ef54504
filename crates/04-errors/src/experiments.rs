//! The experiments, each told in the order in which things happen.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{self, Command};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use lesson_4::broken;
use lesson_4::deadline::{Deadline, drip};
use lesson_4::stop::Way;
use lesson_4::{exceptions, produce, states, surprise};

/// `bytes` as text for a terminal, with `�` for what is not UTF-8 and for control
/// characters other than the line end: a stranger's could move the cursor.
pub fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    let visible = |c: char| {
        if c.is_control() && c != '\n' {
            '\u{fffd}'
        } else {
            c
        }
    };
    text.chars().map(visible).collect()
}

/// An error's name, number and kind, and what is said of it.
fn row(
    out: &mut impl Write,
    name: &str,
    deed: &str,
    error: &io::Error,
) -> Result<()> {
    let number = error.raw_os_error().map_or("-".into(), |n| n.to_string());
    writeln!(out, "{name:14}{number:>4}  {:?}", error.kind())?;
    writeln!(out, "      {deed}")?;
    writeln!(out, "      \"{error}\"")?;
    Ok(())
}

pub fn errors(out: &mut impl Write) -> Result<()> {
    for trick in produce::TRICKS {
        let error = (trick.play)().with_context(|| {
            format!("{} could not be brought about ({})", trick.name, trick.deed)
        })?;
        row(out, trick.name, trick.deed, &error)?;
    }
    out.write_all(&low_port()?)?;
    out.write_all(&few_descriptors()?)?;
    let deed = "read with a time limit, a signal comes (SIGINT)";
    row(out, "EINTR", deed, &interrupted()?)
}

/// Binds a port below 1024, as a user who has no right to it: where we are root, as
/// nobody.
fn low_port() -> Result<Vec<u8>> {
    // Through /proc, because nobody may be kept from the folder that it is in.
    let program = if cfg!(target_os = "linux") {
        "/proc/self/exe".into()
    } else {
        env::current_exe()?
    };
    let mut command = Command::new(program);
    command.args(["bind", "127.0.0.1:1"]);
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::MetadataExt;
        use std::os::unix::process::CommandExt;
        if fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0) {
            command.uid(65534); // nobody
        }
    }
    Ok(command.output().context("cannot run `bind`")?.stdout)
}

/// Runs `descriptors` where few are allowed.
fn few_descriptors() -> Result<Vec<u8>> {
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -n 20 && exec \"$0\" descriptors"])
        .arg(env::current_exe()?);
    Ok(command.output().context("cannot run sh")?.stdout)
}

pub fn descriptors(out: &mut impl Write) -> Result<()> {
    let (_, error) = produce::no_descriptors()
        .context("cannot run out of descriptors (try `ulimit -n 20` first)")?;
    let deed = "open one socket too many (ulimit -n 20)";
    row(out, "EMFILE", deed, &error)
}

/// Sends SIGINT to ourselves while this thread waits in a read.
fn interrupted() -> Result<io::Error> {
    ctrlc::set_handler(|| {}).context("cannot handle SIGINT")?;
    let me = process::id().to_string();
    // To the process, that is: the kernel takes the main thread, which is this one.
    let send = move || {
        std::thread::sleep(Duration::from_millis(100)); // it waits by then
        let _ = Command::new("sh")
            .args(["-c", "kill -INT $0", &me])
            .status();
    };
    produce::interrupted(send).context("cannot interrupt a read")
}

pub fn bind(addr: SocketAddr, out: &mut impl Write) -> Result<()> {
    const START: &str = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
    match TcpListener::bind(addr) {
        Err(error) => {
            let name = match error.raw_os_error() {
                Some(13) => "EACCES",
                Some(98) => "EADDRINUSE",
                Some(99) => "EADDRNOTAVAIL",
                _ => "bind",
            };
            let deed = format!("bind {}, at the port {}", addr.ip(), addr.port());
            row(out, name, &deed, &error)
        }
        Ok(_) => {
            writeln!(out, "bind {addr} is allowed here")?;
            let start = fs::read_to_string(START).unwrap_or_default();
            if addr.port() < 1024 && !start.is_empty() {
                writeln!(out, "      ports from {} on need no right", start.trim())?;
                writeln!(out, "      ({START}), and root needs none at all;")?;
                writeln!(out, "      with 1024 there, as nobody, it is EACCES")?;
            }
            Ok(())
        }
    }
}

pub fn connect_ex(addr: SocketAddr, out: &mut impl Write) -> Result<()> {
    let number = produce::connect_ex(addr)
        .with_context(|| format!("cannot connect to {addr}"))?;
    writeln!(
        out,
        "{number}  {}",
        match number {
            0 => "connected".into(),
            number => io::Error::from_raw_os_error(number).to_string(),
        }
    )?;
    Ok(())
}

pub fn exceptions(out: &mut impl Write) -> Result<()> {
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {})); // the panic is caught, and told below
    let table = exceptions::table();
    std::panic::set_hook(quiet);
    for exceptions::Row { python, rust, seen } in table {
        writeln!(out, "{python:19}{rust:15}{seen}")?;
    }
    for text in ["70", "seventy"] {
        let mut log = Vec::new();
        let ended = match exceptions::port(text, &mut log) {
            Ok(port) => format!("Ok({port})"),
            Err(error) => format!("Err: {error}"),
        };
        writeln!(out, "port({text:?}): {}: {ended}", log.join(", "))?;
    }
    Ok(())
}

pub fn states(out: &mut impl Write) -> Result<()> {
    let context = "cannot see the kernel's states (they are in /proc/net/tcp)";
    let mut table = |title: &str, steps: Vec<states::Step>| -> Result<()> {
        writeln!(out, "{title:25}{:15}B", "A")?;
        for step in steps {
            writeln!(out, "{:25}{:15}{}", step.deed, step.first, step.second)?;
        }
        Ok(writeln!(out)?)
    };
    table("In good order", states::good_order().context(context)?)?;
    table("By force", states::by_force().context(context)?)?;
    let (without, with) = states::rebind().context("cannot run the server")?;
    writeln!(out, "A server closed first; its port, bound again at once:")?;
    for (how, bound) in [("without", without), ("with", with)] {
        let told = bound.map_or_else(|error| error.to_string(), |()| "Ok".into());
        writeln!(out, "  {how:8}SO_REUSEADDR: {told}")?;
    }
    Ok(())
}

pub fn deadline(out: &mut impl Write) -> Result<()> {
    const LIMIT: Duration = Duration::from_millis(300);
    per_read(out)?;
    let stream = drip(b"a reply of thirty bytes, or so", LIMIT / 10)
        .context("cannot start the server")?;
    match Deadline::after(LIMIT).read_to_end(&stream) {
        Ok(reply) => bail!("{} bytes came in time: no drip", reply.len()),
        Err(error) => writeln!(out, "{LIMIT:?} for the whole: {:?}", error.kind())?,
    }
    Ok(())
}

pub fn per_read(out: &mut impl Write) -> Result<()> {
    const LIMIT: Duration = Duration::from_millis(300);
    let (bytes, time) = broken::per_read(LIMIT).context("cannot run the server")?;
    let times = match time.as_secs_f64() / LIMIT.as_secs_f64() {
        more if more >= 2.0 => "more than twice as long",
        _ => "in time, as it happens",
    };
    writeln!(out, "{LIMIT:?} for each read: all {bytes} bytes, {times}")?;
    Ok(())
}

pub fn flag(out: &mut impl Write) -> Result<()> {
    for (name, way) in [
        ("a flag", Way::Flag),
        ("self-connect", Way::SelfConnect),
        ("shutdown", Way::Shutdown),
    ] {
        let patience = match way {
            Way::Flag => Duration::from_millis(500),
            _ => Duration::from_secs(10),
        };
        let stopped = broken::stop(way, patience).context("cannot run the server")?;
        let told = match (stopped.at_once, stopped.after_a_call) {
            (true, _) => "returns at once",
            (_, true) => "waits on in accept, and returns when somebody calls",
            _ => "waits on in accept",
        };
        writeln!(out, "{name:13} the server {told}")?;
    }
    Ok(())
}

pub fn surprise(out: &mut impl Write) -> Result<()> {
    const ROUNDS: usize = 200;
    let costs = surprise::measure(ROUNDS).context("cannot measure")?;
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    writeln!(
        out,
        "connect, in microseconds (medians of {ROUNDS}; the last once):"
    )?;
    writeln!(
        out,
        "  yes                          {:12.0}",
        micros(costs.accepted)
    )?;
    writeln!(
        out,
        "  no                           {:12.0}",
        micros(costs.refused)
    )?;
    writeln!(
        out,
        "  the queue was full, 100 ms   {:12.0}",
        micros(costs.dropped)
    )?;
    let ratio = costs.dropped.as_secs_f64() / costs.refused.as_secs_f64();
    writeln!(out, "A lost SYN costs as much as {ratio:.0} refusals.")?;

    Ok(())
}
