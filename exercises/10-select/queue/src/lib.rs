//! Exercise `select/queue`: what the caller does not take yet.
//!
//! A server sends back in capitals (ASCII letters only) whatever bytes a caller
//! sends, to all callers at once, in one thread: you start neither a thread nor a
//! process. There are no lines here, only bytes. Some callers send much, and read
//! late or never:
//!
//! - what a caller does not take waits in a queue of its own; in the end it gets
//!   every byte, in order, also when it has ended its side meanwhile;
//! - while `mark` bytes or more wait in a caller's queue, nothing more is read from
//!   that caller; when there are fewer, it is read from again. One read brings at
//!   most 64 KiB, so that no queue is ever longer than `mark` and 64 KiB;
//! - nobody else waits meanwhile;
//! - after a caller's end, and the last byte to it, its connection is closed;
//! - a caller that resets ends its own visit and nothing else;
//! - while there is nothing to do the server sleeps: also while callers are connected
//!   and silent, and also while one does not read and its queue is full.
//!
//! The book has it in chapter 10, "Room to write".

use std::io;
use std::net::TcpListener;

/// Serves all callers of `listener`, for ever, with queues that are bounded by
/// `mark`, which is at least 1.
///
/// Returns only when waiting or accepting itself has failed.
pub fn serve(listener: TcpListener, mark: usize) -> io::Result<()> {
    let _ = (listener, mark);
    todo!("a queue for each caller, and no more than a mark in it")
}

#[cfg(test)]
pub(crate) fn check() -> checks_select::Check {
    checks_select::queue(serve)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
