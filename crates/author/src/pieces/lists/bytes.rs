//! The pieces of lesson 2.

use super::super::lane::Lane;
use super::super::transcript::Transcript;
use super::super::verdict::Shown;
use super::super::{How, Piece, deadlock, piece, ribbon};

pub(super) const PIECES: &[Piece] = &[
    piece("02-bytes-demo", How::Demo("lesson-2")),
    piece(
        "02-bytes-words-lane",
        How::Lane(Lane {
            title: "The system calls of eight words: eight writes, and one read of a \
                    client that was held up meanwhile",
            lesson: "lesson-2",
            program: "words",
            port: 9990,
            lines: &[],
            hold: Some("setsockopt"),
        }),
    ),
    piece("02-bytes-ribbon", How::Own(ribbon::make)),
    piece(
        "02-bytes-seams",
        How::Transcript(Transcript {
            lesson: "lesson-2",
            args: &["seams"],
            server: None,
        }),
    ),
    piece(
        "02-bytes-one-read",
        How::Transcript(Transcript {
            lesson: "lesson-2",
            args: &["broken", "one-read"],
            server: None,
        }),
    ),
    piece(
        "02-bytes-utf8",
        How::Transcript(Transcript {
            lesson: "lesson-2",
            args: &["broken", "utf8"],
            server: None,
        }),
    ),
    piece(
        "02-bytes-upload",
        How::Verdict(Shown {
            answer: "upload: writes first",
            mistake: "M28",
            port: 9000,
        }),
    ),
    piece("02-bytes-deadlock", How::Own(deadlock::make)),
];
