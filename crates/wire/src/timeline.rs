//! The data: who did what, when, on which connection.

use std::str::Chars;
use std::time::Duration;

use nanoserde::{DeJson, DeJsonErr, DeJsonState, SerJson, SerJsonState};

use crate::view;

/// Which column of the timeline.
#[derive(SerJson, DeJson, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// The peer, the client, or the stream.
    Left,
    /// The program under observation, or the server.
    Right,
}

impl Side {
    /// The other column.
    pub fn other(self) -> Side {
        match self {
            Side::Left => Side::Right,
            Side::Right => Side::Left,
        }
    }
}

/// Some bytes that travelled together, of which only both ends are kept.
///
/// A reply of many megabytes is a single event; nobody wants to read, store or
/// transmit the middle of it. As JSON the bytes are escaped text (`"caf\xC3\xA9\n"`),
/// which can be read and gives back exactly the same bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Payload {
    /// How many bytes there were.
    pub len: u64,
    /// The first of them, at most [`Payload::HEAD`].
    pub head: Vec<u8>,
    /// The last of those that are not in `head`, at most [`Payload::TAIL`].
    pub tail: Vec<u8>,
}

impl Payload {
    /// How many bytes are kept from the beginning.
    pub const HEAD: usize = 256;
    /// How many bytes are kept from the end.
    pub const TAIL: usize = 64;

    /// Keeps both ends of `bytes`.
    pub fn of(bytes: &[u8]) -> Payload {
        let (head, rest) = bytes.split_at(bytes.len().min(Self::HEAD));
        let tail = &rest[rest.len().saturating_sub(Self::TAIL)..];
        Payload {
            len: bytes.len() as u64,
            head: head.to_vec(),
            tail: tail.to_vec(),
        }
    }

    /// Whether `head` and `tail` together are all the bytes there were.
    pub fn is_whole(&self) -> bool {
        self.len == (self.head.len() + self.tail.len()) as u64
    }
}

/// How a [`Payload`] is written: the same three fields, the bytes as escaped text.
#[derive(SerJson, DeJson)]
struct PayloadText {
    len: u64,
    head: String,
    #[nserde(default)]
    tail: String,
}

impl SerJson for Payload {
    fn ser_json(&self, depth: usize, state: &mut SerJsonState) {
        let text = PayloadText {
            len: self.len,
            head: view::escape(&self.head),
            tail: view::escape(&self.tail),
        };
        text.ser_json(depth, state);
    }
}

impl DeJson for Payload {
    fn de_json(
        state: &mut DeJsonState,
        input: &mut Chars<'_>,
    ) -> Result<Self, DeJsonErr> {
        let text = PayloadText::de_json(state, input)?;
        let bytes = |text: &str| view::unescape(text).ok_or(state.err_parse("bytes"));
        let (head, tail) = (bytes(&text.head)?, bytes(&text.tail)?);
        if ((head.len() + tail.len()) as u64) > text.len {
            return Err(state.err_range("len is less than the bytes that follow"));
        }
        Ok(Payload {
            len: text.len,
            head,
            tail,
        })
    }
}

/// What one side did.
#[derive(SerJson, DeJson, Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// It connects; the addresses, e.g. `127.0.0.1:50001 -> 127.0.0.1:8009`, or
    /// nothing.
    Connect(String),
    /// It sent these bytes, which travel to the other column.
    Sent(Payload),
    /// It sent these bytes, and they are lost on their way.
    Lost(Payload),
    /// It took these bytes off the stream, in one read.
    Received(Payload),
    /// It asked for up to so many bytes: the size of the buffer of a read.
    Asked(u64),
    /// It ended its sending: FIN on a connection, end of file for the reader.
    End,
    /// It reset the connection (RST): bytes on their way are lost.
    Reset,
    /// It waited in vain; for what, and how long.
    GaveUp(String),
    /// Anything else worth a line: `100 ms pass`, `exits with code 101`.
    Note(String),
}

/// One line of a [`Timeline`].
#[derive(SerJson, DeJson, Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// Microseconds since the beginning.
    pub at_us: u64,
    /// Which connection, counted from 1; 0 when it belongs to none.
    pub link: u32,
    /// Who did it.
    pub side: Side,
    /// What was done.
    pub what: What,
}

/// A conversation, event by event, between the parties of two columns.
#[derive(SerJson, DeJson, Clone, PartialEq, Eq, Debug)]
pub struct Timeline {
    /// The left column's title.
    pub left: String,
    /// The right column's title.
    pub right: String,
    /// What happened, in order.
    pub events: Vec<Event>,
}

impl Timeline {
    /// A timeline without events; `left` and `right` are the columns' titles.
    pub fn new(left: &str, right: &str) -> Self {
        Timeline {
            left: left.into(),
            right: right.into(),
            events: Vec::new(),
        }
    }

    /// Appends an event, `at` after the beginning.
    pub fn push(&mut self, at: Duration, link: u32, side: Side, what: What) {
        let at_us = u64::try_from(at.as_micros()).unwrap_or(u64::MAX);
        self.events.push(Event {
            at_us,
            link,
            side,
            what,
        });
    }

    /// The same events with every time set to zero: equal for two runs that did the
    /// same, however long each took.
    pub fn without_times(&self) -> Timeline {
        let mut timeless = self.clone();
        for event in &mut timeless.events {
            event.at_us = 0;
        }
        timeless
    }
}

/// How a timeline is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Look {
    /// Columns of the terminal; fewer than 40 count as 40, more than 120 as 120.
    pub width: usize,
    /// Whether to emphasise with ANSI colours.
    pub color: bool,
    /// Whether lines and arrows may be drawn with more than ASCII.
    pub unicode: bool,
    /// Whether to say when each event happened.
    pub times: bool,
}

impl Default for Look {
    /// Eighty columns, Unicode, times, no colour.
    fn default() -> Self {
        Look {
            width: 80,
            color: false,
            unicode: true,
            times: true,
        }
    }
}

impl Look {
    /// The width that is really used.
    pub(crate) fn columns(&self) -> usize {
        self.width.clamp(40, 120)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::for_seeds;

    #[test]
    fn a_payload_keeps_all_of_a_short_text_and_both_ends_of_a_long_one() {
        for_seeds(|random| {
            let bytes = random.bytes(700);
            let payload = Payload::of(&bytes);
            assert_eq!(payload.len, bytes.len() as u64);
            assert!(
                bytes.starts_with(&payload.head) && bytes.ends_with(&payload.tail)
            );
            let kept = payload.head.len() + payload.tail.len();
            assert_eq!(kept, bytes.len().min(Payload::HEAD + Payload::TAIL));
            assert_eq!(payload.is_whole(), kept == bytes.len());
        });
    }

    #[test]
    fn every_timeline_comes_back_from_json() {
        for_seeds(|random| {
            let timeline = random.timeline();
            let json = timeline.serialize_json();
            assert_eq!(
                Timeline::deserialize_json(&json).unwrap(),
                timeline,
                "{json}"
            );
        });
    }

    #[test]
    fn bytes_in_json_can_be_read() {
        let json = What::Sent(Payload::of("é\n".as_bytes())).serialize_json();
        assert_eq!(
            json,
            r#"{"Sent":[{"len":3,"head":"\\xC3\\xA9\\n","tail":""}]}"#
        );
    }

    #[test]
    fn json_that_cannot_be_a_payload_is_refused() {
        let refused = [
            r#"{"len":1,"head":"\\q","tail":""}"#,
            r#"{"len":1,"head":"a","tail":"b"}"#,
            r#"{"len":-1,"head":""}"#,
            r#"{"head":""}"#,
            "",
        ];
        for json in refused {
            assert!(Payload::deserialize_json(json).is_err(), "{json}");
        }
    }

    #[test]
    fn without_times_two_runs_of_the_same_are_equal() {
        let run = |at| {
            let mut timeline = Timeline::new("a", "b");
            timeline.push(Duration::from_micros(at), 1, Side::Left, What::End);
            timeline
        };
        assert_ne!(run(1), run(2));
        assert_eq!(run(1).without_times(), run(2).without_times());
    }
}
