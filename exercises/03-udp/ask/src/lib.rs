//! Exercise `udp/ask`: a question that is asked again until it is answered.
//!
//! A request is one datagram: the four bytes of its id, the most significant first,
//! and the question. An answer is one datagram too: the id of the request that it
//! belongs to, and whatever the server has to say, up to 65,503 bytes of it.
//!
//! A network may lose either of them. So the request is sent, and if no answer has
//! come after `patience`, the same request is sent again, `tries` times in all. After
//! the last one, too, an answer has that long to come. All of it happens on one socket:
//! a server may be slow, and answer an earlier try during a later one.
//!
//! Not all that comes is the answer. What comes from another address than `server`,
//! has another id, or is too short to have one, is ignored: it neither ends the wait
//! nor makes it any longer.
//!
//! The book has it in chapter 3, "A number for each question".

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// Asks `server`, from a socket of its own at a port of the kernel's choice, and returns
/// the answer without its id, as soon as it is there.
///
/// Where no answer comes, the error is of the kind `TimedOut`. The server of this
/// exercise is on 127.0.0.1; `tries` is at least 1, and `patience` is never zero.
pub fn ask(
    server: SocketAddr,
    id: u32,
    question: &[u8],
    patience: Duration,
    tries: u32,
) -> io::Result<Vec<u8>> {
    let _ = (server, id, question, patience, tries);
    todo!("send the request, wait for its answer, and try again")
}

#[cfg(test)]
pub(crate) fn check() -> checks_udp::Check {
    checks_udp::ask(ask)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
