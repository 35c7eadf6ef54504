//! Exercise `threads/pool`: so many at once, so many wait, and a polite no.
//!
//! A thread for every caller is a promise to everybody. This server promises less: it
//! serves `workers` callers at once; `queue` more may wait until one of those has left;
//! and whoever comes then is told so, and can try elsewhere.
//!
//! ```text
//! workers = 2, queue = 1
//! A, B connect:  are served
//! C connects:    hears nothing, waits
//! D connects:    server: busy, try again later
//!                server: (end)
//! A leaves:      C is served, with all that it has sent meanwhile
//! ```
//!
//! The book has it in chapter 8, "A pool with a limit".

use std::io;
use std::net::TcpListener;

/// What a caller is told for whom there is no room; then its connection is ended.
pub const BUSY: &[u8] = b"busy, try again later\n";

/// Serves callers until accepting itself fails; `workers` and `queue` are at least 1.
///
/// A caller that is served gets back in capitals (`to_ascii_uppercase`) whatever it
/// sends, until it ends its side; then its connection is ended, and who has waited
/// longest is next. A caller that waits hears nothing until it is its turn. It may
/// leave or break off meanwhile.
///
/// A caller that is refused gets [`BUSY`] and the end, at once. It may keep its own
/// side open for as long as it likes, and nobody waits for it. (It sends nothing
/// itself.) Nothing is kept of a caller that has left or was refused.
///
/// A caller whose connection breaks ends its own visit, and the thread that served it
/// serves others. The number of threads does not grow with the number of callers, and
/// while nobody speaks no processor time is used.
pub fn serve(listener: TcpListener, workers: usize, queue: usize) -> io::Result<()> {
    let _ = (listener, workers, queue);
    todo!("start the threads, put callers into the queue, refuse the others")
}

#[cfg(test)]
pub(crate) fn check() -> checks_threads::Check {
    checks_threads::pool(serve)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
