//! Which pieces there are: those of the lessons, a module each, and those of the whole
//! course.

use super::terminal::Screen;
use super::verdict::Shown;
use super::{How, Piece, piece, std_calls, tables};

mod bytes;
mod errors;
mod forking;
mod names;
mod options;
mod raw;
mod select;
mod socketserver;
mod tasks;
mod tcp;
mod threads;
mod udp;

/// All of them, in the order of the book.
pub(super) fn all() -> impl Iterator<Item = &'static Piece> {
    let lists = [
        tcp::PIECES,
        bytes::PIECES,
        udp::PIECES,
        errors::PIECES,
        names::PIECES,
        options::PIECES,
        raw::PIECES,
        threads::PIECES,
        forking::PIECES,
        select::PIECES,
        tasks::PIECES,
        socketserver::PIECES,
        COURSE,
    ];
    lists.into_iter().flatten()
}

/// The verdict that the README shows, too.
pub(super) const ONE_READ: Shown = Shown {
    answer: "one read one message",
    mistake: "M1",
    port: 8009,
};

const COURSE: &[Piece] = &[
    piece("std-calls", How::Own(std_calls::make)),
    piece("symptoms", How::Own(tables::symptoms)),
    piece("exercises", How::Own(tables::exercises_by_lesson)),
    piece(
        "verdict",
        How::Screen(Screen {
            title: "cargo learn check tcp/timestamps",
            verdict: ONE_READ,
        }),
    ),
];
