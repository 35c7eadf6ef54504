//! Exercise `async/frames`: a reader that may be interrupted.
//!
//! A program reads frames and does something else besides: at each tick of a clock it
//! sends a frame of its own. It waits for both with `select!`, which drops the future
//! that has lost. What that future had read by then must not be lost with it: the
//! bytes have left the socket, and nobody will send them again.
//!
//! The book has it in chapter 11, "A future can be dropped".

use std::io::{self, ErrorKind};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Builder;

/// The frames of an input: each has its length in front, in two bytes, the higher one
/// first.
pub struct Frames<R> {
    input: R,
    // BEGIN SOLUTION
    /// What has come and has not been given out. It outlives every future of
    /// [`Frames::next`].
    kept: Vec<u8>,
    // END SOLUTION
}

impl<R: AsyncRead + Unpin> Frames<R> {
    /// The frames of `input`.
    pub fn new(input: R) -> Self {
        // BEGIN SOLUTION
        let kept = Vec::new();
        Self { input, kept }
        // STUB Self { input }
        // END SOLUTION
    }

    /// The next frame, without its length; `None` at the end of the input.
    ///
    /// A frame may be empty, and may have up to 65,535 bytes, in any pieces; several
    /// may come in one. An end in the middle of a frame, or of its length, is an
    /// error of the kind [`ErrorKind::UnexpectedEof`]; an error of the input is
    /// returned.
    ///
    /// The future may be dropped whenever it is pending: the next call goes on where
    /// it was.
    pub async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        // BEGIN SOLUTION
        loop {
            if let Some(length) = self.kept.first_chunk() {
                let end = 2 + usize::from(u16::from_be_bytes(*length));
                if self.kept.len() >= end {
                    let rest = self.kept.split_off(end);
                    let frame = std::mem::replace(&mut self.kept, rest);
                    return Ok(Some(frame[2..].to_vec()));
                }
            }
            // The only place to wait, and nothing is in our hands meanwhile: a read
            // that is dropped while it is pending has taken no byte.
            if self.input.read_buf(&mut self.kept).await? == 0 {
                return if self.kept.is_empty() {
                    Ok(None)
                } else {
                    Err(ErrorKind::UnexpectedEof.into())
                };
            }
        }
        // STUB let _ = &mut self.input;
        // STUB todo!("read until there is a frame; keep what has come until then")
        // END SOLUTION
    }
}

/// Sends each frame of `stream` back in capitals, and the frame `tick` for each byte
/// that comes from `clock`, until `stream` ends. You need not change this.
pub fn converse(
    stream: std::net::TcpStream,
    clock: std::net::TcpStream,
) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let (input, mut output) = nonblocking(stream)?.into_split();
        let mut clock = nonblocking(clock)?;
        let mut frames = Frames::new(input);
        let mut byte = [0];
        loop {
            tokio::select! {
                frame = frames.next() => match frame? {
                    Some(frame) => {
                        send(&mut output, &frame.to_ascii_uppercase()).await?;
                    }
                    None => return Ok(()),
                },
                ticked = clock.read_exact(&mut byte) => {
                    ticked?;
                    send(&mut output, b"tick").await?;
                }
            }
        }
    })
}

fn nonblocking(stream: std::net::TcpStream) -> io::Result<TcpStream> {
    stream.set_nonblocking(true)?;
    TcpStream::from_std(stream)
}

async fn send(
    output: &mut (impl AsyncWrite + Unpin),
    frame: &[u8],
) -> io::Result<()> {
    let length = u16::try_from(frame.len()).map_err(|_| ErrorKind::InvalidInput)?;
    let message = [&length.to_be_bytes(), frame].concat();
    output.write_all(&message).await
}

#[cfg(test)]
pub(crate) fn check() -> checks_async::Check {
    checks_async::frames(converse)
}
