//! What is wrong with a packet, and where.

use std::{error, fmt, io};

/// A packet that is not what it says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// The protocol and the field of it, such as `IPv4 total length`.
    pub field: &'static str,
    /// What the field says, and what would have been right.
    pub why: String,
}

impl Malformed {
    pub(crate) fn new(field: &'static str, why: impl Into<String>) -> Self {
        let why = why.into();
        Self { field, why }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.why)
    }
}

impl error::Error for Malformed {}

impl From<Malformed> for io::Error {
    fn from(malformed: Malformed) -> Self {
        Self::new(io::ErrorKind::InvalidData, malformed)
    }
}

/// The 16 bits at this place, most significant byte first; `None` past the end.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_be_bytes(*two))
}
