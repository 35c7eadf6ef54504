//! Lesson 4: when it goes wrong.
//!
//! What the kernel says when a call fails, what Rust makes of it, and what a program
//! does about it.
//!
//! Read in this order:
//!
//! 1. [`exceptions`]: Python's exceptions, and what each is in Rust;
//! 2. [`produce`]: the errors of sockets, each brought about on purpose;
//! 3. [`gopher`]: a client that can say at which stage it failed, and a server;
//! 4. [`slam`]: a server that ends as it is told: FIN, RST or silence;
//! 5. [`states`]: what the kernel keeps of a connection, at both ends;
//! 6. [`deadline`]: a limit for a whole reply, and one for each read;
//! 7. [`stop`]: ending a server that waits in `accept`.
//!
//! Then break it: the programs in [`broken`] are wrong on purpose, and [`surprise`]
//! measures what an error costs.

pub mod broken;
pub mod deadline;
pub mod exceptions;
pub mod gopher;
pub mod produce;
pub mod slam;
pub mod states;
pub mod stop;
pub mod surprise;

/// The chapter's own snippets are tests of this crate.
#[cfg(doctest)]
#[doc = include_str!("../../../book/src/04-errors.md")]
struct Chapter;
