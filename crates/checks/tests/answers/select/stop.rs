//! Answers to `select/stop`.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use checks::answers::{Answer, Expected};
use checks_select::stop as check;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd;

use super::unless_it_blocks;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("stop it right: a pipe and a flag", check(a_pipe_and_a_flag)),
        Answer::right("stop it right: a datagram", check(a_shut_socket)),
        #[cfg(target_os = "linux")]
        Answer::right("stop it right: an eventfd", check(an_eventfd)),
        Answer::wrong("M31", "stop it: a flag", check(a_flag)),
        Answer::wrong(
            "M128",
            "stop it: drained at the start",
            check(drained_first),
        ),
        Answer::wrong(
            "M126",
            "stop it: a pipe that blocks",
            check(a_pipe_that_blocks),
        ),
        Answer::wrong("M125", "stop it: ends at once", check(ends_at_once)),
        Answer::wrong("M124", "stop it: looks at a flag", check(looks_at_a_flag)),
        Answer::wrong("M21", "stop it: never waits", check(never_waits)),
        Answer::wrong("M14", "stop it: falls with a caller", check(falls)),
        Answer::unnamed("served", "stop it: serves on", check(serves_on)),
        Answer::unnamed("idle", "stop it: panics when over", check(panics_when_over)),
        Answer::unnamed("idle", "stop it: exits", check(exits)),
        Answer {
            name: "stop it: the stub",
            check: check(|_, _| todo!("the task")),
            expected: Expected::Untouched,
        },
    ]
}

type Stop = Box<dyn Fn() + Send + Sync>;
type Ready<'a> = &'a dyn Fn(Stop);

/// How a server goes about its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Right,
    EndsAtOnce,
    LooksAtAFlag,
    NeverWaits,
    Falls,
    ServesOn,
}

struct Caller {
    stream: TcpStream,
    queue: Vec<u8>,
    ended: bool,
}

/// Serves until there is something to read at `bell`, or the `flag` is set.
fn serve(
    listener: &TcpListener,
    bell: Option<BorrowedFd<'_>>,
    flag: &AtomicBool,
    way: Way,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut callers: Vec<Caller> = Vec::new();
    let mut stopping = false;
    loop {
        stopping |= flag.load(Ordering::SeqCst);
        if stopping && way == Way::EndsAtOnce {
            return Ok(());
        }
        let lets_go = stopping && way != Way::ServesOn;
        callers.retain(|it| !(it.queue.is_empty() && (it.ended || lets_go)));
        if stopping && callers.is_empty() {
            return Ok(());
        }
        let mut list = Vec::new();
        if !stopping {
            list.push(PollFd::new(listener.as_fd(), PollFlags::POLLIN));
        }
        for caller in &callers {
            let mut events = PollFlags::empty();
            events.set(PollFlags::POLLIN, !lets_go && !caller.ended);
            events.set(PollFlags::POLLOUT, !caller.queue.is_empty());
            list.push(PollFd::new(caller.stream.as_fd(), events));
        }
        if let (Some(bell), false) = (bell, stopping) {
            list.push(PollFd::new(bell, PollFlags::POLLIN));
        }
        let limit = match way {
            Way::LooksAtAFlag => PollTimeout::from(10_u8),
            Way::NeverWaits => PollTimeout::ZERO,
            _ => PollTimeout::NONE,
        };
        poll(&mut list, limit)?;
        let rings = |it: &PollFd<'_>| it.any() != Some(false);
        let rang = bell.is_some() && !stopping && list.last().is_some_and(rings);
        stopping |= rang;
        for caller in &mut callers {
            match turn(caller, !lets_go) {
                Err(error) if way == Way::Falls => return Err(error),
                Err(_) => (caller.ended, caller.queue) = (true, Vec::new()),
                Ok(()) => {}
            }
        }
        if !stopping && let Some((stream, _)) = unless_it_blocks(listener.accept())? {
            stream.set_nonblocking(true)?;
            let (queue, ended) = (Vec::new(), false);
            callers.push(Caller {
                stream,
                queue,
                ended,
            });
        }
    }
}

/// Tries to read and to write, ready or not: neither waits.
fn turn(caller: &mut Caller, reading: bool) -> io::Result<()> {
    let mut buffer = [0; 16 << 10];
    if reading
        && !caller.ended
        && let Some(length) = unless_it_blocks(caller.stream.read(&mut buffer))?
    {
        caller.ended = length == 0;
        caller.queue.extend(buffer[..length].to_ascii_uppercase());
    }
    if !caller.queue.is_empty() {
        let taken = unless_it_blocks(caller.stream.write(&caller.queue))?;
        caller.queue.drain(..taken.unwrap_or(0));
    }
    Ok(())
}

static NEVER: AtomicBool = AtomicBool::new(false);

/// Both ends of a pipe, the one to read from first; the other blocks or does not.
fn pipe(blocks: bool) -> io::Result<(OwnedFd, Arc<OwnedFd>)> {
    let (output, input) = io::pipe()?;
    let input = OwnedFd::from(input);
    if !blocks {
        let stream = UnixStream::from(input); // std's way to a flag
        stream.set_nonblocking(true)?;
        return Ok((OwnedFd::from(output), Arc::new(OwnedFd::from(stream))));
    }
    Ok((OwnedFd::from(output), Arc::new(input)))
}

fn a_pipe_and_a_flag(listener: TcpListener, ready: Ready<'_>) -> io::Result<()> {
    let flag = Arc::new(AtomicBool::new(false));
    let (output, input) = pipe(false)?;
    let (set, bell) = (Arc::clone(&flag), Arc::clone(&input));
    ready(Box::new(move || {
        if !set.swap(true, Ordering::SeqCst) {
            let _ = unistd::write(&*bell, b"!");
        }
    }));
    serve(&listener, Some(output.as_fd()), &flag, Way::Right)
}

/// The end of a stream is as good as a byte in it.
fn a_shut_socket(listener: TcpListener, ready: Ready<'_>) -> io::Result<()> {
    let (here, there) = UnixStream::pair()?;
    ready(Box::new(move || {
        let _ = there.shutdown(std::net::Shutdown::Write);
    }));
    serve(&listener, Some(here.as_fd()), &NEVER, Way::Right)
}

#[cfg(target_os = "linux")]
fn an_eventfd(listener: TcpListener, ready: Ready<'_>) -> io::Result<()> {
    use nix::sys::eventfd::{EfdFlags, EventFd};
    let count = Arc::new(EventFd::from_flags(EfdFlags::EFD_NONBLOCK)?);
    let bell = Arc::clone(&count);
    ready(Box::new(move || {
        let _ = bell.write(1);
    }));
    serve(&listener, Some(count.as_fd()), &NEVER, Way::Right)
}

fn flagged(listener: &TcpListener, ready: Ready<'_>, way: Way) -> io::Result<()> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    ready(Box::new(move || set.store(true, Ordering::SeqCst)));
    serve(listener, None, &flag, way)
}

fn a_flag(listener: TcpListener, ready: Ready<'_>) -> io::Result<()> {
    flagged(&listener, ready, Way::Right)
}

fn looks_at_a_flag(listener: TcpListener, ready: Ready<'_>) -> io::Result<()> {
    flagged(&listener, ready, Way::LooksAtAFlag)
}

fn never_waits(listener: TcpListener, ready: Ready<'_>) -> io::Result<()> {
    flagged(&listener, ready, Way::NeverWaits)
}

fn belled(listener: &TcpListener, ready: Ready<'_>, way: Way) -> io::Result<()> {
    let (output, input) = pipe(false)?;
    let bell = Arc::clone(&input);
    ready(Box::new(move || {
        let _ = unistd::write(&*bell, b"!");
    }));
    serve(listener, Some(output.as_fd()), &NEVER, way)
}

fn ends_at_once(listener: TcpListener, ready: Ready<'_>) -> io::Result<()> {
    let flag = Arc::new(AtomicBool::new(false));
    let (output, input) = pipe(false)?;
    let (set, bell) = (Arc::clone(&flag), Arc::clone(&input));
    ready(Box::new(move || {
        set.store(true, Ordering::SeqCst);
        let _ = unistd::write(&*bell, b"!");
    }));
    serve(&listener, Some(output.as_fd()), &flag, Way::EndsAtOnce)
}

fn falls(listener: TcpListener, ready: Ready<'_>) -> io::Result<()> {
    belled(&listener, ready, Way::Falls)
}

fn serves_on(listener: TcpListener, ready: Ready<'_>) -> io::Result<()> {
    belled(&listener, ready, Way::ServesOn)
}

fn a_pipe_that_blocks(listener: TcpListener, ready: Ready<'_>) -> io::Result<()> {
    let (output, input) = pipe(true)?;
    ready(Box::new(move || {
        let _ = unistd::write(&*input, b"!");
    }));
    serve(&listener, Some(output.as_fd()), &NEVER, Way::Right)
}

/// Begins with a clean pipe, and so throws away what came before.
fn drained_first(listener: TcpListener, ready: Ready<'_>) -> io::Result<()> {
    let (mut here, there) = UnixStream::pair()?;
    there.set_nonblocking(true)?;
    let there = Arc::new(there);
    let bell = Arc::clone(&there);
    ready(Box::new(move || {
        let _ = (&*bell).write(b"!");
    }));
    here.set_nonblocking(true)?;
    let _ = here.read(&mut [0; 4096]);
    serve(&listener, Some(here.as_fd()), &NEVER, Way::Right)
}

fn panics_when_over(listener: TcpListener, ready: Ready<'_>) -> io::Result<()> {
    let (output, input) = pipe(false)?;
    ready(Box::new(move || {
        unistd::write(&*input, b"!").unwrap(); // nobody there, or no room
    }));
    serve(&listener, Some(output.as_fd()), &NEVER, Way::Right)
}

fn exits(listener: TcpListener, ready: Ready<'_>) -> io::Result<()> {
    ready(Box::new(|| std::process::exit(0)));
    serve(&listener, None, &NEVER, Way::Right)
}
