//! From one step of a program to the next: what `diff -u` says of two regions of code.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::pieces::File;
use crate::pieces::shop::Workshop;

/// How many lines that stay are shown around those that change.
const AROUND: usize = 2;

/// A region of a file, between `ANCHOR: name` and `ANCHOR_END: name`.
pub struct Region {
    /// The file, below the project's root.
    pub file: &'static str,
    /// The region's name.
    pub anchor: &'static str,
}

/// The same region before and after a step.
pub struct Difference {
    /// Before.
    pub before: Region,
    /// After.
    pub after: Region,
}

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line<'a> {
    Stays(&'a str),
    Goes(&'a str),
    Comes(&'a str),
}

impl Difference {
    /// Compares both regions, and writes the difference in the form of `diff -u`.
    pub fn make(&self, name: &str, shop: &Workshop) -> Result<Vec<File>> {
        let before = self.before.read(shop.root())?;
        let after = self.after.read(shop.root())?;
        let (before, after): (Vec<&str>, Vec<&str>) =
            (before.lines().collect(), after.lines().collect());
        let lines = compare(&before, &after);
        if lines.iter().all(|line| matches!(line, Line::Stays(_))) {
            bail!("nothing differs");
        }
        let head = format!("--- {}\n+++ {}\n", self.before.file, self.after.file);
        let told = head + &hunks(&lines);
        Ok(vec![File::generated(&format!("{name}.diff"), told)])
    }
}

impl Region {
    fn read(&self, root: &Path) -> Result<String> {
        let Self { file, anchor } = self;
        let text = fs::read_to_string(root.join(file))
            .with_context(|| format!("cannot read {file}"))?;
        let (begin, end) =
            (format!("ANCHOR: {anchor}"), format!("ANCHOR_END: {anchor}"));
        let mut lines = text.lines();
        let begins = |line: &str| line.trim_start_matches(['/', ' ']) == begin;
        if !lines.by_ref().any(begins) {
            bail!("{file} has no region {anchor}");
        }
        let region = lines.take_while(|line| !line.contains(&end));
        let region = region.filter(|line| !line.contains("ANCHOR"));
        Ok(region.collect::<Vec<_>>().join("\n"))
    }
}

/// The longest common part stays. `common[a][b]` is how long it is from there on.
fn compare<'a>(before: &[&'a str], after: &[&'a str]) -> Vec<Line<'a>> {
    let mut common = vec![vec![0; after.len() + 1]; before.len() + 1];
    for a in (0..before.len()).rev() {
        for b in (0..after.len()).rev() {
            common[a][b] = match before[a] == after[b] {
                true => common[a + 1][b + 1] + 1,
                false => common[a + 1][b].max(common[a][b + 1]),
            };
        }
    }
    let (mut a, mut b, mut lines) = (0, 0, Vec::new());
    while a < before.len() || b < after.len() {
        let both = a < before.len() && b < after.len();
        if both && before[a] == after[b] {
            lines.push(Line::Stays(before[a]));
            (a, b) = (a + 1, b + 1);
        } else if b == after.len() || both && common[a + 1][b] >= common[a][b + 1] {
            lines.push(Line::Goes(before[a]));
            a += 1;
        } else {
            lines.push(Line::Comes(after[b]));
            b += 1;
        }
    }
    lines
}

/// What changes, with a little of what is around it.
fn hunks(lines: &[Line<'_>]) -> String {
    let stays = |line: &Line<'_>| matches!(line, Line::Stays(_));
    let shown = |at: usize| {
        let around = at.saturating_sub(AROUND)..(at + AROUND + 1).min(lines.len());
        !lines[around].iter().all(stays)
    };
    let (mut told, mut gap) = (String::new(), true);
    for (at, line) in lines.iter().enumerate() {
        if !shown(at) {
            gap = true;
            continue;
        }
        if gap {
            told += "@@\n";
            gap = false;
        }
        let (sign, text) = match line {
            Line::Stays(text) => (' ', text),
            Line::Goes(text) => ('-', text),
            Line::Comes(text) => ('+', text),
        };
        told += format!("{sign}{text}").trim_end();
        told.push('\n');
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_common_stays_and_the_rest_goes_and_comes() {
        let before = ["a", "b", "c", "d"];
        let after = ["a", "x", "c", "d", "e"];
        let wanted = [
            Line::Stays("a"),
            Line::Goes("b"),
            Line::Comes("x"),
            Line::Stays("c"),
            Line::Stays("d"),
            Line::Comes("e"),
        ];
        assert_eq!(compare(&before, &after), wanted);
    }

    #[test]
    fn lines_far_from_any_change_are_left_out() {
        let before: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        let mut after = before.clone();
        after[10] = "ten".into();
        let before: Vec<&str> = before.iter().map(String::as_str).collect();
        let after: Vec<&str> = after.iter().map(String::as_str).collect();
        let told = hunks(&compare(&before, &after));
        assert_eq!(told, "@@\n 8\n 9\n-10\n+ten\n 11\n 12\n");
    }
}
