//! Exercise `async/waker`: an executor that sleeps, and loses no wake-up.
//!
//! An executor polls tasks. One that has nothing to do says pending and has seen to
//! it that its waker is called some day: by another task, by another thread, or by
//! itself before its poll has returned. Between two wake-ups the executor sleeps.
//!
//! The book has it in chapter 11, "An executor in two hundred lines".

use std::pin::Pin;

/// A future that an executor drives to its end.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Polls `tasks` in this thread until each is ready, then returns.
///
/// Each is polled once to begin with, and after that for its own wake-ups: at least
/// once after each, and never more often than it has been woken. Several wake-ups
/// before the same poll may be one. A task that is woken goes to the end of the row,
/// also if it wakes itself in its poll: others that wait for their turn come first.
///
/// While nobody is woken the thread sleeps, in a call without a time limit. A waker
/// may be called from any thread, at any time, also while its task is being polled,
/// after the task is over and after `run` has returned; it never waits for a poll. A
/// task that is over is not polled again.
pub fn run(tasks: Vec<Task>) {
    let _ = tasks;
    todo!("a row of woken tasks, and sleep while it is empty")
}

#[cfg(test)]
pub(crate) fn check() -> checks_async::Check {
    checks_async::waker(run)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
