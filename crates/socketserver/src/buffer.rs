//! Room for what the kernel writes.

use std::io;
use std::mem::MaybeUninit;

/// Has `call` write behind the end of `buffer`, where at least `room` bytes are free, and
/// counts what it says that it wrote as the buffer's own.
///
/// # Errors
///
/// Those of `call`; then the buffer is as it was.
pub(crate) fn fill(
    buffer: &mut Vec<u8>,
    room: usize,
    call: impl FnOnce(&mut [MaybeUninit<u8>]) -> io::Result<usize>,
) -> io::Result<usize> {
    buffer.reserve(room);
    let free = &mut buffer.spare_capacity_mut()[..room];
    let length = call(free)?;
    assert!(
        length <= room,
        "the kernel writes no more than there is room"
    );
    set_length(buffer, length);
    Ok(length)
}

#[expect(
    unsafe_code,
    reason = "zeroing 8 KiB before every recv costs more than the call"
)]
fn set_length(buffer: &mut Vec<u8>, length: usize) {
    // SAFETY: only `fill` calls this, after recv(2) or one of its kind has returned
    // `length`: it has initialised so many bytes behind the vector's end, and they are
    // within the capacity, of which `fill` handed it a part at least that long.
    unsafe { buffer.set_len(buffer.len() + length) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_comes_behind_what_was_there() {
        let mut buffer = b"ab".to_vec();
        let written = fill(&mut buffer, 4, |room| {
            assert_eq!(room.len(), 4);
            room[0].write(b'c');
            Ok(1)
        });
        assert_eq!(written.unwrap(), 1);
        assert_eq!(buffer, b"abc");
    }

    #[test]
    fn an_error_leaves_the_buffer_as_it_was() {
        let mut buffer = b"ab".to_vec();
        let failed = fill(&mut buffer, 4, |_| Err(io::ErrorKind::WouldBlock.into()));
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert_eq!(buffer, b"ab");
    }
}
