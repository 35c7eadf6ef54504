//! The server from outside: what CPython's documentation and test suite promise of
//! `socketserver`, and what this crate promises beyond that.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod buffers;
mod ends;
mod errors;
mod limits;
mod several;
mod support;
mod table;
mod transports;
