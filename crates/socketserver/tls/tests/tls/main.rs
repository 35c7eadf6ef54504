//! Servers that speak TLS, tried by rustls and by Python's `ssl`.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod conversations;
mod python;
mod support;
mod trouble;
