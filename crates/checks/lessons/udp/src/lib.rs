//! The checks of lesson 3: datagrams.

mod ask;
mod echo;
mod store;
mod transfer;

pub use ask::ask;
pub use checks::Check;
pub use echo::echo;
pub use store::store;
pub use transfer::transfer;

use std::io::{self, ErrorKind};

use checks::diagnosis::{self, Findings, Rule};
use checks::engine::{Seen, Stage};
use checks::symptom::{Kind, Symptom};

fn diagnose(rules: &[Rule], seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let reply = <[u8]>::to_vec;
    diagnosis::name(&[rules], &Findings { seen, reply })
}

/// Bytes that differ from their neighbours, and from those a power of two away.
fn pattern(length: usize) -> Vec<u8> {
    (0..251_u8).cycle().take(length).collect()
}

/// What a function returned, as text that [`expect_bytes`] and [`expect_time_out`]
/// read.
fn told(result: io::Result<Vec<u8>>) -> Result<String, String> {
    match result {
        Ok(bytes) => Ok(bytes.escape_ascii().to_string()),
        Err(error) if error.kind() == ErrorKind::TimedOut => Err(TIMED_OUT.into()),
        Err(error) => Err(format!("{:?}: {error}", error.kind())),
    }
}

const TIMED_OUT: &str = "TimedOut";

/// Expects that the function returns these bytes.
fn expect_bytes(stage: &mut Stage, expected: &[u8]) -> Result<(), Symptom> {
    let wanted = expected.escape_ascii().to_string();
    match stage.returned()? {
        Ok(told) if told == wanted => Ok(()),
        Ok(told) => {
            let summary = "your function returned other bytes than were sent";
            let symptom = Symptom::new(Kind::WrongValue, summary);
            Err(symptom.with_bytes(expected, &unescaped(&told)))
        }
        Err(error) => {
            let summary = "your function returned an error";
            Err(Symptom::new(Kind::Error, summary)
                .with_words(format!("Ok, with {}", brief(expected)), error))
        }
    }
}

/// Expects that the function returns an error of the kind `TimedOut`.
fn expect_time_out(stage: &mut Stage) -> Result<(), Symptom> {
    const WANTED: &str = "an error of the kind TimedOut";
    match stage.returned()? {
        Err(error) if error == TIMED_OUT => Ok(()),
        Err(error) => {
            let summary = "your function returned an error of another kind";
            Err(Symptom::new(Kind::Error, summary).with_words(WANTED, error))
        }
        Ok(told) => {
            let summary = "nobody answered, and your function did not say so";
            let got = format!("Ok, with {}", brief(&unescaped(&told)));
            Err(Symptom::new(Kind::NoError, summary).with_words(WANTED, got))
        }
    }
}

fn brief(bytes: &[u8]) -> String {
    match bytes {
        [] => "no bytes".into(),
        bytes => checks::symptom::shown(bytes),
    }
}

/// The bytes behind what `escape_ascii` made of them.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next() {
            Some(b'n') => bytes.push(b'\n'),
            Some(b'r') => bytes.push(b'\r'),
            Some(b't') => bytes.push(b'\t'),
            Some(b'x') => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                let digits = String::from_utf8_lossy(&digits).into_owned();
                bytes.extend(u8::from_str_radix(&digits, 16));
            }
            Some(other) => bytes.push(other),
            None => {}
        }
    }
    bytes
}

/// Whether `got` is no more than the beginning of `expected`, of whatever was behind
/// a buffer's end.
fn is_cut(symptom: &Symptom) -> bool {
    matches!(symptom.kind, Kind::Wrong | Kind::WrongValue)
        && !symptom.got_bytes.is_empty()
        && symptom.got_bytes.len() < symptom.expected_bytes.len()
        && symptom.expected_bytes.starts_with(&symptom.got_bytes)
}

/// Whether `got` is what was expected, and zeros that nobody sent. One alone may be
/// the end of a string in the manner of C.
fn has_zeros_behind(symptom: &Symptom) -> bool {
    let behind = symptom.got_bytes.strip_prefix(&symptom.expected_bytes[..]);
    matches!(symptom.kind, Kind::Wrong | Kind::WrongValue)
        && behind.is_some_and(|rest| rest.len() > 1 && rest.iter().all(|b| *b == 0))
}

/// Whether a byte that is no text came back as what `from_utf8_lossy` makes of it.
fn has_replaced(symptom: &Symptom) -> bool {
    const REPLACED: [u8; 3] = [0xef, 0xbf, 0xbd];
    symptom.kind == Kind::Wrong && symptom.got_bytes.windows(3).any(|w| w == REPLACED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_escaped_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(unescaped(&all.escape_ascii().to_string()), all);
    }
}
