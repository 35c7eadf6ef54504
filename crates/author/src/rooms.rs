//! Whether the four rooms of each lesson agree: crate, exercises, solutions, chapter.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use checks::catalogue::{Exercise, Lesson, exercises, lessons, mistakes};

use crate::Finding;

/// Everything that does not agree.
pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for lesson in lessons() {
        check_lesson(root, lesson, &mut findings);
    }
    for exercise in exercises() {
        check_exercise(root, exercise, &mut findings);
    }
    for room in ["exercises", "solutions"] {
        find_strays(root, room, &mut findings)?;
    }
    check_pages(root, &mut findings);
    Ok(findings)
}

fn check_lesson(root: &Path, lesson: &Lesson, findings: &mut Vec<Finding>) {
    let package = format!("name = \"lesson-{}\"", lesson.number);
    let manifest = ["crates", lesson.stem, "Cargo.toml"]
        .iter()
        .collect::<PathBuf>();
    must_contain(root, &manifest, &package, findings);
    let summary = PathBuf::from("book/src/SUMMARY.md");
    must_contain(root, &summary, &format!("({}.md)", lesson.stem), findings);
}

fn check_exercise(root: &Path, exercise: &Exercise, findings: &mut Vec<Finding>) {
    let manifest = exercise.dir().join("Cargo.toml");
    let name = format!("name = \"{}\"", exercise.package());
    must_contain(root, &manifest, &name, findings);
    // Without it cargo looks for the file before it starts anything, `cargo learn reset`
    // too, which would bring it back.
    must_contain(root, &manifest, "path = \"src/lib.rs\"", findings);
    let hints = exercise.dir().join("hints.md");
    for level in ["## 1", "## 2", "## 3"] {
        must_contain(root, &hints, level, findings);
    }
    let lib = ["solutions", exercise.stem, "src", "lib.rs"]
        .iter()
        .collect::<PathBuf>();
    must_contain(root, &lib, &format!("\"{}\"", exercise.id), findings);
    let chapter = PathBuf::from(format!("book/src/{}.md", exercise.stem));
    let place = format!("{{{{exercise {}}}}}", exercise.id);
    must_contain(root, &chapter, &place, findings);
}

fn must_contain(root: &Path, file: &Path, text: &str, findings: &mut Vec<Finding>) {
    match fs::read_to_string(root.join(file)) {
        Ok(content) if content.contains(text) => {}
        Ok(_) => findings.push(Finding::new(file, format!("lacks `{text}`"))),
        Err(error) => {
            findings.push(Finding::new(file, format!("cannot be read: {error}")))
        }
    }
}

/// Folders of exercises or solutions that the catalogue does not know.
fn find_strays(root: &Path, room: &str, findings: &mut Vec<Finding>) -> Result<()> {
    for lesson in folders(&root.join(room))? {
        let stem = name_of(&lesson);
        let place = Path::new(room).join(&stem);
        if !lessons().iter().any(|known| known.stem == stem) {
            findings
                .push(Finding::new(place, "belongs to no lesson of the catalogue"));
        } else if room == "exercises" {
            for exercise in folders(&lesson)? {
                let dir = place.join(name_of(&exercise));
                if !exercises().iter().any(|known| known.dir() == dir) {
                    findings.push(Finding::new(dir, "is not in the catalogue"));
                }
            }
        }
    }
    Ok(())
}

fn folders(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir)
        .with_context(|| format!("cannot list {}", dir.display()))?;
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    Ok(paths.filter(|path| path.is_dir()).collect())
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Whether every page that a verdict sends the learner to has its heading.
fn check_pages(root: &Path, findings: &mut Vec<Finding>) {
    for mistake in mistakes() {
        let Some((page, anchor)) = mistake.page.split_once(".html#") else {
            let what =
                format!("{} has no page#heading: {}", mistake.id, mistake.page);
            findings.push(Finding::new("crates/checks/src/catalogue.rs", what));
            continue;
        };
        let chapter = PathBuf::from(format!("book/src/{page}.md"));
        let text = fs::read_to_string(root.join(&chapter)).unwrap_or_default();
        if !text
            .lines()
            .any(|line| heading_id(line).as_deref() == Some(anchor))
        {
            let what = format!("has no heading for {}: #{anchor}", mistake.id);
            findings.push(Finding::new(chapter, what));
        }
    }
}

/// The id that mdBook gives to a heading: lower case, spaces to hyphens, letters,
/// digits, hyphens and underscores kept; or the one written behind it, `{#id}`.
fn heading_id(line: &str) -> Option<String> {
    let text = line.trim_start_matches('#');
    if text.len() == line.len() || !text.starts_with(' ') {
        return None;
    }
    if let Some((_, id)) = text.rsplit_once("{#") {
        return Some(id.trim_end().trim_end_matches('}').to_string());
    }
    let text = text.trim().to_lowercase();
    let kept = text.chars().filter_map(|c| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
        _ => None,
    });
    Some(kept.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_has_the_id_that_the_book_gives_it() {
        let id = |line| heading_id(line).unwrap();
        assert_eq!(
            id("## One read is not one message"),
            "one-read-is-not-one-message"
        );
        assert_eq!(id("### One caller's error"), "one-callers-error");
        assert_eq!(id("## `Drop` closes the socket"), "drop-closes-the-socket");
        assert_eq!(id("## Named {#by-hand}"), "by-hand");
        assert_eq!(heading_id("no heading"), None);
        assert_eq!(heading_id("#![no_heading]"), None);
    }
}
