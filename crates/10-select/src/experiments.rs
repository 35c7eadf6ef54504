//! The experiments, each told in the order in which things happen.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use anyhow::{Context, Result};
use lesson_10::terminal::{Keyboard, Typed};
use lesson_10::{broken, limit, nonblocking};

pub fn quiz(seconds: u64, out: &mut impl Write) -> Result<()> {
    const QUESTIONS: [(&str, &str); 3] = [
        ("6 * 7", "42"),
        ("the port of HTTP", "80"),
        ("how many sockets select can watch", "1024"),
    ];
    let stdin = io::stdin();
    let mut keyboard = Keyboard::new(stdin.as_fd());
    let mut right = 0;
    for (question, answer) in QUESTIONS {
        write!(out, "{question}? ({seconds} s) ")?;
        out.flush()?;
        let limit = Duration::from_secs(seconds);
        let typed = keyboard.line(limit).context("cannot read what is typed")?;
        match typed {
            Typed::Line(line) if line.trim_ascii() == answer.as_bytes() => {
                writeln!(out, "right")?;
                right += 1;
            }
            Typed::Line(_) => writeln!(out, "it is {answer}")?,
            Typed::TooLate => writeln!(out, "\ntoo late: it is {answer}")?,
            Typed::End => {
                writeln!(out)?;
                break;
            }
        }
    }
    writeln!(out, "{right} of {} right", QUESTIONS.len())?;
    Ok(())
}

pub fn nonblocking(out: &mut impl Write) -> Result<()> {
    let said = nonblocking::ask_all().context("cannot talk to ourselves")?;
    let or_none = |error: Option<io::Error>| {
        error.map_or("none: it is connected".into(), |error| error.to_string())
    };
    writeln!(out, "accept, and nobody is there   {}", said.accept)?;
    writeln!(out, "connect                       {}", said.connect)?;
    writeln!(
        out,
        "  SO_ERROR, once writable     {}",
        or_none(said.connected)
    )?;
    writeln!(out, "read, and nothing is there    {}", said.read)?;
    writeln!(out, "write, until there is no room {}", said.write)?;
    writeln!(out, "connect, and nobody listens   {}", said.in_vain)?;
    writeln!(
        out,
        "  SO_ERROR, once writable     {}",
        or_none(said.refused)
    )?;
    Ok(())
}

pub fn limit(out: &mut impl Write) -> Result<()> {
    std::panic::set_hook(Box::new(|_| {})); // the panic is told below
    let beyond = limit::beyond()
        .context("cannot open 1100 descriptors here (`ulimit -n 2048` may help)")?;
    let _ = std::panic::take_hook();
    writeln!(out, "a set of select holds   {} descriptors", beyond.set)?;
    writeln!(out, "a connection got        number {}", beyond.descriptor)?;
    writeln!(out, "FdSet::insert panics    {}", beyond.select)?;
    writeln!(out, "poll finds ready        {}", beyond.poll)?;
    Ok(())
}

pub fn always_writable(out: &mut impl Write) -> Result<()> {
    const TIME: Duration = Duration::from_millis(300);
    let waits = broken::always_writable(TIME).context("cannot run the loop")?;
    writeln!(
        out,
        "How often poll returned in {TIME:?}, for a client that is silent:"
    )?;
    writeln!(out, "  waiting for bytes          {:8}", waits.read)?;
    writeln!(out, "  waiting for bytes or room  {:8}", waits.both)?;
    Ok(())
}

pub fn hidden_lines(out: &mut impl Write) -> Result<()> {
    let hidden = broken::hidden_lines().context("cannot run the server")?;
    writeln!(out, "three lines come together")?;
    writeln!(out, "poll: readable; read_line brings \"{}\"", hidden.read)?;
    let found = match hidden.reported {
        true => "readable",
        false => "nothing to read",
    };
    writeln!(out, "poll: {found}")?;
    writeln!(out, "lines in the BufReader: {}", hidden.buffered)?;
    Ok(())
}

#[cfg(target_os = "linux")]
pub fn half_drained(out: &mut impl Write) -> Result<()> {
    let half = broken::half_drained().context("cannot run the server")?;
    writeln!(out, "{} bytes come, all at once", half.sent)?;
    writeln!(out, "  read {}; then no wait tells of the rest", half.read)?;
    writeln!(out, "1 byte more comes")?;
    writeln!(
        out,
        "  read {}; there are still {}",
        half.then,
        half.sent + 1 - half.read - half.then
    )?;
    Ok(())
}

#[cfg(target_os = "linux")]
pub fn triggers(out: &mut impl Write) -> Result<()> {
    let rows = lesson_10::triggers::compare().context("cannot compare")?;
    let told = |tells: bool| if tells { "readable" } else { "-" };
    writeln!(
        out,
        "{:20}{:>8}   {:10}edge",
        "what happens", "unread", "level"
    )?;
    for row in rows {
        let (level, edge) = (told(row.level), told(row.edge));
        writeln!(out, "{:20}{:8}   {level:10}{edge}", row.what, row.unread)?;
    }
    Ok(())
}

#[cfg(target_os = "linux")]
pub fn memory(clients: u64, out: &mut impl Write) -> Result<()> {
    let memory = lesson_10::memory::measure(clients as usize).with_context(|| {
        format!("cannot have {clients} clients here (`ulimit -n` says how many)")
    })?;
    writeln!(out, "{} clients that say nothing", memory.clients)?;
    writeln!(out, "  the state of each          {:6} bytes", memory.state)?;
    writeln!(
        out,
        "  the process grew, for each {:6} bytes",
        memory.resident
    )?;
    Ok(())
}

#[cfg(target_os = "linux")]
pub fn surprise(file: Option<&str>, out: &mut impl Write) -> Result<()> {
    use lesson_10::surprise::{WATCHED, measure};

    const ROUNDS: usize = 301;
    writeln!(
        out,
        "A wait for the one who speaks; {ROUNDS} times, the median in microseconds:"
    )?;
    writeln!(
        out,
        "{:>16}{:>10}{:>10}{:>10}",
        "sockets watched", "select", "poll", "epoll"
    )?;
    let mut all = Vec::new();
    for watched in WATCHED {
        let costs = measure(watched, ROUNDS).with_context(|| {
            format!("cannot watch {watched} sockets (`ulimit -n` says how many)")
        })?;
        let micros = |cost: Duration| format!("{:.2}", cost.as_secs_f64() * 1e6);
        let select = costs.select.map_or("-".into(), micros);
        let (poll, epoll) = (micros(costs.poll), micros(costs.epoll));
        writeln!(out, "{watched:16}{select:>10}{poll:>10}{epoll:>10}")?;
        all.push(costs);
    }
    if let (Some(few), Some(many)) = (all.first(), all.last()) {
        let ratio = |a: Duration, b: Duration| b.as_secs_f64() / a.as_secs_f64();
        writeln!(
            out,
            "From {} to {}: poll takes {:.0} times as long, epoll {:.1} times.",
            few.watched,
            many.watched,
            ratio(few.poll, many.poll),
            ratio(few.epoll, many.epoll)
        )?;
    }
    if let Some(file) = file {
        let written = std::fs::write(file, picture(&all).to_svg());
        written.with_context(|| format!("cannot write {file}"))?;
        writeln!(out, "{file} shows it; a browser can")?;
    }
    Ok(())
}

/// What was measured, with a tenfold for each step of both axes: what grows with the
/// number of sockets rises, what does not is level.
#[cfg(target_os = "linux")]
fn picture(all: &[lesson_10::surprise::Costs]) -> wire::plot::Plot {
    use lesson_10::surprise::Costs;
    use wire::plot::{Axis, Plot, Series};

    let series = |label: &str, of: fn(&Costs) -> Option<Duration>| {
        let point = |costs: &Costs| {
            Some((costs.watched as f64, of(costs)?.as_secs_f64() * 1e6))
        };
        let points = all.iter().filter_map(point).collect();
        let label = label.into();
        Series { label, points }
    };
    Plot {
        title: "A wait for the one who speaks".into(),
        x: Axis::log("sockets watched"),
        y: Axis::log("microseconds"),
        series: vec![
            series("select", |costs| costs.select),
            series("poll", |costs| Some(costs.poll)),
            series("epoll", |costs| Some(costs.epoll)),
        ],
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::io::Write;

    use anyhow::{Result, bail};

    const WHY: &str = "this needs epoll or /proc, which only Linux has";

    pub fn half_drained(_: &mut impl Write) -> Result<()> {
        bail!(WHY)
    }

    pub fn triggers(_: &mut impl Write) -> Result<()> {
        bail!(WHY)
    }

    pub fn memory(_: u64, _: &mut impl Write) -> Result<()> {
        bail!(WHY)
    }

    pub fn surprise(_: Option<&str>, _: &mut impl Write) -> Result<()> {
        bail!(WHY)
    }
}

#[cfg(not(target_os = "linux"))]
pub use elsewhere::{half_drained, memory, surprise, triggers};
