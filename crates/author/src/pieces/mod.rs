//! The generated pieces of the book: what a command writes, and nobody by hand.
//!
//! [`PIECES`] is the list of them. A lesson adds its lines there; each says how a
//! piece is made. Everything that a run does by chance is taken out of it, so that
//! two runs give the same bytes and `--check` can compare them.

mod browser;
mod deadlock;
mod demo;
mod lane;
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
mod tracer;
mod transcript;
mod verdict;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::Finding;
use lane::Lane;
use shop::Workshop;
use terminal::Screen;
use transcript::Transcript;
use verdict::Shown;

pub use screenshot::take as take_screenshots;

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
    /// What a lesson's demonstration prints, in its `demo.txt`.
    Demo(&'static str),
    /// Anything else.
    Own(fn(&str, &Workshop) -> Result<Vec<File>>),
}

const ONE_READ: Shown = Shown {
    answer: "one read one message",
    mistake: "M1",
    port: 8009,
};

const PIECES: &[Piece] = &[
    piece("01-tcp-demo", How::Demo("lesson-1")),
    piece(
        "01-tcp-greeting-lane",
        How::Lane(Lane {
            title: "The system calls of a greeting",
            lesson: "lesson-1",
            program: "greeting",
            port: 8088,
            lines: &[],
            hold: None,
        }),
    ),
    piece(
        "01-tcp-timestamps-lane",
        How::Lane(Lane {
            title: "The system calls of two lines that come back with the time",
            lesson: "lesson-1",
            program: "timestamps",
            port: 8009,
            lines: &["good morning", "and now?"],
            hold: None,
        }),
    ),
    piece(
        "01-tcp-order",
        How::Transcript(Transcript {
            lesson: "lesson-1",
            args: &["order"],
            server: Some(("remote ", 8009)),
        }),
    ),
    piece(
        "01-tcp-backlog",
        How::Transcript(Transcript {
            lesson: "lesson-1",
            args: &["backlog"],
            server: None,
        }),
    ),
    piece(
        "01-tcp-one-client-kills",
        How::Transcript(Transcript {
            lesson: "lesson-1",
            args: &["broken", "one-client-kills"],
            server: None,
        }),
    ),
    piece("01-tcp-one-read", How::Verdict(ONE_READ)),
    piece(
        "01-tcp-rest-dropped",
        How::Verdict(Shown {
            answer: "drops the rest of the buffer",
            mistake: "M2",
            port: 8009,
        }),
    ),
    piece(
        "01-tcp-no-end",
        How::Verdict(Shown {
            answer: "no test for the end",
            mistake: "M5",
            port: 8009,
        }),
    ),
    piece(
        "01-tcp-early-close",
        How::Verdict(Shown {
            answer: "closes after the first line",
            mistake: "M12",
            port: 8009,
        }),
    ),
    piece("02-bytes-demo", How::Demo("lesson-2")),
    piece(
        "02-bytes-words-lane",
        How::Lane(Lane {
            title: "The system calls of eight words: eight writes, and one read of a \
                    client that was held up meanwhile",
            lesson: "lesson-2",
            program: "words",
            port: 9990,
            lines: &[],
            hold: Some("setsockopt"),
        }),
    ),
    piece("02-bytes-ribbon", How::Own(ribbon::make)),
    piece(
        "02-bytes-seams",
        How::Transcript(Transcript {
            lesson: "lesson-2",
            args: &["seams"],
            server: None,
        }),
    ),
    piece(
        "02-bytes-one-read",
        How::Transcript(Transcript {
            lesson: "lesson-2",
            args: &["broken", "one-read"],
            server: None,
        }),
    ),
    piece(
        "02-bytes-utf8",
        How::Transcript(Transcript {
            lesson: "lesson-2",
            args: &["broken", "utf8"],
            server: None,
        }),
    ),
    piece(
        "02-bytes-upload",
        How::Verdict(Shown {
            answer: "upload: writes first",
            mistake: "M28",
            port: 9000,
        }),
    ),
    piece("02-bytes-deadlock", How::Own(deadlock::make)),
    piece("std-calls", How::Own(std_calls::make)),
    piece("symptoms", How::Own(tables::symptoms)),
    piece("exercises", How::Own(tables::exercises_by_lesson)),
    piece(
        "verdict",
        How::Screen(Screen {
            title: "cargo learn check tcp/timestamps",
            verdict: ONE_READ,
        }),
    ),
];

/// The names of all pieces.
pub fn names() -> impl Iterator<Item = &'static str> {
    PIECES.iter().map(|piece| piece.name)
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
    PIECES
        .iter()
        .filter(move |piece| all || names.contains(&piece.name))
}

impl Piece {
    fn make(&self, shop: &Workshop) -> Result<Vec<File>> {
        let Piece { name, how } = self;
        let files = match how {
            How::Lane(lane) => lane.make(name, shop),
            How::Verdict(shown) => shown.make(name, shop),
            How::Screen(screen) => screen.make(name, shop),
            How::Transcript(transcript) => transcript.make(name, shop),
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
        assert_eq!(distinct.len(), PIECES.len());
    }
}
