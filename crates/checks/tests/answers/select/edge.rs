//! Answers to `select/edge`.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

use checks::answers::{Answer, Expected};
use checks_select::edge as check;
use nix::errno::Errno;
use nix::sys::epoll::{
    Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout,
};

use super::{bytes, unless_it_blocks};

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("edge right: in small pieces", check(small_pieces)),
        Answer::right("edge right: room on demand", check(room_on_demand)),
        Answer::wrong("M23", "edge: one read", check(one_read)),
        Answer::wrong("M23", "edge: one large read", check(one_large_read)),
        Answer::wrong("M23", "edge: one accept", check(one_accept)),
        Answer::wrong("M4", "edge: drops the rest", check(drops_the_rest)),
        Answer::wrong("M21", "edge: never waits", check(never_waits)),
        Answer::wrong("M38", "edge: a signal ends it", check(a_signal_ends_it)),
        Answer::unnamed("edges", "edge: by levels", check(by_levels)),
        Answer::unnamed("edges", "edge: by poll", check(by_poll)),
        Answer::wrong("M121", "edge: never asks for room", check(never_asks)),
        Answer {
            name: "edge: the stub",
            check: check(|_| todo!("the task")),
            expected: Expected::Untouched,
        },
    ]
}

/// How a server on epoll goes about it.
#[derive(Clone, Copy)]
struct Way {
    /// EPOLLET, or nothing.
    trigger: EpollFlags,
    /// The size of one read.
    buffer: usize,
    /// Whether it reads until there is nothing.
    drains: bool,
    /// Whether it accepts until there is nobody.
    accepts_all: bool,
    /// Whether it waits at all.
    waits: bool,
    /// Whether it keeps what a write did not take.
    keeps: bool,
    /// Whether it waits for room from the beginning, when it needs it, or never.
    room: Room,
    /// Whether a signal is no end.
    survives: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    Always,
    OnDemand,
    Never,
}

const RIGHT: Way = Way {
    trigger: EpollFlags::EPOLLET,
    buffer: 16 << 10,
    drains: true,
    accepts_all: true,
    waits: true,
    keeps: true,
    room: Room::Always,
    survives: true,
};

struct Caller {
    stream: TcpStream,
    queue: Vec<u8>,
    ended: bool,
}

fn serve(listener: &TcpListener, way: Way) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    let input = EpollFlags::EPOLLIN | way.trigger;
    epoll.add(listener, EpollEvent::new(input, 0))?;
    let mut callers: HashMap<u64, Caller> = HashMap::new();
    let mut last = 0;
    let limit = match way.waits {
        true => EpollTimeout::NONE,
        false => EpollTimeout::ZERO,
    };
    loop {
        let mut events = [EpollEvent::empty(); 8];
        let count = match epoll.wait(&mut events, limit) {
            Err(Errno::EINTR) if way.survives => continue,
            result => result?,
        };
        for event in &events[..count] {
            let number = event.data();
            if number == 0 {
                while let Some((stream, _)) = unless_it_blocks(listener.accept())? {
                    stream.set_nonblocking(true)?;
                    last += 1;
                    let mut flags = input;
                    flags.set(EpollFlags::EPOLLOUT, way.room == Room::Always);
                    epoll.add(&stream, EpollEvent::new(flags, last))?;
                    let (queue, ended) = (Vec::new(), false);
                    let caller = Caller {
                        stream,
                        queue,
                        ended,
                    };
                    callers.insert(last, caller);
                    if !way.accepts_all {
                        break;
                    }
                }
                continue;
            }
            let Some(caller) = callers.get_mut(&number) else {
                continue;
            };
            let goes_on = turn(caller, way).is_ok();
            if !goes_on || caller.ended && caller.queue.is_empty() {
                callers.remove(&number);
            } else if way.room == Room::OnDemand {
                let mut flags = input;
                flags.set(EpollFlags::EPOLLOUT, !caller.queue.is_empty());
                epoll.modify(&caller.stream, &mut EpollEvent::new(flags, number))?;
            }
        }
    }
}

fn turn(caller: &mut Caller, way: Way) -> io::Result<()> {
    let mut buffer = vec![0; way.buffer];
    while !caller.ended
        && let Some(length) = unless_it_blocks(caller.stream.read(&mut buffer))?
    {
        caller.ended = length == 0;
        caller.queue.extend(buffer[..length].to_ascii_uppercase());
        if !way.drains {
            break;
        }
    }
    while !caller.queue.is_empty() {
        let taken = unless_it_blocks(caller.stream.write(&caller.queue))?;
        if !way.keeps {
            caller.queue.clear();
        }
        match taken {
            Some(taken) if way.keeps => drop(caller.queue.drain(..taken)),
            _ => break,
        }
    }
    Ok(())
}

fn small_pieces(listener: TcpListener) -> io::Result<()> {
    let buffer = 100;
    serve(&listener, Way { buffer, ..RIGHT })
}

fn room_on_demand(listener: TcpListener) -> io::Result<()> {
    let room = Room::OnDemand;
    serve(&listener, Way { room, ..RIGHT })
}

fn one_read(listener: TcpListener) -> io::Result<()> {
    let (drains, buffer) = (false, 4096);
    let way = Way {
        drains,
        buffer,
        ..RIGHT
    };
    serve(&listener, way)
}

/// Large enough for the burst; the end behind a word is another read.
fn one_large_read(listener: TcpListener) -> io::Result<()> {
    let (drains, buffer) = (false, 1 << 20);
    let way = Way {
        drains,
        buffer,
        ..RIGHT
    };
    serve(&listener, way)
}

fn one_accept(listener: TcpListener) -> io::Result<()> {
    let accepts_all = false;
    serve(
        &listener,
        Way {
            accepts_all,
            ..RIGHT
        },
    )
}

fn drops_the_rest(listener: TcpListener) -> io::Result<()> {
    let keeps = false;
    serve(&listener, Way { keeps, ..RIGHT })
}

fn never_waits(listener: TcpListener) -> io::Result<()> {
    let waits = false;
    serve(&listener, Way { waits, ..RIGHT })
}

fn a_signal_ends_it(listener: TcpListener) -> io::Result<()> {
    let survives = false;
    serve(&listener, Way { survives, ..RIGHT })
}

fn by_levels(listener: TcpListener) -> io::Result<()> {
    let (trigger, room) = (EpollFlags::empty(), Room::OnDemand);
    let way = Way {
        trigger,
        room,
        ..RIGHT
    };
    serve(&listener, way)
}

fn by_poll(listener: TcpListener) -> io::Result<()> {
    bytes(&listener, usize::MAX, super::Slip::None)
}

fn never_asks(listener: TcpListener) -> io::Result<()> {
    let room = Room::Never;
    serve(&listener, Way { room, ..RIGHT })
}
