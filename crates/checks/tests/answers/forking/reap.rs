//! Answers to `forking/reap`.

use std::io::{self, ErrorKind, PipeReader};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, IntoRawFd};
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;
use std::time::Duration;

use checks::answers::{Answer, Expected};
use checks_forking::reap as check;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll, ppoll};
use nix::sys::signal::{SaFlags, SigHandler, SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::ForkResult::{Child, Parent};
use nix::unistd::Pid;

use super::{collect, exit_now, fork, on_child};

type Talk = fn(TcpStream) -> u8;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer {
            name: "reap: the stub",
            check: check(|_, _| todo!("the task")),
            expected: Expected::Untouched,
        },
        Answer::right("reap right: SIGCHLD ignored", check(ignores)),
        Answer::right("reap right: a fork of a fork", check(fork_of_a_fork)),
        Answer::right("reap right: ppoll", check(with_ppoll)),
        Answer::right("reap right: a pipe to itself", check(with_a_pipe)),
        Answer::right("reap right: collects in the handler", check(in_the_handler)),
        Answer::right("reap right: looks now and then", check(now_and_then)),
        Answer::wrong("M26", "reap: never", check(never)),
        Answer::wrong("M26", "reap: when the next one comes", check(with_the_next)),
        Answer::wrong("M114", "reap: one wait for a signal", check(one_wait)),
        Answer::wrong(
            "M114",
            "reap: one wait in the handler",
            check(one_in_handler),
        ),
        Answer::wrong("M115", "reap: waits for each", check(waits_for_each)),
        Answer::wrong("M115", "reap: waits when told", check(waits_for_all)),
        Answer::wrong("M116", "reap: interrupted", check(interrupted)),
        Answer::wrong("M116", "reap: interrupted, unwrap", check(unwraps)),
        Answer::wrong("M111", "reap: keeps the connection", check(keeps)),
        Answer::wrong("M112", "reap: the child goes on", check(goes_on)),
        Answer::wrong("M21", "reap: asks and asks", check(asks_and_asks)),
        Answer::unnamed("two", "reap: threads", check(threads)),
        Answer::unnamed("crash", "reap: ends with a crash", check(ends_with_a_crash)),
    ]
}

/// Forks for a caller; the parent returns.
fn begin(listener: TcpListener, stream: TcpStream, talk: Talk) -> TcpListener {
    let _ = stream.set_nonblocking(false);
    if let Ok(Child) = fork() {
        drop(listener);
        exit_now(talk(stream));
    }
    listener
}

fn ignores(mut listener: TcpListener, talk: Talk) -> io::Result<()> {
    on_child(SigHandler::SigIgn, SaFlags::empty());
    loop {
        let (stream, _) = listener.accept()?;
        listener = begin(listener, stream, talk);
    }
}

fn fork_of_a_fork(listener: TcpListener, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        match fork()? {
            Child => {
                drop(listener);
                match fork() {
                    Ok(Child) => exit_now(talk(stream)),
                    _ => exit_now(0),
                }
            }
            Parent { child } => drop(waitpid(child, None)),
        }
    }
}

extern "C" fn nothing(_: libc::c_int) {}

fn with_ppoll(mut listener: TcpListener, talk: Talk) -> io::Result<()> {
    on_child(SigHandler::Handler(nothing), SaFlags::empty());
    let mut mask = SigSet::empty();
    mask.add(Signal::SIGCHLD);
    mask.thread_block()?; // it comes while we wait, and at no other moment
    listener.set_nonblocking(true)?;
    loop {
        let mut fds = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
        let woken = ppoll(&mut fds, None, Some(SigSet::empty()));
        collect();
        if woken == Err(Errno::EINTR) {
            continue;
        }
        if let Ok((stream, _)) = listener.accept() {
            listener = begin(listener, stream, talk);
        }
    }
}

static PIPE: AtomicI32 = AtomicI32::new(-1);

#[expect(unsafe_code, reason = "a handler is no place for anything else")]
extern "C" fn ring(_: libc::c_int) {
    let before = Errno::last_raw();
    // SAFETY: write(2) may be called in a handler; the byte is there.
    unsafe { libc::write(PIPE.load(Ordering::SeqCst), [0_u8].as_ptr().cast(), 1) };
    Errno::set_raw(before);
}

fn bell() -> io::Result<PipeReader> {
    let (reader, writer) = io::pipe()?;
    PIPE.store(writer.into_raw_fd(), Ordering::SeqCst);
    on_child(SigHandler::Handler(ring), SaFlags::SA_RESTART);
    Ok(reader)
}

fn with_a_pipe(mut listener: TcpListener, talk: Talk) -> io::Result<()> {
    use std::io::Read;
    let mut reader = bell()?;
    listener.set_nonblocking(true)?;
    loop {
        let mut fds = [
            PollFd::new(reader.as_fd(), PollFlags::POLLIN),
            PollFd::new(listener.as_fd(), PollFlags::POLLIN),
        ];
        if poll(&mut fds, PollTimeout::NONE).is_err() {
            continue;
        }
        let rung = fds[0].any().unwrap_or(false);
        if rung {
            let _ = reader.read(&mut [0; 64])?;
        }
        collect();
        if let Ok((stream, _)) = listener.accept() {
            listener = begin(listener, stream, talk);
        }
    }
}

extern "C" fn collect_all(_: libc::c_int) {
    let before = Errno::last_raw();
    collect();
    Errno::set_raw(before);
}

fn in_the_handler(mut listener: TcpListener, talk: Talk) -> io::Result<()> {
    on_child(SigHandler::Handler(collect_all), SaFlags::SA_RESTART);
    loop {
        let (stream, _) = listener.accept()?;
        listener = begin(listener, stream, talk);
    }
}

fn now_and_then(mut listener: TcpListener, talk: Talk) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    loop {
        let mut fds = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
        let _ = poll(&mut fds, PollTimeout::from(100_u8));
        collect();
        if let Ok((stream, _)) = listener.accept() {
            listener = begin(listener, stream, talk);
        }
    }
}

fn never(mut listener: TcpListener, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        listener = begin(listener, stream, talk);
    }
}

fn with_the_next(mut listener: TcpListener, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        collect();
        listener = begin(listener, stream, talk);
    }
}

fn told() -> io::Result<SignalFd> {
    let mut mask = SigSet::empty();
    mask.add(Signal::SIGCHLD);
    mask.thread_block()?;
    Ok(SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK)?)
}

fn with_signals(
    mut listener: TcpListener,
    talk: Talk,
    on_signal: fn(),
) -> io::Result<()> {
    let signals = told()?;
    listener.set_nonblocking(true)?;
    loop {
        let mut fds = [
            PollFd::new(signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(listener.as_fd(), PollFlags::POLLIN),
        ];
        let _ = poll(&mut fds, PollTimeout::NONE);
        while signals.read_signal()?.is_some() {
            on_signal();
        }
        if let Ok((stream, _)) = listener.accept() {
            listener = begin(listener, stream, talk);
        }
    }
}

fn one_wait(listener: TcpListener, talk: Talk) -> io::Result<()> {
    with_signals(listener, talk, || {
        let _ = waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG));
    })
}

extern "C" fn collect_one(_: libc::c_int) {
    let before = Errno::last_raw();
    let _ = waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG));
    Errno::set_raw(before);
}

fn one_in_handler(mut listener: TcpListener, talk: Talk) -> io::Result<()> {
    on_child(SigHandler::Handler(collect_one), SaFlags::SA_RESTART);
    loop {
        let (stream, _) = listener.accept()?;
        listener = begin(listener, stream, talk);
    }
}

fn waits_for_each(listener: TcpListener, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        match fork()? {
            Child => {
                drop(listener);
                exit_now(talk(stream))
            }
            Parent { child } => {
                drop(stream);
                let _ = waitpid(child, None);
            }
        }
    }
}

/// A child has ended; it waits until none is left.
fn waits_for_all(listener: TcpListener, talk: Talk) -> io::Result<()> {
    with_signals(listener, talk, || {
        while waitpid(None::<Pid>, None) != Err(Errno::ECHILD) {}
    })
}

fn interrupted(mut listener: TcpListener, talk: Talk) -> io::Result<()> {
    on_child(SigHandler::Handler(collect_all), SaFlags::empty());
    loop {
        let mut fds = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::NONE)?;
        let (stream, _) = listener.accept()?;
        listener = begin(listener, stream, talk);
    }
}

fn unwraps(mut listener: TcpListener, talk: Talk) -> io::Result<()> {
    on_child(SigHandler::Handler(collect_all), SaFlags::empty());
    loop {
        let mut fds = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::NONE).unwrap();
        let (stream, _) = listener.accept()?;
        listener = begin(listener, stream, talk);
    }
}

fn keeps(mut listener: TcpListener, talk: Talk) -> io::Result<()> {
    on_child(SigHandler::SigIgn, SaFlags::empty());
    let mut callers = Vec::new();
    loop {
        let (stream, _) = listener.accept()?;
        callers.push(stream.try_clone()?);
        listener = begin(listener, stream, talk);
    }
}

fn goes_on(listener: TcpListener, talk: Talk) -> io::Result<()> {
    on_child(SigHandler::SigIgn, SaFlags::empty());
    loop {
        let (stream, _) = listener.accept()?;
        if fork()?.is_child() {
            talk(stream);
        }
    }
}

fn asks_and_asks(mut listener: TcpListener, talk: Talk) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    loop {
        collect();
        match listener.accept() {
            Ok((stream, _)) => listener = begin(listener, stream, talk),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

fn threads(listener: TcpListener, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        thread::spawn(move || talk(stream));
        thread::sleep(Duration::from_millis(1));
    }
}

fn ends_with_a_crash(mut listener: TcpListener, talk: Talk) -> io::Result<()> {
    use nix::sys::wait::WaitStatus::{Exited, Signaled};
    let signals = told()?;
    listener.set_nonblocking(true)?;
    loop {
        let mut fds = [
            PollFd::new(signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(listener.as_fd(), PollFlags::POLLIN),
        ];
        let _ = poll(&mut fds, PollTimeout::NONE);
        while signals.read_signal()?.is_some() {}
        loop {
            match waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) {
                Ok(Exited(_, 0 | 1)) => {}
                Ok(Exited(..) | Signaled(..)) => {
                    return Err(io::Error::other("a child has crashed"));
                }
                _ => break,
            }
        }
        if let Ok((stream, _)) = listener.accept() {
            listener = begin(listener, stream, talk);
        }
    }
}
