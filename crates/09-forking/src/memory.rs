//! What a caller costs who says nothing: a process.

use std::io;
use std::net::TcpListener;

use crate::look::{self, Memory};
use crate::server::{self, How};
use crate::stand::Stand;
use crate::talk;

/// What so many idle children have in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// How many.
    pub callers: usize,
    /// All of them together.
    pub children: Memory,
    /// The server itself, while they live.
    pub server: Memory,
}

fn serve(listener: TcpListener) -> io::Result<()> {
    server::serve(listener, usize::MAX, &How::Fork(talk::visit), |_| {}).map(drop)
}

// ANCHOR: measure
/// Has so many callers say one line each and stay, and adds up what their children have
/// in memory.
///
/// # Errors
///
/// If there is no room for so many, or no `/proc`.
pub fn measure(callers: usize) -> io::Result<Cost> {
    let stand = Stand::start(serve)?;
    let mut all = Vec::new();
    for _ in 0..callers {
        let mut caller = stand.call()?;
        caller.ask("hello")?;
        all.push(caller);
    }
    let mut children = Memory::default();
    for child in stand.until_children(callers)? {
        let one = look::memory(child)?;
        children.rss += one.rss;
        children.pss += one.pss;
    }
    let server = look::memory(stand.server)?;
    drop(all);
    stand.stop()?;
    Ok(Cost {
        callers,
        children,
        server,
    })
}
// ANCHOR_END: measure
