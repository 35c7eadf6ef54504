//! Exercise `options/unix-echo`: a server at a file name.
//!
//! It listens at a path instead of a port, sends back what each caller says until the
//! caller ends its side, and serves one caller after the other. After so many visits
//! it ends, and leaves no file behind.
//!
//! Where the path is taken, there are three cases:
//!
//! - a socket that nobody listens at: a server that has died has left it. Remove it,
//!   and listen;
//! - a socket that somebody listens at: leave it alone, and return an error of the
//!   kind [`io::ErrorKind::AddrInUse`]. That you have called is no harm;
//! - any other file: the same error, and the file stays as it is.
//!
//! The book has it in chapter 6, "A file that outlives its server".

use std::io;
use std::path::Path;

/// Serves `visits` callers at `path`, then removes the socket file and returns.
///
/// What goes wrong with one caller ends its visit, which counts, and not the server.
/// Where it cannot listen, the error is returned: `InvalidInput` for a path that is
/// too long, as the standard library has it.
pub fn serve(path: &Path, visits: usize) -> io::Result<()> {
    let _ = (path, visits);
    todo!("listen, serve, remove the file")
}

#[cfg(test)]
pub(crate) fn check() -> checks_options::Check {
    checks_options::unix_echo(serve)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
