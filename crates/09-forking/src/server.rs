//! A process for each caller.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::panic::{self, AssertUnwindSafe};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::children::{End, Tally, collect};
use crate::launch;
use crate::process::{Fork, exit_now, fork};
use crate::signals::Signals;
use crate::talk::Talk;

/// How many children there may be at once. Further callers wait in the accept queue: a
/// flood meets this bound, and not the machine's.
pub const MOST: usize = 256;

/// How long children may take to finish once the server is told to stop.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait before the next `accept` where the machine is short of something.
const BREATH: Duration = Duration::from_millis(100);

/// What a child does with its caller.
#[derive(Debug)]
pub enum How {
    /// It goes on in this program.
    Fork(Talk),
    /// It becomes another program, whose input and outputs are the connection.
    Run(launch::Program),
}

/// What there is to tell.
#[derive(Debug)]
pub enum News {
    /// This child serves a caller from this address.
    Came(Pid, SocketAddr),
    /// This child has ended.
    Ended(Pid, End),
    /// A caller could not be served.
    Lost(io::Error),
    /// No further caller is taken; so many children have one.
    Stopping(usize),
}

// ANCHOR: serve
/// Serves each caller in a child of its own, `most` at a time, until SIGTERM or SIGINT;
/// how its children have ended.
///
/// The process must have one thread: see [`fork`].
///
/// # Errors
///
/// If nothing can be waited for, or accepting is impossible for good.
pub fn serve(
    listener: TcpListener,
    most: usize,
    how: &How,
    mut tell: impl FnMut(News),
) -> io::Result<Tally> {
    use Signal::{SIGCHLD, SIGINT, SIGTERM};
    let signals = Signals::take(&[SIGCHLD, SIGINT, SIGTERM])?;
    // Who was there when poll(2) looked may have left: `accept` shall not wait then.
    listener.set_nonblocking(true)?;
    let mut family = Family::default();
    let mut breath = None;
    loop {
        let room = family.living.len() < most && breath.is_none();
        let calls = wait(&signals, room.then_some(&listener), breath)?;
        breath = None;
        while let Some(signal) = signals.next()? {
            if signal != SIGCHLD {
                drop(listener); // from here on callers are refused
                return family.finish(&signals, PATIENCE, tell);
            }
        }
        family.collect(&mut tell)?;
        if !calls {
            continue;
        }
        let (stream, peer) = match listener.accept() {
            Ok(caller) => caller,
            Err(error) if is_of_a_caller(&error) => continue,
            Err(error) if is_shortage(&error) => {
                breath = Some(BREATH); // at once it would fail again
                tell(News::Lost(error));
                continue;
            }
            Err(error) => return Err(error),
        };
        let begun = match how {
            How::Run(program) => program.start(&stream, signals.before()),
            How::Fork(talk) => match fork() {
                Ok(Fork::Child) => attend(listener, signals, stream, *talk),
                Ok(Fork::Parent(child)) => Ok(child),
                Err(error) => Err(error),
            },
        };
        drop(stream); // the child has its own; with ours the caller would see no end
        match begun {
            Ok(child) => {
                family.living.insert(child);
                tell(News::Came(child, peer));
            }
            Err(error) => tell(News::Lost(error)),
        }
    }
}
// ANCHOR_END: serve

// ANCHOR: attend
/// The child's part. It does not return, so it cannot come back into the parent's loop.
fn attend(
    listener: TcpListener,
    signals: Signals,
    stream: TcpStream,
    talk: Talk,
) -> ! {
    drop(listener); // or the port would stay occupied as long as this child lives
    let ready = signals.give_back();
    // A panic would unwind into what the parent was doing when it forked.
    let visit = AssertUnwindSafe(|| ready.and_then(|()| talk(stream)));
    let code = match panic::catch_unwind(visit) {
        Ok(Ok(())) => 0,
        Ok(Err(_)) => 1,
        Err(_) => 101, // as Rust's programs do
    };
    exit_now(code) // not `exit`: what lies in the parent's buffers is the parent's
}
// ANCHOR_END: attend

// ANCHOR: wait
/// Waits for a signal, or a caller if one is wanted, no longer than `limit`; whether a
/// caller is there.
pub(crate) fn wait(
    signals: &Signals,
    listener: Option<&TcpListener>,
    limit: Option<Duration>,
) -> io::Result<bool> {
    let mut fds = vec![PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
    if let Some(listener) = listener {
        fds.push(PollFd::new(listener.as_fd(), PollFlags::POLLIN));
    }
    let limit = limit.map_or(PollTimeout::NONE, |limit| {
        // Rounded up: a limit of less than a millisecond is not 0, which would spin.
        let millis = limit.as_micros().div_ceil(1000);
        PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX)
    });
    match poll(&mut fds, limit) {
        Ok(_) => {}
        Err(Errno::EINTR) => return Ok(false), // the caller looks again anyway
        Err(error) => return Err(error.into()),
    }
    // `any` says yes to an error too, so that `accept` tells which.
    Ok(fds.get(1).and_then(PollFd::any).unwrap_or(false))
}
// ANCHOR_END: wait

/// The children, and how those have ended that are gone.
#[derive(Default)]
struct Family {
    living: BTreeSet<Pid>,
    gone: Tally,
}

impl Family {
    fn collect(&mut self, tell: &mut impl FnMut(News)) -> io::Result<()> {
        collect(|child, end| {
            self.living.remove(&child);
            self.gone.count(end);
            tell(News::Ended(child, end));
        })
    }

    /// Waits for the children, and ends those who have not done so after `patience`.
    fn finish(
        mut self,
        signals: &Signals,
        patience: Duration,
        mut tell: impl FnMut(News),
    ) -> io::Result<Tally> {
        self.collect(&mut tell)?;
        tell(News::Stopping(self.living.len()));
        let started = Instant::now();
        let mut killed = false;
        while !self.living.is_empty() {
            let left = patience.saturating_sub(started.elapsed());
            if left.is_zero() && !killed {
                killed = true;
                for child in &self.living {
                    // Not waited for, so the number is still its own.
                    let _ = kill(*child, Signal::SIGKILL);
                }
            }
            wait(signals, None, (!killed).then_some(left))?;
            while signals.next()?.is_some() {}
            self.collect(&mut tell)?;
        }
        Ok(self.gone)
    }
}

/// What became of one caller before it was accepted (accept(2), "Error handling"), or
/// that it was not there any more.
pub(crate) fn is_of_a_caller(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock
            | ErrorKind::Interrupted
            | ErrorKind::ConnectionAborted
            | ErrorKind::NetworkDown
            | ErrorKind::NetworkUnreachable
            | ErrorKind::HostUnreachable
    )
}

/// No descriptor or no memory left, here or on the whole machine: that may pass.
pub(crate) fn is_shortage(error: &io::Error) -> bool {
    let short = [Errno::EMFILE, Errno::ENFILE, Errno::ENOBUFS, Errno::ENOMEM];
    let code = error.raw_os_error();
    code.is_some_and(|code| short.contains(&Errno::from_raw(code)))
}
