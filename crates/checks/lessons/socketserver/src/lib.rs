//! The checks of lesson 13: the framework.

mod choice;
mod lifecycle;
mod shutdown;
mod ticks;
mod verify;

pub use checks::Check;
pub use choice::choice;
pub use lifecycle::{Scripted, lifecycle};
pub use shutdown::{Handle, Stoppable, shutdown};
pub use ticks::ticks;
pub use verify::{Answer, Counts, verify};
