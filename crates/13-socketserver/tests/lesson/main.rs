//! What lesson 13 promises. One crate, so that it is linked once.
//!
//! The tests of this crate run in threads, and a server that forks must not: the
//! servers are run from outside, as programs.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod combinations;
mod demo;
mod objects;
mod order;
mod program;
mod words;

use std::process::{Command, Output};

use wire::demo::{Server, run};

/// The lesson's program with these arguments.
fn lesson(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lesson-13"));
    command.args(args);
    command
}

/// What a program prints that has to succeed.
fn output(command: &mut Command) -> String {
    let output: Output = run(command, b"").unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Asks a server to stop, as `kill` does.
fn terminate(server: &Server) {
    let pid = server.id().to_string();
    let kill = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(kill.unwrap().success());
}
