//! What lesson 1 promises. One crate, so that it is linked once.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod conversation;
mod demo;
mod experiments;
mod kit;
mod program;
mod python;
mod server;
mod time;
