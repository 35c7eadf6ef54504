//! The pieces of lesson 9.

use super::super::transcript::Transcript;
use super::super::verdict::Shown;
use super::super::{How, Piece, forked, piece};

pub(super) const PIECES: &[Piece] = &[
    piece("09-forking-demo", How::Demo("lesson-9")),
    piece("09-forking-lane", How::Own(forked::make)),
    shown("09-forking-crash", &["crash"]),
    shown("09-forking-zombies", &["zombies"]),
    shown("09-forking-hazard", &["hazard"]),
    shown(
        "09-forking-keeps-the-connection",
        &["broken", "keeps-the-connection"],
    ),
    shown(
        "09-forking-keeps-the-listener",
        &["broken", "keeps-the-listener"],
    ),
    shown("09-forking-one-wait", &["broken", "one-wait"]),
    shown("09-forking-twice", &["broken", "twice"]),
    verdict(
        "09-forking-no-end",
        "fork serve: keeps the connection",
        "M111",
    ),
    verdict("09-forking-futex", "hazard: as it was found", "M118"),
];

const fn shown(name: &'static str, args: &'static [&'static str]) -> Piece {
    let transcript = Transcript {
        lesson: "lesson-9",
        args,
        server: None,
    };
    piece(name, How::Transcript(transcript))
}

const fn verdict(
    name: &'static str,
    answer: &'static str,
    mistake: &'static str,
) -> Piece {
    let shown = Shown {
        answer,
        mistake,
        port: 8009,
    };
    piece(name, How::Verdict(shown))
}
