//! A chapter's text: its directives become HTML, its rules are checked.
//!
//! A directive stands on a line of its own, outside every code block:
//!
//! - `{{exercise tcp/greeting}}`: the box of that exercise; what to do is taken from
//!   the head of its solution, which is the head of its stub;
//! - `{{svg generated/split.svg}}`: the picture itself, not a link to it, so that it
//!   follows the page's theme; the path is seen from the chapter;
//! - `{{progress}}`: how many exercises of each chapter are passed, on live pages.
//!
//! The rules: every code block names its language; a Rust block is either a doctest
//! that its lesson's crate runs, or (`rust,ignore`) one piece of code, included by its
//! anchor, that is compiled where it lives; what is included is there. mdBook itself
//! passes over a missing file or anchor with a message that nobody reads.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use checks::catalogue::Exercise;
use mdbook_driver::book::{Book, Chapter};
use mdbook_markdown::pulldown_cmark::{CodeBlockKind, Event, Tag, TagEnd};
use mdbook_markdown::{MarkdownOptions, new_cmark_parser};

use crate::book::Project;
use crate::boxes;
use crate::finding::Finding;
use crate::orders::{Order, check_anchor, orders};

/// What was learnt from all the chapters.
#[derive(Debug, Default)]
pub struct Chapters {
    /// What is wrong with them.
    pub findings: Vec<Finding>,
    /// The files that they include.
    pub included: BTreeSet<PathBuf>,
    /// The exercises that have a box, and where.
    pub boxes: BTreeMap<&'static str, String>,
    /// Each page's chapter: its file from the project's root, and its text.
    pub sources: BTreeMap<String, (String, String)>,
}

/// Replaces the directives in every chapter and checks them all.
pub fn prepare(project: &Project, book: &mut Book) -> Chapters {
    let mut chapters = Chapters::default();
    book.for_each_chapter_mut(|chapter| {
        let Some(path) = chapter.source_path.clone() else {
            return;
        };
        let file = format!("book/src/{}", slashes(&path));
        let folder = project.src().join(path.parent().unwrap_or(Path::new("")));
        let reader = Reader {
            project,
            file: &file,
            stem: stem(chapter),
            folder: &folder,
            text: &chapter.content,
            blocks: code_blocks(&chapter.content),
        };
        let expanded = reader.read(&mut chapters);
        let page = slashes(&path.with_extension("html"));
        let original = std::mem::replace(&mut chapter.content, expanded);
        chapters.sources.insert(page, (file, original));
    });
    chapters
}

fn stem(chapter: &Chapter) -> String {
    let path = chapter.source_path.as_deref().and_then(Path::file_stem);
    path.map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
}

fn slashes(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

/// A code block: where it stands, its info string (none when it is indented), what
/// it holds.
struct Block {
    range: Range<usize>,
    info: Option<String>,
    body: String,
}

fn code_blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut inside = false;
    let options = MarkdownOptions::default();
    for (event, range) in new_cmark_parser(text, &options).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                let info = match kind {
                    CodeBlockKind::Fenced(info) => Some(info.to_string()),
                    CodeBlockKind::Indented => None,
                };
                let body = String::new();
                blocks.push(Block { range, info, body });
                inside = true;
            }
            Event::End(TagEnd::CodeBlock) => inside = false,
            Event::Text(text) if inside => {
                if let Some(block) = blocks.last_mut() {
                    block.body += &text;
                }
            }
            _ => {}
        }
    }
    blocks
}

/// Words that make rustdoc take a block for Rust that does not say so.
const RUSTDOC_WORDS: [&str; 7] = [
    "ignore",
    "no_run",
    "should_panic",
    "compile_fail",
    "test_harness",
    "standalone_crate",
    "rs",
];

struct Reader<'a> {
    project: &'a Project,
    /// From the project's root.
    file: &'a str,
    /// The chapter's name without its extension.
    stem: String,
    /// Where its paths are seen from.
    folder: &'a Path,
    text: &'a str,
    blocks: Vec<Block>,
}

impl Reader<'_> {
    /// Checks the text and returns it with its directives replaced.
    fn read(&self, chapters: &mut Chapters) -> String {
        for block in &self.blocks {
            self.check_block(block, chapters);
        }
        for order in orders(self.text) {
            self.check_order(&order, chapters);
        }
        self.expand(chapters)
    }

    fn line(&self, at: usize) -> usize {
        self.text[..at].matches('\n').count() + 1
    }

    fn report(&self, chapters: &mut Chapters, at: usize, text: impl Into<String>) {
        let finding = Finding::new(self.file, self.line(at), text);
        chapters.findings.push(finding);
    }

    fn in_code(&self, at: usize) -> bool {
        self.blocks.iter().any(|block| block.range.contains(&at))
    }

    fn check_block(&self, block: &Block, chapters: &mut Chapters) {
        let at = block.range.start;
        let words: Vec<&str> = block
            .info
            .iter()
            .flat_map(|info| info.split([' ', '\t', ',']))
            .filter(|word| !word.is_empty())
            .collect();
        let problem = match words.first() {
            None if block.info.is_none() => {
                "an indented code block; put a fence with a language around it".into()
            }
            None => {
                "a code block without a language: console, text, rust, ...".into()
            }
            Some(&"rust") => match self.check_rust(&words[1..], &block.body) {
                Ok(()) => return,
                Err(problem) => problem,
            },
            Some(word)
                if RUSTDOC_WORDS.contains(word) || word.starts_with("edition") =>
            {
                format!("a code block of the language `{word}`; is it `rust`?")
            }
            Some(_) => return,
        };
        self.report(chapters, at, problem);
    }

    fn check_rust(&self, attributes: &[&str], body: &str) -> Result<(), String> {
        let ignored = attributes.iter().any(|word| word.starts_with("ignore"));
        let orders = orders(body);
        if !ignored {
            if !orders.is_empty() {
                return Err("an included block is not a doctest; \
                            mark it `rust,ignore`"
                    .into());
            }
            return self.check_doctest();
        }
        let [order] = orders.as_slice() else {
            return Err("nothing compiles this Rust block: include code by its \
                        anchor, or make it a doctest (`rust`)"
                .into());
        };
        let (path, spec) = order.target();
        if order.word != "include" || order.text != body.trim() {
            return Err("a `rust,ignore` block holds one include and no more".into());
        }
        if spec.is_empty() {
            return Err(format!("include a piece of {path} by its anchor"));
        }
        let target = normal(&self.folder.join(path));
        let inside = target.strip_prefix(normal(&self.project.root));
        let compiled = ["crates", "exercises", "solutions"];
        match inside.ok().and_then(|path| path.iter().next()) {
            Some(top) if compiled.iter().any(|name| top == *name) => Ok(()),
            _ => Err(format!("nothing compiles {path}: it is in no crate")),
        }
    }

    /// A doctest runs if the lesson's crate takes the chapter as documentation.
    fn check_doctest(&self) -> Result<(), String> {
        let library = format!("crates/{}/src/lib.rs", self.stem);
        let code = fs::read_to_string(self.project.root.join(&library));
        let wanted = format!("include_str!(\"../../../{}\")", self.file);
        if code.is_ok_and(|code| code.contains(&wanted)) {
            return Ok(());
        }
        Err(format!(
            "nothing compiles this Rust block: {library} does not run this chapter's \
             doctests (`#[doc = {wanted}]`)"
        ))
    }

    fn check_order(&self, order: &Order<'_>, chapters: &mut Chapters) {
        let problem = match order.word {
            "title" => return,
            "include" => match self.check_include(order, chapters) {
                Ok(()) => return,
                Err(problem) => problem,
            },
            other => {
                format!("`#{other}`: only `#include` and `#title` are known here")
            }
        };
        self.report(chapters, order.at, problem);
    }

    fn check_include(
        &self,
        order: &Order<'_>,
        chapters: &mut Chapters,
    ) -> Result<(), String> {
        let (path, spec) = order.target();
        let target = normal(&self.folder.join(path));
        chapters.included.insert(target.clone());
        let text = fs::read_to_string(&target)
            .map_err(|error| format!("cannot include {path}: {error}"))?;
        if spec.starts_with(|c: char| c == ':' || c.is_ascii_digit()) {
            return Err(format!(
                "include a piece of {path} by its anchor, not by lines"
            ));
        }
        if !spec.is_empty() {
            check_anchor(&text, spec).map_err(|problem| {
                format!("{path}: the anchor `{spec}` {problem}")
            })?;
        }
        if !orders(&text).is_empty() {
            return Err(format!("{path}, which is included, includes another file"));
        }
        if !self.in_code(order.at) {
            self.check_prose(path, &target, &text, chapters)?;
        }
        Ok(())
    }

    /// An included piece of a chapter keeps the rules of a chapter.
    fn check_prose(
        &self,
        path: &str,
        target: &Path,
        text: &str,
        chapters: &mut Chapters,
    ) -> Result<(), String> {
        if target.extension().is_none_or(|extension| extension != "md") {
            return Err(format!("{path} is no Markdown: include it in a code block"));
        }
        let root = normal(&self.project.root);
        let file = slashes(target.strip_prefix(root).unwrap_or(target));
        let included = Reader {
            project: self.project,
            file: &file,
            stem: self.stem.clone(),
            folder: self.folder,
            text,
            blocks: code_blocks(text),
        };
        for block in &included.blocks {
            included.check_block(block, chapters);
        }
        Ok(())
    }

    fn expand(&self, chapters: &mut Chapters) -> String {
        let mut expanded = String::with_capacity(self.text.len());
        let mut at = 0;
        for line in self.text.split_inclusive('\n') {
            match self.directive(line, at, chapters) {
                // An HTML block of its own: Markdown ends one at an empty line.
                Some(html) => expanded += &format!("\n{html}\n\n"),
                None => expanded += line,
            }
            at += line.len();
        }
        expanded
    }

    /// What this line becomes, if it is a directive that can be followed.
    fn directive(
        &self,
        line: &str,
        at: usize,
        chapters: &mut Chapters,
    ) -> Option<String> {
        if self.in_code(at) || !line.contains("{{") {
            return None;
        }
        let order = line.strip_prefix("{{").and_then(|line| {
            let words = line.trim_end().strip_suffix("}}")?;
            (!words.trim_start().starts_with('#')).then_some(words)
        });
        let html = match order {
            None => self.check_loose(line),
            Some(order) => {
                let words: Vec<&str> = order.split_whitespace().collect();
                self.follow(&words, at, chapters).map(Some)
            }
        };
        html.unwrap_or_else(|problem| {
            self.report(chapters, at, problem);
            None
        })
    }

    fn check_loose(&self, line: &str) -> Result<Option<String>, String> {
        let names = ["{{exercise", "{{svg", "{{progress"];
        match names.iter().find(|name| line.contains(**name)) {
            Some(name) => Err(format!(
                "`{name} ...}}}}` stands on a line of its own, in the first column"
            )),
            None => Ok(None),
        }
    }

    fn follow(
        &self,
        words: &[&str],
        at: usize,
        chapters: &mut Chapters,
    ) -> Result<String, String> {
        match words {
            ["exercise", id] => self.exercise(id, at, chapters),
            ["svg", path] => self.picture(path, chapters),
            ["progress"] => Ok(boxes::PROGRESS.into()),
            _ => Err(format!("an unknown directive: {}", words.join(" "))),
        }
    }

    fn exercise(
        &self,
        id: &str,
        at: usize,
        chapters: &mut Chapters,
    ) -> Result<String, String> {
        let known = self.project.exercises.iter().find(|known| known.id == id);
        let exercise: &Exercise = known.ok_or_else(|| {
            let ids: Vec<&str> =
                self.project.exercises.iter().map(|e| e.id).collect();
            format!("no exercise is called {id}; there are {}", ids.join(", "))
        })?;
        let place = format!("{}:{}", self.file, self.line(at));
        if let Some(first) = chapters.boxes.insert(exercise.id, place) {
            return Err(format!("a second box for {id}: the first is at {first}"));
        }
        let solution = exercise.solution();
        let path = normal(&self.project.root.join(&solution));
        let code = fs::read_to_string(&path).unwrap_or_default();
        chapters.included.insert(path);
        let task = boxes::task(&code).ok_or_else(|| {
            let solution = slashes(&solution);
            format!("{solution} does not begin with what to do in {id} (`//!`)")
        })?;
        Ok(boxes::exercise(exercise, &task))
    }

    fn picture(&self, path: &str, chapters: &mut Chapters) -> Result<String, String> {
        let target = normal(&self.folder.join(path));
        chapters.included.insert(target.clone());
        let svg = fs::read_to_string(&target)
            .map_err(|error| format!("cannot draw {path}: {error}"))?;
        boxes::picture(&svg).ok_or_else(|| format!("{path} holds no <svg> element"))
    }
}

/// The path without `.` and `..`, as it is written: nothing is looked up.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if normal.file_name().is_some() => {
                normal.pop();
            }
            part => normal.push(part),
        }
    }
    normal
}
