//! Exercise `threads/chat`: what one says, all others hear.
//!
//! ```text
//! A connects:   server to A: welcome
//! B connects:   server to B: welcome
//! C connects:   server to C: welcome
//! A: hello      server to B, C: hello
//! ```
//!
//! One of them does not read. Its kernel's buffers fill, then a write to it waits, and
//! whoever waits in that write, perhaps with a lock in its hand, does nothing else. The
//! others must not notice: each caller has a queue of its own, of `queue` lines, and a
//! thread of its own that writes what is in it. A queue that is full does not wait for
//! its caller: the caller has to go.
//!
//! The book has it in chapter 8, "One who does not read".

use std::io;
use std::net::TcpListener;

/// The first that a caller hears. From then on it is in the room.
pub const WELCOME: &[u8] = b"welcome\n";

/// The longest line, its newline included, in bytes.
pub const MAX_LINE: usize = 64 << 10;

/// Serves the chat until accepting itself fails.
///
/// Each caller gets [`WELCOME`], and then every line that another one sends, whole, as
/// it was sent, with its newline; a line may come in any pieces, and is any bytes.
/// Lines of one caller stay in their order. Nobody gets its own lines. What a caller
/// has sent behind its last newline when it ends its side is a line too, and gets its
/// newline from us.
///
/// A caller that ends its side, or whose connection breaks, is out of the room, and its
/// connection is ended. So is one that sends more than [`MAX_LINE`] bytes without a
/// newline, and one for which `queue` lines wait already when there is another.
/// Whatever a caller does, the others are served on.
pub fn serve(listener: TcpListener, queue: usize) -> io::Result<()> {
    let _ = (listener, queue);
    todo!("for each caller: a thread that reads, a queue, a thread that writes")
}

#[cfg(test)]
pub(crate) fn check() -> checks_threads::Check {
    checks_threads::chat(serve)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
