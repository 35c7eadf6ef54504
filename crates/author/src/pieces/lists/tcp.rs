//! The pieces of lesson 1.

use super::super::lane::Lane;
use super::super::transcript::Transcript;
use super::super::verdict::Shown;
use super::super::{How, Piece, piece};

pub(super) const PIECES: &[Piece] = &[
    piece("01-tcp-demo", How::Demo("lesson-1")),
    piece(
        "01-tcp-greeting-lane",
        How::Lane(Lane {
            title: "The system calls of a greeting",
            lesson: "lesson-1",
            program: "greeting",
            port: 8088,
            lines: &[],
            hold: None,
        }),
    ),
    piece(
        "01-tcp-timestamps-lane",
        How::Lane(Lane {
            title: "The system calls of two lines that come back with the time",
            lesson: "lesson-1",
            program: "timestamps",
            port: 8009,
            lines: &["good morning", "and now?"],
            hold: None,
        }),
    ),
    piece(
        "01-tcp-order",
        How::Transcript(Transcript {
            lesson: "lesson-1",
            args: &["order"],
            server: Some(("remote ", 8009)),
        }),
    ),
    piece(
        "01-tcp-backlog",
        How::Transcript(Transcript {
            lesson: "lesson-1",
            args: &["backlog"],
            server: None,
        }),
    ),
    piece(
        "01-tcp-one-client-kills",
        How::Transcript(Transcript {
            lesson: "lesson-1",
            args: &["broken", "one-client-kills"],
            server: None,
        }),
    ),
    piece("01-tcp-one-read", How::Verdict(super::ONE_READ)),
    piece(
        "01-tcp-rest-dropped",
        How::Verdict(Shown {
            answer: "drops the rest of the buffer",
            mistake: "M2",
            port: 8009,
        }),
    ),
    piece(
        "01-tcp-no-end",
        How::Verdict(Shown {
            answer: "no test for the end",
            mistake: "M5",
            port: 8009,
        }),
    ),
    piece(
        "01-tcp-early-close",
        How::Verdict(Shown {
            answer: "closes after the first line",
            mistake: "M12",
            port: 8009,
        }),
    ),
];
