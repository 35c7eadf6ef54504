//! The pieces of lesson 13.

use super::super::transcript::Transcript;
use super::super::verdict::Shown;
use super::super::{How, Piece, classes, piece};

pub(super) const PIECES: &[Piece] = &[
    piece("13-socketserver-demo", How::Demo("lesson-13")),
    piece("13-socketserver-types", How::Own(classes::make)),
    piece("13-socketserver-fork", transcript(&["trace", "fork"])),
    piece("13-socketserver-objects", transcript(&["objects"])),
    piece("13-socketserver-seats", transcript(&["broken", "seats"])),
    piece(
        "13-socketserver-shutdown",
        transcript(&["broken", "shutdown"]),
    ),
    piece(
        "13-socketserver-hidden",
        How::Verdict(Shown {
            answer: "lifecycle: question mark",
            mistake: "M140",
            port: 8009,
        }),
    ),
    piece(
        "13-socketserver-open",
        How::Verdict(Shown {
            answer: "lifecycle: only drops",
            mistake: "M143",
            port: 8009,
        }),
    ),
];

const fn transcript(args: &'static [&'static str]) -> How {
    How::Transcript(Transcript {
        lesson: "lesson-13",
        args,
        server: None,
    })
}
