//! The keeper: a small process between `learn` and whatever it starts, so that
//! nothing outlives `learn`.
//!
//! A check runs a learner's code, which may hang, fork, or slip away into a session
//! of its own; cargo starts compilers. `learn` starts each of them through a second
//! process of its own program, the keeper, and holds the other end of the keeper's
//! standard input, a socket: the leash. When `learn` lets go of it, to cancel, to
//! quit, or because it was killed and the kernel closes its files, the keeper reads
//! the end of the stream and kills everything below itself. The one path serves
//! every way to end.
//!
//! The keeper makes itself a *child subreaper* (prctl(2)): orphans among its
//! descendants become its children, whatever group or session they moved to.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::io::Errno;
use rustix::process::{self, Pid, Signal, WaitId, WaitIdOptions, WaitOptions};

/// The first argument that makes this program a keeper.
pub const WORD: &str = "__keep";

/// The exit code of a keeper that could not start the program.
const NOT_STARTED: i32 = 1;

/// How long the keeper tries to be rid of strays; only a process stuck in the kernel
/// withstands SIGKILL that long.
const STRAYS: Duration = Duration::from_secs(2);

// ---- the side of `learn` ----

/// A way to end what is running, from any thread; once used, nothing starts.
#[derive(Clone, Default)]
pub struct Cancel(Arc<Mutex<Leashes>>);

#[derive(Default)]
struct Leashes {
    cancelled: bool,
    held: Vec<Weak<UnixStream>>,
}

impl Cancel {
    /// Ends whatever runs under this handle.
    pub fn cancel(&self) {
        let mut leashes = self.leashes();
        leashes.cancelled = true;
        for leash in leashes.held.drain(..).filter_map(|leash| leash.upgrade()) {
            // It fails when the keeper has gone already, which is what we want.
            let _ = leash.shutdown(Shutdown::Both);
        }
    }

    /// Whether [`cancel`](Self::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        self.leashes().cancelled
    }

    fn hold(&self, leash: &Arc<UnixStream>) {
        let mut leashes = self.leashes();
        leashes.held.retain(|leash| leash.strong_count() > 0);
        leashes.held.push(Arc::downgrade(leash));
        if leashes.cancelled {
            let _ = leash.shutdown(Shutdown::Both);
        }
    }

    fn leashes(&self) -> MutexGuard<'_, Leashes> {
        // Nothing that panics leaves the list half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a kept program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By itself, or by a signal.
    Itself(ExitStatus),
    /// We ended it: it was cancelled.
    Cancelled,
    /// We ended it: its time was up.
    Deadline,
    /// We ended it: it printed more than it may.
    TooMuch,
    /// It could not be started; standard error says why.
    NotStarted,
    /// The keeper itself was killed, and the program with it or not.
    Lost,
}

/// A kept program's end and what it printed.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub ended: Ended,
    /// Its standard output, up to the limit.
    pub stdout: Vec<u8>,
    /// Its standard error, up to the limit.
    pub stderr: Vec<u8>,
}

/// What a kept program may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long it may run.
    pub time: Option<Duration>,
    /// How many bytes it may print on each stream before it is ended.
    pub bytes: u64,
}

/// A command that runs `program` under a keeper; add arguments, environment and
/// folder to it, then [`run`] it. `nice` gives it the lowest priority.
pub fn command(program: impl Into<OsString>, nice: bool) -> Command {
    // The link is to this program even when a newer build has replaced its file.
    let own = PathBuf::from("/proc/self/exe");
    let own = if own.exists() {
        own
    } else {
        std::env::current_exe().unwrap_or(own)
    };
    let mut command = Command::new(own);
    command
        .arg0("learn")
        .arg(WORD)
        .arg(if nice { "nice" } else { "normal" })
        .arg(program.into());
    command
}

/// Runs a command made by [`command`] until it ends, is cancelled or meets a limit.
/// Each line of its standard error is handed to `on_line` as it comes.
pub fn run(
    command: Command,
    cancel: &Cancel,
    limits: Limits,
    mut on_line: impl FnMut(&str) + Send,
) -> Result<Finished> {
    let (mut keeper, leash) = start(command, cancel)?;
    let (out, err) = (keeper.stdout.take(), keeper.stderr.take());
    let (ended, out, err) = thread::scope(|scope| {
        let out = scope.spawn(|| collect(out, limits, &leash, |_| {}));
        let err = scope.spawn(|| collect(err, limits, &leash, &mut on_line));
        (wait(&leash, limits.time), out.join(), err.join())
    });
    let keeper = keeper.wait().context("cannot wait for the keeper")?;
    // A thread that panicked has ended this process (see `screen`) or read nothing.
    let (stdout, too_much_out) = out.unwrap_or_default();
    let (stderr, too_much_err) = err.unwrap_or_default();
    let ended = match ended {
        Ended::Lost | Ended::Deadline if cancel.is_cancelled() => Ended::Cancelled,
        Ended::Lost if too_much_out || too_much_err => Ended::TooMuch,
        Ended::Lost if keeper.code() == Some(NOT_STARTED) => Ended::NotStarted,
        ended => ended,
    };
    Ok(Finished {
        ended,
        stdout,
        stderr,
    })
}

/// Starts the keeper, which starts the program.
fn start(mut command: Command, cancel: &Cancel) -> Result<(Child, Arc<UnixStream>)> {
    let pair = UnixStream::pair();
    let (leash, keepers_end) = pair.context("cannot make a socket pair")?;
    let keeper = command
        .stdin(OwnedFd::from(keepers_end))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0) // Ctrl-C in a terminal is for `learn`, which then lets go
        .spawn()
        .with_context(|| format!("cannot start {:?}", command.get_program()))?;
    let leash = Arc::new(leash);
    cancel.hold(&leash);
    // The command goes here, and with it our copy of the keeper's end.
    Ok((keeper, leash))
}

/// Reads `pipe` to its end, or up to the limit, where it lets go of the leash.
fn collect(
    pipe: Option<impl Read>,
    limits: Limits,
    leash: &UnixStream,
    mut on_line: impl FnMut(&str),
) -> (Vec<u8>, bool) {
    let mut all = Vec::new();
    let Some(pipe) = pipe else {
        return (all, false);
    };
    let mut pipe = BufReader::new(pipe.take(limits.bytes));
    loop {
        let start = all.len();
        match pipe.read_until(b'\n', &mut all) {
            Ok(0) | Err(_) => break,
            Ok(_) => on_line(String::from_utf8_lossy(&all[start..]).trim_end()),
        }
    }
    let too_much = all.len() as u64 >= limits.bytes;
    if too_much {
        let _ = leash.shutdown(Shutdown::Both);
    }
    (all, too_much)
}

/// Waits for the keeper's one line: the program's wait status as a number.
fn wait(leash: &UnixStream, time: Option<Duration>) -> Ended {
    let deadline = time.map(|time| Instant::now() + time);
    let mut said = Vec::new();
    loop {
        let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            let _ = leash.shutdown(Shutdown::Both);
            return Ended::Deadline;
        }
        let mut piece = [0; 64];
        let read = leash
            .set_read_timeout(left)
            .and_then(|()| (&mut &*leash).read(&mut piece));
        match read {
            Ok(0) => break,
            Ok(n) => said.extend_from_slice(&piece[..n]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    let status = str::from_utf8(&said)
        .ok()
        .and_then(|text| text.trim().parse().ok());
    status.map_or(Ended::Lost, |raw| Ended::Itself(ExitStatus::from_raw(raw)))
}

// ---- the keeper's own side ----

/// The keeper's `main`: starts the program that the arguments name, tells `learn` how
/// it ended, and leaves nothing of it behind.
pub fn keep(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    let nice = args.next().is_some_and(|word| word == "nice");
    let Some(program) = args.next() else {
        return ExitCode::from(2);
    };
    match keep_program(nice, program, args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE // which is NOT_STARTED
        }
    }
}

fn keep_program(
    nice: bool,
    program: OsString,
    args: impl Iterator<Item = OsString>,
) -> Result<()> {
    let leash = io::stdin().as_fd().try_clone_to_owned();
    let mut leash = UnixStream::from(leash.context("cannot copy the leash")?);
    if nice {
        // A build in the background that cannot be made to yield is still a build.
        let _ = rustix::process::nice(19);
    }
    adopt_orphans();
    let mut child = Command::new(&program)
        .args(args)
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let pid = Pid::from_child(&child);
    let mut held = leash.try_clone().context("cannot copy the leash")?;
    thread::spawn(move || {
        // `learn` never writes: whatever ends this read, the leash is loose.
        let _ = held.read(&mut [0]);
        let _ = process::kill_process_group(pid, Signal::KILL);
        let _ = process::kill_process(pid, Signal::KILL);
    });
    let status = wait_and_clear(&mut child, pid)?;
    // If nobody is there to read it, nobody misses it.
    let _ = leash.write_all(status.into_raw().to_string().as_bytes());
    Ok(())
}

/// Waits until the child has ended and kills what it left: its group, then, as they
/// become our children, the descendants that had left the group.
fn wait_and_clear(child: &mut Child, pid: Pid) -> Result<ExitStatus> {
    // NOWAIT leaves the child a zombie, so that no other process can have got its
    // number when we kill the group of that number.
    let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while let Err(error) = process::waitid(WaitId::Pid(pid), ended) {
        if error != Errno::INTR {
            break; // the plain wait below says what is wrong
        }
    }
    let _ = process::kill_process_group(pid, Signal::KILL);
    let status = child.wait().context("cannot wait for the program")?;
    end_strays();
    Ok(status)
}

fn end_strays() {
    let deadline = Instant::now() + STRAYS;
    while Instant::now() < deadline {
        match process::wait(WaitOptions::NOHANG) {
            Ok(Some(_)) => {}
            Ok(None) => {
                for stray in children() {
                    let _ = process::kill_process(stray, Signal::KILL);
                }
                // The kernel needs a moment.
                thread::sleep(Duration::from_millis(1));
            }
            Err(_) => return, // ECHILD: there are none left
        }
    }
}

/// Our children, by a look at every process's parent. The shorter list in
/// `/proc/self/task/*/children` is missing from some kernels.
fn children() -> Vec<Pid> {
    let own = std::process::id().to_string();
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| {
            let pid: i32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
            // pid (name) state parent …; the name may hold blanks and brackets.
            let after_name = stat.iter().rposition(|&byte| byte == b')')? + 1;
            let rest = str::from_utf8(&stat[after_name..]).ok()?;
            let is_ours = rest.split_whitespace().nth(1)? == own;
            Pid::from_raw(pid).filter(|_| is_ours)
        })
        .collect()
}

#[cfg(target_os = "linux")]
fn adopt_orphans() {
    // Any process id switches it on; kernels older than 3.4 do not know it.
    let _ = process::set_child_subreaper(Some(process::getpid()));
}

#[cfg(not(target_os = "linux"))]
fn adopt_orphans() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cancelled_before_it_begins_ends_as_cancelled() {
        let cancel = Cancel::default();
        cancel.cancel();
        let limits = Limits {
            time: None,
            bytes: 1 << 20,
        };
        // Here the keeper would be this test program, which is none and ends at once.
        let finished = run(command("true", false), &cancel, limits, |_| {}).unwrap();
        assert_eq!(finished.ended, Ended::Cancelled);
    }
}
