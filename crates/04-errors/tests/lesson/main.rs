//! What lesson 4 promises. One crate, so that it is linked once.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod demo;
mod endings;
mod experiments;
mod gopher;
mod program;
mod python;

/// The lesson's program with these arguments.
fn lesson(args: &[&str]) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lesson-4"));
    command.args(args);
    command
}

/// Exit code, standard output and standard error of the program.
fn outcome(args: &[&str], input: &str) -> (Option<i32>, String, String) {
    let output = wire::demo::run(&mut lesson(args), input.as_bytes()).unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}
