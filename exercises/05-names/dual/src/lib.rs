//! Exercise `names/dual`: one listener for both families.
//!
//! A server that tells each caller where it comes from, one line, and ends the
//! connection:
//!
//! ```text
//! you are 127.0.0.1:50001
//! you are [::1]:50002
//! ```
//!
//! The book has it in chapter 5, "One socket for both families".

use std::io;
use std::net::{SocketAddr, TcpListener};

/// Listens at `address`, and nowhere else.
///
/// At `[::]`, the address that stands for all of IPv6, callers over IPv4 are served,
/// too, whatever the machine's setting for that is (IPV6_V6ONLY). At 127.0.0.1 only
/// those are served who call 127.0.0.1, and likewise at `[::1]`.
///
/// A server that is started again at once gets its port again. With port 0 the kernel
/// chooses one.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let _ = address;
    todo!("a socket with the right options, bound to this address")
}

/// Tells callers their addresses, one after another, until accepting itself fails.
///
/// A caller over IPv4 is told an IPv4 address, whatever socket it came to. A caller
/// that has hung up before its line was written is no reason to stop.
pub fn serve(listener: TcpListener) -> io::Result<()> {
    let _ = listener;
    todo!("accept callers, and tell each its address")
}

#[cfg(test)]
pub(crate) fn check() -> checks_names::Check {
    checks_names::dual(listen, serve)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
