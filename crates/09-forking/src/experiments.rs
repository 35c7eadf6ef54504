//! The experiments, told.

use std::env;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use lesson_9::launch::Program;
use lesson_9::look::{self, until};
use lesson_9::server::{self, How};
use lesson_9::stand::Stand;
use lesson_9::{
    broken, hazard as threads, inherit as child, memory as cost, prefork,
};
use lesson_9::{talk, zombies as dead};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

pub fn inherit(out: &mut impl Write) -> Result<()> {
    for (question, answer) in child::facts().context("cannot ask a child")? {
        writeln!(out, "{question:48}{answer}")?;
    }
    Ok(())
}

fn serve(listener: TcpListener) -> io::Result<()> {
    server::serve(listener, server::MOST, &How::Fork(talk::visit), |_| {}).map(drop)
}

// ANCHOR: tree
/// Two callers come and go; after each step, what every process has open.
pub fn tree(out: &mut impl Write) -> Result<()> {
    let stand = Stand::start(serve).context("cannot start a server")?;
    writeln!(out, "{:14}{:24}{:18}child 2", "", "server", "child 1")?;
    // It has begun to wait once it has made its descriptor for signals.
    until("the server to be ready", || {
        Ok(open(stand.server)?.contains("signals"))
    })?;
    row(out, "nobody", &stand, &[])?;
    let mut a = stand.call()?;
    a.ask("hello")?;
    let first = stand.until_children(1)?[0];
    row(out, "A has called", &stand, &[first])?;
    let mut b = stand.call()?;
    b.ask("hello")?;
    let children = stand.until_children(2)?;
    let second = *children
        .iter()
        .find(|child| **child != first)
        .context("B's child")?;
    row(out, "B has called", &stand, &[first, second])?;
    drop(a);
    stand.until_children(1)?;
    row(out, "A has left", &stand, &[first, second])?;
    drop(b);
    stand.until_children(0)?;
    row(out, "B has left", &stand, &[first, second])?;
    stand.stop().context("cannot stop the server")
}
// ANCHOR_END: tree

fn row(
    out: &mut impl Write,
    step: &str,
    stand: &Stand,
    children: &[Pid],
) -> Result<()> {
    // The parent closes its copy of a connection after the child has begun to talk.
    until("the server to come to rest", || {
        Ok(!open(stand.server)?.contains("connection"))
    })?;
    let mut line = format!("{step:14}{:24}", open(stand.server)?);
    for child in children {
        line += &format!("{:18}", open(*child).unwrap_or_default());
    }
    writeln!(out, "{}", line.trim_end())?;
    Ok(())
}

/// What a process has open, in words: which of its sockets listens, /proc/net tells.
fn open(process: Pid) -> io::Result<String> {
    let listening = std::fs::read_to_string(format!("/proc/{process}/net/tcp"))?;
    let listens = |name: &str| {
        let inode = name.trim_start_matches("socket:[").trim_end_matches(']');
        listening.lines().any(|line| {
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            fields.get(3) == Some(&"0A") && fields.get(9) == Some(&inode)
        })
    };
    let all = look::descriptors(process)?;
    let words = all.iter().filter_map(|(_, name)| match name {
        name if name.starts_with("anon_inode:[signalfd") => Some("signals"),
        name if name.starts_with("socket:") && listens(name) => Some("listener"),
        name if name.starts_with("socket:") => Some("connection"),
        _ => None,
    });
    Ok(words.collect::<Vec<&str>>().join(", "))
}

pub fn zombies(out: &mut impl Write) -> Result<()> {
    let rows = dead::table().context("cannot watch children end")?;
    writeln!(
        out,
        "{:16}{:10}{:8}then wait(2) tells",
        "a child", "state", "open"
    )?;
    for row in rows {
        let end = row.end.map_or("nothing".to_string(), |end| end.to_string());
        writeln!(out, "{:16}{:10}{:<8}{end}", row.did, row.state, row.open)?;
    }
    let (left, told) = dead::ignored().context("cannot ignore SIGCHLD")?;
    writeln!(
        out,
        "\nwith SIGCHLD ignored, three more: zombies {left}, told of {told}"
    )?;
    Ok(())
}

/// A server whose callers can have their child end in any way; in the end it
/// tells how they did.
fn serve_the_reckless(listener: TcpListener) -> io::Result<()> {
    let how = How::Fork(reckless);
    let tally = server::serve(listener, server::MOST, &how, |_| {})?;
    // Nobody may be left to read it.
    let _ = writeln!(io::stdout(), "the server has counted: {tally}");
    Ok(())
}

/// Talks, and does what it is told, as no server should.
fn reckless(stream: TcpStream) -> io::Result<()> {
    let mut stream = stream;
    stream.set_nonblocking(false)?;
    let mut line = [0; 16];
    loop {
        let read = stream.read(&mut line)?;
        match line[..read].trim_ascii_end() {
            b"" => return Ok(()),
            b"abort" => std::process::abort(),
            b"fail" => return Err(io::Error::other("as told")),
            other => stream
                .write_all(&[&other.to_ascii_uppercase()[..], b"\n"].concat())?,
        }
    }
}

// ANCHOR: crash
/// One child crashes, one fails, and the others are served.
pub fn crash(out: &mut impl Write) -> Result<()> {
    out.flush()?; // what is in a buffer now, the server would print again
    let stand = Stand::start(serve_the_reckless).context("cannot start a server")?;
    let (mut a, mut b, mut c) = (stand.call()?, stand.call()?, stand.call()?);
    for caller in [&mut a, &mut b, &mut c] {
        caller.ask("hello")?;
    }
    a.say("abort")?;
    writeln!(out, "A's child aborts; A hears {:?}", a.hear()?)?;
    b.say("fail")?;
    writeln!(out, "B's child fails;  B hears {:?}", b.hear()?)?;
    let heard = c.ask("still there?")?;
    writeln!(out, "C asks, and hears {heard:?}")?;
    drop(c);
    stand.until_children(0)?;
    out.flush()?;
    stand.stop().context("cannot stop the server")
}
// ANCHOR_END: crash

fn serve_with_two(listener: TcpListener) -> io::Result<()> {
    prefork::serve(listener, 2, talk::visit, |_| {})
}

// ANCHOR: replace
/// Two workers serve; one is killed, and another takes its place.
pub fn replace(out: &mut impl Write) -> Result<()> {
    let stand = Stand::start(serve_with_two).context("cannot start a server")?;
    let workers = stand.until_children(2)?;
    let mut known = workers.clone();
    let mut name = |process: Pid| {
        let place = known.iter().position(|one| *one == process);
        let place = place.unwrap_or_else(|| {
            known.push(process);
            known.len() - 1
        });
        format!("worker {}", place + 1)
    };
    let (mut a, mut b) = (stand.call()?, stand.call()?);
    let (to_a, to_b) = (pid(&a.ask("who")?)?, pid(&b.ask("who")?)?);
    ensure!(to_a != to_b, "one worker cannot serve two at once");
    writeln!(out, "A and B are served by two workers at once")?;
    kill(to_a, Signal::SIGKILL)?;
    writeln!(
        out,
        "the one that serves A is killed; A hears {:?}",
        a.hear()?
    )?;
    until("another worker", || {
        let now = look::children(stand.server)?;
        Ok(now.len() == 2 && !now.contains(&to_a))
    })?;
    let mut c = stand.call()?;
    let to_c = pid(&c.ask("who")?)?;
    writeln!(out, "C is served by {}", name(to_c))?;
    let still = pid(&b.ask("who")?)? == to_b;
    writeln!(
        out,
        "B still has its own: {}",
        if still { "yes" } else { "no" }
    )?;
    drop((b, c));
    stand.stop().context("cannot stop the server")?;
    let left = workers
        .iter()
        .chain([&to_c])
        .filter(|one| kill(**one, None).is_ok());
    writeln!(out, "the server is stopped; workers left: {}", left.count())?;
    Ok(())
}
// ANCHOR_END: replace

fn pid(told: &str) -> Result<Pid> {
    let number = told.parse();
    Ok(Pid::from_raw(
        number.with_context(|| format!("{told:?} is no number"))?,
    ))
}

fn serve_by_tr(listener: TcpListener) -> io::Result<()> {
    let args = ["a-z", "A-Z"].map(String::from).to_vec();
    let program = Program {
        name: "tr".into(),
        args,
    };
    server::serve(listener, server::MOST, &How::Run(program), |_| {}).map(drop)
}

/// `tr` as a server: it has the connection for its input and its output.
pub fn launch(out: &mut impl Write) -> Result<()> {
    let stand = Stand::start(serve_by_tr).context("cannot start a server")?;
    let mut caller = stand.call()?;
    caller.say("good morning")?;
    writeln!(out, "A says \"good morning\", and that this is all")?;
    caller.stream().shutdown(Shutdown::Write)?;
    writeln!(out, "tr a-z A-Z answers {:?}", caller.hear()?)?;
    stand.until_children(0)?;
    stand.stop().context("cannot stop the server")
}

pub fn memory(callers: usize, out: &mut impl Write) -> Result<()> {
    let cost = cost::measure(callers).context("cannot measure")?;
    writeln!(out, "{callers} idle callers, each with a process\n")?;
    writeln!(out, "{:34}{:>10}{:>12}", "kilobytes", "RSS", "PSS")?;
    let children = cost.children;
    let n = u64::try_from(callers.max(1)).unwrap_or(u64::MAX);
    for (what, rss, pss) in [
        ("the server", cost.server.rss, cost.server.pss),
        ("all children together", children.rss, children.pss),
        ("a child, on average", children.rss / n, children.pss / n),
    ] {
        writeln!(out, "{what:34}{rss:>10}{pss:>12}")?;
    }
    Ok(())
}

pub fn surprise(out: &mut impl Write) -> Result<()> {
    let cost = cost::measure(200).context("cannot measure")?;
    let (rss, pss) = (cost.children.rss, cost.children.pss.max(1));
    writeln!(
        out,
        "200 children, says the sum of what each has:  {} MB",
        rss / 1024
    )?;
    writeln!(
        out,
        "200 children, each page counted once:         {} MB",
        pss / 1024
    )?;
    writeln!(out, "counted {} times over", rss / pss)?;
    Ok(())
}

pub fn hazard(out: &mut impl Write) -> Result<()> {
    let seen = threads::a_lock_is_held().context("cannot fork among threads")?;
    writeln!(out, "a thread holds a lock, and another one forks\n")?;
    writeln!(out, "threads in the parent:  {}", seen.parent)?;
    writeln!(out, "threads in the child:   {}", seen.child)?;
    writeln!(out, "the parent's lock:      opened again")?;
    let child = match seen.in_futex {
        true => "asleep in futex, for ever",
        false => "has ended",
    };
    writeln!(out, "the child wants it:     {child}")?;
    let ours = threads::the_lock_is_ours().context("cannot fork among threads")?;
    let child = if ours { "opens it" } else { "cannot open it" };
    writeln!(
        out,
        "\nthe lock taken before fork, by who forks: the child {child}"
    )?;
    Ok(())
}

pub fn keeps_the_connection(out: &mut impl Write) -> Result<()> {
    let story = broken::keeps_the_connection().context("cannot play it")?;
    writeln!(
        out,
        "{:14}{:32}sockets of the server",
        "", "the caller hears"
    )?;
    for (nr, (heard, sockets)) in story.iter().enumerate() {
        let (who, heard) = match nr {
            0 => ("nobody yet".to_string(), ""),
            nr => (format!("caller {nr}"), heard.as_str()),
        };
        writeln!(out, "{who:14}{heard:32}{sockets}")?;
    }
    Ok(())
}

pub fn keeps_the_listener(out: &mut impl Write) -> Result<()> {
    for (what, answer) in broken::keeps_the_listener().context("cannot play it")? {
        writeln!(out, "{what:36}{answer}")?;
    }
    Ok(())
}

pub fn one_wait(out: &mut impl Write) -> Result<()> {
    let [first, left] = broken::one_wait().context("cannot play it")?;
    writeln!(out, "ten callers leave, one by one:   zombies {first}")?;
    writeln!(out, "ten callers leave, all at once:  zombies {left}")?;
    Ok(())
}

pub fn half_a_line(by_exit: bool) -> Result<()> {
    broken::half_a_line(by_exit).context("cannot fork")
}

pub fn twice(out: &mut impl Write) -> Result<()> {
    let program = env::current_exe().context("cannot tell which program this is")?;
    for by in ["exit", "_exit"] {
        let ran = Command::new(&program).args(["half-a-line", by]).output();
        let ran = ran.with_context(|| format!("cannot run {}", program.display()))?;
        let printed = String::from_utf8_lossy(&ran.stdout);
        writeln!(out, "the child ends by {by:8}{printed:?}")?;
    }
    Ok(())
}
