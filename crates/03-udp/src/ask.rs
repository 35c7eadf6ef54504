//! A number for each question, a time limit, and another try.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use crate::ROOM;

// ANCHOR: ask
/// Asks `server`, and asks again: `tries` times, `patience` for each. The answer, and
/// how many tries it took.
///
/// # Errors
///
/// `TimedOut` where no answer comes.
pub fn ask(
    socket: &UdpSocket,
    server: SocketAddr,
    id: u32,
    question: &[u8],
    (patience, tries): (Duration, u32),
) -> io::Result<(Vec<u8>, u32)> {
    let request = request(id, question);
    for attempt in 1..=tries {
        socket.send_to(&request, server)?;
        let answer =
            receive_until(socket, Instant::now() + patience, |came, from| {
                let answer = answer_to(id, came).filter(|_| from == server)?;
                Some(answer.to_vec())
            })?;
        if let Some(answer) = answer {
            return Ok((answer, attempt));
        }
    }
    Err(ErrorKind::TimedOut.into())
}
// ANCHOR_END: ask

/// A question with its number in front, the most significant byte first.
pub fn request(id: u32, question: &[u8]) -> Vec<u8> {
    [&id.to_be_bytes(), question].concat()
}

/// What a datagram answers to the question with this number, if it does.
pub fn answer_to(id: u32, datagram: &[u8]) -> Option<&[u8]> {
    datagram.strip_prefix(&id.to_be_bytes())
}

// ANCHOR: until
/// The first datagram of which `accept` makes something, if it comes before
/// `deadline`. Each call gets what is left of the time, so that no stray makes it
/// longer.
///
/// # Errors
///
/// If receiving fails.
pub fn receive_until<T>(
    socket: &UdpSocket,
    deadline: Instant,
    accept: impl Fn(&[u8], SocketAddr) -> Option<T>,
) -> io::Result<Option<T>> {
    let mut buffer = vec![0; ROOM];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None); // set_read_timeout takes no zero
        }
        socket.set_read_timeout(Some(left))?;
        match socket.recv_from(&mut buffer) {
            Ok((length, from)) => {
                if let Some(accepted) = accept(&buffer[..length], from) {
                    return Ok(Some(accepted));
                }
            }
            Err(error) => match error.kind() {
                // EAGAIN is how the kernel says that the time is up.
                ErrorKind::WouldBlock | ErrorKind::TimedOut => return Ok(None),
                ErrorKind::Interrupted => {}
                _ => return Err(error),
            },
        }
    }
}
// ANCHOR_END: until
