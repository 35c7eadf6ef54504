//! A pipe that ends the wait of a server's loop.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::{pipe2, read, write};

/// Wakes a loop that waits, with poll(2) or its like, for [`Waker::as_fd`] among others.
///
/// The self-pipe trick: a byte written to a pipe stays there until it is read, so a
/// wake-up that comes before the wait is not lost.
#[derive(Debug)]
pub(crate) struct Waker {
    reader: OwnedFd,
    /// None where another process has the other end.
    writer: Option<OwnedFd>,
}

impl Waker {
    pub(crate) fn new() -> io::Result<Self> {
        let (reader, writer) = pipe2(OFlag::O_NONBLOCK | OFlag::O_CLOEXEC)?;
        let writer = Some(writer);
        Ok(Self { reader, writer })
    }

    /// One that is woken for good when the other end of this pipe is closed.
    pub(crate) fn at_the_end_of(reader: OwnedFd) -> Self {
        let writer = None;
        Self { reader, writer }
    }

    /// Makes the next wait, or the one that goes on, end. It only calls write(2), which
    /// may be called from a signal handler: signal-safety(7).
    pub(crate) fn wake(&self) {
        if let Some(writer) = &self.writer {
            // A full pipe wakes as well as one byte more would.
            let _ = write(writer, &[1]);
        }
    }

    /// Forgets all wake-ups until now.
    pub(crate) fn reset(&self) {
        if self.writer.is_none() {
            return;
        }
        let mut bytes = [0; 64];
        loop {
            match read(&self.reader, &mut bytes) {
                Ok(length) if length == bytes.len() => {}
                Err(Errno::EINTR) => {}
                _ => return,
            }
        }
    }
}

impl AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}
