//! Exercise `names/eyeballs`: a race of addresses.
//!
//! To wait for a silent address before the next one is tried takes long, and a person
//! is waiting. Happy eyeballs (RFC 8305) lets the attempts overlap: each starts a
//! little later than the one before, and the first connection wins.
//!
//! The addresses are tried in this order: the first one first, and then one of the
//! other family and one of the same in turns, for as long as there are both; within a
//! family their order stays.
//!
//! The book has it in chapter 5, "Attempts that overlap".

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Connects to whichever of `addresses` answers first.
///
/// The next attempt starts when an attempt has failed, at once, or when the one before
/// it has run for `stagger`; none starts once there is a connection. An attempt that
/// has started goes on, until it fails, or one has won, or `limit` is over.
///
/// The first connection that comes about is returned, as an ordinary blocking stream.
/// Every other one is closed: an attempt that is still on its way then may come to its
/// end, for `limit` at most, if what it brings is closed at once.
///
/// If all attempts fail, the error has the kind of the last to fail. If `limit` is over
/// before, it is [`io::ErrorKind::TimedOut`]. Without any address it is
/// [`io::ErrorKind::InvalidInput`].
pub fn race(
    addresses: &[SocketAddr],
    stagger: Duration,
    limit: Duration,
) -> io::Result<TcpStream> {
    let _ = (addresses, stagger, limit);
    todo!("start an attempt, wait for a result or the stagger, and again")
}

#[cfg(test)]
pub(crate) fn check() -> checks_names::Check {
    checks_names::eyeballs(race)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
