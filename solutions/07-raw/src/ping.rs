//! Exercise `raw/ping`: the conversation of ping.
//!
//! You get two functions in place of a socket, so that this needs no right: one sends
//! an ICMP message, the other brings the next one that arrives. As with a raw socket,
//! *every* ICMP message that reaches this host arrives, also those for others. As
//! with a ping socket, they come without their IP header, and checksums are the
//! kernel's business: it fills in yours, and what is wrong does not arrive.
//!
//! ```text
//! 0 type  1 code  2 checksum (2 bytes)  4 identifier (2)  6 sequence (2)  8 data
//! ```
//!
//! The book has it in chapter 7, "Whose reply is it".

use std::io;
use std::time::{Duration, Instant};

/// How long to wait for what becomes of a request.
pub const WAIT: Duration = Duration::from_secs(1);

/// Sends an ICMP message.
pub type Sending<'a> = dyn FnMut(&[u8]) -> io::Result<()> + 'a;

/// The next message that arrives; `None` if there is none until the deadline.
pub type Receiving<'a> = dyn FnMut(Instant) -> io::Result<Option<Vec<u8>>> + 'a;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The reply came: how long after the request was sent.
    Reply(Duration),
    /// Somebody says that it did not get there: the code of the message.
    Unreachable(u8),
    /// Nothing was heard of it in time.
    Lost,
}

/// Sends `count` echo requests, one after the other, and tells what became of each.
///
/// A request has the type 8, the code 0, a checksum of 0, this identifier, and a
/// sequence number: 1, 2, and so on. Numbers have their most significant byte first.
/// It may carry any data, or none.
///
/// After each request, ask for messages until one of these comes:
///
/// - an echo reply (type 0, code 0) with our identifier and the sequence number of
///   this request: [`Outcome::Reply`];
/// - "unreachable" (type 3, any code) that quotes this request:
///   [`Outcome::Unreachable`];
/// - nothing, `None`: [`Outcome::Lost`].
///
/// The quote begins at byte 8 of the message: the IPv4 header of our request, whose
/// length stands in the lower four bits of its first byte, in words of 4 bytes; the
/// protocol, at byte 9 of that header, is 1; and behind the header the first 8 bytes
/// of our ICMP message, type 8 with our identifier and sequence number.
///
/// Everything else is skipped: our own request, which arrives too where a host pings
/// itself; other programs' replies and errors; replies to an earlier request, which
/// are late or have come twice; messages of any type, or too short to be anything.
///
/// Every call of `receive` for one request gets the same deadline, [`WAIT`] after it
/// was sent, however much is skipped meanwhile. Errors of `send` and `receive` are
/// returned.
pub fn ping(
    send: &mut Sending<'_>,
    receive: &mut Receiving<'_>,
    identifier: u16,
    count: u16,
) -> io::Result<Vec<Outcome>> {
    // BEGIN SOLUTION
    let mut outcomes = Vec::new();
    for sequence in 1..=count {
        let sent = Instant::now();
        let [i1, i0] = identifier.to_be_bytes();
        let [s1, s0] = sequence.to_be_bytes();
        let ours = [i1, i0, s1, s0];
        send(&[8, 0, 0, 0, i1, i0, s1, s0])?;
        outcomes.push(loop {
            let Some(message) = receive(sent + WAIT)? else {
                break Outcome::Lost;
            };
            if message.get(..2) == Some(&[0, 0]) && message.get(4..8) == Some(&ours) {
                break Outcome::Reply(sent.elapsed());
            }
            if let Some(code) = unreachable(&message, ours) {
                break Outcome::Unreachable(code);
            }
        });
    }
    Ok(outcomes)
    // STUB let _ = (send, receive, identifier, count);
    // STUB todo!("send, then skip what is not about this request, in time")
    // END SOLUTION
}
// BEGIN SOLUTION

/// The code of an error that quotes our request.
fn unreachable(message: &[u8], ours: [u8; 4]) -> Option<u8> {
    let quote = message.get(8..)?;
    let inner = quote.get(usize::from(quote.first()? & 0x0F) * 4..)?;
    let about_us =
        quote.get(9)? == &1 && inner.first()? == &8 && inner.get(4..8)? == ours;
    (message[0] == 3 && about_us).then_some(message[1])
}
// END SOLUTION

#[cfg(test)]
pub(crate) fn check() -> checks_raw::Check {
    use checks_raw::Became;

    checks_raw::ping(|send, receive, identifier, count| {
        let outcomes = ping(send, receive, identifier, count)?;
        let became = |outcome| match outcome {
            Outcome::Reply(time) => Became::Reply(time),
            Outcome::Unreachable(code) => Became::Unreachable(code),
            Outcome::Lost => Became::Lost,
        };
        Ok(outcomes.into_iter().map(became).collect())
    })
}
