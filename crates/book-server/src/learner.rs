//! How the learner is doing: what the parent process tells, as pieces of pages.
//!
//! The parent writes lines of JSON to our standard input:
//!
//! - `{"kind":"state","passed":["tcp/greeting"]}`: these are passed, and no others;
//! - `{"kind":"verdict","verdict":{…}}`: an exercise was checked, with this verdict;
//! - `{"kind":"current","exercise":"tcp/greeting"}`: the learner works on this one;
//!   without an exercise, on none.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use checks::catalogue::{self, Exercise};
use checks::verdict::Verdict;
use nanoserde::{DeJson, SerJson};

use crate::boxes::escape;
use crate::verdict;

/// A line from the parent.
#[derive(DeJson)]
struct Message {
    kind: String,
    passed: Option<Vec<String>>,
    verdict: Option<Verdict>,
    exercise: Option<String>,
}

/// What is known of the learner. Ids that the catalogue does not know are kept.
#[derive(Debug, Default)]
pub struct Learner {
    passed: BTreeSet<String>,
    verdicts: BTreeMap<String, Verdict>,
    current: Option<String>,
}

/// A piece of a page that changes, and what the pages' script is told of it.
#[derive(Debug)]
pub struct Piece {
    /// What it is about: an exercise's id or `progress`.
    pub key: String,
    /// Differs when the piece does.
    pub version: String,
    /// The piece itself.
    pub html: String,
    /// A line of JSON: `key`, `version`, `html`, and `say` or `lessons`.
    pub json: String,
}

#[derive(SerJson)]
struct StateEvent<'a> {
    key: &'a str,
    version: &'a str,
    html: &'a str,
    say: &'a str,
}

#[derive(SerJson)]
struct ProgressEvent<'a> {
    key: &'a str,
    version: &'a str,
    html: &'a str,
    lessons: Vec<Lesson>,
}

/// How much of a lesson is passed.
#[derive(Clone, Debug, PartialEq, Eq, SerJson)]
pub struct Lesson {
    /// Its stem, such as `01-tcp`.
    pub stem: String,
    /// How many of its exercises are passed.
    pub passed: usize,
    /// How many it has.
    pub of: usize,
}

impl Learner {
    /// Takes a line from the parent; says what is wrong with one it cannot take.
    pub fn hear(&mut self, line: &str) -> Result<(), String> {
        let message = Message::deserialize_json(line)
            .map_err(|error| format!("not a message: {error}"))?;
        let missing = |what| format!("a message `{}` without {what}", message.kind);
        match message.kind.as_str() {
            "state" => {
                let passed = message.passed.ok_or_else(|| missing("`passed`"))?;
                self.passed = passed.into_iter().collect();
                // A reset exercise starts anew, whatever was said of it before.
                self.verdicts.retain(|id, verdict| {
                    !verdict.passed || self.passed.contains(id)
                });
            }
            "verdict" => {
                let verdict = message.verdict.ok_or_else(|| missing("`verdict`"))?;
                if verdict.passed {
                    self.passed.insert(verdict.exercise.clone());
                }
                self.verdicts.insert(verdict.exercise.clone(), verdict);
            }
            "current" => self.current = message.exercise,
            other => return Err(format!("a message of an unknown kind: {other:?}")),
        }
        Ok(())
    }

    /// Every piece, as it is now.
    pub fn pieces(&self) -> Vec<Arc<Piece>> {
        let exercises = catalogue::exercises().iter();
        let states = exercises.map(|exercise| self.state(exercise));
        states.chain([self.progress()]).map(Arc::new).collect()
    }

    fn state(&self, exercise: &Exercise) -> Piece {
        let verdict = self.verdicts.get(exercise.id);
        let (word, html) = match verdict {
            Some(verdict) if !verdict.passed => failing(verdict),
            verdict if self.passed.contains(exercise.id) => {
                ("passed", passed(exercise, verdict))
            }
            _ => ("not started", NOT_STARTED.into()),
        };
        let here = self.current.as_deref() == Some(exercise.id);
        let here = if here { HERE } else { "" };
        let class = word.replace(' ', "-");
        let html = format!(
            "<div class=\"hs-state hs-is-{class}\">\n\
             <p class=\"hs-badge\"><strong>{}</strong>{here}</p>\n{html}</div>",
            word[..1].to_uppercase() + &word[1..],
        );
        let say = format!("{}: {word}", exercise.title);
        let version = version(&html);
        let json = StateEvent {
            key: exercise.id,
            version: &version,
            html: &html,
            say: &say,
        };
        Piece {
            key: exercise.id.into(),
            json: json.serialize_json(),
            version,
            html,
        }
    }

    fn progress(&self) -> Piece {
        let lessons = self.lessons();
        let mut html = String::from("<ul>\n");
        for (lesson, Lesson { passed, of, .. }) in
            catalogue::lessons().iter().zip(&lessons)
        {
            html += &format!(
                "<li><a href=\"{0}.html\">{1}</a> \
                 <progress value=\"{passed}\" max=\"{of}\" aria-label=\"{1}\"></progress> \
                 <span>{passed} of {of}</span></li>\n",
                lesson.stem,
                escape(lesson.title),
            );
        }
        html += "</ul>";
        let version = version(&html);
        let json = ProgressEvent {
            key: "progress",
            version: &version,
            html: &html,
            lessons,
        };
        Piece {
            key: "progress".into(),
            json: json.serialize_json(),
            version,
            html,
        }
    }

    /// How much of each lesson is passed, in the order of the lessons.
    pub fn lessons(&self) -> Vec<Lesson> {
        let count = |stem: &str, wanted: &dyn Fn(&Exercise) -> bool| {
            let exercises = catalogue::exercises().iter();
            let of_lesson = exercises.filter(|exercise| exercise.stem == stem);
            of_lesson.filter(|exercise| wanted(exercise)).count()
        };
        catalogue::lessons()
            .iter()
            .map(|lesson| Lesson {
                stem: lesson.stem.into(),
                passed: count(lesson.stem, &|exercise| {
                    self.passed.contains(exercise.id)
                }),
                of: count(lesson.stem, &|_| true),
            })
            .collect()
    }
}

const NOT_STARTED: &str = "<p>Save the file while <code>cargo learn</code> runs, and \
                           the verdict appears here.</p>\n";

const HERE: &str = " <span class=\"hs-here\">you are here</span>";

fn failing(verdict: &Verdict) -> (&'static str, String) {
    let untouched = |failure: &checks::verdict::Failure| failure.untouched;
    if verdict.failure.as_ref().is_some_and(untouched) {
        return ("not started", NOT_STARTED.into());
    }
    ("failing", verdict::to_html(verdict))
}

fn passed(exercise: &Exercise, verdict: Option<&Verdict>) -> String {
    let learnt = format!("<p class=\"hs-learnt\">{}</p>\n", escape(exercise.learnt));
    learnt + &verdict.map(verdict::to_html).unwrap_or_default()
}

fn version(html: &str) -> String {
    let mut hasher = DefaultHasher::new();
    html.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
