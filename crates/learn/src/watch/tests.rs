//! Watch mode without a terminal and without cargo: events in, frames and actions
//! out.

use std::fs;
use std::path::PathBuf;

use checks::catalogue;
use checks::verdict::{Diagnosis, Failure, Verdict};
use console::Key;
use wire::{Look, Timeline};

use super::state::{Action, View, Watch};
use crate::check::Outcome;
use crate::progress::{Progress, State};
use crate::project::Project;
use crate::text;

/// A course in a folder of its own: every exercise with its stub, and nothing else.
struct Course(PathBuf);

impl Course {
    fn new(name: &str) -> Course {
        let name = format!("learn-watch-{name}-{}", std::process::id());
        let root = std::env::temp_dir().join(name);
        for exercise in catalogue::exercises() {
            let stub = root.join(exercise.stub());
            fs::create_dir_all(stub.parent().unwrap()).unwrap();
            fs::write(stub, "//! Greets.\n\nfn old() {}\n").unwrap();
            let hints = root.join(exercise.dir()).join("hints.md");
            fs::write(hints, "## 1\nlook\n## 2\nread\n").unwrap();
            let solution = root.join(exercise.solution());
            fs::create_dir_all(solution.parent().unwrap()).unwrap();
            fs::write(solution, "fn solved() {}\n").unwrap();
        }
        Course(root)
    }

    fn watch(&self) -> Watch {
        let project = Project {
            root: self.0.clone(),
            exercises: catalogue::exercises(),
        };
        let (progress, _) = Progress::load(&self.0);
        let look = Look {
            width: 78,
            color: false,
            unicode: true,
            times: true,
        };
        let mut watch = Watch::new(project, progress, look, None);
        assert_eq!(std::mem::take(&mut watch.actions), [Action::Check]);
        watch
    }
}

impl Drop for Course {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn judged(watch: &Watch, passed: bool, untouched: bool) -> Outcome {
    let failure = Failure {
        probe: "split".into(),
        title: "a line in two pieces".into(),
        untouched,
        summary: "no answer came".into(),
        expected: String::new(),
        got: String::new(),
        kernel: Vec::new(),
        mistake: Some(Diagnosis {
            page: "02-bytes.html#one-read".into(),
            ..Diagnosis::default()
        }),
        panic: None,
        output: "line\n".repeat(30),
        timeline: Timeline::new("peer", "program"),
    };
    Outcome::Judged {
        verdict: Box::new(Verdict {
            exercise: watch.exercise().id.into(),
            passed,
            probes: Vec::new(),
            failure: (!passed).then_some(failure),
            micros: 0,
            waited_micros: 0,
        }),
        warnings: String::new(),
        pristine: false,
    }
}

/// Tells the state that the check of the exercise at hand is over.
fn finish(watch: &mut Watch, passed: bool, untouched: bool) {
    watch.began();
    let outcome = judged(watch, passed, untouched);
    watch.checked(Ok(outcome));
    watch.save();
}

fn press(watch: &mut Watch, keys: &str) {
    for key in keys.chars() {
        watch.key(&Key::Char(key));
    }
}

fn shown(watch: &mut Watch) -> String {
    let frame = watch.frame((24, 80));
    assert_eq!(frame.len(), 24);
    frame.join("\n")
}

#[test]
fn the_first_thing_seen_is_the_task_and_not_a_failure() {
    let course = Course::new("task");
    let mut watch = course.watch();
    assert!(
        shown(&mut watch).contains("Greets."),
        "before the check is over"
    );
    finish(&mut watch, false, true);
    let frame = shown(&mut watch);
    assert!(
        frame.contains("is your task") && frame.contains("Greets."),
        "{frame}"
    );
    assert!(!frame.contains("fails"), "{frame}");
    assert_eq!(watch.progress.get("tcp/greeting"), None, "it was not tried");
}

#[test]
fn a_pass_moves_on_and_stays_in_sight_until_a_key() {
    let course = Course::new("pass");
    let mut watch = course.watch();
    finish(&mut watch, true, false);
    assert_eq!(watch.exercise().id, "tcp/timestamps");
    assert_eq!(std::mem::take(&mut watch.actions), [Action::Check]);
    finish(&mut watch, false, true);
    let frame = shown(&mut watch);
    assert!(frame.contains("tcp/greeting passes"), "{frame}");
    assert!(frame.contains("Next: tcp/timestamps"), "{frame}");
    press(&mut watch, "\u{1b}");
    assert!(
        shown(&mut watch).contains("does nothing"),
        "a bare control character"
    );
    assert!(!shown(&mut watch).contains("tcp/greeting passes"));
    assert!(watch.progress.has_passed("tcp/greeting"));
}

#[test]
fn an_exercise_that_has_passed_before_is_not_left() {
    let course = Course::new("again");
    let mut watch = course.watch();
    finish(&mut watch, true, false);
    press(&mut watch, "p");
    watch.actions.clear();
    finish(&mut watch, true, false);
    assert_eq!(watch.exercise().id, "tcp/greeting");
    assert_eq!(watch.actions, []);
}

#[test]
fn the_last_pass_is_told_as_the_end() {
    let course = Course::new("end");
    let mut watch = course.watch();
    for _ in catalogue::exercises() {
        finish(&mut watch, true, false);
    }
    let frame = shown(&mut watch);
    assert!(frame.contains("That was the last one."), "{frame}");
}

#[test]
fn whoever_jumped_ahead_goes_on_there() {
    let course = Course::new("ahead");
    let (mut progress, _) = Progress::load(&course.0);
    progress.note("bytes/read-line", Some(State::Passed));
    progress.save().unwrap();
    progress.note("tcp/repair", Some(State::Failed));
    progress.save().unwrap();
    assert_eq!(course.watch().exercise().id, "bytes/write-all");
}

#[test]
fn a_save_of_another_exercise_goes_there() {
    let course = Course::new("save");
    let mut watch = course.watch();
    press(&mut watch, "h");
    watch.saved(3);
    assert_eq!(watch.exercise().id, "tcp/repair");
    assert!(matches!(watch.view, View::Verdict));
    assert_eq!(watch.actions, [Action::Check]);
}

#[test]
fn hints_come_one_at_a_time_and_end_with_the_solution() {
    let course = Course::new("hints");
    let mut watch = course.watch();
    press(&mut watch, "h");
    let frame = shown(&mut watch);
    assert!(
        frame.contains("Hint 1 of 2") && !frame.contains("Hint 2"),
        "{frame}"
    );
    press(&mut watch, "h");
    assert!(shown(&mut watch).contains("Hint 2 of 2"));
    press(&mut watch, "hhh");
    let frame = shown(&mut watch);
    assert!(
        frame.contains("no more hints; s shows a solution"),
        "{frame}"
    );
}

#[test]
fn a_solution_before_the_pass_is_asked_for_twice() {
    let course = Course::new("solution");
    let mut watch = course.watch();
    press(&mut watch, "s");
    assert!(!shown(&mut watch).contains("fn solved"));
    press(&mut watch, "h");
    press(&mut watch, "s");
    assert!(
        !shown(&mut watch).contains("fn solved"),
        "another key is a no"
    );
    press(&mut watch, "s");
    assert!(shown(&mut watch).contains("fn solved"));
    press(&mut watch, "q");
    finish(&mut watch, true, false);
    press(&mut watch, "ps");
    assert!(
        shown(&mut watch).contains("fn solved"),
        "after the pass, once"
    );
}

#[test]
fn under_a_pass_the_solution_is_that_of_what_has_passed() {
    let course = Course::new("compare");
    fs::write(
        course.0.join("solutions/01-tcp/src/greeting.rs"),
        "fn first() {}",
    )
    .unwrap();
    let mut watch = course.watch();
    finish(&mut watch, true, false);
    assert_eq!(watch.exercise().id, "tcp/timestamps");
    press(&mut watch, "s");
    assert!(shown(&mut watch).contains("fn first"));
    press(&mut watch, "qs");
    assert!(shown(&mut watch).contains("tcp/timestamps has not passed yet"));
}

#[test]
fn a_reset_asks_and_says_where_the_attempt_is_kept() {
    let course = Course::new("reset");
    let mut watch = course.watch();
    let stub = course.0.join(watch.exercise().stub());
    press(&mut watch, "rn");
    assert!(
        fs::read_to_string(&stub).unwrap().contains("fn old"),
        "n is a no"
    );
    assert_eq!(watch.exercise().id, "tcp/greeting", "and not `next`");
    press(&mut watch, "ry");
    assert!(!fs::read_to_string(&stub).unwrap().contains("fn old"));
    watch.saved(0); // as the watcher tells of our own change
    let frame = shown(&mut watch);
    let kept = frame
        .split_whitespace()
        .find(|word| word.starts_with(".learn"));
    let kept = kept
        .unwrap_or_else(|| panic!("{frame}"))
        .trim_end_matches('.');
    let kept = fs::read_to_string(course.0.join(kept)).unwrap();
    assert!(kept.contains("fn old"));
}

#[test]
fn the_book_opens_at_the_mistake() {
    let course = Course::new("book");
    let mut watch = course.watch();
    watch.book = Some("http://127.0.0.1:4321/".into());
    finish(&mut watch, false, false);
    press(&mut watch, "b");
    let url = "http://127.0.0.1:4321/02-bytes.html#one-read".to_owned();
    assert_eq!(watch.actions, [Action::Browse(url)]);
}

#[test]
fn the_beginning_of_a_long_verdict_is_on_the_screen_and_space_pages_on() {
    let course = Course::new("long");
    let mut watch = course.watch();
    finish(&mut watch, false, false);
    let frame = shown(&mut watch);
    assert!(frame.contains("a line in two pieces"), "{frame}");
    assert!(frame.contains("more lines"), "{frame}");
    press(&mut watch, " ");
    let frame = shown(&mut watch);
    assert!(!frame.contains("a line in two pieces"), "{frame}");
    assert!(frame.contains("space back to the top"), "{frame}");
    press(&mut watch, " ");
    assert!(shown(&mut watch).contains("a line in two pieces"));
}

#[test]
fn the_list_is_filtered_by_what_is_typed() {
    let course = Course::new("filter");
    let mut watch = course.watch();
    press(&mut watch, "l/words");
    let frame = shown(&mut watch);
    assert!(
        frame.contains("bytes/words") && !frame.contains("tcp/repair"),
        "{frame}"
    );
    watch.key(&Key::Enter);
    assert_eq!(watch.exercise().id, "bytes/words");
}

#[test]
fn a_folder_that_cannot_be_written_is_said_once() {
    let course = Course::new("unsaved");
    fs::write(course.0.join(".learn"), "a file where the folder should be").unwrap();
    let mut watch = course.watch();
    finish(&mut watch, true, false);
    let frame = shown(&mut watch);
    assert!(
        frame.contains("Your progress lasts until you quit"),
        "{frame}"
    );
    assert!(
        watch.progress.has_passed("tcp/greeting"),
        "it lasts, though"
    );
    press(&mut watch, "l");
    finish(&mut watch, true, false);
    assert!(!shown(&mut watch).contains("Your progress lasts"));
}

/// Whatever is pressed, saved and checked, in whatever order and size: the frame has
/// the terminal's size, and the keys that get one out of everything work.
#[test]
fn no_sequence_of_events_breaks_the_frame() {
    const KEYS: &str = "hlnprsbcx?q /jkgGy19 z\u{1b}";
    for seed in 0..12 {
        let mut random = fastrand::Rng::with_seed(seed);
        let course = Course::new("events");
        let mut watch = course.watch();
        for _ in 0..60 {
            match random.u8(0..12) {
                0 => watch.saved(random.usize(0..catalogue::exercises().len())),
                1 => finish(&mut watch, random.bool(), random.bool()),
                2 => watch
                    .checked(Ok(Outcome::DoesNotCompile("error: e\n".repeat(50)))),
                3 => watch
                    .key(&[Key::Enter, Key::ArrowDown, Key::End][random.usize(0..3)]),
                4 => watch.key(
                    &[Key::Escape, Key::Backspace, Key::Tab][random.usize(0..3)],
                ),
                _ => {
                    let key = KEYS.as_bytes()[random.usize(0..KEYS.len())].into();
                    watch.key(&Key::Char(key));
                }
            }
            let size = (random.usize(1..40), random.usize(1..140));
            let frame = watch.frame(size);
            assert_eq!(frame.len(), size.0.max(4), "seed {seed}");
            for line in &frame {
                assert!(
                    text::width(line) <= size.1,
                    "seed {seed} {size:?}: {line:?}"
                );
            }
        }
        watch.actions.clear();
        watch.key(&Key::CtrlC);
        assert_eq!(watch.actions, [Action::Quit], "seed {seed}");
    }
}
