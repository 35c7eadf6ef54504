//! What is measured, of whom, in which order.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

use crate::contender::Whose::{C, Ours, Python, Rust};
use crate::contender::{Contender, Peers, Running, Whose};
use crate::load::{self, Load};
use crate::report::{Row, Table};

const HELP: &str = "\
Compares the strategies of socketserver with other servers, on this machine.

  just bench-server [OPTIONS]

  --rounds N          how often everybody is measured (5)
  --seconds S         how long each time (1)
  --connections N,…   how many talk at once (1,64,512,4000)
  --idle N            how many are silent, for their memory (1000)
  --only PART         rates, visits, memory or datagrams; may be given again
";

/// The options do not fit.
#[derive(Debug)]
pub struct Usage(String);

impl fmt::Display for Usage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}; --help shows what there is", self.0)
    }
}

impl Error for Usage {}

struct Options {
    rounds: usize,
    time: Duration,
    connections: Vec<usize>,
    idle: usize,
    only: Vec<String>,
}

const PARTS: [&str; 4] = ["rates", "visits", "memory", "datagrams"];

fn options(args: &[&str]) -> Result<Options, Usage> {
    let mut options = Options {
        rounds: 5,
        time: Duration::from_secs(1),
        connections: vec![1, 64, 512, 4000],
        idle: 1000,
        only: Vec::new(),
    };
    let mut args = args.iter().filter(|arg| **arg != "--bench"); // cargo's
    while let Some(name) = args.next() {
        let value = args.next().ok_or_else(|| Usage(format!("{name} what?")))?;
        let bad = || Usage(format!("`{value}` is nothing for {name}"));
        match *name {
            "--rounds" => options.rounds = positive(value).ok_or_else(bad)?,
            "--seconds" => {
                let seconds = value.parse::<f64>().ok();
                let seconds = seconds.filter(|s| *s >= 0.05 && *s <= 3600.0);
                options.time = Duration::from_secs_f64(seconds.ok_or_else(bad)?);
            }
            "--connections" => {
                let numbers = value.split(',').map(positive);
                options.connections =
                    numbers.collect::<Option<_>>().ok_or_else(bad)?;
            }
            "--idle" => options.idle = positive(value).ok_or_else(bad)?,
            "--only" if PARTS.contains(value) => {
                options.only.push((*value).to_owned());
            }
            "--only" => return Err(bad()),
            _ => return Err(Usage(format!("there is no option {name}"))),
        }
    }
    Ok(options)
}

fn positive(text: &str) -> Option<usize> {
    text.parse().ok().filter(|number| *number > 0)
}

const fn one(whose: Whose, kind: &'static str) -> Contender {
    Contender { whose, kind }
}

/// Who serves many at once, as long as they like.
const RATES: &[Contender] = &[
    one(Ours, "threads"),
    one(Ours, "parked"),
    one(Ours, "epoll"),
    one(Ours, "poll"),
    one(Ours, "select"),
    one(Python, "threading"),
    one(Python, "streams"),
    one(Python, "protocol"),
    one(Rust, "std-threads"),
    one(Rust, "tokio"),
    one(C, "tcp"),
];

/// Who serves one conversation after the other.
const VISITS: &[Contender] = &[
    one(Ours, "inline"),
    one(Ours, "threads"),
    one(Ours, "pool"),
    one(Ours, "fork"),
    one(Ours, "prefork"),
    one(Ours, "parked"),
    one(Ours, "epoll"),
    one(Python, "tcp"),
    one(Python, "threading"),
    one(Python, "forking"),
    one(Python, "protocol"),
    one(Rust, "std-threads"),
    one(Rust, "std-pool"),
    one(Rust, "tokio"),
    one(C, "tcp"),
];

const MEMORY: &[Contender] = &[
    one(Ours, "threads"),
    one(Ours, "fork"),
    one(Ours, "parked"),
    one(Ours, "epoll"),
    one(Python, "threading"),
    one(Python, "forking"),
    one(Python, "protocol"),
    one(Rust, "tokio"),
    one(C, "tcp"),
];

const DATAGRAMS: &[Contender] = &[
    one(Ours, "udp"),
    one(Ours, "udp-threads"),
    one(Python, "udp"),
    one(Python, "threading-udp"),
    one(C, "udp"),
];

/// Measures what is asked for, and prints it.
///
/// # Errors
///
/// [`Usage`]; where the load or a server cannot be started.
pub fn run(args: &[&str]) -> Result<(), Box<dyn Error>> {
    if args.contains(&"--help") || args.contains(&"-h") {
        print!("{HELP}");
        return Ok(());
    }
    let options = options(args)?;
    crate::raise_descriptors()?;
    let peers = Peers::prepare()?;
    if peers.are_apart() {
        let mut first = CpuSet::new();
        first.set(0)?;
        sched_setaffinity(Pid::from_raw(0), &first)?;
        println!("The load runs on processor 0, each server on processor 1.");
    } else {
        println!("The load and the servers share the processors.");
    }
    println!(
        "{} rounds of {:?}: the median, and the range.",
        options.rounds, options.time
    );
    let asked = |part: &str| {
        options.only.is_empty() || options.only.iter().any(|only| only == part)
    };
    let mut out = io::stdout();
    if asked("rates") {
        for count in &options.connections {
            rates(&options, &peers, *count)?.write(&mut out)?;
        }
    }
    if asked("visits") {
        visits(&options, &peers)?.write(&mut out)?;
    }
    if asked("memory") {
        memory(&options, &peers)?.write(&mut out)?;
    }
    if asked("datagrams") {
        datagrams(&options, &peers)?.write(&mut out)?;
    }
    Ok(())
}

/// Measures each contender once a round, in turn.
fn measure(
    options: &Options,
    peers: &Peers,
    table: &mut Table,
    contenders: &[Contender],
    mut of: impl FnMut(&Running) -> io::Result<Vec<f64>>,
) -> io::Result<()> {
    for round in 1..=options.rounds {
        for contender in contenders {
            let name = contender.name();
            let measured = peers.start(*contender).and_then(|server| of(&server));
            let figures = match measured {
                Ok(figures) => figures,
                Err(error) => {
                    eprintln!("{}, {name}, round {round}: {error}", table.title);
                    continue;
                }
            };
            let row = match table.rows.iter().position(|row| row.name == name) {
                Some(at) => &mut table.rows[at],
                None => {
                    let columns = vec![Vec::new(); figures.len()];
                    table.rows.push(Row { name, columns });
                    let last = table.rows.len() - 1;
                    &mut table.rows[last]
                }
            };
            for (column, figure) in row.columns.iter_mut().zip(figures) {
                column.push(figure);
            }
        }
    }
    Ok(())
}

fn table(title: String, heads: &[&'static str], against: &[&str]) -> Table {
    Table {
        title,
        heads: heads.to_vec(),
        rows: Vec::new(),
        against: against.iter().map(|name| (*name).to_owned()).collect(),
    }
}

/// Runs a load, and says how much processor time the server took for each answer.
fn timed(
    server: &Running,
    load: impl FnOnce(&mut dyn FnMut()) -> io::Result<Load>,
) -> io::Result<Vec<f64>> {
    let mut before = Duration::ZERO;
    let load = load(&mut || before = server.cpu())?;
    let cpu = (server.cpu() - before).as_secs_f64() * 1e6 / load.count.max(1) as f64;
    Ok(vec![
        load.rate,
        cpu,
        load.micros(0.5),
        load.micros(0.99),
        load.micros(0.999),
    ])
}

const HEADS: [&str; 5] = ["a second", "CPU us", "p50 us", "p99 us", "p99.9 us"];

fn rates(options: &Options, peers: &Peers, count: usize) -> io::Result<Table> {
    let mut table = table(
        format!("Requests, with {count} connections"),
        &HEADS,
        &[
            "Python: threading",
            "by hand: std-threads",
            "tokio",
            "C: tcp",
        ],
    );
    // A set of select ends at descriptor 1024.
    let fits = |one: &&Contender| count < 1000 || one.kind != "select";
    let contenders: Vec<Contender> = RATES.iter().filter(fits).copied().collect();
    measure(options, peers, &mut table, &contenders, |server| {
        let warm = options.time / 4;
        timed(server, |begin| {
            load::steady(server.addr, count, warm, options.time, begin)
        })
    })?;
    Ok(table)
}

fn visits(options: &Options, peers: &Peers) -> io::Result<Table> {
    const AT_ONCE: usize = 8;
    let mut table = table(
        format!("Connections with one request, {AT_ONCE} at once"),
        &HEADS,
        &[
            "Python: threading",
            "Python: forking",
            "by hand: std-threads",
            "by hand: std-pool",
            "C: tcp",
        ],
    );
    measure(options, peers, &mut table, VISITS, |server| {
        timed(server, |begin| {
            load::visits(server.addr, AT_ONCE, options.time, begin)
        })
    })?;
    Ok(table)
}

fn memory(options: &Options, peers: &Peers) -> io::Result<Table> {
    let count = options.idle;
    let mut table = table(
        format!("Memory for each of {count} connections that have fallen silent"),
        &["KiB of Pss"],
        &["Python: threading", "Python: forking", "tokio"],
    );
    measure(options, peers, &mut table, MEMORY, |server| {
        // The first connection has the server load what it needs for any.
        let first = load::idle(server.addr, 1)?;
        let before = server.memory();
        let silent = load::idle(server.addr, count)?;
        let grown = server.memory().saturating_sub(before);
        drop((first, silent));
        Ok(vec![grown as f64 / count as f64])
    })?;
    Ok(table)
}

fn datagrams(options: &Options, peers: &Peers) -> io::Result<Table> {
    const AT_ONCE: usize = 32;
    let mut table = table(
        format!("Datagrams, {AT_ONCE} under way at once"),
        &HEADS,
        &["Python: udp", "Python: threading-udp", "C: udp"],
    );
    measure(options, peers, &mut table, DATAGRAMS, |server| {
        timed(server, |begin| {
            load::datagrams(server.addr, AT_ONCE, options.time, begin)
        })
    })?;
    Ok(table)
}
