//! What lesson 7 promises. One crate, so that it is linked once.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod conversation;
mod demo;
mod packets;
mod program;
mod python;

use std::io::{self, Write};
use std::process::Command;

/// The lesson's program with these arguments.
fn lesson(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lesson-7"));
    command.args(args);
    command
}

/// Whether this machine lets us make a network of our own; said if not.
fn room() -> bool {
    let output = lesson(&["room", "true"]).output().unwrap();
    let why = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        // Not `eprintln!`, which the test harness would hide.
        let _ = writeln!(io::stderr(), "skipped: {why}");
    }
    output.status.success()
}
