//! Answers to `select/queue`.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::thread;

use checks::answers::{Answer, Expected};
use checks_select::queue as check;
use nix::sys::select::{FdSet, select};

use super::{Slip, bytes, unless_it_blocks};

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right(
            "queue right: poll",
            check(|l, mark| bytes(&l, mark, Slip::None)),
        ),
        Answer::right("queue right: select, at once", check(by_select)),
        Answer::right("queue right: a low mark of its own", check(a_low_mark)),
        Answer::wrong("M4", "queue: drops the rest", check(drops_the_rest)),
        Answer::wrong("M21", "queue: never waits", check(never_waits)),
        Answer::wrong(
            "M21",
            "queue: spins while paused",
            check(spins_while_paused),
        ),
        Answer::wrong(
            "M22",
            "queue: always waits for room",
            check(always_writable),
        ),
        Answer::wrong("M120", "queue: no mark", check(no_mark)),
        Answer::wrong("M121", "queue: forgets the queue", check(forgets_the_queue)),
        Answer::wrong("M122", "queue: drops the caller", check(drops_the_caller)),
        Answer::wrong("M127", "queue: never resumes", check(never_resumes)),
        Answer::wrong("M5", "queue: keeps the ended", check(keeps_the_ended)),
        Answer::wrong("M13", "queue: forgets to close", check(forgets_to_close)),
        Answer::wrong("M14", "queue: falls with a caller", check(falls)),
        Answer::unnamed("slow", "queue: unwraps no room", check(unwraps)),
        Answer::unnamed("other", "queue: writes blocking", check(writes_blocking)),
        Answer::unnamed("late", "queue: closes at the end", check(closes_at_the_end)),
        Answer::unnamed("alone", "queue: a thread each", check(a_thread_each)),
        Answer {
            name: "queue: the stub",
            check: check(|_, _| todo!("the task")),
            expected: Expected::Untouched,
        },
    ]
}

/// Tries to write at once, and waits for room only where that was not enough.
fn by_select(listener: TcpListener, mark: usize) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut callers: HashMap<RawFd, (TcpStream, Vec<u8>, bool)> = HashMap::new();
    loop {
        let (mut reads, mut writes) = (FdSet::new(), FdSet::new());
        reads.insert(listener.as_fd());
        for (stream, queue, ended) in callers.values() {
            if queue.len() < mark && !ended {
                reads.insert(stream.as_fd());
            }
            if !queue.is_empty() {
                writes.insert(stream.as_fd());
            }
        }
        select(None, &mut reads, &mut writes, None, None)?;
        let fds = |set: &FdSet<'_>| -> Vec<RawFd> {
            set.fds(None).map(|fd| fd.as_raw_fd()).collect()
        };
        let (readable, writable) = (fds(&reads), fds(&writes));
        for fd in readable {
            if fd == listener.as_raw_fd() {
                while let Some((stream, _)) = unless_it_blocks(listener.accept())? {
                    stream.set_nonblocking(true)?;
                    let fd = stream.as_raw_fd();
                    callers.insert(fd, (stream, Vec::new(), false));
                }
            } else if let Some((stream, queue, ended)) = callers.get_mut(&fd) {
                let mut buffer = vec![0; 60_000];
                match unless_it_blocks(stream.read(&mut buffer)) {
                    Ok(Some(0)) => *ended = true,
                    Ok(Some(length)) => {
                        queue.extend(buffer[..length].to_ascii_uppercase());
                    }
                    Ok(None) => {}
                    Err(_) => (*queue, *ended) = (Vec::new(), true),
                }
            }
        }
        let queued = callers.iter().filter(|it| !it.1.1.is_empty());
        let queued: Vec<RawFd> = queued.map(|it| *it.0).collect();
        for fd in writable.into_iter().chain(queued) {
            let Some((stream, queue, ended)) = callers.get_mut(&fd) else {
                continue;
            };
            match unless_it_blocks(stream.write(queue)) {
                Ok(taken) => drop(queue.drain(..taken.unwrap_or(0))),
                Err(_) => (*queue, *ended) = (Vec::new(), true),
            }
        }
        callers.retain(|_, (_, queue, ended)| !(*ended && queue.is_empty()));
    }
}

fn a_low_mark(listener: TcpListener, _: usize) -> io::Result<()> {
    bytes(&listener, 1, Slip::None)
}

fn drops_the_rest(listener: TcpListener, mark: usize) -> io::Result<()> {
    bytes(&listener, mark, Slip::DropsTheRest)
}

fn never_waits(listener: TcpListener, mark: usize) -> io::Result<()> {
    bytes(&listener, mark, Slip::NeverWaits)
}

fn spins_while_paused(listener: TcpListener, mark: usize) -> io::Result<()> {
    bytes(&listener, mark, Slip::NeverWaitsWhilePaused)
}

fn always_writable(listener: TcpListener, mark: usize) -> io::Result<()> {
    bytes(&listener, mark, Slip::AlwaysWaitsForRoom)
}

fn no_mark(listener: TcpListener, mark: usize) -> io::Result<()> {
    bytes(&listener, mark, Slip::NoMark)
}

fn forgets_the_queue(listener: TcpListener, mark: usize) -> io::Result<()> {
    bytes(&listener, mark, Slip::ForgetsTheQueue)
}

fn drops_the_caller(listener: TcpListener, mark: usize) -> io::Result<()> {
    bytes(&listener, mark, Slip::DropsTheCaller)
}

fn never_resumes(listener: TcpListener, mark: usize) -> io::Result<()> {
    bytes(&listener, mark, Slip::NeverResumes)
}

fn keeps_the_ended(listener: TcpListener, mark: usize) -> io::Result<()> {
    bytes(&listener, mark, Slip::KeepsTheEnded)
}

fn forgets_to_close(listener: TcpListener, mark: usize) -> io::Result<()> {
    bytes(&listener, mark, Slip::ForgetsToClose)
}

fn falls(listener: TcpListener, mark: usize) -> io::Result<()> {
    bytes(&listener, mark, Slip::FallsWithACaller)
}

fn unwraps(listener: TcpListener, mark: usize) -> io::Result<()> {
    bytes(&listener, mark, Slip::Unwraps)
}

fn writes_blocking(listener: TcpListener, mark: usize) -> io::Result<()> {
    bytes(&listener, mark, Slip::WritesBlocking)
}

fn closes_at_the_end(listener: TcpListener, mark: usize) -> io::Result<()> {
    bytes(&listener, mark, Slip::ClosesAtTheEnd)
}

/// Right in all but the one thread; the kernel's buffers are its queue.
fn a_thread_each(listener: TcpListener, _: usize) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = stream.read(&mut buffer) {
                let answer = buffer[..length].to_ascii_uppercase();
                if stream.write_all(&answer).is_err() {
                    return;
                }
            }
        });
    }
}
