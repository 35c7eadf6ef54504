//! Exercise `socketserver/choice`: one word.
//!
//! The tutorials change a server of threads into one of processes by one word of their
//! program. Here it is a word of whoever starts it: the handler is written once, and
//! the strategy is a value that is made of a text.
//!
//! The book has it in chapter 13, "Who takes it".

use std::io;
use std::net::TcpListener;
// BEGIN SOLUTION
use std::io::Write;

use socketserver::{Conn, Next, Server, Strategy};
// END SOLUTION

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
    // BEGIN SOLUTION
    let strategy = strategy(word).ok_or_else(|| {
        let why = format!("`{word}` is none of: inline, threads N, fork N");
        io::Error::new(io::ErrorKind::InvalidInput, why)
    })?;
    let server = Server::from_listener(listener).bind()?;
    server.serve(strategy, move |_| {
        move |conn: &mut Conn| {
            let Some(line) = conn.line(1024)? else {
                return Ok(Next::Close);
            };
            let mut words = answer(&line);
            words.push(b'\n');
            conn.write_all(&words)?;
            Ok(Next::Again)
        }
    })?;
    Ok(())
    // STUB let _ = (listener, word, answer);
    // STUB todo!("a strategy of a word, and one handler for all")
    // END SOLUTION
}
// BEGIN SOLUTION

fn strategy(word: &str) -> Option<Strategy> {
    if word == "inline" {
        return Some(Strategy::Inline);
    }
    let (name, number) = word.split_once(' ')?;
    let max = number.parse().ok().filter(|max| (1..=1000).contains(max))?;
    match name {
        "threads" => Some(Strategy::Threads { max }),
        "fork" => Some(Strategy::Fork { max }),
        _ => None,
    }
}
// END SOLUTION

#[cfg(test)]
pub(crate) fn check() -> checks_socketserver::Check {
    checks_socketserver::choice(serve)
}
