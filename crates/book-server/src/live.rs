//! What is shown now: the last good book, what is wrong with the newest, the learner.

use std::io::{self, BufRead};
use std::sync::Arc;

use nanoserde::SerJson;
use tokio::sync::watch::Sender;

use crate::boxes::escape;
use crate::finding::Finding;
use crate::learner::{Learner, Lesson, Piece, version};
use crate::site::{Hole, Page, Site};

/// What is shown now. Watchers are told of every change.
#[derive(Debug)]
pub struct Live {
    site: Option<Arc<Site>>,
    trouble: Vec<Finding>,
    learner: Learner,
    pieces: Vec<Arc<Piece>>,
}

#[derive(SerJson)]
struct BookEvent<'a> {
    key: &'a str,
    version: &'a str,
    html: &'a str,
}

/// What the pages' script finds in the page that came with it.
#[derive(SerJson)]
struct Known {
    book: String,
    lessons: Vec<Lesson>,
}

impl Default for Live {
    fn default() -> Self {
        let learner = Learner::default();
        let mut live = Live {
            site: None,
            trouble: Vec::new(),
            pieces: Vec::new(),
            learner,
        };
        live.refresh();
        live
    }
}

impl Live {
    /// The last good book, once there is one.
    pub fn site(&self) -> Option<&Arc<Site>> {
        self.site.as_ref()
    }

    /// What keeps the newest sources from being a book.
    pub fn trouble(&self) -> &[Finding] {
        &self.trouble
    }

    /// Whether the first build has ended, one way or the other.
    pub fn is_ready(&self) -> bool {
        self.site.is_some() || !self.trouble.is_empty()
    }

    /// Shows a new book.
    pub fn show(&mut self, site: Site) {
        self.site = Some(Arc::new(site));
        self.trouble.clear();
        self.refresh();
    }

    /// Keeps the old book up, if there is one, and says why there is no new one.
    pub fn regret(&mut self, findings: Vec<Finding>) {
        self.trouble = findings;
        self.refresh();
    }

    /// Takes a line from the parent, as [`Learner::hear`] does.
    pub fn hear(&mut self, line: &str) -> Result<(), String> {
        let heard = self.learner.hear(line);
        self.refresh();
        heard
    }

    fn refresh(&mut self) {
        self.pieces = self.learner.pieces();
        self.pieces.push(Arc::new(self.book_piece()));
    }

    fn version(&self) -> String {
        let site = self.site.as_ref();
        site.map_or_else(String::new, |site| site.version.clone())
    }

    fn book_piece(&self) -> Piece {
        let html = self.trouble_html();
        let book = self.version();
        // Other findings are other news, even where there are as many.
        let version = format!("{book}/{}", version(&html));
        let json = BookEvent {
            key: "book",
            version: &book,
            html: &html,
        };
        Piece {
            key: "book".into(),
            json: json.serialize_json(),
            version,
            html,
        }
    }

    /// Every piece of the pages that changes, as it is now.
    pub fn pieces(&self) -> &[Arc<Piece>] {
        &self.pieces
    }

    fn piece(&self, key: &str) -> Option<&Piece> {
        let mut pieces = self.pieces.iter();
        pieces.find(|piece| piece.key == key).map(Arc::as_ref)
    }

    /// A page of the book with everything filled in: it works without any script.
    pub fn fill(&self, page: &Page) -> String {
        page.fill(|hole| match hole {
            Hole::Notice => self.notice(),
            Hole::State(id) => self.marked(id),
            Hole::Progress => self.marked("progress"),
        })
    }

    fn marked(&self, key: &str) -> String {
        let Some(Piece { version, html, .. }) = self.piece(key) else {
            return String::new();
        };
        format!("<div class=\"hs-piece\" data-version=\"{version}\">{html}</div>")
    }

    fn notice(&self) -> String {
        let known = Known {
            book: self.version(),
            lessons: self.learner.lessons(),
        };
        format!(
            "\n<div id=\"hs-notice\" class=\"hs-notice\" role=\"status\" \
             aria-live=\"polite\" data-events=\"/events\" \
             data-known=\"{}\">{}</div>\n\
             <p id=\"hs-say\" class=\"hs-unseen\" role=\"status\" \
             aria-live=\"polite\"></p>\n",
            escape(&known.serialize_json()),
            match self.trouble_html() {
                none if none.is_empty() => none,
                trouble => format!("<div class=\"hs-trouble\">{trouble}</div>"),
            },
        )
    }

    fn trouble_html(&self) -> String {
        if self.trouble.is_empty() {
            return String::new();
        }
        let findings: String = self
            .trouble
            .iter()
            .map(|finding| format!("<li>{}</li>\n", escape(&finding.to_string())))
            .collect();
        let kept = match self.site {
            Some(_) => "You see the book as it was before the last change",
            None => "There is no book to show yet",
        };
        format!(
            "<p><strong>The book does not build.</strong> \
             {kept}; it is built anew as soon as a file changes.</p>\n\
             <ul>\n{findings}</ul>"
        )
    }

    /// The page for a browser that comes while there is no book at all. It asks again
    /// by itself.
    pub fn apology(&self) -> String {
        format!(
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\">\
             <meta http-equiv=\"refresh\" content=\"2\">\
             <meta name=\"color-scheme\" content=\"light dark\">\
             <title>The book does not build</title>\
             <style>body{{font:1rem/1.5 system-ui,sans-serif;margin:2rem auto;\
             max-width:45rem;padding:0 1rem;overflow-wrap:anywhere}}</style>\n\
             {}</html>\n",
            self.trouble_html()
        )
    }
}

/// The longest line that a parent may send; a verdict has some ten kilobytes.
const LONGEST: u64 = 8 << 20;

/// Takes the parent's lines until its end of the pipe is closed.
///
/// A line that cannot be taken is reported on standard error, and changes nothing.
pub fn listen(mut parent: impl BufRead, live: &Sender<Live>) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        io::Read::take(&mut parent, LONGEST).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(());
        }
        if line.len() as u64 == LONGEST && line.last() != Some(&b'\n') {
            eprintln!("book-server: a line of more than {LONGEST} bytes is ignored");
            parent.skip_until(b'\n')?;
            continue;
        }
        let text = String::from_utf8_lossy(&line);
        if text.trim().is_empty() {
            continue;
        }
        live.send_modify(|live| {
            if let Err(problem) = live.hear(text.trim()) {
                eprintln!(
                    "book-server: a line on standard input is ignored: {problem}"
                );
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{Finding, Live};

    #[test]
    fn another_finding_is_news() {
        let mut live = Live::default();
        let mut version = |text: &str| {
            live.regret(vec![Finding::new("a.md", 1, text)]);
            live.pieces().last().unwrap().version.clone()
        };
        let first = version("a dead link: b.html");
        assert_eq!(version("a dead link: b.html"), first);
        assert_ne!(version("a dead link: c.html"), first);
    }
}
