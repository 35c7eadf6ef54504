//! What the checks ask the kernel about a program.

use std::net::SocketAddr;
use std::time::{Duration, Instant};
use std::{io, iter, thread};

use xray::{Call, Glance, Kind, Process, Thread};

use crate::engine::EAR;
use crate::symptom::Doing;

/// Who waits with a time limit of this length waits for good, as far as a check goes.
const PATIENT: Duration = Duration::from_secs(5);

/// Who sleeps is not awake for longer than this, a busy machine included.
const A_MOMENT: Duration = Duration::from_secs(1);

/// Repeated looks at one program, until they add up to a verdict.
///
/// The processes that it has started are looked at with it: one of them may have the
/// connection, and answer while the program itself sleeps.
pub struct Watch {
    pid: u32,
    /// The first look, for what the program has used since.
    first: Option<Family>,
    began: Instant,
    /// The first of the looks since which nothing has changed.
    quiet: Option<(Instant, Family)>,
    ran: Duration,
    share: f64,
    running: bool,
    blind: bool,
}

impl Watch {
    /// Begins to look at the process.
    pub fn start(pid: u32) -> Self {
        let now = Instant::now();
        let mut watch = Self {
            pid,
            first: None,
            began: now,
            quiet: None,
            ran: Duration::ZERO,
            share: 0.0,
            running: false,
            blind: false,
        };
        match Family::look(pid) {
            Ok(family) => watch.first = Some(family),
            // Without /proc, or without the right to read it, there is nothing to
            // see but symptoms and a deadline. A program that has just ended is
            // noticed by its exit.
            Err(error) => watch.blind = error.kind() != io::ErrorKind::NotFound,
        }
        watch
    }

    /// Whether the kernel cannot be asked here.
    pub fn is_blind(&self) -> bool {
        self.blind
    }

    /// The part of the time in which the program ran or was ready to run, from 0 to
    /// 1 for each of its threads.
    pub fn share(&self) -> f64 {
        self.share
    }

    /// How much processor time the program has used since the watch began.
    pub fn ran(&self) -> Duration {
        self.ran
    }

    /// Whether some thread ran or was ready to run at the last look.
    pub fn is_running(&self) -> bool {
        self.running
    }

    /// Whether the program has slept most of the time for as long as this, and sleeps
    /// now. A loop that is kept from a busy processor does not: it is ready to run.
    pub fn is_dozing(&self, long: Duration) -> bool {
        self.began.elapsed() >= long && self.share < 0.25 && !self.running
    }

    /// Whether nothing has changed for as long as this, whatever the program waits for.
    pub fn is_at_rest_for(&self, long: Duration) -> bool {
        let since = |(since, _): &(Instant, Family)| since.elapsed() >= long;
        self.quiet.as_ref().is_some_and(since)
    }

    /// One more look. [`Doing::Blocked`] once every thread has slept in the same
    /// system call for as long as `asleep`, [`Doing::Spinning`] once the program has
    /// run for `spinning`, most of the time, since the watch began.
    pub fn verdict(&mut self, asleep: Duration, spinning: Duration) -> Option<Doing> {
        let family = Family::look(self.pid).ok()?;
        let now = Instant::now();
        let first = self.first.get_or_insert_with(|| family.clone());
        let (ran, waited) = used(first, &family);
        let wall = now.duration_since(self.began).as_secs_f64();
        self.share = (ran + waited).as_secs_f64() / wall.max(f64::EPSILON);
        self.ran = ran;
        self.running = family.threads().any(|thread| thread.state == 'R');
        // The time spent waiting for a processor counts as busy, so that a spin is
        // seen on a loaded machine too; but it takes time really used to be accused.
        if ran >= spinning && self.share > 0.5 {
            return Some(Doing::Spinning);
        }
        match &self.quiet {
            Some((since, still))
                if family.quiet_since(still) || has_stopped(&family.program) =>
            {
                let long = now.duration_since(*since) >= asleep;
                // Who woke while its time limit was looked for has none any more.
                let still = || {
                    Family::look(self.pid).is_ok_and(|now| now.quiet_since(&family))
                };
                (long && family.will_sleep_on() && still()).then_some(Doing::Blocked)
            }
            _ => {
                self.quiet = Some((now, family));
                None
            }
        }
    }
}

/// A look at a program, and at what it has started and has not yet ended.
#[derive(Clone)]
struct Family {
    program: Glance,
    descendants: Vec<Glance>,
}

impl Family {
    fn look(pid: u32) -> io::Result<Self> {
        let program = xray::glance(pid)?;
        let mut descendants: Vec<Glance> = Vec::new();
        let mut parents = vec![pid];
        while let Some(parent) = parents.pop() {
            // Who ends while we look has no children any more.
            let children = xray::children(parent).unwrap_or_default();
            for child in children.iter().filter(|child| !child.zombie) {
                if let Ok(glance) = xray::glance(child.pid) {
                    descendants.push(glance);
                    parents.push(child.pid);
                }
            }
        }
        Ok(Self {
            program,
            descendants,
        })
    }

    fn members(&self) -> impl Iterator<Item = &Glance> {
        iter::once(&self.program).chain(&self.descendants)
    }

    fn threads(&self) -> impl Iterator<Item = &Thread> {
        self.members().flat_map(|glance| &glance.threads)
    }

    fn quiet_since(&self, earlier: &Family) -> bool {
        let quiet = |now: &Glance| {
            let mut then = earlier.members().filter(|then| then.pid == now.pid);
            then.any(|then| now.quiet_since(then))
        };
        self.descendants.len() == earlier.descendants.len()
            && self.members().all(quiet)
    }

    /// Whether no timer will soon wake anybody who matters: a sleep, or a call with a
    /// time limit, ends by itself.
    fn will_sleep_on(&self) -> bool {
        let sleeps_on = |one| will_sleep_on(one) || self.is_nobodys(one);
        will_sleep_on(&self.program) && self.descendants.iter().all(sleeps_on)
    }

    /// Whether a descendant can do nothing for the peer when it wakes: it has no
    /// connection, and nobody waits for its output or its end.
    fn is_nobodys(&self, one: &Glance) -> bool {
        let others = self.members().filter(|other| other.pid != one.pid);
        let mut calls = others
            .flat_map(|other| &other.threads)
            .filter_map(|thread| thread.call.as_ref());
        let awaited = calls.any(|call| {
            let waits = [
                "wait", "read", "poll", "ppoll", "select", "pselect", "epoll",
            ];
            waits.iter().any(|name| call.name.starts_with(name))
        });
        !awaited
            && xray::look(one.pid).is_ok_and(|process| process.tcp().next().is_none())
    }
}

fn will_sleep_on(glance: &Glance) -> bool {
    glance.threads.iter().all(|thread| {
        let call = thread.call.as_ref();
        call.is_none_or(|call| match call.waits_forever() {
            Some(true) => true,
            Some(false) => call.known_limit().is_some_and(|limit| limit >= PATIENT),
            // Most of what the kernel takes up again has a time limit.
            None if call.name == "restart_syscall" => false,
            None if waits_for_us(glance.pid, call) => false,
            // Where the limit is not to be seen there may be none.
            None => xray::time_limit(glance.pid, call)
                .ok()
                .flatten()
                .is_none_or(|limit| limit >= PATIENT),
        })
    })
}

/// Whether a thread waits for the check to read what it prints, which a check on a busy
/// machine is late with.
fn waits_for_us(pid: u32, call: &Call) -> bool {
    const PRINTED: [i32; 2] = [1, 2];
    let Some(fd) = call.fd().filter(|fd| PRINTED.contains(fd)) else {
        return false;
    };
    let is_pipe = |process: Process| {
        let open = process.descriptor(fd);
        open.is_some_and(|open| matches!(open.what, Kind::Pipe { .. }))
    };
    matches!(call.name.as_str(), "write" | "writev")
        && xray::look(pid).is_ok_and(is_pipe)
}

/// Processor time, and time waiting for a processor, between two looks.
fn used(first: &Family, now: &Family) -> (Duration, Duration) {
    let total = |family: &Family, of: fn(&Thread) -> u64| -> u64 {
        family.threads().map(of).sum()
    };
    let since =
        |of| Duration::from_nanos(total(now, of).saturating_sub(total(first, of)));
    (
        since(|thread| thread.run_ns),
        since(|thread| thread.wait_ns),
    )
}

/// Whether a signal has stopped the program (SIGSTOP): nobody will let it go on.
fn has_stopped(glance: &Glance) -> bool {
    !glance.threads.is_empty()
        && glance.threads.iter().all(|thread| thread.state == 'T')
}

/// Whether no thread of the program can run at this moment: a signal has stopped it, or it
/// has ended. Where the kernel cannot be asked, it is believed.
pub fn keeps_still(pid: u32) -> bool {
    let stands = |thread: &Thread| matches!(thread.state, 'T' | 'Z' | 'X');
    xray::glance(pid).map_or(true, |glance| glance.threads.iter().all(stands))
}

/// What the kernel says of a program at this moment.
#[derive(Default)]
pub struct Account {
    /// The names of the calls that its threads are blocked in.
    pub calls: Vec<String>,
    /// Sentences for people.
    pub sentences: Vec<String>,
    /// It holds a connection whose end it has read.
    pub read_the_end: bool,
    /// How many bytes lie unread in its connections.
    pub unread: u32,
    /// It has spent a good part of its time in the kernel.
    pub asks: bool,
}

/// Asks the kernel what the program is doing. One that was found `asleep` may be awake for
/// a moment, as who waits for room is whenever a byte finds some: then it is asked again.
pub fn account(pid: u32, asleep: bool) -> Account {
    let until = Instant::now() + A_MOMENT;
    let awake = |process: &Process| theirs(process).any(|thread| thread.state == 'R');
    let mut seen = xray::look(pid);
    while asleep && seen.as_ref().is_ok_and(awake) && Instant::now() < until {
        thread::sleep(Duration::from_millis(1));
        seen = xray::look(pid);
    }
    match seen {
        Ok(process) => describe(&process),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Account {
            sentences: vec![format!("Decided by deadline: {error}.")],
            ..Account::default()
        },
        Err(_) => Account::default(),
    }
}

/// The threads of a process without the one that listens to the check.
fn theirs(process: &Process) -> impl Iterator<Item = &Thread> {
    process.threads.iter().filter(|thread| thread.name != EAR)
}

fn describe(process: &Process) -> Account {
    let threads: Vec<&Thread> = theirs(process).collect();
    let calls = threads.iter().filter_map(|thread| thread.call.as_ref());
    let mut account = Account {
        calls: calls.map(|call| call.name.clone()).collect(),
        asks: system_share(process.pid).is_some_and(|share| share > SYSTEM),
        ..Account::default()
    };
    let several = threads.len() > 1;
    for thread in threads {
        let who = match (several, thread.tid == process.pid) {
            (false, _) => "Your program".to_string(),
            (true, true) => "The main thread".to_string(),
            (true, false) if thread.name == process.name => "Another thread".into(),
            (true, false) => format!("The thread `{}`", thread.name),
        };
        account.sentences.push(format!("{who}: {thread}."));
    }
    for (_, socket) in process.tcp() {
        account.unread += socket.unread;
        // The peer has ended its side, and that has been read: RFC 9293's CLOSE-WAIT.
        account.read_the_end |= socket.state == "CLOSE-WAIT" && !socket.end_unread;
        if let Some(waiting @ 1..) = socket.waiting {
            let those = match waiting {
                1 => "One connection waits".to_string(),
                more => format!("{more} connections wait"),
            };
            account
                .sentences
                .push(format!("{those} in the accept queue of {}.", socket.local));
        }
    }
    account
}

/// Who makes system calls all the time spends far more than this part of it in the
/// kernel, and who only computes far less.
const SYSTEM: f64 = 0.08;

/// The part of the program's processor time that it has spent in the kernel: `utime`
/// and `stime` of proc_pid_stat(5).
fn system_share(pid: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u32>().ok().map(f64::from);
    let (user, system) = (ticks()?, ticks()?);
    Some(system / (user + system).max(1.0))
}

/// How many bytes lie unread in the program's end of a connection; nothing where the
/// kernel does not tell.
pub fn unread(theirs: SocketAddr, ours: SocketAddr) -> Option<u32> {
    let sockets = xray::tcp_on(theirs.port()).ok()?;
    let end = sockets
        .iter()
        .find(|socket| socket.local == theirs && socket.remote == Some(ours));
    // A connection that the kernel does not know any more has nothing unread.
    Some(end.map_or(0, |socket| socket.unread))
}

/// What a program has open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptors {
    /// All of them.
    pub all: usize,
    /// Those that are connections.
    pub connections: usize,
}

/// Counts the program's descriptors.
pub fn descriptors(pid: u32) -> Option<Descriptors> {
    let process = xray::look(pid).ok()?;
    let connected = process.tcp().filter(|(_, socket)| !socket.is_listening());
    Some(Descriptors {
        all: process.descriptors.len(),
        connections: connected.count(),
    })
}

/// How many threads a program and all that it has started have, and how many of its
/// children are zombies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Company {
    /// Threads, in all processes together.
    pub threads: usize,
    /// Processes that it has started, directly or not, and that still run.
    pub children: usize,
    /// Children that have ended and were not waited for.
    pub zombies: usize,
}

/// Counts who runs for the program.
pub fn company(pid: u32) -> Option<Company> {
    let family = Family::look(pid).ok()?;
    let children = xray::children(pid).ok()?;
    Some(Company {
        threads: family.threads().count(),
        children: family.descendants.len(),
        zombies: children.iter().filter(|child| child.zombie).count(),
    })
}
