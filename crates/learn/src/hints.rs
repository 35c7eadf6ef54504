//! An exercise's hints: three levels, shown one at a time.

use std::fs;
use std::io;

use anyhow::{Context, Result};
use checks::catalogue::Exercise;

use crate::project::Project;

/// The hints of an exercise, from the gentlest to the plainest. An exercise without
/// hints has none; a file that cannot be read is an error.
pub fn load(project: &Project, exercise: &Exercise) -> Result<Vec<String>> {
    let path = project.path(exercise.dir()).join("hints.md");
    match fs::read(&path) {
        Ok(text) => Ok(parse(&String::from_utf8_lossy(&text))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => {
            Err(error).with_context(|| format!("cannot read {}", path.display()))
        }
    }
}

/// The sections headed `## 1`, `## 2`, … of a Markdown text, in that order. What
/// stands before the first is for the file's own readers.
fn parse(text: &str) -> Vec<String> {
    let mut hints: Vec<String> = Vec::new();
    for line in text.lines() {
        let next = format!("## {}", hints.len() + 1);
        if line.trim_end() == next {
            hints.push(String::new());
        } else if let Some(hint) = hints.last_mut() {
            hint.push_str(line.trim_end());
            hint.push('\n');
        }
    }
    hints.iter().map(|hint| hint.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_numbered_section_is_a_hint() {
        let text = "# Hints\n\nintro\n\n## 1\n\nlook\n\n## 2\nread\n  twice\n## 3\n";
        assert_eq!(parse(text), ["look", "read\n  twice", ""]);
    }

    #[test]
    fn a_heading_out_of_order_belongs_to_the_text() {
        assert_eq!(
            parse("## 2\nno\n## 1\nyes\n## 3\n### 2"),
            ["yes\n## 3\n### 2"]
        );
    }

    #[test]
    fn no_text_breaks_the_parser() {
        for seed in 0..300 {
            let mut random = fastrand::Rng::with_seed(seed);
            let bytes: Vec<u8> = (0..random.usize(0..200))
                .map(|_| b"## 12\n\xFFa\r"[random.usize(0..9)])
                .collect();
            let text = String::from_utf8_lossy(&bytes);
            let hints = parse(&text);
            assert!(
                hints
                    .iter()
                    .all(|hint| text.contains(hint.lines().next().unwrap_or(""))),
                "seed {seed}"
            );
        }
    }
}
