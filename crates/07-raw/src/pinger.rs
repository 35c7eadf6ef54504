//! The program ping: which socket it can have, what it prints, how it ends.

use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::process::{self, ExitCode};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use lesson_7::ping::{Line, Outcome, Statistics, ask};

use crate::{enter, host, misuse, number};

/// What was asked for.
struct Wish {
    host: String,
    count: Option<u32>,
    interval: Duration,
    wait: Duration,
}

fn read(options: &[&str]) -> Result<Wish> {
    const SECOND: Duration = Duration::from_secs(1);
    let mut wish = Wish {
        host: "127.0.0.1".into(),
        count: None,
        interval: SECOND,
        wait: SECOND,
    };
    let mut options = options.iter();
    while let Some(&option) = options.next() {
        let mut value = || {
            let value = options.next().copied();
            value.ok_or_else(|| misuse(format!("ping {option} what?")))
        };
        match option {
            "-c" => wish.count = Some(number(value()?)?),
            "-i" => wish.interval = seconds(value()?)?,
            "-W" => wish.wait = seconds(value()?)?,
            _ if option.starts_with('-') => {
                return Err(misuse(format!("ping knows no `{option}`")));
            }
            _ => wish.host = option.into(),
        }
    }
    match wish.count {
        Some(0) => Err(misuse("ping -c 0 would send nothing".into())),
        _ => Ok(wish),
    }
}

fn seconds(given: &str) -> Result<Duration> {
    let span = Duration::try_from_secs_f64(number(given)?);
    let span = span.ok().filter(|span| *span < Duration::from_secs(3600));
    span.ok_or_else(|| misuse(format!("`{given}` is no number of seconds")))
}

// ANCHOR: open
/// The first of three doors that is open: a raw socket, a ping socket, or a raw
/// socket in a network of our own, where only the loopback can be reached.
fn open(target: Ipv4Addr) -> Result<(Line, u16, &'static str)> {
    let raw = match Line::open(target, true) {
        Ok((line, id)) => return Ok((line, id, "a raw socket")),
        Err(error) => error,
    };
    let ping = match Line::open(target, false) {
        Ok((line, id)) => return Ok((line, id, "a ping socket")),
        Err(error) => error,
    };
    if !target.is_loopback() {
        return Err(anyhow!(
            "cannot ping {target}: raw socket: {raw}; ping socket: {ping}; \
             as root, one of these helps:\n  \
             sysctl -w net.ipv4.ping_group_range='0 2147483647'\n  \
             setcap cap_net_raw+ep THIS_PROGRAM\n\
             or run the program itself with sudo"
        ));
    }
    enter()?;
    let (line, id) = Line::open(target, true).context("cannot open a raw socket")?;
    Ok((line, id, "a raw socket in a network of our own"))
}
// ANCHOR_END: open

pub fn ping(options: &[&str], out: &mut impl Write) -> Result<ExitCode> {
    let wish = read(options)?;
    let target = host(&wish.host)?;
    let (mut line, id, door) = open(target)?; // before there is a second thread
    writeln!(out, "PING {target}: 56 bytes of data, through {door}")?;
    let statistics = Arc::new(Mutex::new(Statistics::default()));
    stop_with_ctrl_c(target, Arc::clone(&statistics))?;

    let begun = Instant::now();
    let mut sequence = 0_u16;
    for round in (0_u32..).take_while(|n| wish.count.is_none_or(|count| *n < count)) {
        sequence = sequence.wrapping_add(1);
        let next = begun + wish.interval.saturating_mul(round);
        thread::sleep(next.saturating_duration_since(Instant::now()));
        lock(&statistics).sent += 1;
        let outcome = ask(&mut line, id, sequence, wish.wait)
            .with_context(|| format!("cannot ping {target}"))?;
        // One lock for the line and the count: Ctrl-C comes before both or after.
        let mut statistics = lock(&statistics);
        statistics.add(&outcome);
        tell(out, sequence, &outcome)?;
    }
    let statistics = lock(&statistics);
    sum_up(out, target, &statistics)?;
    Ok(ExitCode::from(statistics.exit_code()))
}

/// The summary is due whenever it ends: a handler on a thread of its own prints it.
fn stop_with_ctrl_c(
    target: Ipv4Addr,
    statistics: Arc<Mutex<Statistics>>,
) -> Result<()> {
    ctrlc::set_handler(move || {
        let statistics = lock(&statistics);
        let _ = sum_up(&mut io::stdout(), target, &statistics);
        process::exit(statistics.exit_code().into());
    })
    .context("cannot listen for Ctrl-C")
}

fn lock(statistics: &Mutex<Statistics>) -> std::sync::MutexGuard<'_, Statistics> {
    statistics.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tell(out: &mut impl Write, sequence: u16, outcome: &Outcome) -> io::Result<()> {
    match outcome {
        Outcome::Reply(arrived, time) => {
            let (from, length) = (arrived.from, arrived.message.len());
            write!(out, "{length} bytes from {from}: icmp_seq={sequence}")?;
            if let Some(ttl) = arrived.ttl {
                write!(out, " ttl={ttl}")?;
            }
            writeln!(out, " time={:.3} ms", time.as_secs_f64() * 1e3)
        }
        Outcome::Error(from, 3, code) => {
            writeln!(
                out,
                "From {from} icmp_seq={sequence} unreachable, code {code}"
            )
        }
        Outcome::Error(from, kind, code) => {
            writeln!(
                out,
                "From {from} icmp_seq={sequence} type {kind}, code {code}"
            )
        }
        Outcome::Lost => writeln!(out, "no answer yet for icmp_seq={sequence}"),
    }
}

fn sum_up(
    out: &mut impl Write,
    target: Ipv4Addr,
    statistics: &Statistics,
) -> io::Result<()> {
    let (sent, received) = (statistics.sent, statistics.times.len());
    writeln!(out, "\n--- {target} ping statistics ---")?;
    write!(out, "{sent} packets transmitted, {received} received")?;
    if statistics.errors > 0 {
        write!(out, ", +{} errors", statistics.errors)?;
    }
    writeln!(out, ", {:.0}% packet loss", statistics.loss())?;
    if let Some([least, mean, most, deviation]) = statistics.spread() {
        writeln!(
            out,
            "rtt min/avg/max/mdev = {least:.3}/{mean:.3}/{most:.3}/{deviation:.3} ms"
        )?;
    }
    Ok(())
}
