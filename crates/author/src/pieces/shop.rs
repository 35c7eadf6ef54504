//! What pieces are made with: the lessons' programs, and a folder for the scraps.

#![allow(clippy::question_mark, reason = "nanoserde's derived code")]

use std::cell::RefCell;
use std::collections::HashMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};

use anyhow::{Context, Result, bail};
use nanoserde::DeJson;

/// Builds what the pieces need, once.
pub struct Workshop {
    root: PathBuf,
    folder: PathBuf,
    built: RefCell<HashMap<String, PathBuf>>,
}

impl Workshop {
    /// Opens it for the project at `root`.
    pub fn open(root: &Path) -> Result<Self> {
        let folder = new_folder().context("cannot make a folder for scraps")?;
        Ok(Self {
            root: root.to_path_buf(),
            folder,
            built: RefCell::default(),
        })
    }

    /// The project's root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A folder for files that nobody needs afterwards.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The cargo that builds this project.
    pub fn cargo(&self) -> Command {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut command = Command::new(cargo);
        command.current_dir(&self.root).stdin(Stdio::null());
        command
    }

    /// The program of a package that has the package's name.
    pub fn program(&self, package: &str) -> Result<PathBuf> {
        self.build(package, &["build", "--package", package, "--bin", package])
    }

    /// The program in which the checks are tested; it tells the verdict on an answer.
    pub fn answers(&self) -> Result<PathBuf> {
        let args = [
            "test",
            "--no-run",
            "--package",
            "checks",
            "--test",
            "answers",
        ];
        self.build("answers", &args)
    }

    fn build(&self, name: &str, args: &[&str]) -> Result<PathBuf> {
        if let Some(path) = self.built.borrow().get(name) {
            return Ok(path.clone());
        }
        let mut cargo = self.cargo();
        cargo
            .args(args)
            .args(["--quiet", "--message-format=json-render-diagnostics"]);
        let output = cargo.stderr(Stdio::inherit()).output();
        let output = output.context("cannot run cargo")?;
        if !output.status.success() {
            bail!("`{name}` does not build");
        }
        let messages = String::from_utf8_lossy(&output.stdout);
        let path = messages
            .lines()
            .rev()
            .find_map(|line| executable(line, name));
        let path = path.with_context(|| format!("cargo has not built `{name}`"))?;
        self.built
            .borrow_mut()
            .insert(name.to_string(), path.clone());
        Ok(path)
    }
}

/// A folder of our own among the temporary ones; an earlier run that was killed may
/// have left the first names behind.
fn new_folder() -> io::Result<PathBuf> {
    let mut number = 0;
    loop {
        let name = format!("handshake-pieces-{}-{number}", process::id());
        let folder = env::temp_dir().join(name);
        match fs::create_dir(&folder) {
            Err(error)
                if error.kind() == ErrorKind::AlreadyExists && number < 100 =>
            {
                number += 1;
            }
            made => return made.map(|()| folder),
        }
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder); // what is left is small
    }
}

/// What cargo says of something it has built; the rest of the message is ignored.
#[derive(DeJson)]
struct Message {
    executable: Option<String>,
    target: Option<Target>,
}

#[derive(DeJson)]
struct Target {
    name: String,
}

/// The program that this message of cargo is about, if its target has this name.
fn executable(message: &str, name: &str) -> Option<PathBuf> {
    let message = Message::deserialize_json(message).ok()?;
    let is_it = message.target.is_some_and(|target| target.name == name);
    message.executable.filter(|_| is_it).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_among_what_cargo_says() {
        let built = r#"{"reason":"compiler-artifact","package_id":"p",
            "target":{"kind":["bin"],"name":"lesson-1","test":false},
            "executable":"/t/debug/lesson-1","fresh":true}"#;
        let path = Some(PathBuf::from("/t/debug/lesson-1"));
        assert_eq!(executable(built, "lesson-1"), path);
        assert_eq!(executable(built, "lesson-2"), None);
        let library = r#"{"target":{"name":"lesson-1"},"executable":null}"#;
        assert_eq!(executable(library, "lesson-1"), None);
        let done = r#"{"reason":"build-finished","success":true}"#;
        assert_eq!(executable(done, "lesson-1"), None);
        assert_eq!(executable("no JSON", "lesson-1"), None);
    }
}
