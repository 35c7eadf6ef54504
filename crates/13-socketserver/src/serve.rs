//! A server: a program at a place, run by a strategy, until a signal stops it.

use std::io;
use std::time::Duration;

use socketserver::{
    Builder, DatagramHandler, Datagrams, Handler, Peer, Server, Stats, Strategy,
    Streams,
};

use crate::place::Place;
use crate::programs::Program;
use crate::signals::on_signal;
use crate::talk::Talk;

/// How long a request may go on when the server has been asked to stop.
const PATIENCE: Duration = Duration::from_secs(2);

// ANCHOR: serve
/// Serves `program` at `place` until SIGINT or SIGTERM, and tells `ready` where it is
/// once it can be called.
///
/// # Errors
///
/// Where it cannot be bound, and where the strategy cannot be had here.
pub fn serve(
    program: Program,
    strategy: Strategy,
    place: &Place,
    ready: impl FnOnce(&Place) -> io::Result<()>,
) -> io::Result<Stats> {
    let open = move |_peer: &Peer| Talk { program };
    match place {
        Place::Tcp(addr) => streams(Server::tcp(addr), strategy, open, place, ready),
        Place::Unix(path) => {
            streams(Server::unix(path), strategy, open, place, ready)
        }
        Place::Udp(addr) => {
            datagrams(Server::udp(addr), strategy, open, place, ready)
        }
        Place::UnixDatagram(path) => {
            datagrams(Server::unix_datagram(path), strategy, open, place, ready)
        }
    }
}
// ANCHOR_END: serve

/// Binds, tells of it and serves.
pub(crate) fn streams<H: Handler + Send + 'static>(
    builder: Builder<Streams>,
    strategy: Strategy,
    open: impl Fn(&Peer) -> H + Send + Sync + 'static,
    place: &Place,
    ready: impl FnOnce(&Place) -> io::Result<()>,
) -> io::Result<Stats> {
    let server = builder.drain(PATIENCE).bind()?;
    on_signal(server.handle())?;
    ready(&bound(place, &server))?;
    server.serve(strategy, open)
}

/// The same without connections: other types, and the same words.
fn datagrams<H: DatagramHandler + Send + 'static>(
    builder: Builder<Datagrams>,
    strategy: Strategy,
    open: impl Fn(&Peer) -> H + Send + Sync + 'static,
    place: &Place,
    ready: impl FnOnce(&Place) -> io::Result<()>,
) -> io::Result<Stats> {
    let server = builder.drain(PATIENCE).bind()?;
    on_signal(server.handle())?;
    ready(&bound(place, &server))?;
    server.serve(strategy, open)
}

/// The place with the port that the kernel chose.
fn bound<K>(place: &Place, server: &Server<K>) -> Place {
    match (place, server.local_addr().as_inet()) {
        (Place::Tcp(_), Some(addr)) => Place::Tcp(addr),
        (Place::Udp(_), Some(addr)) => Place::Udp(addr),
        _ => place.clone(),
    }
}
