//! The programs of the tutorials: what is said to a line, and nothing about sockets.

use std::time::SystemTime;

use crate::ctime::ctime;

// ANCHOR: program
/// What a server says, whoever runs it and over whatever it is said.
///
/// It is a value: it can be looked up by name, given to a server, copied for each
/// peer.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Its name on the command line.
    pub name: &'static str,
    /// The port that the tutorials give it.
    pub port: u16,
    /// What it says before the peer has said anything; may be empty.
    pub welcome: &'static [u8],
    /// What it says to a line. Neither has its newline.
    pub answer: fn(&[u8], SystemTime) -> Answer,
}

/// What is said to a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// This, and the conversation goes on.
    Say(Vec<u8>),
    /// This, and the conversation is over.
    Bye(Vec<u8>),
}

/// All programs: what Python's `getattr(module, name)` would look for among
/// everything that the module has, and this among what it offers.
pub const PROGRAMS: [Program; 3] = [HOTLINE, TIMESTAMPS, UPPER];

/// The program of this name.
pub fn find(name: &str) -> Option<Program> {
    PROGRAMS.into_iter().find(|program| program.name == name)
}
// ANCHOR_END: program

/// The hotline: a greeting, and a menu.
pub const HOTLINE: Program = Program {
    name: "hotline",
    port: 8009,
    welcome: b"welcome to the hotline: 0 for a person, exit to hang up\n",
    answer: |line, _| hotline(line),
};

/// Each line with the time before it.
pub const TIMESTAMPS: Program = Program {
    name: "timestamps",
    port: 8009,
    welcome: b"",
    answer: |line, now| Answer::Say(stamp(line, now)),
};

/// Each line in capital letters.
pub const UPPER: Program = Program {
    name: "upper",
    port: 9999,
    welcome: b"",
    answer: |line, _| Answer::Say(line.to_ascii_uppercase()),
};

/// What the hotline says.
///
/// ```
/// use lesson_13::programs::{Answer, hotline};
///
/// assert_eq!(hotline(b"exit"), Answer::Bye(b"goodbye".to_vec()));
/// ```
pub fn hotline(line: &[u8]) -> Answer {
    match line {
        b"exit" => Answer::Bye(b"goodbye".to_vec()),
        b"0" => Answer::Say(b"this call may be recorded".to_vec()),
        _ => Answer::Say(b"please enter again".to_vec()),
    }
}

/// A line with the time before it.
///
/// ```
/// let stamped = lesson_13::programs::stamp(b"hello", std::time::UNIX_EPOCH);
/// assert_eq!(stamped, b"[Thu Jan  1 00:00:00 1970] hello");
/// ```
pub fn stamp(line: &[u8], now: SystemTime) -> Vec<u8> {
    let mut answer = format!("[{}] ", ctime(now)).into_bytes();
    answer.extend_from_slice(line); // as it came: it need not be text
    answer
}
