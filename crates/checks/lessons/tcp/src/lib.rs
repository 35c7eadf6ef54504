//! The checks of lesson 1: a first conversation.

mod greeting;
mod peer_card;
mod repair;
mod timestamps;

pub use checks::Check;
pub use greeting::greeting;
pub use peer_card::peer_card;
pub use repair::{if_waiting_for_the_end, repair, waits_for_the_end};
pub use timestamps::timestamps;
