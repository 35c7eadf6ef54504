//! Which process `cargo learn xray` looks at, and what it tells.

use std::fs;

use anyhow::{Context, Result};
use checks::catalogue::lessons;

use crate::project::Misuse;

/// A running lesson.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// Its program's name, such as `lesson-1`.
    pub name: String,
    /// Its process.
    pub pid: u32,
}

/// The lessons that run now, by process number.
pub fn running_lessons() -> Vec<Running> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new(); // no /proc: looking at a process says so
    };
    let mut running: Vec<Running> = entries
        .filter_map(|entry| {
            let pid = entry.ok()?.file_name().to_str()?.parse().ok()?;
            // Other people's processes do not tell; they are no concern of ours.
            let program = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
            let name = program.file_name()?.to_str()?;
            // A program that has been built anew since it was started.
            let name = name.strip_suffix(" (deleted)").unwrap_or(name).to_owned();
            let number = name.strip_prefix("lesson-")?;
            number.parse::<u8>().ok()?;
            Some(Running { name, pid })
        })
        .collect();
    running.sort_by_key(|lesson| lesson.pid);
    running
}

/// The processes that `target` means: a process number, or all of a running lesson.
pub fn find(target: &str) -> Result<Vec<u32>> {
    if let Ok(pid) = target.parse() {
        return Ok(vec![pid]);
    }
    let running = running_lessons();
    let of_name = running.iter().filter(|lesson| lesson.name == target);
    let pids: Vec<u32> = of_name.map(|lesson| lesson.pid).collect();
    if !pids.is_empty() {
        return Ok(pids);
    }
    let number = target
        .strip_prefix("lesson-")
        .and_then(|n| n.parse::<u8>().ok());
    let is_here =
        |number: &u8| lessons().iter().any(|lesson| lesson.number == *number);
    match number {
        Some(number) if !is_here(&number) => {
            Err(Misuse(format!("there is no lesson-{number} here")).into())
        }
        Some(number) => Err(Misuse(format!(
            "lesson-{number} is not running; {}",
            advice(number)
        ))
        .into()),
        None => {
            let what = "is neither a process number nor a lesson such as `lesson-1`";
            Err(Misuse(format!("`{target}` {what}")).into())
        }
    }
}

fn advice(lesson: u8) -> String {
    format!("`cargo run -p lesson-{lesson} -- help` lists what it can run")
}

/// What the kernel says of one process.
pub fn look(pid: u32, width: usize) -> Result<String> {
    let process =
        xray::look(pid).with_context(|| format!("cannot look at process {pid}"))?;
    Ok(process.to_text(width))
}

/// What the kernel says of this process, or of the lessons that run.
pub fn text(pid: Option<u32>, width: usize) -> String {
    let pids = match pid {
        Some(pid) => vec![pid],
        None => running_lessons().iter().map(|lesson| lesson.pid).collect(),
    };
    if pids.is_empty() {
        return format!(
            "No lesson is running. Start one in another terminal, and it shows \
             here:\n\n\
             \x20   cargo run -p lesson-1 -- server timestamps\n\n\
             ({}.)\n\nAny other process: type its number and Enter.\n",
            advice(1)
        );
    }
    let seen = pids
        .iter()
        .map(|&pid| look(pid, width).unwrap_or_else(|error| format!("{error:#}\n")));
    seen.collect::<Vec<_>>().join("\n")
}
