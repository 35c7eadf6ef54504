//! The pieces of lesson 10.

use super::super::difference::{Difference, Region};
use super::super::transcript::Transcript;
use super::super::verdict::Shown;
use super::super::{How, Piece, piece};

const QUEUES: &str = "crates/10-select/src/queues.rs";
const POLLING: &str = "crates/10-select/src/polling.rs";
const LEVELS: &str = "crates/10-select/src/levels.rs";
const EDGES: &str = "crates/10-select/src/edges.rs";

pub(super) const PIECES: &[Piece] = &[
    piece("10-select-demo", How::Demo("lesson-10")),
    piece("10-select-nonblocking", transcript(&["nonblocking"])),
    piece("10-select-limit", transcript(&["limit"])),
    piece("10-select-triggers", transcript(&["triggers"])),
    piece("10-select-hidden", transcript(&["broken", "hidden-lines"])),
    piece("10-select-half", transcript(&["broken", "half-drained"])),
    piece("10-select-to-poll", difference(QUEUES, POLLING, "wait")),
    piece("10-select-to-epoll", difference(POLLING, LEVELS, "serve")),
    piece("10-select-to-edge", difference(LEVELS, EDGES, "serve")),
    piece(
        "10-select-room",
        How::Verdict(Shown {
            answer: "queue: always waits for room",
            mistake: "M22",
            port: 10000,
        }),
    ),
    piece(
        "10-select-half-line",
        How::Verdict(Shown {
            answer: "lines: reads to the newline",
            mistake: "M19",
            port: 10000,
        }),
    ),
    piece(
        "10-select-edge",
        How::Verdict(Shown {
            answer: "edge: one large read",
            mistake: "M23",
            port: 10000,
        }),
    ),
];

const fn transcript(args: &'static [&'static str]) -> How {
    How::Transcript(Transcript {
        lesson: "lesson-10",
        args,
        server: None,
    })
}

/// From one file to the next, the same region.
const fn difference(
    before: &'static str,
    after: &'static str,
    anchor: &'static str,
) -> How {
    How::Difference(Difference {
        before: Region {
            file: before,
            anchor,
        },
        after: Region {
            file: after,
            anchor,
        },
    })
}
