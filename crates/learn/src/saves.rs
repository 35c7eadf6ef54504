//! Notices saves by looking at the files' times and sizes again and again.
//!
//! The kernel could tell us (inotify), but its events do not arrive from a network
//! folder, from Windows' side of WSL, or from outside a container; there a learner
//! would save and nothing would happen. A look takes microseconds and always works.
//! The exercise at hand and the one saved last are looked at every 5 ms, the others
//! ten times a second.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::project::Project;

/// How often the exercise at hand is looked at: too short to be felt in a save.
const PAUSE: Duration = Duration::from_millis(5);

/// The pause where a look itself takes long.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// How many looks at the exercise at hand there are for one at all others.
const SWEEP: usize = 20;

/// A program that replaces more files than this at once is not somebody's editor.
const BY_HAND: usize = 2;

/// How deep below `src` modules are looked for.
const DEPTH: usize = 3;

/// What distinguishes a file from what it was: modification time, size, inode.
pub type Stamp = (i64, i64, u64, u64);

/// One exercise's files; nothing while its `lib.rs` is missing, as it is for a moment
/// while some editors save.
pub type Stamps = Option<Vec<Stamp>>;

/// Watches all exercises for ever. `current` is the place of the one at hand; `saved`
/// is told the place of an exercise that was saved, until it returns false.
pub fn watch(
    project: &Project,
    current: &Arc<AtomicUsize>,
    saved: impl Fn(usize) -> bool,
) {
    let look = |place: usize| {
        let exercise = project.exercises.get(place)?;
        stamps(&project.path(exercise.dir()))
    };
    let mut seen: Vec<Stamps> = (0..project.exercises.len()).map(look).collect();
    let mut last = None;
    for turn in (0..SWEEP).cycle() {
        let began = Instant::now();
        let at_hand = current.load(Ordering::Relaxed);
        let places: Vec<usize> = match turn {
            0 => (0..seen.len()).collect(),
            _ => last.into_iter().chain([at_hand]).collect(),
        };
        let changed = places.into_iter().filter(|&place| {
            let now = look(place);
            let differs = seen.get(place).is_some_and(|old| *old != now);
            let is_there = now.is_some();
            if differs {
                // That it is gone is remembered, too: back again it is news.
                seen[place] = now;
            }
            differs && is_there
        });
        let changed: Vec<usize> = changed.collect();
        if let Some(place) = chosen(&changed, at_hand) {
            // After a pass another one is at hand, while this may still be open.
            last = Some(place);
            if !saved(place) {
                return;
            }
        }
        // A folder so slow that a look takes long is not looked at all the time.
        thread::sleep((began.elapsed() * 4).clamp(PAUSE, LONGEST_PAUSE));
    }
}

/// Which exercise somebody has saved, if these have changed: the one at hand if it is
/// among them, or else the one that was. A `git pull` changes many; nobody saved
/// them.
fn chosen(changed: &[usize], at_hand: usize) -> Option<usize> {
    if changed.contains(&at_hand) {
        return Some(at_hand);
    }
    (changed.len() <= BY_HAND).then(|| changed.first().copied())?
}

/// The stamps of an exercise's manifest and of its sources.
pub fn stamps(dir: &Path) -> Stamps {
    let src = dir.join("src");
    stamp(&src.join("lib.rs"))?;
    let mut found = vec![stamp(&dir.join("Cargo.toml")).unwrap_or_default()];
    found.extend(sources_below(&src).iter().filter_map(|path| stamp(path)));
    found.sort_unstable(); // a folder has no order
    Some(found)
}

/// The Rust files in a folder and in the folders below it.
pub fn sources_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    add_sources(dir, DEPTH, &mut found);
    found
}

fn add_sources(dir: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let kind = entry.file_type();
        if hidden {
            // editors keep their swap and lock files beside the source
        } else if kind.is_ok_and(|kind| kind.is_dir()) {
            if depth > 0 {
                add_sources(&path, depth - 1, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// A file's stamp; nothing where it is not to be seen.
pub fn stamp(path: &Path) -> Option<Stamp> {
    let file = fs::metadata(path).ok()?;
    Some((file.mtime(), file.mtime_nsec(), file.size(), file.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_save_of_another_exercise_is_a_wish_to_go_there() {
        assert_eq!(chosen(&[], 3), None);
        assert_eq!(chosen(&[5], 3), Some(5));
        assert_eq!(chosen(&[1, 3, 5], 3), Some(3));
        assert_eq!(chosen(&[0, 1, 2, 4], 3), None, "a pull, not a save");
    }

    #[test]
    fn a_save_changes_the_stamps_and_an_editors_own_files_do_not() {
        let dir =
            std::env::temp_dir().join(format!("learn-saves-{}", std::process::id()));
        let src = dir.join("src");
        fs::create_dir_all(src.join("deep")).unwrap();
        assert_eq!(stamps(&dir), None, "no lib.rs yet");
        fs::write(src.join("lib.rs"), "a").unwrap();
        let first = stamps(&dir);
        assert!(first.is_some());
        fs::write(src.join(".lib.rs.swp"), "x").unwrap();
        fs::write(src.join("lib.rs~"), "x").unwrap();
        fs::write(src.join("4913"), "x").unwrap();
        assert_eq!(stamps(&dir), first);
        fs::write(src.join("lib.rs"), "ab").unwrap();
        let second = stamps(&dir);
        assert_ne!(second, first);
        fs::write(src.join("deep/frame.rs"), "").unwrap();
        assert_ne!(stamps(&dir), second);
        fs::remove_dir_all(&dir).unwrap();
    }
}
