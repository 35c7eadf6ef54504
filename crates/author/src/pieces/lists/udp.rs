//! The pieces of lesson 3.

use super::super::transcript::Transcript;
use super::super::verdict::Shown;
use super::super::{How, Piece, datagrams, piece};

const fn run(args: &'static [&'static str]) -> How {
    How::Transcript(Transcript {
        lesson: "lesson-3",
        args,
        server: None,
    })
}

pub(super) const PIECES: &[Piece] = &[
    piece("03-udp-demo", How::Demo("lesson-3")),
    piece("03-udp-ask-lane", How::Own(datagrams::make)),
    piece("03-udp-sizes", run(&["sizes"])),
    piece("03-udp-nobody", run(&["nobody"])),
    piece("03-udp-groups", run(&["groups"])),
    piece("03-udp-stale", run(&["broken", "stale"])),
    piece("03-udp-apprentice", run(&["broken", "apprentice"])),
    piece(
        "03-udp-cut",
        How::Verdict(Shown {
            answer: "udp echo: 1024 bytes",
            mistake: "M29",
            port: 9000,
        }),
    ),
    piece(
        "03-udp-twice",
        How::Verdict(Shown {
            answer: "transfer: keeps it twice",
            mistake: "M56",
            port: 9000,
        }),
    ),
];
