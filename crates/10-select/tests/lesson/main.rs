//! What lesson 10 promises. One crate, so that it is linked once.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod conn;
mod demo;
mod experiments;
mod program;
mod python;
#[cfg(target_os = "linux")]
mod reactor;
mod servers;
mod terminal;
mod timers;

/// The lesson's program with these arguments.
fn lesson(args: &[&str]) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lesson-10"));
    command.args(args);
    command
}
