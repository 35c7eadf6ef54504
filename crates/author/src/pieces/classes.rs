//! The framework's public types, drawn from its source.
//!
//! The reader is small: it knows the form that rustfmt gives to a declaration, and takes
//! what begins in the first column. Who implements a trait is said in the trait's box.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::pieces::File;
use crate::pieces::picture::{LETTER, Picture, text};
use crate::pieces::shop::Workshop;

/// Where the source is, below the project's root.
const SOURCE: &str = "crates/socketserver/src";

/// What is shown, in two columns: what a user writes and gives, and what a user gets.
const COLUMNS: [&[&str]; 2] = [
    &["Handler", "DatagramHandler", "Protocol", "Strategy", "Next"],
    &["Builder", "Server", "Handle", "Crew"],
];

/// In pixels: a line of text, the space around a box, and within it.
const LINE: f64 = 18.0;
const MARGIN: f64 = 12.0;
const PAD: f64 = 10.0;

/// So many letters have room in a box.
const LETTERS: usize = 42;

/// A type or trait of the source.
#[derive(Debug, Default, PartialEq, Eq)]
struct Kind {
    /// Its declaration: `trait Handler`, `struct Server<K>`.
    head: String,
    /// Methods of a trait, public methods of a struct, variants of an enum.
    members: Vec<String>,
    /// Who implements it, if it is a trait.
    by: Vec<String>,
}

/// Reads the source and draws it.
pub fn make(name: &str, shop: &Workshop) -> Result<Vec<File>> {
    let source = read(&shop.root().join(SOURCE))?;
    let columns = COLUMNS.map(|names| {
        let kinds = names.iter().map(|name| find(&source, name));
        kinds.collect::<Vec<Kind>>()
    });
    for (kind, name) in columns.iter().flatten().zip(COLUMNS.concat()) {
        ensure!(!kind.head.is_empty(), "{SOURCE} has no `{name}`");
    }
    Ok(vec![
        File::generated(&format!("{name}.svg"), draw(&columns)),
        File::generated(&format!("{name}.txt"), told(&columns)),
    ])
}

/// All files of the folder, in the order of their names, as one text.
fn read(folder: &Path) -> Result<String> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("cannot list {}", folder.display()))?;
    let mut paths: Vec<_> = (entries.filter_map(Result::ok))
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    let mut all = String::new();
    for path in paths {
        if path.is_dir() {
            all += &read(&path)?;
        } else {
            all += &fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            all.push('\n');
        }
    }
    Ok(all)
}

/// What the source says of this name.
fn find(source: &str, name: &str) -> Kind {
    let mut kind = Kind::default();
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        let block = |lines: &mut std::str::Lines<'_>| -> Vec<String> {
            let body = lines.by_ref().take_while(|line| !line.starts_with('}'));
            body.map(str::to_owned).collect()
        };
        if let Some(head) = declares(line, name) {
            kind.head = head;
            if line.ends_with('{') {
                let body = block(&mut lines);
                kind.members.extend(members(&kind.head, &body));
            }
        } else if line.starts_with("impl") {
            let (who, what) = match line.split_once(" for ") {
                Some((what, who)) => (base(who), Some(last_word(what))),
                None => (last_word(line.trim_end_matches(" {")), None),
            };
            match what {
                Some(what) if what == name => kind.by.push(who),
                None if who == name && line.ends_with('{') => {
                    let methods = block(&mut lines);
                    kind.members.extend(public_methods(&methods));
                }
                _ => {}
            }
        }
    }
    // Both kinds of server have a method of that name, each in its own `impl`.
    let mut seen = BTreeSet::new();
    kind.members.retain(|member| seen.insert(member.clone()));
    kind
}

/// `trait Handler` where this line declares that name.
fn declares(line: &str, name: &str) -> Option<String> {
    let open = line
        .strip_prefix("pub(crate) ")
        .or(line.strip_prefix("pub "))?;
    let head = open.trim_end_matches([' ', '{', ';', '}']);
    let (word, rest) = head.split_once(' ')?;
    let named = rest.split(['<', ':', '(']).next() == Some(name);
    let head = head.split('(').next().unwrap_or(head); // a tuple's fields are its own
    (["struct", "enum", "trait"].contains(&word) && named).then(|| head.to_owned())
}

/// The type's name at the end of `impl<H: Handler> Session<H>`, without parameters.
fn last_word(head: &str) -> String {
    let head = match head.strip_prefix("impl<") {
        Some(rest) => behind_the_parameters(rest),
        None => head.trim_start_matches("impl"),
    };
    base(head)
}

/// What comes behind the `>` that ends a list of parameters.
fn behind_the_parameters(rest: &str) -> &str {
    let mut depth = 1;
    for (at, c) in rest.char_indices() {
        match c {
            '<' => depth += 1,
            '>' if !rest[..at].ends_with('-') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &rest[at + 1..];
        }
    }
    ""
}

fn base(name: &str) -> String {
    let name = name.trim().trim_end_matches(" {");
    let name = name.split('<').next().unwrap_or(name).trim();
    name.rsplit("::").next().unwrap_or(name).to_owned()
}

/// The methods of a trait, or the variants of an enum; a struct's fields are its own.
fn members(head: &str, body: &[String]) -> Vec<String> {
    let first = |line: &&String| {
        line.strip_prefix("    ")
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()))
    };
    let lines = body.iter().filter(first).map(|line| line.trim());
    match head.split(' ').next() {
        Some("trait") => lines.filter_map(method).collect(),
        Some("enum") => lines
            .map(|line| line.trim_end_matches([' ', '{', ',']).to_owned())
            .collect(),
        _ => Vec::new(),
    }
}

fn public_methods(body: &[String]) -> Vec<String> {
    let lines = body.iter().filter_map(|line| line.strip_prefix("    pub "));
    lines.filter_map(method).collect()
}

/// `handle()` of `fn handle(&mut self, conn: &mut Conn) -> Result<Next>;`
fn method(line: &str) -> Option<String> {
    let name = line.strip_prefix("fn ")?.split(['(', '<']).next()?;
    Some(format!("{name}()"))
}

/// The lines of a box: its head, its members side by side, who implements it.
fn lines(kind: &Kind) -> Vec<String> {
    let mut lines = vec![kind.head.clone()];
    lines.extend(wrapped(&kind.members));
    if !kind.by.is_empty() {
        let by: Vec<String> = kind.by.iter().map(|name| closure(name)).collect();
        lines.push("implemented by".into());
        lines.extend(wrapped(&by));
    }
    lines
}

/// What is implemented for every `F` is so for closures.
fn closure(name: &str) -> String {
    match name {
        "F" => "closures".into(),
        other => other.to_owned(),
    }
}

fn wrapped(words: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if line.len() + 2 + word.len() <= LETTERS => {
                line.push_str(", ");
                line.push_str(word);
            }
            _ => lines.push(format!("  {word}")),
        }
    }
    lines
}

fn told(columns: &[Vec<Kind>; 2]) -> String {
    let boxes = columns.iter().flatten().map(|kind| lines(kind).join("\n"));
    boxes.collect::<Vec<String>>().join("\n\n") + "\n"
}

fn draw(columns: &[Vec<Kind>; 2]) -> String {
    let inside = (LETTERS + 2) as f64 * 13.0 * LETTER;
    let wide = inside + 2.0 * PAD;
    let mut body = String::new();
    let mut height: f64 = 0.0;
    for (nr, kinds) in columns.iter().enumerate() {
        let left = MARGIN + nr as f64 * (wide + MARGIN);
        let side = ["hs-left", "hs-right"][nr];
        let mut top = MARGIN;
        for kind in kinds {
            let lines = lines(kind);
            let high = lines.len() as f64 * LINE + PAD;
            body += &format!(
                "<rect class=\"hs-type {side}\" x=\"{left:.1}\" y=\"{top:.1}\" \
                 width=\"{wide:.1}\" height=\"{high:.1}\" rx=\"4\"/>\n"
            );
            for (row, line) in lines.iter().enumerate() {
                let class = match (row, line.starts_with(' ')) {
                    (0, _) => format!("hs-head {side}"),
                    (_, true) => "hs-member".to_owned(),
                    (_, false) => "hs-by".to_owned(),
                };
                body += &format!(
                    "<text class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\">{}</text>\n",
                    left + PAD,
                    top + PAD / 2.0 + 13.0 + row as f64 * LINE,
                    text(line)
                );
            }
            top += high + MARGIN;
        }
        height = height.max(top);
    }
    let width = 2.0 * wide + 3.0 * MARGIN;
    let picture = Picture {
        class: "hs-types",
        title: "The framework's types and traits".into(),
        description: told(columns),
        rules: ".X .hs-type{fill:none;stroke:var(--_tone)}\n\
                .X .hs-head{fill:var(--_tone);font-weight:bold}\n\
                .X .hs-by{fill:var(--_muted)}\n",
        body,
    };
    picture.draw(width.ceil() as usize, height.ceil() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
/// Serves.
pub trait Handler {
    /// Prepares.
    fn setup(&mut self) -> Result {
        let inner = 1;
    }

    fn handle(&mut self);
}

impl<F> Handler for F
where
    F: FnMut() -> Result,
{
}

impl<R, W: Fn(&House, R) -> bool> Crew<R> for Inline<'_, W> {
}

pub enum Strategy {
    /// One by one.
    Inline,
    Threads {
        max: usize,
    },
}

pub struct Server<K> {
    socket: Socket,
}

impl<K> Server<K> {
    pub fn stats(&self) -> Stats {
    }

    pub(crate) fn hidden(&self) {
    }
}

pub(crate) trait Crew<R> {
    fn take(&mut self, request: R);
}
";

    #[test]
    fn a_trait_has_its_methods_and_who_implements_it() {
        let handler = find(SOURCE, "Handler");
        assert_eq!(handler.head, "trait Handler");
        assert_eq!(handler.members, ["setup()", "handle()"]);
        assert_eq!(handler.by, ["F"]);
        let crew = find(SOURCE, "Crew");
        assert_eq!(
            (crew.head.as_str(), &crew.by[..]),
            ("trait Crew<R>", &["Inline".to_owned()][..])
        );
    }

    #[test]
    fn an_enum_has_its_variants_and_a_struct_its_public_methods() {
        assert_eq!(find(SOURCE, "Strategy").members, ["Inline", "Threads"]);
        let server = find(SOURCE, "Server");
        assert_eq!(server.head, "struct Server<K>");
        assert_eq!(server.members, ["stats()"]);
        assert_eq!(find(SOURCE, "Nothing"), Kind::default());
    }
}
