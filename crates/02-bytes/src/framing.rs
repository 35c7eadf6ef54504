//! Where a message ends: four agreements, over anything that can be read.

use std::io::{self, BufRead, ErrorKind, Read, Write};

// ANCHOR: fill
/// Fills `buffer`, in as many reads as that takes, and returns its length; less, if
/// `input` ends before.
///
/// This is [`Read::read_exact`], but for the end: that one does not tell how far it
/// has come, and nothing at all is not the same as half a message.
///
/// # Errors
///
/// Those of `input`.
pub fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,                 // the other side has ended its sending
            Ok(length) => filled += length, // what has arrived, maybe one byte
            Err(error) if error.kind() == ErrorKind::Interrupted => {} // by a signal
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
// ANCHOR_END: fill

// ANCHOR: read_fixed
/// Reads a message of `N` bytes; `None` if `input` has ended before it.
///
/// # Errors
///
/// Those of `input`, and `UnexpectedEof` if it ends within the message.
pub fn read_fixed<const N: usize>(
    input: &mut impl Read,
) -> io::Result<Option<[u8; N]>> {
    let mut message = [0; N];
    match fill(input, &mut message)? {
        length if length == N => Ok(Some(message)),
        0 => Ok(None),
        length => Err(cut_off(length, N)),
    }
}
// ANCHOR_END: read_fixed

// ANCHOR: read_word
/// Reads a word: two bytes that tell its length, most significant first, and as many
/// bytes as they tell. `None` if `input` has ended before it.
///
/// # Errors
///
/// Those of `input`, `UnexpectedEof` if it ends within the word, and `InvalidData`
/// for a length of 0.
///
/// ```
/// use lesson_2::framing::read_word;
///
/// let mut input = &b"\x00\x05bytes\x00\x03not"[..];
/// assert_eq!(read_word(&mut input)?.unwrap(), b"bytes");
/// assert_eq!(read_word(&mut input)?.unwrap(), b"not");
/// assert_eq!(read_word(&mut input)?, None);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn read_word(input: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let Some(length) = read_fixed(input)? else {
        return Ok(None);
    };
    let length = usize::from(u16::from_be_bytes(length)); // RFC 791, appendix B
    if length == 0 {
        return Err(io::Error::new(
            ErrorKind::InvalidData,
            "a word has no bytes",
        ));
    }
    let mut word = vec![0; length]; // at most 65,535: a peer cannot ask for more
    match fill(input, &mut word)? {
        filled if filled == length => Ok(Some(word)),
        filled => Err(cut_off(filled, length)),
    }
}
// ANCHOR_END: read_word

// ANCHOR: write_word
/// Writes a word as [`read_word`] reads it, in one go.
///
/// # Errors
///
/// Those of `output`, and `InvalidInput` for a word of no bytes or more than 65,535.
pub fn write_word(output: &mut impl Write, word: &[u8]) -> io::Result<()> {
    let length = match u16::try_from(word.len()) {
        Ok(length @ 1..) => length,
        _ => {
            let why = format!("a word cannot have {} bytes", word.len());
            return Err(io::Error::new(ErrorKind::InvalidInput, why));
        }
    };
    let mut message = length.to_be_bytes().to_vec();
    message.extend_from_slice(word);
    output.write_all(&message)
}
// ANCHOR_END: write_word

// ANCHOR: read_line
/// Reads a line, without its newline; `None` if `input` has ended before it.
///
/// The last line counts without a newline too.
///
/// # Errors
///
/// Those of `input`, and `InvalidData` for a line of more than `limit` bytes.
pub fn read_line(
    input: &mut impl BufRead,
    limit: usize,
) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    loop {
        let arrived = match input.fill_buf() {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            arrived => arrived?, // what is left of the last read, or a new one
        };
        if arrived.is_empty() {
            return Ok(Some(line).filter(|line| !line.is_empty())); // the end
        }
        let newline = arrived.iter().position(|byte| *byte == b'\n');
        let piece = &arrived[..newline.unwrap_or(arrived.len())];
        if line.len() + piece.len() > limit {
            let why = format!("a line is longer than {limit} bytes");
            return Err(io::Error::new(ErrorKind::InvalidData, why));
        }
        line.extend_from_slice(piece);
        let taken = piece.len() + usize::from(newline.is_some());
        input.consume(taken); // what follows the newline stays for the next call
        if newline.is_some() {
            return Ok(Some(line));
        }
    }
}
// ANCHOR_END: read_line

// ANCHOR: read_to_end
/// Reads a message that lasts until the end of `input`.
///
/// Its sender must end the stream to end the message, so there is no second one. And
/// a stream that was cut off looks like one that has ended.
///
/// # Errors
///
/// Those of `input`, and `InvalidData` for a message of more than `limit` bytes.
pub fn read_to_end(input: &mut impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut message = Vec::new();
    let length = input
        .take(limit.saturating_add(1))
        .read_to_end(&mut message)?;
    if length as u64 > limit {
        let why = format!("a message is longer than {limit} bytes");
        return Err(io::Error::new(ErrorKind::InvalidData, why));
    }
    Ok(message)
}
// ANCHOR_END: read_to_end

fn cut_off(length: usize, of: usize) -> io::Error {
    let why = format!("the stream ended after {length} of {of} bytes of a message");
    io::Error::new(ErrorKind::UnexpectedEof, why)
}
