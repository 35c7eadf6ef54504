//! An executor: it polls futures, and sleeps while none of them has anything to do.
//!
//! One thread does all of it. What sleeps is the reactor of lesson 10: it waits for
//! sockets, timers and other threads in one call. Between the two stands one rule: a
//! future that says [`Poll::Pending`] has left its waker with somebody.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use lesson_10::reactor::{self, Event, Reactor, Token};

// ANCHOR: row
/// Whose turn it is: the numbers of the tasks that were woken, first come, first
/// served.
struct Row {
    state: Mutex<State>,
    reactor: reactor::Waker,
}

#[derive(Default)]
struct State {
    woken: VecDeque<u64>,
    /// The executor has found the row empty, and sleeps or is about to.
    asleep: bool,
}

/// What a [`Waker`] of ours holds. It may be called from any thread, at any time.
struct Ticket {
    task: u64,
    row: Arc<Row>,
}

impl Wake for Ticket {
    fn wake(self: Arc<Self>) {
        let mut state = self.row.lock();
        state.woken.push_back(self.task);
        if std::mem::take(&mut state.asleep) {
            // A wake that comes before the sleep is kept by the kernel (eventfd(2)):
            // the sleep is then over at once.
            let _ = self.row.reactor.wake();
        }
    }
}

impl Row {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics with the lock held; if it did, a row is a row.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long the executor may wait for news: not at all if somebody's turn it is.
    /// To look and to write down that we sleep is one step, under the lock.
    fn may_sleep(&self) -> Option<Duration> {
        let mut state = self.lock();
        state.asleep = state.woken.is_empty();
        (!state.asleep).then_some(Duration::ZERO)
    }
}
// ANCHOR_END: row

/// A task: a future without a result, and the waker that puts its number in the row.
type Task = (Pin<Box<dyn Future<Output = ()>>>, Waker);

/// All that the executor of this thread has.
pub(crate) struct Executor {
    row: Arc<Row>,
    pub(crate) reactor: RefCell<Reactor>,
    tasks: RefCell<HashMap<u64, Task>>,
    /// Who waits for which news: sockets and timers, by token.
    pub(crate) waiting: RefCell<HashMap<(Token, Way), Waker>>,
    numbers: Cell<u64>,
    tell: Box<dyn Fn(Step)>,
}

/// What a future waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Way {
    Read,
    Write,
    Time,
}

/// What the executor did, for whoever wants to watch it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Polled this task, which was then over or not. The main future is task 0.
    Polled(u64, bool),
    /// Nobody was woken: it went to sleep.
    Sleeps,
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<Executor>>> = const { RefCell::new(None) };
}

/// The executor that runs in this thread.
///
/// # Panics
///
/// Outside [`run`]: what needs an executor cannot be used without one.
pub(crate) fn current() -> Rc<Executor> {
    let current = CURRENT.with_borrow(Clone::clone);
    current.expect("only within `executor::run`")
}

/// Takes the executor of this thread away again, also on a panic.
struct Leave;

impl Leave {
    fn after(executor: &Rc<Executor>) -> io::Result<Self> {
        CURRENT.with_borrow_mut(|current| match current {
            Some(_) => Err(io::Error::other("this thread has an executor already")),
            None => {
                *current = Some(Rc::clone(executor));
                Ok(Self)
            }
        })
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        // Its tasks go first: what they hold may ask for the executor.
        if let Some(executor) = CURRENT.with_borrow(Clone::clone) {
            let tasks = executor.tasks.take();
            drop(tasks);
        }
        CURRENT.take();
    }
}

/// Runs `main` to its end, and with it the tasks that were spawned meanwhile. Those
/// that are left then are dropped.
///
/// # Errors
///
/// If the reactor cannot be made, or fails; and within another `run` of this thread,
/// which it would keep from its tasks.
pub fn run<T>(main: impl Future<Output = T>) -> io::Result<T> {
    run_watched(main, |_| {})
}

// ANCHOR: run
/// As [`run`], and tells what it does.
///
/// # Errors
///
/// As there.
pub fn run_watched<T>(
    main: impl Future<Output = T>,
    tell: impl Fn(Step) + 'static,
) -> io::Result<T> {
    let executor = Rc::new(Executor::new(Box::new(tell))?);
    let _leave = Leave::after(&executor)?;
    let mut main = pin!(main);
    let mains = executor.waker(0);
    mains.wake_by_ref();
    let mut events = Vec::new();
    loop {
        // Those who are woken from now on have their turn in the next round: a task
        // that always has something to do delays the others, and cannot stop them.
        let round = std::mem::take(&mut executor.row.lock().woken);
        for number in round {
            if number != 0 {
                executor.poll(number);
            } else if let Poll::Ready(value) =
                main.as_mut().poll(&mut Context::from_waker(&mains))
            {
                (executor.tell)(Step::Polled(0, true));
                return Ok(value);
            } else {
                (executor.tell)(Step::Polled(0, false));
            }
        }
        let limit = executor.row.may_sleep();
        if limit.is_none() {
            (executor.tell)(Step::Sleeps);
        }
        executor.reactor.borrow_mut().poll(&mut events, limit)?;
        executor.row.lock().asleep = false;
        executor.pass_on(&events);
    }
}
// ANCHOR_END: run

impl Executor {
    fn new(tell: Box<dyn Fn(Step)>) -> io::Result<Self> {
        let reactor = Reactor::new()?;
        let row = Row {
            state: Mutex::default(),
            reactor: reactor.waker(),
        };
        Ok(Self {
            row: Arc::new(row),
            reactor: RefCell::new(reactor),
            tasks: RefCell::default(),
            waiting: RefCell::default(),
            numbers: Cell::new(1),
            tell,
        })
    }

    fn waker(&self, task: u64) -> Waker {
        let row = Arc::clone(&self.row);
        Arc::new(Ticket { task, row }).into()
    }

    /// A number that was never used: for a task, or as a token.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.replace(self.numbers.get() + 1)
    }

    // ANCHOR: poll
    /// Polls one task. It may spawn others meanwhile, so it is taken out of the map.
    fn poll(&self, number: u64) {
        let Some((mut task, waker)) = self.tasks.borrow_mut().remove(&number) else {
            return; // it was over when it was woken
        };
        let polled = task.as_mut().poll(&mut Context::from_waker(&waker));
        (self.tell)(Step::Polled(number, polled.is_ready()));
        if polled.is_pending() {
            self.tasks.borrow_mut().insert(number, (task, waker));
        }
    }

    /// Wakes who waits for this news.
    fn pass_on(&self, events: &[Event]) {
        for event in events {
            let (token, ways) = match *event {
                Event::Ready(token, ready) => {
                    let read = ready.can_read().then_some(Way::Read);
                    (token, [read, ready.can_write().then_some(Way::Write)])
                }
                Event::Due(token) => (token, [Some(Way::Time), None]),
                Event::Woken => continue, // the row tells who
            };
            for way in ways.into_iter().flatten() {
                let waker = self.waiting.borrow_mut().remove(&(token, way));
                if let Some(waker) = waker {
                    waker.wake();
                }
            }
        }
    }
    // ANCHOR_END: poll
}

// ANCHOR: spawn
/// Has `future` polled beside the others, from the next round on. It goes on also if
/// nobody waits for the result.
///
/// # Panics
///
/// Outside [`run`].
pub fn spawn<T: 'static>(future: impl Future<Output = T> + 'static) -> Join<T> {
    let executor = current();
    let number = executor.number();
    let result = Rc::new(RefCell::new((None, None::<Waker>)));
    let join = Join(Rc::clone(&result));
    let task = Box::pin(async move {
        let value = future.await;
        let waker = {
            let mut result = result.borrow_mut();
            result.0 = Some(value);
            result.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    });
    let waker = executor.waker(number);
    waker.wake_by_ref();
    executor.tasks.borrow_mut().insert(number, (task, waker));
    join
}

/// The future of a task's result.
pub struct Join<T>(Rc<RefCell<(Option<T>, Option<Waker>)>>);

impl<T> Future for Join<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let mut result = self.0.borrow_mut();
        match result.0.take() {
            Some(value) => Poll::Ready(value),
            None => {
                result.1 = Some(cx.waker().clone()); // the last one counts
                Poll::Pending
            }
        }
    }
}
// ANCHOR_END: spawn
