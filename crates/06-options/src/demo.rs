//! The lesson in one terminal. Rows that depend on the machine are left out; the
//! experiments have them.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lesson_6::chat::Room;
use lesson_6::options::{self, Kind, Row};
use lesson_6::{ANY_PORT, passing};

use crate::{experiments, start_worker};

/// Loopback needs less than a millisecond; after this, something is wrong.
const PATIENCE: Duration = Duration::from_secs(10);

pub fn play(out: &mut impl Write) -> Result<()> {
    writeln!(out, "OPTIONS: asked of three kinds of socket\n")?;
    settings(out)?;
    writeln!(out, "\nLINGER: what close does\n")?;
    experiments::linger(out)?;
    writeln!(out, "\nPACKETS: three types of local sockets\n")?;
    experiments::packets(out)?;
    writeln!(out, "\nCHAT: at a socket file\n")?;
    conversation(out)?;
    writeln!(out, "\nCOPIES: one socket, two descriptors\n")?;
    experiments::copies(out)?;
    writeln!(out, "\nPASSFD: one process accepts, another answers\n")?;
    passfd(out)
}

/// The options whose values are the same on every machine.
fn settings(out: &mut impl Write) -> Result<()> {
    let ask = |kind| options::table(kind).context("cannot make a socket to ask");
    let (tcp, udp, unix) = (ask(Kind::Tcp)?, ask(Kind::Udp)?, ask(Kind::Unix)?);
    writeln!(out, "{:14} {:12} {:26} local", "", "TCP", "UDP")?;
    for ((tcp, udp), unix) in tcp.iter().zip(&udp).zip(&unix) {
        let shown = ["SO_LINGER", "SO_KEEPALIVE", "TCP_NODELAY"];
        if shown.contains(&tcp.name) {
            let [tcp_told, udp_told, unix_told] = [tcp, udp, unix].map(change);
            writeln!(
                out,
                "{:14} {tcp_told:12} {udp_told:26} {unix_told}",
                tcp.name
            )?;
        }
    }
    Ok(())
}

fn change(row: &Row) -> String {
    if row.first == row.then {
        return row.first.clone();
    }
    format!("{} > {}", row.first, row.then)
}

/// Two members of a chat, and the room on threads of its own.
fn conversation(out: &mut impl Write) -> Result<()> {
    let room = Room::default();
    thread::scope(|scope| {
        let enter = || {
            let (here, there) = UnixStream::pair()?;
            here.set_read_timeout(Some(PATIENCE))?;
            let room = &room;
            scope.spawn(move || room.visit(&there));
            Ok(BufReader::new(here))
        };
        talk(enter, out).context("the chat broke off")
    })
}

fn talk(
    mut enter: impl FnMut() -> io::Result<BufReader<UnixStream>>,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut first = enter()?;
    hears("A", &mut first, out)?;
    let mut second = enter()?;
    hears("B", &mut second, out)?;
    for (name, line) in [("A", "good morning\n"), ("B", "and to you\n")] {
        write!(out, "{name} says   {line}")?;
        let speaker = if name == "A" { &first } else { &second };
        speaker.get_ref().write_all(line.as_bytes())?;
        hears("A", &mut first, out)?;
        hears("B", &mut second, out)?;
    }
    writeln!(out, "A ends")?;
    first.get_ref().shutdown(Shutdown::Write)?;
    hears("B", &mut second, out)
}

fn hears(
    name: &str,
    member: &mut BufReader<UnixStream>,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut heard = String::new();
    member.read_line(&mut heard)?;
    write!(out, "{name} hears  {heard}")
}

/// Three callers, whom another process answers.
pub fn passfd(out: &mut impl Write) -> Result<()> {
    let context = "cannot hand a caller over";
    let listener = TcpListener::bind(ANY_PORT).context("cannot listen")?;
    let addr = listener.local_addr()?;
    writeln!(out, "listening on {addr}")?;
    let (mut worker, hands) = start_worker()?;
    ensure!(
        worker.id() != process::id(),
        "the worker is no other process"
    );
    let name = format!("worker {}", worker.id());
    for number in 1..=3 {
        let caller = TcpStream::connect(addr).context("cannot connect")?;
        caller.set_read_timeout(Some(PATIENCE))?;
        passing::hand_next(&listener, &hands).context(context)?;
        let mut said = String::new();
        for line in BufReader::new(caller).lines() {
            said += &line.context("the worker broke off")?;
        }
        let said = said.replace(&name, "another process");
        writeln!(out, "caller {number} reads \"{said}\", then the end")?;
    }
    // The worker sees the end, and ends.
    hands
        .shutdown(Shutdown::Write)
        .context("cannot end the local socket")?;
    let status = worker.wait().context("cannot wait for the worker")?;
    ensure!(status.success(), "the worker has failed: {status}");
    writeln!(out, "the worker sees the end, and ends")?;
    Ok(())
}
