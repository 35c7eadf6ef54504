//! A connection as a handler sees it: buffered both ways, with its time limits.

use std::io::{self, BufRead, Read, Write};
use std::mem;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use socket2::Socket;

use crate::addr::Peer;
use crate::buffer;
use crate::moment::from_now;
#[cfg(feature = "tls")]
use crate::tls::Tls;

#[cfg(any(target_os = "linux", target_os = "android"))]
const SEND: i32 = nix::libc::MSG_NOSIGNAL; // EPIPE and no SIGPIPE: send(2)
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const SEND: i32 = 0;

/// Sends what the kernel takes at once.
pub(crate) fn send(socket: &Socket, bytes: &[u8]) -> io::Result<usize> {
    socket.send_with_flags(bytes, SEND)
}

/// How the connections of a server are read and written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ways {
    pub(crate) read_buffer: usize,
    pub(crate) write_buffer: usize,
    pub(crate) read_timeout: Option<Duration>,
    pub(crate) write_timeout: Option<Duration>,
    pub(crate) request_deadline: Option<Duration>,
}

/// What a look at a connection has found.
pub(crate) enum Come {
    /// There is something to read.
    Something,
    /// Nothing that could be read is whole.
    NothingYet,
    /// The peer has ended its side.
    End,
}

/// A connection as the server keeps it in view, to end it when the server ends.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) socket: Socket,
    pub(crate) peer: Peer,
    /// No request is being served.
    idle: AtomicBool,
}

impl Link {
    pub(crate) fn new(socket: Socket, peer: Peer) -> Arc<Self> {
        let idle = AtomicBool::new(false);
        Arc::new(Self { socket, peer, idle })
    }

    pub(crate) fn set_idle(&self, idle: bool) {
        self.idle.store(idle, Ordering::SeqCst);
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.idle.load(Ordering::SeqCst)
    }
}

/// A connection's socket, with the time limits that hold now.
#[derive(Clone, Copy)]
pub(crate) struct Wire<'a> {
    link: &'a Link,
    ways: &'a Ways,
    /// When the request that is served now has to be done.
    deadline: Option<Instant>,
    /// Whether a read waits for what has not come.
    waits: bool,
}

impl Wire<'_> {
    /// Receives once.
    fn receive(self, into: &mut Vec<u8>) -> io::Result<usize> {
        let room = self.ways.read_buffer;
        self.received(|flags| {
            buffer::fill(into, room, |room| {
                self.link.socket.recv_with_flags(room, flags)
            })
        })
    }

    /// Has `call` receive, again where a signal came in between.
    fn received(
        self,
        mut call: impl FnMut(i32) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let flags = match self.waits {
            true => 0,
            false => nix::libc::MSG_DONTWAIT,
        };
        self.limit_read()?;
        loop {
            match call(flags) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if self.waits => {
                    return Err(self.explained(error, "nothing came from"));
                }
                done => return done,
            }
        }
    }

    fn send_all(mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let length = self.write(bytes)?;
            bytes = &bytes[length..];
        }
        Ok(())
    }

    fn limit_read(self) -> io::Result<()> {
        if self.deadline.is_some() {
            let left = self.time_left(self.ways.read_timeout)?;
            self.link.socket.set_read_timeout(Some(left))?;
        }
        Ok(())
    }

    /// The time for the next call: its own limit, or less where the request has less.
    fn time_left(self, own: Option<Duration>) -> io::Result<Duration> {
        let limit = own.unwrap_or(Duration::MAX);
        let left = self.deadline.map_or(limit, |deadline| {
            limit.min(deadline.saturating_duration_since(Instant::now()))
        });
        match left.is_zero() {
            true => Err(self.too_slow()),
            // What rounds to zero would mean no limit at all: socket(7).
            false => Ok(left.max(Duration::from_millis(1))),
        }
    }

    fn too_slow(self) -> io::Error {
        let why = format!("the request of {} was not done in time", self.link.peer);
        io::Error::new(io::ErrorKind::TimedOut, why)
    }

    /// A socket's own time limit, SO_RCVTIMEO or SO_SNDTIMEO of socket(7), shows as
    /// EAGAIN.
    fn explained(self, error: io::Error, what: &str) -> io::Error {
        if error.kind() != io::ErrorKind::WouldBlock {
            return error;
        }
        if self
            .deadline
            .is_some_and(|deadline| deadline <= Instant::now())
        {
            return self.too_slow();
        }
        let why = format!("{what} {} within the time limit", self.link.peer);
        io::Error::new(io::ErrorKind::TimedOut, why)
    }
}

#[cfg(feature = "tls")]
impl Read for Wire<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        use std::os::fd::AsRawFd;
        let socket = self.link.socket.as_raw_fd();
        self.received(|flags| {
            let flags = nix::sys::socket::MsgFlags::from_bits_retain(flags);
            Ok(nix::sys::socket::recv(socket, bytes, flags)?)
        })
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.deadline.is_some() {
            let left = self.time_left(self.ways.write_timeout)?;
            self.link.socket.set_write_timeout(Some(left))?;
        }
        loop {
            match send(&self.link.socket, bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => {
                    return done
                        .map_err(|error| self.explained(error, "nothing went to"));
                }
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A connection with a peer.
///
/// It reads through a buffer and writes through another, which is sent when the handler
/// reads what is not there yet, when it returns, and on `flush`: so an answer made of
/// many small writes goes out as one, and none waits while the peer is waited for.
///
/// ```
/// use std::io::{Read, Write};
///
/// use socketserver::{Conn, Next, Result};
///
/// /// Answers so many bytes as the first line says.
/// fn sized(conn: &mut Conn) -> Result<Next> {
///     let line = conn.line(10)?.unwrap_or_default();
///     let length: usize = str::from_utf8(&line)?.parse()?;
///     let mut bytes = vec![0; length.min(1 << 20)];
///     conn.read_exact(&mut bytes)?;
///     conn.write_all(&bytes)?;
///     Ok(Next::Again)
/// }
/// # Ok::<(), socketserver::BoxError>(())
/// ```
#[derive(Debug)]
pub struct Conn {
    link: Arc<Link>,
    ways: Ways,
    input: Vec<u8>,
    taken: usize,
    output: Vec<u8>,
    /// When the request that is served now has to be done.
    deadline: Option<Instant>,
    ended: bool,
    received: u64,
    sent: u64,
    #[cfg(feature = "tls")]
    tls: Option<Box<Tls>>,
}

impl Conn {
    pub(crate) fn new(link: Arc<Link>, ways: Ways) -> Self {
        Self {
            link,
            ways,
            input: Vec::new(),
            taken: 0,
            output: Vec::new(),
            deadline: None,
            ended: false,
            received: 0,
            sent: 0,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// From here on all bytes travel as TLS.
    #[cfg(feature = "tls")]
    pub(crate) fn secure(&mut self, tls: Tls) {
        self.tls = Some(Box::new(tls));
    }

    /// What TLS has agreed on with the peer: the version, the protocol, the name that it
    /// asked for. Nothing on a connection without TLS.
    ///
    /// ```
    /// use std::io::{BufRead, Write};
    ///
    /// use socketserver::{Conn, Next, Result};
    ///
    /// fn which(conn: &mut Conn) -> Result<Next> {
    ///     conn.fill_buf()?; // after the first byte there is something to tell
    ///     let name = conn.tls().and_then(|tls| tls.server_name()).map(str::to_owned);
    ///     writeln!(conn, "you have asked for {name:?}")?;
    ///     Ok(Next::Close)
    /// }
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    #[cfg(feature = "tls")]
    pub fn tls(&self) -> Option<&rustls::ServerConnection> {
        self.tls.as_deref().map(Tls::session)
    }

    /// Says goodbye, so that the peer can tell the end from a connection that was cut.
    pub(crate) fn say_the_end(&mut self) {
        #[cfg(feature = "tls")]
        if let Some(mut tls) = self.tls.take() {
            // Who is gone does not hear it.
            let _ = tls.end(self.wire(true));
            self.tls = Some(tls);
        }
    }

    /// Who is at the other end.
    ///
    /// ```
    /// use std::io::Write;
    ///
    /// use socketserver::{Conn, Next, Result};
    ///
    /// fn who_am_i(conn: &mut Conn) -> Result<Next> {
    ///     let peer = conn.peer().clone();
    ///     writeln!(conn, "you are {peer}, the {}. of today", peer.id)?;
    ///     Ok(Next::Close)
    /// }
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn peer(&self) -> &Peer {
        &self.link.peer
    }

    /// The socket itself, for its options. Bytes read or written there go past the
    /// buffers.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use socket2::TcpKeepalive;
    /// use socketserver::{Conn, Next, Result};
    ///
    /// fn setup(conn: &mut Conn) -> Result<Next> {
    ///     let keepalive = TcpKeepalive::new().with_time(Duration::from_secs(60));
    ///     conn.socket().set_tcp_keepalive(&keepalive)?;
    ///     Ok(Next::Again)
    /// }
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn socket(&self) -> &Socket {
        &self.link.socket
    }

    /// How many bytes have come.
    ///
    /// ```
    /// use socketserver::{Conn, Next, Result};
    ///
    /// fn limited(conn: &mut Conn) -> Result<Next> {
    ///     # conn.line(1024)?;
    ///     match conn.received() {
    ///         ..=1_000_000 => Ok(Next::Again),
    ///         more => Err(format!("{more} bytes are enough").into()),
    ///     }
    /// }
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn received(&self) -> u64 {
        self.received
    }

    /// How many bytes the kernel has taken.
    ///
    /// ```
    /// use std::io::Write;
    ///
    /// use socketserver::{Conn, Next, Result};
    ///
    /// fn log(conn: &mut Conn) -> Result<Next> {
    ///     conn.write_all(b"hello\n")?;
    ///     conn.flush()?;
    ///     eprintln!("{}: {} bytes in, {} out", conn.peer(), conn.received(), conn.sent());
    ///     Ok(Next::Close)
    /// }
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// What has come and was not read yet, without waiting for more.
    ///
    /// ```
    /// use std::io::BufRead;
    ///
    /// use socketserver::{Conn, Next, Result};
    ///
    /// /// A connection that begins as TLS does is told from plain text by its first byte.
    /// fn tell(conn: &mut Conn) -> Result<Next> {
    ///     let is_tls = conn.buffered().first() == Some(&22); // RFC 8446, section 5.1
    ///     # let length = conn.buffered().len();
    ///     # conn.consume(length);
    ///     # let _ = is_tls;
    ///     Ok(Next::Close)
    /// }
    /// ```
    pub fn buffered(&self) -> &[u8] {
        &self.input[self.taken..]
    }

    /// Reads a line, without its `\n` or `\r\n`, of at most `most` bytes; nothing at the
    /// end of the input. A last line may lack its end.
    ///
    /// ```
    /// use std::io::Write;
    ///
    /// use socketserver::{Conn, Next, Result};
    ///
    /// fn greet(conn: &mut Conn) -> Result<Next> {
    ///     let Some(name) = conn.line(80)? else {
    ///         return Ok(Next::Close);
    ///     };
    ///     conn.write_all(&[b"hello, ", &name[..], b"\n"].concat())?;
    ///     Ok(Next::Again)
    /// }
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidData`] for a line that is longer: no peer can make the
    /// server keep more than that. Otherwise as [`BufRead::fill_buf`].
    pub fn line(&mut self, most: usize) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        loop {
            let come = self.fill_buf()?;
            if come.is_empty() {
                return Ok((!line.is_empty()).then_some(line));
            }
            let end = come.iter().position(|byte| *byte == b'\n');
            line.extend_from_slice(&come[..end.unwrap_or(come.len())]);
            let used = end.map_or(come.len(), |end| end + 1);
            self.consume(used);
            if end.is_some() && line.last() == Some(&b'\r') {
                line.pop();
            }
            if line.len() > most {
                let why =
                    format!("{} sent a line of more than {most} bytes", self.peer());
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
            if end.is_some() {
                return Ok(Some(line));
            }
        }
    }

    /// Whether the peer has ended its side, and that has been read.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    pub(crate) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// A request begins: it has its deadline from now.
    pub(crate) fn begin_request(&mut self) {
        self.deadline = self.ways.request_deadline.map(from_now);
    }

    /// The request is over, and with it the time limits that it had.
    pub(crate) fn end_request(&mut self) -> io::Result<()> {
        if self.deadline.take().is_some() {
            self.link.socket.set_read_timeout(self.ways.read_timeout)?;
            self.link
                .socket
                .set_write_timeout(self.ways.write_timeout)?;
        }
        Ok(())
    }

    /// Looks what has come, on a connection of which the kernel says that something has.
    pub(crate) fn look(&mut self) -> io::Result<Come> {
        if self.taken == self.input.len() && !self.ended {
            // Of TLS it may be a part of a record, or nothing that is for us.
            match self.receive(false) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Come::NothingYet);
                }
                done => done?,
            }
        }
        match self.buffered().is_empty() {
            true => Ok(Come::End),
            false => Ok(Come::Something),
        }
    }

    /// Waits until there is something to read, and says whether there is.
    pub(crate) fn wait_for_more(&mut self) -> io::Result<bool> {
        Ok(!self.fill_buf()?.is_empty())
    }

    /// Gives the memory of empty buffers back, for as long as nobody talks.
    pub(crate) fn rest(&mut self) {
        if self.buffered().is_empty() {
            (self.input, self.taken) = (Vec::new(), 0);
        }
        if self.output.is_empty() {
            self.output = Vec::new();
        }
    }

    /// Receives once. What is in the output buffer goes first: the peer may wait for it.
    fn receive(&mut self, waits: bool) -> io::Result<()> {
        self.flush()?;
        let mut input = mem::take(&mut self.input);
        input.clear();
        self.taken = 0;
        let come = self.receive_into(&mut input, waits);
        self.input = input;
        let length = come?;
        self.received += length as u64;
        self.ended = length == 0;
        Ok(())
    }

    fn receive_into(
        &mut self,
        input: &mut Vec<u8>,
        waits: bool,
    ) -> io::Result<usize> {
        #[cfg(feature = "tls")]
        if let Some(mut tls) = self.tls.take() {
            let come = tls.receive(input, self.wire(waits));
            self.tls = Some(tls);
            return come;
        }
        self.wire(waits).receive(input)
    }

    fn wire(&self, waits: bool) -> Wire<'_> {
        Wire {
            link: &self.link,
            ways: &self.ways,
            deadline: self.deadline,
            waits,
        }
    }

    fn send_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        #[cfg(feature = "tls")]
        if let Some(mut tls) = self.tls.take() {
            let sent = tls.send(bytes, self.wire(true));
            self.tls = Some(tls);
            sent?;
            self.sent += bytes.len() as u64;
            return Ok(());
        }
        self.wire(true).send_all(bytes)?;
        self.sent += bytes.len() as u64;
        Ok(())
    }
}

impl Read for Conn {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let come = self.fill_buf()?;
        let length = come.len().min(bytes.len());
        bytes[..length].copy_from_slice(&come[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for Conn {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken == self.input.len() && !self.ended {
            self.receive(true)?;
        }
        Ok(&self.input[self.taken..])
    }

    fn consume(&mut self, amount: usize) {
        self.taken = (self.taken + amount).min(self.input.len());
    }
}

impl Write for Conn {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.output.len() + bytes.len() > self.ways.write_buffer {
            self.flush()?;
        }
        if bytes.len() >= self.ways.write_buffer {
            self.send_all(bytes)?;
        } else {
            self.output.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        let mut output = mem::take(&mut self.output);
        let sent = self.send_all(&output);
        output.clear();
        self.output = output;
        sent
    }
}

impl AsFd for Conn {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.link.socket.as_fd()
    }
}
