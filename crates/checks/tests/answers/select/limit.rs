//! Answers to `select/limit`.
#![expect(unsafe_code, reason = "C's sets know no numbers from 1024 on")]

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::Duration;
use std::{mem, ptr, thread};

use checks::answers::{Answer, Expected};
use checks_select::limit as check;
use nix::sys::select::{FD_SETSIZE, FdSet, select};
use nix::sys::time::{TimeVal, TimeValLike};

use super::unless_it_blocks;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("limit right: a pause", check(a_pause)),
        Answer::right("limit right: poll", check(by_poll)),
        Answer::wrong("M24", "limit: puts it into the set", check(into_the_set)),
        Answer::wrong("M24", "limit: aborts", check(aborts)),
        Answer::wrong("M25", "limit: unwraps accept", check(unwraps)),
        Answer::wrong("M25", "limit: asks again at once", check(asks_again)),
        Answer::wrong("M14", "limit: falls with a caller", check(falls)),
        Answer::unnamed("beyond", "limit: hangs up without a word", check(no_word)),
        Answer::unnamed("beyond", "limit: ends", check(ends)),
        Answer::unnamed("beyond", "limit: keeps it waiting", check(keeps_waiting)),
        Answer::unnamed("crowd", "limit: never looks again", check(never_again)),
        Answer::unnamed("beyond", "limit: sets of C", check(sets_of_c)),
        Answer {
            name: "limit: the stub",
            check: check(|_| todo!("the task")),
            expected: Expected::Untouched,
        },
    ]
}

/// What becomes of a caller for whom a set has no bit, and of an `accept` that fails.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Right,
    IntoTheSet,
    Aborts,
    NoWord,
    Ends,
    KeepsWaiting,
    Unwraps,
    AsksAgain,
    NeverAgain,
    Falls,
}

fn serve(listener: &TcpListener, way: Way) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut callers: BTreeMap<RawFd, TcpStream> = BTreeMap::new();
    let mut waiting = Vec::new();
    let mut full = false;
    loop {
        let mut reads = FdSet::new();
        if !full {
            reads.insert(listener.as_fd());
        }
        for stream in callers.values() {
            reads.insert(stream.as_fd());
        }
        let mut tenth = TimeVal::milliseconds(100);
        let limit = (full && way != Way::NeverAgain).then_some(&mut tenth);
        if select(None, &mut reads, None, None, limit)? == 0 {
            full = false;
            continue;
        }
        let ready: Vec<RawFd> = reads.fds(None).map(|fd| fd.as_raw_fd()).collect();
        for fd in ready {
            if fd != listener.as_raw_fd() {
                if let Some(stream) = callers.get(&fd) {
                    let answered = match (answer(stream), way) {
                        (Err(error), Way::Falls) => return Err(error),
                        (answered, _) => answered.unwrap_or(false),
                    };
                    if !answered {
                        callers.remove(&fd);
                    }
                }
                continue;
            }
            let accepted = match way {
                Way::Unwraps => Some(listener.accept().unwrap()),
                Way::AsksAgain => listener.accept().ok(),
                _ => match unless_it_blocks(listener.accept()) {
                    Ok(accepted) => accepted,
                    Err(_) => {
                        full = true;
                        None
                    }
                },
            };
            let Some((mut stream, _)) = accepted else {
                continue;
            };
            let fd = stream.as_raw_fd();
            let fits = usize::try_from(fd).is_ok_and(|fd| fd < FD_SETSIZE);
            match way {
                _ if fits => drop(callers.insert(fd, stream)),
                Way::IntoTheSet => drop(callers.insert(fd, stream)),
                Way::Aborts => std::process::abort(),
                Way::NoWord => {}
                Way::Ends => return Ok(()),
                Way::KeepsWaiting => waiting.push(stream),
                _ => drop(stream.write_all(b"busy\n")),
            }
        }
    }
}

fn answer(mut stream: &TcpStream) -> io::Result<bool> {
    let mut buffer = [0; 4096];
    let length = stream.read(&mut buffer)?;
    stream.write_all(&buffer[..length].to_ascii_uppercase())?;
    Ok(length > 0)
}

fn into_the_set(listener: TcpListener) -> io::Result<()> {
    serve(&listener, Way::IntoTheSet)
}

/// As glibc does for who asks for it (_FORTIFY_SOURCE).
fn aborts(listener: TcpListener) -> io::Result<()> {
    serve(&listener, Way::Aborts)
}

fn unwraps(listener: TcpListener) -> io::Result<()> {
    serve(&listener, Way::Unwraps)
}

fn asks_again(listener: TcpListener) -> io::Result<()> {
    serve(&listener, Way::AsksAgain)
}

fn no_word(listener: TcpListener) -> io::Result<()> {
    serve(&listener, Way::NoWord)
}

fn ends(listener: TcpListener) -> io::Result<()> {
    serve(&listener, Way::Ends)
}

fn keeps_waiting(listener: TcpListener) -> io::Result<()> {
    serve(&listener, Way::KeepsWaiting)
}

fn never_again(listener: TcpListener) -> io::Result<()> {
    serve(&listener, Way::NeverAgain)
}

fn falls(listener: TcpListener) -> io::Result<()> {
    serve(&listener, Way::Falls)
}

/// Sleeps a moment where no descriptor is left.
fn a_pause(listener: TcpListener) -> io::Result<()> {
    serve(&listener, Way::Right)
}

/// `poll` knows no 1024; it sleeps a moment, too.
fn by_poll(listener: TcpListener) -> io::Result<()> {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    let mut callers: Vec<TcpStream> = Vec::new();
    loop {
        let mut list = vec![PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
        for stream in &callers {
            list.push(PollFd::new(stream.as_fd(), PollFlags::POLLIN));
        }
        poll(&mut list, PollTimeout::NONE)?;
        let ready: Vec<bool> =
            list.iter().map(|it| it.any() != Some(false)).collect();
        let mut nr = 0;
        callers.retain(|stream| {
            nr += 1;
            !ready[nr] || answer(stream).unwrap_or(false)
        });
        if ready[0] {
            match listener.accept() {
                Ok((stream, _)) => callers.push(stream),
                Err(_) => thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

/// C's sets, which are too small: a bit beyond them is not set here, but it is not
/// looked at either, and the caller is never heard.
fn sets_of_c(listener: TcpListener) -> io::Result<()> {
    let mut callers: Vec<TcpStream> = Vec::new();
    loop {
        // SAFETY: only numbers below 1024 are looked at.
        let ready = |fd: RawFd, set: &libc::fd_set| unsafe {
            fd < 1024 && libc::FD_ISSET(fd, set)
        };
        // SAFETY: a set of zeros is an empty set.
        let mut set: libc::fd_set = unsafe { mem::zeroed() };
        let all = callers.iter().map(AsRawFd::as_raw_fd);
        for fd in all.chain([listener.as_raw_fd()]).filter(|fd| *fd < 1024) {
            // SAFETY: as above.
            unsafe { libc::FD_SET(fd, &mut set) };
        }
        let none = ptr::null_mut();
        // SAFETY: the set lives, and the other pointers may be null.
        let count = unsafe { libc::select(1024, &mut set, none, none, none.cast()) };
        if count < 0 {
            return Err(io::Error::last_os_error());
        }
        callers.retain(|stream| {
            !ready(stream.as_raw_fd(), &set) || answer(stream).unwrap_or(false)
        });
        if ready(listener.as_raw_fd(), &set) {
            match listener.accept() {
                Ok((stream, _)) => callers.push(stream),
                Err(_) => thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}
