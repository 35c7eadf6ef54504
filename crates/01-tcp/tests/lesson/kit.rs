//! What the tests work with: the program, which they end on every path.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// The end of patience with anything that should happen at once.
pub const LIMIT: Duration = Duration::from_secs(30);

/// The lesson's program with these arguments.
pub fn lesson(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lesson-1"));
    command.args(args);
    command
}

/// A server program that does not outlive its test.
pub struct Running {
    pub child: Child,
    lines: Receiver<String>,
}

impl Running {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        // A thread, because a pipe knows no timeout; it ends when the child has.
        thread::spawn(move || {
            output
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        Self { child, lines }
    }

    /// The next line that it prints.
    pub fn line(&self) -> String {
        self.lines
            .recv_timeout(LIMIT)
            .expect("the program prints a line in time")
    }

    /// The address behind the words that a server prints first.
    pub fn addr(&self) -> String {
        let line = self.line();
        line.strip_prefix("listening on ").expect(&line).to_string()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
    }
}
