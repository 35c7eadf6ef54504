//! Threads as pictures: who works for whom and when, and how many there are.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use wire::demo::{Server, normalised, run};
use wire::plot::{Axis, Bar, Lane, Lanes, Plot, Series};

use crate::pieces::File;
use crate::pieces::shop::Workshop;

/// What it does, it does at once; after this it is stuck.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs `lesson-8 lanes` and draws what it prints: a letter for each turn.
pub fn lanes(name: &str, shop: &Workshop) -> Result<Vec<File>> {
    let told = printed(shop, "lanes")?;
    let lanes = Lanes {
        title: "Four callers who ask at once: one thread, and four".into(),
        unit: "time, in units of the work for one caller".into(),
        lanes: told.lines().map(lane).collect(),
    };
    Ok(both(name, lanes.to_svg(), told))
}

/// Runs `lesson-8 threads` and draws the table that it prints.
pub fn clients(name: &str, shop: &Workshop) -> Result<Vec<File>> {
    let told = printed(shop, "threads")?;
    let mut rows = told.lines().map(str::split_ascii_whitespace);
    let names = rows.next().context("it prints nothing")?.skip(1);
    let mut series: Vec<Series> = names
        .map(|label| Series {
            label: label.into(),
            points: Vec::new(),
        })
        .collect();
    for row in rows {
        let row: Vec<f64> = row
            .map(|number| number.parse().context("it prints no number"))
            .collect::<Result<_>>()?;
        let [callers, threads @ ..] = &row[..] else {
            bail!("it prints an empty line")
        };
        for (series, threads) in series.iter_mut().zip(threads) {
            series.points.push((*callers, *threads));
        }
    }
    let plot = Plot {
        title: "Threads against callers, of three servers".into(),
        x: Axis::linear("callers"),
        y: Axis::linear("threads"),
        series,
    };
    Ok(both(name, plot.to_svg(), told))
}

/// What the kernel says of the server of the function, with two callers.
pub fn look(name: &str, shop: &Workshop) -> Result<Vec<File>> {
    let mut command = Command::new(shop.program("lesson-8")?);
    command.args(["server", "function", "127.0.0.1:0"]);
    let server = Server::start(&mut command).context("cannot start it")?;
    let addr = server.addr();
    let mut told = format!("listening on {addr}\n");
    let callers = [caller(&addr)?, caller(&addr)?];
    for thread in &at_rest(server.id())? {
        let name = &thread.name;
        let doing = thread.to_string().replace("; ", ";\n              ");
        told += &format!("{name:14}{doing}\n");
    }
    let mut told = normalised(&told, &[8000]);
    for (number, caller) in (50_001..).zip(&callers) {
        let port = caller.local_addr()?.port();
        told = told.replace(&format!("caller {port}"), &format!("caller {number}"));
    }
    let (_, told) = told.split_once('\n').context("it has no threads")?;
    Ok(vec![File::generated(&format!("{name}.txt"), told.into())])
}

/// A caller that has been answered once, and is silent.
fn caller(addr: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"hello\n")?;
    stream
        .read_exact(&mut [0; 6])
        .context("it does not answer")?;
    Ok(stream)
}

/// Its threads, once all of them sleep.
fn at_rest(pid: u32) -> Result<Vec<xray::Thread>> {
    let started = Instant::now();
    loop {
        let threads = xray::look(pid)?.threads;
        if threads.iter().all(xray::Thread::is_blocked) {
            return Ok(threads);
        }
        if started.elapsed() > PATIENCE {
            bail!("it does not come to rest");
        }
        thread::sleep(Duration::from_millis(10));
    }
}

fn both(name: &str, svg: String, told: String) -> Vec<File> {
    vec![
        File::generated(&format!("{name}.svg"), svg),
        File::generated(&format!("{name}.txt"), told),
    ]
}

fn printed(shop: &Workshop, what: &str) -> Result<String> {
    let mut command = Command::new(shop.program("lesson-8")?);
    command.arg(what);
    let output = run(&mut command, b"").context("cannot run it")?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        bail!("it fails: {}", errors.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// `  thread 1 A A B`, or a heading.
fn lane(line: &str) -> Lane {
    let Some(rest) = line.strip_prefix("  thread ") else {
        let bars = Vec::new();
        return Lane {
            label: line.into(),
            bars,
        };
    };
    let (number, turns) = rest.split_once(' ').unwrap_or((rest, ""));
    let bars = turns.split(' ').enumerate().filter(|(_, who)| *who != ".");
    let bar = |(at, who): (usize, &str)| Bar {
        from: at as f64,
        to: at as f64 + 1.0,
        label: who.into(),
        tone: who
            .bytes()
            .next()
            .unwrap_or(b'A')
            .saturating_sub(b'A')
            .into(),
    };
    Lane {
        label: format!("thread {number}"),
        bars: bars.map(bar).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_a_turn_and_a_point_is_none() {
        let lane = lane("  thread 2 . B");
        assert_eq!(lane.label, "thread 2");
        let [bar] = &lane.bars[..] else {
            panic!("{lane:?}")
        };
        assert_eq!((bar.from, bar.to, bar.tone), (1.0, 2.0, 1));
        assert_eq!(super::lane("1 thread").bars, []);
    }
}
