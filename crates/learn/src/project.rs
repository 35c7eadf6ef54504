//! The course's folder and the exercises in it, and which of them a name means.

use std::env;
use std::fmt;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};
use checks::catalogue::{self, Exercise, Lesson};

/// A checkout of the course.
#[derive(Clone)]
pub struct Project {
    /// Its top folder, absolute.
    pub root: PathBuf,
    /// The exercises, in the order of the book.
    pub exercises: &'static [Exercise],
}

/// A mistake in the command line: told in a sentence, with exit code 2.
#[derive(Debug)]
pub struct Misuse(pub String);

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misuse {}

impl Project {
    /// Finds the course: the folder that was named, or else the one that we stand
    /// in, or else the one that this program was built in.
    pub fn find(named: Option<&Path>) -> Result<Project> {
        let root = match named {
            Some(root) => root.to_path_buf(),
            None => Self::look_for_root()?,
        };
        let root = root
            .canonicalize()
            .with_context(|| format!("cannot open the folder {}", root.display()))?;
        if !root.join("exercises").is_dir() {
            bail!("{} has no folder `exercises`", root.display());
        }
        Ok(Project {
            root,
            exercises: catalogue::exercises(),
        })
    }

    fn look_for_root() -> Result<PathBuf> {
        let here = env::current_dir().context("cannot tell the current folder")?;
        let built_in = Path::new(env!("CARGO_MANIFEST_DIR"));
        here.ancestors()
            .chain(built_in.ancestors())
            .find(|dir| {
                dir.join("exercises").is_dir() && dir.join("Cargo.toml").is_file()
            })
            .map(Path::to_path_buf)
            .context("this is not a folder of the course; try --root FOLDER")
    }

    /// A path below the root, absolute.
    pub fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.root.join(below)
    }

    /// The place of an exercise in the order.
    pub fn index_of(&self, exercise: &Exercise) -> usize {
        let place = self
            .exercises
            .iter()
            .position(|other| other.id == exercise.id);
        place.unwrap_or(0)
    }

    /// Whether the checkout has this exercise.
    pub fn has(&self, exercise: &Exercise) -> bool {
        self.path(exercise.dir()).is_dir()
    }

    /// The exercises that the checkout has.
    pub fn present(&self) -> Vec<&'static Exercise> {
        self.exercises
            .iter()
            .filter(|exercise| self.has(exercise))
            .collect()
    }

    /// The exercise that `name` means: an id (`tcp/greeting`), the part after the
    /// slash where only one exercise has it, a package (`ex-tcp-greeting`), or a path
    /// to its folder or a file in it, seen from `here`.
    pub fn exercise(
        &self,
        name: &str,
        here: &Path,
    ) -> Result<&'static Exercise, Misuse> {
        match self.named(name, here).as_slice() {
            [exercise] => Ok(exercise),
            [] => Err(self.unknown(name, "exercise")),
            several => {
                let ids: Vec<_> =
                    several.iter().map(|exercise| exercise.id).collect();
                let ids = ids.join(" or ");
                Err(Misuse(format!("which `{name}` do you mean, {ids}?")))
            }
        }
    }

    /// The exercises that `name` means: one, or all of a lesson, which may be named
    /// by its number, its topic (`tcp`), its stem (`01-tcp`) or its package
    /// (`lesson-1`).
    pub fn exercises_of(
        &self,
        name: &str,
        here: &Path,
    ) -> Result<Vec<&'static Exercise>, Misuse> {
        if let Some(lesson) = lesson(name) {
            let of_lesson = self.exercises.iter().filter(|ex| ex.stem == lesson.stem);
            return Ok(of_lesson.collect());
        }
        match self.exercise(name, here) {
            Err(_) if self.named(name, here).is_empty() => {
                Err(self.unknown(name, "exercise or lesson"))
            }
            found => found.map(|exercise| vec![exercise]),
        }
    }

    fn named(&self, name: &str, here: &Path) -> Vec<&'static Exercise> {
        let exact = |ex: &&Exercise| ex.id == name || ex.package() == name;
        if let Some(exercise) = self.exercises.iter().find(exact) {
            return vec![exercise];
        }
        if let Some(exercise) = self.at_path(&here.join(name)) {
            return vec![exercise];
        }
        let by_name = self.exercises.iter().filter(|ex| ex.name() == name);
        by_name.collect()
    }

    fn at_path(&self, path: &Path) -> Option<&'static Exercise> {
        let there = path.canonicalize();
        // In the folder of an exercise, the name of another one is no path of this.
        let may_be_file = there.is_ok() || path.extension().is_some();
        let path = there.unwrap_or_else(|_| without_dots(path));
        let below = path.strip_prefix(&self.root).ok()?;
        self.exercises.iter().find(|exercise| {
            let dir = exercise.dir();
            below == dir || may_be_file && below.starts_with(dir)
        })
    }

    fn unknown(&self, name: &str, what: &str) -> Misuse {
        let advice = match catalogue::nearest(name) {
            Some(exercise) => format!("did you mean `{}`?", exercise.id),
            None => "`cargo learn list` shows them all".to_owned(),
        };
        Misuse(format!("there is no {what} `{name}`; {advice}"))
    }
}

/// The lesson of that number, topic, stem or package.
fn lesson(name: &str) -> Option<&'static Lesson> {
    catalogue::lessons().iter().find(|lesson| {
        let topic = lesson.stem.split_once('-').map_or("", |(_, topic)| topic);
        let number = name.strip_prefix("lesson-").unwrap_or(name);
        number.parse() == Ok(lesson.number) || name == lesson.stem || name == topic
    })
}

/// `a/./b/../c` as `a/c`, for a path that need not exist.
fn without_dots(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(clean.pop()),
            part => clean.push(part),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> Project {
        Project {
            root: PathBuf::from("/course"),
            exercises: catalogue::exercises(),
        }
    }

    fn id_of(name: &str) -> Result<&'static str, String> {
        let found = project().exercise(name, Path::new("/course/exercises"));
        found.map(|exercise| exercise.id).map_err(|misuse| misuse.0)
    }

    #[test]
    fn an_exercise_has_many_names() {
        for name in [
            "tcp/greeting",
            "ex-tcp-greeting",
            "greeting",
            "01-tcp/greeting",
            "./01-tcp/greeting/src/lib.rs",
            "../solutions/../exercises/01-tcp/greeting",
            "/course/exercises/01-tcp/greeting/Cargo.toml",
        ] {
            assert_eq!(id_of(name), Ok("tcp/greeting"), "{name}");
        }
    }

    #[test]
    fn a_name_means_the_same_in_the_folder_of_an_exercise() {
        for folder in ["", "src"] {
            let here = Path::new("/course/exercises/01-tcp/greeting").join(folder);
            let of =
                |name| project().exercise(name, &here).map(|exercise| exercise.id);
            assert_eq!(of("words").unwrap(), "bytes/words");
            assert_eq!(of("bytes/words").unwrap(), "bytes/words");
            assert!(of("bytes/wrods").is_err());
            assert_eq!(of("lib.rs").unwrap(), "tcp/greeting");
        }
        let here = Path::new("/course/exercises/01-tcp/greeting");
        let greeting = project().exercise(".", here).unwrap();
        assert_eq!(greeting.id, "tcp/greeting");
    }

    #[test]
    fn a_lesson_has_many_names_and_stands_for_its_exercises() {
        for name in ["1", "tcp", "01-tcp", "lesson-1"] {
            let found = project().exercises_of(name, Path::new("/")).unwrap();
            assert!(
                found.iter().all(|exercise| exercise.stem == "01-tcp"),
                "{name}"
            );
            assert!(found.len() > 1, "{name}");
        }
    }

    #[test]
    fn an_unknown_name_gets_the_nearest_one() {
        let said = id_of("tcp/greting").unwrap_err();
        assert!(said.contains("did you mean `tcp/greeting`?"), "{said}");
    }

    #[test]
    fn a_name_far_from_all_gets_the_list() {
        let said = id_of("xyzzyxyzzyxyzzy").unwrap_err();
        assert!(said.contains("cargo learn list"), "{said}");
    }

    #[test]
    fn the_root_itself_is_no_exercise() {
        assert!(id_of("..").is_err());
        assert!(id_of("").is_err());
    }
}
