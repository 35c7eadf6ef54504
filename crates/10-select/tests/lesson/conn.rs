//! One client's state, over a scripted stream: what it makes of whatever comes.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::rc::Rc;

use lesson_10::ANY_PORT;
use lesson_10::conn::{Conn, HIGH_WATER, MAX_LINE, News, TURN, Visit};

/// A stream that gives what it has, and takes as much as there is room for.
#[derive(Default)]
struct Wire {
    input: VecDeque<u8>,
    /// How many bytes each read gives at most; then it would block once.
    pieces: VecDeque<usize>,
    ended: bool,
    room: usize,
    output: Vec<u8>,
}

#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Wire>>);

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut wire = self.0.borrow_mut();
        let most = wire.pieces.pop_front().unwrap_or(usize::MAX);
        let length = most.min(buffer.len()).min(wire.input.len());
        if length == 0 {
            return match wire.ended && wire.input.is_empty() {
                true => Ok(0),
                false => Err(ErrorKind::WouldBlock.into()),
            };
        }
        for (to, from) in buffer.iter_mut().zip(wire.input.drain(..length)) {
            *to = from;
        }
        Ok(length)
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut wire = self.0.borrow_mut();
        let length = bytes.len().min(wire.room);
        if length == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        wire.room -= length;
        wire.output.extend_from_slice(&bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn conn() -> (Conn<Shared>, Shared) {
    let wire = Shared::default();
    (Conn::new(wire.clone(), ANY_PORT), wire)
}

/// What a right server answers: each line in capitals, the last one too.
fn answers(input: &[u8]) -> Vec<u8> {
    let mut answers = input.to_ascii_uppercase();
    if !input.is_empty() && !input.ends_with(b"\n") {
        answers.push(b'\n');
    }
    answers
}

fn turn(conn: &mut Conn<Shared>, wire: &Shared, room: usize) -> Visit {
    wire.0.borrow_mut().room = room;
    conn.turn(true, true, &mut |_| {})
}

#[test]
fn whatever_comes_however_it_is_cut_and_taken_all_is_answered_in_order() {
    let mut random = fastrand::Rng::with_seed(10);
    for _ in 0..300 {
        let input: Vec<u8> = (0..random.usize(..3000))
            .map(|_| match random.u8(..8) {
                0 => b'\n',
                1 => random.u8(..),
                _ => random.alphanumeric() as u8,
            })
            .collect();
        let (mut conn, wire) = conn();
        {
            let mut wire = wire.0.borrow_mut();
            wire.input = input.iter().copied().collect();
            wire.pieces = (0..input.len() / 2).map(|_| random.usize(..40)).collect();
            wire.ended = true;
        }
        let mut turns = 0;
        while turn(&mut conn, &wire, random.usize(..50)) == Visit::GoesOn {
            assert!(conn.wants_read() || conn.wants_write());
            assert_eq!(conn.wants_write(), conn.queued() > 0);
            turns += 1;
            assert!(turns < 100_000, "it does not end");
        }
        assert_eq!(wire.0.borrow().output, answers(&input));
    }
}

#[test]
fn a_client_that_reads_nothing_is_read_from_up_to_a_mark() {
    let (mut conn, wire) = conn();
    wire.0.borrow_mut().input = b"a line\n".repeat(1 << 20).into();
    for _ in 0..1000 {
        assert_eq!(turn(&mut conn, &wire, 0), Visit::GoesOn);
    }
    assert!(!conn.wants_read() && conn.wants_write());
    assert!(conn.queued() >= HIGH_WATER && conn.queued() < HIGH_WATER + TURN);
    // There is room again: it is read from again.
    turn(&mut conn, &wire, HIGH_WATER);
    assert!(conn.wants_read());
}

#[test]
fn a_line_that_is_too_long_ends_the_visit_and_the_longest_does_not() {
    for (length, ends) in [(MAX_LINE, false), (MAX_LINE + 1, true)] {
        let (mut conn, wire) = conn();
        wire.0.borrow_mut().input = vec![b'x'; length].into();
        let mut told = None;
        let mut visit = Visit::GoesOn;
        for _ in 0..10 {
            visit = conn.turn(true, false, &mut |news| {
                if let News::Lost(_, error) = news {
                    told = Some(error.to_string());
                }
            });
            if visit == Visit::IsOver {
                break;
            }
        }
        assert_eq!(visit == Visit::IsOver, ends, "{length}");
        assert_eq!(told.is_some_and(|why| why.contains("8192")), ends);
    }
}

#[test]
fn a_turn_without_news_does_nothing() {
    let (mut conn, wire) = conn();
    for _ in 0..3 {
        assert_eq!(turn(&mut conn, &wire, 0), Visit::GoesOn);
    }
    assert!(conn.wants_read() && !conn.wants_write() && !conn.is_done());
}

#[test]
fn the_end_comes_after_the_last_answer() {
    let (mut conn, wire) = conn();
    wire.0.borrow_mut().input = b"one\ntail".iter().copied().collect();
    wire.0.borrow_mut().ended = true;
    turn(&mut conn, &wire, 0);
    assert_eq!(turn(&mut conn, &wire, 2), Visit::GoesOn);
    assert_eq!(turn(&mut conn, &wire, 2), Visit::GoesOn);
    while turn(&mut conn, &wire, 99) == Visit::GoesOn {}
    assert_eq!(wire.0.borrow().output, b"ONE\nTAIL\n");
    assert_eq!(conn.answered(), 2);
}
