//! Exercise `threads/panic`: a handler that panics.
//!
//! A server answers lines with lines. How, is not yours to say: it is given a function,
//! somebody else's, and some lines that function does not survive. It panics, with a
//! lock in its hand. That may cost the caller who sent such a line its connection. It
//! may not cost anybody anything else.
//!
//! The book has it in chapter 8, "A panic is one caller's".

use std::io;
use std::net::TcpListener;

/// Answers a line; both are without their newline.
///
/// The number is the one of the whole server: it has to be the same for all callers, so
/// it stands behind a lock that is held for the call. The function may change it, and
/// may panic, before or after. Whatever is in it then is to be taken as it is. It never
/// waits for anything.
pub type Answer = fn(line: &[u8], number: &mut u64) -> Vec<u8>;

/// Serves callers until accepting itself fails. The number is 0 in the beginning.
///
/// `workers` callers are served at once, by as many threads; a further one waits until
/// one of them has left. Each line of a caller is answered with what `answer` says and
/// a newline, until the caller ends its side. (A line is any bytes, none at all included,
/// and not longer than 1024. A last line without its newline is a line too.)
///
/// When `answer` panics, its caller's connection is ended, without a word. All others
/// are served as before, also those that come later; and there are as many threads to
/// serve them as before.
pub fn serve(
    listener: TcpListener,
    workers: usize,
    answer: Answer,
) -> io::Result<()> {
    let _ = (listener, workers, answer);
    todo!("threads that serve callers, and survive `answer`")
}

#[cfg(test)]
pub(crate) fn check() -> checks_threads::Check {
    checks_threads::panic(serve)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
