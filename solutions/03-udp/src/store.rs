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

// BEGIN SOLUTION
use std::collections::HashMap;
// END SOLUTION
use std::io;
use std::net::UdpSocket;
// BEGIN SOLUTION

/// What a datagram of this exercise has at most.
const LONGEST: usize = 1000;
// END SOLUTION

/// Serves all who ask, from one store, for ever. It returns only if receiving itself
/// fails.
pub fn serve(socket: UdpSocket) -> io::Result<()> {
    // BEGIN SOLUTION
    let mut store = HashMap::from([(b"version".to_vec(), b"store 1".to_vec())]);
    // One byte more than is allowed: what fills it was too long.
    let mut buffer = [0; LONGEST + 1];
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        if length > LONGEST {
            continue;
        }
        if let Some(answer) = answer(&mut store, &buffer[..length])
            && let Err(error) = socket.send_to(&answer, peer)
        {
            eprintln!("cannot send to {peer}: {error}");
        }
    }
    // STUB let _ = socket;
    // STUB todo!("keep what comes with a `+`, and answer what comes with a `?`")
    // END SOLUTION
}
// BEGIN SOLUTION

/// What a request is answered with, if it is one and has an answer.
fn answer(store: &mut HashMap<Vec<u8>, Vec<u8>>, request: &[u8]) -> Option<Vec<u8>> {
    match request.split_first()? {
        (b'+', rest) => {
            let end = rest.iter().position(|&byte| byte == b'=')?;
            let (key, value) = (&rest[..end], &rest[end + 1..]);
            if key != b"version" {
                store.insert(key.to_vec(), value.to_vec());
            }
            None
        }
        (b'?', key) => Some(match store.get(key) {
            Some(value) => [b"=", key, b"=", value].concat(),
            None => [b"!", key].concat(),
        }),
        _ => None,
    }
}
// END SOLUTION

#[cfg(test)]
pub(crate) fn check() -> checks_udp::Check {
    checks_udp::store(serve)
}
