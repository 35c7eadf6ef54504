//! `socketserver/shutdown`: a server that is stopped from anywhere, and its end.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use checks::diagnosis::{self, Findings, Rule};
use checks::engine::{Check, Probe, Report, Seen};
use checks::symptom::{Doing, Kind, Symptom};
use checks_async::{Story, failed};

use super::end_of;

/// What serves a caller.
pub type Handle = Arc<dyn Fn(TcpStream) + Send + Sync>;

/// The learner's server and what stops it, made anew for each probe.
pub struct Stoppable {
    /// Serves until it is stopped.
    pub serve: Box<dyn FnOnce(TcpListener, Handle) -> io::Result<()> + Send>,
    /// Stops it, and waits no longer than this.
    pub shutdown: Arc<dyn Fn(Duration) -> io::Result<()> + Send + Sync>,
}

/// Longer than any check.
const LONG: Duration = Duration::from_secs(3600);

const SHORT: Duration = Duration::from_millis(200);

/// A backstop for what a right program does at once.
const BACKSTOP: Duration = Duration::from_secs(8);

/// The check of `socketserver/shutdown`.
pub fn shutdown(make: fn() -> Stoppable) -> Check {
    let probe = |name, title, play: fn(&mut Hall) -> Result<(), Symptom>| {
        Probe::tasks(name, title, move |report: &Report| {
            let story = Story::new(report, "the check", "your server");
            play(&mut Hall::new(story, make())?)
        })
    };
    let probes = vec![
        probe("two", "a second caller, while the first says nothing", two),
        probe("idle", "a shutdown while nobody is there", |hall| {
            hall.visit()?;
            hall.stop_within(LONG, None)?;
            hall.ended()
        }),
        probe("busy", "a shutdown while a caller is served", busy),
        probe("limit", "a caller that does not leave in time", limit),
        probe("own", "a shutdown by the request that is served", own),
        probe("twice", "twenty shutdowns at once", twenty),
        probe("before", "a shutdown before the server serves", before),
        probe("panics", "a request that panics, and a shutdown", panics),
        probe("leak", "four hundred requests, and what is left", leak),
    ];
    Check::new("socketserver/shutdown", probes, diagnose)
}

/// A server on a thread of its own, and what its requests have done.
struct Hall {
    story: Story,
    addr: SocketAddr,
    shutdown: Arc<dyn Fn(Duration) -> io::Result<()> + Send + Sync>,
    idle: Option<Idle>,
    serving: Option<JoinHandle<io::Result<()>>>,
    done: Arc<AtomicUsize>,
    own: Arc<Mutex<Option<io::Result<()>>>>,
}

/// A server that has not begun.
struct Idle {
    serve: Box<dyn FnOnce(TcpListener, Handle) -> io::Result<()> + Send>,
    listener: TcpListener,
    handle: Handle,
}

impl Hall {
    fn new(story: Story, made: Stoppable) -> Result<Self, Symptom> {
        let Stoppable { serve, shutdown } = made;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .map_err(|error| failed("listen", error))?;
        let addr = listener
            .local_addr()
            .map_err(|error| failed("listen", error))?;
        let done = Arc::new(AtomicUsize::new(0));
        let own = Arc::new(Mutex::new(None));
        let handle: Handle = {
            let (done, own) = (Arc::clone(&done), Arc::clone(&own));
            let shutdown = Arc::clone(&shutdown);
            Arc::new(move |stream| {
                request(stream, &*shutdown, &own);
                done.fetch_add(1, Ordering::SeqCst);
            })
        };
        Ok(Self {
            story,
            addr,
            shutdown,
            idle: Some(Idle {
                serve,
                listener,
                handle,
            }),
            serving: None,
            done,
            own,
        })
    }

    fn begin(&mut self) -> Result<(), Symptom> {
        let Some(idle) = self.idle.take() else {
            return Ok(());
        };
        let Idle {
            serve,
            listener,
            handle,
        } = idle;
        let serving = thread::Builder::new()
            .name("serve".into())
            .spawn(move || serve(listener, handle))
            .map_err(|error| failed("start a thread", error))?;
        self.story.right("serves");
        self.serving = Some(serving);
        Ok(())
    }

    fn connect(&mut self) -> Result<TcpStream, Symptom> {
        self.begin()?;
        let connected = TcpStream::connect(self.addr).and_then(|stream| {
            stream.set_read_timeout(Some(BACKSTOP))?;
            Ok(stream)
        });
        connected.map_err(|error| self.gone(&format!("nobody listens: {error}")))
    }

    /// Somebody is not served. The server's own end may say why.
    fn gone(&mut self, got: &str) -> Symptom {
        let end = end_of(&mut self.serving, self.addr, "serve");
        let got = end.unwrap_or_else(|| got.to_owned());
        Symptom::new(Kind::NoAnswer, "a caller is not served")
            .with_words("an answer", got)
    }

    /// A byte in small letters, answered in capitals.
    fn ask(&mut self, stream: &mut TcpStream) -> Result<(), Symptom> {
        let mut answer = [0];
        let asked = stream
            .write_all(b"a")
            .and_then(|()| stream.read_exact(&mut answer));
        match asked {
            Ok(()) if &answer == b"A" => Ok(()),
            Ok(()) => Err(Symptom::new(Kind::Wrong, "that is another answer")
                .with_bytes(b"A", &answer)),
            Err(error) => Err(self.gone(&error.to_string())),
        }
    }

    /// A caller who asks and leaves, and is seen off.
    fn visit(&mut self) -> Result<(), Symptom> {
        let mut caller = self.connect()?;
        self.ask(&mut caller)?;
        self.leave(caller)
    }

    fn leave(&mut self, mut caller: TcpStream) -> Result<(), Symptom> {
        let left = caller
            .shutdown(std::net::Shutdown::Write)
            .and_then(|()| caller.read(&mut [0]));
        match left {
            Ok(0) => Ok(()),
            Ok(_) => Err(Symptom::new(Kind::Wrong, "there is more than was asked")),
            Err(error) => Err(self.gone(&error.to_string())),
        }
    }

    /// Calls `shutdown`, on this thread, and compares what it returns.
    fn stop_within(
        &mut self,
        limit: Duration,
        wanted: Option<ErrorKind>,
    ) -> Result<(), Symptom> {
        let told = match limit {
            LONG => "an hour".to_owned(),
            limit => format!("{limit:?}"),
        };
        self.story.left(format!("calls shutdown, with {told}"));
        let got = (self.shutdown)(limit);
        self.story
            .left(format!("shutdown has returned {}", words(&got)));
        returned(&got, wanted)
    }

    /// Waits for `serve` to return, and `Ok` at that.
    fn ended(&mut self) -> Result<(), Symptom> {
        self.story.left("waits for `serve` to return");
        let Some(serving) = self.serving.take() else {
            return Ok(());
        };
        match serving.join() {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                let summary = "`serve` has returned an error";
                Err(Symptom::new(Kind::Error, summary)
                    .with_words("Ok", error.to_string()))
            }
            Err(_) => Err(Symptom::new(Kind::Gone, "`serve` has panicked")),
        }
    }
}

fn words(got: &io::Result<()>) -> String {
    match got {
        Ok(()) => "Ok".into(),
        Err(error) => format!("{:?}: {error}", error.kind()),
    }
}

fn returned(got: &io::Result<()>, wanted: Option<ErrorKind>) -> Result<(), Symptom> {
    let kind = got.as_ref().err().map(io::Error::kind);
    if kind == wanted {
        return Ok(());
    }
    let expected = match wanted {
        None => "Ok".to_owned(),
        Some(kind) => format!("an error of the kind {kind:?}"),
    };
    let summary = "`shutdown` has returned something else";
    let kind = match (wanted, kind) {
        (None, _) => Kind::Error,
        (Some(_), None) => Kind::NoError,
        (Some(_), Some(_)) => Kind::WrongValue,
    };
    Err(Symptom::new(kind, summary).with_words(expected, words(got)))
}

/// Serves a caller: each byte in capitals, and two with a meaning of their own.
fn request(
    mut stream: TcpStream,
    shutdown: &(dyn Fn(Duration) -> io::Result<()> + Send + Sync),
    own: &Mutex<Option<io::Result<()>>>,
) {
    let mut byte = [0];
    while let Ok(1) = stream.read(&mut byte) {
        match &byte {
            b"s" => {
                let returned = shutdown(LONG);
                *own.lock().unwrap_or_else(PoisonError::into_inner) = Some(returned);
            }
            b"p" => panic!("this request panics on purpose"),
            _ => {}
        }
        if stream.write_all(&byte.to_ascii_uppercase()).is_err() {
            return;
        }
    }
}

fn two(hall: &mut Hall) -> Result<(), Symptom> {
    let mut silent = hall.connect()?;
    hall.story.left("a caller says nothing, a second one asks");
    let mut second = hall.connect()?;
    hall.ask(&mut second)?;
    hall.ask(&mut silent)?;
    hall.leave(second)?;
    hall.leave(silent)?;
    hall.visit()
}

/// The request is over a while after the shutdown has begun, and before it returns.
fn busy(hall: &mut Hall) -> Result<(), Symptom> {
    let mut caller = hall.connect()?;
    hall.ask(&mut caller)?;
    let (shutdown, done) = (Arc::clone(&hall.shutdown), Arc::clone(&hall.done));
    hall.story
        .left("another thread calls shutdown, with an hour");
    let (began, begun) = mpsc::channel();
    let stopping = thread::spawn(move || {
        let _ = began.send(());
        let got = shutdown(LONG);
        (got, done.load(Ordering::SeqCst))
    });
    let _ = begun.recv();
    thread::sleep(SHORT); // shapes the input: the shutdown is under way
    hall.ask(&mut caller).map_err(|mut symptom| {
        symptom.summary = "a caller was cut off while it was served".into();
        symptom
    })?;
    hall.story.left("the caller is answered, and leaves");
    hall.leave(caller)?;
    let (got, done) = stopping
        .join()
        .map_err(|_| Symptom::new(Kind::Gone, "`shutdown` has panicked"))?;
    returned(&got, None)?;
    if done == 0 {
        let summary = "`shutdown` has returned while a request was served";
        return Err(Symptom::new(Kind::Wrong, summary)
            .with_words("Ok, once it was done", "Ok, before"));
    }
    hall.ended()
}

fn limit(hall: &mut Hall) -> Result<(), Symptom> {
    let mut caller = hall.connect()?;
    hall.ask(&mut caller)?;
    hall.stop_within(SHORT, Some(ErrorKind::TimedOut))?;
    hall.ask(&mut caller).map_err(|mut symptom| {
        symptom.summary = "a caller was cut off while it was served".into();
        symptom
    })?;
    // Whoever comes now may be refused, or wait for nothing; served it is not.
    hall.story.left("somebody else calls");
    let late = TcpStream::connect(hall.addr).and_then(|mut late| {
        late.set_read_timeout(Some(SHORT))?; // shapes the input: so long both are here
        late.write_all(b"a")?;
        Ok(late)
    });
    let mut answer = [0];
    let served =
        |late: &mut TcpStream, answer: &mut [u8]| matches!(late.read(answer), Ok(1));
    let mut late = late.ok();
    let mut got = late.as_mut().is_some_and(|late| served(late, &mut answer));
    if let Some(late) = &late {
        let _ = late.shutdown(std::net::Shutdown::Write);
    }
    hall.leave(caller)?;
    hall.ended()?;
    got |= late.is_some_and(|mut late| served(&mut late, &mut answer));
    if got {
        let summary = "a caller was served that had come after the shutdown";
        return Err(Symptom::new(Kind::Wrong, summary)
            .with_words("no answer", String::from_utf8_lossy(&answer)));
    }
    hall.stop_within(LONG, None)
}

fn own(hall: &mut Hall) -> Result<(), Symptom> {
    let mut caller = hall.connect()?;
    hall.ask(&mut caller)?;
    hall.story.left("a request calls shutdown, with an hour");
    let mut answer = [0];
    let asked = caller
        .set_read_timeout(None) // it is seen whether everybody is asleep
        .and_then(|()| caller.write_all(b"s"))
        .and_then(|()| caller.read_exact(&mut answer));
    asked.map_err(|error| hall.gone(&error.to_string()))?;
    hall.story.left("the request goes on");
    let got = hall
        .own
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    returned(&got.unwrap_or(Ok(())), Some(ErrorKind::Deadlock))?;
    hall.leave(caller)?;
    hall.ended()
}

fn twenty(hall: &mut Hall) -> Result<(), Symptom> {
    hall.visit()?;
    hall.story.left("twenty threads call shutdown");
    let all: Vec<_> = (0..20)
        .map(|_| {
            let shutdown = Arc::clone(&hall.shutdown);
            thread::spawn(move || shutdown(LONG))
        })
        .collect();
    for one in all {
        let got = one.join();
        let panicked = |_| Symptom::new(Kind::Gone, "`shutdown` has panicked");
        returned(&got.map_err(panicked)?, None)?;
    }
    hall.ended()
}

fn before(hall: &mut Hall) -> Result<(), Symptom> {
    hall.stop_within(LONG, None)?;
    hall.story.left("now `serve` is called");
    hall.begin()?;
    hall.ended()
}

fn panics(hall: &mut Hall) -> Result<(), Symptom> {
    let mut caller = hall.connect()?;
    hall.ask(&mut caller)?;
    hall.story.left("a request panics");
    let sent = caller.write_all(b"p");
    let end = sent.and_then(|()| caller.read(&mut [0]));
    if !matches!(end, Ok(0)) {
        let symptom = Symptom::new(Kind::NoEnd, "its caller sees no end");
        return Err(symptom.with_words("the end", format!("{end:?}")));
    }
    hall.visit()?;
    hall.stop_within(BACKSTOP, None)?;
    hall.ended()
}

/// What a thread leaves that nobody joins is its stack, a piece of memory.
fn leak(hall: &mut Hall) -> Result<(), Symptom> {
    const ENOUGH: usize = 300;
    for _ in 0..100 {
        hall.visit()?;
    }
    let before = holds();
    for _ in 0..ENOUGH {
        hall.visit()?;
    }
    let after = holds();
    if let (Some((pieces, files)), Some((more_pieces, more_files))) = (before, after)
    {
        if more_files > files + ENOUGH / 3 {
            let summary = "descriptors are left over after the callers left";
            return Err(Symptom::new(Kind::Leaks, summary).with_words(
                format!("about {files} descriptors, as before"),
                format!("{more_files}, after {ENOUGH} callers came and went"),
            ));
        }
        if more_pieces > pieces + ENOUGH / 3 {
            let summary = "memory is left over after the callers left";
            return Err(Symptom::new(Kind::Leaks, summary).with_words(
                format!("about {pieces} pieces of memory, as before"),
                format!("{more_pieces}, after {ENOUGH} callers came and went"),
            ));
        }
    }
    hall.stop_within(LONG, None)?;
    hall.ended()
}

/// How many pieces of memory and descriptors this process has, where the kernel tells.
fn holds() -> Option<(usize, usize)> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let files = fs::read_dir("/proc/self/fd").ok()?;
    Some((maps.lines().count(), files.count()))
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: <[u8]>::to_ascii_uppercase,
    };
    diagnosis::name(&[RULES], &findings)
}

/// Nobody runs, and what may wake somebody is at most a limit that is an hour away.
fn stuck(symptom: &Symptom) -> bool {
    let asleep = matches!(symptom.doing, Some(Doing::Blocked | Doing::Restless));
    symptom.kind == Kind::NoAnswer && asleep
}

fn accepts(symptom: &Symptom) -> bool {
    symptom.calls.iter().any(|call| call.starts_with("accept"))
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M31",
        fits: |all| {
            let waits = |s: &Symptom| stuck(s) && accepts(s);
            all.passed("two") && all.first(&["idle"]).is_some_and(waits)
        },
        why: "`shutdown` was called, and a thread waits on in `accept`. Nothing ends \
              that call but a caller, and nobody calls: something has to wake it.",
    },
    Rule {
        mistake: "M145",
        fits: |all| {
            let waits =
                |s: &Symptom| stuck(s) && s.got.contains("a request calls shutdown");
            all.passed("idle")
                && all.passed("busy")
                && all.first(&["own"]).is_some_and(waits)
        },
        why: "A request called `shutdown`, which waits until all requests are done. \
              Its own cannot be done before it returns: it waits for itself. Know your \
              own threads, and do not wait in one of them.",
    },
    Rule {
        mistake: "M108",
        fits: |all| {
            let first = all.first(&["limit"]);
            let joins = |s: &Symptom| {
                stuck(s) && s.got.contains("calls shutdown, with 200ms")
            };
            all.passed("busy") && first.is_some_and(joins)
        },
        why: "The limit is over, a caller is still there, and `shutdown` has not \
              returned. `join` and a bare `wait` have no limit; a `Condvar` has \
              `wait_timeout`, a channel `recv_timeout`.",
    },
    Rule {
        mistake: "M68",
        fits: |all| {
            let cut = |s: &Symptom| s.summary.contains("cut off");
            let early = |s: &Symptom| s.got == "Ok, before";
            all.passed("idle")
                && all
                    .first(&["busy", "limit"])
                    .is_some_and(|s| cut(s) || early(s))
        },
        why: "A caller was being served, and the server did not wait for it. In a \
              program, the return of `shutdown` is where `main` ends, and with it \
              every thread.",
    },
    Rule {
        mistake: "M146",
        fits: |all| {
            let late =
                |s: &Symptom| s.kind == Kind::Error && s.got.starts_with("TimedOut");
            let waits = |s: &Symptom| stuck(s) && s.got.contains("`serve` to return");
            all.passed("busy")
                && all.first(&["panics"]).is_some_and(|s| late(s) || waits(s))
        },
        why: "A request panicked; nobody is served any more, and it is still waited \
              for. A panic leaves a function before the line that counts its end is \
              reached: `Drop` is reached in any case.",
    },
    Rule {
        mistake: "M100",
        fits: |all| {
            let leaks = |s: &Symptom| s.summary.starts_with("memory is left");
            all.first(&["leak"]).is_some_and(leaks)
        },
        why: "The threads have ended, and the memory of their stacks is kept until \
              somebody joins them or drops their handles. A list of handles that only \
              grows is a leak.",
    },
];
