//! A stream that counts what passes.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What has passed, whoever looks.
#[derive(Debug, Default)]
pub struct Counts {
    /// Bytes read.
    pub read: AtomicU64,
    /// Bytes written.
    pub written: AtomicU64,
    /// Calls of `write`.
    pub writes: AtomicU64,
}

/// One end of a connection, counted.
#[derive(Debug, Clone, Copy)]
pub struct Counted<'a> {
    /// The connection.
    pub stream: &'a TcpStream,
    /// What has passed at this end.
    pub counts: &'a Counts,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.stream.read(buffer)?;
        self.counts.read.fetch_add(length as u64, Relaxed);
        Ok(length)
    }
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.stream.write(bytes)?;
        self.counts.written.fetch_add(length as u64, Relaxed);
        self.counts.writes.fetch_add(1, Relaxed);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
