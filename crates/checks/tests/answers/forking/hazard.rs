//! Answers to `forking/hazard`.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::{Mutex, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

use checks::answers::{Answer, Expected};
use checks_forking::hazard as check;

use super::{collect, exit_now, fork};

type Text = &'static Mutex<String>;
type Talk = fn(TcpStream, &str) -> u8;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer {
            name: "hazard: nothing at all",
            check: check(|_, _, _| todo!("the task")),
            expected: Expected::Untouched,
        },
        Answer::right("hazard right: a copy", check(a_copy)),
        Answer::right("hazard right: the lock is its own", check(its_own_lock)),
        Answer::right("hazard right: tries until it is open", check(tries)),
        Answer::right("hazard right: a copy on the stack", check(on_the_stack)),
        Answer::wrong("M118", "hazard: as it was found", check(as_found)),
        Answer::wrong("M118", "hazard: the lock first of all", check(first_of_all)),
        Answer::wrong("M118", "hazard: copies in the child", check(copies_there)),
        Answer::wrong("M111", "hazard: keeps the connection", check(keeps)),
        Answer::unnamed("held", "hazard: gives up", check(gives_up)),
        Answer::unnamed("held", "hazard: tries in the child", check(tries_there)),
        Answer::unnamed("after", "hazard: reads it once", check(reads_once)),
        Answer::unnamed("after", "hazard: reads before it accepts", check(too_early)),
        Answer::unnamed("own", "hazard: threads", check(threads)),
        Answer::unnamed("own", "hazard: no fork", check(no_fork)),
        Answer::unnamed("held", "hazard: keeps the lock", check(keeps_the_lock)),
    ]
}

fn now(text: Text) -> String {
    text.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn a_copy(listener: TcpListener, text: Text, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        collect();
        let now = now(text);
        if fork()?.is_child() {
            exit_now(talk(stream, &now));
        }
    }
}

fn its_own_lock(listener: TcpListener, text: Text, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        let guard = text.lock().unwrap();
        if fork()?.is_child() {
            exit_now(talk(stream, &guard));
        }
        drop(guard);
        collect();
    }
}

fn tries(listener: TcpListener, text: Text, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        collect();
        let now = loop {
            match text.try_lock() {
                Ok(text) => break text.clone(),
                Err(TryLockError::WouldBlock) => {
                    thread::sleep(Duration::from_millis(5));
                }
                Err(TryLockError::Poisoned(text)) => break text.into_inner().clone(),
            }
        };
        if fork()?.is_child() {
            exit_now(talk(stream, &now));
        }
    }
}

fn on_the_stack(listener: TcpListener, text: Text, talk: Talk) -> io::Result<()> {
    for stream in listener.incoming() {
        let stream = stream?;
        collect();
        let mut copy = [0; 256];
        let length = {
            let text = text.lock().unwrap();
            copy[..text.len()].copy_from_slice(text.as_bytes());
            text.len()
        };
        if fork()?.is_child() {
            match str::from_utf8(&copy[..length]) {
                Ok(text) => exit_now(talk(stream, text)),
                Err(_) => exit_now(1),
            }
        }
    }
    Ok(())
}

fn as_found(listener: TcpListener, text: Text, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        collect();
        if fork()?.is_child() {
            drop(listener);
            let now = text.lock().unwrap();
            exit_now(talk(stream, &now));
        }
    }
}

fn first_of_all(listener: TcpListener, text: Text, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        collect();
        if fork()?.is_child() {
            let now = now(text);
            drop(listener);
            exit_now(talk(stream, &now));
        }
    }
}

/// It looks whether the lock is open, and forks all the same.
fn copies_there(listener: TcpListener, text: Text, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        collect();
        let known = text.try_lock().ok().map(|text| text.clone());
        if fork()?.is_child() {
            let now = known.unwrap_or_else(|| now(text));
            exit_now(talk(stream, &now));
        }
    }
}

fn keeps(listener: TcpListener, text: Text, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        collect();
        let now = now(text);
        if fork()?.is_child() {
            exit_now(talk(stream, &now));
        }
        std::mem::forget(stream);
    }
}

fn gives_up(listener: TcpListener, text: Text, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        collect();
        let Ok(now) = text.try_lock().map(|text| text.clone()) else {
            continue;
        };
        if fork()?.is_child() {
            exit_now(talk(stream, &now));
        }
    }
}

/// A lock that nobody opens, asked for again and again.
fn tries_there(listener: TcpListener, text: Text, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        collect();
        if fork()?.is_child() {
            for _ in 0..20 {
                if let Ok(now) = text.try_lock() {
                    exit_now(talk(stream, &now));
                }
                thread::sleep(Duration::from_millis(5));
            }
            exit_now(1);
        }
    }
}

fn reads_once(listener: TcpListener, text: Text, talk: Talk) -> io::Result<()> {
    let now = now(text);
    loop {
        let (stream, _) = listener.accept()?;
        collect();
        if fork()?.is_child() {
            exit_now(talk(stream, &now));
        }
    }
}

fn too_early(listener: TcpListener, text: Text, talk: Talk) -> io::Result<()> {
    loop {
        let now = now(text);
        let (stream, _) = listener.accept()?;
        collect();
        if fork()?.is_child() {
            exit_now(talk(stream, &now));
        }
    }
}

fn threads(listener: TcpListener, text: Text, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        thread::spawn(move || talk(stream, &now(text)));
    }
}

fn no_fork(listener: TcpListener, text: Text, talk: Talk) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        talk(stream, &now(text));
    }
}

fn keeps_the_lock(listener: TcpListener, text: Text, talk: Talk) -> io::Result<()> {
    let guard = text.lock().unwrap();
    loop {
        let (stream, _) = listener.accept()?;
        collect();
        if fork()?.is_child() {
            exit_now(talk(stream, &guard));
        }
    }
}
