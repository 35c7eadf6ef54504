//! Answers to `async/waker`.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use checks::answers::{Answer, Expected};
use checks_async::waker as check;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("waker right: tasks in a channel", check(channel)),
        Answer::right("waker right: flags and park", check(flags_and_park)),
        Answer::right("waker right: queued once", check(queued_once)),
        Answer::right("waker right: a map", check(a_map)),
        Answer::wrong(
            "M130",
            "waker: cleared after the poll",
            check(cleared_after),
        ),
        Answer::wrong("M130", "waker: forgotten while polled", check(taken_out)),
        Answer::wrong("M130", "waker: sleeps first", check(sleeps_first)),
        Answer::wrong(
            "M132",
            "waker: polls round and round",
            check(round_and_round),
        ),
        Answer::wrong("M132", "waker: yields", check(yields)),
        Answer::wrong("M132", "waker: looks for flags", check(looks_for_flags)),
        Answer::wrong(
            "M132",
            "waker: polls every millisecond",
            check(polls_and_sleeps),
        ),
        Answer::wrong(
            "M134",
            "waker: polls what is over",
            check(polls_what_is_over),
        ),
        Answer::wrong("M135", "waker: one flag for all", check(one_flag)),
        Answer::wrong("M136", "waker: the last first", check(the_last_first)),
        Answer::wrong("M136", "waker: stays with one", check(stays_with_one)),
        Answer::unnamed("pair", "waker: one after the other", check(one_by_one)),
        Answer::unnamed("thread", "waker: looks now and then", check(now_and_then)),
        Answer::unnamed("itself", "waker: locked while it polls", check(locked)),
        Answer::unnamed("one", "waker: a thread each", check(a_thread_each)),
        Answer::unnamed("itself", "waker: gives up", check(gives_up)),
        Answer::unnamed("after", "waker: panics when it is late", check(late_panic)),
        Answer {
            name: "waker: the stub",
            check: check(|_| todo!("the task")),
            expected: Expected::Untouched,
        },
    ]
}

/// A task in its own waker, which puts it into the channel.
struct Sent {
    task: Mutex<Option<Task>>,
    again: Sender<Arc<Sent>>,
}

impl Wake for Sent {
    fn wake(self: Arc<Self>) {
        let again = self.again.clone();
        let _ = again.send(self);
    }
}

fn channel(tasks: Vec<Task>) {
    let (again, woken) = mpsc::channel();
    let mut left = tasks.len();
    for task in tasks {
        let task = Mutex::new(Some(task));
        let again = again.clone();
        let sent = Arc::new(Sent { task, again });
        let _ = sent.again.clone().send(sent);
    }
    while left > 0 {
        let sent = woken.recv().unwrap();
        let waker = Waker::from(Arc::clone(&sent));
        let mut place = sent.task.lock().unwrap();
        let Some(mut task) = place.take() else {
            continue;
        };
        if task
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_ready()
        {
            left -= 1;
        } else {
            *place = Some(task);
        }
    }
}

struct Flag {
    up: AtomicBool,
    thread: Thread,
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.up.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

fn flags(tasks: Vec<Task>) -> Vec<(Option<Task>, Arc<Flag>)> {
    let flag = || {
        Arc::new(Flag {
            up: AtomicBool::new(true),
            thread: thread::current(),
        })
    };
    tasks.into_iter().map(|task| (Some(task), flag())).collect()
}

fn poll(task: &mut Task, waker: &Waker) -> bool {
    task.as_mut()
        .poll(&mut Context::from_waker(waker))
        .is_ready()
}

/// Whose flag is up is polled; where none is, it parks.
fn flags_and_park(tasks: Vec<Task>) {
    let mut all = flags(tasks);
    while all.iter().any(|(task, _)| task.is_some()) {
        let mut polled = false;
        for (place, flag) in &mut all {
            if let Some(task) = place
                && flag.up.swap(false, Ordering::SeqCst)
            {
                polled = true;
                if poll(task, &Waker::from(Arc::clone(flag))) {
                    *place = None;
                }
            }
        }
        if !polled {
            thread::park();
        }
    }
}

/// A row of numbers, and a way to sleep until there is one.
#[derive(Default)]
struct Row(Mutex<VecDeque<usize>>, Condvar);

impl Row {
    fn push(&self, number: usize) {
        self.0.lock().unwrap().push_back(number);
        self.1.notify_all();
    }

    fn pop(&self) -> usize {
        let mut row = self
            .1
            .wait_while(self.0.lock().unwrap(), |r| r.is_empty())
            .unwrap();
        row.pop_front().unwrap()
    }
}

struct Ticket {
    number: usize,
    row: Arc<Row>,
    queued: AtomicBool,
}

impl Wake for Ticket {
    fn wake(self: Arc<Self>) {
        if !self.queued.swap(true, Ordering::SeqCst) {
            self.row.push(self.number);
        }
    }
}

fn tickets(tasks: &[Task]) -> (Arc<Row>, Vec<Arc<Ticket>>) {
    let row: Arc<Row> = Arc::default();
    let ticket = |number| {
        let ticket = Arc::new(Ticket {
            number,
            row: Arc::clone(&row),
            queued: AtomicBool::new(false),
        });
        Arc::clone(&ticket).wake();
        ticket
    };
    let tickets = (0..tasks.len()).map(ticket).collect();
    (row, tickets)
}

/// Several wake-ups are one; what comes during the poll counts anew.
fn queued_once(tasks: Vec<Task>) {
    let (row, tickets) = tickets(&tasks);
    let mut tasks: Vec<Option<Task>> = tasks.into_iter().map(Some).collect();
    let mut left = tasks.len();
    while left > 0 {
        let number = row.pop();
        tickets[number].queued.store(false, Ordering::SeqCst);
        let Some(task) = &mut tasks[number] else {
            continue;
        };
        if poll(task, &Waker::from(Arc::clone(&tickets[number]))) {
            tasks[number] = None;
            left -= 1;
        }
    }
}

fn a_map(tasks: Vec<Task>) {
    let (row, tickets) = tickets(&tasks);
    let mut tasks: BTreeMap<usize, Task> = tasks.into_iter().enumerate().collect();
    while !tasks.is_empty() {
        let number = row.pop();
        tickets[number].queued.store(false, Ordering::SeqCst);
        let ready = (tasks.get_mut(&number)).is_some_and(|task| {
            poll(task, &Waker::from(Arc::clone(&tickets[number])))
        });
        if ready {
            tasks.remove(&number);
        }
    }
}

/// What happened during the poll is wiped away behind it.
fn cleared_after(tasks: Vec<Task>) {
    let (row, tickets) = tickets(&tasks);
    let mut tasks: Vec<Option<Task>> = tasks.into_iter().map(Some).collect();
    let mut left = tasks.len();
    while left > 0 {
        let number = row.pop();
        if let Some(task) = &mut tasks[number]
            && poll(task, &Waker::from(Arc::clone(&tickets[number])))
        {
            tasks[number] = None;
            left -= 1;
        }
        tickets[number].queued.store(false, Ordering::SeqCst);
    }
}

/// A task that is being polled is in no list, so nobody finds it to be woken.
struct Listed {
    task: Mutex<Option<Task>>,
    list: Arc<(Mutex<VecDeque<Arc<Listed>>>, Condvar)>,
}

impl Wake for Listed {
    fn wake(self: Arc<Self>) {
        if self.task.lock().unwrap().is_some() {
            let list = Arc::clone(&self.list);
            list.0.lock().unwrap().push_back(self);
            list.1.notify_all();
        }
    }
}

fn taken_out(tasks: Vec<Task>) {
    let list: Arc<(Mutex<VecDeque<_>>, Condvar)> = Arc::default();
    let mut left = tasks.len();
    for task in tasks {
        let task = Mutex::new(Some(task));
        let listed = Listed {
            task,
            list: Arc::clone(&list),
        };
        Arc::new(listed).wake();
    }
    while left > 0 {
        let waiting = list
            .1
            .wait_while(list.0.lock().unwrap(), |list| list.is_empty());
        let next: Arc<Listed> = waiting.unwrap().pop_front().unwrap();
        let Some(mut task) = next.task.lock().unwrap().take() else {
            continue;
        };
        if poll(&mut task, &Waker::from(Arc::clone(&next))) {
            left -= 1;
        } else {
            *next.task.lock().unwrap() = Some(task);
        }
    }
}

/// It waits for a wake-up without a look whether one has come.
fn sleeps_first(tasks: Vec<Task>) {
    struct Bell(Mutex<()>, Condvar, Mutex<VecDeque<usize>>);
    struct Ring(usize, Arc<Bell>);
    impl Wake for Ring {
        fn wake(self: Arc<Self>) {
            self.1.2.lock().unwrap().push_back(self.0);
            self.1.1.notify_all();
        }
    }
    let bell = Arc::new(Bell(Mutex::default(), Condvar::new(), Mutex::default()));
    let mut tasks: Vec<Option<Task>> = tasks.into_iter().map(Some).collect();
    let mut due: VecDeque<usize> = (0..tasks.len()).collect();
    loop {
        for number in std::mem::take(&mut due) {
            let waker = Waker::from(Arc::new(Ring(number, Arc::clone(&bell))));
            if let Some(task) = &mut tasks[number]
                && poll(task, &waker)
            {
                tasks[number] = None;
            }
        }
        if tasks.iter().all(Option::is_none) {
            return;
        }
        drop(bell.1.wait(bell.0.lock().unwrap()).unwrap());
        due.append(&mut bell.2.lock().unwrap());
    }
}

fn round_and_round(mut tasks: Vec<Task>) {
    let waker = Waker::noop();
    while !tasks.is_empty() {
        tasks.retain_mut(|task| !poll(task, waker));
    }
}

fn yields(mut tasks: Vec<Task>) {
    while !tasks.is_empty() {
        tasks.retain_mut(|task| !poll(task, Waker::noop()));
        thread::yield_now();
    }
}

fn polls_and_sleeps(mut tasks: Vec<Task>) {
    while !tasks.is_empty() {
        tasks.retain_mut(|task| !poll(task, Waker::noop()));
        thread::sleep(Duration::from_millis(1));
    }
}

fn looks_for_flags(tasks: Vec<Task>) {
    let mut all = flags(tasks);
    while all.iter().any(|(task, _)| task.is_some()) {
        for (place, flag) in &mut all {
            if let Some(task) = place
                && flag.up.swap(false, Ordering::SeqCst)
                && poll(task, &Waker::from(Arc::clone(flag)))
            {
                *place = None;
            }
        }
    }
}

fn now_and_then(tasks: Vec<Task>) {
    let mut all = flags(tasks);
    while all.iter().any(|(task, _)| task.is_some()) {
        let mut polled = false;
        for (place, flag) in &mut all {
            if let Some(task) = place
                && flag.up.swap(false, Ordering::SeqCst)
            {
                polled = true;
                if poll(task, &Waker::from(Arc::clone(flag))) {
                    *place = None;
                }
            }
        }
        if !polled {
            thread::sleep(Duration::from_millis(2));
        }
    }
}

fn polls_what_is_over(tasks: Vec<Task>) {
    let (row, tickets) = tickets(&tasks);
    let mut tasks = tasks;
    let mut over = vec![false; tasks.len()];
    while over.contains(&false) {
        let number = row.pop();
        tickets[number].queued.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&tickets[number]));
        over[number] = poll(&mut tasks[number], &waker);
    }
}

/// Somebody was woken; who, nobody knows.
fn one_flag(mut tasks: Vec<Task>) {
    let flag = Arc::new(Flag {
        up: AtomicBool::new(true),
        thread: thread::current(),
    });
    let waker = Waker::from(Arc::clone(&flag));
    while !tasks.is_empty() {
        while !flag.up.swap(false, Ordering::SeqCst) {
            thread::park();
        }
        tasks.retain_mut(|task| !poll(task, &waker));
    }
}

fn the_last_first(tasks: Vec<Task>) {
    let (row, tickets) = tickets(&tasks);
    let mut tasks: Vec<Option<Task>> = tasks.into_iter().map(Some).collect();
    let mut left = tasks.len();
    let mut pile = Vec::new();
    while left > 0 {
        if pile.is_empty() {
            pile.push(row.pop());
        }
        pile.extend(row.0.lock().unwrap().drain(..));
        let Some(number) = pile.pop() else { continue };
        tickets[number].queued.store(false, Ordering::SeqCst);
        let Some(task) = &mut tasks[number] else {
            continue;
        };
        if poll(task, &Waker::from(Arc::clone(&tickets[number]))) {
            tasks[number] = None;
            left -= 1;
        }
    }
}

/// While a task has something to do it is polled.
fn stays_with_one(tasks: Vec<Task>) {
    let mut all = flags(tasks);
    while all.iter().any(|(task, _)| task.is_some()) {
        let mut polled = false;
        for (place, flag) in &mut all {
            while let Some(task) = place
                && flag.up.swap(false, Ordering::SeqCst)
            {
                polled = true;
                if poll(task, &Waker::from(Arc::clone(flag))) {
                    *place = None;
                }
            }
        }
        if !polled {
            thread::park();
        }
    }
}

fn block_on(mut task: Task) {
    let flag = Arc::new(Flag {
        up: AtomicBool::new(true),
        thread: thread::current(),
    });
    let waker = Waker::from(Arc::clone(&flag));
    loop {
        while !flag.up.swap(false, Ordering::SeqCst) {
            thread::park();
        }
        if poll(&mut task, &waker) {
            return;
        }
    }
}

fn one_by_one(tasks: Vec<Task>) {
    tasks.into_iter().for_each(block_on);
}

fn a_thread_each(tasks: Vec<Task>) {
    thread::scope(|scope| {
        for task in tasks {
            scope.spawn(|| block_on(task));
        }
    });
}

/// The row is locked while a task is polled, and a waker wants the row.
fn locked(tasks: Vec<Task>) {
    let (row, tickets) = tickets(&tasks);
    let mut tasks: Vec<Option<Task>> = tasks.into_iter().map(Some).collect();
    let mut left = tasks.len();
    while left > 0 {
        let guard = row.0.lock().unwrap();
        let mut guard = row.1.wait_while(guard, |row| row.is_empty()).unwrap();
        let number = guard.pop_front().unwrap();
        tickets[number].queued.store(false, Ordering::SeqCst);
        let Some(task) = &mut tasks[number] else {
            continue;
        };
        if poll(task, &Waker::from(Arc::clone(&tickets[number]))) {
            tasks[number] = None;
            left -= 1;
        }
        drop(guard);
    }
}

fn gives_up(mut tasks: Vec<Task>) {
    for task in &mut tasks {
        let _ = poll(task, Waker::noop());
    }
}

/// Its wakers want an executor that runs.
fn late_panic(tasks: Vec<Task>) {
    struct Strict(Arc<Ticket>, Arc<AtomicBool>);
    impl Wake for Strict {
        fn wake(self: Arc<Self>) {
            assert!(self.1.load(Ordering::SeqCst), "the executor is gone");
            Arc::clone(&self.0).wake();
        }
    }
    let runs = Arc::new(AtomicBool::new(true));
    let (row, tickets) = tickets(&tasks);
    let mut tasks: Vec<Option<Task>> = tasks.into_iter().map(Some).collect();
    let mut left = tasks.len();
    while left > 0 {
        let number = row.pop();
        tickets[number].queued.store(false, Ordering::SeqCst);
        let strict = Strict(Arc::clone(&tickets[number]), Arc::clone(&runs));
        let Some(task) = &mut tasks[number] else {
            continue;
        };
        if poll(task, &Waker::from(Arc::new(strict))) {
            tasks[number] = None;
            left -= 1;
        }
    }
    runs.store(false, Ordering::SeqCst);
}
