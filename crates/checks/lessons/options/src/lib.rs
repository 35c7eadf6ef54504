//! The checks of lesson 6: options and local sockets.

mod packets;
mod passfd;
mod prompt;
mod table;
mod unix_echo;

pub use checks::Check;
pub use packets::packets;
pub use passfd::passfd;
pub use prompt::prompt;
pub use table::{Table, table};
pub use unix_echo::unix_echo;

use std::io;

use checks::diagnosis::{self, Findings, Rule};
use checks::engine::Seen;

fn diagnose(rules: &[Rule], seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let reply = <[u8]>::to_vec;
    diagnosis::name(&[rules], &Findings { seen, reply })
}

/// The system's words for an error, without its number.
fn words(error: rustix::io::Errno) -> String {
    let told = io::Error::from(error).to_string();
    told.split(" (os error").next().unwrap_or(&told).to_string()
}
