//! Servers for TCP, UDP and Unix sockets.
//!
//! What a server says to a peer is written once, as a [`Handler`]. Who runs it (the
//! server's own thread, a thread or a process for each peer, a pool, processes that were
//! started before, a few threads over a set of parked connections) is a value,
//! [`Strategy`], and a change of one word.

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
mod selector;
mod server;
mod session;
mod source;
mod strategy;
mod waker;

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
pub use strategy::Strategy;
