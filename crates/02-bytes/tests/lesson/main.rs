//! What lesson 2 promises. One crate, so that it is linked once.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod chat;
mod demo;
mod experiments;
mod framing;
mod program;
mod python;
mod server;

/// The lesson's program with these arguments.
fn lesson(args: &[&str]) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lesson-2"));
    command.args(args);
    command
}
