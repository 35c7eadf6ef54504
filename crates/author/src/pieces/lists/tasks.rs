//! The pieces of lesson 11.

use super::super::transcript::Transcript;
use super::super::verdict::Shown;
use super::super::{How, Piece, piece};

const fn told(args: &'static [&'static str]) -> How {
    How::Transcript(Transcript {
        lesson: "lesson-11",
        args,
        server: None,
    })
}

pub(super) const PIECES: &[Piece] = &[
    piece("11-async-demo", How::Demo("lesson-11")),
    piece(
        "11-async-polls",
        How::Transcript(Transcript {
            lesson: "lesson-11",
            args: &["polls"],
            server: Some(("listening on ", 8001)),
        }),
    ),
    piece("11-async-timeline", told(&["timeline"])),
    piece("11-async-pressure", told(&["pressure"])),
    piece(
        "11-async-forgotten-waker",
        told(&["broken", "forgotten-waker"]),
    ),
    piece("11-async-lost-bytes", told(&["broken", "lost-bytes"])),
    piece("11-async-blocking", told(&["broken", "blocking"])),
    piece(
        "11-async-stalled",
        How::Verdict(Shown {
            answer: "blocking: as found",
            mistake: "M32",
            port: 8000,
        }),
    ),
];
