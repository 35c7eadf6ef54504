//! One build: from the chapters to finished files, or to findings.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use checks::catalogue::{self, Exercise, Mistake};
use mdbook_driver::MDBook;
use mdbook_driver::config::Config;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

use crate::chapter::{self, Chapters};
use crate::finding::Finding;
use crate::links;

/// What a book is made from.
#[derive(Clone, Debug)]
pub struct Project {
    /// The project's root: the folder with `book`, `crates` and `exercises`.
    pub root: PathBuf,
    /// The exercises that a chapter may show.
    pub exercises: &'static [Exercise],
    /// The mistakes whose pages must exist.
    pub mistakes: &'static [Mistake],
}

impl Project {
    /// The course's project with this root.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Project {
            root: root.into(),
            exercises: catalogue::exercises(),
            mistakes: catalogue::mistakes(),
        }
    }

    /// The folder with `book.toml`.
    pub fn book(&self) -> PathBuf {
        self.root.join("book")
    }

    /// The folder with the chapters.
    pub fn src(&self) -> PathBuf {
        self.book().join("src")
    }
}

/// What came of a build.
#[derive(Debug, Default)]
pub struct Built {
    /// Every file of the book by its path, such as `01-tcp.html`.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What is wrong. A book with findings is not fit to be shown.
    pub findings: Vec<Finding>,
    /// The files outside the book's folder that went into it.
    pub included: BTreeSet<PathBuf>,
    /// How many exercise boxes it has.
    pub boxes: usize,
}

/// Builds the book in memory, with all checks.
///
/// It never fails: whatever goes wrong, in mdBook too, is a finding.
pub fn build(project: &Project) -> Built {
    let warnings = Warnings::default();
    let collected = warnings.clone();
    // mdBook asserts what it believes of a chapter's HTML; a chapter that proves it
    // wrong must not end the server that shows the book.
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
        tracing::subscriber::with_default(warnings, || render(project))
    }));
    let mut built = match outcome {
        Ok(Ok(built)) => built,
        Ok(Err(error)) => Built::broken(format!("{error:#}")),
        Err(panic) => Built::broken(format!("mdBook gave up: {}", message(&*panic))),
    };
    built.findings.extend(collected.take());
    built.findings.sort();
    built.findings.dedup();
    built
}

impl Built {
    fn broken(text: String) -> Self {
        Built {
            findings: vec![Finding::new("book", 0, text)],
            ..Built::default()
        }
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without words")
}

fn render(project: &Project) -> Result<Built> {
    let config = project.book().join("book.toml");
    let mut config = Config::from_disk(&config)
        .with_context(|| format!("cannot read {}", config.display()))?;
    let output = tempfile::Builder::new()
        .prefix("handshake-book-")
        .tempdir()
        .context("cannot make a temporary folder")?;
    config.build.build_dir = output.path().to_owned();
    config.build.create_missing = false; // a typing error would become a chapter
    let mut mdbook = MDBook::load_with_config(project.book(), config)?;

    let Chapters {
        findings,
        included,
        boxes,
        sources,
    } = chapter::prepare(project, &mut mdbook.book);
    let mut built = Built {
        files: BTreeMap::new(),
        findings,
        included,
        boxes: boxes.len(),
    };
    mdbook.build()?;
    read_files(output.path(), "", &mut built.files)
        .context("cannot read the book that was built")?;
    built
        .findings
        .extend(links::check(project, &built.files, &sources));
    Ok(built)
}

fn read_files(
    folder: &Path,
    prefix: &str,
    files: &mut BTreeMap<String, Vec<u8>>,
) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            read_files(&entry.path(), &format!("{path}/"), files)?;
        } else {
            files.insert(path, fs::read(entry.path())?);
        }
    }
    Ok(())
}

/// Collects what mdBook logs as a warning or worse: an HTML tag left open, a footnote
/// that nobody mentions. On its own it would print that and call the build a success.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<Finding>>>);

impl Warnings {
    fn take(&self) -> Vec<Finding> {
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *found)
    }
}

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // `chapter` tells of a broken include itself, with the line it stands on.
        *metadata.level() <= Level::WARN && !metadata.target().ends_with("::links")
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::from("mdBook warns: "));
        event.record(&mut text);
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        found.push(Finding::new("book/src", 0, text.0.replace('\n', " ")));
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 += &format!("{value:?}");
        }
    }
}
