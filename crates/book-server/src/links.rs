//! Whether everything that a finished book refers to is there, and is its own.
//!
//! Links to other sites are not followed: the check works without a network.

use std::collections::{BTreeMap, HashSet};

use percent_encoding::percent_decode_str;

use crate::book::Project;
use crate::finding::Finding;
use crate::page::{self, Page, Reference};

/// Each page's chapter: its file and its text, as [`crate::chapter`] found them.
pub type Sources = BTreeMap<String, (String, String)>;

/// mdBook's page with all chapters in one. Whatever is wrong in a chapter is wrong
/// there too, so it is looked at when the chapters are clean.
const PRINT: &str = "print.html";

/// Finds dead links, dead anchors, and what would be loaded from elsewhere.
pub fn check(
    project: &Project,
    files: &BTreeMap<String, Vec<u8>>,
    sources: &Sources,
) -> Vec<Finding> {
    let pages = files
        .iter()
        .filter(|(path, _)| path.ends_with(".html"))
        .map(|(path, html)| {
            (path.as_str(), page::scan(&String::from_utf8_lossy(html)))
        })
        .collect();
    let book = Book {
        files,
        sources,
        pages,
    };
    let mut findings = book.check_catalogue(project);
    for (path, page) in book.pages.iter().filter(|(path, _)| **path != PRINT) {
        book.check_page(path, page, &mut findings);
    }
    if let (Some(page), true) = (book.pages.get(PRINT), findings.is_empty()) {
        book.check_page(PRINT, page, &mut findings);
    }
    for (path, bytes) in files.iter().filter(|(path, _)| path.ends_with(".css")) {
        let css = String::from_utf8_lossy(bytes);
        if loads_from_elsewhere(&css) {
            let text = "a style sheet that loads something from another site";
            findings.push(Finding::new(path, 0, text));
        }
    }
    findings
}

struct Book<'a> {
    files: &'a BTreeMap<String, Vec<u8>>,
    sources: &'a Sources,
    pages: BTreeMap<&'a str, Page>,
}

impl Book<'_> {
    fn check_page(&self, path: &str, page: &Page, findings: &mut Vec<Finding>) {
        for reference in &page.references {
            if let Err(problem) = self.check_reference(path, reference) {
                findings.push(self.at(path, &reference.value, problem));
            }
        }
        for name in &page.handlers {
            let problem = format!("an `{name}` attribute; the live book runs none");
            findings.push(self.at(path, name, problem));
        }
        if page.styles.iter().any(|style| loads_from_elsewhere(style)) {
            let problem = "a style that loads something from another site".into();
            findings.push(self.at(path, "url(", problem));
        }
        let mut seen = HashSet::new();
        for id in page.ids.iter().filter(|id| !seen.insert(id.as_str())) {
            let problem = format!("a second id `{id}` on one page");
            findings.push(self.at(path, id, problem));
        }
    }

    fn check_reference(&self, from: &str, link: &Reference) -> Result<(), String> {
        let value = link.value.trim();
        if link.attribute == "srcset" {
            return Err("`srcset` is not checked here; use `src`".into());
        }
        if value.is_empty() {
            return Err(format!("an empty `{}`", link.attribute));
        }
        if is_elsewhere(value) {
            return match link.tag.as_str() {
                "a" | "area" => Ok(()),
                tag => Err(format!("`{tag}` loads {value} from another site")),
            };
        }
        if value.starts_with("data:") && link.tag == "img" {
            return Ok(());
        }
        if value.starts_with('/') {
            return Err(format!(
                "{value} is seen from the site's root, not from here"
            ));
        }
        if has_scheme(value) {
            return match value.starts_with("mailto:") && link.tag == "a" {
                true => Ok(()),
                false => Err(format!("a link of an unknown kind: {value}")),
            };
        }
        self.check_target(from, value)
    }

    /// Follows a relative link to a file of the book, and to an id in it.
    fn check_target(&self, from: &str, value: &str) -> Result<(), String> {
        let (path, fragment) = value.split_once('#').unwrap_or((value, ""));
        let path = path.split('?').next().unwrap_or("");
        let target = resolve(from, &decode(path))
            .ok_or_else(|| format!("{value} leads out of the book"))?;
        if !self.files.contains_key(&target) {
            return Err(format!("a dead link: {value}"));
        }
        let fragment = decode(fragment);
        match self.pages.get(target.as_str()) {
            Some(page) if !fragment.is_empty() && !page.ids.contains(&fragment) => {
                Err(format!("a dead link: {target} has no #{fragment}"))
            }
            _ => Ok(()),
        }
    }

    /// A verdict links to the box of its exercise and to the page of the mistake it
    /// names: those links stand in no page, so they are followed here.
    fn check_catalogue(&self, project: &Project) -> Vec<Finding> {
        let exercises = project.exercises.iter();
        let boxes = exercises.map(|exercise| (exercise.id, exercise.page()));
        let mistakes = project.mistakes.iter();
        let told = mistakes.map(|mistake| (mistake.id, mistake.page.to_owned()));
        let mut findings = Vec::new();
        for (id, target) in boxes.chain(told) {
            let page = target.split('#').next().unwrap_or("");
            // Lessons are written one by one; the chapter must be there to be wrong.
            let Some((file, _)) = self.sources.get(page) else {
                continue;
            };
            if self.check_target("index.html", &target).is_err() {
                let text =
                    format!("verdicts on {id} lead to {target}, which is missing");
                findings.push(Finding::new(file, 0, text));
            }
        }
        findings
    }

    /// Where the author can mend it: the line of the chapter that says it.
    fn at(&self, path: &str, needle: &str, problem: String) -> Finding {
        let Some((file, text)) = self.sources.get(path) else {
            return Finding::new(path, 0, problem);
        };
        let markdown = needle.replace(".html", ".md");
        let line = text
            .lines()
            .position(|line| line.contains(needle) || line.contains(&markdown));
        Finding::new(file, line.map_or(0, |nr| nr + 1), problem)
    }
}

fn has_scheme(value: &str) -> bool {
    value.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    })
}

fn is_elsewhere(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    ["http:", "https:", "ws:", "wss:", "ftp:", "//"]
        .iter()
        .any(|start| value.starts_with(start))
}

fn loads_from_elsewhere(css: &str) -> bool {
    let css = css.to_ascii_lowercase();
    let urls = css.split("url(").skip(1);
    let imports = css.split("@import").skip(1);
    urls.chain(imports).any(|rest| {
        is_elsewhere(
            rest.trim_start_matches(|c: char| {
                c.is_whitespace() || c == '"' || c == '\''
            }),
        )
    })
}

/// The path of a link seen from a page; none when it leads above the book.
fn resolve(from: &str, path: &str) -> Option<String> {
    if path.is_empty() {
        return Some(from.to_owned());
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    if path.ends_with('/') || parts.is_empty() {
        parts.push("index.html");
    }
    Some(parts.join("/"))
}

/// Undoes percent encoding.
pub fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
