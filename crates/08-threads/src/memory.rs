//! What the kernel says of a server's memory and threads.

use std::fs;
use std::io::{self, ErrorKind};

/// What a process has: `/proc/PID/status` of proc_pid_status(5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// Threads.
    pub threads: u64,
    /// Memory that it really occupies, in KiB.
    pub resident: u64,
    /// Addresses that are reserved for it, in KiB; behind most of them is no memory.
    pub reserved: u64,
}

// ANCHOR: parse
/// Reads the text of a `/proc/PID/status`; `None` where something is missing.
///
/// ```
/// let status = "VmSize:\t  9000 kB\nVmRSS:\t  700 kB\nThreads:\t3\n";
/// let used = lesson_8::memory::parse(status).unwrap();
/// assert_eq!((used.threads, used.resident, used.reserved), (3, 700, 9000));
/// ```
pub fn parse(status: &str) -> Option<Use> {
    let value = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let value = line.strip_prefix(':')?.split_ascii_whitespace().next()?;
        value.parse().ok()
    };
    Some(Use {
        threads: value("Threads")?,
        resident: value("VmRSS")?,
        reserved: value("VmSize")?,
    })
}
// ANCHOR_END: parse

/// What this process uses at this moment.
///
/// # Errors
///
/// Where there is no such file: elsewhere than on Linux, or if the process has ended.
pub fn of(pid: u32) -> io::Result<Use> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).map_err(|error| {
        io::Error::new(error.kind(), format!("cannot read {path}: {error}"))
    })?;
    let nothing = || io::Error::new(ErrorKind::InvalidData, format!("{path}: empty"));
    parse(&status).ok_or_else(nothing)
}
