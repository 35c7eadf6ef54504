//! The other end of every exercise: probes, deadlines, verdicts.
//!
//! An exercise hands its function to a check, which runs it in a child process and
//! plays the peer: a client that splits its lines, falls silent, hangs up, resets.
//! What the peer saw and what the kernel says of the child become a [`verdict`].
//!
//! A check takes plain functions, `fn(…)`, or hands what it takes to a function that is
//! not generic: so it is compiled here, once, and not in the learner's crate after every
//! save.
//!
//! Read in this order:
//!
//! 1. [`catalogue`]: which exercises and which mistakes there are;
//! 2. [`verdict`]: what a check says in the end, as data;
//! 3. [`engine`]: the child process, the report it sends, and how a wait is decided;
//! 4. [`line_server`], [`battery`] and a module for each lesson, from [`tcp`] and
//!    [`bytes`] on: the probes;
//! 5. [`stub`]: how an exercise's stub is cut from its solution.

#![allow(clippy::question_mark, reason = "nanoserde's derived code")]

pub mod answers;
pub mod battery;
pub mod bytes;
pub mod catalogue;
mod diagnosis;
pub mod engine;
pub mod errors;
pub mod forking;
mod html;
pub mod json;
mod kernel;
pub mod line_server;
pub mod names;
pub mod options;
pub mod raw;
pub mod select;
pub mod socketserver;
pub mod stub;
pub mod symptom;
pub mod tasks;
pub mod tcp;
mod text;
pub mod threads;
pub mod udp;
pub mod verdict;

pub use engine::Check;
pub use text::look_of_stdout;
