//! Wrong on purpose. Find out why.

use std::io;

use crate::socket;

// ANCHOR: stale
/// A client that takes what comes for the answer to what it asked last. The server is
/// slow with its first answer.
///
/// # Errors
///
/// If a socket cannot be made or used.
pub fn stale() -> io::Result<Vec<(String, String)>> {
    let (client, server) = (socket()?, socket()?);
    let (client_at, server_at) = (client.local_addr()?, server.local_addr()?);
    client.send_to(b"one?", server_at)?;
    // No answer within the time limit. The client asks the next question.
    let mut believed = Vec::new();
    let mut late = Some(&b"one"[..]);
    for (question, answer) in [("two?", "two"), ("three?", "three")] {
        client.send_to(question.as_bytes(), server_at)?;
        for answer in late.take().into_iter().chain([answer.as_bytes()]) {
            server.send_to(answer, client_at)?;
        }
        let mut buffer = [0; 64];
        let length = client.recv(&mut buffer)?;
        let answer = String::from_utf8_lossy(&buffer[..length]).into_owned();
        believed.push((question.to_string(), answer));
    }
    Ok(believed)
}
// ANCHOR_END: stale

// ANCHOR: apprentice
/// How many datagrams a sender sends for so many blocks that answers every
/// acknowledgement with the next block, also one that comes twice, if one datagram is
/// delayed once. Each extra copy brings an extra acknowledgement.
pub fn apprentice(blocks: u32) -> u32 {
    let (mut copies, mut sent) = (1, 0);
    for block in 1..=blocks {
        sent += copies;
        if block == 1 {
            copies += 1; // the time limit passed, and both copies arrive
            sent += 1;
        }
    }
    sent
}
// ANCHOR_END: apprentice
