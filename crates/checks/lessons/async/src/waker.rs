//! `async/waker`: an executor that sleeps, and loses no wake-up.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread::{self, ThreadId};
use std::time::Duration;
use std::{future, process};

use wire::view;

use super::Story;
use checks::diagnosis::{self, Findings, Rule};
use checks::engine::{Check, Probe, Report, Seen};
use checks::symptom::{Doing, Kind, Symptom};

/// What the learner's executor is given.
type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

type Run = fn(Vec<Task>);

/// The check of `async/waker`: a function that drives tasks to their end.
pub fn waker(run: Run) -> Check {
    let probe = |name, title, play: fn(&Floor, Run) -> Result<(), Symptom>| {
        Probe::tasks(name, title, move |report: &Report| {
            let story = Story::new(report, "the tasks", "your executor");
            play(&Floor::new(story), run)
        })
    };
    let probes = vec![
        probe("one", "a task that is ready at once", one),
        probe("none", "no task at all", none),
        probe("itself", "a task that wakes itself within its poll", itself),
        probe("pair", "a task that waits for another", pair),
        probe("thread", "a wake-up from another thread", thread),
        probe("within", "another thread's, within the poll", within),
        probe("own", "three tasks, and wake-ups for one", own),
        probe("over", "a task that is woken when it is over", over),
        probe("fair", "a task that wakes itself again and again", fair),
        probe(
            "volley",
            "two thousand wake-ups from another thread",
            volley,
        ),
        probe("after", "a waker that outlives its executor", after),
        probe("many", "a thousand tasks in a ring", many),
    ];
    Check::new("async/waker", probes, diagnose)
}

/// Polls beyond this number, without a wake-up, and the task gives up.
const PATIENCE: usize = 200;

/// So many polls without a wake-up are let pass.
const SLACK: usize = 2;

/// Of most tasks so many polls stand in the story.
const TOLD: usize = 8;

/// Where the tasks of a probe are made.
struct Floor {
    story: Story,
    all: Mutex<Vec<Arc<Job>>>,
    wakes: Arc<AtomicUsize>,
    caller: ThreadId,
}

/// What is known of one task.
struct Job {
    name: String,
    story: Story,
    polls: AtomicUsize,
    wakes: AtomicUsize,
    /// The wake-ups of all tasks, and how many there had been by the last poll.
    everybodys: Arc<AtomicUsize>,
    by_then: AtomicUsize,
    /// Polls without a wake-up of its own: after one of another's, and after none.
    for_others: AtomicUsize,
    for_nothing: AtomicUsize,
    is_over: AtomicBool,
    polled_after: AtomicBool,
    elsewhere: AtomicBool,
    caller: ThreadId,
    /// So many of its polls stand in the story.
    told: usize,
}

impl Floor {
    fn new(story: Story) -> Self {
        Self {
            story,
            all: Mutex::default(),
            wakes: Arc::default(),
            caller: thread::current().id(),
        }
    }

    fn job(&self, name: &str) -> Arc<Job> {
        self.job_told(name.to_string(), TOLD)
    }

    fn job_told(&self, name: String, told: usize) -> Arc<Job> {
        let job = Arc::new(Job {
            name,
            told,
            story: self.story.clone(),
            polls: AtomicUsize::default(),
            wakes: AtomicUsize::default(),
            everybodys: Arc::clone(&self.wakes),
            by_then: AtomicUsize::default(),
            for_others: AtomicUsize::default(),
            for_nothing: AtomicUsize::default(),
            is_over: AtomicBool::default(),
            polled_after: AtomicBool::default(),
            elsewhere: AtomicBool::default(),
            caller: self.caller,
        });
        self.all
            .lock()
            .expect(NEVER_POISONED)
            .push(Arc::clone(&job));
        job
    }

    /// Runs the tasks, and looks at what became of them.
    fn run(&self, run: Run, tasks: Vec<Task>) -> Result<(), Symptom> {
        self.story.left(match tasks.len() {
            1 => "one task is handed over".into(),
            many => format!("{many} tasks are handed over"),
        });
        run(tasks);
        self.story.right("returns");
        self.review(true)
    }

    fn review(&self, returned: bool) -> Result<(), Symptom> {
        let all = self.all.lock().expect(NEVER_POISONED);
        all.iter().try_for_each(|job| job.review(returned))
    }
}

const NEVER_POISONED: &str = "nothing panics while it holds this";

impl Job {
    /// A task that does `work` at each poll.
    fn task(
        self: &Arc<Self>,
        mut work: impl FnMut(&Arc<Job>, &Waker) -> Poll<()> + Send + 'static,
    ) -> Task {
        let job = Arc::clone(self);
        Box::pin(future::poll_fn(move |cx: &mut Context<'_>| {
            job.begins();
            if job.is_over.load(Ordering::SeqCst) {
                job.polled_after.store(true, Ordering::SeqCst);
                return Poll::Ready(());
            }
            let answer = match job.gives_up() {
                true => Poll::Ready(()),
                false => work(&job, cx.waker()),
            };
            if answer.is_ready() {
                job.is_over.store(true, Ordering::SeqCst);
            }
            job.says(if answer.is_ready() {
                "Ready"
            } else {
                "Pending"
            });
            answer
        }))
    }

    fn begins(&self) {
        let polls = self.polls.fetch_add(1, Ordering::SeqCst) + 1;
        if polls <= self.told {
            self.story.right(format!("polls {}", self.name));
        }
        let everybodys = self.everybodys.load(Ordering::SeqCst);
        let by_then = self.by_then.swap(everybodys, Ordering::SeqCst);
        if polls > 1 + self.wakes.load(Ordering::SeqCst) {
            let which = match everybodys == by_then {
                true => &self.for_nothing,
                false => &self.for_others,
            };
            which.fetch_add(1, Ordering::SeqCst);
        }
        if thread::current().id() != self.caller {
            self.elsewhere.store(true, Ordering::SeqCst);
        }
    }

    fn says(&self, what: &str) {
        if self.polls.load(Ordering::SeqCst) <= self.told {
            self.story.left(format!("{}: {what}", self.name));
        }
    }

    fn unasked(&self) -> (usize, usize) {
        let load = |count: &AtomicUsize| count.load(Ordering::SeqCst);
        (load(&self.for_nothing), load(&self.for_others))
    }

    fn gives_up(&self) -> bool {
        let (for_nothing, for_others) = self.unasked();
        for_nothing + for_others > PATIENCE
    }

    /// Calls this task's waker.
    fn wake(&self, waker: &Waker, who: &str) {
        let wakes = self.wakes.fetch_add(1, Ordering::SeqCst);
        self.everybodys.fetch_add(1, Ordering::SeqCst);
        if wakes < self.told {
            self.story
                .left(format!("{who} calls the waker of {}", self.name));
        }
        waker.wake_by_ref();
        if wakes < self.told {
            self.story.left(format!("{who}: the waker has returned"));
        }
    }

    fn polls(&self) -> usize {
        self.polls.load(Ordering::SeqCst)
    }

    fn review(&self, returned: bool) -> Result<(), Symptom> {
        let name = &self.name;
        if self.polled_after.load(Ordering::SeqCst) {
            let summary = format!("{name} was over, and was polled again");
            return Err(Symptom::new(Kind::Rule, summary)
                .with_words("no poll after Ready", "one more poll"));
        }
        let (for_nothing, for_others) = self.unasked();
        if for_nothing + for_others > SLACK {
            let polls = view::number(self.polls() as u64);
            let wakes = view::number(self.wakes.load(Ordering::SeqCst) as u64);
            let summary = format!("{name} was polled more often than it was woken");
            let why = match for_nothing > for_others {
                true => FOR_NOTHING,
                false => FOR_OTHERS,
            };
            let given_up = if self.gives_up() { ", and gave up" } else { "" };
            let got = format!("{polls} polls, {wakes} wake-ups: {why}{given_up}");
            let wanted = "one poll to begin with, and at most one for each wake-up";
            return Err(Symptom::new(Kind::Spins, summary).with_words(wanted, got));
        }
        if self.elsewhere.load(Ordering::SeqCst) {
            let summary = format!("{name} was polled by another thread");
            let wanted = "polls by the thread that called `run`";
            return Err(Symptom::new(Kind::Rule, summary)
                .with_words(wanted, "polls by a thread of your own"));
        }
        if returned && !self.is_over.load(Ordering::SeqCst) {
            let summary = format!("`run` returned, and {name} is not over");
            let got = format!("a return after {} polls of it", self.polls());
            return Err(Symptom::new(Kind::Gone, summary)
                .with_words("a return when each task is ready", got));
        }
        Ok(())
    }
}

const FOR_NOTHING: &str = "polled though nobody had been woken";
const FOR_OTHERS: &str = "polled when others had been woken";

fn one(floor: &Floor, run: Run) -> Result<(), Symptom> {
    let job = floor.job("A");
    floor.run(run, vec![job.task(|_, _| Poll::Ready(()))])
}

fn none(floor: &Floor, run: Run) -> Result<(), Symptom> {
    floor.run(run, Vec::new())
}

/// Wakes itself three times, each within its poll.
fn itself(floor: &Floor, run: Run) -> Result<(), Symptom> {
    let job = floor.job("A");
    let task = job.task(|job, waker| {
        if job.polls() > 3 {
            return Poll::Ready(());
        }
        job.wake(waker, "A");
        Poll::Pending
    });
    floor.run(run, vec![task])
}

/// The waker of the last poll of one task, for another.
type Slot = Arc<Mutex<Option<Waker>>>;

/// The first waits for the second, which needs a poll more.
fn pair(floor: &Floor, run: Run) -> Result<(), Symptom> {
    let (first, second) = (floor.job("A"), floor.job("B"));
    let slot = Slot::default();
    let waits = {
        let (slot, second) = (Arc::clone(&slot), Arc::clone(&second));
        first.task(move |_, waker| {
            *slot.lock().expect(NEVER_POISONED) = Some(waker.clone());
            match second.is_over.load(Ordering::SeqCst) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
    };
    let works = {
        let first = Arc::clone(&first);
        second.task(move |job, waker| {
            if job.polls() == 1 {
                job.wake(waker, "B");
                return Poll::Pending;
            }
            job.is_over.store(true, Ordering::SeqCst);
            let waker = slot.lock().expect(NEVER_POISONED).take();
            if let Some(waker) = waker {
                first.wake(&waker, "B");
            }
            Poll::Ready(())
        })
    };
    floor.run(run, vec![waits, works])
}

/// How the thread that runs the executor sleeps.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sleep {
    /// Without a time limit, or in a way that cannot be seen.
    Deep,
    /// It wakes by itself, now and then.
    Light,
    /// It does not.
    Awake,
}

/// Waits until the first thread of this process sleeps, and says how.
fn until_it_sleeps() -> Sleep {
    /// Between two looks.
    const PAUSE: Duration = Duration::from_millis(3);
    /// What a thread may use up before it falls asleep.
    const BUSY: u64 = 400_000_000; // nanoseconds
    const OFTEN: u64 = 40; // switches
    let look = || {
        let glance = xray::glance(process::id()).ok()?;
        glance
            .threads
            .into_iter()
            .find(|thread| thread.tid == process::id())
    };
    let Some(first) = look() else {
        thread::sleep(Duration::from_millis(100)); // nobody can tell here
        return Sleep::Deep;
    };
    let mut quiet = 0;
    let mut last = first.switches;
    loop {
        thread::sleep(PAUSE);
        let Some(now) = look() else {
            return Sleep::Deep;
        };
        let still = now.is_blocked() && now.switches == last;
        quiet = if still { quiet + 1 } else { 0 };
        last = now.switches;
        if quiet >= 5 {
            let limited =
                now.call.and_then(|call| call.waits_forever()) == Some(false);
            return if limited { Sleep::Light } else { Sleep::Deep };
        }
        if now.run_ns.saturating_sub(first.run_ns) > BUSY {
            return Sleep::Awake;
        }
        if now.switches.saturating_sub(first.switches) > OFTEN && now.is_blocked() {
            return Sleep::Light;
        }
    }
}

/// A thread that wakes a job whenever it is handed a waker, once the executor sleeps.
fn sleepless(
    job: &Arc<Job>,
    wakers: Receiver<Waker>,
    light: &Arc<AtomicBool>,
) -> thread::JoinHandle<()> {
    let (job, light) = (Arc::clone(job), Arc::clone(light));
    thread::spawn(move || {
        for waker in wakers {
            match until_it_sleeps() {
                Sleep::Deep => job.story.left("the executor sleeps"),
                Sleep::Light => {
                    job.story.left("the executor sleeps, with a time limit");
                    light.store(true, Ordering::SeqCst);
                }
                Sleep::Awake => job.story.left("the executor does not fall asleep"),
            }
            job.wake(&waker, "another thread");
        }
    })
}

/// A task that hands its waker over so many times, and waits for it to be called each
/// time.
fn hands_over_times(job: &Arc<Job>, wakers: Sender<Waker>, times: usize) -> Task {
    let mut wakers = Some(wakers);
    let mut handed = 0;
    job.task(move |job, waker| {
        // Only a wake-up of its own makes it go on.
        let woken = job.wakes.load(Ordering::SeqCst);
        if woken >= times {
            wakers = None;
            return Poll::Ready(());
        }
        if handed <= woken
            && let Some(wakers) = &wakers
        {
            handed += 1;
            let _ = wakers.send(waker.clone()); // a thread that panicked has told why
        }
        Poll::Pending
    })
}

fn thread(floor: &Floor, run: Run) -> Result<(), Symptom> {
    let job = floor.job("A");
    let (sender, wakers) = mpsc::channel();
    let light = Arc::default();
    let helper = sleepless(&job, wakers, &light);
    floor.run(run, vec![hands_over_times(&job, sender, 3)])?;
    let _ = helper.join();
    if light.load(Ordering::SeqCst) {
        let summary = "your executor looks now and then instead of being woken";
        return Err(Symptom::new(Kind::Rule, summary).with_words(
            "a thread asleep in a call without a time limit",
            "a thread that wakes by itself to look whether there is something to do",
        ));
    }
    Ok(())
}

/// Another thread calls the waker, and the poll waits until it has.
fn within(floor: &Floor, run: Run) -> Result<(), Symptom> {
    let job = floor.job("A");
    let task = job.task(|job, waker| {
        if job.polls() > 3 {
            return Poll::Ready(());
        }
        let (job, waker) = (Arc::clone(job), waker.clone());
        let other = thread::spawn(move || job.wake(&waker, "another thread"));
        let _ = other.join(); // a waker that panicked has told why
        Poll::Pending
    });
    floor.run(run, vec![task])
}

/// One is woken from outside, two others wait for it to be over.
fn own(floor: &Floor, run: Run) -> Result<(), Symptom> {
    let jobs = [floor.job("A"), floor.job("B"), floor.job("C")];
    let slots = [Slot::default(), Slot::default()];
    let mut tasks: Vec<Task> = Vec::new();
    for (job, slot) in jobs[1..].iter().zip(&slots) {
        let (first, slot) = (Arc::clone(&jobs[0]), Arc::clone(slot));
        tasks.push(job.task(move |_, waker| {
            *slot.lock().expect(NEVER_POISONED) = Some(waker.clone());
            match first.is_over.load(Ordering::SeqCst) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        }));
    }
    let others = [Arc::clone(&jobs[1]), Arc::clone(&jobs[2])];
    tasks.push(jobs[0].task(move |job, waker| {
        if job.polls() <= 8 {
            job.wake(waker, "A");
            return Poll::Pending;
        }
        job.is_over.store(true, Ordering::SeqCst);
        for (other, slot) in others.iter().zip(&slots) {
            let waker = slot.lock().expect(NEVER_POISONED).take();
            if let Some(waker) = waker {
                other.wake(&waker, "A");
            }
        }
        Poll::Ready(())
    }));
    floor.run(run, tasks)
}

/// The first is over at once; the second calls its waker all the same.
fn over(floor: &Floor, run: Run) -> Result<(), Symptom> {
    let (first, second) = (floor.job("A"), floor.job("B"));
    let slot = Slot::default();
    let ends = {
        let slot = Arc::clone(&slot);
        first.task(move |_, waker| {
            *slot.lock().expect(NEVER_POISONED) = Some(waker.clone());
            Poll::Ready(())
        })
    };
    let calls = {
        let first = Arc::clone(&first);
        second.task(move |job, waker| {
            let kept = slot.lock().expect(NEVER_POISONED).clone();
            if let Some(kept) = kept {
                first.wake(&kept, "B");
            }
            if job.polls() > 3 {
                return Poll::Ready(());
            }
            job.wake(waker, "B");
            Poll::Pending
        })
    };
    floor.run(run, vec![ends, calls])
}

/// The first wakes the second, and then itself, until the second has been polled.
fn fair(floor: &Floor, run: Run) -> Result<(), Symptom> {
    let (first, second) = (floor.job("A"), floor.job("B"));
    let slot = Slot::default();
    let starved = Arc::new(AtomicBool::default());
    let waits = {
        let (slot, first) = (Arc::clone(&slot), Arc::clone(&first));
        second.task(move |job, waker| {
            *slot.lock().expect(NEVER_POISONED) = Some(waker.clone());
            let woken = job.wakes.load(Ordering::SeqCst) > 0;
            match woken || first.is_over.load(Ordering::SeqCst) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
    };
    let insists = {
        let (second, starved) = (Arc::clone(&second), Arc::clone(&starved));
        first.task(move |job, waker| {
            if second.is_over.load(Ordering::SeqCst) {
                return Poll::Ready(());
            }
            if job.polls() > PATIENCE {
                starved.store(true, Ordering::SeqCst);
                return Poll::Ready(());
            }
            let other = slot.lock().expect(NEVER_POISONED).take();
            if let Some(other) = other {
                second.wake(&other, "A");
            }
            job.wake(waker, "A");
            Poll::Pending
        })
    };
    floor.run(run, vec![waits, insists])?;
    if starved.load(Ordering::SeqCst) {
        let summary = "A was polled again and again while B, woken, waited";
        let got = format!("{PATIENCE} polls of A, and none of B");
        return Err(Symptom::new(Kind::Rule, summary)
            .with_words("B, which was woken first, and then A again", got));
    }
    Ok(())
}

/// Each wake-up is answered by a poll before the next one: a lost one ends it.
fn volley(floor: &Floor, run: Run) -> Result<(), Symptom> {
    const ROUNDS: usize = 2000;
    let job = floor.job("A");
    let (sender, wakers) = mpsc::channel::<Waker>();
    let helper = {
        let job = Arc::clone(&job);
        thread::spawn(move || {
            for waker in wakers {
                job.wake(&waker, "another thread");
            }
        })
    };
    let task = hands_over_times(&job, sender, ROUNDS);
    floor.run(run, vec![task])?;
    let _ = helper.join();
    Ok(())
}

/// Its waker is called when `run` has returned, and nothing must come of it.
fn after(floor: &Floor, run: Run) -> Result<(), Symptom> {
    let job = floor.job("A");
    let slot = Slot::default();
    let kept = Arc::clone(&slot);
    let task = job.task(move |_, waker| {
        *kept.lock().expect(NEVER_POISONED) = Some(waker.clone());
        Poll::Ready(())
    });
    floor.run(run, vec![task])?;
    let waker = slot.lock().expect(NEVER_POISONED).take();
    if let Some(waker) = waker {
        job.wake(&waker, "somebody, late,");
        drop(waker);
    }
    floor.review(true)
}

/// Each wakes the next; the last, which is polled last, wakes the first, twice round.
fn many(floor: &Floor, run: Run) -> Result<(), Symptom> {
    const TASKS: usize = 1000;
    const ROUNDS: usize = 2;
    let jobs: Vec<Arc<Job>> = (0..TASKS)
        .map(|nr| floor.job_told(format!("task {nr}"), if nr < 3 { TOLD } else { 0 }))
        .collect();
    let slots: Arc<Vec<Slot>> =
        Arc::new((0..TASKS).map(|_| Slot::default()).collect());
    let turn = Arc::new(AtomicUsize::default()); // whose turn it is, counted on
    let quiet = Story::clone(&floor.story);
    let tasks = jobs.iter().enumerate().map(|(nr, job)| {
        let next = Arc::clone(&jobs[(nr + 1) % TASKS]);
        let (slots, turn) = (Arc::clone(&slots), Arc::clone(&turn));
        job.task(move |_, waker| {
            *slots[nr].lock().expect(NEVER_POISONED) = Some(waker.clone());
            let now = turn.load(Ordering::SeqCst);
            if now % TASKS != nr {
                return Poll::Pending;
            }
            turn.store(now + 1, Ordering::SeqCst);
            let waker = slots[(nr + 1) % TASKS].lock().expect(NEVER_POISONED).take();
            if let Some(waker) = waker
                && now + 1 < ROUNDS * TASKS
            {
                next.wake(&waker, "its neighbour");
            }
            match now >= (ROUNDS - 1) * TASKS {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
    });
    let tasks = tasks.collect();
    quiet.left("each has its turn twice, and wakes the next");
    floor.run(run, tasks)
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: <[u8]>::to_vec,
    };
    diagnosis::name(&[RULES], &findings)
}

/// Every thread sleeps, and none of them within a call of a waker.
fn sleeps_on(symptom: &Symptom) -> bool {
    symptom.doing == Some(Doing::Blocked)
        && symptom.panic.is_none()
        && !symptom.got.contains(" calls the waker ")
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M130",
        fits: |all| {
            all.passed("one")
                && all.first(&["itself", "within"]).is_some_and(sleeps_on)
        },
        why: "The task was woken while it was being polled, said `Pending`, and your \
              executor sleeps: that wake-up is lost. It has to be written down where \
              the executor looks before it falls asleep.",
    },
    Rule {
        mistake: "M130",
        fits: |all| {
            all.passed("itself")
                && all.first(&["thread", "volley"]).is_some_and(sleeps_on)
        },
        why: "Another thread called the waker, and your executor sleeps on: that \
              wake-up is lost. To look whether somebody was woken, and to fall \
              asleep, have to be one step; or the wake-up has to end the sleep \
              whenever it comes.",
    },
    Rule {
        mistake: "M132",
        fits: |all| {
            let first = all.first(&["itself", "pair", "thread", "within", "volley"]);
            first.is_some_and(|s| s.got.contains(FOR_NOTHING))
        },
        why: "Nobody was woken, and your executor polled: it goes round instead of \
              sleeping until a waker is called. With tasks that wait for the network \
              that is a processor at work for nothing.",
    },
    Rule {
        mistake: "M132",
        fits: |all| {
            let first = all.first(&["thread"]);
            first.is_some_and(|s| s.doing == Some(Doing::Spinning))
        },
        why: "Nobody was woken, and your executor runs and runs: it looks for work \
              again and again. It has to sleep in a call that a waker ends.",
    },
    Rule {
        mistake: "M135",
        fits: |all| {
            let first = all.first(&["pair", "own", "over", "fair", "many"]);
            first.is_some_and(|s| s.got.contains(FOR_OTHERS))
        },
        why: "One task was woken, and your executor polled others too. With ten \
              thousand connections, each byte on one of them would be ten thousand \
              polls. A waker has to know whose it is.",
    },
    Rule {
        mistake: "M134",
        fits: |all| {
            let first = all.first(&["over", "own", "fair", "many"]);
            first.is_some_and(|s| s.got == "one more poll")
        },
        why: "A waker can be called when its task is over: somebody had kept it. \
              Your executor polled a future that had said `Ready`, and most futures \
              panic then, or worse. A task that is over has to be forgotten.",
    },
    Rule {
        mistake: "M136",
        fits: |all| {
            let starves = |s: &Symptom| s.got.contains("and none of B");
            all.first(&["fair"]).is_some_and(starves)
        },
        why: "A was woken behind B, and came first every time. A task that always \
              has something to do, a busy connection for example, keeps all others \
              waiting so. First come, first served.",
    },
];
