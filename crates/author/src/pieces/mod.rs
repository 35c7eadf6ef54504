//! The generated pieces of the book: what a command writes, and nobody by hand.
//!
//! [`lists`] has them, by lesson; each line says how a piece is made. Everything that a
//! run does by chance is taken out of it, so that two runs give the same bytes and
//! `--check` can compare them.

mod browser;
mod classes;
mod cost;
mod datagrams;
mod deadlock;
mod demo;
mod difference;
mod forked;
mod lane;
mod layers;
mod lists;
mod passed;
mod picture;
mod ribbon;
mod screenshot;
mod shop;
pub mod std_calls;
mod steps;
mod story;
mod strace;
mod tables;
mod terminal;
mod threads;
mod tracer;
mod transcript;
mod verdict;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::Finding;
use difference::Difference;
use lane::Lane;
use lists::ONE_READ;
use terminal::Screen;
use transcript::Transcript;
use verdict::Shown;

pub use screenshot::take as take_screenshots;
pub use shop::Workshop;

/// Where the files are that chapters include.
const GENERATED: &str = "book/src/generated";

/// A file that a piece consists of.
pub struct File {
    /// Where it belongs, below the project's root.
    path: PathBuf,
    content: String,
}

impl File {
    /// A file that chapters include.
    fn generated(name: &str, content: String) -> Self {
        let path = Path::new(GENERATED).join(name);
        Self { path, content }
    }

    /// A file that the README shows.
    fn doc(name: &str, content: String) -> Self {
        let path = Path::new("book").join("pictures").join(name);
        Self { path, content }
    }
}

/// A piece: its name, which is that of its files, and how it is made.
struct Piece {
    name: &'static str,
    how: How,
}

const fn piece(name: &'static str, how: How) -> Piece {
    Piece { name, how }
}

enum How {
    /// The system calls of a client and a server.
    Lane(Lane),
    /// What a check says of a wrong answer.
    Verdict(Shown),
    /// The same in a terminal's window.
    Screen(Screen),
    /// What a lesson's program prints.
    Transcript(Transcript),
    /// From one step of a program to the next.
    Difference(Difference),
    /// What a lesson's demonstration prints, in its `demo.txt`.
    Demo(&'static str),
    /// Anything else.
    Own(fn(&str, &Workshop) -> Result<Vec<File>>),
}

/// The names of all pieces.
pub fn names() -> impl Iterator<Item = &'static str> {
    lists::all().map(|piece| piece.name)
}

/// Makes the pieces of these names, or all of them, and writes what is new.
pub fn write(root: &Path, names: &[&str]) -> Result<()> {
    let shop = Workshop::open(root)?;
    for piece in chosen(names) {
        if let How::Demo(lesson) = piece.how {
            demo::write(lesson, &shop)?;
        }
        for file in piece.make(&shop)? {
            let path = root.join(&file.path);
            if is_there(root, &file) {
                continue;
            }
            let folder = path.parent().unwrap_or(root);
            fs::create_dir_all(folder)
                .and_then(|()| fs::write(&path, &file.content))
                .with_context(|| format!("cannot write {}", path.display()))?;
            println!("{}", file.path.display());
        }
    }
    Ok(())
}

/// The files of the pieces of these names, or of all of them, that are not what would
/// be written; and, if it is all of them, the files that nothing would write.
pub fn differing(root: &Path, names: &[&str]) -> Result<Vec<Finding>> {
    let shop = Workshop::open(root)?;
    let mut findings = Vec::new();
    let mut known = BTreeSet::new();
    for piece in chosen(names) {
        if let How::Demo(lesson) = piece.how {
            findings.extend(demo::differing(lesson, &shop)?);
        }
        for file in piece.make(&shop)? {
            if !is_there(root, &file) {
                let what =
                    format!("is not what `cargo author pieces {}` makes", piece.name);
                findings.push(Finding::new(&file.path, what));
            }
            known.insert(file.path);
        }
    }
    if names.is_empty() {
        findings.extend(strays(root, &known)?);
    }
    Ok(findings)
}

fn chosen<'a>(names: &'a [&str]) -> impl Iterator<Item = &'static Piece> + 'a {
    let all = names.is_empty();
    lists::all().filter(move |piece| all || names.contains(&piece.name))
}

impl Piece {
    fn make(&self, shop: &Workshop) -> Result<Vec<File>> {
        let Piece { name, how } = self;
        let files = match how {
            How::Lane(lane) => lane.make(name, shop),
            How::Verdict(shown) => shown.make(name, shop),
            How::Screen(screen) => screen.make(name, shop),
            How::Transcript(transcript) => transcript.make(name, shop),
            How::Difference(difference) => difference.make(name, shop),
            How::Demo(_) => Ok(Vec::new()), // its test writes it
            How::Own(make) => make(name, shop),
        };
        files.with_context(|| format!("cannot make {name}"))
    }
}

fn is_there(root: &Path, file: &File) -> bool {
    fs::read(root.join(&file.path))
        .is_ok_and(|there| there == file.content.as_bytes())
}

/// Files among the generated ones that no piece consists of.
fn strays(root: &Path, known: &BTreeSet<PathBuf>) -> Result<Vec<Finding>> {
    let folder = root.join(GENERATED);
    let entries = fs::read_dir(&folder)
        .with_context(|| format!("cannot list {}", folder.display()))?;
    let paths = entries
        .filter_map(Result::ok)
        .map(|entry| Path::new(GENERATED).join(entry.file_name()));
    let mut strays: Vec<PathBuf> =
        paths.filter(|path| !known.contains(path)).collect();
    strays.sort();
    let finding = |path| Finding::new(path, "is made by no piece");
    Ok(strays.into_iter().map(finding).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_has_a_name_of_its_own() {
        let distinct: BTreeSet<&str> = names().collect();
        assert_eq!(distinct.len(), names().count());
    }
}
