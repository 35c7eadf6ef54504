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

// BEGIN SOLUTION
use std::io::ErrorKind;
// END SOLUTION
use std::io;
use std::net::SocketAddr;
// BEGIN SOLUTION
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Instant;
// END SOLUTION
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
    // BEGIN SOLUTION
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let request = [&id.to_be_bytes(), question].concat();
    for _ in 0..tries {
        socket.send_to(&request, server)?;
        if let Some(answer) = answer_until(&socket, server, id, patience)? {
            return Ok(answer);
        }
    }
    Err(ErrorKind::TimedOut.into())
    // STUB let _ = (server, id, question, patience, tries);
    // STUB todo!("send the request, wait for its answer, and try again")
    // END SOLUTION
}
// BEGIN SOLUTION

/// The answer to this request, if it comes within `patience`.
fn answer_until(
    socket: &UdpSocket,
    server: SocketAddr,
    id: u32,
    patience: Duration,
) -> io::Result<Option<Vec<u8>>> {
    let deadline = Instant::now() + patience;
    let mut buffer = vec![0; 65_507];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        socket.set_read_timeout(Some(left))?;
        let (length, from) = match socket.recv_from(&mut buffer) {
            Ok(came) => came,
            Err(error) => match error.kind() {
                // EAGAIN is how the kernel says that the time is up.
                ErrorKind::WouldBlock | ErrorKind::TimedOut => return Ok(None),
                ErrorKind::Interrupted => continue,
                _ => return Err(error),
            },
        };
        if let Some(answer) = buffer[..length].strip_prefix(&id.to_be_bytes())
            && from == server
        {
            return Ok(Some(answer.to_vec()));
        }
    }
}
// END SOLUTION

#[cfg(test)]
pub(crate) fn check() -> checks_udp::Check {
    checks_udp::ask(ask)
}
