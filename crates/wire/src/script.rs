//! A stream without a network, which does what a script says.
//!
//! A kernel may hand over the bytes of a connection in any pieces, take a part of
//! what it is given, and interrupt a call; on a quiet machine it does so once in a
//! blue moon. A [`Script`] does it whenever asked to, and writes down every call:
//!
//! ```
//! use std::io::{BufRead, BufReader, Write};
//! use wire::script::Script;
//!
//! let script = Script::new().gives_in(b"hello\n", 2).takes_at_most(3);
//! let mut line = String::new();
//! BufReader::new(script.clone()).read_line(&mut line)?;
//! script.clone().write_all(line.to_uppercase().as_bytes())?;
//!
//! assert_eq!(script.written(), b"HELLO\n");
//! assert_eq!((script.reads(), script.writes()), (3, 2));
//! # Ok::<(), std::io::Error>(())
//! ```

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Recorder, Side, Timeline, view};

/// After so many calls in a row that moved no byte every call is an error, and after
/// as many again a panic with [`RUNAWAY`] in its message.
///
/// A program that takes "no more bytes" for "no bytes yet" would ask for ever. The
/// error ends those that heed errors, the panic all others.
pub const PATIENCE: usize = 1_000;

/// The most that a script lets a program write; what is above counts as no progress.
pub const MOST_WRITTEN: usize = 64 << 20;

/// Stands in the message of the error and of the panic that end a runaway program.
pub const RUNAWAY: &str = "the program goes on calling a stream that gets nowhere";

/// A scripted stream: [`Read`] and [`Write`] for the program, an account of every
/// call for whoever wrote the script.
///
/// Clones are the same stream: give one to the program, keep one to ask afterwards.
/// The reading side is a list of steps, in the order of the calls that add them.
/// After the last one every read says end of file (`Ok(0)`), however often it is
/// asked. Without more said, the writing side takes everything.
#[derive(Clone, Debug)]
pub struct Script {
    state: Arc<Mutex<State>>,
    recorder: Recorder,
    link: u32,
}

/// What a read meets.
#[derive(Debug)]
enum Step {
    /// One piece: a read gets no more than is left of it.
    Give(VecDeque<u8>),
    Fail(ErrorKind),
}

/// What becomes of a write when the stream has taken all it will.
#[derive(Clone, Copy, Debug)]
enum Full {
    Never,
    /// `Ok(0)` from this number of bytes on.
    Nothing(usize),
    Error(usize, ErrorKind),
}

#[derive(Debug)]
struct State {
    steps: VecDeque<Step>,
    most: usize,
    full: Full,
    interruptions: usize,
    interrupted: bool,
    fruitless: usize,
    written: Vec<u8>,
    asked: Vec<usize>,
    writes: usize,
    flushes: usize,
    ends: usize,
}

impl Default for Script {
    fn default() -> Self {
        Script::new()
    }
}

/// Writing the script.
impl Script {
    /// A stream that ends at once and takes everything.
    pub fn new() -> Self {
        Script::recorded_by(Recorder::new("stream", "your function"), 0)
    }

    /// As [`Script::new`]; what happens goes into `recorder`, as connection `link`.
    pub fn recorded_by(recorder: Recorder, link: u32) -> Self {
        let state = State {
            steps: VecDeque::new(),
            most: usize::MAX,
            full: Full::Never,
            interruptions: 0,
            interrupted: false,
            fruitless: 0,
            written: Vec::new(),
            asked: Vec::new(),
            writes: 0,
            flushes: 0,
            ends: 0,
        };
        Script {
            state: Arc::new(Mutex::new(state)),
            recorder,
            link,
        }
    }

    fn change(self, change: impl FnOnce(&mut State)) -> Self {
        change(&mut self.lock());
        self
    }

    fn then(self, steps: impl IntoIterator<Item = Step>) -> Self {
        self.change(|state| state.steps.extend(steps))
    }

    /// Gives `bytes` as one piece; a reader with less room gets it in several.
    pub fn gives(self, bytes: &[u8]) -> Self {
        self.gives_in(bytes, bytes.len().max(1))
    }

    /// Gives `bytes` in pieces of `size`, the last one of what remains.
    ///
    /// # Panics
    /// If `size` is 0.
    pub fn gives_in(self, bytes: &[u8], size: usize) -> Self {
        self.then(
            bytes
                .chunks(size)
                .map(|piece| Step::Give(piece.to_vec().into())),
        )
    }

    /// Gives exactly these pieces. Empty ones are left out: a read of nothing would
    /// mean the end.
    pub fn gives_pieces(self, pieces: &[&[u8]]) -> Self {
        pieces
            .iter()
            .fold(self, |script, piece| script.gives(piece))
    }

    /// A signal interrupts the next `times` reads ([`ErrorKind::Interrupted`]).
    pub fn interrupts_reads(self, times: usize) -> Self {
        self.then((0..times).map(|_| Step::Fail(ErrorKind::Interrupted)))
    }

    /// The next `times` reads find nothing yet ([`ErrorKind::WouldBlock`]).
    pub fn would_block(self, times: usize) -> Self {
        self.then((0..times).map(|_| Step::Fail(ErrorKind::WouldBlock)))
    }

    /// The next read fails.
    pub fn fails(self, kind: ErrorKind) -> Self {
        self.then([Step::Fail(kind)])
    }

    /// Every write takes at most so many bytes.
    pub fn takes_at_most(self, bytes: usize) -> Self {
        self.change(|state| state.most = bytes)
    }

    /// A signal interrupts a write, then one succeeds, and so on, `times` in all.
    pub fn interrupts_writes(self, times: usize) -> Self {
        self.change(|state| state.interruptions = times)
    }

    /// Once `bytes` bytes are written, further writes take nothing: `Ok(0)`.
    pub fn takes_nothing_after(self, bytes: usize) -> Self {
        self.change(|state| state.full = Full::Nothing(bytes))
    }

    /// Once `bytes` bytes are written, further writes fail.
    pub fn refuses_after(self, bytes: usize, kind: ErrorKind) -> Self {
        self.change(|state| state.full = Full::Error(bytes, kind))
    }
}

/// Asking what has happened.
impl Script {
    /// Everything the program has written.
    pub fn written(&self) -> Vec<u8> {
        self.lock().written.clone()
    }

    /// The bytes that the program has not fetched.
    pub fn unread(&self) -> Vec<u8> {
        let state = self.lock();
        let left = state.steps.iter().filter_map(|step| match step {
            Step::Give(piece) => Some(piece.iter().copied()),
            Step::Fail(_) => None,
        });
        left.flatten().collect()
    }

    /// How many bytes each read had room for, in order. A `BufReader` asks for its
    /// whole buffer: where that size comes again with every message, the program
    /// makes a new one each time, and loses what the last one had read ahead.
    pub fn asked(&self) -> Vec<usize> {
        self.lock().asked.clone()
    }

    /// How many times `read` was called.
    pub fn reads(&self) -> usize {
        self.lock().asked.len()
    }

    /// How many times `write` was called.
    pub fn writes(&self) -> usize {
        self.lock().writes
    }

    /// How many times `flush` was called.
    pub fn flushes(&self) -> usize {
        self.lock().flushes
    }

    /// How many reads were told that the stream has ended; more than one or two mean
    /// that the program does not take `Ok(0)` for the end.
    pub fn ends(&self) -> usize {
        self.lock().ends
    }

    /// Whether the program had to be stopped; see [`PATIENCE`].
    pub fn ran_away(&self) -> bool {
        self.lock().fruitless > PATIENCE
    }

    /// Every call and what it met, the stream on the left.
    pub fn timeline(&self) -> Timeline {
        self.recorder.timeline()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Our own panic, the one that stops a runaway, leaves the account in order.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, text: impl Into<String>) {
        self.recorder.note(self.link, Side::Left, text);
    }

    /// Notes that a call failed.
    fn told(&self, call: &str, error: io::Error) -> io::Error {
        self.note(match error.kind() {
            ErrorKind::Interrupted => format!("a signal interrupts the {call}"),
            ErrorKind::WouldBlock => format!("the {call} would have to wait"),
            _ => format!("the {call} fails: {error}"),
        });
        error
    }
}

impl State {
    /// Counts calls that lead nowhere.
    fn no_progress(&mut self) -> io::Result<()> {
        self.fruitless += 1;
        assert!(self.fruitless <= 2 * PATIENCE, "{RUNAWAY}");
        if self.fruitless > PATIENCE {
            return Err(io::Error::other(RUNAWAY));
        }
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            self.no_progress()?;
            return Ok(0);
        }
        match self.steps.pop_front() {
            Some(Step::Give(mut piece)) => {
                let taken = piece.read(buffer)?;
                if !piece.is_empty() {
                    self.steps.push_front(Step::Give(piece));
                }
                self.fruitless = 0;
                Ok(taken)
            }
            Some(Step::Fail(kind)) => {
                self.no_progress()?;
                Err(kind.into())
            }
            None => {
                self.ends += 1;
                self.no_progress()?;
                Ok(0)
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.interruptions > 0 && !self.interrupted {
            self.interruptions -= 1;
            self.interrupted = true;
            self.no_progress()?;
            return Err(ErrorKind::Interrupted.into());
        }
        self.interrupted = false;
        let limit = match self.full {
            Full::Never => MOST_WRITTEN,
            Full::Nothing(limit) | Full::Error(limit, _) => limit,
        };
        let room = self.most.min(limit.saturating_sub(self.written.len()));
        let taken = bytes.len().min(room);
        if taken > 0 {
            self.fruitless = 0;
            self.written.extend(&bytes[..taken]);
            return Ok(taken);
        }
        self.no_progress()?;
        match self.full {
            Full::Error(limit, kind) if self.written.len() >= limit => {
                Err(kind.into())
            }
            _ => Ok(0),
        }
    }
}

impl Read for Script {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.recorder.asked(self.link, Side::Right, buffer.len());
        let result = {
            let mut state = self.lock();
            state.asked.push(buffer.len());
            state.read(buffer)
        };
        match result {
            Ok(0) if buffer.is_empty() => self.note("there is no room for any byte"),
            Ok(0) => self.recorder.end(self.link, Side::Left),
            Ok(taken) => self.recorder.sent(self.link, Side::Left, &buffer[..taken]),
            Err(_) => {}
        }
        result.map_err(|error| self.told("read", error))
    }
}

impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = {
            let mut state = self.lock();
            state.writes += 1;
            state.write(bytes)
        };
        match result {
            Ok(taken) => {
                self.recorder.sent(self.link, Side::Right, &bytes[..taken]);
                if taken < bytes.len() {
                    let offered = view::bytes(bytes.len() as u64);
                    let taken = view::number(taken as u64);
                    self.note(format!("takes {taken} of the {offered} offered"));
                }
                Ok(taken)
            }
            Err(error) => Err(self.told("write", error)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lock().flushes += 1;
        self.recorder.note(self.link, Side::Right, "flushes");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::What;
    use crate::testing::for_seeds;

    /// The sizes of the pieces that a reader with `room` gets.
    fn pieces(script: &Script, room: usize) -> Vec<usize> {
        let mut sizes = Vec::new();
        let mut buffer = vec![0; room];
        loop {
            match script.clone().read(&mut buffer).unwrap() {
                0 => return sizes,
                taken => sizes.push(taken),
            }
        }
    }

    fn kinds(script: &Script) -> Vec<&'static str> {
        let name = |what: &What| match what {
            What::Asked(_) => "asked",
            What::Sent(_) => "sent",
            What::End => "end",
            What::Note(_) => "note",
            _ => "other",
        };
        script
            .timeline()
            .events
            .iter()
            .map(|event| name(&event.what))
            .collect()
    }

    #[test]
    fn the_bytes_come_whole_whatever_the_pieces_and_the_interruptions() {
        for_seeds(|random| {
            let bytes = random.bytes(300);
            let size = 1 + random.below(300);
            let (first, rest) = bytes.split_at(random.below(bytes.len() + 1));
            let script = Script::new()
                .interrupts_reads(random.below(3))
                .gives_in(first, size)
                .interrupts_reads(random.below(3))
                .gives(rest);
            let mut got = Vec::new();
            script.clone().read_to_end(&mut got).unwrap();
            assert_eq!(got, bytes);
            assert_eq!(script.unread(), b"");
        });
    }

    #[test]
    fn everything_is_taken_whatever_the_portions_and_the_interruptions() {
        for_seeds(|random| {
            let bytes = random.bytes(300);
            let script = Script::new()
                .takes_at_most(1 + random.below(20))
                .interrupts_writes(random.below(20));
            script.clone().write_all(&bytes).unwrap();
            assert_eq!(script.written(), bytes);
        });
    }

    #[test]
    fn a_read_gets_one_piece_or_what_it_has_room_for() {
        let script = || Script::new().gives_in(b"abcdefgh", 3);
        assert_eq!(pieces(&script(), 100), [3, 3, 2]);
        assert_eq!(pieces(&script(), 2), [2, 1, 2, 1, 2]);
        let exact: [&[u8]; 3] = [b"a", b"", b"bc"];
        assert_eq!(pieces(&Script::new().gives_pieces(&exact), 9), [1, 2]);
        assert_eq!(pieces(&Script::new().gives(b""), 9), []);
    }

    #[test]
    fn the_end_is_the_end_however_often_it_is_read() {
        let script = Script::new().gives(b"x");
        assert_eq!(pieces(&script, 9), [1]);
        assert_eq!(pieces(&script, 9), []);
        assert_eq!(pieces(&script, 9), []);
        assert_eq!((script.reads(), script.ends()), (4, 3));
    }

    #[test]
    fn scripted_errors_come_in_their_place_and_once() {
        let mut script = Script::new()
            .gives(b"a")
            .would_block(2)
            .fails(ErrorKind::ConnectionReset)
            .gives(b"b");
        let mut read = || script.read(&mut [0; 9]).map_err(|error| error.kind());
        assert_eq!(read(), Ok(1));
        assert_eq!(read(), Err(ErrorKind::WouldBlock));
        assert_eq!(read(), Err(ErrorKind::WouldBlock));
        assert_eq!(read(), Err(ErrorKind::ConnectionReset));
        assert_eq!(read(), Ok(1));
        assert_eq!(read(), Ok(0));
    }

    #[test]
    fn every_second_write_is_interrupted_until_it_has_been_often_enough() {
        let mut script = Script::new().takes_at_most(1).interrupts_writes(2);
        let interrupted = Err(ErrorKind::Interrupted);
        for expected in [interrupted, Ok(1), interrupted, Ok(1), Ok(1)] {
            assert_eq!(script.write(b"xyz").map_err(|error| error.kind()), expected);
        }
    }

    #[test]
    fn a_full_stream_takes_nothing_or_refuses_after_exactly_so_many_bytes() {
        let script = Script::new().takes_nothing_after(4);
        let error = script.clone().write_all(b"abcdef").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WriteZero);
        assert_eq!(script.written(), b"abcd");

        let script = Script::new().refuses_after(4, ErrorKind::BrokenPipe);
        let error = script.clone().write_all(b"abcdef").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        assert_eq!(script.written(), b"abcd");
    }

    #[test]
    fn a_new_reader_for_every_message_shows_in_what_it_asks_for() {
        let script = Script::new().gives(b"a\nb\n");
        let mut line = String::new();
        for _ in 0..2 {
            let mut reader = BufReader::with_capacity(512, script.clone());
            reader.read_line(&mut line).unwrap();
        }
        assert_eq!(line, "a\n", "the first reader has taken both lines with it");
        assert_eq!(script.asked(), [512, 512]);
    }

    #[test]
    fn every_call_stands_in_the_timeline() {
        let mut script = Script::new()
            .gives(b"ab")
            .interrupts_reads(1)
            .takes_at_most(1);
        let mut buffer = [0; 4];
        for _ in 0..3 {
            let _ = script.read(&mut buffer);
        }
        script.write_all(b"xy").unwrap();
        script.flush().unwrap();
        let read = ["asked", "sent", "asked", "note", "asked", "end"];
        let written = ["sent", "note", "sent", "note"];
        assert_eq!(kinds(&script), [&read[..], &written].concat());
        assert_eq!(
            (script.reads(), script.writes(), script.flushes()),
            (3, 2, 1)
        );
    }

    #[test]
    fn a_read_without_room_is_not_the_end() {
        let mut script = Script::new().gives(b"a");
        assert_eq!(script.read(&mut []).unwrap(), 0);
        assert_eq!((script.ends(), script.unread()), (0, b"a".to_vec()));
    }

    #[test]
    fn a_program_that_reads_on_after_the_end_gets_an_error() {
        let script = Script::new().gives(b"abc");
        let error = loop {
            if let Err(error) = script.clone().read(&mut [0; 8]) {
                break error;
            }
        };
        assert!(error.to_string().contains(RUNAWAY), "{error}");
        assert_eq!(script.reads(), PATIENCE + 2, "one with bytes, one too many");
        assert!(script.ran_away());
    }

    #[test]
    fn a_program_that_ignores_errors_too_is_stopped_by_a_panic() {
        let script = Script::new();
        let stubborn = AssertUnwindSafe(|| {
            loop {
                let _ = script.clone().read(&mut [0; 8]);
            }
        });
        let panic = catch_unwind(stubborn).unwrap_err();
        let message = panic.downcast_ref::<String>().unwrap();
        assert!(message.contains(RUNAWAY), "{message}");
        assert_eq!(
            script.reads(),
            2 * PATIENCE + 1,
            "the account can still be read"
        );
    }

    #[test]
    fn a_program_that_writes_without_end_is_stopped() {
        let mut script = Script::new();
        let block = vec![0; 1 << 20];
        while !matches!(script.write(&block), Err(error) if error.to_string() == RUNAWAY)
        {
        }
        assert_eq!(script.written().len(), MOST_WRITTEN);
        assert!(script.ran_away());
    }

    #[test]
    fn progress_wins_the_patience_back() {
        let script = Script::new()
            .would_block(PATIENCE)
            .gives(b"a")
            .would_block(PATIENCE);
        let mut buffer = [0; 8];
        let calls = 2 * PATIENCE + 1;
        let got: usize = (0..calls)
            .filter_map(|_| script.clone().read(&mut buffer).ok())
            .sum();
        assert_eq!(got, 1);
        assert!(!script.ran_away());
    }
}
