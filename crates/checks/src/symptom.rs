//! What a probe saw when a program did not do what it should.

use nanoserde::{DeJson, SerJson};
use wire::view;

use crate::engine::Idle;

/// One way in which a program can go wrong before the peer's eyes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, SerJson, DeJson)]
pub enum Kind {
    /// Nothing came, or only a part of what was expected, and nothing will.
    NoAnswer,
    /// Other bytes came than were expected.
    Wrong,
    /// The answers were right, but the program never ended its side.
    NoEnd,
    /// The program ended the conversation before it had said all.
    EarlyEnd,
    /// The program reset the connection.
    Reset,
    /// Nobody takes connections any more.
    Refused,
    /// The program, or its function, ended where it should have gone on.
    Gone,
    /// The program keeps the processor busy while there is nothing to do.
    Spins,
    /// The program holds more descriptors after its callers left than before.
    Leaks,
    /// The function returned an error where there was none.
    Error,
    /// The function returned a value where it should have returned an error.
    NoError,
    /// The function returned another value than it should.
    WrongValue,
    /// A rule of the exercise was broken, such as "one message, one write".
    Rule,
    /// The machine lacks what the probe needs.
    Skipped,
    /// The check itself could not do its part.
    Broken,
}

/// What the program was doing when the peer gave up waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, SerJson, DeJson)]
pub enum Doing {
    /// Every thread of it sleeps in a system call that nothing will end.
    Blocked,
    /// It runs and runs.
    Spinning,
    /// Its process has ended.
    Ended,
    /// Its function has returned.
    Returned,
    /// It wakes now and then; the deadline decided.
    Restless,
}

/// In which way a function goes on calling a stream that gets nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, SerJson, DeJson)]
pub enum Loop {
    /// It reads on after the end.
    End,
    /// It reads into a buffer without room.
    NoRoom,
    /// It writes on though nothing is taken.
    Full,
}

/// What tells one mistake from another, and is told to nobody as it stands.
#[derive(Clone, Debug, Default, PartialEq, SerJson, DeJson)]
pub struct Signs {
    /// How many connections there had been.
    pub callers: u32,
    /// How many bytes of right answers had come before on this connection.
    pub matched: usize,
    /// Where the answer had stopped, the peer said one thing more: what came then.
    pub later: Vec<u8>,
    /// The program held a connection whose end it had read.
    pub read_the_end: bool,
    /// It had spent a good part of its processor time in the kernel: it makes calls.
    pub asks: bool,
    /// It was busy, and a caller waited in its accept queue.
    pub deaf: bool,
    /// The function had returned an error.
    pub failed: bool,
    /// How many bytes lay unread in its connections.
    pub unread: u32,
    /// How many more connections it had open than when it had served its first caller.
    pub leaked: usize,
    /// In which way a function over a script ran away.
    pub loops: Option<Loop>,
    /// What the program printed.
    pub printed: String,
    /// The calls in which the processes are that it has started.
    pub children: Vec<String>,
    /// How many of its children have ended and were not collected.
    pub zombies: usize,
    /// The program itself has the caller's connection open.
    pub kept: bool,
    /// A process that it has started has the caller's connection open.
    pub served: bool,
}

/// What a probe saw.
#[derive(Clone, Debug, PartialEq, SerJson, DeJson)]
pub struct Symptom {
    /// Which way it went wrong.
    pub kind: Kind,
    /// In a few words.
    pub summary: String,
    /// What the peer expected, for people; may be empty.
    pub expected: String,
    /// What came instead, for people; may be empty.
    pub got: String,
    /// The bytes behind `expected`, where it was bytes.
    pub expected_bytes: Vec<u8>,
    /// The bytes behind `got`.
    pub got_bytes: Vec<u8>,
    /// What the program was doing, where the peer waited in vain.
    pub doing: Option<Doing>,
    /// The system calls it was blocked in.
    pub calls: Vec<String>,
    /// What the kernel says, a sentence each.
    pub kernel: Vec<String>,
    /// Where and why it panicked.
    pub panic: Option<String>,
    /// What else there was to see, for the rules.
    pub signs: Signs,
}

impl Symptom {
    /// A symptom told in a few words.
    pub fn new(kind: Kind, summary: impl Into<String>) -> Self {
        Self {
            kind,
            summary: summary.into(),
            expected: String::new(),
            got: String::new(),
            expected_bytes: Vec::new(),
            got_bytes: Vec::new(),
            doing: None,
            calls: Vec::new(),
            kernel: Vec::new(),
            panic: None,
            signs: Signs::default(),
        }
    }

    /// With what was expected and what came, as sentences.
    pub fn with_words(
        mut self,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) -> Self {
        self.expected = expected.into();
        self.got = got.into();
        self
    }

    /// With what was expected and what came, as bytes: shown whole where they are
    /// few, otherwise around the first difference.
    pub fn with_bytes(mut self, expected: &[u8], got: &[u8]) -> Self {
        (self.expected, self.got) = (shown(expected), shown(got));
        if expected.len().max(got.len()) > WHOLE
            && let Some(first) = view::first_difference(expected, got)
        {
            self.summary = format!("{}; {}", self.summary, first.sentence);
            (self.expected, self.got) = (first.expected, first.got);
        }
        (self.expected_bytes, self.got_bytes) = (expected.to_vec(), got.to_vec());
        self
    }

    /// With what the program was doing while the peer waited in vain.
    pub fn while_idle(mut self, idle: Idle) -> Self {
        self.doing = Some(idle.doing);
        let Idle { signs: seen, .. } = &idle;
        (self.signs.read_the_end, self.signs.failed) =
            (seen.read_the_end, seen.failed);
        (self.signs.asks, self.signs.unread) = (seen.asks, seen.unread);
        (self.calls, self.kernel, self.panic) = (idle.calls, idle.kernel, idle.panic);
        self
    }

    /// Whether what the function returned is what went wrong.
    pub fn is_about_the_result(&self) -> bool {
        use Kind::{Error, NoError, WrongValue};
        matches!(self.kind, WrongValue | Error | NoError)
    }

    /// Whether the program, or its function, was over by then.
    pub fn is_over(&self) -> bool {
        matches!(self.doing, Some(Doing::Ended | Doing::Returned))
    }

    /// Whether the learner has not begun: the stub's `todo!()` was reached.
    pub fn is_untouched(&self) -> bool {
        let words = self.panic.as_deref().unwrap_or_default();
        words.contains("not yet implemented")
    }
}

/// More bytes than this are not shown whole.
const WHOLE: usize = 200;

/// Bytes for people: a few of them whole, of many the beginning and the number.
pub fn shown(bytes: &[u8]) -> String {
    const BEGINNING: usize = 40;
    match bytes.len() {
        0 => "nothing".into(),
        1..=WHOLE => view::escaped(bytes),
        many => {
            let beginning = view::escaped(&bytes[..BEGINNING]);
            format!("{beginning}... ({})", view::bytes(many as u64))
        }
    }
}
