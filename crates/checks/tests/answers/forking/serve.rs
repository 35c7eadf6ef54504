//! Answers to `forking/serve`.

use std::io::{self, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::{process, thread};

use checks::answers::{Answer, Expected};
use checks_forking::serve as check;
use nix::sys::wait::waitpid;
use nix::unistd::ForkResult::{Child, Parent};

use super::{exit_now, fork};

type Talk = fn(TcpStream) -> u8;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer {
            name: "fork serve: the stub",
            check: check(|_, _| todo!("the task")),
            expected: Expected::Untouched,
        },
        Answer::right("fork serve right: plain", check(plain)),
        Answer::right("fork serve right: flushes first", check(flushes_first)),
        Answer::right("fork serve right: a fork of a fork", check(fork_of_a_fork)),
        Answer::right("fork serve right: collects too", check(collects_too)),
        Answer::right(
            "fork serve right: listener in an Option",
            check(in_an_option),
        ),
        Answer::wrong("M111", "fork serve: keeps the connection", check(keeps)),
        Answer::wrong("M111", "fork serve: keeps them in a list", check(in_a_list)),
        Answer::wrong("M111", "fork serve: keeps a clone", check(keeps_a_clone)),
        Answer::wrong("M110", "fork serve: keeps the listener", check(listens_on)),
        Answer::wrong("M112", "fork serve: goes on in the loop", check(goes_on)),
        Answer::wrong("M112", "fork serve: breaks and returns", check(returns)),
        Answer::wrong(
            "M112",
            "fork serve: one question mark",
            check(question_mark),
        ),
        Answer::wrong("M113", "fork serve: exits", check(exits)),
        Answer::wrong("M115", "fork serve: waits for each", check(waits_for_each)),
        Answer::unnamed("two", "fork serve: threads", check(threads)),
        Answer::unnamed("two", "fork serve: no fork", check(no_fork)),
        Answer::unnamed(
            "end",
            "fork serve: threads, and a clone",
            check(leaky_threads),
        ),
        Answer::unnamed("two", "fork serve: workers beforehand", check(beforehand)),
        Answer::unnamed("two", "fork serve: one child for all", check(one_child)),
        Answer::unnamed("two", "fork serve: one caller only", check(one_only)),
        Answer::unnamed("child", "fork serve: child sleeps on", check(sleeps_on)),
        Answer::wrong("M21", "fork serve: asks and asks", check(asks_and_asks)),
        Answer::unnamed("code", "fork serve: always code 0", check(always_0)),
    ]
}

fn plain(listener: TcpListener, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        if let Child = fork()? {
            drop(listener);
            exit_now(talk(stream));
        }
    }
}

fn flushes_first(listener: TcpListener, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        io::stdout().flush()?;
        if fork()?.is_child() {
            drop(listener);
            process::exit(talk(stream).into())
        }
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
            Parent { child } => {
                waitpid(child, None)?;
            }
        }
    }
}

fn collects_too(listener: TcpListener, talk: Talk) -> io::Result<()> {
    use nix::sys::signal::{SaFlags, SigHandler};
    super::on_child(SigHandler::SigIgn, SaFlags::empty());
    plain(listener, talk)
}

fn in_an_option(listener: TcpListener, talk: Talk) -> io::Result<()> {
    let mut listener = Some(listener);
    while let Some(door) = &listener {
        let Ok((stream, _)) = door.accept() else {
            continue;
        };
        match fork() {
            Ok(Child) => {
                drop(listener.take());
                let code = talk(stream);
                exit_now(code)
            }
            Ok(Parent { .. }) => drop(stream),
            Err(_) => {}
        }
    }
    Ok(())
}

fn keeps(listener: TcpListener, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        match fork()? {
            Child => {
                drop(listener);
                exit_now(talk(stream))
            }
            Parent { .. } => std::mem::forget(stream),
        }
    }
}

fn in_a_list(listener: TcpListener, talk: Talk) -> io::Result<()> {
    let mut callers = Vec::new();
    loop {
        let (stream, _) = listener.accept()?;
        match fork()? {
            Child => {
                drop((listener, callers));
                exit_now(talk(stream))
            }
            Parent { .. } => callers.push(stream),
        }
    }
}

/// The child shuts the connection down, so that the caller sees its end all the same.
fn keeps_a_clone(listener: TcpListener, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        match fork()? {
            Child => {
                drop(listener);
                let clone = stream.try_clone()?;
                let code = talk(stream);
                let _ = clone.shutdown(Shutdown::Both);
                exit_now(code)
            }
            Parent { .. } => std::mem::forget(stream),
        }
    }
}

fn listens_on(listener: TcpListener, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        match fork()? {
            Child => exit_now(talk(stream)),
            Parent { .. } => drop(stream),
        }
    }
}

fn goes_on(listener: TcpListener, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        if fork()?.is_child() {
            talk(stream);
        }
    }
}

fn returns(listener: TcpListener, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        if fork()?.is_child() {
            drop(listener);
            talk(stream);
            break;
        }
    }
    Ok(())
}

fn question_mark(listener: TcpListener, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        if fork()?.is_child() {
            match talk(stream) {
                1 => exit_now(1),
                _ => Err(io::Error::other("the visit is over"))?,
            }
        }
    }
}

fn exits(listener: TcpListener, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        if fork()?.is_child() {
            drop(listener);
            process::exit(talk(stream).into());
        }
    }
}

fn always_0(listener: TcpListener, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        if fork()?.is_child() {
            drop(listener);
            talk(stream);
            exit_now(0);
        }
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
                waitpid(child, None)?;
            }
        }
    }
}

fn threads(listener: TcpListener, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        thread::spawn(move || talk(stream));
    }
}

fn no_fork(listener: TcpListener, talk: Talk) -> io::Result<()> {
    loop {
        talk(listener.accept()?.0);
    }
}

/// One child serves all callers, in threads, and starts when the first has come.
fn one_child(listener: TcpListener, talk: Talk) -> io::Result<()> {
    let (first, _) = listener.accept()?;
    match fork()? {
        Parent { .. } => {
            drop((first, listener));
            loop {
                thread::park();
            }
        }
        Child => {
            thread::spawn(move || talk(first));
            let _ = threads(listener, talk);
            exit_now(1)
        }
    }
}

fn one_only(listener: TcpListener, talk: Talk) -> io::Result<()> {
    let (stream, _) = listener.accept()?;
    if fork()?.is_child() {
        drop(listener);
        exit_now(talk(stream));
    }
    Ok(())
}

/// A child that has talked has nothing to do, and does not end.
fn sleeps_on(listener: TcpListener, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        if fork()?.is_child() {
            drop(listener);
            talk(stream);
            loop {
                nix::unistd::pause();
            }
        }
    }
}

fn asks_and_asks(listener: TcpListener, talk: Talk) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    loop {
        let Ok((stream, _)) = listener.accept() else {
            continue;
        };
        stream.set_nonblocking(false)?;
        if fork()?.is_child() {
            drop(listener);
            exit_now(talk(stream));
        }
    }
}

fn leaky_threads(listener: TcpListener, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        std::mem::forget(stream.try_clone()?);
        thread::spawn(move || talk(stream));
    }
}

fn beforehand(listener: TcpListener, talk: Talk) -> io::Result<()> {
    for _ in 0..8 {
        if fork()?.is_child() {
            loop {
                let (stream, _) = listener.accept()?;
                talk(stream);
            }
        }
    }
    drop(listener);
    loop {
        nix::unistd::pause();
    }
}
