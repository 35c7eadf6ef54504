//! The finished book in memory, with holes where pages change.
//!
//! A request names a file of this map or none: there is no way from a path in a URL
//! to a file on the disk.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::body::Bytes;
use sha2::{Digest, Sha256};

use crate::boxes::STATE;
use crate::page;

/// A book, ready to be served.
#[derive(Debug)]
pub struct Site {
    files: HashMap<String, File>,
    /// Differs when the book does.
    pub version: String,
}

/// A file of the book.
#[derive(Debug)]
pub enum File {
    /// A page.
    Page(Page),
    /// Anything else, with its content type.
    Asset(&'static str, Bytes),
}

/// A page, cut at its holes.
#[derive(Debug)]
pub struct Page {
    parts: Vec<Part>,
    /// The Content-Security-Policy that lets this page, as it was built, work.
    pub policy: String,
}

#[derive(Debug)]
enum Part {
    Html(String),
    Hole(Hole),
}

/// What is put into a page when it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hole {
    /// What the server itself has to say, at the top of every page.
    Notice,
    /// The state of the exercise with this id.
    State(String),
    /// How much of each lesson is passed.
    Progress,
}

impl Site {
    /// The book with these files, as [`crate::book::build`] returns them.
    pub fn new(files: BTreeMap<String, Vec<u8>>) -> Self {
        let mut hasher = DefaultHasher::new();
        files.hash(&mut hasher);
        let version = format!("{:016x}", hasher.finish());
        let files = files
            .into_iter()
            .filter(|(path, _)| !path.starts_with('.'))
            .map(|(path, bytes)| {
                let file = match content_type(&path) {
                    HTML => File::Page(Page::new(&String::from_utf8_lossy(&bytes))),
                    other => File::Asset(other, bytes.into()),
                };
                (path, file)
            })
            .collect();
        Site { files, version }
    }

    /// The file at this path: of a URL, decoded, without its query.
    pub fn get(&self, path: &str) -> Option<&File> {
        let path = path.strip_prefix('/').unwrap_or(path);
        if path.is_empty() || path.ends_with('/') {
            return self.files.get(&format!("{path}index.html"));
        }
        self.files.get(path)
    }
}

impl Page {
    fn new(html: &str) -> Self {
        let policy = policy(&page::scan(html).scripts);
        let mut parts = Vec::new();
        let mut rest = html;
        while let Some((at, length, hole)) = next_hole(rest) {
            parts.push(Part::Html(rest[..at].to_owned()));
            parts.push(Part::Hole(hole));
            rest = &rest[at + length..];
        }
        parts.push(Part::Html(rest.to_owned()));
        Page { parts, policy }
    }

    /// The page with its holes filled.
    pub fn fill(&self, mut filling: impl FnMut(&Hole) -> String) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Html(html) => html.clone(),
            Part::Hole(hole) => filling(hole),
        });
        parts.collect()
    }
}

/// mdBook's template opens the chapter with this tag, once.
const MAIN: &str = "<main>";

/// The first hole: where it begins, how many bytes it replaces, what it is.
fn next_hole(html: &str) -> Option<(usize, usize, Hole)> {
    let notice = html.find(MAIN).map(|at| (at + MAIN.len(), 0, Hole::Notice));
    let progress = "<!--hs:progress-->";
    let progress = html
        .find(progress)
        .map(|at| (at, progress.len(), Hole::Progress));
    let state = html.find(STATE).and_then(|at| {
        let id = &html[at + STATE.len()..];
        let id = &id[..id.find("-->")?];
        let length = STATE.len() + id.len() + "-->".len();
        Some((at, length, Hole::State(id.to_owned())))
    });
    let holes = [notice, progress, state].into_iter().flatten();
    holes.min_by_key(|(at, ..)| *at)
}

/// Nothing from elsewhere, and of the scripts in the page itself only those it was
/// built with: text that slipped unescaped into a page still could not run.
fn policy(scripts: &[String]) -> String {
    let hashes: String = scripts
        .iter()
        .map(|script| STANDARD.encode(Sha256::digest(script)))
        .map(|hash| format!(" 'sha256-{hash}'"))
        .collect();
    format!(
        "default-src 'none'; script-src 'self'{hashes}; \
         style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'; frame-src 'self'; frame-ancestors 'self'; \
         base-uri 'self'; form-action 'self'"
    )
}

/// The content type of a page.
pub const HTML: &str = "text/html; charset=utf-8";

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => HTML,
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" | "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{File, Hole, Page, Site};

    #[test]
    fn every_hole_is_filled_in_its_place_and_nothing_else_is_changed() {
        let html = "<p>a</p><main>b<!--hs:state tcp/x-->c<!--hs:progress-->\
                    <!--hs:state --><!--hs:state y--></main><!--other--><!--hs:state open";
        let filled = Page::new(html).fill(|hole| match hole {
            Hole::Notice => "[notice]".into(),
            Hole::Progress => "[progress]".into(),
            Hole::State(id) => format!("[{id}]"),
        });
        assert_eq!(
            filled,
            "<p>a</p><main>[notice]b[tcp/x]c[progress][][y]</main><!--other-->\
             <!--hs:state open"
        );
    }

    #[test]
    fn a_page_may_run_the_scripts_that_it_was_built_with() {
        let policy = |html| Page::new(html).policy;
        let (one, other) = (
            policy("<script>f()</script>"),
            policy("<script>g()</script>"),
        );
        assert_ne!(one, other);
        // printf %s 'f()' | openssl dgst -sha256 -binary | base64
        let hash = "'sha256-GcEEE0IkDzIP5EQ6DXZaDPORqT5RTBELX8Fyzyg9yvo='";
        assert!(one.contains(hash), "{one}");
    }

    #[test]
    fn a_path_is_a_key_and_nothing_more() {
        let files = ["index.html", "a/index.html", "a/b.css", ".nojekyll"];
        let files = files.map(|path| (path.to_owned(), Vec::new()));
        let site = Site::new(BTreeMap::from(files));
        for path in ["/", "", "/index.html", "/a/", "/a/b.css", "a/b.css"] {
            assert!(site.get(path).is_some(), "{path}");
        }
        for path in [
            "/.nojekyll",
            "/a",
            "/a/../index.html",
            "//index.html",
            "/./",
        ] {
            assert!(site.get(path).is_none(), "{path}");
        }
        assert!(matches!(
            site.get("/a/b.css"),
            Some(File::Asset("text/css; charset=utf-8", _))
        ));
    }
}
