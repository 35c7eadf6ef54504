//! Answers to `forking/prefork`.

use std::io::{self, PipeReader};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::thread;

use checks::answers::{Answer, Expected};
use checks_forking::prefork as check;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::WaitStatus::{Exited, Signaled};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use super::{exit_now, fork};

type Talk = fn(TcpStream) -> u8;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer {
            name: "prefork: the stub",
            check: check(|_, _, _| todo!("the task")),
            expected: Expected::Untouched,
        },
        Answer::right("prefork right: SIGKILL to each", check(kills)),
        Answer::right("prefork right: a lifeline", check(lifeline)),
        Answer::right("prefork right: signalfd", check(with_signalfd)),
        Answer::right("prefork right: slot by slot", check(slots)),
        Answer::wrong("M119", "prefork: leaves them", check(leaves_them)),
        Answer::wrong("M119", "prefork: SIGTERM is blocked", check(blocked)),
        Answer::wrong("M119", "prefork: waits, tells nobody", check(tells_nobody)),
        Answer::wrong("M119", "prefork: ends the first only", check(first_only)),
        Answer::wrong("M26", "prefork: never collects", check(never_collects)),
        Answer::wrong("M114", "prefork: one wait for a signal", check(one_wait)),
        Answer::wrong("M112", "prefork: a worker returns", check(worker_returns)),
        Answer::unnamed("dead", "prefork: replaces nobody", check(replaces_nobody)),
        Answer::unnamed("leaves", "prefork: crashed ones only", check(crashed_only)),
        Answer::unnamed("stop", "prefork: no word on SIGTERM", check(no_handler)),
        Answer::unnamed("workers", "prefork: when they come", check(when_they_come)),
        Answer::unnamed("workers", "prefork: one too few", check(one_too_few)),
        Answer::unnamed("workers", "prefork: threads", check(threads)),
        Answer::unnamed("three", "prefork: a worker for one", check(one_visit_slow)),
        Answer::wrong(
            "M26",
            "prefork: waits for the first",
            check(waits_for_the_first),
        ),
        Answer::unnamed("stop", "prefork: returns an error", check(returns_an_error)),
    ]
}

fn mask() -> SigSet {
    let mut mask = SigSet::empty();
    mask.add(Signal::SIGCHLD);
    mask.add(Signal::SIGTERM);
    mask
}

fn work(listener: &TcpListener, talk: Talk) -> ! {
    loop {
        match listener.accept() {
            Ok((stream, _)) => drop_code(talk(stream)),
            Err(_) => exit_now(1),
        }
    }
}

/// What `talk` returns does not matter here.
fn drop_code(_: u8) {}

fn worker(listener: &TcpListener, talk: Talk, unblock: bool) -> io::Result<Pid> {
    match fork()? {
        nix::unistd::ForkResult::Child => {
            if unblock {
                let _ = mask().thread_unblock();
            }
            work(listener, talk)
        }
        nix::unistd::ForkResult::Parent { child } => Ok(child),
    }
}

/// Those who have ended.
fn gone() -> Vec<Pid> {
    let mut gone = Vec::new();
    while let Ok(Exited(pid, _) | Signaled(pid, ..)) =
        waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG))
    {
        gone.push(pid);
    }
    gone
}

/// Keeps the number of workers until SIGTERM; those who live then.
fn keep(
    listener: &TcpListener,
    workers: usize,
    talk: Talk,
    unblock: bool,
    collect: fn() -> Vec<Pid>,
) -> io::Result<Vec<Pid>> {
    mask().thread_block()?;
    let mut living = Vec::new();
    loop {
        while living.len() < workers {
            living.push(worker(listener, talk, unblock)?);
        }
        if mask().wait()? == Signal::SIGTERM {
            return Ok(living);
        }
        let gone = collect();
        living.retain(|worker| !gone.contains(worker));
    }
}

fn end(living: Vec<Pid>, signal: Signal) {
    for worker in &living {
        let _ = kill(*worker, signal);
    }
    for worker in living {
        while waitpid(worker, None) == Err(Errno::EINTR) {}
    }
}

fn kills(listener: TcpListener, workers: usize, talk: Talk) -> io::Result<()> {
    end(
        keep(&listener, workers, talk, false, gone)?,
        Signal::SIGKILL,
    );
    Ok(())
}

/// Workers end when their parent has closed a pipe, after the visit that they are at.
fn lifeline(listener: TcpListener, workers: usize, talk: Talk) -> io::Result<()> {
    fn until_called(listener: &TcpListener, line: &PipeReader) -> bool {
        let mut fds = [
            PollFd::new(line.as_fd(), PollFlags::POLLIN),
            PollFd::new(listener.as_fd(), PollFlags::POLLIN),
        ];
        let _ = poll(&mut fds, PollTimeout::NONE);
        !fds[0].any().unwrap_or(true)
    }
    listener.set_nonblocking(true)?;
    mask().thread_block()?;
    let (line, held) = io::pipe()?;
    let mut living: Vec<Pid> = Vec::new();
    loop {
        while living.len() < workers {
            match fork()? {
                nix::unistd::ForkResult::Parent { child } => living.push(child),
                nix::unistd::ForkResult::Child => {
                    drop(held);
                    while until_called(&listener, &line) {
                        if let Ok((stream, _)) = listener.accept() {
                            let _ = stream.set_nonblocking(false);
                            drop_code(talk(stream));
                        }
                    }
                    exit_now(0)
                }
            }
        }
        if mask().wait()? == Signal::SIGTERM {
            break;
        }
        let gone = gone();
        living.retain(|worker| !gone.contains(worker));
    }
    drop(held);
    for worker in living {
        while waitpid(worker, None) == Err(Errno::EINTR) {}
    }
    Ok(())
}

fn with_signalfd(
    listener: TcpListener,
    workers: usize,
    talk: Talk,
) -> io::Result<()> {
    mask().thread_block()?;
    let signals = SignalFd::with_flags(&mask(), SfdFlags::SFD_CLOEXEC)?;
    let mut living = Vec::new();
    for _ in 0..workers {
        living.push(worker(&listener, talk, true)?);
    }
    while let Ok(Some(signal)) = signals.read_signal() {
        if signal.ssi_signo == Signal::SIGTERM as u32 {
            break;
        }
        for dead in gone() {
            living.retain(|worker| *worker != dead);
            living.push(worker(&listener, talk, true)?);
        }
    }
    end(living, Signal::SIGTERM);
    Ok(())
}

fn slots(listener: TcpListener, workers: usize, talk: Talk) -> io::Result<()> {
    mask().thread_block()?;
    let mut slots: Vec<Option<Pid>> = vec![None; workers];
    while {
        for slot in slots.iter_mut().filter(|slot| slot.is_none()) {
            *slot = Some(worker(&listener, talk, true)?);
        }
        mask().wait()? == Signal::SIGCHLD
    } {
        for slot in &mut slots {
            if let Some(pid) = *slot
                && let Ok(Exited(..) | Signaled(..)) =
                    waitpid(pid, Some(WaitPidFlag::WNOHANG))
            {
                *slot = None;
            }
        }
    }
    end(slots.into_iter().flatten().collect(), Signal::SIGTERM);
    Ok(())
}

fn leaves_them(listener: TcpListener, workers: usize, talk: Talk) -> io::Result<()> {
    keep(&listener, workers, talk, true, gone).map(drop)
}

fn blocked(listener: TcpListener, workers: usize, talk: Talk) -> io::Result<()> {
    end(
        keep(&listener, workers, talk, false, gone)?,
        Signal::SIGTERM,
    );
    Ok(())
}

fn tells_nobody(listener: TcpListener, workers: usize, talk: Talk) -> io::Result<()> {
    let living = keep(&listener, workers, talk, true, gone)?;
    for worker in living {
        waitpid(worker, None)?;
    }
    Ok(())
}

fn first_only(listener: TcpListener, workers: usize, talk: Talk) -> io::Result<()> {
    let mut living = keep(&listener, workers, talk, true, gone)?;
    living.truncate(1);
    end(living, Signal::SIGTERM);
    Ok(())
}

fn never_collects(
    listener: TcpListener,
    workers: usize,
    talk: Talk,
) -> io::Result<()> {
    end(
        keep(&listener, workers, talk, true, Vec::new)?,
        Signal::SIGTERM,
    );
    Ok(())
}

fn one_wait(listener: TcpListener, workers: usize, talk: Talk) -> io::Result<()> {
    let one = || match waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) {
        Ok(Exited(pid, _) | Signaled(pid, ..)) => vec![pid],
        _ => Vec::new(),
    };
    end(keep(&listener, workers, talk, true, one)?, Signal::SIGTERM);
    Ok(())
}

/// Each worker serves one caller, and then returns from the function.
fn worker_returns(
    listener: TcpListener,
    workers: usize,
    talk: Talk,
) -> io::Result<()> {
    mask().thread_block()?;
    let mut living = 0;
    loop {
        while living < workers {
            if fork()?.is_child() {
                mask().thread_unblock()?;
                let (stream, _) = listener.accept()?;
                talk(stream);
                return Ok(());
            }
            living += 1;
        }
        if mask().wait()? == Signal::SIGTERM {
            return Ok(());
        }
        living -= gone().len();
    }
}

fn replaces_nobody(
    listener: TcpListener,
    workers: usize,
    talk: Talk,
) -> io::Result<()> {
    mask().thread_block()?;
    let mut living = Vec::new();
    for _ in 0..workers {
        living.push(worker(&listener, talk, true)?);
    }
    while mask().wait()? == Signal::SIGCHLD {
        let gone = gone();
        living.retain(|worker| !gone.contains(worker));
    }
    end(living, Signal::SIGTERM);
    Ok(())
}

fn crashed_only(listener: TcpListener, workers: usize, talk: Talk) -> io::Result<()> {
    mask().thread_block()?;
    let mut living = Vec::new();
    for _ in 0..workers {
        living.push(worker(&listener, talk, true)?);
    }
    while mask().wait()? == Signal::SIGCHLD {
        while let Ok(status @ (Exited(pid, _) | Signaled(pid, ..))) =
            waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG))
        {
            living.retain(|worker| *worker != pid);
            if matches!(status, Signaled(..)) {
                living.push(worker(&listener, talk, true)?);
            }
        }
    }
    end(living, Signal::SIGTERM);
    Ok(())
}

fn no_handler(listener: TcpListener, workers: usize, talk: Talk) -> io::Result<()> {
    let mut chld = SigSet::empty();
    chld.add(Signal::SIGCHLD);
    chld.thread_block()?;
    let mut living = 0;
    loop {
        while living < workers {
            worker(&listener, talk, true)?;
            living += 1;
        }
        chld.wait()?;
        living -= gone().len();
    }
}

fn when_they_come(listener: TcpListener, _: usize, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        if fork()?.is_child() {
            exit_now(talk(stream));
        }
    }
}

fn one_too_few(listener: TcpListener, workers: usize, talk: Talk) -> io::Result<()> {
    kills(listener, workers - 1, talk)
}

fn threads(listener: TcpListener, workers: usize, talk: Talk) -> io::Result<()> {
    for _ in 0..workers {
        let listener = listener.try_clone()?;
        thread::spawn(move || work(&listener, talk));
    }
    loop {
        thread::park();
    }
}

/// A worker that has served one caller is not seen again, and not replaced.
fn one_visit_slow(
    listener: TcpListener,
    workers: usize,
    talk: Talk,
) -> io::Result<()> {
    let mut living = Vec::new();
    for _ in 0..workers {
        match fork()? {
            nix::unistd::ForkResult::Parent { child } => living.push(child),
            nix::unistd::ForkResult::Child => {
                let (stream, _) = listener.accept()?;
                drop_code(talk(stream));
                loop {
                    nix::unistd::pause();
                }
            }
        }
    }
    for worker in living {
        waitpid(worker, None)?;
    }
    Ok(())
}

fn returns_an_error(
    listener: TcpListener,
    workers: usize,
    talk: Talk,
) -> io::Result<()> {
    end(keep(&listener, workers, talk, true, gone)?, Signal::SIGTERM);
    Err(io::ErrorKind::Interrupted.into())
}

/// Each worker is waited for in its turn, whichever ends.
fn waits_for_the_first(
    listener: TcpListener,
    workers: usize,
    talk: Talk,
) -> io::Result<()> {
    let mut living = std::collections::VecDeque::new();
    for _ in 0..workers {
        living.push_front(worker(&listener, talk, true)?);
    }
    while let Some(next) = living.pop_front() {
        while waitpid(next, None) == Err(Errno::EINTR) {}
        living.push_back(worker(&listener, talk, true)?);
    }
    Ok(())
}
