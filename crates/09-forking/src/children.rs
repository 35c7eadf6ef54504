//! Children that end, and what the kernel says of their ends.

use std::collections::BTreeMap;
use std::{fmt, io};

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

// ANCHOR: end
/// How a process has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// It has called `exit`, or returned from `main`. The code is a byte.
    Code(i32),
    /// A signal has ended it.
    Signal(Signal),
}
// ANCHOR_END: end

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Code(code) => write!(f, "code {code}"),
            End::Signal(signal) => write!(f, "{signal}"),
        }
    }
}

// ANCHOR: collect
/// Collects every child that has ended, and waits for none.
///
/// A loop, since signals do not queue: ten children may have ended behind one SIGCHLD,
/// or behind none that we have not read before.
///
/// # Errors
///
/// None that we know of: to have no child (ECHILD) is no error here.
pub fn collect(mut tell: impl FnMut(Pid, End)) -> io::Result<()> {
    loop {
        match waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(child, code)) => tell(child, End::Code(code)),
            Ok(WaitStatus::Signaled(child, signal, _)) => {
                tell(child, End::Signal(signal));
            }
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return Ok(()),
            Ok(_) | Err(Errno::EINTR) => {} // stopped, or let go on: not an end
            Err(error) => return Err(error.into()),
        }
    }
}
// ANCHOR_END: collect

/// How many ended in which way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<End, usize>);

impl Tally {
    /// One more.
    pub fn count(&mut self, end: End) {
        *self.0.entry(end).or_default() += 1;
    }

    /// How many ended so.
    pub fn of(&self, end: End) -> usize {
        self.0.get(&end).copied().unwrap_or_default()
    }

    /// All of them.
    pub fn total(&self) -> usize {
        self.0.values().sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nobody");
        }
        for (nr, (end, count)) in self.0.iter().enumerate() {
            let comma = if nr == 0 { "" } else { ", " };
            write!(f, "{comma}{count} with {end}")?;
        }
        Ok(())
    }
}
