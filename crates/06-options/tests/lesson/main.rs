//! What lesson 6 promises. One crate, so that it is linked once.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod chat;
mod demo;
mod experiments;
mod names;
mod passing;
mod program;
mod python;

/// The lesson's program with these arguments.
fn lesson(args: &[&str]) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lesson-6"));
    command.args(args);
    command
}

/// A folder of a test, removed with all that is in it.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new(test: &str) -> Self {
        let name = format!("lesson-6-test-{test}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
