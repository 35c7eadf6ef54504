//! What lesson 9 promises. One crate, so that it is linked once.
//!
//! The tests of this crate run in threads, and the library's servers must not: they are
//! run from outside, as programs.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod conversation;
mod demo;
mod flood;
mod program;
mod python;

/// The lesson's program with these arguments.
fn lesson(args: &[&str]) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lesson-9"));
    command.args(args);
    command
}

/// Sends SIGINT, SIGTERM or SIGKILL to a process.
fn signal(process: &str, signal: &str) {
    let option = format!("-{signal}");
    let mut kill = std::process::Command::new("kill");
    assert!(kill.args([&option, process]).status().unwrap().success());
}
