//! What the checks ask the kernel about a program.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use xray::{Glance, Kind, Process};

use crate::engine::EAR;
use crate::symptom::Doing;

/// Repeated looks at one program, until they add up to a verdict.
pub(crate) struct Watch {
    pid: u32,
    /// The first look, for what the program has used since.
    first: Option<Glance>,
    began: Instant,
    /// The first of the looks since which nothing has changed.
    quiet: Option<(Instant, Glance)>,
    share: f64,
    blind: bool,
}

impl Watch {
    pub(crate) fn start(pid: u32) -> Self {
        let now = Instant::now();
        let mut watch = Self {
            pid,
            first: None,
            began: now,
            quiet: None,
            share: 0.0,
            blind: false,
        };
        match xray::glance(pid) {
            Ok(glance) => watch.first = Some(glance),
            // Without /proc, or without the right to read it, there is nothing to
            // see but symptoms and a deadline. A program that has just ended is
            // noticed by its exit.
            Err(error) => watch.blind = error.kind() != std::io::ErrorKind::NotFound,
        }
        watch
    }

    /// Whether the kernel cannot be asked here.
    pub(crate) fn is_blind(&self) -> bool {
        self.blind
    }

    /// The part of the time in which the program ran or was ready to run, from 0 to
    /// 1 for each of its threads.
    pub(crate) fn share(&self) -> f64 {
        self.share
    }

    /// One more look. [`Doing::Blocked`] once every thread has slept in the same
    /// system call for as long as `asleep`, [`Doing::Spinning`] once the program has
    /// run for `spinning`, most of the time, since the watch began.
    pub(crate) fn verdict(
        &mut self,
        asleep: Duration,
        spinning: Duration,
    ) -> Option<Doing> {
        let glance = xray::glance(self.pid).ok()?;
        let now = Instant::now();
        let first = self.first.get_or_insert_with(|| glance.clone());
        let (ran, waited) = used(first, &glance);
        let wall = now.duration_since(self.began).as_secs_f64();
        self.share = (ran + waited).as_secs_f64() / wall.max(f64::EPSILON);
        // The time spent waiting for a processor counts as busy, so that a spin is
        // seen on a loaded machine too; but it takes time really used to be accused.
        if ran >= spinning && self.share > 0.5 {
            return Some(Doing::Spinning);
        }
        match &self.quiet {
            Some((since, still))
                if glance.quiet_since(still) || is_stopped(&glance) =>
            {
                let long = now.duration_since(*since) >= asleep;
                (long && will_sleep_on(&glance)).then_some(Doing::Blocked)
            }
            _ => {
                self.quiet = Some((now, glance));
                None
            }
        }
    }
}

/// Processor time, and time waiting for a processor, between two looks.
fn used(first: &Glance, now: &Glance) -> (Duration, Duration) {
    let total = |glance: &Glance, of: fn(&xray::Thread) -> u64| -> u64 {
        glance.threads.iter().map(of).sum()
    };
    let since =
        |of| Duration::from_nanos(total(now, of).saturating_sub(total(first, of)));
    (
        since(|thread| thread.run_ns),
        since(|thread| thread.wait_ns),
    )
}

/// Whether a signal has stopped the program (SIGSTOP): nobody will let it go on.
fn is_stopped(glance: &Glance) -> bool {
    !glance.threads.is_empty()
        && glance.threads.iter().all(|thread| thread.state == 'T')
}

/// Whether no timer will wake the program: a sleep, or a call with a time limit,
/// ends by itself.
fn will_sleep_on(glance: &Glance) -> bool {
    glance.threads.iter().all(|thread| {
        let call = thread.call.as_ref();
        call.is_none_or(|call| call.waits_forever() != Some(false))
    })
}

/// What the kernel says of a program at this moment.
pub(crate) struct Account {
    /// The names of the calls that its threads are blocked in.
    pub(crate) calls: Vec<String>,
    /// Sentences for people.
    pub(crate) sentences: Vec<String>,
}

/// Asks the kernel what the program is doing.
pub(crate) fn account(pid: u32) -> Account {
    match xray::look(pid) {
        Ok(process) => describe(&process),
        Err(error) => {
            let sentences = if error.kind() == std::io::ErrorKind::Unsupported {
                vec![format!("Decided by deadline: {error}.")]
            } else {
                Vec::new()
            };
            Account {
                calls: Vec::new(),
                sentences,
            }
        }
    }
}

fn describe(process: &Process) -> Account {
    let threads: Vec<_> = process
        .threads
        .iter()
        .filter(|thread| thread.name != EAR)
        .collect();
    let calls = threads.iter().filter_map(|thread| thread.call.as_ref());
    let calls = calls.map(|call| call.name.clone()).collect();
    let several = threads.len() > 1;
    let mut sentences: Vec<String> = threads
        .iter()
        .map(|thread| match several {
            true => format!("Thread {}: {thread}.", thread.name),
            false => format!("Your program: {thread}."),
        })
        .collect();
    for descriptor in &process.descriptors {
        if let Kind::Tcp(socket) = &descriptor.what
            && let Some(waiting @ 1..) = socket.waiting
        {
            let those = match waiting {
                1 => "One connection waits".to_string(),
                more => format!("{more} connections wait"),
            };
            sentences
                .push(format!("{those} in the accept queue of {}.", socket.local));
        }
    }
    Account { calls, sentences }
}

/// How many bytes lie unread in the program's end of a connection; nothing where the
/// kernel does not tell.
pub(crate) fn unread(theirs: SocketAddr, ours: SocketAddr) -> Option<u32> {
    let sockets = xray::tcp_on(theirs.port()).ok()?;
    let end = sockets
        .iter()
        .find(|socket| socket.local == theirs && socket.remote == Some(ours));
    // A connection that the kernel does not know any more has nothing unread.
    Some(end.map_or(0, |socket| socket.unread))
}

/// How many descriptors the program has open.
pub(crate) fn descriptors(pid: u32) -> Option<usize> {
    Some(xray::look(pid).ok()?.descriptors.len())
}
