//! What the learner has done: `.learn/progress.txt`, a line for each exercise.
//!
//! The file holds ids alone, no numbers and no order, so that it survives a course
//! that grows. It is replaced whole: written beside, flushed to the disk, renamed
//! over the old one. Whoever kills `learn` at any moment leaves one or the other.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use rustix::fs::{FlockOperation, flock};

use crate::clock;

const HEAD: &str =
    "# Your progress. A line for each exercise: id, state, time (UTC).\n";

/// How an exercise's last check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It passed.
    Passed,
    /// It was tried and failed.
    Failed,
}

impl State {
    /// The word for it in the file.
    pub fn word(self) -> &'static str {
        match self {
            State::Passed => "passed",
            State::Failed => "failed",
        }
    }
}

/// One exercise's line: its state, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The state.
    pub state: State,
    /// When it came to be, such as `2026-11-21T10:06:11Z`.
    pub time: String,
}

/// The learner's progress, and the file that keeps it.
#[derive(Clone, Debug)]
pub struct Progress {
    file: PathBuf,
    entries: BTreeMap<String, Entry>,
    /// Lines of a later version of this program, kept as they are.
    foreign: Vec<String>,
    /// What was noted and not saved yet; nothing for an exercise that is open again.
    unsaved: Vec<(String, Option<Entry>)>,
}

/// What [`Progress::load`] found, where it is worth a word.
pub type Remark = Option<String>;

impl Progress {
    /// Loads the progress kept under `root`. A file that is broken is put aside and
    /// what can be read of it is kept; one that cannot be read is left alone. The
    /// remark says so.
    pub fn load(root: &Path) -> (Progress, Remark) {
        let file = root.join(".learn").join("progress.txt");
        Progress::load_file(file.clone()).unwrap_or_else(|error| {
            let (nothing, _) = Progress::parse(file, b"");
            (
                nothing,
                Some(format!("Your progress lasts until you quit: {error:#}.")),
            )
        })
    }

    fn load_file(file: PathBuf) -> Result<(Progress, Remark)> {
        remove_leftovers(&file);
        let bytes = match fs::read(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => {
                read.with_context(|| format!("cannot read {}", file.display()))?
            }
        };
        let (progress, broken) = Progress::parse(file, &bytes);
        let remark = (broken > 0).then(|| progress.put_aside(broken));
        Ok((progress, remark))
    }

    /// The progress that `text` tells, and how many of its lines are broken.
    fn parse(file: PathBuf, bytes: &[u8]) -> (Progress, usize) {
        let text = String::from_utf8_lossy(bytes);
        let mut progress = Progress {
            file,
            entries: BTreeMap::new(),
            foreign: Vec::new(),
            unsaved: Vec::new(),
        };
        let mut broken = 0;
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match line.split_whitespace().collect::<Vec<_>>().as_slice() {
                [id, _, _, ..] if !is_id(id) => broken += 1,
                [id, "passed", time] => progress.set(id, State::Passed, time),
                [id, "failed", time] => progress.set(id, State::Failed, time),
                [_, _, _, ..] => progress.foreign.push(line.to_owned()),
                _ => broken += 1,
            }
        }
        (progress, broken)
    }

    fn set(&mut self, id: &str, state: State, time: &str) {
        let time = time.to_owned();
        self.entries.insert(id.to_owned(), Entry { state, time });
    }

    /// Keeps a copy of the broken file and writes what could be read anew.
    fn put_aside(&self, broken: usize) -> String {
        let aside = (1..)
            .map(|n| self.file.with_file_name(format!("progress.txt.broken-{n}")))
            .find(|path| !path.exists())
            .unwrap_or_else(|| self.file.with_extension("broken"));
        let lines = match broken {
            1 => "a line makes no sense".to_owned(),
            n => format!("{n} lines make no sense"),
        };
        let kept = match fs::copy(&self.file, &aside).and_then(|_| self.write()) {
            Ok(()) => format!("It is kept as {}", aside.display()),
            Err(error) => format!("It stays as it is ({error})"),
        };
        format!(
            "{} is damaged: {lines}. {kept}; what could be read of it goes on, \
             {} exercises.",
            self.file.display(),
            self.entries.len()
        )
    }

    /// What is known of an exercise.
    pub fn get(&self, id: &str) -> Option<&Entry> {
        self.entries.get(id)
    }

    /// Whether the exercise's last check passed.
    pub fn has_passed(&self, id: &str) -> bool {
        self.get(id)
            .is_some_and(|entry| entry.state == State::Passed)
    }

    /// Notes how a check went, or with `None` that the exercise is as it was at
    /// first. An exercise that stays as it is keeps its time. It is on the disk after
    /// the next [`save`](Self::save).
    pub fn note(&mut self, id: &str, state: Option<State>) {
        if self.get(id).map(|entry| entry.state) == state {
            return;
        }
        match state {
            Some(state) => self.set(id, state, &clock::stamp(SystemTime::now())),
            None => drop(self.entries.remove(id)),
        }
        self.unsaved.push((id.to_owned(), self.get(id).cloned()));
    }

    /// Saves what was noted since the last time, to what the file holds now: another
    /// `learn` may have saved something meanwhile.
    pub fn save(&mut self) -> Result<()> {
        if self.unsaved.is_empty() {
            return Ok(());
        }
        let _lock = lock(&self.file);
        // What cannot be read may be worth more than what we would put in its place.
        let (mut kept, _) = Progress::load_file(self.file.clone())?;
        for (id, entry) in &self.unsaved {
            match entry {
                Some(entry) => drop(kept.entries.insert(id.clone(), entry.clone())),
                None => drop(kept.entries.remove(id)),
            }
        }
        kept.write()
            .with_context(|| format!("cannot save {}", kept.file.display()))?;
        *self = kept;
        Ok(())
    }

    fn write(&self) -> io::Result<()> {
        let mut text = HEAD.to_owned();
        for (id, entry) in &self.entries {
            text.push_str(&format!("{id} {} {}\n", entry.state.word(), entry.time));
        }
        for line in &self.foreign {
            text.push_str(&format!("{line}\n"));
        }
        replace(&self.file, text.as_bytes())
    }
}

/// Keeps other `learn`s from saving until it is dropped: what one has saved between
/// our reading and our writing would be lost. Where the file system has no locks,
/// that may happen.
fn lock(file: &Path) -> Option<File> {
    let dir = file.parent()?;
    fs::create_dir_all(dir).ok()?;
    let dir = File::open(dir).ok()?;
    flock(&dir, FlockOperation::LockExclusive).ok()?;
    Some(dir)
}

/// Whether `id` looks like an exercise's id, ours or one of a later course.
fn is_id(id: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    id.split_once('/')
        .is_some_and(|(topic, name)| part(topic) && part(name))
}

/// Replaces a file in one step; the old one or the new one is there at every moment.
pub fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir)?;
    // Two `learn` at once do not write into each other's new file.
    let new = new_file(file, process::id());
    let written = File::create(&new).and_then(|mut out| {
        out.write_all(bytes)?;
        out.sync_all()
    });
    if let Err(error) = written.and_then(|()| fs::rename(&new, file)) {
        let _ = fs::remove_file(&new);
        return Err(error);
    }
    // The new name is in the folder's own data; some file systems cannot sync it.
    let _ = File::open(dir).and_then(|dir| dir.sync_all());
    Ok(())
}

fn new_file(file: &Path, pid: u32) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!(".{name}.new-{pid}"))
}

/// Removes what a killed `learn` was writing when it died.
fn remove_leftovers(file: &Path) {
    let Some(dir) = file.parent().and_then(|dir| fs::read_dir(dir).ok()) else {
        return;
    };
    for entry in dir.flatten() {
        let is_new = entry.file_name().to_string_lossy().contains(".txt.new-");
        let age = entry.metadata().and_then(|meta| meta.modified());
        let age = age.ok().and_then(|time| time.elapsed().ok());
        // Another `learn` may be writing a young one at this moment.
        if is_new && age.is_some_and(|age| age > Duration::from_secs(60)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of its own for each test, removed at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let name = format!("learn-progress-{name}-{}", process::id());
            let path = std::env::temp_dir().join(name);
            fs::create_dir_all(path.join(".learn")).unwrap();
            Folder(path)
        }

        fn file(&self) -> PathBuf {
            self.0.join(".learn/progress.txt")
        }

        fn aside(&self) -> Vec<Vec<u8>> {
            let files = fs::read_dir(self.0.join(".learn")).unwrap().flatten();
            let broken = files
                .filter(|file| file.file_name().to_string_lossy().contains("broken"));
            broken.map(|file| fs::read(file.path()).unwrap()).collect()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn what_is_recorded_is_there_the_next_time() {
        let folder = Folder::new("recorded");
        let (mut progress, _) = Progress::load(&folder.0);
        progress.note("tcp/greeting", Some(State::Passed));
        progress.save().unwrap();
        progress.note("tcp/repair", Some(State::Failed));
        progress.save().unwrap();
        progress.note("tcp/peer-card", Some(State::Passed));
        progress.save().unwrap();
        progress.note("tcp/peer-card", None);
        progress.save().unwrap();
        let (again, remark) = Progress::load(&folder.0);
        assert_eq!(remark, None);
        assert!(again.has_passed("tcp/greeting"));
        assert_eq!(again.get("tcp/repair").unwrap().state, State::Failed);
        assert_eq!(again.get("tcp/peer-card"), None);
    }

    #[test]
    fn ids_and_states_of_a_later_course_are_kept() {
        let folder = Folder::new("later");
        let line = "quic/streams dreamt-of 2031-01-01T00:00:00Z twice";
        let id = "quic/zero-rtt passed 2031-01-01T00:00:00Z";
        fs::write(folder.file(), format!("{line}\n{id}\n")).unwrap();
        let (mut progress, remark) = Progress::load(&folder.0);
        assert_eq!(remark, None);
        progress.note("tcp/repair", Some(State::Failed));
        progress.save().unwrap();
        let text = fs::read_to_string(folder.file()).unwrap();
        assert!(text.contains(line) && text.contains(id), "{text}");
    }

    #[test]
    fn two_at_once_keep_each_others_progress() {
        let folder = Folder::new("two");
        let (mut one, _) = Progress::load(&folder.0);
        let (mut two, _) = Progress::load(&folder.0);
        one.note("tcp/greeting", Some(State::Passed));
        one.save().unwrap();
        two.note("tcp/repair", Some(State::Passed));
        two.save().unwrap();
        assert!(two.has_passed("tcp/greeting"));
    }

    #[test]
    fn many_that_save_at_the_same_moment_lose_nothing() {
        let folder = Folder::new("many");
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let root = &folder.0;
                scope.spawn(move || {
                    let (mut progress, _) = Progress::load(root);
                    for n in 0..10 {
                        let id = format!("tcp/e{thread}-{n}");
                        progress.note(&id, Some(State::Passed));
                        progress.save().unwrap();
                    }
                });
            }
        });
        let (progress, remark) = Progress::load(&folder.0);
        assert_eq!((progress.entries.len(), remark), (80, None));
    }

    #[test]
    fn the_time_is_that_of_the_change() {
        let folder = Folder::new("time");
        let line = "tcp/greeting passed 2000-01-01T00:00:00Z\n";
        fs::write(folder.file(), line).unwrap();
        let (mut progress, _) = Progress::load(&folder.0);
        progress.note("tcp/greeting", Some(State::Passed));
        progress.save().unwrap();
        assert_eq!(
            progress.get("tcp/greeting").unwrap().time,
            "2000-01-01T00:00:00Z"
        );
    }

    #[test]
    fn a_damaged_file_is_kept_aside_and_its_good_lines_go_on() {
        let folder = Folder::new("damaged");
        let damaged = b"tcp/greeting passed 2026-01-01T00:00:00Z\ntcp/rep\xFF\0\n";
        fs::write(folder.file(), damaged).unwrap();
        let (progress, remark) = Progress::load(&folder.0);
        assert!(progress.has_passed("tcp/greeting"));
        assert!(remark.unwrap().contains("progress.txt.broken-1"));
        assert_eq!(folder.aside(), [damaged]);
        assert_eq!(Progress::load(&folder.0).1, None, "said once");
    }

    #[test]
    fn any_bytes_load_and_none_are_lost() {
        const PIECES: [&[u8]; 8] = [
            b"tcp/a ", b"passed ", b"failed ", b"2026", b"\n", b"\xC3", b"\0", b"# ",
        ];
        for seed in 0..60 {
            let mut random = fastrand::Rng::with_seed(seed);
            let pieces = (0..random.usize(0..40)).map(|_| PIECES[random.usize(0..8)]);
            let bytes = pieces.collect::<Vec<_>>().concat();
            let folder = Folder::new("any");
            fs::write(folder.file(), &bytes).unwrap();
            let (progress, remark) = Progress::load(&folder.0);
            match remark {
                Some(_) => assert_eq!(folder.aside(), [bytes], "seed {seed}"),
                None => assert_eq!(fs::read(folder.file()).unwrap(), bytes),
            }
            let (again, remark) = Progress::load(&folder.0);
            assert_eq!(
                (again.entries, remark),
                (progress.entries, None),
                "seed {seed}"
            );
        }
    }

    /// Tells this test's second process, which is killed, from the first.
    const VICTIM: &str = "LEARN_TEST_VICTIM";

    #[test]
    fn a_kill_at_any_moment_leaves_a_whole_file() {
        if let Some(root) = std::env::var_os(VICTIM) {
            let (mut progress, _) = Progress::load(Path::new(&root));
            for turn in 0_u64.. {
                let id = format!("tcp/e{}", turn % 50);
                let state = if turn % 3 == 0 {
                    State::Failed
                } else {
                    State::Passed
                };
                progress.note(&id, Some(state));
                progress.save().unwrap();
            }
        }
        let folder = Folder::new("kill");
        let mut random = fastrand::Rng::with_seed(9);
        for turn in 0..20 {
            let _ = fs::remove_file(folder.file());
            let mut victim = process::Command::new(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "progress::tests::a_kill_at_any_moment_leaves_a_whole_file",
                ])
                .env(VICTIM, &folder.0)
                .stdout(process::Stdio::null())
                .spawn()
                .unwrap();
            while !folder.file().exists() && victim.try_wait().unwrap().is_none() {
                std::thread::yield_now();
            }
            // Shapes the input: at which moment of its writing it is killed.
            std::thread::sleep(Duration::from_micros(random.u64(0..20_000)));
            victim.kill().unwrap();
            victim.wait().unwrap();
            let (progress, remark) = Progress::load(&folder.0);
            assert_eq!(remark, None, "turn {turn}");
            assert!(!progress.entries.is_empty(), "turn {turn}");
        }
    }
}
