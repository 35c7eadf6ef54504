//! Exercise `socketserver/choice`: one word.
//!
//! The tutorials change a server of threads into one of processes by one word of their
//! program. Here it is a word of whoever starts it: the handler is written once, and
//! the strategy is a value that is made of a text.
//!
//! The book has it in chapter 13, "Who takes it".

use std::io;
use std::net::TcpListener;

/// Serves lines until accepting fails, by the strategy that `word` names.
///
/// - `inline`: one caller after another, in the thread that called.
/// - `threads N`: up to N callers at once, each on a thread of its own; more wait.
/// - `fork N`: up to N callers at once, each in a process of its own; more wait.
///
/// N is a number from 1 to 1000, and one space is before it. Every other word is an
/// error of the kind `InvalidInput` whose text contains the word, before anybody is
/// served.
///
/// Each line (of at most 1024 bytes, without its newline) is answered with what `answer`
/// says and a newline, until the caller ends.
///
/// The process has one thread when this is called, so it may fork.
pub fn serve(
    listener: TcpListener,
    word: &str,
    answer: fn(&[u8]) -> Vec<u8>,
) -> io::Result<()> {
    let _ = (listener, word, answer);
    todo!("a strategy of a word, and one handler for all")
}

#[cfg(test)]
pub(crate) fn check() -> checks_socketserver::Check {
    checks_socketserver::choice(serve)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
