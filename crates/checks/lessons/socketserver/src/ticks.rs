//! `socketserver/ticks`: figures now and then, from the loop that serves.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{fs, mem};

use checks::diagnosis::{self, Findings, Rule};
use checks::engine::{Check, Probe, Report, Seen};
use checks::symptom::{Doing, Kind, Symptom};
use checks_async::{Story, failed};

/// The learner's server: how often, what serves a caller, and what is told the numbers
/// of those who were served well and of those with whom it failed. It goes on while that
/// returns `true`.
type Serve = fn(
    TcpListener,
    Duration,
    &mut dyn FnMut(TcpStream) -> io::Result<()>,
    &mut dyn FnMut(u64, u64) -> bool,
) -> io::Result<()>;

const EVERY: Duration = Duration::from_millis(100);

/// A wait may be told in whole milliseconds.
const ROUNDED: Duration = Duration::from_millis(5);

/// So long a busy server is kept busy; a tick comes much sooner, on any machine.
const BUSY: Duration = Duration::from_secs(3);

/// So many times a loop may wake up for a tick.
const WAKES: u64 = 20;

/// The check of `socketserver/ticks`.
pub fn ticks(serve: Serve) -> Check {
    let probe = |name, title, play: fn(&Floor, Serve) -> Result<(), Symptom>| {
        Probe::tasks(name, title, move |report: &Report| {
            let story = Story::new(report, "the check", "your server");
            play(&Floor { story }, serve)
        })
    };
    let probes = vec![
        probe("served", "three callers, and the end", served),
        probe("idle", "four ticks while nobody calls", idle),
        probe("busy", "ticks while callers come all the time", busy),
        probe("numbers", "three who are served well, and two not", numbers),
        probe("slow", "a request that takes five times as long", slow),
        probe("alone", "no thread besides the one that serves", alone),
        probe("rest", "how often the server wakes up", rest),
    ];
    Check::new("socketserver/ticks", probes, diagnose)
}

struct Floor {
    story: Story,
}

/// What a caller says: the request goes well, or fails.
const WELL: &[u8] = b"w";
const FAILS: &[u8] = b"f";
const SLOW: &[u8] = b"s";
const TAKES_A_WHILE: &[u8] = b"t";

/// Serves a caller, as it has asked.
fn handle(mut stream: TcpStream) -> io::Result<()> {
    let mut byte = [0];
    stream.read_exact(&mut byte)?;
    match &byte[..] {
        FAILS => return Err(io::Error::other("this request fails on purpose")),
        SLOW => thread::sleep(EVERY * 5), // shapes the input
        TAKES_A_WHILE => thread::sleep(EVERY / 5), // so does this
        _ => {}
    }
    stream.write_all(b"!")
}

/// A caller; whether it was answered.
fn call(addr: SocketAddr, says: &[u8]) -> io::Result<bool> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(Duration::from_secs(8)))?;
    stream.write_all(says)?;
    Ok(stream.read(&mut [0])? == 1)
}

fn listen() -> Result<(TcpListener, SocketAddr), Symptom> {
    let listen = || {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let addr = listener.local_addr()?;
        Ok((listener, addr))
    };
    listen().map_err(|error| failed("listen", error))
}

impl Floor {
    /// Runs the server, and tells what it returns.
    fn run(
        &self,
        serve: Serve,
        listener: TcpListener,
        tick: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<(), Symptom> {
        self.story.right("serves");
        let served = serve(listener, EVERY, &mut handle, tick);
        self.story.right("returns");
        served.map_err(|error| {
            let summary = "your function has returned an error";
            Symptom::new(Kind::Error, summary).with_words("Ok", error.to_string())
        })
    }
}

fn joined<T>(helper: JoinHandle<T>) -> Result<T, Symptom> {
    let broken = |_| failed("call the server", io::Error::other("a panic"));
    helper.join().map_err(broken)
}

fn served(floor: &Floor, serve: Serve) -> Result<(), Symptom> {
    let (listener, addr) = listen()?;
    let done = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&done);
    let callers = thread::spawn(move || {
        let waiting = TcpStream::connect(addr).and_then(|mut stream| {
            stream.write_all(WELL)?;
            Ok(stream)
        });
        let answers = [call(addr, WELL), call(addr, WELL)];
        let first = waiting.and_then(|mut stream| stream.read(&mut [0]));
        over.store(true, Ordering::SeqCst);
        matches!(answers, [Ok(true), Ok(true)]) && matches!(first, Ok(1))
    });
    floor.run(serve, listener, &mut |_, _| {
        let over = done.load(Ordering::SeqCst);
        if over {
            floor.story.right("tick: is told to end");
        }
        !over
    })?;
    if !joined(callers)? {
        let summary = "not all of three callers were answered";
        return Err(Symptom::new(Kind::NoAnswer, summary));
    }
    Ok(())
}

/// The time between ticks, which nobody may make shorter.
struct Pace {
    last: Instant,
    ticks: usize,
    early: Option<Duration>,
}

impl Pace {
    fn new() -> Self {
        Self {
            last: Instant::now(),
            ticks: 0,
            early: None,
        }
    }

    fn tick(&mut self) {
        let passed = mem::replace(&mut self.last, Instant::now()).elapsed();
        self.ticks += 1;
        if passed + ROUNDED < EVERY {
            self.early.get_or_insert(passed);
        }
    }

    fn judge(&self) -> Result<(), Symptom> {
        match self.early {
            None => Ok(()),
            Some(passed) => {
                let summary = "a tick came sooner than it was asked for";
                Err(Symptom::new(Kind::Rule, summary).with_words(
                    format!("{EVERY:?} after the one before, or later"),
                    format!("after {passed:.1?}"),
                ))
            }
        }
    }
}

fn idle(floor: &Floor, serve: Serve) -> Result<(), Symptom> {
    let (listener, _) = listen()?;
    let mut ticks = 0;
    let mut numbers = (0, 0);
    floor.story.left("nobody calls");
    floor.run(serve, listener, &mut |well, not| {
        ticks += 1;
        floor.story.right(format!("tick: {well} well, {not} not"));
        numbers = (numbers.0 + well, numbers.1 + not);
        ticks < 4
    })?;
    if ticks != 4 {
        let summary = "your function returned before it was told to";
        return Err(Symptom::new(Kind::Gone, summary)
            .with_words("four ticks", ticks.to_string()));
    }
    same("nobody has called", (0, 0), numbers)
}

fn same(what: &str, wanted: (u64, u64), got: (u64, u64)) -> Result<(), Symptom> {
    if wanted == got {
        return Ok(());
    }
    let shown = |(well, not)| format!("{well} well, {not} not");
    let summary = format!("{what}, and the numbers are others");
    Err(Symptom::new(Kind::WrongValue, summary).with_words(shown(wanted), shown(got)))
}

fn busy(floor: &Floor, serve: Serve) -> Result<(), Symptom> {
    let (listener, addr) = listen()?;
    let ticks = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&ticks);
    let callers = thread::spawn(move || {
        let begun = Instant::now();
        let (mut calls, mut waiting) = (0, Vec::new());
        // There is always somebody in the queue.
        while seen.load(Ordering::SeqCst) < 3 && begun.elapsed() < BUSY {
            while waiting.len() < 4 {
                let Ok(mut stream) = TcpStream::connect(addr) else {
                    return (calls, seen.load(Ordering::SeqCst));
                };
                let _ = stream.set_read_timeout(Some(BUSY));
                let _ = stream.write_all(TAKES_A_WHILE);
                waiting.push(stream);
            }
            let _ = waiting.remove(0).read(&mut [0]);
            calls += 1;
        }
        (calls, seen.swap(u64::MAX, Ordering::SeqCst))
    });
    floor.story.left("callers come all the time");
    floor.run(serve, listener, &mut |_, _| {
        if ticks.load(Ordering::SeqCst) == u64::MAX {
            return false;
        }
        let _ = ticks.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| {
            (n != u64::MAX).then_some(n + 1)
        });
        true
    })?;
    let (calls, ticks) = joined(callers)?;
    floor
        .story
        .left(format!("{ticks} ticks came while callers did"));
    if ticks == 0 && calls > 20 {
        let summary = "no tick comes while callers do";
        return Err(Symptom::new(Kind::NoAnswer, summary).with_words(
            format!("one every {EVERY:?}, about"),
            format!("none in {BUSY:?}, in which {calls} callers were served"),
        ));
    }
    Ok(())
}

fn numbers(floor: &Floor, serve: Serve) -> Result<(), Symptom> {
    let (listener, addr) = listen()?;
    let done = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&done);
    let callers = thread::spawn(move || {
        let answers = [WELL, FAILS, WELL, FAILS, WELL].map(|says| call(addr, says));
        over.store(true, Ordering::SeqCst);
        answers.map(|answer| answer.is_ok_and(|answered| answered))
    });
    let mut last = None;
    floor.run(serve, listener, &mut |well, not| {
        let over = done.load(Ordering::SeqCst);
        floor.story.right(format!("tick: {well} well, {not} not"));
        last = over.then_some((well, not));
        !over
    })?;
    let answered = joined(callers)?;
    if answered != [true, false, true, false, true] {
        let summary = "a caller was not served after one whose request failed";
        return Err(Symptom::new(Kind::NoAnswer, summary));
    }
    match last {
        None => {
            let summary = "your function returned before it was told to";
            Err(Symptom::new(Kind::Gone, summary))
        }
        Some(got) => same("five have called", (3, 2), got),
    }
}

fn slow(floor: &Floor, serve: Serve) -> Result<(), Symptom> {
    let (listener, addr) = listen()?;
    let caller = thread::spawn(move || call(addr, SLOW));
    let mut pace = Pace::new();
    let mut after = 0;
    floor
        .story
        .left("a request takes five times as long as a tick");
    floor.run(serve, listener, &mut |well, _| {
        pace.tick();
        after += usize::from(well > 0);
        after < 4 && pace.ticks < 50
    })?;
    if !joined(caller)?.is_ok_and(|answered| answered) {
        let summary = "the caller was not answered";
        return Err(Symptom::new(Kind::NoAnswer, summary));
    }
    pace.judge()
}

fn alone(floor: &Floor, serve: Serve) -> Result<(), Symptom> {
    let (listener, _) = listen()?;
    let me = thread::current().id();
    let threads = || fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
    let (before, mut during, mut elsewhere) = (threads(), 0, false);
    let mut ticks = 0;
    floor.run(serve, listener, &mut |_, _| {
        during = during.max(threads());
        elsewhere |= thread::current().id() != me;
        ticks += 1;
        ticks < 3
    })?;
    if during > before || elsewhere {
        let summary = "there is a thread besides the one that serves";
        return Err(Symptom::new(Kind::Rule, summary)
            .with_words("no thread more", format!("{} more", during - before)));
    }
    Ok(())
}

/// How often the calling thread has gone to sleep, and how long it has run.
fn thread_so_far() -> Option<(u64, Duration)> {
    let status = fs::read_to_string("/proc/thread-self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
    let run = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let run = run.split(' ').next()?.parse().ok()?;
    Some((line.trim().parse().ok()?, Duration::from_nanos(run)))
}

fn rest(floor: &Floor, serve: Serve) -> Result<(), Symptom> {
    const TICKS: u64 = 5;
    let (listener, _) = listen()?;
    let mut first = None;
    let mut last = None;
    let mut ticks = 0;
    floor.story.left("nobody calls");
    floor.run(serve, listener, &mut |_, _| {
        last = thread_so_far().map(|so_far| (so_far, Instant::now()));
        first = first.or(last);
        ticks += 1;
        ticks <= TICKS
    })?;
    let (Some(((before, ran), begun)), Some(((after, run), ended))) = (first, last)
    else {
        let why = "this system does not tell how often a thread wakes up";
        return Err(Symptom::new(Kind::Skipped, why));
    };
    let (wakes, run, all) = (after - before, run - ran, ended - begun);
    if wakes > WAKES * TICKS {
        let summary = "your server wakes up far more often than it ticks";
        return Err(Symptom::new(Kind::Spins, summary).with_words(
            format!("{TICKS} ticks, and a wake-up or two for each"),
            format!("{wakes} wake-ups"),
        ));
    }
    // On a busy machine a loop that never sleeps may have run for a moment only; but it
    // has not gone to sleep between ticks, as one does that waits.
    if run > all / 10 || wakes * 2 < TICKS {
        let summary = "your server runs while there is nothing to do";
        return Err(Symptom::new(Kind::Spins, summary).with_words(
            "a moment for each tick, and sleep in between",
            format!("{run:.0?} of {all:.0?}; it went to sleep {wakes} times"),
        ));
    }
    Ok(())
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: <[u8]>::to_vec,
    };
    diagnosis::name(&[RULES], &findings)
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M147",
        fits: |all| {
            let waits = |s: &Symptom| {
                s.kind == Kind::NoAnswer
                    && s.got.contains("serves")
                    && s.doing == Some(Doing::Blocked)
                    && s.calls.iter().any(|call| {
                        ["accept", "poll", "ppoll", "epoll"]
                            .iter()
                            .any(|wait| call.starts_with(wait))
                    })
            };
            all.first(&["served", "idle"]).is_some_and(waits)
        },
        why: "Nobody calls, and your server waits for a caller without a limit: no tick \
              comes until somebody does. The time until the next tick is the limit of \
              that wait.",
    },
    Rule {
        mistake: "M147",
        fits: |all| {
            let starves = |s: &Symptom| s.summary.starts_with("no tick comes");
            all.passed("idle") && all.first(&["busy"]).is_some_and(starves)
        },
        why: "While nobody calls the ticks come, and while callers do, they do not: a \
              tick that is due only when the wait ends without a caller is never due on \
              a busy day. Look at the clock after each caller, too.",
    },
    Rule {
        mistake: "M148",
        fits: |all| {
            // Where the probe has not measured to its end yet, the kernel says so.
            let spins = |s: &Symptom| {
                s.kind == Kind::Spins || s.doing == Some(Doing::Spinning)
            };
            all.passed("idle") && all.first(&["rest"]).is_some_and(spins)
        },
        why: "Between two ticks nothing happened, and your server looked again and \
              again whether something had. poll(2) sleeps until a caller comes or the \
              time is over, whichever is first.",
    },
];
