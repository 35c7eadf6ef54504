//! Builds the book anew when a file that goes into it has changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, SystemTime};

use tokio::sync::watch::Sender;

use crate::book::{self, Built, Project};
use crate::live::Live;
use crate::site::Site;

/// How often the files are looked at. A look is some hundred calls of `stat`: less
/// than a thousandth of a core, on any system and any file system.
const EVERY: Duration = Duration::from_millis(400);

/// Builds, and builds again after each change, for ever.
///
/// It holds `building` while it builds: a process that takes it before it ends leaves
/// no half-built book behind among the temporary files.
pub fn keep_built(project: &Project, live: &Sender<Live>, building: &Mutex<()>) -> ! {
    let mut included = BTreeSet::new();
    loop {
        let mut before = snapshot(project, &included);
        let built = {
            let _building = building.lock();
            book::build(project)
        };
        // A file that a broken chapter no longer names may be the one that mends it,
        // so none is ever dropped.
        included.extend(built.included.iter().cloned());
        publish(built, live);
        for (path, state) in snapshot(project, &included) {
            before.entry(path).or_insert(state);
        }
        wait_for_change(project, &included, &before);
    }
}

fn publish(built: Built, live: &Sender<Live>) {
    let Built {
        files, findings, ..
    } = built;
    for finding in &findings {
        eprintln!("{finding}");
    }
    if findings.is_empty() {
        let site = Site::new(files);
        live.send_modify(|live| live.show(site));
    } else {
        eprintln!("book-server: the book does not build; the last good one stays up");
        live.send_modify(|live| live.regret(findings));
    }
}

/// Returns when the files differ from `before` and have come to rest: an editor may
/// empty a file before it writes it, and a formatter may write it a second time.
fn wait_for_change(
    project: &Project,
    included: &BTreeSet<PathBuf>,
    before: &Snapshot,
) {
    let mut last = before.clone();
    loop {
        thread::sleep(EVERY);
        let now = snapshot(project, included);
        if now == last && now != *before {
            return;
        }
        last = now;
    }
}

/// When each file was changed, and its length; none for one that is not there.
type Snapshot = BTreeMap<PathBuf, Option<(SystemTime, u64)>>;

fn snapshot(project: &Project, included: &BTreeSet<PathBuf>) -> Snapshot {
    let mut seen = Snapshot::new();
    let book = project.book();
    for path in included.iter().cloned().chain([book.join("book.toml")]) {
        let state = state(&path);
        seen.insert(path, state);
    }
    for folder in ["src", "theme"] {
        walk(&book.join(folder), &mut seen);
    }
    seen
}

fn walk(folder: &Path, seen: &mut Snapshot) {
    // A folder that cannot be read shows in the next build; here it is just empty.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&path, seen),
            _ => {
                let state = state(&path);
                seen.insert(path, state);
            }
        }
    }
}

fn state(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
