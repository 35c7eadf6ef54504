//! Lesson 1: a first conversation.

mod greeting;
mod peer_card;
mod repair;
mod timestamps;

pub use greeting::greeting;
pub use peer_card::peer_card;
pub use repair::repair;
pub(crate) use repair::{if_waiting_for_the_end, waits_for_the_end};
pub use timestamps::timestamps;
