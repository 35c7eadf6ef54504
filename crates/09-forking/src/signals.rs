//! Signals as something to read.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

// ANCHOR: signals
/// Signals that interrupt nothing: they wait until they are read, like bytes
/// (signalfd(2)).
#[derive(Debug)]
pub struct Signals {
    queue: SignalFd,
    before: SigSet,
}

impl Signals {
    /// Has these signals come here from now on. Blocked, they stay pending, once each
    /// however often they were sent; the descriptor tells which are.
    ///
    /// # Errors
    ///
    /// If there is no descriptor left.
    pub fn take(which: &[Signal]) -> io::Result<Self> {
        let which: SigSet = which.iter().copied().collect();
        let before = which.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        let queue = SignalFd::with_flags(&which, flags)?;
        Ok(Self { queue, before })
    }

    /// The next one that has come, if any has.
    ///
    /// # Errors
    ///
    /// None that we know of.
    pub fn next(&self) -> io::Result<Option<Signal>> {
        let Some(told) = self.queue.read_signal()? else {
            return Ok(None);
        };
        let number = i32::try_from(told.ssi_signo).unwrap_or_default();
        Ok(Some(Signal::try_from(number)?))
    }

    /// What was blocked before.
    pub fn before(&self) -> &SigSet {
        &self.before
    }

    /// Puts back what was before. A child inherits what is blocked, and so would every
    /// program that it becomes: SIGTERM would not end it.
    ///
    /// # Errors
    ///
    /// None on the systems that we know.
    pub fn give_back(self) -> io::Result<()> {
        Ok(self.before.thread_set_mask()?)
    }
}
// ANCHOR_END: signals

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}
