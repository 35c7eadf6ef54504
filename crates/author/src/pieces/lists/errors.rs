//! The pieces of lesson 4.

use super::super::lane::Lane;
use super::super::transcript::Transcript;
use super::super::verdict::Shown;
use super::super::{How, Piece, piece};

pub(super) const PIECES: &[Piece] = &[
    piece("04-errors-demo", How::Demo("lesson-4")),
    piece(
        "04-errors-fin-lane",
        How::Lane(Lane {
            title: "The system calls of an end in good order: FIN, and FIN",
            lesson: "lesson-4",
            program: "slam",
            port: 7071,
            lines: &["fin"],
            hold: None,
        }),
    ),
    piece(
        "04-errors-rst-lane",
        How::Lane(Lane {
            title: "The system calls of an end by force: closed with unread input, RST",
            lesson: "lesson-4",
            program: "slam",
            port: 7071,
            lines: &["rst"],
            hold: None,
        }),
    ),
    piece("04-errors-errors", transcript(&["errors"])),
    piece("04-errors-exceptions", transcript(&["exceptions"])),
    piece("04-errors-states", transcript(&["states"])),
    piece("04-errors-deadline", transcript(&["deadline"])),
    piece("04-errors-per-read", transcript(&["broken", "per-read"])),
    piece("04-errors-flag", transcript(&["broken", "flag"])),
    piece(
        "04-errors-drip",
        How::Verdict(Shown {
            answer: "deadline: per read",
            mistake: "M66",
            port: 7070,
        }),
    ),
    piece(
        "04-errors-stop",
        How::Verdict(Shown {
            answer: "stop: a flag",
            mistake: "M31",
            port: 8000,
        }),
    ),
];

const fn transcript(args: &'static [&'static str]) -> How {
    How::Transcript(Transcript {
        lesson: "lesson-4",
        args,
        server: None,
    })
}
