//! Which exercises there are, and which mistakes their checks can name.
//!
//! An exercise's id (`tcp/shout`) is stable for ever. Its number and its place in
//! the order are not: they are looked up here and stored nowhere.

use std::path::PathBuf;
use std::sync::LazyLock;

mod bytes;
mod errors;
mod forking;
mod names;
mod options;
mod raw;
mod select;
mod socketserver;
mod tasks;
mod tcp;
mod threads;
mod udp;

/// What a lesson brings into the catalogue.
struct Part {
    lesson: Lesson,
    exercises: &'static [Exercise],
    mistakes: &'static [Mistake],
}

/// In the order of the book.
const PARTS: [&Part; 12] = [
    &tcp::PART,
    &bytes::PART,
    &udp::PART,
    &errors::PART,
    &names::PART,
    &options::PART,
    &raw::PART,
    &threads::PART,
    &forking::PART,
    &select::PART,
    &tasks::PART,
    &socketserver::PART,
];

/// A lesson that has exercises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lesson {
    /// The lesson's number, from 1.
    pub number: u8,
    /// The name that it has in every folder of the project, such as `01-tcp`.
    pub stem: &'static str,
    /// Its chapter's title.
    pub title: &'static str,
}

/// One exercise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exercise {
    /// Topic and name, such as `tcp/timestamps`. It never changes.
    pub id: &'static str,
    /// The stem of its lesson, such as `01-tcp`.
    pub stem: &'static str,
    /// What the learner builds, in a few words.
    pub title: &'static str,
    /// What somebody who has passed it can do now, in one sentence.
    pub learnt: &'static str,
}

/// The lessons, in order.
pub fn lessons() -> &'static [Lesson] {
    &LESSONS
}

/// The exercises, in the order of the book.
pub fn exercises() -> &'static [Exercise] {
    &EXERCISES
}

/// The exercise with this id.
pub fn find(id: &str) -> Option<&'static Exercise> {
    EXERCISES.iter().find(|exercise| exercise.id == id)
}

impl Exercise {
    /// The part of the id before the slash: the topic.
    pub fn topic(&self) -> &'static str {
        self.id.split_once('/').map_or(self.id, |(topic, _)| topic)
    }

    /// The part of the id after the slash: the folder's name.
    pub fn name(&self) -> &'static str {
        self.id.split_once('/').map_or(self.id, |(_, name)| name)
    }

    /// The lesson it belongs to.
    pub fn lesson(&self) -> &'static Lesson {
        LESSONS
            .iter()
            .find(|lesson| lesson.stem == self.stem)
            .expect("a test looks up the lesson of every exercise")
    }

    /// Its Cargo package, such as `ex-tcp-timestamps`.
    pub fn package(&self) -> String {
        format!("ex-{}", self.id.replace('/', "-"))
    }

    /// Its folder below the project's root, such as `exercises/01-tcp/timestamps`.
    pub fn dir(&self) -> PathBuf {
        ["exercises", self.stem, self.name()].iter().collect()
    }

    /// The one file that the learner edits, below the project's root.
    pub fn stub(&self) -> PathBuf {
        self.dir().join("src").join("lib.rs")
    }

    /// One good answer, below the project's root.
    pub fn solution(&self) -> PathBuf {
        let file = format!("{}.rs", self.name().replace('-', "_"));
        ["solutions", self.stem, "src", &file].iter().collect()
    }

    /// Where the book tells of it, such as `01-tcp.html#exercise-timestamps`.
    pub fn page(&self) -> String {
        format!("{}.html#exercise-{}", self.stem, self.name())
    }
}

/// A mistake that a check can recognise and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Its id, such as `M1`. It never changes.
    pub id: &'static str,
    /// Its name: what is not so, or what was forgotten.
    pub name: &'static str,
    /// What one sees from outside, for the table *symptom, mistake, lesson*.
    pub symptom: &'static str,
    /// Where the book tells of it.
    pub page: &'static str,
}

impl Mistake {
    /// The number in its id.
    fn number(&self) -> u16 {
        let digits = self.id.strip_prefix('M');
        digits
            .and_then(|digits| digits.parse().ok())
            .unwrap_or(u16::MAX)
    }
}

/// The mistakes, in the order of their numbers.
pub fn mistakes() -> &'static [Mistake] {
    &MISTAKES
}

static LESSONS: LazyLock<Vec<Lesson>> =
    LazyLock::new(|| PARTS.iter().map(|part| part.lesson.clone()).collect());

static EXERCISES: LazyLock<Vec<Exercise>> = LazyLock::new(|| {
    PARTS
        .iter()
        .flat_map(|part| part.exercises)
        .cloned()
        .collect()
});

static MISTAKES: LazyLock<Vec<Mistake>> = LazyLock::new(|| {
    let mut all: Vec<Mistake> = PARTS
        .iter()
        .flat_map(|part| part.mistakes)
        .cloned()
        .collect();
    all.sort_by_key(|mistake| mistake.number());
    all
});

/// The mistake with this id.
pub(crate) fn mistake(id: &str) -> &'static Mistake {
    let known = MISTAKES.iter().find(|mistake| mistake.id == id);
    known.expect("a test looks up every mistake that a diagnosis names")
}

/// The exercise whose id or name is nearest to what somebody typed, if one is near.
pub fn nearest(typed: &str) -> Option<&'static Exercise> {
    let distance = |exercise: &Exercise| {
        let names = [exercise.id, exercise.name()];
        names
            .map(|name| strsim::damerau_levenshtein(typed, name))
            .into_iter()
            .min()
            .unwrap_or(usize::MAX)
    };
    let best = EXERCISES.iter().min_by_key(|exercise| distance(exercise))?;
    // More edits than a third of the word make it another word.
    (distance(best) <= typed.chars().count().div_ceil(3)).then_some(best)
}
