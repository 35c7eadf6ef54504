//! The other end of every exercise: probes, deadlines, verdicts.
//!
//! An exercise hands its function to a check, which runs it in a child process and
//! plays the peer: a client that splits its lines, falls silent, hangs up, resets.
//! What the peer saw and what the kernel says of the child become a [`verdict`].
//!
//! A check takes plain functions, `fn(…)`, or hands what it takes to a function that is
//! not generic: so it is compiled once, and not in the learner's crate after every save.
//! Each lesson has its checks in a package of its own, below `lessons`: what a newcomer
//! waits for does not grow with the course.
//!
//! Read in this order:
//!
//! 1. [`catalogue`]: which exercises and which mistakes there are;
//! 2. [`verdict`]: what a check says in the end, as data;
//! 3. [`engine`]: the child process, the report it sends, and how a wait is decided;
//! 4. [`line_server`] and [`battery`]: the probes for servers of lines;
//! 5. `lessons/tcp`, `lessons/bytes` and so on: the checks of each lesson's exercises;
//! 6. [`stub`]: how an exercise's stub is cut from its solution.

#![allow(clippy::question_mark, reason = "nanoserde's derived code")]

pub mod answers;
pub mod battery;
pub mod catalogue;
pub mod diagnosis;
pub mod engine;
mod html;
pub mod json;
pub mod kernel;
pub mod line_server;
pub mod stub;
pub mod symptom;
mod text;
pub mod verdict;

pub use engine::Check;
pub use text::look_of_stdout;
