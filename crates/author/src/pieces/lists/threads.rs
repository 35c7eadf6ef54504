//! The pieces of lesson 8.

use super::super::transcript::Transcript;
use super::super::verdict::Shown;
use super::super::{How, Piece, piece, threads};

pub(super) const PIECES: &[Piece] = &[
    piece("08-threads-demo", How::Demo("lesson-8")),
    piece("08-threads-look", How::Own(threads::look)),
    piece("08-threads-lanes", How::Own(threads::lanes)),
    piece("08-threads-clients", How::Own(threads::clients)),
    piece("08-threads-unbounded", transcript(&["broken", "unbounded"])),
    piece("08-threads-lock", transcript(&["broken", "lock"])),
    piece("08-threads-panic", transcript(&["broken", "panic"])),
    piece("08-threads-flag", transcript(&["broken", "flag"])),
    piece(
        "08-threads-silent",
        How::Verdict(Shown {
            answer: "two: one at a time",
            mistake: "M18",
            port: 8000,
        }),
    ),
    piece(
        "08-threads-poison",
        How::Verdict(Shown {
            answer: "panic: unwraps the lock",
            mistake: "M105",
            port: 8000,
        }),
    ),
    piece(
        "08-threads-stuck",
        How::Verdict(Shown {
            answer: "chat: a lock across the write",
            mistake: "M102",
            port: 8003,
        }),
    ),
];

const fn transcript(args: &'static [&'static str]) -> How {
    How::Transcript(Transcript {
        lesson: "lesson-8",
        args,
        server: None,
    })
}
