//! The pieces of lesson 6.

use super::super::transcript::Transcript;
use super::super::verdict::Shown;
use super::super::{How, Piece, cost, passed, piece};

pub(super) const PIECES: &[Piece] = &[
    piece("06-options-demo", How::Demo("lesson-6")),
    shown("06-options-kinds", &["kinds"]),
    shown("06-options-linger", &["linger"]),
    shown("06-options-names", &["names"]),
    shown("06-options-packets", &["packets"]),
    shown("06-options-copies", &["copies"]),
    shown("06-options-sendfile", &["sendfile"]),
    shown("06-options-takes-the-name", &["broken", "takes-the-name"]),
    shown("06-options-keeps-a-copy", &["broken", "keeps-a-copy"]),
    piece("06-options-cost", How::Own(cost::make)),
    piece("06-options-passed", How::Own(passed::make)),
    piece(
        "06-options-no-end",
        How::Verdict(Shown {
            answer: "passfd: keeps a copy",
            mistake: "M27",
            port: 8888,
        }),
    ),
    piece(
        "06-options-nagle",
        How::Verdict(Shown {
            answer: "prompt: no option",
            mistake: "M86",
            port: 8888,
        }),
    ),
];

const fn shown(name: &'static str, args: &'static [&'static str]) -> Piece {
    let transcript = Transcript {
        lesson: "lesson-6",
        args,
        server: None,
    };
    piece(name, How::Transcript(transcript))
}
