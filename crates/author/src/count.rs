//! How much of the course there is, lesson by lesson.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use checks::catalogue::{Lesson, exercises, lessons};

use crate::pieces::Workshop;

/// What there is of one lesson, or of all.
#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    exercises: usize,
    probes: usize,
    right: usize,
    wrong: usize,
    unnamed: usize,
    /// The mistakes that a wrong answer has to be told by name.
    mistakes: BTreeSet<String>,
    /// The topics of the Python tutorials whose row names the lesson.
    topics: usize,
}

/// Prints the table.
pub fn print(root: &Path) -> Result<()> {
    let shop = Workshop::open(root)?;
    let listed = Command::new(shop.answers()?).arg("--list").output();
    let listed = listed.context("cannot list the answers")?.stdout;
    let listed = String::from_utf8_lossy(&listed);
    let coverage = root.join("book/src/coverage.md");
    let coverage = fs::read_to_string(&coverage)
        .with_context(|| format!("cannot read {}", coverage.display()))?;
    let mut out = io::stdout();
    writeln!(
        out,
        "{:12}{:>10}{:>8}{:>7}{:>7}{:>9}{:>10}{:>8}",
        "", "exercises", "probes", "right", "wrong", "unnamed", "mistakes", "topics"
    )?;
    for lesson in lessons() {
        let count = Count::of(&listed, &coverage, Some(lesson));
        writeln!(out, "{}", count.row(lesson.stem))?;
    }
    let all = Count::of(&listed, &coverage, None);
    writeln!(out, "{}", all.row("all"))?;
    Ok(())
}

impl Count {
    /// What there is of a lesson, or of all lessons.
    fn of(listed: &str, coverage: &str, lesson: Option<&Lesson>) -> Count {
        let is_here = |stem: &str| lesson.is_none_or(|lesson| lesson.stem == stem);
        let mut count = Count::default();
        for exercise in exercises().iter().filter(|one| is_here(one.stem)) {
            count.exercises += 1;
            let answers = listed
                .lines()
                .map(|line| line.split('\t').collect::<Vec<_>>());
            let own = answers.filter(|answer| answer[0] == exercise.id);
            let mut probes = None;
            for answer in own {
                // Those that come behind may be for a check with other probes.
                probes = probes.or_else(|| answer.get(1)?.parse::<usize>().ok());
                match answer.get(2).copied().unwrap_or_default() {
                    "pass" => count.right += 1,
                    "account" => count.unnamed += 1,
                    "untouched" => {}
                    id => {
                        count.wrong += 1;
                        count.mistakes.insert(id.to_string());
                    }
                }
            }
            count.probes += probes.unwrap_or(0);
        }
        let page = lesson.map(|lesson| format!("({}.md", lesson.stem));
        let program = lesson.map(|lesson| format!("`lesson-{} ", lesson.number));
        let names = |row: &str, what: &Option<String>| {
            what.as_ref()
                .is_some_and(|what| row.contains(what.as_str()))
        };
        let topics = coverage.lines().filter(|line| is_topic(line));
        count.topics = topics
            .filter(|row| {
                lesson.is_none() || names(row, &page) || names(row, &program)
            })
            .count();
        count
    }

    fn row(&self, name: &str) -> String {
        format!(
            "{name:12}{:>10}{:>8}{:>7}{:>7}{:>9}{:>10}{:>8}",
            self.exercises,
            self.probes,
            self.right,
            self.wrong,
            self.unnamed,
            self.mistakes.len(),
            self.topics
        )
    }
}

/// A row of the coverage's table: `| 0.11 | …`.
fn is_topic(line: &str) -> bool {
    let number = line
        .strip_prefix("| ")
        .and_then(|rest| rest.split(' ').next());
    let parts = number.and_then(|number| number.split_once('.'));
    parts.is_some_and(|(tutorial, topic)| {
        tutorial.parse::<u8>().is_ok() && topic.parse::<u8>().is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_and_topics_are_counted_where_they_belong() {
        let listed = "tcp/greeting\t9\tpass\ta\ntcp/greeting\t9\tM1\tb\n\
                      tcp/greeting\t9\tM1\tc\nbytes/words\t7\taccount\td\n";
        let coverage = "| Topic | In | Here |\n|---|---|---|\n\
                        | 0.1 | x | [1](01-tcp.md#a) |\n| 1.6 | y | `lesson-1 -- x` |\n\
                        | 0.16 | z | [1](01-tcp.md), [2](02-bytes.md) |\n";
        let lesson = |number| lessons().iter().find(|lesson| lesson.number == number);
        let first = Count::of(listed, coverage, lesson(1));
        let seen = (first.probes, first.right, first.wrong, first.topics);
        assert_eq!(seen, (9, 1, 2, 3));
        assert_eq!(first.mistakes.len(), 1);
        let second = Count::of(listed, coverage, lesson(2));
        assert_eq!((second.probes, second.unnamed, second.topics), (7, 1, 1));
        assert_eq!(Count::of(listed, coverage, None).topics, 3);
    }
}
