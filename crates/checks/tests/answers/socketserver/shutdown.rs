//! Answers to `socketserver/shutdown`.

use std::collections::HashSet;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use checks::answers::{Answer, Expected};
use checks_socketserver::{Handle, Stoppable, shutdown as check};

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("shutdown right: counted", check(|| counted(RIGHT))),
        Answer::right("shutdown right: thread ids", check(|| counted(IDS))),
        Answer::right("shutdown right: polls", check(|| counted(POLLS))),
        Answer::right("shutdown right: a channel", check(a_channel)),
        Answer::wrong("M31", "shutdown: wakes nobody", check(|| counted(NO_WAKE))),
        Answer::wrong("M145", "shutdown: of itself", check(|| counted(OF_ITSELF))),
        Answer::wrong("M108", "shutdown: no limit", check(|| counted(NO_LIMIT))),
        Answer::wrong("M68", "shutdown: at once", check(|| counted(AT_ONCE))),
        Answer::wrong("M146", "shutdown: no drop", check(|| counted(NO_DROP))),
        Answer::wrong("M100", "shutdown: a list", check(|| counted(A_LIST))),
        Answer::unnamed("two", "shutdown: inline", check(|| counted(INLINE))),
        Answer::unnamed("before", "shutdown: forgets", check(|| counted(FORGETS))),
        Answer::unnamed("own", "shutdown: Ok to itself", check(|| counted(OK_OWN))),
        Answer::unnamed("limit", "shutdown: late is Ok", check(|| counted(LATE_OK))),
        Answer::unnamed("limit", "shutdown: serves on", check(|| counted(SERVES_ON))),
        Answer {
            name: "shutdown: the stub",
            check: check(|| Stoppable {
                serve: Box::new(|_, _| todo!("the task")),
                shutdown: Arc::new(|_| todo!("the task")),
            }),
            expected: Expected::Untouched,
        },
    ]
}

/// In which way an answer goes wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Way {
    wakes: bool,
    knows_itself: bool,
    ids: bool,
    polls: bool,
    limited: bool,
    waits: bool,
    drops: bool,
    keeps: bool,
    inline: bool,
    remembers: bool,
    serves_on: bool,
    own: Option<ErrorKind>,
    late: Option<ErrorKind>,
}

const RIGHT: Way = Way {
    wakes: true,
    knows_itself: true,
    ids: false,
    polls: false,
    limited: true,
    waits: true,
    drops: true,
    keeps: false,
    inline: false,
    remembers: true,
    serves_on: false,
    own: Some(ErrorKind::Deadlock),
    late: Some(ErrorKind::TimedOut),
};
const IDS: Way = Way { ids: true, ..RIGHT };
const POLLS: Way = Way {
    polls: true,
    wakes: false,
    ..RIGHT
};
const NO_WAKE: Way = Way {
    wakes: false,
    ..RIGHT
};
const OF_ITSELF: Way = Way {
    knows_itself: false,
    ..RIGHT
};
const NO_LIMIT: Way = Way {
    limited: false,
    ..RIGHT
};
const AT_ONCE: Way = Way {
    waits: false,
    ..RIGHT
};
const NO_DROP: Way = Way {
    drops: false,
    ..RIGHT
};
const A_LIST: Way = Way {
    keeps: true,
    ..RIGHT
};
const INLINE: Way = Way {
    inline: true,
    ..RIGHT
};
const FORGETS: Way = Way {
    remembers: false,
    ..RIGHT
};
/// Whoever comes while somebody is served is served, too.
const SERVES_ON: Way = Way {
    serves_on: true,
    polls: true,
    wakes: false,
    ..RIGHT
};
const OK_OWN: Way = Way { own: None, ..RIGHT };
const LATE_OK: Way = Way {
    late: None,
    ..RIGHT
};

#[derive(Default)]
struct State {
    stopping: bool,
    addr: Option<SocketAddr>,
    requests: usize,
    threads: HashSet<ThreadId>,
    kept: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared(Mutex<State>, Condvar);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ends(&self) {
        let mut state = self.lock();
        state.requests -= 1;
        state.threads.remove(&thread::current().id());
        self.1.notify_all();
    }
}

struct Ends(Arc<Shared>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.ends();
    }
}

fn error(kind: Option<ErrorKind>) -> io::Result<()> {
    kind.map_or(Ok(()), |kind| Err(kind.into()))
}

fn counted(way: Way) -> Stoppable {
    let shared = Arc::new(Shared::default());
    let same = Arc::clone(&shared);
    Stoppable {
        serve: Box::new(move |listener, handle| {
            serve(listener, &shared, handle, way)
        }),
        shutdown: Arc::new(move |limit| stop(&same, limit, way)),
    }
}

fn stop(shared: &Shared, limit: Duration, way: Way) -> io::Result<()> {
    let mut state = shared.lock();
    let Some(addr) = state.addr else {
        state.stopping = way.remembers;
        return Ok(());
    };
    state.stopping = true;
    if way.wakes {
        drop(TcpStream::connect(addr));
    }
    if !way.waits {
        return Ok(());
    }
    if way.knows_itself && state.threads.contains(&thread::current().id()) {
        return error(way.own);
    }
    let until = Instant::now() + limit;
    while state.addr.is_some() {
        let left = until.saturating_duration_since(Instant::now());
        if !way.limited {
            state = shared.1.wait(state).unwrap();
        } else if left.is_zero() {
            return error(way.late);
        } else {
            state = shared.1.wait_timeout(state, left).unwrap().0;
        }
    }
    Ok(())
}

fn serve(
    listener: TcpListener,
    shared: &Arc<Shared>,
    handle: Handle,
    way: Way,
) -> io::Result<()> {
    shared.lock().addr = Some(listener.local_addr()?);
    listener.set_nonblocking(way.polls)?;
    let goes_on = |state: &State| way.serves_on && state.requests > 0;
    loop {
        let state = shared.lock();
        if state.stopping && !goes_on(&state) {
            break;
        }
        drop(state);
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                thread::sleep(Duration::from_millis(5));
                continue;
            }
            Err(error) => return Err(error),
        };
        if shared.lock().stopping && !way.serves_on {
            break;
        }
        stream.set_nonblocking(false)?;
        shared.lock().requests += 1;
        let (own, handle) = (Arc::clone(shared), Arc::clone(&handle));
        let work = move || {
            own.lock().threads.insert(thread::current().id());
            if way.drops {
                let _ends = Ends(own);
                handle(stream);
            } else {
                handle(stream);
                own.ends();
            }
        };
        if way.inline {
            work();
            continue;
        }
        let started = thread::spawn(work);
        if way.keeps {
            shared.lock().kept.push(started);
        }
    }
    let mut state = shared.lock();
    while way.waits && state.requests > 0 {
        state = shared.1.wait(state).unwrap();
    }
    state.addr = None;
    shared.1.notify_all();
    Ok(())
}

/// Requests that hold a sender; who waits hears that all are gone. The listener is shut
/// down to end `accept`, which Linux allows.
fn a_channel() -> Stoppable {
    struct Inner {
        stopping: AtomicBool,
        listener: Mutex<Option<TcpListener>>,
        over: Mutex<Option<mpsc::Receiver<()>>>,
    }
    thread_local! {
        static MINE: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
    }
    let inner = Arc::new(Inner {
        stopping: AtomicBool::new(false),
        listener: Mutex::new(None),
        over: Mutex::new(None),
    });
    let same = Arc::clone(&inner);
    let serve = move |listener: TcpListener, handle: Handle| {
        let (alive, over) = mpsc::channel();
        let (ended, whole) = mpsc::channel();
        *inner.listener.lock().unwrap() = Some(listener.try_clone()?);
        *inner.over.lock().unwrap() = Some(whole);
        while !inner.stopping.load(Ordering::SeqCst) {
            let Ok((stream, _)) = listener.accept() else {
                break;
            };
            let (alive, handle) = (mpsc::Sender::clone(&alive), Arc::clone(&handle));
            thread::spawn(move || {
                MINE.set(true);
                let _ = catch_unwind(AssertUnwindSafe(|| handle(stream)));
                drop::<mpsc::Sender<()>>(alive);
            });
        }
        drop(alive);
        let _ = over.recv(); // an error, once all senders are gone
        drop::<mpsc::Sender<()>>(ended);
        Ok(())
    };
    let shutdown = move |limit: Duration| -> io::Result<()> {
        same.stopping.store(true, Ordering::SeqCst);
        if let Some(listener) = &*same.listener.lock().unwrap() {
            let _ =
                socket2::SockRef::from(listener).shutdown(std::net::Shutdown::Both);
        }
        if MINE.get() {
            return Err(ErrorKind::Deadlock.into());
        }
        match &*same.over.lock().unwrap() {
            None => Ok(()),
            Some(over) => match over.recv_timeout(limit) {
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    Err(ErrorKind::TimedOut.into())
                }
                _ => Ok(()),
            },
        }
    };
    Stoppable {
        serve: Box::new(serve),
        shutdown: Arc::new(shutdown),
    }
}
