//! Servers for TCP, UDP and Unix sockets.
//!
//! What a server says to a peer is written once, as a [`Handler`]. Who runs it (the
//! server's own thread, a thread or a process for each peer, a pool, processes that were
//! started before, a few threads over a set of parked connections) is a value,
//! [`Strategy`], and a change of one word.
//!
//! ```
//! use std::io::Write;
//! use std::net::TcpStream;
//! use std::thread;
//!
//! use socketserver::{Conn, Next, Result, Server, Strategy};
//!
//! /// Answers a line in capital letters.
//! fn upper(conn: &mut Conn) -> Result<Next> {
//!     if let Some(line) = conn.line(1024)? {
//!         conn.write_all(&[&line.to_ascii_uppercase()[..], b"\n"].concat())?;
//!     }
//!     Ok(Next::Again)
//! }
//!
//! let server = Server::tcp("127.0.0.1:0").bind()?;
//! let (addr, handle) = (server.local_addr().to_string(), server.handle());
//! let serving = thread::spawn(move || {
//!     server.serve(Strategy::Threads { max: 1000 }, |_peer| upper)
//! });
//!
//! let mut stream = TcpStream::connect(addr)?;
//! stream.write_all(b"hello\n")?;
//! let mut answer = [0; 6];
//! std::io::Read::read_exact(&mut stream, &mut answer)?;
//! assert_eq!(&answer, b"HELLO\n");
//!
//! handle.shutdown();
//! assert_eq!(serving.join().expect("it does not panic")?.accepted, 1);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # What holds for every server
//!
//! - Its port is its own again at once after a restart, its backlog is 4096 connections,
//!   and port 0 has the kernel choose one: [`Server::local_addr`] tells which.
//! - What goes wrong in a request, a panic included, ends that request. It is reported to
//!   [`Builder::on_error`], and the server goes on.
//! - At its limit the server stops accepting, and the kernel's backlog is the queue; or it
//!   says that it is busy ([`Builder::busy`]). Without descriptors it waits for a moment
//!   and tries again.
//! - [`Handle::shutdown`] works from anywhere, a signal handler included, before `serve` and
//!   in a handler. Connections that wait for a request are closed at once, requests that
//!   are served have [`Builder::drain`], and then they are ended by force.
//!
//! # Coming from Python's `socketserver`
//!
//! | Python | here |
//! |---|---|
//! | `TCPServer`, `UDPServer` | [`Server::tcp`], [`Server::udp`] and [`Strategy::Inline`] |
//! | `UnixStreamServer`, `UnixDatagramServer` | [`Server::unix`], [`Server::unix_datagram`] |
//! | `ThreadingTCPServer` and its like | the same with [`Strategy::Threads`], which has a limit |
//! | `ForkingTCPServer` and its like, `max_children` | [`Strategy::Fork`] |
//! | `bind_and_activate=False` | [`Server::from_listener`], [`Server::from_socket`] |
//! | `server_address` | [`Server::local_addr`] |
//! | `allow_reuse_address`, `allow_reuse_port` | [`Builder::reuse_address`] (on), [`Builder::reuse_port`] |
//! | `request_queue_size=5` | [`Builder::backlog`], 4096 |
//! | `max_packet_size`, and a cut without a word | [`Builder::max_packet`], and [`Error::Truncated`] |
//! | `serve_forever(poll_interval)` | `serve`, which has no interval: it is woken |
//! | `handle_request()`, `timeout`, `handle_timeout()` | `serve_one`, and [`Served::TimedOut`] |
//! | `service_actions()` | [`Builder::on_tick`] |
//! | `shutdown()`, which waits | [`Handle::shutdown`], [`Handle::shutdown_and_wait`] with a limit |
//! | `server_close()`, `with` | dropping the [`Server`] |
//! | `block_on_close`, `daemon_threads` | [`Builder::drain`]: a limit in place of for ever or not at all |
//! | `verify_request()` | [`Builder::verify`] |
//! | `process_request()`, the mix-ins | [`Strategy`] |
//! | `finish_request()`, the handler class | the factory that `serve` is given |
//! | `handle_error()` | [`Builder::on_error`] |
//! | `shutdown_request()`, `close_request()` | done by the server; [`Builder::closing`] says how |
//! | `fileno()`, for a selector over several servers | [`AsFd`](std::os::fd::AsFd), and [`serve_all`] |
//! | `setup()`, `handle()`, `finish()` | [`Handler`] |
//! | `self.request`, `self.client_address` | [`Conn::socket`], [`Conn::peer`] |
//! | `self.server` | what the factory captures, most often an [`Arc`](std::sync::Arc) |
//! | `StreamRequestHandler`'s `rfile`, `wfile`, `rbufsize`, `wbufsize` | [`Conn`], [`Builder::read_buffer`], [`Builder::write_buffer`] |
//! | its `timeout`, `disable_nagle_algorithm` | [`Builder::read_timeout`] and two more, [`Builder::nodelay`] (on) |
//! | `ssl` around the listener, `HTTPSServer` | `Builder::tls`, with the feature `tls`: in the worker, not in `accept` |
//! | `DatagramRequestHandler`'s `packet`, `wfile` | [`DatagramHandler`], [`Reply`] |
//!
//! What CPython's documentation and its test suite promise is in [`python`], line by line.
//!
//! Three things differ on purpose. A handler is called when something has come, so one
//! that speaks first does so in [`Handler::setup`]. `finish` is told how the conversation
//! went and cannot hide its error. And a datagram is answered only where something was
//! written.
//!
//! # Processes
//!
//! fork(2) copies the thread that calls it and every lock that other threads hold. So
//! [`Strategy::Fork`] and [`Strategy::Prefork`] refuse to serve in a process that has other
//! threads: start them after `serve`'s end, or not at all, and stop the server from a
//! signal handler.

mod addr;
mod bind;
mod buffer;
mod builder;
mod conn;
mod crew;
mod datagram;
mod error;
mod events;
mod handle;
mod handler;
mod moment;
mod selector;
mod server;
mod session;
mod several;
mod source;
mod strategy;
#[cfg(feature = "tls")]
mod tls;
mod turns;
mod waker;

#[doc = include_str!("../docs/python.md")]
pub mod python {}

pub use addr::{Addr, Peer};
pub use builder::{Builder, Closing, Step};
pub use conn::Conn;
pub use datagram::Reply;
pub use error::{BoxError, During, Error, Result};
pub use events::Blocking;
pub use handle::{Handle, Stats};
pub use handler::{DatagramHandler, Handler, Next, Protocol};
pub use selector::Backend;
pub use server::{Datagrams, Served, Server, Streams};
pub use several::{Service, serve_all};
pub use strategy::Strategy;
