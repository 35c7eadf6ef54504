//! A measurement: four callers, and one thread or four.

use std::hint::black_box;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

/// How many callers there are.
pub const CALLERS: usize = 4;

/// What a server does before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// It waits for somebody else: a database, a disk, another server.
    Waits(Duration),
    /// It computes, so many rounds.
    Computes(u64),
}

impl Work {
    fn done(self) {
        match self {
            Work::Waits(time) => thread::sleep(time),
            Work::Computes(rounds) => {
                let sum = (0..rounds).fold(1, |sum: u64, n| {
                    black_box(sum.wrapping_mul(6_364_136_223_846_793_005) ^ n)
                });
                black_box(sum);
            }
        }
    }
}

/// When a thread worked for a caller, from the first moment of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Which thread, from 0.
    pub thread: usize,
    /// Which caller, from 0.
    pub caller: u8,
    /// When it began.
    pub from: Duration,
    /// When it had answered.
    pub to: Duration,
}

// ANCHOR: run
/// Has four callers ask at once, and `threads` threads do the `work`; returns when
/// each did what.
///
/// Every thread accepts from the same socket: the kernel gives each caller to one.
///
/// # Errors
///
/// If the sockets fail.
pub fn run(threads: usize, work: Work) -> io::Result<Vec<Span>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?;
    let mut callers = Vec::new();
    for caller in 0..CALLERS {
        let mut stream = TcpStream::connect(addr)?;
        stream.write_all(&[u8::try_from(caller).unwrap_or(u8::MAX)])?;
        callers.push(stream);
    }
    let spans = Mutex::new(Vec::new());
    let left = Mutex::new(CALLERS);
    let started = Instant::now();
    let serve = |thread| -> io::Result<()> {
        while take_one(&left) {
            let (mut stream, _) = listener.accept()?;
            let mut caller = [0];
            stream.read_exact(&mut caller)?;
            let from = started.elapsed();
            work.done();
            stream.write_all(b".")?;
            let (to, [caller]) = (started.elapsed(), caller);
            if let Ok(mut spans) = spans.lock() {
                spans.push(Span {
                    thread,
                    caller,
                    from,
                    to,
                });
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let serve = &serve; // a scoped thread may borrow: it ends before `serve` does
        let threads: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || serve(thread)))
            .collect();
        let mut ended = threads.into_iter().map(|thread| thread.join());
        ended.try_for_each(|ended| ended.unwrap_or_else(|_| Err(panicked())))
    })?;
    let mut spans = spans.into_inner().map_err(|_| panicked())?;
    spans.sort_by_key(|span| (span.from, span.caller));
    Ok(spans)
}
// ANCHOR_END: run

fn panicked() -> io::Error {
    io::Error::other("a thread has panicked")
}

/// Whether there is another caller for this thread.
fn take_one(left: &Mutex<usize>) -> bool {
    left.lock().is_ok_and(|mut left| {
        let some = *left > 0;
        *left = left.saturating_sub(1);
        some
    })
}

/// How long the last of them waited.
///
/// # Errors
///
/// If the sockets fail.
pub fn measure(threads: usize, work: Work) -> io::Result<Duration> {
    let spans = run(threads, work)?;
    Ok(spans.iter().map(|span| span.to).max().unwrap_or_default())
}

/// So many rounds of computing as take about this long here.
pub fn rounds_of(time: Duration) -> u64 {
    const SOME: u64 = 1_000_000;
    let started = Instant::now();
    Work::Computes(SOME).done();
    let each = started.elapsed().as_secs_f64() / SOME as f64;
    (time.as_secs_f64() / each.max(1e-10)) as u64
}
