//! Exercise `udp/store`: a store of keys and values, one datagram at a time.
//!
//! The first byte of a datagram says what is wanted:
//!
//! ```text
//! +KEY=VALUE   keep VALUE under KEY, in place of what was there; no answer
//! ?KEY         the answer is =KEY=VALUE, or !KEY where nothing is kept under KEY
//! ```
//!
//! Behind a `+`, the key ends at the first `=`; all the rest is the value. Behind a
//! `?`, all of it is the key. Keys and values are any bytes, text or not, and may be
//! empty.
//!
//! Requests are dealt with in the order in which they come, whoever sends them.
//!
//! What is kept under the key `version` is `store 1`, from the beginning and for
//! ever: to keep something else there changes nothing.
//!
//! A datagram has at most 1000 bytes. A longer one is ignored, and so is whatever is
//! no request: an empty datagram, another first byte, a `+` without a `=`. To ignore
//! something is to send nothing and to go on.
//!
//! The book has it in chapter 3, "A store".

use std::io;
use std::net::UdpSocket;

/// Serves all who ask, from one store, for ever. It returns only if receiving itself
/// fails.
pub fn serve(socket: UdpSocket) -> io::Result<()> {
    let _ = socket;
    todo!("keep what comes with a `+`, and answer what comes with a `?`")
}

#[cfg(test)]
pub(crate) fn check() -> checks_udp::Check {
    checks_udp::store(serve)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
