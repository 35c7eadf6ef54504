//! Processes that a learner's program has left behind.
//!
//! A program's process group ends with its probe. What has left that group (setsid(2))
//! and whose parent has died would outlive the check. So the check adopts it, as a
//! subreaper does (PR_SET_CHILD_SUBREAPER in prctl(2)), and ends whatever child it has
//! not started itself.

use std::collections::BTreeSet;
use std::io;
use std::process::{self, Child};
use std::sync::{Mutex, MutexGuard};

use rustix::process::{Pid, Signal, WaitOptions};

/// The programs that the check has started and not yet ended.
static LIVING: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// More generations of strays than this are not waited for.
const GENERATIONS: usize = 100;

fn living() -> MutexGuard<'static, BTreeSet<u32>> {
    LIVING.lock().expect("nothing panics while it counts")
}

/// Has orphans come to this process.
pub(super) fn adopt() {
    #[cfg(target_os = "linux")]
    {
        // Not allowed: then a stray is left to whoever adopts it.
        let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    }
}

/// Starts a program, and counts it among the living before anybody can take it for a
/// stray.
pub(super) fn among_the_living(
    start: impl FnOnce() -> io::Result<Child>,
) -> io::Result<Child> {
    let mut living = living();
    let child = start()?;
    living.insert(child.id());
    Ok(child)
}

/// Does something while no program is being started. Until its exec(2), a new process
/// has all open that the check has, and a socket that was closed meanwhile lives on.
pub fn while_nothing_starts<T>(work: impl FnOnce() -> T) -> T {
    let _living = living();
    work()
}

/// A program that the check has ended and waited for.
pub(super) fn bury(pid: u32) {
    living().remove(&pid);
}

/// Whether the process is in the group of one of these.
fn is_in_a_group_of(living: &BTreeSet<u32>, pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let group = pid.and_then(|pid| rustix::process::getpgid(Some(pid)).ok());
    group.is_some_and(|group| {
        living.contains(&group.as_raw_nonzero().get().unsigned_abs())
    })
}

/// Ends every child of this process that it has not started.
pub(super) fn end_all() {
    for _ in 0..GENERATIONS {
        let living = living();
        let Ok(me) = xray::look(process::id()) else {
            return;
        };
        let strays = me.children.iter().map(|child| child.pid);
        let strays = strays.filter(|pid| !living.contains(pid));
        // Who is still in the group of a living program ends with it. It may be an orphan
        // that has work to do: the child of a child that has ended.
        let strays = strays.filter(|pid| !is_in_a_group_of(&living, *pid));
        let strays: Vec<Pid> = strays
            .filter_map(|pid| Pid::from_raw(i32::try_from(pid).ok()?))
            .collect();
        if strays.is_empty() {
            return;
        }
        for stray in strays {
            // It is our child and not waited for, so the number is still its own.
            let _ = rustix::process::kill_process(stray, Signal::KILL);
            let _ = rustix::process::waitpid(Some(stray), WaitOptions::empty());
        }
    }
}
