//! Watch mode: a save in the editor, a verdict here.
//!
//! One thread draws and decides; it waits for events and nothing else. Keys, saves,
//! checks and the live book each have a thread that sends it events. So no build and
//! no check ever keeps a key from being heard.

mod frame;
mod keys;
mod state;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use checks::catalogue::Exercise;
use console::Key;

use crate::book::{self, LiveBook, News};
use crate::check::{self, Outcome, Phase};
use crate::check_all::{self, Step};
use crate::compile::Busy;
use crate::keeper::Cancel;
use crate::look;
use crate::progress::Progress;
use crate::project::Project;
use crate::saves;
use crate::screen::{self, Screen};
use state::{Action, View, Watch};

/// How often the terminal's size, the signals and the clock are looked at.
const TICK: Duration = Duration::from_millis(100);

/// How often the x-ray takes a new picture.
const XRAY: Duration = Duration::from_millis(500);

/// Whatever may happen.
enum Event {
    /// A key; nothing at the end of the input.
    Key(Option<Key>),
    /// The exercise at this place was saved.
    Saved(usize),
    /// A check, by its number, has come so far.
    Phase(u64, Phase),
    /// A check is over.
    Checked(u64, Result<Outcome>),
    /// A check of all has come so far.
    Step(u64, Step),
    /// A check of all is over.
    CheckedAll(u64, Result<()>),
    /// The live book.
    Book(News),
}

/// Watches until the learner quits. `first` is the exercise to begin with, if it is
/// not where the learner left off.
pub fn watch(
    project: Project,
    first: Option<&Exercise>,
    with_book: bool,
) -> Result<ExitCode> {
    let (progress, remark) = Progress::load(&project.root);
    let mut state = Watch::new(project.clone(), progress, look::stdout(), first);
    state.notices.extend(remark);
    let signals = screen::signals()?;
    let mut screen = Screen::open()?;
    let (events, received) = mpsc::channel();
    let next_key = screen::read_keys(events.clone(), Event::Key);
    let at = Arc::new(AtomicUsize::new(state.at));
    watch_saves(&project, &at, events.clone());
    let mut driver = Driver {
        at,
        job: Cancel::default(),
        number: 0,
        book: if with_book { Book::Later } else { Book::Never },
        drawn: None,
        told: String::new(),
        events,
        next_key,
    };
    let ended = driver.run(&mut state, &mut screen, &received, &signals);
    drop(screen);
    driver.job.cancel();
    if let Book::Started(book) = &driver.book {
        book.postpone();
    }
    ended?;
    if signals.load(Ordering::Relaxed) != 0 {
        screen::end_by(&signals)?;
    }
    // Whoever closed the terminal does not miss it.
    let _ = writeln!(io::stdout(), "{}", farewell(&state));
    Ok(ExitCode::SUCCESS)
}

fn farewell(state: &Watch) -> String {
    let all: Vec<usize> = (0..state.project.exercises.len()).collect();
    let (passed, all) = crate::list::count(&state.project, &state.progress, &all);
    let before = state.at.checked_sub(1).unwrap_or(all.saturating_sub(1));
    let next = match state.open_after(before) {
        Some(place) => {
            format!(
                "`cargo learn` goes on with {}.",
                state.project.exercises[place].id
            )
        }
        None => "All done.".to_owned(),
    };
    format!("{passed} of {all} exercises pass. {next}")
}

fn watch_saves(project: &Project, at: &Arc<AtomicUsize>, events: Sender<Event>) {
    let (project, at) = (project.clone(), Arc::clone(at));
    thread::spawn(move || {
        saves::watch(&project, &at, |place| {
            events.send(Event::Saved(place)).is_ok()
        });
    });
}

/// The live book's way through its life.
enum Book {
    /// It was not wanted, or has failed.
    Never,
    /// It waits for the first verdict, which comes before its long build.
    Later,
    /// It is being built, or up.
    Started(LiveBook),
}

/// Does outside what the state wants done.
struct Driver {
    at: Arc<AtomicUsize>,
    job: Cancel,
    /// The number of the check under way; events of an earlier one are late.
    number: u64,
    book: Book,
    /// For what size and what waiting time the frame was drawn; nothing if something
    /// else has changed since.
    drawn: Option<((usize, usize), Option<u64>)>,
    /// What was printed last on a terminal that takes lines only.
    told: String,
    events: Sender<Event>,
    next_key: Sender<()>,
}

impl Driver {
    fn run(
        &mut self,
        state: &mut Watch,
        screen: &mut Screen,
        received: &Receiver<Event>,
        signals: &AtomicUsize,
    ) -> Result<()> {
        let mut pictured = Instant::now();
        loop {
            if self.act(state, screen)? {
                return Ok(());
            }
            self.draw(state, screen)?;
            if state.save() {
                self.drawn = None;
                self.draw(state, screen)?;
            }
            match received.recv_timeout(TICK) {
                Ok(event) => {
                    self.take(event, state);
                    self.drawn = None;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            if matches!(state.view, View::Xray(_)) && pictured.elapsed() >= XRAY {
                pictured = Instant::now();
                state.look_again();
                self.drawn = None;
            }
            if signals.load(Ordering::Relaxed) != 0 {
                return Ok(());
            }
        }
    }

    fn draw(&mut self, state: &mut Watch, screen: &mut Screen) -> Result<()> {
        let size = screen::size();
        let now = (size, state.waiting().map(|waiting| waiting.as_secs()));
        if self.drawn == Some(now) {
            return Ok(());
        }
        self.drawn = Some(now);
        if screen.is_dumb() {
            let text = state.plain(size.1);
            // What comes and goes while a check runs would fill the page.
            if !state.is_busy() && text != self.told {
                screen.print(&text)?;
                self.told = text;
            }
            return Ok(());
        }
        screen.draw(state.frame(size), size)?;
        Ok(())
    }

    fn take(&mut self, event: Event, state: &mut Watch) {
        match event {
            Event::Key(Some(key)) => {
                state.key(&key);
                // The thread has ended if nobody is there to hear it.
                let quits = state.actions.contains(&Action::Quit);
                if !quits {
                    let _ = self.next_key.send(());
                }
            }
            Event::Key(None) => state.actions.push(Action::Quit),
            Event::Saved(place) => state.saved(place),
            Event::Phase(number, phase) if number == self.number => {
                if let Phase::Cargo(busy) = &phase {
                    self.make_way(busy, state);
                }
                state.came_to(phase);
            }
            Event::Checked(number, outcome) if number == self.number => {
                let place = state.at;
                state.checked(outcome);
                self.tell_book(state, vec![place]);
            }
            Event::Step(number, step) if number == self.number => {
                if let Step::Cargo(busy) = &step {
                    self.make_way(busy, state);
                }
                state.checked_one(step);
            }
            Event::CheckedAll(number, result) if number == self.number => {
                state.checked_all(result);
                let all = (0..state.outcomes.len()).collect();
                self.tell_book(state, all);
            }
            Event::Phase(..)
            | Event::Checked(..)
            | Event::Step(..)
            | Event::CheckedAll(..) => {} // of a check that was cancelled
            Event::Book(news) => self.take_news(news, state),
        }
    }

    /// Does what is to be done; whether that is to end.
    fn act(&mut self, state: &mut Watch, screen: &mut Screen) -> Result<bool> {
        for action in std::mem::take(&mut state.actions) {
            match action {
                Action::Check => self.check(state),
                Action::CheckAll => self.check_all(state),
                Action::Stop => self.next_job(),
                Action::Browse(url) => match book::open_browser(&url) {
                    true => state.say(format!("In your browser:\n{url}")),
                    false => state.say(format!("Open this in a browser:\n{url}")),
                },
                Action::Suspend => screen.suspend()?,
                Action::Quit => return Ok(true),
            }
        }
        Ok(false)
    }

    /// Cancels the check under way; what comes next has a new number.
    fn next_job(&mut self) {
        self.job.cancel();
        self.job = Cancel::default();
        self.number += 1;
    }

    fn check(&mut self, state: &mut Watch) {
        self.next_job();
        self.at.store(state.at, Ordering::Relaxed);
        state.began();
        if let Book::Started(book) = &self.book {
            book.current(state.exercise().id);
        }
        let (number, cancel, events) =
            (self.number, self.job.clone(), self.events.clone());
        let (project, exercise) = (state.project.clone(), state.exercise());
        let color = state.look.color;
        thread::spawn(move || {
            let phase = |phase| drop(events.send(Event::Phase(number, phase)));
            let outcome = check::check(&project, exercise, color, &cancel, phase);
            let _ = events.send(Event::Checked(number, outcome));
        });
    }

    fn check_all(&mut self, state: &Watch) {
        self.next_job();
        let (number, cancel, events) =
            (self.number, self.job.clone(), self.events.clone());
        let (project, color) = (state.project.clone(), state.look.color);
        thread::spawn(move || {
            let step = |step| drop(events.send(Event::Step(number, step)));
            let all = project.present();
            let result = check_all::check_all(&project, &all, color, &cancel, step);
            let _ = events.send(Event::CheckedAll(number, result));
        });
    }

    // ---- the live book ----

    /// Tells the live book how things are after a check, and starts it after the
    /// first.
    fn tell_book(&mut self, state: &mut Watch, mut checked: Vec<usize>) {
        if matches!(self.book, Book::Later) {
            let events = self.events.clone();
            let news = move |news| drop(events.send(Event::Book(news)));
            self.book = Book::Started(LiveBook::start(&state.project, news));
            state.book_is_coming = true;
            checked = (0..state.outcomes.len()).collect();
        }
        let Book::Started(book) = &self.book else {
            return;
        };
        let all = state.project.exercises.iter();
        let passed = all.filter(|exercise| state.progress.has_passed(exercise.id));
        book.state(passed.map(|exercise| exercise.id.to_owned()).collect());
        book.current(state.exercise().id);
        for place in checked {
            if let Some(outcome) = &state.outcomes[place] {
                book.outcome(state.project.exercises[place].id, outcome);
            }
        }
    }

    /// While the book's build downloads what it needs, nobody else can build: cargo
    /// locks its cache of packages, the one thing that the two share. Then the book
    /// stops for the verdict, and goes on after it.
    fn make_way(&mut self, busy: &Busy, state: &Watch) {
        if let Busy::Waiting(what) = busy
            && what.contains("package cache")
            && state.book.is_none()
            && let Book::Started(book) = &self.book
        {
            book.postpone();
        }
    }

    fn take_news(&mut self, news: News, state: &mut Watch) {
        state.book_is_coming = false;
        match news {
            News::Up(url) => state.book = Some(url),
            News::Postponed => self.book = Book::Later,
            News::Down(why) => {
                self.book = Book::Never;
                state.book = None;
                let why = why.lines().next().unwrap_or_default();
                state.say(format!(
                    "The live book is not up ({why}); `cargo learn book` says more."
                ));
            }
        }
    }
}
