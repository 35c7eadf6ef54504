//! Answers to `forking/crash`.

use std::io;
use std::net::{TcpListener, TcpStream};

use checks::answers::{Answer, Expected};
use checks_forking::crash as check;
use nix::sys::wait::WaitStatus::{Exited, Signaled};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::{exit_now, fork};

type Talk = fn(TcpStream) -> u8;
type Ends = io::Result<[usize; 3]>;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer {
            name: "crash: the stub",
            check: check(|_, _, _| todo!("the task")),
            expected: Expected::Untouched,
        },
        Answer::right("crash right: each by its number", check(by_number)),
        Answer::right("crash right: collects meanwhile", check(meanwhile)),
        Answer::right("crash right: libc", check(with_libc)),
        Answer::wrong("M117", "crash: as a shell shows it", check(as_a_shell)),
        Answer::wrong("M117", "crash: the high byte alone", check(high_byte)),
        Answer::wrong("M117", "crash: signals are failures", check(all_failed)),
        Answer::wrong("M117", "crash: codes are crashes", check(codes_are_crashes)),
        Answer::wrong("M112", "crash: the child goes on", check(goes_on)),
        Answer::wrong("M111", "crash: keeps the connection", check(keeps)),
        Answer::unnamed("two", "crash: does not wait", check(does_not_wait)),
        Answer::unnamed("two", "crash: no fork", check(no_fork)),
        Answer::unnamed("codes", "crash: the code is lost", check(always_0)),
        Answer::unnamed("two", "crash: workers beforehand", check(beforehand)),
        Answer::unnamed("signals", "crash: an error of its own", check(an_error)),
        Answer::unnamed("signals", "crash: exits only", check(exits_only)),
        Answer::unnamed("two", "crash: one more", check(one_more)),
        Answer::wrong("M115", "crash: one after another", check(one_by_one)),
    ]
}

fn begin(listener: &TcpListener, talk: Talk) -> io::Result<Pid> {
    let (stream, _) = listener.accept()?;
    match fork()? {
        nix::unistd::ForkResult::Child => exit_now(talk(stream)),
        nix::unistd::ForkResult::Parent { child } => Ok(child),
    }
}

/// Begins all, and has `count` make something of each end.
fn all(
    listener: &TcpListener,
    callers: usize,
    talk: Talk,
    count: impl Fn(WaitStatus) -> usize,
) -> Ends {
    let mut ends = [0; 3];
    for _ in 0..callers {
        begin(listener, talk)?;
    }
    for _ in 0..callers {
        ends[count(waitpid(None::<Pid>, None)?)] += 1;
    }
    Ok(ends)
}

fn right(status: WaitStatus) -> usize {
    match status {
        Exited(_, 0) => 0,
        Exited(..) => 1,
        _ => 2,
    }
}

fn by_number(listener: TcpListener, callers: usize, talk: Talk) -> Ends {
    let mut children = Vec::new();
    for _ in 0..callers {
        children.push(begin(&listener, talk)?);
    }
    let mut ends = [0; 3];
    for child in children {
        ends[right(waitpid(child, None)?)] += 1;
    }
    Ok(ends)
}

fn meanwhile(listener: TcpListener, callers: usize, talk: Talk) -> Ends {
    let mut ends = [0; 3];
    for _ in 0..callers {
        begin(&listener, talk)?;
        while let Ok(status @ (Exited(..) | Signaled(..))) =
            waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG))
        {
            ends[right(status)] += 1;
        }
    }
    drop(listener);
    while ends.iter().sum::<usize>() < callers {
        ends[right(waitpid(None::<Pid>, None)?)] += 1;
    }
    Ok(ends)
}

#[expect(unsafe_code, reason = "libc declares it like any C function")]
fn raw_wait() -> libc::c_int {
    let mut status = 0;
    // SAFETY: the number is there to be written.
    unsafe { libc::waitpid(-1, &raw mut status, 0) };
    status
}

fn with_libc(listener: TcpListener, callers: usize, talk: Talk) -> Ends {
    for _ in 0..callers {
        begin(&listener, talk)?;
    }
    let mut ends = [0; 3];
    for _ in 0..callers {
        let status = raw_wait();
        let how = match (libc::WIFSIGNALED(status), libc::WEXITSTATUS(status)) {
            (true, _) => 2,
            (false, 0) => 0,
            _ => 1,
        };
        ends[how] += 1;
    }
    Ok(ends)
}

fn as_a_shell(listener: TcpListener, callers: usize, talk: Talk) -> Ends {
    all(&listener, callers, talk, |status| {
        let code = match status {
            Exited(_, code) => code,
            Signaled(_, signal, _) => 128 + signal as i32,
            _ => 0,
        };
        match code {
            0 => 0,
            1..=128 => 1,
            _ => 2,
        }
    })
}

/// Who ended by a signal has no code: 0.
fn high_byte(listener: TcpListener, callers: usize, talk: Talk) -> Ends {
    for _ in 0..callers {
        begin(&listener, talk)?;
    }
    let mut ends = [0; 3];
    for _ in 0..callers {
        ends[usize::from(raw_wait() >> 8 != 0)] += 1;
    }
    Ok(ends)
}

fn all_failed(listener: TcpListener, callers: usize, talk: Talk) -> Ends {
    all(&listener, callers, talk, |status| right(status).min(1))
}

fn codes_are_crashes(listener: TcpListener, callers: usize, talk: Talk) -> Ends {
    all(&listener, callers, talk, |status| match right(status) {
        0 => 0,
        _ => 2,
    })
}

fn goes_on(listener: TcpListener, callers: usize, talk: Talk) -> Ends {
    let mut ends = [0; 3];
    for _ in 0..callers {
        let (stream, _) = listener.accept()?;
        if fork()?.is_child() {
            talk(stream);
        }
    }
    for _ in 0..callers {
        ends[right(waitpid(None::<Pid>, None)?)] += 1;
    }
    Ok(ends)
}

fn keeps(listener: TcpListener, callers: usize, talk: Talk) -> Ends {
    let mut kept = Vec::new();
    let mut ends = [0; 3];
    for _ in 0..callers {
        let (stream, _) = listener.accept()?;
        kept.push(stream.try_clone()?);
        if fork()?.is_child() {
            drop(kept);
            exit_now(talk(stream));
        }
    }
    for _ in 0..callers {
        ends[right(waitpid(None::<Pid>, None)?)] += 1;
    }
    Ok(ends)
}

fn does_not_wait(listener: TcpListener, callers: usize, talk: Talk) -> Ends {
    let mut ends = [0; 3];
    for _ in 0..callers {
        begin(&listener, talk)?;
    }
    for _ in 0..callers {
        if let Ok(status @ (Exited(..) | Signaled(..))) =
            waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG))
        {
            ends[right(status)] += 1;
        }
    }
    Ok(ends)
}

fn no_fork(listener: TcpListener, callers: usize, talk: Talk) -> Ends {
    let mut ends = [0; 3];
    for _ in 0..callers {
        let code = talk(listener.accept()?.0);
        ends[usize::from(code != 0)] += 1;
    }
    Ok(ends)
}

fn an_error(listener: TcpListener, callers: usize, talk: Talk) -> Ends {
    let mut ends = [0; 3];
    for _ in 0..callers {
        begin(&listener, talk)?;
    }
    for _ in 0..callers {
        match waitpid(None::<Pid>, None)? {
            Signaled(_, signal, _) => {
                return Err(io::Error::other(format!("a child: {signal}")));
            }
            status => ends[right(status)] += 1,
        }
    }
    Ok(ends)
}

fn exits_only(listener: TcpListener, callers: usize, talk: Talk) -> Ends {
    let mut ends = [0; 3];
    for _ in 0..callers {
        begin(&listener, talk)?;
    }
    while let Ok(Exited(_, code)) = waitpid(None::<Pid>, None) {
        ends[usize::from(code != 0)] += 1;
    }
    Ok(ends)
}

/// Waits for a caller too many.
fn one_more(listener: TcpListener, callers: usize, talk: Talk) -> Ends {
    all(&listener, callers + 1, talk, right)
}

fn one_by_one(listener: TcpListener, callers: usize, talk: Talk) -> Ends {
    let mut ends = [0; 3];
    for _ in 0..callers {
        let child = begin(&listener, talk)?;
        ends[right(waitpid(child, None)?)] += 1;
    }
    Ok(ends)
}

/// What `talk` returns does not become the code.
fn always_0(listener: TcpListener, callers: usize, talk: Talk) -> Ends {
    for _ in 0..callers {
        let (stream, _) = listener.accept()?;
        if fork()?.is_child() {
            talk(stream);
            exit_now(0);
        }
    }
    let mut ends = [0; 3];
    for _ in 0..callers {
        ends[right(waitpid(None::<Pid>, None)?)] += 1;
    }
    Ok(ends)
}

fn beforehand(listener: TcpListener, callers: usize, talk: Talk) -> Ends {
    for _ in 0..callers {
        if fork()?.is_child() {
            let (stream, _) = listener.accept()?;
            exit_now(talk(stream));
        }
    }
    let mut ends = [0; 3];
    for _ in 0..callers {
        ends[right(waitpid(None::<Pid>, None)?)] += 1;
    }
    Ok(ends)
}
