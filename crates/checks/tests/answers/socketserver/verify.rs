//! Answers to `socketserver/verify`.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use checks::answers::{Answer, Expected};
use checks_socketserver::{Answer as Reply, Counts, verify as check};
use socketserver::{
    BoxError, Builder, Conn, During, Error, Next, Server, Strategy, Streams,
};

type Welcome = fn(SocketAddr) -> bool;
type Stop = Box<dyn FnOnce() + Send>;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right(
            "verify right: the framework",
            check(|l, w, a, s| framed(l, w, a, s, kind)),
        ),
        Answer::right("verify right: a pool", check(a_pool)),
        Answer::right(
            "verify right: by hand",
            check(|l, w, a, s| by_hand(l, w, a, s, HAND)),
        ),
        Answer::wrong(
            "M149",
            "verify: all failed",
            check(|l, w, a, s| framed(l, w, a, s, |e| kind(e).map(|_| 1))),
        ),
        Answer::wrong(
            "M149",
            "verify: no broken ones",
            check(|l, w, a, s| framed(l, w, a, s, no_broken)),
        ),
        Answer::wrong(
            "M144",
            "verify: the door is not guarded",
            check(|l, w, a, s| {
                by_hand(
                    l,
                    w,
                    a,
                    s,
                    Hand {
                        guards: false,
                        ..HAND
                    },
                )
            }),
        ),
        Answer::unnamed(
            "door panics",
            "verify: the door's panic counts twice",
            check(|l, w, a, s| framed(l, w, a, s, twice)),
        ),
        Answer::unnamed(
            "refused",
            "verify: lets everybody in",
            check(|l, _, a, s| framed(l, |_| true, a, s, kind)),
        ),
        Answer::unnamed(
            "welcome",
            "verify: inline",
            check(|l, w, a, s| run(counted(l, w, kind), Strategy::Inline, a, s)),
        ),
        Answer::unnamed(
            "fails",
            "verify: tells the peer",
            check(|l, w, a, s| {
                by_hand(
                    l,
                    w,
                    a,
                    s,
                    Hand {
                        tells: true,
                        ..HAND
                    },
                )
            }),
        ),
        Answer::unnamed(
            "fails",
            "verify: goes on after an error",
            check(|l, w, a, s| {
                by_hand(
                    l,
                    w,
                    a,
                    s,
                    Hand {
                        goes_on: true,
                        ..HAND
                    },
                )
            }),
        ),
        Answer {
            name: "verify: the stub",
            check: check(|_, _, _, _| todo!("the task")),
            expected: Expected::Untouched,
        },
    ]
}

/// Where an error is counted: 1 failed, 2 panicked, 3 broken.
type Where = fn(&Error) -> Option<usize>;

fn kind(error: &Error) -> Option<usize> {
    match error {
        Error::Panicked(During::Verify, _) => None,
        Error::Panicked(..) => Some(2),
        Error::Failed(_, error) if error.is::<io::Error>() => Some(3),
        _ => Some(1),
    }
}

fn no_broken(error: &Error) -> Option<usize> {
    kind(error).map(|kind| kind.min(2))
}

fn twice(error: &Error) -> Option<usize> {
    match error {
        Error::Panicked(..) => Some(2),
        other => kind(other),
    }
}

type Counted = (Builder<Streams>, Arc<Mutex<Counts>>);

fn counted(listener: TcpListener, welcome: Welcome, kind: Where) -> Counted {
    let counts = Arc::new(Mutex::new([0; 4]));
    let own = Arc::clone(&counts);
    let builder = Server::from_listener(listener)
        .verify(move |peer| peer.addr.as_inet().is_some_and(welcome))
        .on_error(move |_, error| {
            if let Some(kind) = kind(error) {
                own.lock().unwrap()[kind] += 1;
            }
        });
    (builder, counts)
}

fn run(
    (builder, counts): Counted,
    strategy: Strategy,
    answer: Reply,
    stop: Stop,
) -> io::Result<Counts> {
    let server = builder.bind()?;
    let handle = server.handle();
    thread::spawn(move || {
        stop();
        handle.shutdown();
    });
    let stats = server.serve(strategy, move |_| {
        move |conn: &mut Conn| -> Result<Next, BoxError> {
            let Some(line) = conn.line(1024)? else {
                return Ok(Next::Close);
            };
            let answer = answer(&line)?;
            conn.write_all(&[&answer[..], b"\n"].concat())?;
            Ok(Next::Again)
        }
    })?;
    let mut counts = *counts.lock().unwrap();
    counts[0] = stats.refused;
    Ok(counts)
}

fn framed(
    listener: TcpListener,
    welcome: Welcome,
    answer: Reply,
    stop: Stop,
    kind: Where,
) -> io::Result<Counts> {
    let threads = Strategy::Threads { max: 100 };
    run(counted(listener, welcome, kind), threads, answer, stop)
}

fn a_pool(
    listener: TcpListener,
    welcome: Welcome,
    answer: Reply,
    stop: Stop,
) -> io::Result<Counts> {
    let (workers, queue) = (100, 0);
    let pool = Strategy::Pool { workers, queue };
    run(counted(listener, welcome, kind), pool, answer, stop)
}

/// What a server without the framework does, and does not.
#[derive(Clone, Copy)]
struct Hand {
    guards: bool,
    tells: bool,
    goes_on: bool,
}

const HAND: Hand = Hand {
    guards: true,
    tells: false,
    goes_on: false,
};

fn by_hand(
    listener: TcpListener,
    welcome: Welcome,
    answer: Reply,
    stop: Stop,
    hand: Hand,
) -> io::Result<Counts> {
    let counts: Arc<[AtomicU64; 4]> = Arc::default();
    let stopping = Arc::new(AtomicBool::new(false));
    let addr = listener.local_addr()?;
    let flag = Arc::clone(&stopping);
    thread::spawn(move || {
        stop();
        flag.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(addr));
    });
    let mut visits = Vec::new();
    loop {
        let (stream, peer) = listener.accept()?;
        if stopping.load(Ordering::SeqCst) {
            break;
        }
        let welcomed = match hand.guards {
            true => catch_unwind(|| welcome(peer)).unwrap_or(false),
            false => welcome(peer),
        };
        if !welcomed {
            counts[0].fetch_add(1, Ordering::SeqCst);
            continue;
        }
        let copy = stream.try_clone()?;
        let own = Arc::clone(&counts);
        let visit = thread::spawn(move || {
            if let Some(kind) = talk(&stream, answer, hand) {
                own[kind].fetch_add(1, Ordering::SeqCst);
            }
            let _ = stream.shutdown(Shutdown::Both);
        });
        visits.push((copy, visit));
    }
    for (stream, visit) in visits {
        let _ = stream.shutdown(Shutdown::Read);
        let _ = visit.join();
    }
    Ok(counts.each_ref().map(|count| count.load(Ordering::SeqCst)))
}

/// What ended the conversation, if it was not the peer's end.
fn talk(mut stream: &TcpStream, answer: Reply, hand: Hand) -> Option<usize> {
    for line in BufReader::new(stream).split(b'\n') {
        let Ok(line) = line else { return Some(3) };
        let words = match catch_unwind(|| answer(&line)) {
            Ok(Ok(words)) => words,
            Ok(Err(_)) if hand.goes_on => continue,
            Ok(Err(error)) if hand.tells => error.into_bytes(),
            Ok(Err(_)) => return Some(1),
            Err(_) => return Some(2),
        };
        if stream.write_all(&[&words[..], b"\n"].concat()).is_err() {
            return Some(3);
        }
    }
    None
}
