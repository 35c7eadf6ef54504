//! What `close` does: the end, or a reset.

use std::io::{self, Read, Write};
use std::time::Duration;

use socket2::SockRef;

use crate::{name_of, pair};

// ANCHOR: linger
/// Says `bye`, closes, and returns what the peer's reads bring: the bytes, and how
/// the connection was over.
///
/// Without lingering, `close` returns at once and the kernel goes on sending. With a
/// time of 0 it throws the connection away and sends RST. With a longer time,
/// `close` itself waits until the peer's kernel has acknowledged all bytes, or the
/// time is up.
///
/// # Errors
///
/// If the sockets fail in another way.
pub fn say_and_close(linger: Option<Duration>) -> io::Result<(String, String)> {
    let (mut speaker, mut listener) = pair()?;
    listener.set_read_timeout(Some(Duration::from_secs(10)))?;
    SockRef::from(&speaker).set_linger(linger)?;
    speaker.write_all(b"bye\n")?;
    let mut heard = [0; 4];
    listener.read_exact(&mut heard)?; // while the connection is still there
    drop(speaker);
    let over = match listener.read(&mut [0]) {
        Ok(0) => "the end".to_string(),
        Ok(_) => "another byte".to_string(),
        Err(error) => name_of(&error),
    };
    Ok((heard.escape_ascii().to_string(), over))
}
// ANCHOR_END: linger
