//! A thread, and what can be decided from two looks at the same threads.

use crate::call::Call;
use std::fmt;
use std::time::Duration;

/// A thread of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// Its number; the first thread's is the process's.
    pub tid: u32,
    /// Its name, at most 15 bytes. A newline or backslash in it is escaped.
    pub name: String,
    /// The letter of its state, as ps(1) prints it: `R` running or ready to run, `S`
    /// asleep, `D` asleep and not to be woken by a signal, `T` stopped, `t` stopped
    /// by a debugger, `Z` ended.
    pub state: char,
    /// The system call it is asleep in; `None` while it runs, is stopped or has
    /// ended, and if the call may not be seen.
    pub call: Option<Call>,
    /// Why the call may not be seen, if so.
    pub unseen: Option<String>,
    /// How often it was taken from a processor, or gave it up: voluntary and
    /// involuntary context switches together.
    pub switches: u64,
    /// Time on a processor, in nanoseconds. While a thread runs on and on the kernel
    /// adds to it only at its clock ticks, every 1 to 10 ms.
    pub run_ns: u64,
    /// Time ready to run, waiting for a processor, in nanoseconds. Added to when the
    /// waiting ends.
    pub wait_ns: u64,
}

impl Thread {
    /// Whether it sleeps in a system call.
    pub fn is_blocked(&self) -> bool {
        matches!(self.state, 'S' | 'D')
            && (self.call.is_some() || self.unseen.is_some())
    }

    /// Whether it has ended. The first thread of a process may do so before the
    /// others, and is then kept, as a zombie, until they have ended too.
    pub fn has_ended(&self) -> bool {
        matches!(self.state, 'Z' | 'X' | 'x')
    }

    /// Asleep in the same call all the while between two looks. The states alone
    /// would not do: it may have woken and gone to sleep again. Then it was switched
    /// to.
    fn slept_since(&self, earlier: &Thread) -> bool {
        let interruptibly = self.state == 'S' && earlier.state == 'S';
        let same_call = match (&self.call, &earlier.call) {
            (Some(now), Some(then)) => now.name == then.name && now.args == then.args,
            (now, then) => now.is_none() && then.is_none(),
        };
        interruptibly
            && self.is_blocked()
            && same_call
            && self.switches == earlier.switches
            && self.run_ns == earlier.run_ns
    }
}

impl fmt::Display for Thread {
    /// What it is doing, as a sentence without its full stop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.state, &self.call, &self.unseen) {
            ('R', ..) => f.write_str("running or ready to run"),
            ('S', Some(call), _) => call.fmt(f),
            ('D', Some(call), _) => {
                write!(
                    f,
                    "blocked, beyond the reach of signals, in {}",
                    call.phrase()
                )
            }
            ('S' | 'D', None, Some(reason)) => {
                write!(f, "blocked in a system call that cannot be seen: {reason}")
            }
            ('S' | 'D', None, None) => {
                f.write_str("asleep, but not in a system call")
            }
            ('T', ..) => f.write_str("stopped by a signal"),
            ('t', ..) => f.write_str("stopped by a debugger"),
            ('Z' | 'X' | 'x', ..) => f.write_str("ended"),
            (other, ..) => write!(f, "in state {}", other.escape_default()),
        }
    }
}

/// Whether every thread that has not ended sleeps in a system call.
pub(crate) fn all_blocked(threads: &[Thread]) -> bool {
    let mut living = threads
        .iter()
        .filter(|thread| !thread.has_ended())
        .peekable();
    living.peek().is_some() && living.all(Thread::is_blocked)
}

/// Whether the same threads slept in the same calls all the while.
pub(crate) fn all_slept(earlier: &[Thread], later: &[Thread]) -> bool {
    let slept = |now: &Thread| {
        let then = earlier.iter().find(|then| then.tid == now.tid);
        then.is_some_and(|then| now.slept_since(then) || both_ended(then, now))
    };
    all_blocked(later) && earlier.len() == later.len() && later.iter().all(slept)
}

fn both_ended(then: &Thread, now: &Thread) -> bool {
    then.has_ended() && now.has_ended()
}

/// The part of the wall time that the threads ran or were ready to run. A thread that
/// began in between counts whole, one that ended not at all.
pub(crate) fn cpu_share(earlier: &[Thread], later: &[Thread], wall: Duration) -> f64 {
    // A thread that has run at all has some time to its name. If none has, the kernel
    // keeps no such statistics (it was built without CONFIG_SCHED_INFO).
    if later.iter().all(|thread| thread.run_ns == 0) {
        return f64::NAN;
    }
    if wall.is_zero() {
        return 0.0;
    }
    let busy = |thread: &Thread| {
        Duration::from_nanos(thread.run_ns.saturating_add(thread.wait_ns))
    };
    let gained: Duration = later
        .iter()
        .map(|now| {
            let then = earlier.iter().find(|then| then.tid == now.tid);
            busy(now).saturating_sub(then.map_or(Duration::ZERO, busy))
        })
        .fold(Duration::ZERO, Duration::saturating_add);
    gained.as_secs_f64() / wall.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asleep(tid: u32) -> Thread {
        let name = "recvfrom".to_string();
        let args = [4, 0x7f00, 8192, 0, 0, 0];
        Thread {
            tid,
            name: "main".to_string(),
            state: 'S',
            call: Some(Call {
                name,
                args,
                descriptor: None,
                watched: vec![],
            }),
            unseen: None,
            switches: 10,
            run_ns: 1_000_000,
            wait_ns: 500_000,
        }
    }

    /// A thread after one change.
    fn after(change: impl FnOnce(&mut Thread)) -> Thread {
        let mut thread = asleep(1);
        change(&mut thread);
        thread
    }

    fn ended(tid: u32) -> Thread {
        Thread {
            state: 'Z',
            call: None,
            ..asleep(tid)
        }
    }

    #[test]
    fn threads_that_did_not_move_are_quiet() {
        let then = [asleep(1), asleep(2)];
        assert!(all_slept(&then, &then.clone()));
        let leader_gone = [ended(1), asleep(2)];
        assert!(all_slept(&leader_gone, &leader_gone.clone()));
    }

    #[test]
    fn any_sign_of_life_is_not_quiet() {
        let then = [asleep(1)];
        let quiet = |now: Thread| all_slept(&then, &[now]);
        assert!(quiet(asleep(1)));
        assert!(!quiet(after(|thread| thread.switches += 1)));
        assert!(!quiet(after(|thread| thread.run_ns += 1)));
        assert!(!quiet(after(|thread| thread.state = 'R')));
        assert!(!quiet(after(|thread| thread.state = 'D')));
        assert!(!quiet(after(|thread| thread.call = None)));
        assert!(!quiet(after(|thread| thread.tid = 2)));
        let other_args = |thread: &mut Thread| {
            thread.call.as_mut().expect("asleep() has a call").args[0] = 5;
        };
        assert!(!quiet(after(other_args)));
        assert!(
            !all_slept(&then, &[asleep(1), asleep(2)]),
            "a thread was born"
        );
        assert!(!all_slept(&[asleep(1), asleep(2)], &then), "a thread ended");
        assert!(!all_slept(&[], &[]), "nobody lives");
        assert!(!all_slept(&[ended(1)], &[ended(1)]), "nobody lives");
    }

    #[test]
    fn a_sleep_whose_call_may_not_be_seen_can_still_be_quiet() {
        let hidden = after(|thread| {
            thread.call = None;
            thread.unseen = Some("permission denied".to_string());
        });
        assert!(hidden.is_blocked());
        let hidden = [hidden];
        assert!(all_slept(&hidden, &hidden.clone()));
    }

    #[test]
    fn the_share_counts_running_and_waiting_to_run() {
        let then = [asleep(1)];
        let now = [after(|thread| {
            thread.run_ns += 60_000_000;
            thread.wait_ns += 30_000_000;
        })];
        let share = cpu_share(&then, &now, Duration::from_millis(100));
        assert!((share - 0.9).abs() < 1e-9, "{share}");
    }

    #[test]
    fn a_thread_born_in_between_counts_whole_and_one_that_ended_not() {
        let then = [
            asleep(1),
            Thread {
                run_ns: 9_000_000_000,
                ..asleep(2)
            },
        ];
        let now = [asleep(1), asleep(3)];
        let share = cpu_share(&then, &now, Duration::from_millis(15));
        assert!((share - 0.1).abs() < 1e-9, "{share}");
    }

    #[test]
    fn without_statistics_the_share_is_not_a_number() {
        let blind = [after(|thread| (thread.run_ns, thread.wait_ns) = (0, 0))];
        assert!(cpu_share(&blind, &blind, Duration::from_secs(1)).is_nan());
        assert_eq!(cpu_share(&[asleep(1)], &[asleep(1)], Duration::ZERO), 0.0);
    }

    #[test]
    fn every_state_has_its_sentence() {
        let told = |change: fn(&mut Thread)| after(change).to_string();
        assert_eq!(told(|_| ()), "blocked in recvfrom on fd 4");
        assert_eq!(
            told(|thread| thread.state = 'D'),
            "blocked, beyond the reach of signals, in recvfrom on fd 4"
        );
        assert_eq!(
            told(|thread| thread.call = None),
            "asleep, but not in a system call"
        );
        assert_eq!(told(|thread| thread.state = 'R'), "running or ready to run");
        assert_eq!(told(|thread| thread.state = 'T'), "stopped by a signal");
        assert_eq!(told(|thread| thread.state = 't'), "stopped by a debugger");
        assert_eq!(ended(1).to_string(), "ended");
        assert_eq!(told(|thread| thread.state = '\u{1b}'), "in state \\u{1b}");
    }
}
