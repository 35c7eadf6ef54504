//! Lesson 13: the framework.
//!
//! What a server says is written once, as a [`Program`](programs::Program). Over what
//! it says it is a [`Place`](place::Place), and who runs it a [`Strategy`]: both are
//! values, which a word on the command line chooses.
//!
//! Read in this order:
//!
//! 1. [`programs`]: the three programs of the tutorials, as functions from a line to
//!    an answer;
//! 2. [`talk`]: the handler that makes a conversation of any of them;
//! 3. [`strategies`]: the word that says who runs the handler;
//! 4. [`place`] and [`serve`]: the four transports, and a server that Ctrl-C stops;
//! 5. [`client`]: the other end;
//! 6. [`trace`]: the steps of a request, in the order in which they happen;
//! 7. [`objects`]: what Python's objects do, in Rust's types.
//!
//! [`broken`] is wrong on purpose; [`surprise`] measures.
//!
//! [`Strategy`]: socketserver::Strategy

pub mod broken;
pub mod client;
mod ctime;
pub mod objects;
pub mod place;
pub mod programs;
pub mod serve;
pub mod signals;
pub mod strategies;
pub mod surprise;
pub mod talk;
pub mod trace;
