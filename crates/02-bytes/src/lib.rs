//! Lesson 2: bytes, not messages.
//!
//! TCP delivers bytes, all of them, in order. It does not deliver what one `write`
//! has sent with one `read`: where a message begins and ends is for both sides to
//! agree on. There are four such agreements, or *framings*.
//!
//! Read in this order:
//!
//! 1. [`seams`]: what becomes of two writes, and of one, on the way;
//! 2. [`framing`]: messages of a fixed length, with their length in front, with a
//!    mark at their end, and up to the end of the stream;
//! 3. [`words`]: a server whose words have their length in front;
//! 4. [`chat`]: a server whose lines end with a newline, and text as bytes;
//! 5. [`server`]: the sockets, as in the first lesson.
//!
//! Then see how the kernel makes a fast writer wait for a slow reader in [`flow`],
//! measure what it costs to send a message in pieces in [`surprise`], and find out
//! what is wrong with the programs in [`broken`].

pub mod broken;
pub mod chat;
pub mod count;
pub mod flow;
pub mod framing;
pub mod seams;
pub mod server;
pub mod surprise;
pub mod words;

/// The chapter's own snippets are tests of this crate.
#[cfg(doctest)]
#[doc = include_str!("../../../book/src/02-bytes.md")]
struct Chapter;
