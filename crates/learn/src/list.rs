//! The exercises and how far the learner is, as a table and as JSON.

use checks::catalogue::{self, Exercise, Lesson};
use nanoserde::SerJson;

use crate::check::Outcome;
use crate::look::{Look, Pen};
use crate::progress::{Progress, State};
use crate::project::Project;
use crate::text;

/// A line of the table.
pub enum Line {
    /// A lesson's heading.
    Lesson(String),
    /// An exercise, by its place in the order.
    Exercise(usize, String),
}

/// All exercises by lesson.
pub fn lines(project: &Project, progress: &Progress, look: &Look) -> Vec<Line> {
    let pen = Pen::new(look);
    let mut lines = Vec::new();
    for lesson in catalogue::lessons() {
        let places = places_of(project, lesson);
        if places.is_empty() {
            continue;
        }
        let (passed, all) = count(project, progress, &places);
        let head = format!("{}  {}", lesson.number, lesson.title);
        let head = format!("{}  {passed} of {all}", pen.strong(&head));
        lines.push(Line::Lesson(text::cut(&head, look.width, pen.ellipsis)));
        for place in places {
            let exercise = &project.exercises[place];
            lines.push(Line::Exercise(place, row(exercise, progress, look)));
        }
    }
    lines
}

/// The table as text.
pub fn table(project: &Project, progress: &Progress, look: &Look) -> String {
    let lines = lines(project, progress, look)
        .into_iter()
        .map(|line| match line {
            Line::Lesson(text) => format!("{text}\n"),
            Line::Exercise(_, text) => format!("  {text}\n"),
        });
    let all: Vec<usize> = (0..project.exercises.len()).collect();
    let (passed, all) = count(project, progress, &all);
    format!("{}{passed} of {all} passed\n", lines.collect::<String>())
}

/// Room for the longest id of the catalogue, `bytes/chat-line`, and some to come.
const IDS: usize = 16;

/// Mark, id, title, and since when it is so.
fn row(exercise: &Exercise, progress: &Progress, look: &Look) -> String {
    let pen = Pen::new(look);
    let entry = progress.get(exercise.id);
    let mark = mark(entry.map(|entry| entry.state), &pen);
    let since = entry
        .and_then(|entry| entry.time.split('T').next())
        .unwrap_or_default();
    let room = look.width.saturating_sub(IDS + 6);
    let for_title = match since {
        "" => room,
        since => room.saturating_sub(since.len() + 2),
    };
    let title = text::cut(exercise.title, for_title, pen.ellipsis);
    let gap = " ".repeat(room.saturating_sub(text::width(&title) + since.len()));
    let row = format!(
        "{mark} {:IDS$} {title}{gap}{}",
        exercise.id,
        pen.faint(since)
    );
    text::cut(row.trim_end(), look.width.saturating_sub(2), pen.ellipsis)
}

/// The sign in front of an exercise, two columns wide.
pub fn mark(state: Option<State>, pen: &Pen) -> String {
    let (sign, painted) = match state {
        Some(State::Passed) => (pen.passed, pen.good(pen.passed)),
        Some(State::Failed) => (pen.failed, pen.bad(pen.failed)),
        None => (pen.open, pen.faint(pen.open)),
    };
    format!(
        "{painted}{}",
        " ".repeat(2_usize.saturating_sub(text::width(sign)))
    )
}

/// One exercise's line in the table of a check of many.
pub fn result(exercise: &Exercise, outcome: &Outcome, look: &Look) -> String {
    let pen = Pen::new(look);
    let mark = mark(outcome.state().flatten(), &pen);
    let summary = match outcome.passed() {
        true => "passes".to_owned(),
        false => outcome.summary(),
    };
    let row = format!("{mark} {:IDS$} {summary}", exercise.id);
    text::cut(&row, look.width, pen.ellipsis)
}

/// The places of a lesson's exercises in the order.
pub fn places_of(project: &Project, lesson: &Lesson) -> Vec<usize> {
    let all = project.exercises.iter().enumerate();
    let of_lesson = all.filter(|(_, exercise)| exercise.stem == lesson.stem);
    of_lesson.map(|(place, _)| place).collect()
}

/// How many of these exercises have passed, and how many there are.
pub fn count(
    project: &Project,
    progress: &Progress,
    places: &[usize],
) -> (usize, usize) {
    let passed = places
        .iter()
        .filter(|&&place| progress.has_passed(project.exercises[place].id));
    (passed.count(), places.len())
}

#[derive(SerJson)]
struct Item {
    exercise: &'static str,
    lesson: u8,
    title: &'static str,
    state: &'static str,
    since: String,
    file: String,
    page: String,
}

/// The exercises as a JSON array.
pub fn json(project: &Project, progress: &Progress) -> String {
    let items = project.exercises.iter().map(|exercise| {
        let entry = progress.get(exercise.id);
        Item {
            exercise: exercise.id,
            lesson: exercise.lesson().number,
            title: exercise.title,
            state: entry.map_or("open", |entry| entry.state.word()),
            since: entry.map_or(String::new(), |entry| entry.time.clone()),
            file: exercise.stub().display().to_string(),
            page: exercise.page(),
        }
    });
    items.collect::<Vec<_>>().serialize_json()
}
