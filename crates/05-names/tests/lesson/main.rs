//! What lesson 5 promises. One crate, so that it is linked once.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod demo;
mod dial;
mod dual;
mod program;
mod python;
mod resolve;
mod services;

use std::io::{self, Write};
use std::net::{Ipv6Addr, TcpListener};

/// The lesson's program with these arguments.
fn lesson(args: &[&str]) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lesson-5"));
    command.args(args);
    command
}

/// Whether this machine has IPv6; where it has not, that is said.
fn ipv6() -> bool {
    match TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) {
        Ok(_) => true,
        Err(error) => {
            // Not `eprintln!`, which the test harness would hide.
            let _ = writeln!(io::stderr(), "skipped: cannot bind ::1 here: {error}");
            false
        }
    }
}
