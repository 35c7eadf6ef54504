//! The compiler call that cargo made for an exercise, to be made again.
//!
//! Between a save and its verdict, a third of the time would be cargo's: it reads the
//! manifest of every package of the course to find out that one file has changed,
//! which is what we have just seen. So the first build of an exercise is cargo's. It
//! is asked to say which call of rustc it makes (`--verbose`, twice for the
//! environment), and while nothing but the exercise's own sources changes, that call
//! is made again. Anything unusual goes back to cargo: a busy build folder, a changed
//! manifest, a compiler that fails without saying why.
//!
//! Cargo does not hear of the calls that are made here. What it goes by, the times of
//! its own last build and of the sources, tells it all the same that the program is
//! not the one it built: but for sources that are as they were then. Those are its to
//! look at; it would take half a program, left by a call that was cancelled, for its
//! own.

#![allow(
    clippy::question_mark,
    reason = "in what nanoserde writes for an Option"
)]

use std::collections::BTreeMap;
use std::env;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use checks::catalogue::Exercise;
use nanoserde::DeJson;
use rustix::fs::{FlockOperation, flock};

use crate::compile::{self, Built};
use crate::keeper::{self, Cancel, Ended, Limits};
use crate::project::Project;
use crate::saves::{Stamp, Stamps, sources_below, stamp, stamps};
use checks::json;

/// What the compiler says when the crates below are not those that cargo built for it:
/// another compiler's since an update, gone, half new. Cargo knows how to mend that.
const BELOW_IS_BROKEN: [&str; 4] = ["E0460", "E0463", "E0514", "E0786"];

/// Held while a call is made again: the next waits until one that was cancelled has
/// ended, instead of taking it for somebody else who builds.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The calls by the ids of their exercises.
static CALLS: Mutex<BTreeMap<&'static str, Call>> = Mutex::new(BTreeMap::new());

fn calls() -> MutexGuard<'static, BTreeMap<&'static str, Call>> {
    // Nothing that panics leaves the map half changed.
    CALLS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One call of rustc, and what it stands on.
#[derive(Clone)]
struct Call {
    command: CommandLine,
    /// The program that it makes.
    output: PathBuf,
    /// The files that cargo would look at, besides the exercise's sources.
    ground: Ground,
    /// The exercise's sources as cargo has built them, until the call is made again.
    fresh: Stamps,
}

type Ground = Vec<(PathBuf, Option<Stamp>)>;

/// How things are before cargo is asked: what changes while it builds, it may have
/// seen or not.
pub struct Before {
    time: SystemTime,
    sources: Stamps,
}

/// Looks at how things are.
pub fn before(project: &Project, exercise: &Exercise) -> Before {
    Before {
        time: SystemTime::now(),
        sources: stamps(&project.path(exercise.dir())),
    }
}

/// Remembers the call that cargo has made for the exercise, if it says so on its
/// standard error, and the packages with these manifests below it.
pub fn remember(
    project: &Project,
    exercise: &Exercise,
    before: Before,
    (stderr, manifests): (&[u8], Vec<PathBuf>),
    output: &Path,
) {
    let said = String::from_utf8_lossy(stderr);
    let Some(command) = running(&said, exercise) else {
        return; // it was built already, and the call before this one still stands
    };
    let mut ground = stamped(sources(project, exercise, &manifests));
    if ground
        .iter()
        .any(|(_, stamp)| is_later(*stamp, before.time))
    {
        calls().remove(exercise.id);
        return;
    }
    ground.extend(stamped(programs(&command)));
    let call = Call {
        command,
        output: output.to_owned(),
        ground,
        fresh: before.sources,
    };
    calls().insert(exercise.id, call);
}

fn stamped(files: Vec<PathBuf>) -> Ground {
    let stamped = files.into_iter().map(|path| (stamp(&path), path));
    stamped.map(|(stamp, path)| (path, stamp)).collect()
}

fn is_later(stamp: Option<Stamp>, time: SystemTime) -> bool {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    stamp.is_some_and(|(at, nanos, ..)| {
        (at, nanos) >= (seconds, i64::from(since.subsec_nanos()))
    })
}

/// The files besides the exercise's sources that cargo reads: settings, the manifests
/// of the packages that the check is made of, and the sources of those below it. A
/// learner does not edit them, but an update of the course changes them.
fn sources(
    project: &Project,
    exercise: &Exercise,
    manifests: &[PathBuf],
) -> Vec<PathBuf> {
    let settings = project.root.ancestors();
    let mut files: Vec<PathBuf> = settings
        .map(|folder| folder.join(".cargo/config.toml"))
        .chain(["Cargo.toml", "Cargo.lock"].map(|file| project.path(file)))
        .collect();
    let own = project.path(exercise.dir());
    for manifest in manifests {
        files.push(manifest.clone());
        let folder = manifest.parent().filter(|folder| *folder != own);
        files.extend(folder.into_iter().flat_map(sources_below));
    }
    files
}

/// The compiler, and the crates that it is given.
fn programs(command: &CommandLine) -> Vec<PathBuf> {
    let named = command.args.windows(2).filter(|pair| pair[0] == "--extern");
    let crates = named.filter_map(|pair| pair[1].split_once('='));
    let crates = crates.map(|(_, path)| PathBuf::from(path));
    crates.chain([PathBuf::from(&command.program)]).collect()
}

/// Makes the remembered call. `None` where cargo has to be asked: there is no call
/// that still stands, or what came of it is not the learner's to mend.
pub fn compile(
    project: &Project,
    exercise: &Exercise,
    color: bool,
    cancel: &Cancel,
) -> Option<Built> {
    let call = calls().get(exercise.id).cloned()?;
    let stands = |(path, was): &(PathBuf, Option<Stamp>)| stamp(path) == *was;
    if !call.ground.iter().all(stands) {
        calls().remove(exercise.id);
        return None;
    }
    if call.fresh.is_some() && call.fresh == stamps(&project.path(exercise.dir())) {
        return None;
    }
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let _lock = lock(&call.output)?;
    if let Some(call) = calls().get_mut(exercise.id) {
        call.fresh = None;
    }
    let mut command = keeper::command(&call.command.program, false);
    command
        .args(call.command.args.iter().map(|arg| match color {
            true => arg.clone(),
            false => arg.replace("diagnostic-rendered-ansi,", ""),
        }))
        .envs(call.command.env.iter().map(|(name, value)| (name, value)))
        .current_dir(&project.root);
    let limits = Limits {
        time: None,
        bytes: compile::MAX_OUTPUT,
    };
    let finished = keeper::run(command, cancel, limits, |_| {}).ok()?;
    let said = Said::read(&finished.stderr);
    if said.below_is_broken {
        calls().remove(exercise.id);
        return None;
    }
    match finished.ended {
        Ended::Cancelled => Some(Built::Cancelled),
        Ended::Itself(status) if status.success() => Some(Built::Program {
            path: call.output,
            warnings: said.text,
        }),
        Ended::Itself(_) if said.errors => Some(Built::Errors(said.text)),
        _ => None,
    }
}

/// Locks the build folder as cargo does while it builds: `target/debug/.cargo-lock`.
/// `None` where somebody builds at this moment.
fn lock(output: &Path) -> Option<File> {
    let profile = output.parent()?.parent()?;
    let lock = File::open(profile.join(".cargo-lock")).ok()?;
    flock(&lock, FlockOperation::NonBlockingLockExclusive).ok()?;
    Some(lock)
}

/// What the compiler said: rustc's JSON, described in "JSON Output" of The rustc Book.
struct Said {
    text: String,
    errors: bool,
    below_is_broken: bool,
}

#[derive(DeJson)]
struct Diagnostic {
    level: Option<String>,
    message: Option<String>,
    rendered: Option<String>,
    code: Option<Code>,
}

#[derive(DeJson)]
struct Code {
    code: String,
}

impl Said {
    fn read(stderr: &[u8]) -> Said {
        let stderr = String::from_utf8_lossy(stderr);
        let mut said = Said {
            text: String::new(),
            errors: false,
            below_is_broken: false,
        };
        for line in stderr.lines().filter(|line| line.starts_with('{')) {
            let Some(Diagnostic {
                level: Some(level),
                message: Some(message),
                rendered: Some(rendered),
                code,
            }) = json::read(line)
            else {
                continue; // an artifact
            };
            // The count of what stands above; cargo leaves it out, too.
            if message.starts_with("aborting due to") || message.ends_with(" emitted")
            {
                continue;
            }
            let code = code.as_ref().map_or("", |code| &code.code);
            said.below_is_broken |= BELOW_IS_BROKEN.contains(&code);
            said.errors |= level.starts_with("error");
            said.text += &rendered;
        }
        said
    }
}

/// A command line as cargo prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct CommandLine {
    env: Vec<(String, String)>,
    program: String,
    args: Vec<String>,
}

/// The call of rustc for the exercise's check among the lines that cargo has printed.
fn running(stderr: &str, exercise: &Exercise) -> Option<CommandLine> {
    let name = exercise.package().replace('-', "_");
    let crate_name = format!("--crate-name {name} ");
    let line = stderr.lines().find_map(|line| {
        let line = line
            .trim_start()
            .strip_prefix("Running `")?
            .strip_suffix('`')?;
        (line.contains(&crate_name) && line.contains("--cfg test")).then_some(line)
    })?;
    let mut words = words(line)?.into_iter().peekable();
    let mut env = Vec::new();
    while let Some((name, value)) = words.peek()?.split_once('=') {
        env.push((name.to_owned(), value.to_owned()));
        words.next();
    }
    let program = words.next()?;
    // Without the detour over rustup's proxy, as cargo itself does it. Without rustup,
    // the compiler beside cargo need not be the one that cargo finds.
    let beside_cargo = env::var_os("RUSTUP_TOOLCHAIN")
        .and_then(|_| env::var_os("CARGO"))
        .map(|cargo| Path::new(&cargo).with_file_name("rustc"))
        .filter(|rustc| program == "rustc" && rustc.is_file());
    Some(CommandLine {
        env,
        program: beside_cargo.map_or(program, |rustc| rustc.display().to_string()),
        args: words.collect(),
    })
}

/// The words of a command line in which those with odd characters stand in single
/// quotes, a quote itself behind a backslash: a shell's rules, as far as cargo uses
/// them. `None` where they are broken.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        match char {
            ' ' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        quoted => word.push(quoted),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(chars.next()?),
            plain => word.get_or_insert_default().push(plain),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeting() -> &'static Exercise {
        checks::catalogue::find("tcp/greeting").unwrap()
    }

    #[test]
    fn the_call_is_found_among_what_cargo_says() {
        let said = "   Compiling checks v0.1.0\n     Running `rustc --crate-name checks`\n\
                    \x20    Running `A=1 B='x y' C='' rustc --crate-name ex_tcp_greeting \
                    src/lib.rs --cfg test --check-cfg 'cfg(a, values())'`\n";
        let call = running(said, greeting()).unwrap();
        let env = [("A", "1"), ("B", "x y"), ("C", "")];
        assert_eq!(call.env, env.map(|(a, b)| (a.to_owned(), b.to_owned())));
        assert!(call.program.ends_with("rustc"), "{}", call.program);
        assert_eq!(call.args[0], "--crate-name");
        assert_eq!(call.args.last().unwrap(), "cfg(a, values())");
        assert_eq!(running("     Fresh ex-tcp-greeting", greeting()), None);
    }

    #[test]
    fn words_are_those_of_a_shell() {
        let split = |line| words(line).unwrap();
        assert_eq!(split("a  'b c' d'e f'g"), ["a", "b c", "de fg"]);
        assert_eq!(split(r"'it'\''s' ''"), ["it's", ""]);
        assert_eq!(words("a 'b"), None);
    }

    #[test]
    fn any_words_come_back_from_their_quoted_form() {
        for seed in 0..500 {
            let mut random = fastrand::Rng::with_seed(seed);
            let letters = ['a', ' ', '\'', '\\', '"', '$', 'é', '\n', '='];
            let some: Vec<String> = (0..random.usize(..6))
                .map(|_| {
                    (0..random.usize(..8))
                        .map(|_| random.choice(letters))
                        .collect()
                })
                .map(|word: Option<String>| word.unwrap())
                .collect();
            let quote = |word: &String| format!("'{}'", word.replace('\'', r"'\''"));
            let line: Vec<String> = some.iter().map(quote).collect();
            assert_eq!(words(&line.join(" ")), Some(some), "seed {seed}");
        }
    }

    #[test]
    fn what_the_compiler_says_is_told_without_its_count() {
        let json = br#"{"$message_type":"artifact","artifact":"/t/x.d","emit":"dep-info"}
{"$message_type":"diagnostic","level":"warning","message":"w","rendered":"warning: w\n"}
{"level":"error","message":"e","rendered":"error: e\n","code":{"code":"E1"},"spans":[]}
{"level":"error","message":"aborting due to 1 previous error","rendered":"error: aborting\n"}
"#;
        let said = Said::read(json);
        assert!(said.errors && !said.below_is_broken);
        assert_eq!(said.text, "warning: w\nerror: e\n");
        let json = br#"{"level":"warning","message":"1 warning emitted","rendered":"warning: 1\n"}"#;
        let said = Said::read(json);
        assert!(!said.errors && said.text.is_empty());
        let json = br#"{"level":"error","message":"found crate `checks` compiled by an incompatible version of rustc","rendered":"error\n","code":{"code":"E0514","explanation":"x"}}"#;
        assert!(Said::read(json).below_is_broken);
    }
}
