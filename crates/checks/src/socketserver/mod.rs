//! Lesson 13: the framework.

mod lifecycle;
mod shutdown;

pub use lifecycle::{Scripted, lifecycle};
pub use shutdown::{Handle, Stoppable, shutdown};
