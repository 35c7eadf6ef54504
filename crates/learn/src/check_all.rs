//! Checks many exercises: one cargo builds what builds, then their programs run, two
//! at a time.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;

use anyhow::Result;
use checks::catalogue::Exercise;

use crate::check::{self, Outcome};
use crate::compile::{self, Built, Busy, Messages};
use crate::keeper::{Cancel, Ended};
use crate::project::Project;

/// How many checks run at once. A check is mostly waiting, but its probes also look
/// how busy the learner's program is, and should not be what makes it slow.
const AT_ONCE: usize = 2;

/// How far it is.
#[derive(Debug)]
pub enum Step {
    /// Cargo is busy.
    Cargo(Busy),
    /// This one is done.
    Done(&'static Exercise, Outcome),
}

/// Checks these exercises; `on_step` is told of each when it is done, in the order in
/// which they end.
pub fn check_all(
    project: &Project,
    exercises: &[&'static Exercise],
    color: bool,
    cancel: &Cancel,
    mut on_step: impl FnMut(Step) + Send,
) -> Result<()> {
    let busy = |busy| on_step(Step::Cargo(busy));
    let built = build(project, exercises, color, cancel, busy)?;
    let jobs = Mutex::new(exercises.iter().zip(built));
    let on_step = Mutex::new(on_step);
    let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || -> Result<()> {
        while let Some((exercise, built)) = next() {
            let outcome = judge(project, exercise, built, cancel)?;
            let mut on_step = on_step.lock().unwrap_or_else(PoisonError::into_inner);
            on_step(Step::Done(exercise, outcome));
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            if let Ok(ended) = worker.join() {
                ended?;
            }
        }
        Ok(())
    })
}

/// Builds the checks of all these exercises; what does not compile does not keep the
/// others from it.
fn build(
    project: &Project,
    exercises: &[&'static Exercise],
    color: bool,
    cancel: &Cancel,
    mut on_busy: impl FnMut(Busy) + Send,
) -> Result<Vec<Built>> {
    let mut command = compile::cargo(project, false);
    command.args([
        "build",
        "--tests",
        "--keep-going",
        compile::message_format(color),
    ]);
    for exercise in exercises {
        command.arg("-p").arg(exercise.package());
    }
    let finished = compile::run_cargo(command, cancel, &mut on_busy)?;
    let messages = Messages::read(&finished.stdout);
    let built = exercises.iter().map(|exercise| match finished.ended {
        Ended::Cancelled => Built::Cancelled,
        Ended::Itself(status) => {
            messages.about(&exercise.package(), status, &finished.stderr)
        }
        ended => Built::Failed(compile::died(ended, &finished)),
    });
    Ok(built.collect())
}

fn judge(
    project: &Project,
    exercise: &Exercise,
    built: Built,
    cancel: &Cancel,
) -> Result<Outcome> {
    match built {
        Built::Program { path, warnings } => {
            check::run(project, exercise, &path, warnings, cancel)
        }
        Built::Errors(words) => Ok(Outcome::DoesNotCompile(words)),
        Built::Failed(words) => Ok(Outcome::CannotBuild(words)),
        Built::Cancelled => Ok(Outcome::Cancelled),
    }
}
