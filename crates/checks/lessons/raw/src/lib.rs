//! The checks of lesson 7: raw sockets.

mod checksum;
mod packets;
mod parse;
mod ping;
#[cfg(target_os = "linux")]
pub mod room;
mod udp;

pub use checks::Check;
pub use checksum::checksum;
pub use parse::{Parsed, parse};
pub use ping::{Became, Receive, Send, ping};
pub use udp::udp;

use checks::symptom::{Kind, Symptom};

/// Whether a panic says that a number had no room for a sum.
fn overflowed(symptom: &Symptom) -> bool {
    let words = symptom.panic.as_deref().unwrap_or_default();
    words.contains("attempt to add with overflow")
}

const OVERFLOWED: &str = "The sum had no room in the number that it was added in, and \
     the addition panicked. What does not fit into 16 bits has to come in again at the \
     lower end: add in a wider number, and bring the carries in afterwards.";

/// A checksum that is not the expected one, as two bytes each.
fn wrong_sum(summary: String, expected: u16, got: u16) -> Symptom {
    let mut symptom = Symptom::new(Kind::WrongValue, summary)
        .with_words(format!("{expected:04x}"), format!("{got:04x}"));
    symptom.expected_bytes = expected.to_be_bytes().to_vec();
    symptom.got_bytes = got.to_be_bytes().to_vec();
    symptom
}
