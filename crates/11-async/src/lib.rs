//! Lesson 11: coroutines and async.
//!
//! A thread that waits for a client is a stack, a place in the kernel's tables and a
//! switch. What the program needs to remember meanwhile is often a few bytes. A
//! *coroutine* is those few bytes, and a function that goes on from there.
//!
//! Read in this order:
//!
//! 1. [`coroutine`]: one conversation as a thread, as callbacks, as a state machine
//!    by hand, and as an `async fn`;
//! 2. [`executor`]: what polls such functions, on the reactor of lesson 10, in two
//!    hundred lines; [`socket`]: the futures that wait for a socket and for time;
//! 3. [`lines`]: lines out of pieces, without any waiting in it; [`mini`]: a server
//!    on our executor;
//! 4. [`upper`]: the same server on tokio, which ends with a deadline;
//! 5. [`chat`]: a room of clients, with a broadcast and bounded queues;
//! 6. [`pressure`]: what a bounded queue does to who is too fast.
//!
//! Then compare tasks and threads in [`timeline`], [`memory`] and [`surprise`], and
//! find out what is wrong with the programs in [`broken`].

pub mod broken;
pub mod chat;
pub mod coroutine;
pub mod executor;
pub mod lines;
pub mod memory;
pub mod mini;
pub mod pressure;
pub mod socket;
pub mod surprise;
pub mod timeline;
pub mod upper;

/// The chapter's own snippets are tests of this crate.
#[cfg(doctest)]
#[doc = include_str!("../../../book/src/11-async.md")]
struct Chapter;
