//! Lesson 8: threads.
//!
//! Four servers that serve many callers at once: a thread for each caller, as a
//! function and as objects, a fixed number of threads with a queue, and a chat in which
//! everybody hears everybody.
//!
//! Read in this order:
//!
//! 1. [`lines`]: what is said to one caller, by one thread;
//! 2. [`accept`]: the loop over callers, what may go wrong in it, and how it ends;
//! 3. [`function`]: a thread for each caller, in ten lines;
//! 4. [`visits`]: a list that threads share, and that outlives a panic;
//! 5. [`object`]: the server and the connection as objects, which can be stopped;
//! 6. [`pool`]: as many threads as you say, a queue with a limit, and a polite no;
//! 7. [`chat`]: two threads for each caller, and a queue between them.
//!
//! [`memory`] and [`surprise`] measure what threads cost and bring; the servers in
//! [`broken`] are wrong on purpose.

pub mod accept;
pub mod broken;
pub mod chat;
pub mod function;
pub mod lines;
pub mod memory;
pub mod object;
pub mod pool;
pub mod surprise;
pub mod visits;

/// The chapter's own snippets are tests of this crate.
#[cfg(doctest)]
#[doc = include_str!("../../../book/src/08-threads.md")]
struct Chapter;
