//! Exercise `forking/hazard`: a fork among threads.
//!
//! This server sends each caller a text, in a child process. The text is behind a lock,
//! for another thread of the program changes it now and then. In all the tests that its
//! author made it worked. In use, once in a while, a caller gets nothing, and a child
//! hangs that uses no processor.
//!
//! Run it, read the verdict, explain it to yourself, and repair it:
//!
//! - a caller gets the text as it is when the caller comes, also where the other thread
//!   has the lock at that moment: then it waits until the lock is open;
//! - each caller is talked to by a child of its own, which calls `talk` with the connection
//!   and the text, and ends with the code that `talk` returns; several at once;
//! - what the child does between `fork` and its end is allowed to the child of a process
//!   with threads: signal-safety(7) lists the functions. `talk` keeps to the list;
//! - while the server waits for a caller, the lock is open.
//!
//! The comment that begins with SAFETY is wrong. Put it right as well: what has the child
//! of a process with threads to keep to, and does yours?
//!
//! The book has it in chapter 9, "Fork and threads".

use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::{Mutex, PoisonError};

use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};

/// Sends each caller the text, in a child process, until accepting itself fails.
#[allow(unsafe_code, reason = "fork has no safe form")]
pub fn serve(
    listener: TcpListener,
    text: &'static Mutex<String>,
    talk: fn(TcpStream, &str) -> u8,
) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        collect();
        // SAFETY: a fork cannot do any harm to the process that calls it.
        match unsafe { fork() }? {
            ForkResult::Child => {
                drop(listener);
                let now = text.lock().unwrap_or_else(PoisonError::into_inner);
                exit_now(talk(stream, &now))
            }
            ForkResult::Parent { .. } => drop(stream),
        }
    }
}

/// Collects the children that have ended.
fn collect() {
    while let Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) =
        waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG))
    {}
}

/// `_exit(2)`: ends this process at once, with this code.
#[allow(unsafe_code, reason = "libc declares it like any C function")]
pub fn exit_now(code: u8) -> ! {
    // SAFETY: it takes a number and does not return.
    unsafe { nix::libc::_exit(code.into()) }
}

#[cfg(test)]
pub(crate) fn check() -> checks_forking::Check {
    checks_forking::hazard(serve)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
