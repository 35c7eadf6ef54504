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
// BEGIN SOLUTION
use std::io::ErrorKind;
// END SOLUTION
use std::net::{SocketAddr, TcpStream};
// BEGIN SOLUTION
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
// END SOLUTION
use std::time::Duration;
// BEGIN SOLUTION
use std::time::Instant;
// END SOLUTION

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
    // BEGIN SOLUTION
    let end = Instant::now() + limit;
    let left = || end.saturating_duration_since(Instant::now());
    let mut waiting = in_turns(addresses).into_iter();
    let mut running = 0;
    let mut last = io::Error::new(ErrorKind::InvalidInput, "there is no address");
    // When this end of the channel is dropped, no loser can hand its stream over, and
    // `send` gives it back to be dropped there.
    let (sender, results) = mpsc::channel();
    loop {
        let next = waiting.next();
        if let Some(address) = next {
            let (sender, left) = (sender.clone(), left());
            running += 1;
            thread::spawn(move || {
                sender.send(TcpStream::connect_timeout(&address, left))
            });
        } else if running == 0 {
            return Err(last);
        }
        let pause = if next.is_some() {
            stagger.min(left())
        } else {
            left()
        };
        match results.recv_timeout(pause) {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => {
                running -= 1;
                last = error;
            }
            Err(RecvTimeoutError::Timeout) if !left().is_zero() => {}
            Err(_) => return Err(ErrorKind::TimedOut.into()),
        }
    }
    // STUB let _ = (addresses, stagger, limit);
    // STUB todo!("start an attempt, wait for a result or the stagger, and again")
    // END SOLUTION
}
// BEGIN SOLUTION

/// The first address, then one of each family in turns.
fn in_turns(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let first_is_v4 = addresses.first().is_some_and(SocketAddr::is_ipv4);
    let of = |wanted: bool| {
        let all = addresses.iter().copied();
        all.filter(move |address| address.is_ipv4() == wanted)
    };
    let (mut same, mut other) = (of(first_is_v4), of(!first_is_v4));
    let mut order = Vec::with_capacity(addresses.len());
    while order.len() < addresses.len() {
        order.extend(same.next());
        order.extend(other.next());
    }
    order
}
// END SOLUTION

#[cfg(test)]
pub(crate) fn check() -> checks_names::Check {
    checks_names::eyeballs(race)
}
