//! Exercise `forking/serve`: a process for each caller.
//!
//! The server accepts, forks, and accepts again. The child talks to the caller with a
//! function that is given, `talk`: it takes the connection, and returns the child's exit
//! code.
//!
//! After `fork` there are two descriptors of everything. What is asked of you is that
//! each process keeps what it needs, and nothing else:
//!
//! - a caller sees the end of its connection as soon as its child has ended, and the
//!   server's descriptors do not add up;
//! - when the server is killed, nobody listens at the port any more, also while children
//!   of it go on talking;
//! - a child talks to one caller and ends, with the code that `talk` returned. It never
//!   accepts, and it does not return from your function;
//! - what the server has printed without a newline, which waits in a buffer of the
//!   process, is not printed by its children as well.
//!
//! Callers are served at once, however many there are. One that breaks off is no concern
//! of the others. Children that have ended need not be collected: that is the next
//! exercise.
//!
//! The book has it in chapter 9, "Two processes, two copies".

use std::io;
use std::net::{TcpListener, TcpStream};

use nix::unistd::ForkResult;

/// Serves each caller in a child process, until accepting itself fails. Start no thread;
/// [`fork`] and [`exit_now`] are below.
pub fn serve(listener: TcpListener, talk: fn(TcpStream) -> u8) -> io::Result<()> {
    // BEGIN SOLUTION
    loop {
        let (stream, peer) = listener.accept()?;
        match fork() {
            Ok(ForkResult::Child) => {
                drop(listener); // or the port stays occupied while this child lives
                exit_now(talk(stream)) // and not `exit`, which flushes what is not ours
            }
            Ok(ForkResult::Parent { .. }) => {}
            Err(error) => eprintln!("{peer} is not served: {error}"),
        }
        drop(stream); // or the caller sees no end when the child has ended
    }
    // STUB let _ = (listener, talk);
    // STUB todo!("accept, fork, and have each side close what is the other's")
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
    checks_forking::serve(serve)
}
