//! Lesson 13: the framework.

mod lifecycle;

pub use lifecycle::{Scripted, lifecycle};
