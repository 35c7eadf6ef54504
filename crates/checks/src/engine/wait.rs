//! How a wait is decided.
//!
//! A program that does not answer is not timed, it is looked at. Where the kernel
//! shows every thread of it asleep in a system call, unchanged from one look to the
//! next, no answer will come, however fast the machine is; where it runs and runs and
//! no byte of its connections moves, neither. Only a program that wakes now and then
//! is left to a deadline.

use std::net::{TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::Faces;
use super::stage::{Idle, Stage};
use crate::kernel::{self, Watch};
use crate::symptom::{Doing, Kind, Signs, Symptom};

/// How long a program has to be seen asleep without a change before it counts as
/// blocked. Delivery on loopback takes microseconds; this leaves room for a machine
/// that has other things to do.
const ASLEEP: Duration = Duration::from_millis(80);

/// How long a program has to keep a wait waiting before the first look at it: most waits
/// are over before there is anything to see.
const FIRST_LOOK: Duration = Duration::from_millis(2);

/// The longest pause between two looks. Each costs processor time, and what matters ends
/// a pause by itself.
const LOOK: Duration = Duration::from_millis(24);

/// How much processor time a program has to use, twice, without a word and without
/// moving a byte, to count as spinning.
const SPINNING: Duration = Duration::from_millis(150);

/// The same in a check that has seen the program spin before.
const SPINNING_AGAIN: Duration = Duration::from_millis(50);

/// How much processor time a program that is busy, and gets on, may use: it may be slow,
/// and it may be a slow machine that it is on.
const GETTING_ON: Duration = Duration::from_secs(10);

/// The same in such a check.
const GETTING_ON_AGAIN: Duration = Duration::from_secs(1);

/// For a program that wakes now and then but does not answer.
const DEADLINE: Duration = Duration::from_secs(10);

/// Where the kernel cannot be asked, silence of this length has to do.
const BLIND_DEADLINE: Duration = Duration::from_secs(3);

/// A program that is ready to run but is not let by a busy machine is waited for
/// longer, but not for ever.
const STARVED: Duration = Duration::from_secs(60);

/// How long after its last word a program may take to end, when the peer has already
/// seen its connections go.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A program is at rest when it has slept for so long in a call without a time limit.
const RESTED: Duration = Duration::from_millis(5);

/// How long a silence lasts in which a program has to keep still.
const SILENCE: Duration = Duration::from_millis(30);

/// How much processor time without an occasion is too much.
const BUSY: Duration = Duration::from_millis(150);

/// How long to wait for a program to come to rest.
const RESTLESS: Duration = Duration::from_secs(2);

/// How long to look at a program that wakes now and then before it counts as at rest.
const DOZING: Duration = Duration::from_millis(300);

/// What ends the pauses of a wait early, besides a message from the child.
#[derive(Clone)]
pub(super) enum On {
    Nothing,
    /// There is something to read.
    Read(Arc<TcpStream>),
    /// There is room to write.
    Write(Arc<TcpStream>),
    /// Somebody calls.
    Call(Arc<TcpListener>),
    /// A datagram comes.
    Datagram(Arc<UdpSocket>),
}

/// One socket's ports, and what lies unread, unsent and unaccepted in its queues.
type Queues = (u16, Option<u16>, u32, u32, Option<u32>);

/// How far the program has got: the queues at both ends of its connections, sorted;
/// with a script, the time of the last event.
#[derive(PartialEq)]
struct Pulse {
    queues: Vec<Queues>,
    script: Option<u64>,
}

impl Stage {
    /// Waits until `ready` has a value, or it is certain that it never will.
    ///
    /// # Errors
    ///
    /// Those of `ready`.
    pub(super) fn wait<T>(
        &mut self,
        on: &On,
        mut ready: impl FnMut(&mut Self) -> Result<Option<T>, Symptom>,
    ) -> Result<Result<T, Idle>, Symptom> {
        let start = Instant::now();
        let mut pause = Duration::from_micros(100);
        let mut watch = None;
        let mut pulse = None;
        let mut busy = Duration::ZERO;
        loop {
            self.hear();
            let ended = self.program.exit().is_some();
            if let Some(value) = ready(self)? {
                return Ok(Ok(value));
            }
            let doing = if ended {
                Some(Doing::Ended)
            } else if start.elapsed() < FIRST_LOOK {
                None
            } else {
                let pid = self.program.pid();
                let watch = watch.get_or_insert_with(|| Watch::start(pid));
                self.seen(watch, &mut pulse, &mut busy, start)
            };
            if let Some(doing) = doing {
                // What came between the last look at the peer and the look at the
                // program would be overlooked.
                self.hear();
                if let Some(value) = ready(self)? {
                    return Ok(Ok(value));
                }
                self.waited += start.elapsed();
                return Ok(Err(self.idle(doing)));
            }
            self.pause(on, pause);
            pause = (pause * 2).min(LOOK);
        }
    }

    /// What one more look at the program says, if it settles the matter.
    fn seen(
        &mut self,
        watch: &mut Watch,
        pulse: &mut Option<Pulse>,
        busy: &mut Duration,
        start: Instant,
    ) -> Option<Doing> {
        let (spinning, patience) = match self.hurry.is_needed() {
            true => (SPINNING_AGAIN, GETTING_ON_AGAIN),
            false => (SPINNING, GETTING_ON),
        };
        match watch.verdict(ASLEEP, spinning) {
            // Busy, but with what? Reading a long text byte by byte is no spin.
            Some(Doing::Spinning) => {
                let now = self.pulse();
                *busy += watch.ran();
                if pulse.as_ref() == Some(&now) || *busy > patience {
                    return Some(Doing::Spinning);
                }
                *pulse = Some(now);
                *watch = Watch::start(self.program.pid());
            }
            Some(doing) => return Some(doing),
            None => {}
        }
        let deadline = match (watch.is_blind(), watch.is_running()) {
            (true, _) => BLIND_DEADLINE,
            (_, true) => STARVED,
            _ => DEADLINE,
        };
        (start.elapsed() > deadline).then_some(Doing::Restless)
    }

    fn pulse(&mut self) -> Pulse {
        let own = self.address.map(|address| address.port());
        let ports = self.ports.iter().copied().chain(own);
        let sockets = ports.flat_map(|port| xray::tcp_on(port).unwrap_or_default());
        let mut queues: Vec<Queues> = sockets
            .map(|socket| {
                let remote = socket.remote.map(|remote| remote.port());
                let local = socket.local.port();
                (local, remote, socket.unread, socket.unsent, socket.waiting)
            })
            .collect();
        queues.sort_unstable();
        let script = (self.faces == Faces::Script)
            .then(|| self.story_so_far()?.events.last().map(|event| event.at_us))
            .flatten();
        Pulse { queues, script }
    }

    /// Sleeps until a message or an event comes, or for this long.
    fn pause(&self, on: &On, limit: Duration) {
        let mut fds = Vec::with_capacity(2);
        if let Some(line) = self.program.line() {
            fds.push(PollFd::from_borrowed_fd(line, PollFlags::IN));
        }
        match on {
            On::Nothing => {}
            On::Read(stream) => fds.push(PollFd::new(stream, PollFlags::IN)),
            On::Write(stream) => fds.push(PollFd::new(stream, PollFlags::OUT)),
            On::Call(listener) => fds.push(PollFd::new(listener, PollFlags::IN)),
            On::Datagram(socket) => fds.push(PollFd::new(socket, PollFlags::IN)),
        }
        let limit = Timespec {
            tv_sec: 0, // pauses are far below a second
            tv_nsec: limit.subsec_nanos().into(),
        };
        let _ = poll(&mut fds, Some(&limit)); // EINTR: then the pause is a short one
    }

    /// What the program is doing, told while it is still there.
    pub(super) fn idle(&mut self, doing: Doing) -> Idle {
        let mut seen = kernel::Account::default();
        let mut doing = doing;
        match (self.program.exit(), &self.returned) {
            (_, Some(result)) if self.judged.is_none() => {
                doing = Doing::Returned;
                seen.sentences.push(match result {
                    Ok(value) if value.is_empty() => {
                        "Your function returned Ok(()).".into()
                    }
                    // Where a check compares errors as well, it tells them as values.
                    Ok(value) if value.starts_with("Err(") => {
                        format!("Your function returned {value}.")
                    }
                    Ok(_) => "Your function returned Ok.".into(),
                    Err(error) if error == super::family::CAME_BACK => {
                        format!("{error}.")
                    }
                    Err(error) => {
                        format!("Your function returned an error: {error}.")
                    }
                });
            }
            (Some(exit), _) => seen.sentences.push(format!("Your program {exit}.")),
            _ => seen = kernel::account(self.program.pid(), doing == Doing::Blocked),
        }
        let signs = Signs {
            read_the_end: seen.read_the_end,
            asks: seen.asks,
            unread: seen.unread,
            failed: matches!(self.returned, Some(Err(_))),
            ..Signs::default()
        };
        Idle {
            doing,
            calls: seen.calls,
            kernel: seen.sentences,
            panic: self.panic.clone(),
            signs,
        }
    }

    /// Whether the program is over, and how: the peer may have seen its connections
    /// go before its last words are here.
    pub(super) fn is_over(&mut self) -> Option<Doing> {
        let mut watch = Watch::start(self.program.pid());
        let start = Instant::now();
        let mut pause = Duration::from_millis(1);
        while self.program.exit().is_none() {
            let settled = watch.verdict(RESTED, SPINNING).is_some();
            // Who is ready to run and is not let has not said its last word.
            let patience = match watch.is_running() {
                true => STARVED,
                false => LAST_WORDS,
            };
            if settled || start.elapsed() > patience {
                break;
            }
            self.hear();
            thread::sleep(pause);
            pause = (pause * 2).min(RESTED);
        }
        self.hear();
        let ended = self.program.exit().is_some();
        (ended || self.returned.is_some()).then_some(Doing::Ended)
    }

    /// Gives the program a moment to come to rest.
    pub(super) fn settle(&self, patience: Duration) {
        let mut watch = Watch::start(self.program.pid());
        let start = Instant::now();
        let at_rest = Duration::from_millis(1);
        let mut pause = Duration::from_micros(200);
        while !watch.is_blind()
            && start.elapsed() < patience
            && watch.verdict(at_rest, SPINNING).is_none()
        {
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(2));
        }
    }

    /// Waits until a signal has stopped every thread of the program, or it has ended.
    pub(super) fn until_stopped(&self) {
        let patience = Instant::now() + STARVED;
        while Instant::now() < patience && !kernel::keeps_still(self.program.pid()) {
            thread::sleep(Duration::from_micros(200));
        }
    }

    /// Looks whether the program rests while there is nothing to do.
    ///
    /// # Errors
    ///
    /// [`Kind::Spins`] where it keeps the processor busy.
    pub fn expect_rest(&mut self) -> Result<(), Symptom> {
        self.expect_rest_for(RESTED)
    }

    /// As [`Stage::expect_rest`], while somebody who could speak is silent for a while.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn expect_rest_in_silence(&mut self) -> Result<(), Symptom> {
        self.note("says nothing for a while");
        self.expect_rest_for(SILENCE)
    }

    fn expect_rest_for(&mut self, silence: Duration) -> Result<(), Symptom> {
        let mut watch = Watch::start(self.program.pid());
        let start = Instant::now();
        let mut pause = Duration::from_micros(200);
        while !watch.is_blind() {
            // Who is ready to run and is not let has not come to rest.
            let limit = if watch.is_running() {
                STARVED
            } else {
                RESTLESS
            };
            if start.elapsed() > limit {
                break;
            }
            match watch.verdict(silence, BUSY) {
                None if watch.is_dozing(DOZING) => break,
                None => thread::sleep(pause),
                Some(Doing::Spinning) => {
                    self.waited += start.elapsed();
                    return Err(self.spins(watch.share()));
                }
                Some(_) => break,
            }
            pause = (pause * 2).min(Duration::from_millis(5));
        }
        self.waited += start.elapsed();
        Ok(())
    }

    fn spins(&mut self, share: f64) -> Symptom {
        let idle = self.idle(Doing::Spinning);
        let summary = "your program keeps a processor busy while nobody says a word";
        Symptom::new(Kind::Spins, summary)
            .with_words("a program asleep in a system call", busy(share))
            .while_idle(idle)
    }

    /// Whether a program that is busy takes calls besides. It is called once more.
    pub(super) fn is_deaf(&mut self) -> bool {
        /// Time enough for any loop to come round to `accept`.
        const A_TURN: Duration = Duration::from_millis(20);
        if self.faces != Faces::Callers {
            return false;
        }
        let Ok(mut caller) = self.connect() else {
            return false;
        };
        let mut watch = Watch::start(self.program.pid());
        let start = Instant::now();
        while watch.ran() < A_TURN {
            // Who is ready to run and is not let comes round later.
            let patience = match watch.is_running() {
                true => STARVED,
                false => LAST_WORDS,
            };
            if start.elapsed() > patience {
                break;
            }
            thread::sleep(Duration::from_millis(1));
            watch.verdict(ASLEEP, SPINNING);
        }
        let deaf = watch.ran() >= A_TURN && self.callers_waiting() > 0;
        if deaf {
            caller.gave_up("nobody accepts the call");
        }
        deaf
    }

    /// How many connections wait in the accept queue.
    fn callers_waiting(&self) -> u32 {
        let sockets = xray::tcp_on(self.port()).unwrap_or_default();
        sockets.iter().filter_map(|socket| socket.waiting).sum()
    }
}

/// The share of the time that a program was busy, in words. What a loaded machine made
/// it wait for a processor counts, and each thread counts for itself.
fn busy(share: f64) -> String {
    match share {
        ..0.95 => format!(
            "a program that runs, or is ready to run, {:.0} % of the time",
            share * 100.0
        ),
        ..1.05 => "a program that runs, or is ready to run, all the time".into(),
        _ => format!(
            "a program of which {share:.1} threads run, or are ready to run, at a time"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_program_runs_more_than_all_the_time() {
        let some = "a program that runs, or is ready to run, 71 % of the time";
        assert_eq!(busy(0.71), some);
        let one = "a program that runs, or is ready to run, all the time";
        assert_eq!(busy(0.97), one);
        assert_eq!(busy(1.01), one);
        let two =
            "a program of which 1.9 threads run, or are ready to run, at a time";
        assert_eq!(busy(1.94), two);
    }
}
