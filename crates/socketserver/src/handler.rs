//! What a user of this crate writes: how a peer is served.

use crate::addr::Peer;
use crate::conn::Conn;
use crate::datagram::Reply;
use crate::error::{Error, Result};

/// Whether the conversation goes on after [`Handler::handle`].
///
/// ```
/// use std::io::Write;
///
/// use socketserver::{Conn, Next, Result};
///
/// fn talk(conn: &mut Conn) -> Result<Next> {
///     match conn.line(100)?.as_deref() {
///         None | Some(b"bye") => Ok(Next::Close),
///         Some(_) => {
///             conn.write_all(b"and then?\n")?;
///             Ok(Next::Again)
///         }
///     }
/// }
/// # Ok::<(), socketserver::BoxError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// One request was served, and there may be another: `handle` is called again when
    /// something has come. In between a parked connection takes no thread.
    Again,
    /// The conversation is over.
    Close,
}

/// Serves one connection.
///
/// The server calls [`setup`](Handler::setup), then, whenever the peer has sent
/// something, [`handle`](Handler::handle), until that says [`Next::Close`] or fails or
/// the peer has ended, then [`finish`](Handler::finish). Where `setup` fails, neither of
/// the others is called; where `handle` fails or panics, `finish` is called all the same.
///
/// A handler that talks until the peer has gone reads to the end and returns
/// [`Next::Close`], as Python's do. One that serves a single request and returns
/// [`Next::Again`] runs under every strategy too, and under
/// [`Strategy::Parked`](crate::Strategy::Parked) without a thread while it waits.
///
/// A closure from a connection to a result is a handler whose other methods do nothing.
///
/// ```
/// use std::io::{BufRead, Write};
/// use socketserver::{Conn, Handler, Next, Result};
///
/// struct Upper;
///
/// impl Handler for Upper {
///     fn handle(&mut self, conn: &mut Conn) -> Result<Next> {
///         let mut line = String::new();
///         conn.read_line(&mut line)?;
///         conn.write_all(line.to_uppercase().as_bytes())?;
///         Ok(Next::Again)
///     }
/// }
/// ```
pub trait Handler {
    /// Prepares for the conversation. A server that speaks first does it here, and one
    /// that says all there is to say, such as the time, returns [`Next::Close`].
    ///
    /// # Errors
    ///
    /// An error ends the conversation before it began.
    fn setup(&mut self, conn: &mut Conn) -> Result<Next> {
        let _ = conn;
        Ok(Next::Again)
    }

    /// Serves a request, or the whole conversation. At least one byte has come and is in
    /// the buffer.
    ///
    /// # Errors
    ///
    /// An error ends the conversation and is reported.
    fn handle(&mut self, conn: &mut Conn) -> Result<Next>;

    /// Cleans up. `outcome` says how the conversation went.
    ///
    /// # Errors
    ///
    /// An error is reported; that of `handle` was reported before and is not hidden.
    fn finish(
        &mut self,
        conn: &mut Conn,
        outcome: std::result::Result<(), &Error>,
    ) -> Result {
        let _ = (conn, outcome);
        Ok(())
    }
}

impl<F> Handler for F
where
    F: FnMut(&mut Conn) -> Result<Next>,
{
    fn handle(&mut self, conn: &mut Conn) -> Result<Next> {
        self(conn)
    }
}

/// Serves one datagram.
///
/// A closure with the same arguments is such a handler.
///
/// ```
/// use std::io::Write;
///
/// use socketserver::{DatagramHandler, Peer, Reply, Result};
///
/// struct Prefixed(&'static str);
///
/// impl DatagramHandler for Prefixed {
///     fn datagram(&mut self, data: &[u8], _: &Peer, reply: &mut Reply<'_>) -> Result {
///         reply.write_all(self.0.as_bytes())?;
///         Ok(reply.write_all(data)?)
///     }
/// }
/// # Ok::<(), socketserver::BoxError>(())
/// ```
pub trait DatagramHandler {
    /// Serves what `peer` sent. Nothing is sent back unless the handler does so.
    ///
    /// # Errors
    ///
    /// An error is reported, and the server goes on.
    fn datagram(&mut self, data: &[u8], peer: &Peer, reply: &mut Reply<'_>)
    -> Result;
}

impl<F> DatagramHandler for F
where
    F: FnMut(&[u8], &Peer, &mut Reply<'_>) -> Result,
{
    fn datagram(
        &mut self,
        data: &[u8],
        peer: &Peer,
        reply: &mut Reply<'_>,
    ) -> Result {
        self(data, peer, reply)
    }
}

/// A conversation as a function from bytes to bytes, which does no input or output.
///
/// It runs under [`Server::serve_events`](crate::Server::serve_events), where one thread
/// serves all, and, as [`Blocking`](crate::Blocking), under every strategy.
///
/// ```
/// use socketserver::{Next, Protocol, Result};
///
/// struct Upper;
///
/// impl Protocol for Upper {
///     fn data(&mut self, input: &mut Vec<u8>, output: &mut Vec<u8>) -> Result<Next> {
///         output.extend(input.drain(..).map(|byte| byte.to_ascii_uppercase()));
///         Ok(Next::Again)
///     }
/// }
///
/// // No socket is needed to try it.
/// let (mut input, mut output) = (b"hello".to_vec(), Vec::new());
/// Upper.data(&mut input, &mut output)?;
/// assert_eq!(output, b"HELLO");
/// # Ok::<(), socketserver::BoxError>(())
/// ```
pub trait Protocol {
    /// Takes what it can from `input`, all that has come and was not taken before, and
    /// puts what is to be sent behind what `output` holds.
    ///
    /// It is called whenever more has come. [`Next::Close`] ends the conversation once
    /// `output` is sent.
    ///
    /// # Errors
    ///
    /// An error ends the conversation and is reported; what `output` holds is sent.
    fn data(&mut self, input: &mut Vec<u8>, output: &mut Vec<u8>) -> Result<Next>;

    /// The peer has ended its side: what `input` holds is all that there will be.
    /// Afterwards the conversation ends once `output` is sent.
    ///
    /// # Errors
    ///
    /// As for [`data`](Protocol::data).
    fn end(&mut self, input: &mut Vec<u8>, output: &mut Vec<u8>) -> Result {
        let _ = (input, output);
        Ok(())
    }
}
