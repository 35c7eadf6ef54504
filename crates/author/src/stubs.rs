//! Cuts the stubs from the solutions.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use checks::catalogue::{Exercise, exercises};
use checks::stub;

use crate::Finding;

/// Writes every stub. What a learner has written there is overwritten: this is for a
/// checkout in which nobody learns.
pub fn write(root: &Path) -> Result<()> {
    for exercise in exercises() {
        let path = root.join(exercise.stub());
        let text = cut(root, exercise)?;
        let parent = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
        fs::create_dir_all(&parent)
            .with_context(|| format!("cannot make {}", parent.display()))?;
        fs::write(&path, text)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// The stubs that are not what would be cut.
pub fn differing(root: &Path) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for exercise in exercises() {
        let there =
            fs::read_to_string(root.join(exercise.stub())).unwrap_or_default();
        if there != cut(root, exercise)? {
            findings.push(Finding::new(
                exercise.stub(),
                "is not what `cargo author stubs` would cut from its solution",
            ));
        }
    }
    Ok(findings)
}

fn cut(root: &Path, exercise: &Exercise) -> Result<String> {
    let path = root.join(exercise.solution());
    let solution = fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    stub::cut(&solution).map_err(|why| anyhow!("{}: {why}", path.display()))
}
