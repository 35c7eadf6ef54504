//! Exercise `forking/crash`: who ended, and how.
//!
//! A server takes a certain number of callers, each in a child process, and tells in the
//! end how the children ended. Some of them crash: `talk` may `abort`, the kernel may
//! send SIGSEGV, somebody may kill one of them. Nobody but its own caller is to notice.
//!
//! A child that ends by itself ends with the code that `talk` returned, a byte. 0 means
//! that all went well. A signal is not a code: a shell shows SIGSEGV as 139, and a child
//! that ends with code 139 has not crashed.
//!
//! The rules of `forking/serve` hold here, too.
//!
//! The book has it in chapter 9, "Codes and signals".

use std::io;
use std::net::{TcpListener, TcpStream};

// BEGIN SOLUTION
use nix::errno::Errno;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
// END SOLUTION
use nix::unistd::ForkResult;

/// How many children ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// With code 0.
    pub well: usize,
    /// With another code.
    pub failed: usize,
    /// By a signal.
    pub crashed: usize,
}

/// Serves so many callers, all at once if they come at once, each in a child process;
/// returns when the last child has ended, with none left to collect.
pub fn serve(
    listener: TcpListener,
    callers: usize,
    talk: fn(TcpStream) -> u8,
) -> io::Result<Ends> {
    // BEGIN SOLUTION
    for _ in 0..callers {
        let (stream, _) = listener.accept()?;
        match fork()? {
            ForkResult::Child => {
                drop(listener);
                exit_now(talk(stream))
            }
            ForkResult::Parent { .. } => drop(stream),
        }
    }
    let mut ends = Ends::default();
    loop {
        match waitpid(None::<Pid>, None) {
            Ok(WaitStatus::Exited(_, 0)) => ends.well += 1,
            Ok(WaitStatus::Exited(..)) => ends.failed += 1,
            Ok(WaitStatus::Signaled(..)) => ends.crashed += 1,
            Ok(_) | Err(Errno::EINTR) => {} // not an end
            Err(Errno::ECHILD) => return Ok(ends),
            Err(error) => return Err(error.into()),
        }
    }
    // STUB let _ = (listener, callers, talk);
    // STUB todo!("serve so many, and count how their children end")
    // END SOLUTION
}

// What follows is given: the two calls that have no safe form.

/// fork(2). The process that calls it has one thread: otherwise its child would not be
/// sound, and this panics.
#[allow(unsafe_code, reason = "fork has no safe form")]
pub fn fork() -> io::Result<ForkResult> {
    let threads = std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    assert_eq!(threads, 1, "a process that forks here must have one thread");
    // SAFETY: no other thread is there that could hold a lock which the child would
    // then find closed for ever. Where there is no /proc to count them, start none.
    Ok(unsafe { nix::unistd::fork() }?)
}

/// `_exit(2)`: ends this process at once, with this code.
#[allow(unsafe_code, reason = "libc declares it like any C function")]
pub fn exit_now(code: u8) -> ! {
    // SAFETY: it takes a number and does not return.
    unsafe { nix::libc::_exit(code.into()) }
}

#[cfg(test)]
pub(crate) fn check() -> checks_forking::Check {
    checks_forking::crash(|listener, callers, talk| {
        let ends = serve(listener, callers, talk)?;
        Ok([ends.well, ends.failed, ends.crashed])
    })
}
