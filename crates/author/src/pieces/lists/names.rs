//! The pieces of lesson 5. None asks this machine's resolver, or its network.

use super::super::lane::Lane;
use super::super::transcript::Transcript;
use super::super::verdict::Shown;
use super::super::{How, Piece, piece};

const fn printed(args: &'static [&'static str]) -> How {
    How::Transcript(Transcript {
        lesson: "lesson-5",
        args,
        server: None,
    })
}

pub(super) const PIECES: &[Piece] = &[
    piece("05-names-demo", How::Demo("lesson-5")),
    piece(
        "05-names-dual-lane",
        How::Lane(Lane {
            title: "The system calls of a caller who is told its address",
            lesson: "lesson-5",
            program: "dual",
            port: 9006,
            lines: &[],
            hold: None,
        }),
    ),
    piece("05-names-lookup", printed(&["lookup", "192.0.2.7", "9006"])),
    piece(
        "05-names-passive",
        printed(&["lookup", "-", "9006", "stream", "passive"]),
    ),
    piece(
        "05-names-v4mapped",
        printed(&["lookup", "192.0.2.7", "9006", "6", "v4mapped", "stream"]),
    ),
    piece("05-names-session", printed(&["session"])),
    piece("05-names-first-only", printed(&["broken", "first-only"])),
    piece("05-names-mapped", printed(&["broken", "mapped"])),
    piece("05-names-v6only", printed(&["broken", "v6only"])),
    piece(
        "05-names-silent",
        How::Verdict(Shown {
            answer: "dial: std tries them all",
            mistake: "M74",
            port: 9006,
        }),
    ),
    piece(
        "05-names-late",
        How::Verdict(Shown {
            answer: "eyeballs: one after another",
            mistake: "M72",
            port: 9006,
        }),
    ),
];
