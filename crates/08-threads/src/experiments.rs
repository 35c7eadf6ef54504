//! The experiments, each told in the order in which things happen.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use anyhow::{Context, Result, bail};
use lesson_8::broken;
use lesson_8::memory::{self, Use};
use lesson_8::surprise::{self, CALLERS, Work};
use wire::plot::{Axis, Plot, Series};

/// One of our own servers in a process of its own; it is killed when this is dropped.
struct Server {
    child: Child,
    addr: String,
}

impl Server {
    fn start(name: &str) -> Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args(["server", name, "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start a server")?;
        let output = child.stdout.take().context("the server has no output")?;
        let mut server = Self {
            child,
            addr: String::new(),
        };
        let mut output = BufReader::new(output);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let addr = line.trim_end().strip_prefix("listening on ");
        server.addr = addr.context("the server does not listen")?.to_string();
        // The rest is read and dropped: a server whose output is closed would stop.
        thread::spawn(move || output.read_to_end(&mut Vec::new()));
        Ok(server)
    }

    /// What it uses once nothing about its threads changes any more.
    fn at_rest(&self) -> Result<Use> {
        const STILL: usize = 10;
        let mut used = self.used()?;
        let mut same = 0;
        while same < STILL {
            thread::sleep(Duration::from_millis(10));
            let now = self.used()?;
            same = if now.threads == used.threads {
                same + 1
            } else {
                0
            };
            used = now;
        }
        Ok(used)
    }

    fn used(&self) -> Result<Use> {
        memory::of(self.child.id()).context("the kernel does not tell here")
    }

    /// What it uses once it has as many threads, or has stopped making any.
    fn settled(&self, threads: u64) -> Result<Use> {
        const PATIENCE: Duration = Duration::from_secs(5);
        let started = Instant::now();
        loop {
            let used = self.used()?;
            if used.threads >= threads || started.elapsed() > PATIENCE {
                return Ok(used);
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Connects, and waits until the server has had time for this caller; it asks a line
/// where there is an answer to be had.
fn idle_callers(
    server: &Server,
    number: usize,
    asks: bool,
) -> Result<Vec<TcpStream>> {
    let mut callers = Vec::new();
    for caller in 1..=number {
        let mut stream = TcpStream::connect(&server.addr).with_context(|| {
            format!("cannot connect caller {caller} (`ulimit -n` may be the limit)")
        })?;
        if asks {
            stream.set_read_timeout(Some(Duration::from_secs(10)))?;
            stream.write_all(b"hello\n")?;
            let answered = stream.read(&mut [0; 64]);
            if answered.context("no answer comes")? == 0 {
                bail!("caller {caller} was hung up on");
            }
        }
        callers.push(stream);
    }
    Ok(callers)
}

/// So many steps from nobody to all callers.
const STEPS: usize = 4;

/// What a server uses with more and more idle callers: their number, and the use.
fn usage(name: &str, callers: usize, threads_each: u64) -> Result<Vec<(usize, Use)>> {
    let server = Server::start(name)?;
    // The first caller pays for what is set up once; it is not counted.
    drop(idle_callers(&server, 1, name != "chat")?);
    let before = server.at_rest()?;
    let mut all = Vec::new();
    let mut table = vec![(0, before)];
    for step in 1..=STEPS {
        let number = callers * step / STEPS;
        // In a pool most of them only wait, or have been told so.
        let asks = name == "function";
        all.extend(idle_callers(&server, number - all.len(), asks)?);
        let threads = before.threads + threads_each * number as u64;
        table.push((number, server.settled(threads)?));
    }
    Ok(table)
}

pub fn memory(
    callers: usize,
    file: Option<&str>,
    out: &mut impl Write,
) -> Result<()> {
    let mut series = Vec::new();
    let mut heading = "";
    for (name, threads_each) in [("function", 1), ("pool", 0)] {
        let table = usage(name, callers, threads_each)?;
        writeln!(
            out,
            "{heading}{name:12}{:>10}{:>16}{:>16}",
            "threads", "memory", "reserved"
        )?;
        for (number, used) in &table {
            let (threads, memory) = (used.threads, used.resident);
            let reserved = used.reserved;
            writeln!(
                out,
                "{number:5} callers{threads:9}{memory:12} KiB{reserved:12} KiB"
            )?;
        }
        let [(_, none), .., (_, most)] = table[..] else {
            continue;
        };
        let each = |of: fn(&Use) -> u64| {
            of(&most).saturating_sub(of(&none)) as f64 / callers as f64
        };
        let (memory, reserved) =
            (each(|used| used.resident), each(|used| used.reserved));
        writeln!(out, "for each of them{memory:17.1} KiB{reserved:12.1} KiB")?;
        heading = "\n";
        let points = table
            .iter()
            .map(|(number, used)| (*number as f64, used.resident as f64 / 1024.0));
        let (label, points) = (name.to_string(), points.collect());
        series.push(Series { label, points });
    }
    if let Some(file) = file {
        let plot = Plot {
            title: "Memory against idle callers".into(),
            x: Axis::linear("idle callers"),
            y: Axis::linear("MiB"),
            series,
        };
        let written = fs::write(file, plot.to_svg());
        written.with_context(|| format!("cannot write {file}"))?;
        writeln!(out, "\n{file} shows it; a browser can")?;
    }
    Ok(())
}

pub fn threads(out: &mut impl Write) -> Result<()> {
    const CALLERS: usize = 200;
    let columns = [("function", 1), ("pool", 0), ("chat", 2)];
    let mut tables = Vec::new();
    writeln!(out, "callers   function       pool       chat")?;
    for (name, threads_each) in columns {
        tables.push(usage(name, CALLERS, threads_each)?);
    }
    for step in 0..=STEPS {
        write!(out, "{:7}", CALLERS * step / STEPS)?;
        for table in &tables {
            write!(out, "{:11}", table[step].1.threads)?;
        }
        writeln!(out)?;
    }
    Ok(())
}

pub fn lanes(out: &mut impl Write) -> Result<()> {
    const TIME: Duration = Duration::from_millis(200);
    let turns = |time: Duration| (time.as_secs_f64() / TIME.as_secs_f64()).round();
    for threads in [1, CALLERS] {
        let mut spans = surprise::run(threads, Work::Waits(TIME))
            .context("cannot run the server")?;
        spans.sort_by_key(|span| span.caller);
        let s = if threads == 1 { "" } else { "s" };
        writeln!(out, "{threads} thread{s}")?;
        // Which thread gets which caller is the kernel's choice.
        let mut numbers: Vec<usize> = Vec::new();
        for span in &spans {
            if !numbers.contains(&span.thread) {
                numbers.push(span.thread);
            }
        }
        for (number, thread) in (1..).zip(numbers) {
            write!(out, "  thread {number}")?;
            let mut at = 0.0;
            for span in spans.iter().filter(|span| span.thread == thread) {
                let caller = char::from(b'A' + span.caller);
                let (from, to) = (turns(span.from), turns(span.to));
                while at < from {
                    write!(out, " .")?;
                    at += 1.0;
                }
                while at < to {
                    write!(out, " {caller}")?;
                    at += 1.0;
                }
            }
            writeln!(out)?;
        }
    }
    Ok(())
}

pub fn surprise(out: &mut impl Write) -> Result<()> {
    const TIME: Duration = Duration::from_millis(100);
    let computing = Work::Computes(surprise::rounds_of(TIME));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    writeln!(
        out,
        "{CALLERS} callers at once, some {TIME:?} of work for each; {cores} processors"
    )?;
    writeln!(out, "{:34}{:>9}{:>9}", "", "1 thread", "4 threads")?;
    for (what, work) in [
        ("the work is waiting", Work::Waits(TIME)),
        ("the work is computing", computing),
    ] {
        let (one, four) = best(work).context("cannot run the server")?;
        let ratio = one.as_secs_f64() / four.as_secs_f64();
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        writeln!(
            out,
            "{what:34}{:6.0} ms{:6.0} ms   {ratio:.1} times as fast",
            millis(one),
            millis(four)
        )?;
    }
    Ok(())
}

/// The better of two runs each, in turn: whatever else the machine does disturbs both.
fn best(work: Work) -> std::io::Result<(Duration, Duration)> {
    let (mut one, mut four) = (Duration::MAX, Duration::MAX);
    for _ in 0..2 {
        one = one.min(surprise::measure(1, work)?);
        four = four.min(surprise::measure(4, work)?);
    }
    Ok((one, four))
}

pub fn unbounded(out: &mut impl Write) -> Result<()> {
    const CALLERS: usize = 200;
    writeln!(out, "{CALLERS} callers who say nothing:")?;
    for (name, threads_each) in [("function", 1), ("pool", 0)] {
        let table = usage(name, CALLERS, threads_each)?;
        let [(_, none), .., (_, all)] = table[..] else {
            continue;
        };
        let (none, all) = (none.threads, all.threads);
        writeln!(
            out,
            "  {name:10}{none:4} threads before them, {all:4} with them"
        )?;
    }
    Ok(())
}

pub fn lock(out: &mut impl Write) -> Result<()> {
    let stuck = broken::locked().context("cannot run the chat")?;
    let yes = |it: bool| if it { "yes" } else { "no" };
    writeln!(out, "A says hello; B hears it:       {}", yes(stuck.before))?;
    writeln!(out, "A talks on, and C does not read")?;
    writeln!(out, "B still hears A:                {}", yes(stuck.after))?;
    writeln!(
        out,
        "D comes, and is let in:         {}",
        yes(stuck.newcomer)
    )?;
    Ok(())
}

pub fn panic(out: &mut impl Write) -> Result<()> {
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {})); // what it says depends on the line number
    let told = broken::panicking().context("cannot run the pool");
    std::panic::set_hook(quiet);
    for (caller, (line, answer)) in ["A", "B", "C", "D"].iter().zip(told?) {
        writeln!(
            out,
            "{caller} says {line:18} -> {answer}",
            line = format!("{line:?}")
        )?;
    }
    Ok(())
}

pub fn flag(out: &mut impl Write) -> Result<()> {
    let (at_once, after_a_call) = broken::flag().context("cannot run the server")?;
    let told = |over: bool| if over { "over" } else { "waiting in accept" };
    writeln!(out, "the flag is set:  the server is {}", told(at_once))?;
    writeln!(
        out,
        "somebody calls:   the server is {}",
        told(after_a_call)
    )?;
    Ok(())
}
