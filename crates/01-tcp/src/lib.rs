//! Lesson 1: a first conversation over TCP.
//!
//! Three servers and their clients. `greeting` greets whoever connects, `timestamps`
//! sends each line back with the time before it, `upper` sends it back in capitals.
//! They serve one client after another.
//!
//! Read in this order, in which the bytes travel too:
//!
//! 1. [`server`]: create a socket, bind, listen, accept a client, talk, close;
//! 2. [`greeting`]: the server speaks, the client listens until the end;
//! 3. [`lines`]: the conversation of the other two, without a socket in sight;
//! 4. [`timestamps`] and [`upper`]: what they answer; [`mod@ctime`] tells the time;
//! 5. [`client`]: the other end, with a person at the keyboard;
//! 6. [`card`]: the four numbers that tell one connection from every other.
//!
//! Then try the kernel itself: [`queue`] holds clients that nobody has accepted,
//! [`surprise`] measures what a connection costs, and the servers in [`broken`] are
//! wrong on purpose.

pub mod broken;
pub mod card;
pub mod client;
pub mod ctime;
pub mod greeting;
pub mod lines;
pub mod queue;
pub mod server;
pub mod surprise;
pub mod timestamps;
pub mod upper;

/// The chapter's own snippets are tests of this crate.
#[cfg(doctest)]
#[doc = include_str!("../../../book/src/01-tcp.md")]
struct Chapter;
