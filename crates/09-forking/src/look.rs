//! What `/proc` says of a family of processes (proc(5)).

use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use nix::unistd::Pid;

/// What is waited for here takes milliseconds; after this, something is wrong.
pub const PATIENCE: Duration = Duration::from_secs(10);

fn file(process: Pid, name: &str) -> PathBuf {
    format!("/proc/{process}/{name}").into()
}

fn read(process: Pid, name: &str) -> io::Result<String> {
    let path = file(process, name);
    fs::read_to_string(&path).map_err(|error| {
        let why = format!("cannot read {}: {error}", path.display());
        io::Error::new(error.kind(), why)
    })
}

/// The children of a process, also those that have ended and are not collected, in the
/// order in which they began.
///
/// # Errors
///
/// If there is no such process, or no `/proc`.
pub fn children(process: Pid) -> io::Result<Vec<Pid>> {
    let text = read(process, &format!("task/{process}/children"))?;
    let numbers = text.split_ascii_whitespace();
    Ok(numbers
        .filter_map(|number| number.parse().ok())
        .map(Pid::from_raw)
        .collect())
}

/// The letter of a process's state, as ps(1) shows it: `S` sleeps, `R` runs, `Z` has
/// ended.
///
/// # Errors
///
/// As [`children`].
pub fn state(process: Pid) -> io::Result<char> {
    let text = read(process, "stat")?;
    // The name before it stands in brackets, and may hold anything.
    let behind = text.rsplit_once(") ").map(|(_, behind)| behind);
    let letter = behind.and_then(|behind| behind.chars().next());
    letter.ok_or_else(|| io::Error::other(format!("no state of {process} in /proc")))
}

/// The number of the system call that a process sleeps in; nothing where it runs, or may
/// not be looked at.
pub fn call(process: Pid) -> Option<i64> {
    let text = read(process, "syscall").ok()?;
    text.split_ascii_whitespace().next()?.parse().ok()
}

/// What a process has open, apart from its input and outputs: the number, and what
/// `/proc` calls it.
///
/// # Errors
///
/// As [`children`].
pub fn descriptors(process: Pid) -> io::Result<Vec<(i32, String)>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(file(process, "fd"))? {
        let entry = entry?;
        let number = entry.file_name().to_string_lossy().parse();
        // One that was closed meanwhile has no name any more.
        if let (Ok(number @ 3..), Ok(name)) = (number, fs::read_link(entry.path())) {
            all.push((number, name.to_string_lossy().into_owned()));
        }
    }
    all.sort();
    Ok(all)
}

/// How many kilobytes a process has in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// All the pages that it has, also those that others have too.
    pub rss: u64,
    /// Its share of them: a page that ten processes have counts as a tenth.
    pub pss: u64,
}

/// What a process has in memory: `smaps_rollup` of proc(5).
///
/// # Errors
///
/// As [`children`].
pub fn memory(process: Pid) -> io::Result<Memory> {
    let text = read(process, "smaps_rollup")?;
    Ok(parse_memory(&text))
}

/// The two numbers out of the text of a `smaps_rollup`; what is missing is 0.
///
/// ```
/// use lesson_9::look::parse_memory;
///
/// let memory = parse_memory("Rss:    2048 kB\nPss:     300 kB\nPss_Anon: 7 kB\n");
/// assert_eq!((memory.rss, memory.pss), (2048, 300));
/// ```
pub fn parse_memory(text: &str) -> Memory {
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_ascii_whitespace().next());
        number.and_then(|number| number.parse().ok()).unwrap_or(0)
    };
    Memory {
        rss: field("Rss:"),
        pss: field("Pss:"),
    }
}

/// Waits until `what` it is asks for is there: looks again and again, for the kernel
/// tells nobody of these things.
///
/// # Errors
///
/// `TimedOut` after [`PATIENCE`], with these words, and those of `is_so`.
pub fn until(
    what: &str,
    mut is_so: impl FnMut() -> io::Result<bool>,
) -> io::Result<()> {
    let started = Instant::now();
    while !is_so()? {
        if started.elapsed() > PATIENCE {
            let why = format!("not after {PATIENCE:?}: {what}");
            return Err(io::Error::new(io::ErrorKind::TimedOut, why));
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}
