//! `async/readable`: a future for what a socket brings.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use wire::view;

use super::{Story, connection, failed, wrong};
use checks::diagnosis::{self, Findings, Rule};
use checks::engine::{Check, Probe, Seen};
use checks::symptom::{Doing, Kind, Symptom};

/// The learner's way to order a wake-up.
type Order = Arc<dyn Fn(&TcpStream, Waker) + Send + Sync>;

type Bytes = Pin<Box<dyn Future<Output = io::Result<Vec<u8>>>>>;

/// The learner's constructor, whatever its type of future.
type Make = dyn Fn(TcpStream, Order) -> Bytes + Send + Sync;

/// The check of `async/readable`: what makes a future of a stream.
pub fn readable<F>(make: fn(TcpStream, Order) -> F) -> Check
where
    F: Future<Output = io::Result<Vec<u8>>> + 'static,
{
    check(Arc::new(move |stream, order| Box::pin(make(stream, order))))
}

fn check(make: Arc<Make>) -> Check {
    let probe = |name, title, play: fn(&Desk) -> Result<(), Symptom>| {
        let make = Arc::clone(&make);
        Probe::tasks(name, title, move |report| {
            let story = Story::new(report, "executor and reactor", "your future");
            play(&Desk::new(Arc::clone(&make), story))
        })
    };
    let probes = vec![
        probe("ready", "bytes that are there before the first poll", ready),
        probe("later", "bytes that come after the first poll", later),
        probe("again", "polled again and again, and nothing comes", again),
        probe("alarm", "a wake-up, and nothing has come", alarm),
        probe("moved", "polled by one task, then by another", moved),
        probe("between", "bytes that come between read and order", between),
        probe("end", "the end of the stream", end),
        probe("reset", "a connection that is reset", reset),
        probe("two", "two connections, and bytes on one", two),
        probe("rest", "more bytes than one read brings", rest),
    ];
    Check::new("async/readable", probes, diagnose)
}

/// A task as far as its future can see: a waker that counts.
struct Task {
    name: &'static str,
    wakes: AtomicUsize,
    story: Story,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wakes.fetch_add(1, Ordering::SeqCst);
        self.story.left(format!("{} is woken", self.name));
    }
}

impl Task {
    fn wakes(&self) -> usize {
        self.wakes.load(Ordering::SeqCst)
    }
}

/// The reactor's orders, one for each socket.
#[derive(Default)]
struct Orders {
    standing: Mutex<Vec<(Option<SocketAddr>, TcpStream, Waker)>>,
    /// Called, once, before an order is taken.
    before: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

const NEVER_POISONED: &str = "nothing panics while it holds an order";

impl Orders {
    fn take(&self, stream: &TcpStream, waker: Waker) {
        let before = self.before.lock().expect(NEVER_POISONED).take();
        if let Some(before) = before {
            before();
        }
        let Ok(kept) = stream.try_clone() else { return };
        let who = stream.peer_addr().ok();
        let mut standing = self.standing.lock().expect(NEVER_POISONED);
        standing.retain(|(socket, ..)| *socket != who);
        standing.push((who, kept, waker));
        drop(standing);
        self.turn(false);
    }

    /// Wakes whoever has something to read, or everybody.
    fn turn(&self, everybody: bool) -> usize {
        let mut standing = self.standing.lock().expect(NEVER_POISONED);
        let (due, later): (Vec<_>, Vec<_>) = (standing.drain(..))
            .partition(|(_, stream, _)| everybody || is_readable(stream, 0));
        *standing = later;
        drop(standing);
        let woken = due.len();
        due.into_iter().for_each(|(.., waker)| waker.wake());
        woken
    }

    fn has_one_for(&self, peer: Option<SocketAddr>) -> bool {
        let standing = self.standing.lock().expect(NEVER_POISONED);
        standing.iter().any(|(socket, ..)| *socket == peer)
    }
}

/// Whether a read would return at once, waited for so many seconds.
fn is_readable(stream: &TcpStream, seconds: i64) -> bool {
    let mut fds = [PollFd::new(stream, PollFlags::IN)];
    let limit = Timespec {
        tv_sec: seconds,
        tv_nsec: 0,
    };
    poll(&mut fds, Some(&limit)).is_ok_and(|ready| ready > 0)
}

/// Loopback delivers at once, on a busy machine a little later.
const DELIVERY: i64 = 10; // seconds

/// Where the futures are made, and those who poll them.
struct Desk {
    make: Arc<Make>,
    orders: Arc<Orders>,
    story: Story,
}

/// One future over one connection.
struct Bench {
    future: Bytes,
    /// The other end.
    peer: Option<TcpStream>,
    /// This end, to look at.
    socket: TcpStream,
    at: Option<SocketAddr>,
    orders: Arc<Orders>,
    story: Story,
}

impl Desk {
    fn new(make: Arc<Make>, story: Story) -> Self {
        let orders = Arc::default();
        Self {
            make,
            orders,
            story,
        }
    }

    fn bench(&self) -> Result<Bench, Symptom> {
        let (peer, theirs) = connection()?;
        self.bench_on(peer, &theirs)
    }

    fn bench_on(
        &self,
        peer: TcpStream,
        theirs: &TcpStream,
    ) -> Result<Bench, Symptom> {
        let clone = || theirs.try_clone();
        let (stream, socket) = (theirs.set_nonblocking(true))
            .and_then(|()| Ok((clone()?, clone()?)))
            .map_err(|error| failed("set a connection up", error))?;
        let (orders, story) = (Arc::clone(&self.orders), self.story.clone());
        let (desk, told) = (Arc::clone(&orders), story.clone());
        let order: Order = Arc::new(move |stream, waker| {
            told.right("orders a wake-up");
            desk.take(stream, waker);
        });
        let at = socket.peer_addr().ok();
        Ok(Bench {
            future: (self.make)(stream, order),
            peer: Some(peer),
            socket,
            at,
            orders,
            story,
        })
    }

    fn task(&self, name: &'static str) -> Arc<Task> {
        Arc::new(Task {
            name,
            wakes: AtomicUsize::new(0),
            story: self.story.clone(),
        })
    }
}

type Answer = Poll<io::Result<Vec<u8>>>;

impl Bench {
    fn poll(&mut self, task: &Arc<Task>) -> Answer {
        self.story.left(format!("{} polls", task.name));
        let waker = Waker::from(Arc::clone(task));
        let answer = self.future.as_mut().poll(&mut Context::from_waker(&waker));
        self.story.right(told(&answer));
        answer
    }

    /// The peer sends.
    fn send(&self, bytes: &[u8]) -> Result<(), Symptom> {
        let Some(mut peer) = self.peer.as_ref() else {
            return Ok(());
        };
        self.story.left(format!(
            "the peer sends {}",
            view::bytes(bytes.len() as u64)
        ));
        peer.write_all(bytes)
            .map_err(|error| failed("write", error))?;
        self.until_it_is_there()
    }

    fn until_it_is_there(&self) -> Result<(), Symptom> {
        match is_readable(&self.socket, DELIVERY) {
            true => Ok(()),
            false => Err(failed("deliver", io::ErrorKind::TimedOut.into())),
        }
    }

    /// Polls where nothing has come: it must be pending, with an order that stands,
    /// and must have woken nobody.
    fn poll_in_vain(&mut self, task: &Arc<Task>) -> Result<(), Symptom> {
        let before = task.wakes();
        match self.poll(task) {
            Poll::Pending => {}
            answer => {
                let summary = "your future is ready, and nothing has come";
                return Err(wrong(summary, "Pending", told(&answer)));
            }
        }
        if task.wakes() > before {
            let summary = "your future woke its task, and nothing has come";
            let got = "a call of the waker within the poll";
            return Err(Symptom::new(Kind::Spins, summary)
                .with_words("Pending, and a wake-up on order", got));
        }
        if !self.orders.has_one_for(self.at) {
            let summary = "your future is pending, and nobody will wake its task";
            return Err(Symptom::new(Kind::NoAnswer, summary).with_words(
                "Pending, and a wake-up on order",
                "Pending, and no order stands for this socket",
            ));
        }
        Ok(())
    }

    /// The reactor does its work: this task, and no other, must be woken.
    fn turn(&self, task: &Arc<Task>) -> Result<(), Symptom> {
        let before = task.wakes();
        self.orders.turn(false);
        match task.wakes() > before {
            true => Ok(()),
            false => Err(nobody_woken(task)),
        }
    }

    fn expect(&mut self, task: &Arc<Task>, bytes: &[u8]) -> Result<(), Symptom> {
        match self.poll(task) {
            Poll::Ready(Ok(got)) if got == bytes => Ok(()),
            Poll::Ready(Ok(got)) => Err(Symptom::new(
                Kind::WrongValue,
                "that is not what the peer sent",
            )
            .with_bytes(bytes, &got)),
            answer => {
                let wanted = format!("Ready(Ok({}))", view::escaped(bytes));
                let summary = "your future does not give out what has come";
                Err(wrong(summary, &wanted, told(&answer)))
            }
        }
    }
}

fn nobody_woken(task: &Task) -> Symptom {
    let summary = "bytes have come, and the task that waits is not woken";
    let wanted = format!("{} is woken", task.name);
    Symptom::new(Kind::NoAnswer, summary).with_words(wanted, "it is not")
}

/// What a poll said, for people.
fn told(answer: &Answer) -> String {
    match answer {
        Poll::Pending => "Pending".into(),
        Poll::Ready(Ok(bytes)) if bytes.len() > 60 => {
            format!("Ready(Ok({}))", view::bytes(bytes.len() as u64))
        }
        Poll::Ready(Ok(bytes)) => format!("Ready(Ok({}))", view::escaped(bytes)),
        Poll::Ready(Err(error)) => format!("Ready(Err({:?}))", error.kind()),
    }
}

fn ready(desk: &Desk) -> Result<(), Symptom> {
    let (mut bench, task) = (desk.bench()?, desk.task("the task"));
    bench.send(b"hello")?;
    bench.expect(&task, b"hello")
}

fn later(desk: &Desk) -> Result<(), Symptom> {
    let (mut bench, task) = (desk.bench()?, desk.task("the task"));
    bench.poll_in_vain(&task)?;
    bench.send(b"hello")?;
    bench.turn(&task)?;
    bench.expect(&task, b"hello")
}

fn again(desk: &Desk) -> Result<(), Symptom> {
    let (mut bench, task) = (desk.bench()?, desk.task("the task"));
    for _ in 0..3 {
        bench.poll_in_vain(&task)?;
    }
    bench.send(b"hello")?;
    bench.turn(&task)?;
    bench.expect(&task, b"hello")
}

fn alarm(desk: &Desk) -> Result<(), Symptom> {
    let (mut bench, task) = (desk.bench()?, desk.task("the task"));
    bench.poll_in_vain(&task)?;
    desk.story.left("a false alarm: the order is spent");
    desk.orders.turn(true);
    bench.poll_in_vain(&task)?;
    bench.send(b"hello")?;
    bench.turn(&task)?;
    bench.expect(&task, b"hello")
}

fn moved(desk: &Desk) -> Result<(), Symptom> {
    let mut bench = desk.bench()?;
    let (first, second) = (desk.task("task A"), desk.task("task B"));
    bench.poll_in_vain(&first)?;
    bench.poll_in_vain(&second)?;
    bench.send(b"hello")?;
    bench.orders.turn(false);
    if second.wakes() == 0 {
        let summary = "the task that polled last is not woken";
        let got = match first.wakes() {
            0 => "nobody is woken",
            _ => "task A is woken, which has given the future away",
        };
        return Err(
            Symptom::new(Kind::NoAnswer, summary).with_words("task B is woken", got)
        );
    }
    bench.expect(&second, b"hello")
}

/// The reactor is as quick as can be: the bytes come before the order is taken.
fn between(desk: &Desk) -> Result<(), Symptom> {
    let (mut bench, task) = (desk.bench()?, desk.task("the task"));
    let clones = (bench.peer.as_ref().map(TcpStream::try_clone)).transpose();
    let socket = bench.socket.try_clone();
    let (Ok(Some(mut peer)), Ok(socket)) = (clones, socket) else {
        return Err(failed("clone a stream", io::ErrorKind::Other.into()));
    };
    let story = desk.story.clone();
    let before = move || {
        story.left("meanwhile the peer sends 5 bytes");
        let _ = peer.write_all(b"hello");
        is_readable(&socket, DELIVERY);
    };
    *desk.orders.before.lock().expect(NEVER_POISONED) = Some(Box::new(before));
    match bench.poll(&task) {
        Poll::Ready(Ok(got)) if got == b"hello" => Ok(()),
        Poll::Pending if task.wakes() > 0 => bench.expect(&task, b"hello"),
        Poll::Pending => Err(nobody_woken(&task)),
        answer => {
            let wanted = "Pending with a wake-up, or the bytes";
            Err(wrong("that is neither", wanted, told(&answer)))
        }
    }
}

fn end(desk: &Desk) -> Result<(), Symptom> {
    let (mut bench, task) = (desk.bench()?, desk.task("the task"));
    bench.poll_in_vain(&task)?;
    desk.story.left("the peer ends");
    bench.peer = None;
    bench.until_it_is_there()?;
    bench.turn(&task)?;
    bench.expect(&task, b"")
}

fn reset(desk: &Desk) -> Result<(), Symptom> {
    let (mut bench, task) = (desk.bench()?, desk.task("the task"));
    bench.poll_in_vain(&task)?;
    let peer = bench.peer.take();
    let linger = Some(std::time::Duration::ZERO); // then close(2) sends RST
    let set =
        |peer: &TcpStream| rustix::net::sockopt::set_socket_linger(peer, linger);
    if let Some(Err(error)) = peer.as_ref().map(set) {
        return Err(failed("set SO_LINGER", error.into()));
    }
    desk.story.left("the peer resets the connection");
    drop(peer);
    bench.until_it_is_there()?;
    bench.turn(&task)?;
    match bench.poll(&task) {
        Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::ConnectionReset => {
            Ok(())
        }
        answer => {
            let summary = "your future hides the error";
            Err(wrong(summary, "Ready(Err(ConnectionReset))", told(&answer)))
        }
    }
}

fn two(desk: &Desk) -> Result<(), Symptom> {
    let (mut one, mut other) = (desk.bench()?, desk.bench()?);
    let (first, second) = (desk.task("task A"), desk.task("task B"));
    one.poll_in_vain(&first)?;
    other.poll_in_vain(&second)?;
    desk.story.left("now on task B's connection:");
    other.send(b"for B")?;
    other.turn(&second)?;
    if first.wakes() > 0 {
        let summary = "task A is woken for bytes on task B's connection";
        return Err(wrong(summary, "task B is woken", "both are"));
    }
    other.expect(&second, b"for B")?;
    one.send(b"for A")?;
    one.turn(&first)?;
    one.expect(&first, b"for A")
}

/// One future after another over the same connection: no byte may be lost between
/// two.
fn rest(desk: &Desk) -> Result<(), Symptom> {
    let bytes: Vec<u8> = (0..40_000_u32).map(|n| n as u8).collect();
    let (peer, theirs) = connection()?;
    let mut first = desk.bench_on(peer, &theirs)?;
    first.send(&bytes)?;
    let peer = first.peer.take();
    let task = desk.task("the task");
    let mut got = Vec::new();
    let mut bench = first;
    while got.len() < bytes.len() {
        if is_readable(&theirs, 0) {
            match bench.poll(&task) {
                Poll::Ready(Ok(more)) if !more.is_empty() => got.extend(more),
                answer => {
                    let summary = "your future does not give out what has come";
                    let had = view::bytes(got.len() as u64);
                    let wanted = format!("the bytes behind the first {had}");
                    return Err(wrong(summary, &wanted, told(&answer)));
                }
            }
        } else if !is_readable(&theirs, 1) {
            break; // all that has come was read
        }
        let Some(Ok(peer)) = peer.as_ref().map(TcpStream::try_clone) else {
            break;
        };
        bench = desk.bench_on(peer, &theirs)?;
    }
    if got == bytes {
        return Ok(());
    }
    let summary = "bytes are lost between one future and the next";
    Err(Symptom::new(Kind::WrongValue, summary).with_bytes(&bytes, &got))
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: <[u8]>::to_vec,
    };
    diagnosis::name(&[RULES], &findings)
}

const IN_VAIN: &[&str] = &["later", "again", "alarm", "moved", "two"];

const RULES: &[Rule] = &[
    Rule {
        mistake: "M32",
        fits: |all| {
            let waits = |s: &Symptom| {
                s.doing == Some(Doing::Blocked)
                    && s.calls
                        .iter()
                        .any(|call| super::WAITS.contains(&call.as_str()))
            };
            all.first(&["later", "again", "alarm"]).is_some_and(waits)
        },
        why: "Nothing had come, and your `poll` waits for it in a system call. So \
              does the thread, and with it every other task that it was to poll. A \
              poll looks and returns.",
    },
    Rule {
        mistake: "M130",
        fits: |all| {
            let silent =
                |s: &Symptom| s.kind == Kind::NoAnswer && s.got.contains("no order");
            all.first(IN_VAIN).is_some_and(silent)
        },
        why: "Your future said `Pending`, and the reactor has no order for its \
              socket: whatever comes, it wakes nobody. Each poll that returns \
              `Pending` has to see to it that a wake-up is on order for its waker; \
              one that was fulfilled is spent.",
    },
    Rule {
        mistake: "M131",
        fits: |all| {
            let old = |s: &Symptom| s.got.starts_with("task A is woken, which");
            all.first(&["moved"]).is_some_and(old)
        },
        why: "Two tasks have polled the future, one after the other. The wake-up \
              went to the first, which has nothing to do with it any more. The waker \
              of the last poll counts.",
    },
    Rule {
        mistake: "M132",
        fits: |all| all.first(IN_VAIN).is_some_and(|s| s.kind == Kind::Spins),
        why: "Nothing had come, and your future woke its own task to be polled again \
              at once. An executor would do that as fast as the processor can. The \
              waker is for whoever brings the news.",
    },
    Rule {
        mistake: "M133",
        fits: |all| {
            let taken = |s: &Symptom| {
                s.expected == "Pending"
                    && ["Ready(Err(WouldBlock))", "Ready(Ok(\"\"))"]
                        .contains(&s.got.as_str())
            };
            all.first(IN_VAIN).is_some_and(taken)
        },
        why: "Nothing had come, and your future called that its result. `WouldBlock` \
              means \"not yet\", which is `Pending`; a poll, and a wake-up too, may \
              come without any bytes.",
    },
];
