//! Shows one good answer.

use anyhow::{Result, anyhow};
use checks::catalogue::Exercise;

use crate::project::Project;
use crate::reset;

/// The solution with a word above it: where it is, and that it is one of many.
pub fn text(project: &Project, exercise: &Exercise) -> Result<String> {
    let marked = reset::solution(project, exercise)?;
    let file = exercise.solution();
    let solution = checks::stub::without_marks(&marked)
        .map_err(|why| anyhow!("cannot read {}: {why}", file.display()))?;
    Ok(format!(
        "One good answer to {}, from {}. Yours may differ and be as good.\n\n\
         {solution}",
        exercise.id,
        file.display()
    ))
}
