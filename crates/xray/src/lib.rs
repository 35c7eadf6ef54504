//! What the kernel says of a process.
//!
//! A program that hangs says nothing. The kernel knows a good deal: which system call
//! each thread sleeps in, on which descriptor, what that descriptor is connected to,
//! how many bytes lie there unread, how many connections wait to be accepted. This
//! crate asks it, and puts the answer into sentences:
//!
//! ```text
//! blocked in recvfrom on fd 4, the connection from 127.0.0.1:58974; 0 bytes unread
//! ```
//!
//! There are two ways to ask, because the answers cost differently:
//!
//! - [`glance`] reads the threads alone: state, system call, context switches, run
//!   time. It is meant to be repeated. [`Glance::quiet_since`] compares two of them
//!   and tells a process that is stuck from one that is merely slow, without a clock.
//! - [`look`] is a glance and everything that gives it meaning ([`Glance::resolve`]):
//!   descriptors, sockets with their queues, children, zombies.
//!
//! ```
//! # fn main() -> std::io::Result<()> {
//! # #[cfg(target_os = "linux")] {
//! let me = xray::look(std::process::id())?;
//! print!("{}", me.to_text(80)); // a page for people
//! for thread in &me.threads {
//!     println!("{}: {thread}", thread.name); // "main: running or ready to run"
//! }
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! Two more questions are about the machine: [`named`] finds processes, and
//! [`tcp_on`] tells who occupies a port.
//!
//! # Where the answers come from
//!
//! | What | Where | Described in |
//! |---|---|---|
//! | threads: state, switches | `/proc/PID/task/TID/status` | proc_pid_status(5) |
//! | call and arguments | `/proc/PID/task/TID/syscall` | proc_pid_syscall(5) |
//! | run and wait times | `/proc/PID/task/TID/schedstat` | sched-stats.rst * |
//! | descriptors | `/proc/PID/fd` | proc_pid_fd(5) |
//! | what an epoll set watches | `/proc/PID/fdinfo/FD` | proc_pid_fdinfo(5) |
//! | children | `/proc/PID/task/TID/children` | proc_tid_children(5) |
//! | TCP sockets, queues | the kernel's socket monitoring | sock_diag(7) |
//! | UDP and Unix sockets | `/proc/PID/net/udp`, `udp6`, `unix` | proc_pid_net(5) |
//!
//! \* in the kernel's `Documentation/scheduler`.
//!
//! # Rights
//!
//! Your own processes need no right at all, with one exception: where the Yama
//! security module is set to 1 (as on Ubuntu), `syscall` may be read for your own
//! *descendants* only. What may not be read is left out and named, in
//! [`Thread::unseen`] and [`Process::unseen`]; the rest of the answer stands.
//!
//! Nothing here stops, traces or slows the process, and nothing reads its memory. So
//! arguments that are addresses, such as the list given to poll(2), stay unknown.
//!
//! # Elsewhere than Linux
//!
//! The crate builds, and every question is answered by an error of the kind
//! [`Unsupported`](std::io::ErrorKind::Unsupported) that says what cannot be seen.

mod call;
mod descriptor;
mod page;
mod process;
mod socket;
mod thread;
mod words;

#[cfg(any(target_os = "linux", test))]
mod parse;
#[cfg(any(target_os = "linux", test))]
mod rows;

#[cfg(target_os = "linux")]
mod diag;
#[cfg(target_os = "linux")]
mod limits;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod tables;
#[cfg(target_os = "linux")]
use linux as system;

// Compiled for the tests on Linux too: what it says should not rot unread.
#[cfg(any(not(target_os = "linux"), test))]
mod elsewhere;
#[cfg(not(target_os = "linux"))]
use elsewhere as system;

pub use call::Call;
pub use descriptor::{Descriptor, Kind, PipeEnd, Watch};
pub use process::{Glance, Process, Relative};
pub use socket::{TcpSocket, UdpSocket, UnixKind, UnixSocket};
pub use thread::Thread;

use std::io;
use std::time::Duration;

/// Everything there is to see of a process: a [`glance`], resolved.
///
/// # Errors
///
/// [`NotFound`](io::ErrorKind::NotFound) if there is no such process,
/// [`PermissionDenied`](io::ErrorKind::PermissionDenied) if `/proc` is mounted so
/// that other users' processes are closed (`hidepid`), and
/// [`Unsupported`](io::ErrorKind::Unsupported) elsewhere than on Linux. A part that
/// may not be read is no error: see [`Process::unseen`].
pub fn look(pid: u32) -> io::Result<Process> {
    glance(pid)?.resolve()
}

/// The threads of a process and what each is doing, quickly: three small files a
/// thread.
///
/// # Errors
///
/// As for [`look`].
pub fn glance(pid: u32) -> io::Result<Glance> {
    system::glance(pid)
}

/// The children of a process, as in [`Process::children`], without the rest of the
/// picture: who else could wake it.
///
/// # Errors
///
/// As for [`look`].
pub fn children(pid: u32) -> io::Result<Vec<Relative>> {
    system::children(pid)
}

/// How a process has ended that its parent has not collected yet, as wait(2) will report
/// it: the field `exit_code` of proc_pid_stat(5). None while it lives.
///
/// # Errors
///
/// As for [`look`].
pub fn wait_status(pid: u32) -> io::Result<Option<i32>> {
    system::wait_status(pid)
}

/// Every TCP socket on this machine whose local port is `port`, also those that no
/// process holds any more, such as one in TIME-WAIT: who occupies a port, and why.
///
/// "This machine" is the network namespace of the caller (network_namespaces(7)).
///
/// # Errors
///
/// If the kernel does not tell, and [`Unsupported`](io::ErrorKind::Unsupported)
/// elsewhere than on Linux.
pub fn tcp_on(port: u16) -> io::Result<Vec<TcpSocket>> {
    system::tcp_on(port)
}

/// The time limit of the socket that a thread of process `pid` is blocked on in `call`:
/// `SO_RCVTIMEO` or `SO_SNDTIMEO`, whichever concerns the call (socket(7)). `None` if
/// it has none, or the call is on no socket.
///
/// # Errors
///
/// If the descriptor may not be copied: that takes the right to trace the process
/// (ptrace(2), "Ptrace access mode checking"), which one has for one's own children,
/// and Linux 5.6. [`Unsupported`](io::ErrorKind::Unsupported) elsewhere than on Linux.
pub fn time_limit(pid: u32, call: &Call) -> io::Result<Option<Duration>> {
    system::time_limit(pid, call)
}

/// The numbers of the processes with this name, lowest first; a name longer than 15
/// bytes is compared by its first 15, as the kernel keeps no more. Zombies are left
/// out.
///
/// # Errors
///
/// If `/proc` cannot be read, and [`Unsupported`](io::ErrorKind::Unsupported)
/// elsewhere than on Linux.
pub fn named(name: &str) -> io::Result<Vec<u32>> {
    system::named(name)
}
