//! A fixed number of threads, a queue with a limit, and a polite no.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::accept::{Stop, callers};
use crate::lines;
use crate::visits::{Visit, Visits};

/// What somebody is told for whom there is no room.
pub const BUSY: &[u8] = b"busy, try again later\n";

/// How many threads, and how many callers may wait for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// So many callers are served at once.
    pub workers: usize,
    /// So many more wait.
    pub queue: usize,
}

impl Default for Size {
    /// Four and eight: small enough to be filled by hand.
    fn default() -> Self {
        Self {
            workers: 4,
            queue: 8,
        }
    }
}

/// Something to be done by whichever thread is free.
type Job = Box<dyn FnOnce() + Send>;

// ANCHOR: pool
/// Threads that take jobs from one queue.
pub struct Pool {
    shared: Arc<Shared>,
    size: Size,
}

struct Shared {
    jobs: Mutex<Jobs>,
    /// There is a job, or no more will come.
    news: Condvar,
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    running: usize,
    closed: bool,
}

impl Pool {
    /// Takes a job, or gives it back where everybody is busy and the queue is full.
    ///
    /// # Errors
    ///
    /// The job, if there is no room for it.
    pub fn offer(&self, job: Job) -> Result<(), Job> {
        let mut jobs = self.shared.jobs();
        // Jobs that wait for a thread which is about to take them count as running.
        if jobs.running + jobs.waiting.len() >= self.size.workers + self.size.queue {
            return Err(job);
        }
        jobs.waiting.push_back(job);
        self.shared.news.notify_one();
        Ok(())
    }
}
// ANCHOR_END: pool

// ANCHOR: worker
/// What each thread of the pool does, until the pool is closed.
fn work(shared: &Shared) {
    while let Some(job) = shared.next() {
        // A panic unwinds the thread on which it happens. Caught here, it ends one
        // job; not caught, it would end the thread, and nobody would make a new one.
        // Unwinding drops what the job had, and so closes its connection.
        let _ = panic::catch_unwind(AssertUnwindSafe(job));
        shared.jobs().running -= 1;
    }
}

impl Shared {
    /// The next job; waits for one. `None` once the pool is closed.
    fn next(&self) -> Option<Job> {
        let jobs = self.jobs();
        let idle = |jobs: &mut Jobs| jobs.waiting.is_empty() && !jobs.closed;
        let woken = self.news.wait_while(jobs, idle);
        let mut jobs = woken.unwrap_or_else(PoisonError::into_inner);
        let job = jobs.waiting.pop_front()?;
        jobs.running += 1;
        Some(job) // the lock is given back here, before the job runs
    }
}
// ANCHOR_END: worker

impl Shared {
    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// If there is no room for so many.
    pub fn start(size: Size) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            jobs: Mutex::default(),
            news: Condvar::new(),
        });
        // Made first: if a thread fails to start, dropping this ends the others.
        let pool = Self { shared, size };
        for number in 1..=size.workers {
            let shared = Arc::clone(&pool.shared);
            let thread = thread::Builder::new().name(format!("worker {number}"));
            thread.spawn(move || work(&shared))?;
        }
        Ok(pool)
    }
}

impl Drop for Pool {
    /// Tells the threads that no more will come. They finish what is in the queue.
    fn drop(&mut self) {
        self.shared.jobs().closed = true;
        self.shared.news.notify_all();
    }
}

// ANCHOR: serve
/// Serves callers with a pool until `stop` is told, then drains: see
/// [`Visits::drain`]. Who waits in the queue counts as a visit.
///
/// # Errors
///
/// If the listening socket fails, or the threads cannot be started.
pub fn serve(
    listener: TcpListener,
    size: Size,
    stop: &Stop,
    limit: Duration,
) -> io::Result<Vec<SocketAddr>> {
    let pool = Pool::start(size)?;
    let visits = Visits::default();
    for caller in callers(&listener, stop) {
        let (stream, peer) = caller?;
        let visit = Arc::new(visits.begin(stream, peer));
        let job = Arc::clone(&visit);
        if pool.offer(Box::new(move || talk(&job))).is_err() {
            refuse(visit.stream());
        }
    }
    drop((listener, pool));
    Ok(visits.drain(limit))
}
// ANCHOR_END: serve

fn talk(visit: &Visit) {
    if let Err(error) = lines::talk(visit.stream()) {
        eprintln!("{}: {error}", visit.peer());
    }
}

// ANCHOR: refuse
/// Says no, without waiting for anybody: this is the thread that accepts.
///
/// So short a text finds room in the kernel's buffer. What the caller has sent by now
/// is read and dropped: closing with unread bytes would reset the connection. A caller
/// that sends a moment later gets that reset all the same, behind the text.
fn refuse(mut stream: &TcpStream) {
    /// More than a caller can have sent by now.
    const MOST: u64 = 1 << 20;
    let _ = stream.set_nonblocking(true);
    let _ = stream.write_all(BUSY); // a caller that is gone need not be told
    let _ = stream.shutdown(Shutdown::Write);
    let _ = io::copy(&mut stream.take(MOST), &mut io::sink());
}
// ANCHOR_END: refuse
