//! Exercise `errors/stop`: Ctrl-C in good order.
//!
//! A server sends back in capitals whatever a caller sends, until the caller ends its
//! side; callers come one after another. When Ctrl-C is pressed (SIGINT)
//!
//! - a caller that is being served is served to its end;
//! - no further caller is served, not even one that is in the queue already;
//! - the function returns `Ok(())`, and by then nobody listens at the port any more;
//! - a server that is started again at once, at the same port, can listen there, even
//!   where connections of the last run are still in the kernel's books.
//!
//! The crates `ctrlc` and `socket2` are there for you; you need not use both.
//!
//! The book has it in chapter 4, "Two ways that do".

use std::io;
use std::net::SocketAddr;

/// Listens on `at` and serves callers until SIGINT.
///
/// Calls `ready` once, with the address that it really listens on (port 0 asks the
/// kernel for any), when it listens and is prepared for the signal. A caller whose
/// connection breaks is no reason to stop. This function is called once in a process.
pub fn serve(at: SocketAddr, ready: &dyn Fn(SocketAddr)) -> io::Result<()> {
    let _ = (at, ready);
    todo!("listen, serve, and stop in good order")
}

#[cfg(test)]
pub(crate) fn check() -> checks_errors::Check {
    checks_errors::stop(serve)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
