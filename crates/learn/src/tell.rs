//! What a check came to, as text for the learner.

use std::fs;

use checks::catalogue::Exercise;
use checks::verdict::{Diagnosis, Verdict};

use crate::check::Outcome;
use crate::look::{Look, Pen};
use crate::project::Project;
use crate::text;

/// Tells outcomes in one look, with links to one place of the book.
pub struct Teller<'a> {
    /// Where the exercises' files are.
    pub project: &'a Project,
    /// The terminal's look.
    pub look: &'a Look,
    /// The live book's address with a slash at its end, while it is up.
    pub book: Option<&'a str>,
}

impl Teller<'_> {
    /// The whole outcome: what matters most comes first.
    pub fn outcome(&self, exercise: &Exercise, outcome: &Outcome) -> String {
        let id = exercise.id;
        match outcome {
            Outcome::Judged {
                verdict, warnings, ..
            } => {
                let told = self.judged(exercise, verdict);
                let task = match outcome.is_untouched() {
                    true => format!("{}\n", self.task(exercise)),
                    false => String::new(),
                };
                task + &told + &below(warnings)
            }
            Outcome::DoesNotCompile(words) => {
                format!(
                    "{}\n{words}",
                    self.failed(&format!("{id} does not compile yet"))
                )
            }
            Outcome::CannotBuild(words) => {
                let head = self.failed(&format!("cargo cannot build {id}"));
                format!("{head}\n{words}\n")
            }
            Outcome::NoVerdict { how, output } => self.no_verdict(id, how, output),
            Outcome::Cancelled => format!("{id}: cancelled\n"),
        }
    }

    fn judged(&self, exercise: &Exercise, verdict: &Verdict) -> String {
        let told = verdict.to_text(self.look);
        match &verdict.failure {
            None => format!("{told}\n{}", self.after_pass(exercise)),
            Some(failure) => match &failure.mistake {
                None => told,
                Some(Diagnosis { page, .. }) => {
                    told.replace(&format!("book, {page}"), &self.page(page))
                }
            },
        }
    }

    /// A check's program should never end without a verdict; what is known of why.
    fn no_verdict(&self, id: &str, how: &str, output: &str) -> String {
        let head = self.failed(&format!("{id}: the check ended without a verdict"));
        let what = self.wrapped(&format!(
            "The check's program: {how}. If your code ends or kills processes, or \
             never lets the check go on, look there first."
        ));
        match output.trim_end() {
            "" => format!("{head}\n{what}\nIt printed nothing.\n"),
            output => format!("{head}\n{what}\nIt printed:\n\n{output}\n"),
        }
    }

    fn failed(&self, what: &str) -> String {
        let pen = Pen::new(self.look);
        format!("{} {}\n", pen.bad(pen.failed), pen.strong(what))
    }

    /// What somebody who has just passed the exercise can do now.
    fn after_pass(&self, exercise: &Exercise) -> String {
        let pen = Pen::new(self.look);
        let page = self.page(&exercise.page());
        self.wrapped(&format!(
            "{} {}\n\nRead on: {}",
            pen.good("What you know now:"),
            exercise.learnt,
            pen.active(&page)
        ))
    }

    /// What is to be done, where, and where to read about it. It can be told before
    /// anything has been compiled.
    pub fn task(&self, exercise: &Exercise) -> String {
        let pen = Pen::new(self.look);
        let stub = exercise.stub();
        let mut told = format!(
            "{}\n\nEdit {} and save; every save is checked.\nRead first: {}\n",
            pen.strong(exercise.title),
            pen.active(&stub.display().to_string()),
            pen.active(&self.page(&exercise.page())),
        );
        let source = fs::read_to_string(self.project.path(stub)).unwrap_or_default();
        let task = text::flow(&documentation(&source));
        if !task.is_empty() {
            told.push_str(&format!("\n{task}\n"));
        }
        self.wrapped(&told)
    }

    /// `words` in lines that fit.
    fn wrapped(&self, words: &str) -> String {
        let lines = text::wrap(words, self.look.width);
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// Where a page of the book is: its address while the live book is up, or else
    /// the file that it is made of.
    pub fn page(&self, page: &str) -> String {
        match self.book {
            Some(book) => format!("{book}{page}"),
            None => source_of(page),
        }
    }
}

/// The book's source of a page: `01-tcp.html#greeting` is made of
/// `book/src/01-tcp.md`.
pub fn source_of(page: &str) -> String {
    let file = page.split('#').next().unwrap_or(page);
    let name = file.strip_suffix(".html").unwrap_or(file);
    format!("book/src/{name}.md")
}

fn below(warnings: &str) -> String {
    match warnings {
        "" => String::new(),
        warnings => format!("\nThe compiler warns:\n\n{warnings}"),
    }
}

/// What a stub says of itself: the comment at its top, and the one of its first
/// public item.
fn documentation(source: &str) -> String {
    let of = |line: &str, sign: &str| {
        let text = line.trim_start().strip_prefix(sign)?;
        Some(text.strip_prefix(' ').unwrap_or(text).to_owned())
    };
    let top: Vec<_> = source.lines().map_while(|line| of(line, "//!")).collect();
    let mut item = Vec::new();
    for line in source.lines() {
        match of(line, "///") {
            Some(text) => item.push(text),
            None if line.starts_with("pub ") && !item.is_empty() => break,
            None if line.trim_start().starts_with("#[") => {}
            None => item.clear(),
        }
    }
    let parts = [top.join("\n"), item.join("\n")];
    let parts: Vec<_> = parts.iter().map(|part| part.trim()).collect();
    parts.join("\n\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stubs_own_comments_are_its_task() {
        let source = "//! Greets.\n//!\n//! Well.\n\nuse a;\n\n\
                      /// Private.\nfn b() {}\n\n\
                      /// Greets whom?\n#[must_use]\npub fn c() {}\n\n\
                      /// No.\npub fn d() {}\n";
        assert_eq!(documentation(source), "Greets.\n\nWell.\n\nGreets whom?");
        assert_eq!(documentation("fn main() {}"), "");
        assert_eq!(documentation("/// Only.\npub fn a() {}"), "Only.");
    }

    #[test]
    fn a_page_is_made_of_a_file_in_the_book() {
        assert_eq!(source_of("01-tcp.html#the-end"), "book/src/01-tcp.md");
        assert_eq!(source_of("intro"), "book/src/intro.md");
    }
}
