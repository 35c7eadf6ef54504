//! Lesson 5: names and addresses.
//!
//! A program is given a name and has to arrive at a connection. On the way there are
//! several addresses of two families, some of which do not answer.
//!
//! Read in this order:
//!
//! 1. [`resolve`]: from a name to addresses, with everything that `getaddrinfo` takes
//!    and returns;
//! 2. [`services`]: from `http` to 80, by a parser of our own and by the C library;
//! 3. [`reverse`]: from an address back to a name, and what `getfqdn` makes of it;
//! 4. [`dial`]: from addresses to one connection, with time limits and a source address;
//! 5. [`dual`]: one server for both families;
//! 6. [`session`]: when a socket has which addresses.
//!
//! Then ask the kernel which [`families`] it knows, look at the [`doors`] that tests
//! knock at, let [`surprise`] measure what a name costs, and run what is [`broken`].

pub mod broken;
pub mod dial;
pub mod doors;
pub mod dual;
pub mod families;
pub mod resolve;
pub mod reverse;
pub mod services;
pub mod session;
pub mod surprise;

/// The chapter's own snippets are tests of this crate.
#[cfg(doctest)]
#[doc = include_str!("../../../book/src/05-names.md")]
struct Chapter;
