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

// BEGIN SOLUTION
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
// END SOLUTION
use std::io;
use std::path::Path;

/// Serves `visits` callers at `path`, then removes the socket file and returns.
///
/// What goes wrong with one caller ends its visit, which counts, and not the server.
/// Where it cannot listen, the error is returned: `InvalidInput` for a path that is
/// too long, as the standard library has it.
pub fn serve(path: &Path, visits: usize) -> io::Result<()> {
    // BEGIN SOLUTION
    let listener = listen(path)?;
    let served = serve_callers(&listener, visits);
    // Also where accepting has failed: who has bound the name removes it.
    let removed = fs::remove_file(path);
    served.and(removed)
    // STUB let _ = (path, visits);
    // STUB todo!("listen, serve, remove the file")
    // END SOLUTION
}
// BEGIN SOLUTION

fn listen(path: &Path) -> io::Result<UnixListener> {
    match UnixListener::bind(path) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            if !is_stale(path)? {
                return Err(error);
            }
            fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        result => result,
    }
}

/// Whether `path` is a socket that nobody listens at.
fn is_stale(path: &Path) -> io::Result<bool> {
    // A call to a file that is no socket is refused, too.
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        return Ok(false);
    }
    match UnixStream::connect(path) {
        Err(error) => Ok(error.kind() == ErrorKind::ConnectionRefused),
        Ok(_) => Ok(false),
    }
}

fn serve_callers(listener: &UnixListener, visits: usize) -> io::Result<()> {
    for _ in 0..visits {
        let (caller, _) = listener.accept()?;
        if let Err(error) = echo(&caller) {
            eprintln!("a caller was lost: {error}");
        }
    }
    Ok(())
}

fn echo(mut caller: &UnixStream) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let read = caller.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        caller.write_all(&buffer[..read])?;
    }
}
// END SOLUTION

#[cfg(test)]
pub(crate) fn check() -> checks_options::Check {
    checks_options::unix_echo(serve)
}
