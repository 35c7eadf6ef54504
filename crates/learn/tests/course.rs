//! `learn` as its users start it, on a small course whose checks do what real ones
//! must never do: hang, print without end, die, leave processes behind.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use checks::catalogue::{self, Exercise};
use checks::verdict::{Failure, Verdict};
use nanoserde::{DeJson, SerJson};
use wire::Timeline;

/// How long anything here may take; what is slower is stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// An exercise's `lib.rs`; TASK is what its check does.
const STUB: &str = r#"//! Does as it is told.

#[cfg(test)]
fn main() -> std::process::ExitCode {
    #[allow(unused)]
    use std::os::unix::process::CommandExt;
    #[allow(unused)]
    use std::process::{Command, ExitCode, Stdio, id};
    #[allow(unused)]
    let passed = || {
        print!("{}", include_str!("../passed.json"));
        ExitCode::SUCCESS
    };
    #[allow(unused)]
    let failed = || {
        print!("{}", include_str!("../failed.json"));
        ExitCode::FAILURE
    };
    TASK
}
"#;

fn stub(task: &str) -> String {
    STUB.replace("TASK", task)
}

const PASS: &str = "passed()";
const FAIL: &str = "failed()";

/// Notes its own process and waits for ever.
const HANG: &str = r#"std::fs::write("pid", id().to_string()).unwrap();
    loop { std::thread::park() }"#;

/// Leaves a process behind that has gone to a group of its own.
const STRAY: &str = r#"let mut sleep = Command::new("sleep");
    sleep.arg("600").process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
    let sleep = sleep.spawn().unwrap();
    std::fs::write("pid", sleep.id().to_string()).unwrap();
    passed()"#;

const DIE: &str = r#"println!("last words");
    Command::new("kill").args(["-9", &id().to_string()]).status().unwrap();
    loop { std::thread::park() }"#;

const MEGABYTES: &str = r#"loop { println!("{}", "x".repeat(10_000)) }"#;

const WORKSPACE: &str = r#"
[workspace]
resolver = "3"
members = ["exercises/*/*"]

[profile.dev]
debug = 0
"#;

/// A course with these exercises, in a folder and with a target folder of its own.
struct Course(PathBuf);

impl Course {
    fn new(name: &str, tasks: &[(&str, &str)]) -> Course {
        let folder = format!("learn-course-{name}-{}", std::process::id());
        let course = Course(std::env::temp_dir().join(folder));
        course.write(Path::new("Cargo.toml"), WORKSPACE);
        for (id, task) in tasks {
            course.add(exercise(id), task);
        }
        course
    }

    fn add(&self, exercise: &Exercise, task: &str) {
        let dir = exercise.dir();
        let manifest = format!(
            "[package]\nname = \"{}\"\nedition = \"2024\"\n[lib]\nharness = false\n\
             doctest = false\n",
            exercise.package()
        );
        self.write(&dir.join("Cargo.toml"), &manifest);
        self.write(&dir.join("hints.md"), "## 1\n\nlook\n\n## 2\n\nread\n");
        self.write(
            &dir.join("passed.json"),
            &verdict(exercise, true).serialize_json(),
        );
        self.write(
            &dir.join("failed.json"),
            &verdict(exercise, false).serialize_json(),
        );
        self.write(&exercise.stub(), &stub(task));
        self.write(&exercise.solution(), "//! Solved.\n");
    }

    /// Writes a file in one step, as many editors do: a save seen half done would be
    /// checked twice.
    fn write(&self, path: &Path, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let new = path.with_extension("new");
        fs::write(&new, text).unwrap();
        fs::rename(&new, path).unwrap();
    }

    fn learn(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_learn"));
        command
            .args(args)
            .current_dir(&self.0)
            .env("CARGO_TARGET_DIR", self.0.join("target"))
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let Output {
            status,
            stdout,
            stderr,
        } = self.learn(args).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code(), text(stdout), text(stderr))
    }

    /// The process that an exercise's check noted, once it has.
    fn noted(&self, id: &str) -> u32 {
        let file = self.0.join(exercise(id).dir()).join("pid");
        wait_for("a process number", || {
            fs::read_to_string(&file).ok()?.parse().ok()
        })
    }
}

impl Drop for Course {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn exercise(id: &str) -> &'static Exercise {
    catalogue::find(id).unwrap()
}

fn verdict(exercise: &Exercise, passed: bool) -> Verdict {
    let failure = Failure {
        probe: "split".into(),
        title: "a line in two pieces".into(),
        untouched: false,
        summary: "no answer came".into(),
        expected: "an answer".into(),
        got: "nothing".into(),
        kernel: Vec::new(),
        mistake: None,
        panic: None,
        output: String::new(),
        timeline: Timeline::new("the peer", "your program"),
    };
    Verdict {
        exercise: exercise.id.into(),
        passed,
        probes: Vec::new(),
        failure: (!passed).then_some(failure),
        micros: 1,
        waited_micros: 0,
    }
}

/// Waits until there is something; it decides by state, the clock is the backstop.
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Whether a process runs: it exists and is no zombie.
fn runs(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(") ")
        .next()
        .and_then(|rest| rest.chars().next());
    state.is_some_and(|state| state != 'Z' && state != 'X')
}

#[test]
fn a_verdict_is_told_and_remembered() {
    let course = Course::new("verdict", &[("tcp/greeting", FAIL)]);
    let (code, out, err) = course.run(&["check", "greeting"]);
    assert_eq!(code, Some(1), "{err}");
    assert!(out.contains("No answer came"), "{out}");
    assert!(
        !out.contains('\u{1b}'),
        "colours go to terminals alone: {out:?}"
    );
    let progress = course.0.join(".learn/progress.txt");
    assert!(
        fs::read_to_string(&progress)
            .unwrap()
            .contains("tcp/greeting failed 2")
    );

    course.write(&exercise("tcp/greeting").stub(), &stub(PASS));
    let (code, out, err) = course.run(&["run", "exercises/01-tcp/greeting"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("tcp/greeting passes"), "{out}");
    let words = |text: &str| {
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let learnt = words(exercise("tcp/greeting").learnt);
    assert!(
        words(&out).windows(learnt.len()).any(|said| said == learnt),
        "{out}"
    );
    assert!(
        fs::read_to_string(&progress)
            .unwrap()
            .contains("tcp/greeting passed 2")
    );
    let (_, out, _) = course.run(&["list", "--json"]);
    assert!(out.contains("\"state\":\"passed\""), "{out}");
}

#[test]
fn what_does_not_compile_is_told_in_the_compilers_words() {
    let course = Course::new("compile", &[("tcp/greeting", "5 + \"five\"")]);
    let (code, out, err) = course.run(&["check", "tcp/greeting"]);
    assert_eq!(code, Some(1), "{err}");
    assert!(out.contains("error[E0277]"), "{out}");
    assert!(
        out.contains("--> exercises/01-tcp/greeting/src/lib.rs:"),
        "{out}"
    );
}

#[test]
fn a_broken_manifest_is_told_in_cargos_words() {
    let course = Course::new("manifest", &[("tcp/greeting", PASS)]);
    course.write(
        &exercise("tcp/greeting").dir().join("Cargo.toml"),
        "[package\n",
    );
    let (code, out, _) = course.run(&["check", "tcp/greeting"]);
    assert_eq!(code, Some(1));
    assert!(out.contains("cargo cannot build tcp/greeting"), "{out}");
    assert!(out.contains("unclosed table"), "{out}");
}

#[test]
fn a_cargo_that_is_not_there_is_told_as_that() {
    let course = Course::new("cargo", &[("tcp/greeting", PASS)]);
    let mut learn = course.learn(&["check", "tcp/greeting"]);
    let output = learn.env("CARGO", "/no/such/cargo").output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.contains("cargo could not be started"), "{out}");
    assert!(out.contains("cannot start /no/such/cargo"), "{out}");
}

#[test]
fn many_exercises_are_checked_although_some_are_broken() {
    let tasks = [
        ("tcp/greeting", PASS),
        ("tcp/timestamps", "nonsense"),
        ("tcp/peer-card", FAIL),
        ("tcp/repair", DIE),
        ("bytes/read-line", MEGABYTES),
        ("bytes/words", STRAY),
    ];
    let course = Course::new("many", &tasks);
    let (code, out, err) = course.run(&["check"]);
    assert_eq!(code, Some(1), "{err}");
    for line in [
        "✓  tcp/greeting     passes",
        "✗  tcp/timestamps   it does not compile",
        "✗  tcp/peer-card    no answer came",
        "✗  tcp/repair       no verdict: it ended with signal: 9 (SIGKILL)",
        "✗  bytes/read-line  no verdict: it printed more than 4 MB",
        "✓  bytes/words      passes",
        "2 of 6 pass; `cargo learn check tcp/timestamps` says more",
    ] {
        assert!(out.contains(line), "{line:?} in\n{out}");
    }
    assert!(
        !runs(course.noted("bytes/words")),
        "a check left a process behind"
    );

    let (_, out, _) = course.run(&["check", "repair"]);
    assert!(out.contains("last words"), "{out}");
}

#[test]
fn a_lesson_is_checked_for_scripts() {
    let tasks = [
        ("tcp/greeting", PASS),
        ("tcp/timestamps", "nonsense"),
        ("tcp/peer-card", FAIL),
        ("tcp/repair", DIE),
        ("bytes/words", PASS),
    ];
    let course = Course::new("script", &tasks);
    let (code, out, _) = course.run(&["check", "1", "--json"]);
    assert_eq!(code, Some(1));
    let lines = out
        .lines()
        .map(|line| Line::deserialize_json(line).unwrap());
    let told: Vec<_> = lines.map(|line| (line.exercise, line.outcome)).collect();
    let expected = [
        ("tcp/greeting", "passed"),
        ("tcp/timestamps", "does-not-compile"),
        ("tcp/peer-card", "failed"),
        ("tcp/repair", "no-verdict"),
    ];
    assert_eq!(
        told,
        expected.map(|(id, word)| (id.to_owned(), word.to_owned()))
    );
}

#[derive(DeJson)]
struct Line {
    exercise: String,
    outcome: String,
}

#[test]
fn nothing_outlives_a_learn_that_is_killed() {
    let course = Course::new("killed", &[("tcp/greeting", HANG)]);
    let mut learn = course.learn(&["check", "greeting"]).spawn().unwrap();
    let check = course.noted("tcp/greeting");
    assert!(runs(check));
    learn.kill().unwrap();
    learn.wait().unwrap();
    wait_for("the end of the check", || (!runs(check)).then_some(()));
}

#[test]
fn a_name_that_is_not_known_gets_the_nearest_one() {
    let course = Course::new("names", &[("tcp/greeting", PASS)]);
    for command in ["check", "run", "hint", "solution", "reset", "book", "watch"] {
        let (code, out, err) = course.run(&[command, "tcp/greting"]);
        assert_eq!(code, Some(2), "{command}: {err}");
        assert!(
            err.contains("did you mean `tcp/greeting`?"),
            "{command}: {err}"
        );
        assert_eq!(out, "");
    }
    let (code, _, err) = course.run(&["chekc"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("check"), "{err}");
    let (code, _, err) = course.run(&["--root", "/nowhere", "list"]);
    assert_eq!(code, Some(1));
    assert!(err.contains("/nowhere"), "{err}");
}

#[test]
fn a_reset_keeps_the_attempt_or_does_nothing() {
    let course = Course::new("reset", &[("tcp/greeting", FAIL)]);
    let file = course.0.join(exercise("tcp/greeting").stub());
    course.run(&["check", "greeting"]);
    let (code, out, err) = course.run(&["reset", "greeting"]);
    assert_eq!(code, Some(0), "{err}");
    let kept = out.split_whitespace().last().unwrap();
    assert_eq!(fs::read_to_string(course.0.join(kept)).unwrap(), stub(FAIL));
    assert!(fs::read_to_string(&file).unwrap().contains("Solved."));
    let progress = fs::read_to_string(course.0.join(".learn/progress.txt")).unwrap();
    assert!(!progress.contains("tcp/greeting"), "{progress}");

    fs::remove_dir_all(course.0.join(".learn")).unwrap();
    fs::write(course.0.join(".learn"), "in the way").unwrap();
    fs::write(&file, "my attempt").unwrap();
    let (code, _, err) = course.run(&["reset", "greeting"]);
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("cannot keep your file"), "{err}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "my attempt");

    let (code, _, err) = course.run(&["reset", "--all"]);
    assert_eq!(code, Some(2), "without a terminal it needs a yes: {err}");
}

#[test]
fn a_stub_that_runs_and_fails_is_a_task_too() {
    const REPAIR: &str = r#"//! Repair me.
#[cfg(test)]
struct Check;
#[cfg(test)]
impl Check {
    fn main(self) -> std::process::ExitCode {
        print!("{}", include_str!("../failed.json"));
        std::process::ExitCode::FAILURE
    }
}
#[cfg(test)]
fn check() -> Check {
    Check
}
"#;
    let course = Course::new("repair", &[("tcp/repair", FAIL)]);
    let repair = exercise("tcp/repair");
    course.write(&repair.solution(), REPAIR);
    let stub = checks::stub::cut(REPAIR).unwrap();
    course.write(&repair.stub(), &stub);
    let (code, out, err) = course.run(&["check", "repair"]);
    assert_eq!(code, Some(1), "{err}");
    assert!(out.contains("Repair me."), "the task: {out}");
    assert!(
        out.contains("No answer came"),
        "and what it fails at: {out}"
    );
    let (_, out, _) = course.run(&["list"]);
    assert!(out.contains("·  tcp/repair"), "not begun: {out}");

    course.write(&repair.stub(), &format!("{stub}// touched\n"));
    course.run(&["check", "repair"]);
    let (_, out, _) = course.run(&["list"]);
    assert!(out.contains("✗  tcp/repair"), "{out}");
}

#[test]
fn hints_are_given_by_level() {
    let course = Course::new("hints", &[("tcp/greeting", PASS)]);
    assert_eq!(course.run(&["hint", "greeting"]).1, "look\n");
    assert_eq!(
        course.run(&["hint", "greeting", "--level", "2"]).1,
        "read\n"
    );
    let (code, _, err) = course.run(&["hint", "greeting", "--level", "3"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("hints 1 to 2"), "{err}");
}

#[test]
fn without_a_terminal_it_checks_once_and_says_so() {
    let course = Course::new("once", &[("tcp/greeting", FAIL)]);
    let (code, out, err) = course.run(&[]);
    assert_eq!(code, Some(1));
    assert!(err.contains("watching needs a terminal"), "{err}");
    assert!(out.contains("No answer came"), "{out}");
}

#[test]
fn whoever_reads_only_the_first_line_is_content() {
    let course = Course::new("pipe", &[("tcp/greeting", PASS)]);
    let mut learn = course
        .learn(&["list"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(learn.stdout.take());
    let output = learn.wait_with_output().unwrap();
    assert!(output.status.success(), "{:?}", output.status);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn what_was_done_is_noted_even_if_nobody_reads_of_it() {
    let tasks = [("tcp/greeting", PASS), ("tcp/timestamps", PASS)];
    let course = Course::new("unheard", &tasks);
    let unheard = |args: &[&str]| {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let status = course.learn(args).stdout(writer).status().unwrap();
        assert!(status.success(), "{args:?}: {status}");
        let progress = course.0.join(".learn/progress.txt");
        fs::read_to_string(progress)
            .unwrap()
            .matches(" passed 2")
            .count()
    };
    assert_eq!(unheard(&["check"]), 2);
    assert_eq!(unheard(&["reset", "greeting"]), 1);
}

#[test]
fn progress_that_cannot_be_read_stops_nobody() {
    let course = Course::new("unreadable", &[("tcp/greeting", PASS)]);
    fs::write(course.0.join(".learn"), "in the way").unwrap();
    let (code, out, err) = course.run(&["check", "greeting"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("passes"), "{out}");
    assert!(err.contains("progress"), "{err}");
}

// ---- watch mode, in a terminal made by script(1) ----

/// `learn` in a terminal: what it draws, as it comes, and its keyboard.
struct Terminal {
    script: Child,
    drawn: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
    seen: usize,
}

impl Terminal {
    /// Opens one, unless this machine cannot.
    fn open(course: &Course, args: &str) -> Option<Terminal> {
        let has_script = cfg!(target_os = "linux")
            && Command::new("script").arg("--version").output().is_ok();
        if !has_script {
            assert!(std::env::var_os("CI").is_none(), "CI must have script(1)");
            eprintln!("skipped: script(1) of util-linux is not installed");
            return None;
        }
        let learn = format!("{} {args}", env!("CARGO_BIN_EXE_learn"));
        let mut script = Command::new("script")
            .args(["--quiet", "--return", "--command", &learn, "/dev/null"])
            .current_dir(&course.0)
            .env("CARGO_TARGET_DIR", course.0.join("target"))
            .env("TERM", "xterm")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let drawn = Arc::new(Mutex::new(Vec::new()));
        let (mut stdout, all) = (script.stdout.take().unwrap(), Arc::clone(&drawn));
        let reader = thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(n @ 1..) = stdout.read(&mut piece) {
                all.lock().unwrap().extend_from_slice(&piece[..n]);
            }
        });
        Some(Terminal {
            script,
            drawn,
            reader: Some(reader),
            seen: 0,
        })
    }

    fn press(&mut self, keys: &str) {
        self.script
            .stdin
            .as_mut()
            .unwrap()
            .write_all(keys.as_bytes())
            .unwrap();
    }

    /// Waits until this is drawn after what was waited for last.
    fn shows(&mut self, text: &str) {
        self.seen = wait_for(text, || {
            let drawn = self.drawn.lock().unwrap();
            let rest = &drawn[self.seen..];
            let at = rest
                .windows(text.len())
                .position(|part| part == text.as_bytes());
            at.map(|at| self.seen + at + text.len())
        });
    }

    /// Waits for the end and returns the last that was drawn.
    fn ends(mut self) -> String {
        wait_for("the end", || self.script.try_wait().unwrap());
        self.reader.take().unwrap().join().unwrap();
        String::from_utf8_lossy(&self.drawn.lock().unwrap()[self.seen..]).into_owned()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if thread::panicking() {
            let drawn = self.drawn.lock().unwrap();
            eprintln!(
                "drawn last: {:?}",
                String::from_utf8_lossy(&drawn[self.seen..])
            );
        }
        let _ = self.script.kill();
        let _ = self.script.wait();
    }
}

#[test]
fn a_save_brings_a_verdict_and_no_key_is_ever_dead() {
    let tasks = [("tcp/greeting", FAIL), ("tcp/timestamps", FAIL)];
    let course = Course::new("watch", &tasks);
    let Some(mut terminal) = Terminal::open(&course, "--no-book") else {
        return;
    };
    terminal.shows("No answer came");
    let stub_file = exercise("tcp/greeting").stub();

    // While a check hangs, keys work, and a save ends it.
    course.write(&stub_file, &stub(HANG));
    terminal.shows("checking");
    let hanging = course.noted("tcp/greeting");
    terminal.press("h");
    terminal.shows("Hint 1 of 2");
    terminal.press("l");
    terminal.shows("tcp/timestamps");
    terminal.press("q");
    terminal.shows("previous"); // among the keys of the verdict
    course.write(&stub_file, &stub("five"));
    terminal.shows("does not compile");
    terminal.shows("E0425");
    wait_for("the end of the hanging check", || {
        (!runs(hanging)).then_some(())
    });

    course.write(&stub_file, &stub(PASS));
    terminal.shows("What you know now");
    terminal.shows("Next: tcp/timestamps");
    terminal.press("\u{3}");
    assert!(
        terminal.ends().contains("1 of "),
        "a farewell on the usual screen"
    );
}

#[test]
fn the_terminal_is_put_back_when_a_signal_ends_it() {
    let course = Course::new("signal", &[("tcp/greeting", HANG)]);
    let Some(mut terminal) = Terminal::open(&course, "--no-book") else {
        return;
    };
    let check = course.noted("tcp/greeting");
    let learn = fs::read_to_string(format!("/proc/{check}/stat")).unwrap();
    let keeper = parent(&learn);
    let learn = parent(&fs::read_to_string(format!("/proc/{keeper}/stat")).unwrap());
    let kill = Command::new("kill")
        .args(["-TERM", &learn.to_string()])
        .status();
    assert!(kill.unwrap().success());
    terminal.shows("\u{1b}[?1049l"); // back to the usual screen
    terminal.ends();
    wait_for("the end of the check", || (!runs(check)).then_some(()));
}

fn parent(stat: &str) -> u32 {
    let rest = stat.rsplit(") ").next().unwrap();
    rest.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// A linker that notes who has called the compiler that calls it. Once `hold` is there
/// it writes half of a program, and waits.
const LINKER: &str = r#"#!/bin/sh
folder=$(dirname "$0")
caller=$(cut -d ' ' -f 4 "/proc/$PPID/stat")
cat "/proc/$caller/comm" >"$folder/caller"
if mv "$folder/hold" "$folder/held" 2>/dev/null; then
    while [ "$1" != -o ]; do shift; done
    echo half >"$2"
    exec sleep 600
fi
exec cc "$@"
"#;

/// A course whose programs are linked by that, under watch, after two builds by cargo:
/// in the first it has written its lock file, in the second it has changed nothing.
fn watched(name: &str) -> Option<(Course, Terminal)> {
    let course = Course::new(name, &[("tcp/greeting", FAIL)]);
    let config = "[target.'cfg(unix)']\nlinker = \"./linker\"\n";
    course.write(Path::new(".cargo/config.toml"), config);
    course.write(Path::new("linker"), LINKER);
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(course.0.join("linker"), executable).unwrap();
    let mut terminal = Terminal::open(&course, "--no-book")?;
    terminal.shows(FAILS);
    course.save("tcp/greeting", FAIL);
    terminal.shows(FAILS);
    assert_eq!(course.caller(), "cargo\n");
    Some((course, terminal))
}

impl Course {
    /// Saves another text with the same task.
    fn save(&self, id: &str, task: &str) {
        let file = exercise(id).stub();
        let before = fs::read_to_string(self.0.join(&file)).unwrap();
        let saves = before.matches("// saved").count() + 1;
        self.write(
            &file,
            &format!("{}{}", stub(task), "// saved\n".repeat(saves)),
        );
    }

    fn caller(&self) -> String {
        fs::read_to_string(self.0.join("caller")).unwrap()
    }
}

/// What the first line of the screen says, in red.
const FAILS: &str = "\u{1b}[31mfails";

#[test]
fn from_the_second_save_on_the_compiler_is_called_without_cargo() {
    let Some((course, mut terminal)) = watched("second") else {
        return;
    };
    course.save("tcp/greeting", FAIL);
    terminal.shows(FAILS);
    assert_ne!(course.caller(), "cargo\n");
    course.save("tcp/greeting", PASS);
    terminal.shows("What you know now");
    assert_ne!(course.caller(), "cargo\n");
}

#[test]
fn what_cargo_has_built_is_not_built_again() {
    let Some((course, mut terminal)) = watched("fresh") else {
        return;
    };
    fs::write(course.0.join("hold"), "").unwrap();
    terminal.press("\r");
    terminal.shows(FAILS);
    assert!(course.0.join("hold").exists(), "cargo would not hear of it");
}

#[test]
fn a_compile_that_is_cut_off_leaves_nothing_that_counts() {
    let Some((course, mut terminal)) = watched("cut") else {
        return;
    };
    fs::write(course.0.join("hold"), "").unwrap();
    course.save("tcp/greeting", PASS);
    wait_for("half a program", || {
        course.0.join("held").exists().then_some(())
    });
    terminal.press("\u{3}");
    terminal.ends();
    let (code, out, err) = course.run(&["check", "greeting"]);
    assert_eq!(code, Some(0), "{out}{err}");
}

#[test]
fn a_change_below_an_exercise_is_seen() {
    let course = Course::new("below", &[("tcp/greeting", FAIL)]);
    let dir = exercise("tcp/greeting").dir();
    let manifest =
        fs::read_to_string(course.0.join(&dir).join("Cargo.toml")).unwrap();
    let manifest = format!(
        "{manifest}[dev-dependencies]\nbelow = {{ path = \"../../../below\" }}\n"
    );
    course.write(&dir.join("Cargo.toml"), &manifest);
    course.write(
        Path::new("below/Cargo.toml"),
        "[package]\nname = \"below\"\nedition = \"2024\"\n",
    );
    let passes = |it: bool| {
        let code = format!("pub const PASSES: bool = {it};\n");
        course.write(Path::new("below/src/lib.rs"), &code);
    };
    passes(false);
    let file = exercise("tcp/greeting").stub();
    let task = "if below::PASSES { passed() } else { failed() }";
    course.write(&file, &stub(task));
    let Some(mut terminal) = Terminal::open(&course, "--no-book") else {
        return;
    };
    // Cargo builds, and builds again; then its call is made without it.
    for _ in 0..3 {
        terminal.shows(FAILS);
        course.save("tcp/greeting", task);
    }
    terminal.shows(FAILS);
    passes(true);
    terminal.press("\r");
    terminal.shows("What you know now");
}
