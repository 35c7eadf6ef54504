//! Answers to the exercises of lesson 10.

#[cfg(target_os = "linux")]
mod edge;
mod idle;
mod limit;
mod lines;
mod queue;
mod stop;

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;

use checks::answers::Answer;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

pub fn answers() -> Vec<Answer> {
    let answers = [
        lines::answers(),
        queue::answers(),
        #[cfg(target_os = "linux")]
        edge::answers(),
        limit::answers(),
        idle::answers(),
        stop::answers(),
    ];
    answers.into_iter().flatten().collect()
}

/// What a server of bytes on `poll` does otherwise than it should.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slip {
    None,
    /// It waits for room whether it has something to write or not.
    AlwaysWaitsForRoom,
    /// Its wait does not wait.
    NeverWaits,
    /// It does, unless a caller is paused.
    NeverWaitsWhilePaused,
    /// It drops what a write did not take.
    DropsTheRest,
    /// It takes "no room" for a failure.
    DropsTheCaller,
    /// It panics at "no room".
    Unwraps,
    /// It does not wait for room.
    ForgetsTheQueue,
    /// It reads no more from who was paused once.
    NeverResumes,
    /// It has no mark.
    NoMark,
    /// Its mark is on what it reads, not on what it keeps.
    HoldsTwice,
    /// It leaves who has ended in the list.
    KeepsTheEnded,
    /// It takes who has ended out of the list, and keeps the stream.
    ForgetsToClose,
    /// It gives up when a caller breaks off.
    FallsWithACaller,
    /// It writes until all is written, blocking.
    WritesBlocking,
    /// It closes as soon as the caller has ended, whatever waits in the queue.
    ClosesAtTheEnd,
}

struct Caller {
    stream: TcpStream,
    queue: VecDeque<u8>,
    ended: bool,
    paused: bool,
}

/// Sends back in capitals what comes, with queues up to `mark`, but for the `slip`.
fn bytes(listener: &TcpListener, mark: usize, slip: Slip) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut callers: Vec<Caller> = Vec::new();
    let mut kept = Vec::new();
    loop {
        let ready = wait(listener, &mut callers, mark, slip)?;
        for (caller, _) in callers.iter_mut().zip(&ready[1..]).filter(|it| *it.1) {
            match turn(caller, mark, slip) {
                Ok(()) => {}
                Err(error) if slip == Slip::FallsWithACaller => return Err(error),
                Err(_) => (caller.ended, caller.queue) = (true, VecDeque::new()),
            }
        }
        if slip != Slip::KeepsTheEnded {
            let closes = slip == Slip::ClosesAtTheEnd;
            for caller in callers.extract_if(.., |caller| {
                caller.ended && (caller.queue.is_empty() || closes)
            }) {
                if slip == Slip::ForgetsToClose {
                    kept.push(caller);
                }
            }
        }
        if ready[0]
            && let Ok((stream, _)) = listener.accept()
        {
            stream.set_nonblocking(slip != Slip::WritesBlocking)?;
            callers.push(Caller {
                stream,
                queue: VecDeque::new(),
                ended: false,
                paused: false,
            });
        }
    }
}

fn wait(
    listener: &TcpListener,
    callers: &mut [Caller],
    mark: usize,
    slip: Slip,
) -> io::Result<Vec<bool>> {
    let mut list = vec![PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
    let mut paused = false;
    for caller in callers.iter_mut() {
        let full = caller.queue.len() >= mark && slip != Slip::NoMark;
        caller.paused = full || caller.paused && slip == Slip::NeverResumes;
        paused |= caller.paused;
        let wants_read = !caller.paused
            && (!caller.ended || slip == Slip::KeepsTheEnded)
            || slip == Slip::HoldsTwice && !caller.ended;
        let wants_write = !caller.queue.is_empty() && slip != Slip::ForgetsTheQueue
            || slip == Slip::AlwaysWaitsForRoom;
        let mut events = PollFlags::empty();
        events.set(PollFlags::POLLIN, wants_read);
        events.set(PollFlags::POLLOUT, wants_write);
        list.push(PollFd::new(caller.stream.as_fd(), events));
    }
    let limit = match slip {
        Slip::NeverWaits => PollTimeout::ZERO,
        Slip::NeverWaitsWhilePaused if paused => PollTimeout::ZERO,
        _ => PollTimeout::NONE,
    };
    poll(&mut list, limit)?;
    Ok(list.iter().map(|it| it.any() != Some(false)).collect())
}

fn turn(caller: &mut Caller, mark: usize, slip: Slip) -> io::Result<()> {
    let reads = match slip {
        Slip::NoMark | Slip::HoldsTwice => true,
        _ => caller.queue.len() < mark && !caller.paused,
    };
    if reads && !caller.ended {
        let mut buffer = [0; 16 << 10];
        let read = match slip {
            // A read would wait; poll said that there is something, or room.
            Slip::WritesBlocking => caller.stream.read(&mut buffer).map(Some),
            _ => unless_it_blocks(caller.stream.read(&mut buffer)),
        };
        if let Some(length) = read? {
            caller.ended = length == 0;
            caller.queue.extend(buffer[..length].to_ascii_uppercase());
        }
    }
    if caller.queue.is_empty() {
        return Ok(());
    }
    let bytes = caller.queue.make_contiguous();
    match slip {
        Slip::WritesBlocking => {
            caller.stream.write_all(bytes)?;
            caller.queue.clear();
        }
        Slip::DropsTheRest => {
            unless_it_blocks(caller.stream.write(bytes))?;
            caller.queue.clear();
        }
        Slip::DropsTheCaller => {
            let taken = caller.stream.write(bytes)?;
            caller.queue.drain(..taken);
        }
        Slip::Unwraps => {
            let taken = caller.stream.write(bytes).unwrap();
            caller.queue.drain(..taken);
        }
        _ => {
            let taken = unless_it_blocks(caller.stream.write(bytes))?;
            caller.queue.drain(..taken.unwrap_or(0));
        }
    }
    Ok(())
}

fn unless_it_blocks<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}
