//! How the learner is doing: what the parent process tells, as pieces of pages.
//!
//! The parent writes lines of JSON to our standard input:
//!
//! - `{"kind":"state","passed":["tcp/greeting"]}`: these are passed, and no others;
//! - `{"kind":"verdict","verdict":{…}}`: an exercise was checked, with this result; with
//!   `"untouched":true` besides, the file is as it came, which is a task and no failure;
//! - `{"kind":"unjudged","exercise":"tcp/greeting","summary":"…","words":"…"}`: there is
//!   no verdict, since it does not compile or the check's program was killed; what the
//!   compiler or the program said;
//! - `{"kind":"current","exercise":"tcp/greeting"}`: the learner works on this one;
//!   without an exercise, on none.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use checks::catalogue::{self, Exercise};
use checks::verdict::Verdict;
use nanoserde::{DeJson, SerJson};
use serde_json::Value;

use crate::boxes::escape;

/// What is known of the learner. Ids that the catalogue does not know are kept.
#[derive(Debug, Default)]
pub struct Learner {
    passed: BTreeSet<String>,
    last: BTreeMap<String, Checked>,
    current: Option<String>,
}

/// What the last check of an exercise came to.
#[derive(Debug)]
enum Checked {
    Judged(Box<Verdict>),
    Untouched,
    Unjudged { summary: String, words: String },
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
        let message: Value = serde_json::from_str(line)
            .map_err(|error| format!("not a message: {error}"))?;
        let kind = message["kind"].as_str().unwrap_or_default();
        match kind {
            "state" => self.passed = ids(&message["passed"])?,
            "verdict" => {
                let verdict = parse(&message["verdict"])?;
                if verdict.passed {
                    self.passed.insert(verdict.exercise.clone());
                }
                let failure = verdict.failure.as_ref();
                let untouched = message["untouched"] == true
                    || failure.is_some_and(|failure| failure.untouched);
                let id = verdict.exercise.clone();
                let checked = match untouched {
                    true => Checked::Untouched,
                    false => Checked::Judged(Box::new(verdict)),
                };
                self.last.insert(id, checked);
            }
            "unjudged" => {
                let text = |key: &str| {
                    let text = message[key].as_str().map(str::to_owned);
                    text.ok_or(format!("an `unjudged` without a text `{key}`"))
                };
                let (summary, words) = (text("summary")?, text("words")?);
                self.last
                    .insert(text("exercise")?, Checked::Unjudged { summary, words });
            }
            "current" => {
                self.current = message["exercise"].as_str().map(str::to_owned);
            }
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
        let has_passed = self.passed.contains(exercise.id);
        let (word, html) = match self.last.get(exercise.id) {
            Some(Checked::Judged(verdict)) if !verdict.passed => {
                ("failing", verdict.to_html())
            }
            Some(Checked::Unjudged { summary, words }) => {
                ("failing", unjudged(summary, words))
            }
            Some(Checked::Judged(verdict)) if has_passed => {
                ("passed", passed(exercise, Some(verdict)))
            }
            None if has_passed => ("passed", passed(exercise, None)),
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
                 <progress value=\"{passed}\" max=\"{of}\" aria-label=\"{1}\">\
                 </progress> <span>{passed} of {of}</span></li>\n",
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

fn ids(passed: &Value) -> Result<BTreeSet<String>, String> {
    let ids = passed
        .as_array()
        .ok_or("a `state` without a list `passed`")?;
    ids.iter()
        .map(|id| id.as_str().map(str::to_owned))
        .collect::<Option<_>>()
        .ok_or_else(|| "an id in `passed` that is no text".into())
}

/// The text goes through serde_json first: what is no JSON must not reach nanoserde,
/// which looks for the end of a field that it does not know for ever.
fn parse(verdict: &Value) -> Result<Verdict, String> {
    Verdict::deserialize_json(&verdict.to_string())
        .map_err(|error| format!("a `verdict` that is none: {error}"))
}

const NOT_STARTED: &str = "<p>Save the file while <code>cargo learn</code> runs, and \
                           the verdict appears here.</p>\n";

const HERE: &str = " <span class=\"hs-here\">you are here</span>";

fn unjudged(summary: &str, words: &str) -> String {
    format!(
        "<p>There is no verdict: {}.</p>\n<pre class=\"hs-words\" tabindex=\"0\">{}</pre>\n",
        escape(summary),
        escape(words.trim_end())
    )
}

fn passed(exercise: &Exercise, verdict: Option<&Verdict>) -> String {
    let learnt = format!("<p class=\"hs-learnt\">{}</p>\n", escape(exercise.learnt));
    learnt + &verdict.map(Verdict::to_html).unwrap_or_default()
}

/// Differs when the piece does.
pub fn version(html: &str) -> String {
    let mut hasher = DefaultHasher::new();
    html.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::{Learner, Piece};

    const PASSED: &str =
        "{\"kind\":\"state\",\"passed\":[\"tcp/greeting\",\"old/id\"]}";

    fn verdict(passed: bool, failure: &str) -> String {
        format!(
            "{{\"kind\":\"verdict\",\"verdict\":{{\"exercise\":\"tcp/greeting\",\
             \"passed\":{passed},\"probes\":[],\"failure\":{failure},\"micros\":1,\
             \"waited_micros\":0}}}}"
        )
    }

    fn failure(untouched: bool) -> String {
        format!(
            "{{\"probe\":\"p\",\"title\":\"t\",\"untouched\":{untouched},\"summary\":\
             \"no answer came\",\"expected\":\"\",\"got\":\"\",\"kernel\":[],\
             \"output\":\"\",\"timeline\":{{\"left\":\"\",\"right\":\"\",\
             \"events\":[]}}}}"
        )
    }

    fn state(learner: &Learner) -> String {
        let pieces = learner.pieces();
        let mut pieces = pieces.iter();
        let piece = pieces.find(|piece| piece.key == "tcp/greeting").unwrap();
        let Piece { html, .. } = &**piece;
        let start = html.find("hs-is-").unwrap() + "hs-is-".len();
        html[start..html.find("\">").unwrap()].to_owned()
    }

    fn after(lines: &[&str]) -> String {
        let mut learner = Learner::default();
        for line in lines {
            learner.hear(line).unwrap();
        }
        state(&learner)
    }

    #[test]
    fn the_last_verdict_counts_before_the_state() {
        let (bad, good) = (verdict(false, &failure(false)), verdict(true, "null"));
        assert_eq!(after(&[]), "not-started");
        assert_eq!(after(&[PASSED]), "passed");
        assert_eq!(after(&[&bad]), "failing");
        assert_eq!(after(&[&good]), "passed");
        assert_eq!(after(&[PASSED, &bad]), "failing");
        assert_eq!(after(&[&bad, &good]), "passed");
    }

    #[test]
    fn an_exercise_that_was_reset_is_not_started() {
        let good = verdict(true, "null");
        let none = "{\"kind\":\"state\",\"passed\":[]}";
        assert_eq!(after(&[PASSED, &good, none]), "not-started");
    }

    #[test]
    fn a_stub_that_nobody_has_touched_is_not_started() {
        assert_eq!(after(&[&verdict(false, &failure(true))]), "not-started");
    }

    #[test]
    fn a_program_to_repair_is_not_started_while_it_is_as_it_came() {
        let line = verdict(false, &failure(false));
        let line = line.replace("\"verdict\",", "\"verdict\",\"untouched\":true,");
        assert_eq!(after(&[&line]), "not-started");
    }

    #[test]
    fn what_does_not_compile_fails_with_the_compilers_words() {
        let line = "{\"kind\":\"unjudged\",\"exercise\":\"tcp/greeting\",\
                    \"summary\":\"it does not compile\",\"words\":\"error: `<`\"}";
        let good = verdict(true, "null");
        assert_eq!(after(&[&good, line]), "failing");
        assert_eq!(after(&[line, &good]), "passed");
        let mut learner = Learner::default();
        learner.hear(line).unwrap();
        let pieces = learner.pieces();
        let told = |piece: &Piece| piece.html.contains("error: `&lt;`</pre>");
        assert!(pieces.iter().any(|piece| told(piece)));
        assert!(learner.hear("{\"kind\":\"unjudged\"}").is_err());
    }

    #[test]
    fn a_lesson_counts_its_own_exercises() {
        let mut learner = Learner::default();
        learner.hear(PASSED).unwrap();
        let lessons = learner.lessons();
        assert_eq!((lessons[0].passed, lessons[1].passed), (1, 0));
        assert!(lessons.iter().all(|lesson| lesson.of > 0));
    }

    #[test]
    fn a_piece_has_another_version_when_it_is_another() {
        let version = |learner: &Learner| learner.pieces()[0].version.clone();
        let mut learner = Learner::default();
        let before = version(&learner);
        assert_eq!(version(&learner), before);
        learner.hear(PASSED).unwrap();
        assert_ne!(version(&learner), before);
    }

    #[test]
    fn broken_lines_are_refused_and_change_nothing() {
        let whole = verdict(false, &failure(false));
        for seed in 0..500 {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut line = whole.clone().into_bytes();
            line.truncate(random.usize(1..line.len()));
            for _ in 0..random.usize(..4) {
                let at = random.usize(..line.len());
                line[at] = *random.choice(b"{}[]\",:0x\\\xff").unwrap();
            }
            let line = String::from_utf8_lossy(&line).into_owned();
            let mut learner = Learner::default();
            learner.hear(PASSED).unwrap();
            assert!(learner.hear(&line).is_err(), "seed {seed}: {line}");
            assert_eq!(state(&learner), "passed", "seed {seed}");
        }
    }
}
