//! What a lesson's program prints.

use std::process::Command;

use anyhow::{Context, Result, bail};
use wire::demo::{normalised, run};

use crate::pieces::File;
use crate::pieces::shop::Workshop;

/// Which program to run.
pub struct Transcript {
    /// The lesson's package and program.
    pub lesson: &'static str,
    /// Its arguments.
    pub args: &'static [&'static str],
    /// What stands before the server's address, and the port that it is to have.
    pub server: Option<(&'static str, u16)>,
}

impl Transcript {
    /// Runs the program to its end.
    pub fn make(&self, name: &str, shop: &Workshop) -> Result<Vec<File>> {
        let mut command = Command::new(shop.program(self.lesson)?);
        command.args(self.args);
        let output = run(&mut command, b"").context("cannot run it")?;
        let errors = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            bail!("{command:?} fails: {}", errors.trim());
        }
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(vec![File::generated(
            &format!("{name}.txt"),
            self.told(&text),
        )])
    }

    fn told(&self, text: &str) -> String {
        let (before, port) = self.server.unwrap_or(("listening on ", 0));
        let server = text.split_once(before).map_or("", |(_, rest)| {
            rest.split([' ', ',', '\n']).next().unwrap_or_default()
        });
        let told = normalised(&format!("listening on {server}\n{text}"), &[port]);
        let told = told.split_once('\n').map_or("", |(_, told)| told);
        told.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_has_its_port_and_the_client_the_next() {
        let transcript = Transcript {
            lesson: "lesson-1",
            args: &[],
            server: Some(("remote ", 8009)),
        };
        let text =
            "local 127.0.0.1:33796, remote 127.0.0.1:42131\n127.0.0.1:42131 left\n";
        let told =
            "local 127.0.0.1:50001, remote 127.0.0.1:8009\n127.0.0.1:8009 left\n";
        assert_eq!(transcript.told(text), told);
    }
}
