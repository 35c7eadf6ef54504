//! Puts an exercise back to its stub, and keeps what the learner wrote.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, anyhow};
use checks::catalogue::Exercise;

use crate::clock;
use crate::progress;
use crate::project::Project;

/// What a reset did.
#[derive(Debug, PartialEq, Eq)]
pub enum Reset {
    /// The file is the stub already.
    Nothing,
    /// The file is the stub now; what it was is kept here, below the project's root,
    /// unless there was no file.
    Done(Option<PathBuf>),
}

/// Puts the exercise's `lib.rs` back to the stub. What was there is copied to
/// `.learn/attempts` first; if that fails, nothing is changed.
pub fn reset(project: &Project, exercise: &Exercise) -> Result<Reset> {
    let stub = stub(project, exercise)?;
    let file = project.path(exercise.stub());
    let kept = match fs::read(&file) {
        Ok(now) if now == stub.as_bytes() => return Ok(Reset::Nothing),
        Ok(now) => Some(keep(project, exercise, &now)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            return Err(error)
                .with_context(|| format!("cannot read {}", file.display()));
        }
    };
    progress::replace(&file, stub.as_bytes())
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(Reset::Done(kept))
}

/// Whether the learner's file is the stub as it came.
pub fn is_pristine(project: &Project, exercise: &Exercise) -> bool {
    let now = fs::read_to_string(project.path(exercise.stub()));
    stub(project, exercise).is_ok_and(|stub| now.is_ok_and(|now| now == stub))
}

/// The stub, cut anew from the solution, which is its only source.
fn stub(project: &Project, exercise: &Exercise) -> Result<String> {
    let solution = solution(project, exercise)?;
    checks::stub::cut(&solution).map_err(|why| {
        let file = exercise.solution();
        anyhow!("cannot cut the stub from {}: {why}", file.display())
    })
}

/// The solution as its file has it, with the marks that the stub is cut along.
pub fn solution(project: &Project, exercise: &Exercise) -> Result<String> {
    let file = project.path(exercise.solution());
    fs::read_to_string(&file)
        .with_context(|| format!("cannot read {}", file.display()))
}

/// Keeps an attempt in a new file and returns its path below the project's root.
fn keep(project: &Project, exercise: &Exercise, attempt: &[u8]) -> Result<PathBuf> {
    let dir = Path::new(".learn").join("attempts").join(exercise.id);
    let time = clock::stamp(SystemTime::now()).replace(':', "");
    let names = (1..).map(|n| match n {
        1 => format!("{time}.rs"),
        n => format!("{time}-{n}.rs"),
    });
    let mut paths = names.map(|name| dir.join(name));
    let free = paths.find(|path| !project.path(path).exists());
    let path = free.context("no free name for the attempt")?;
    progress::replace(&project.path(&path), attempt)
        .with_context(|| format!("cannot keep your file as {}", path.display()))?;
    Ok(path)
}
