//! The pieces of lesson 7.

use super::super::transcript::Transcript;
use super::super::verdict::Shown;
use super::super::{How, Piece, layers, piece};

const fn transcript(args: &'static [&'static str]) -> How {
    How::Transcript(Transcript {
        lesson: "lesson-7",
        args,
        server: None,
    })
}

pub(super) const PIECES: &[Piece] = &[
    piece("07-raw-demo", How::Demo("lesson-7")),
    piece("07-raw-layers", How::Own(layers::make)),
    piece("07-raw-ordinary", transcript(&["layers", "ordinary"])),
    piece("07-raw-trap", transcript(&["trap"])),
    piece("07-raw-ping-socket", transcript(&["ping-socket"])),
    piece("07-raw-igmp", transcript(&["igmp"])),
    piece("07-raw-own-request", transcript(&["broken", "own-request"])),
    piece(
        "07-raw-no-pseudo-header",
        transcript(&["broken", "no-pseudo-header"]),
    ),
    piece("07-raw-twenty", transcript(&["broken", "twenty"])),
    piece("07-raw-surprise", transcript(&["surprise"])),
    piece(
        "07-raw-any-type",
        How::Verdict(Shown {
            answer: "raw ping: any type",
            mistake: "M90",
            port: 0,
        }),
    ),
    piece(
        "07-raw-no-pseudo",
        How::Verdict(Shown {
            answer: "raw udp: no pseudo-header",
            mistake: "M98",
            port: 0,
        }),
    ),
];
