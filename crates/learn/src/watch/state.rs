//! What watch mode knows, and what becomes of it when something happens.
//!
//! Nothing here touches the terminal or starts a process: an event goes in, the state
//! changes, and what is to be done outside comes out as [`Action`]s. The frame is
//! drawn from the state (`frame.rs`).

use std::time::{Duration, Instant};

use anyhow::Result;
use checks::catalogue::Exercise;

use super::frame;
use crate::check::{Outcome, Phase};
use crate::check_all::Step;
use crate::compile::Busy;
use crate::hints;
use crate::look::Look;
use crate::progress::{Progress, State};
use crate::project::Project;
use crate::tell::Teller;

/// What is to be done outside.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Check the exercise at hand; a check under way is cancelled.
    Check,
    /// Check all exercises; a check under way is cancelled.
    CheckAll,
    /// Cancel the check under way.
    Stop,
    /// Show this address in a browser.
    Browse(String),
    /// Stop this process, as Ctrl-Z does.
    Suspend,
    /// End.
    Quit,
}

/// What fills the screen between its first and its last lines.
#[derive(Debug)]
pub enum View {
    /// The verdict on the exercise at hand.
    Verdict,
    /// Its hints as far as they are opened.
    Hints(Vec<String>),
    /// All exercises; one is chosen.
    List(Choice),
    /// The table of a check of all.
    CheckAll(Table),
    /// What the kernel says of a process.
    Xray(Xray),
    /// A text to read: help, a solution.
    Text(String),
}

/// The chosen line of the list, and which lines there are.
#[derive(Debug, Default)]
pub struct Choice {
    /// The place of the chosen exercise.
    pub place: usize,
    /// Only exercises whose id or title holds this are shown.
    pub filter: String,
    /// Whether keys go to the filter.
    pub typing: bool,
}

/// The results of a check of all exercises, as they come.
#[derive(Debug, Default)]
pub struct Table {
    /// The places of those that are checked, in the order in which they were.
    pub done: Vec<usize>,
    /// How many there will be.
    pub of: usize,
    /// What cargo is busy with.
    pub busy: Option<Busy>,
    /// Whether more is to come.
    pub running: bool,
}

/// A process under the x-ray.
#[derive(Debug, Default)]
pub struct Xray {
    /// The process that the learner chose, if any; otherwise the running lessons.
    pub pid: Option<u32>,
    /// The digits typed so far.
    pub typed: String,
    /// What was seen last.
    pub seen: String,
}

/// A question that the next key answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Put the exercise back to its stub?
    Reset,
    /// Show the solution although the exercise has not passed?
    Solution,
}

/// A check under way.
#[derive(Debug)]
pub struct Running {
    /// Since when.
    pub since: Instant,
    /// How far it is.
    pub phase: Phase,
}

/// The state of watch mode.
pub struct Watch {
    /// The course.
    pub project: Project,
    /// The terminal's look; its width is that of the text.
    pub look: Look,
    /// How far the learner is.
    pub progress: Progress,
    /// The place of the exercise at hand.
    pub at: usize,
    /// What the last check of each exercise came to.
    pub outcomes: Vec<Option<Outcome>>,
    /// The check of the exercise at hand, while it goes on.
    pub running: Option<Running>,
    /// The exercise that has just passed, and what stands above the next one for it.
    pub passed: Option<(usize, String)>,
    /// Words to the learner, until the next key or save.
    pub notices: Vec<String>,
    /// A question, until the next key or save.
    pub question: Option<Question>,
    /// What fills the screen.
    pub view: View,
    /// How many lines of it are above the screen.
    pub scroll: usize,
    /// How many hints of each exercise have been asked for.
    pub hints: Vec<usize>,
    /// The live book's address, while it is up.
    pub book: Option<String>,
    /// Whether the live book is being built.
    pub book_is_coming: bool,
    /// How many lines fit between the first and the last lines.
    pub room: usize,
    /// What is to be done outside, in this order.
    pub actions: Vec<Action>,
    /// The exercise whose file we have changed ourselves, until that is noticed.
    pub own_save: Option<usize>,
    said_unsaved: bool,
}

impl Watch {
    /// Begins at an exercise, or else where the learner left off.
    pub fn new(
        project: Project,
        progress: Progress,
        look: Look,
        first: Option<&Exercise>,
    ) -> Watch {
        let all = project.exercises.len();
        let mut watch = Watch {
            look,
            progress,
            at: 0,
            outcomes: (0..all).map(|_| None).collect(),
            running: None,
            passed: None,
            notices: Vec::new(),
            question: None,
            view: View::Verdict,
            scroll: 0,
            hints: vec![0; all],
            book: None,
            book_is_coming: false,
            room: 20,
            actions: vec![Action::Check],
            own_save: None,
            said_unsaved: false,
            project,
        };
        watch.at = match first {
            Some(exercise) => watch.project.index_of(exercise),
            None => watch.left_off().unwrap_or(0),
        };
        watch
    }

    /// The exercise at hand.
    pub fn exercise(&self) -> &'static Exercise {
        &self.project.exercises[self.at]
    }

    /// What follows the last pass. Whoever does the exercises in order is at the
    /// first that has not passed; whoever jumped ahead goes on there.
    fn left_off(&self) -> Option<usize> {
        let exercises = self.project.exercises.iter().enumerate();
        let passed = exercises.filter_map(|(place, exercise)| {
            let entry = self.progress.get(exercise.id)?;
            (entry.state == State::Passed).then_some((&entry.time, place))
        });
        let last = self.outcomes.len().saturating_sub(1);
        self.open_after(passed.max().map_or(last, |(_, place)| place))
    }

    /// The first exercise after this one that has not passed; after the last comes
    /// the first.
    pub fn open_after(&self, place: usize) -> Option<usize> {
        let all = self.project.exercises.len();
        (1..=all)
            .map(|step| (place + step) % all)
            .find(|&place| self.is_open(place))
    }

    fn is_open(&self, place: usize) -> bool {
        let exercise = &self.project.exercises[place];
        !self.progress.has_passed(exercise.id) && self.project.has(exercise)
    }

    /// Goes to another exercise and checks it.
    pub fn go_to(&mut self, place: usize) {
        self.at = place;
        self.running = None;
        self.show(View::Verdict);
        self.actions.push(Action::Check);
    }

    /// Fills the screen with something else.
    pub fn show(&mut self, view: View) {
        self.view = view;
        self.scroll = 0;
    }

    /// Says a word to the learner.
    pub fn say(&mut self, words: impl Into<String>) {
        self.notices.push(words.into());
    }

    /// Takes back what was said and asked until the next key or save.
    pub fn hush(&mut self) {
        self.notices.clear();
        self.question = None;
    }

    /// An exercise was saved.
    pub fn saved(&mut self, place: usize) {
        // What a reset has said stays.
        if self.own_save.take() != Some(place) {
            self.hush();
        }
        self.passed = None;
        self.go_to(place);
    }

    /// The check of the exercise at hand has begun.
    pub fn began(&mut self) {
        self.running = Some(Running {
            since: Instant::now(),
            phase: Phase::Compiling,
        });
    }

    /// The check of the exercise at hand has come so far.
    pub fn came_to(&mut self, phase: Phase) {
        if let Some(running) = &mut self.running {
            running.phase = phase;
        }
    }

    /// The check of the exercise at hand is over.
    pub fn checked(&mut self, outcome: Result<Outcome>) {
        self.running = None;
        let outcome = match outcome {
            Ok(Outcome::Cancelled) => return,
            Ok(outcome) => outcome,
            Err(error) => return self.say(format!("cannot check: {error:#}")),
        };
        let newly_passed =
            outcome.passed() && !self.progress.has_passed(self.exercise().id);
        self.record(self.at, &outcome);
        if newly_passed {
            let told = self.teller().outcome(self.exercise(), &outcome);
            let told = format!("{told}s shows a solution, to compare with yours.\n");
            self.passed = Some((self.at, told));
        }
        let at = self.at;
        self.outcomes[at] = Some(outcome);
        if matches!(self.view, View::Verdict) {
            self.scroll = 0;
        }
        if newly_passed && let Some(next) = self.open_after(at) {
            self.go_to(next);
        }
    }

    /// A check of all has come so far.
    pub fn checked_one(&mut self, step: Step) {
        match step {
            Step::Cargo(busy) => {
                if let View::CheckAll(table) = &mut self.view {
                    table.busy = Some(busy);
                }
            }
            Step::Done(_, Outcome::Cancelled) => {}
            Step::Done(exercise, outcome) => {
                let place = self.project.index_of(exercise);
                self.record(place, &outcome);
                self.outcomes[place] = Some(outcome);
                if let View::CheckAll(table) = &mut self.view {
                    table.done.push(place);
                }
            }
        }
    }

    /// The check of all is over.
    pub fn checked_all(&mut self, result: Result<()>) {
        if let View::CheckAll(table) = &mut self.view {
            table.running = false;
        }
        if let Err(error) = result {
            self.say(format!("cannot check: {error:#}"));
        }
    }

    fn record(&mut self, place: usize, outcome: &Outcome) {
        if let Some(state) = outcome.state() {
            self.progress.note(self.project.exercises[place].id, state);
        }
    }

    /// Saves what was noted, once the verdict is on the screen: a slow disk is not to
    /// be waited for. Where nothing can be saved, work goes on without; whether that
    /// was said now.
    pub fn save(&mut self) -> bool {
        match self.progress.save() {
            Err(error) if !self.said_unsaved => {
                self.said_unsaved = true;
                self.say(format!("Your progress lasts until you quit: {error:#}."));
                true
            }
            _ => false,
        }
    }

    /// The next hint of the exercise at hand, below those that were shown already.
    pub fn hint(&mut self) {
        match hints::load(&self.project, self.exercise()) {
            Ok(hints) => {
                let asked = &mut self.hints[self.at];
                // One more than there are: the end is said, too.
                *asked = (*asked + 1).min(hints.len() + 1);
                let newest = frame::hint_head((*asked).min(hints.len()), hints.len());
                self.show(View::Hints(hints));
                let body = self.body();
                let line = body.iter().position(|line| line.contains(&newest));
                self.scroll = line.unwrap_or(0).saturating_sub(1);
            }
            Err(error) => self.say(format!("{error:#}")),
        }
    }

    /// Who tells outcomes here.
    pub fn teller(&self) -> Teller<'_> {
        Teller {
            project: &self.project,
            look: &self.look,
            book: self.book.as_deref(),
        }
    }

    /// Whether something is under way that will change what is shown.
    pub fn is_busy(&self) -> bool {
        let table = matches!(&self.view, View::CheckAll(table) if table.running);
        table || self.running.is_some()
    }

    /// How long the check has been going on, if that is worth a word.
    pub fn waiting(&self) -> Option<Duration> {
        let since = self.running.as_ref()?.since.elapsed();
        (since >= Duration::from_secs(1)).then_some(since)
    }
}
