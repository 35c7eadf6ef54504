//! Lesson 13: the framework.

mod lifecycle;
mod shutdown;
mod verify;

pub use lifecycle::{Scripted, lifecycle};
pub use shutdown::{Handle, Stoppable, shutdown};
pub use verify::{Answer, Counts, verify};
