//! Tables for the appendices, from the catalogue of exercises and mistakes.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, bail};
use checks::catalogue::{Exercise, exercises, lessons, mistakes};

use crate::pieces::File;
use crate::pieces::shop::Workshop;

/// Symptom, mistake, where the book tells of it, the exercises whose checks name it.
pub fn symptoms(name: &str, shop: &Workshop) -> Result<Vec<File>> {
    let shown = shown_by(shop)?;
    let mut table = String::from(
        "| What you see | What it may be | Exercises that can show it |\n\
         |---|---|---|\n",
    );
    for mistake in mistakes() {
        let nobody = Vec::new();
        let by = shown.get(mistake.id).unwrap_or(&nobody);
        let by: Vec<String> = by.iter().map(|exercise| link_to(exercise)).collect();
        table += &format!(
            "| {} | [{}]({}) ({}) | {} |\n",
            cell(mistake.symptom),
            cell(mistake.name),
            chapter(mistake.page),
            mistake.id,
            by.join(", ")
        );
    }
    Ok(vec![File::generated(&format!("{name}.md"), table)])
}

/// The exercises by lesson.
pub fn exercises_by_lesson(name: &str, _: &Workshop) -> Result<Vec<File>> {
    let mut table =
        String::from("| Lesson | Exercise | What you build |\n|---|---|---|\n");
    for lesson in lessons() {
        let of_lesson = exercises().iter().filter(|it| it.stem == lesson.stem);
        for (nr, exercise) in of_lesson.enumerate() {
            let first = format!("[{}]({}.md)", cell(lesson.title), lesson.stem);
            table += &format!(
                "| {} | {} | {} |\n",
                if nr == 0 { first } else { String::new() },
                link_to(exercise),
                cell(exercise.title)
            );
        }
    }
    Ok(vec![File::generated(&format!("{name}.md"), table)])
}

fn link_to(exercise: &Exercise) -> String {
    format!("[`{}`]({})", exercise.id, chapter(&exercise.page()))
}

/// A page as chapters link to it: mdBook turns the name of a source into the page's.
fn chapter(page: &str) -> String {
    page.replacen(".html", ".md", 1)
}

/// Text for a cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|")
}

/// Which exercises show which mistake: those whose checks are tested with a wrong
/// answer that must get this diagnosis.
fn shown_by(shop: &Workshop) -> Result<BTreeMap<String, Vec<&'static Exercise>>> {
    let folder = shop.root().join("crates/checks/tests/answers");
    let mut shown: BTreeMap<String, Vec<&'static Exercise>> = BTreeMap::new();
    for exercise in exercises() {
        let file = format!("{}.rs", exercise.name().replace('-', "_"));
        let path = folder.join(exercise.topic()).join(file);
        let source = fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let ids = diagnosed(&source);
        if ids.is_empty() {
            bail!("{} has no wrong answer", path.display());
        }
        for id in ids {
            let by = shown.entry(id).or_default();
            if !by.contains(&exercise) {
                by.push(exercise);
            }
        }
    }
    if let Some(id) = shown
        .keys()
        .find(|id| !mistakes().iter().any(|it| it.id == *id))
    {
        bail!("a wrong answer names {id}, which is not in the catalogue");
    }
    Ok(shown)
}

/// The ids of the mistakes in `Answer::wrong("M1", …)`.
fn diagnosed(source: &str) -> Vec<String> {
    let calls = source.split("Answer::wrong(").skip(1);
    let id = |call: &str| {
        let (id, _) = call.trim_start().strip_prefix('"')?.split_once('"')?;
        Some(id.to_string())
    };
    calls.filter_map(id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ids_of_wrong_answers_are_found_however_they_are_broken_into_lines() {
        let source = "vec![\n    Answer::wrong(\"M1\", \"a\", check(a)),\n    \
                      Answer::wrong(\n        \"M28\",\n        \"b\",\n    ),\n    \
                      Answer::right(\"M3\", check(c)),\n]";
        assert_eq!(diagnosed(source), ["M1", "M28"]);
    }

    #[test]
    fn a_cell_stays_one_cell() {
        assert_eq!(cell("a|b\\|c"), "a\\|b\\\\\\|c");
    }

    #[test]
    fn links_lead_to_the_source_of_a_page() {
        assert_eq!(chapter("01-tcp.html#two-loops"), "01-tcp.md#two-loops");
    }
}
