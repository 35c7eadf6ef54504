//! Servers whose peers send datagrams.

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use socket2::Socket;

use super::{Datagrams, Served, Server};
use crate::addr::Peer;
use crate::bind;
use crate::builder::{Builder, Step};
use crate::datagram::Reply;
use crate::error::During;
use crate::handle::Stats;
use crate::handler::DatagramHandler;
use crate::session::{House, guard, make};
use crate::several::Service;
use crate::source::{Packet, Packets};
use crate::strategy::Strategy;
use crate::turns::Turning;

impl Builder<Datagrams> {
    /// Binds: from now on datagrams are queued by the kernel.
    ///
    /// ```
    /// use socketserver::Server;
    ///
    /// let server = Server::udp("127.0.0.1:0").bind()?;
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the lookup and of bind(2), with the address in their words.
    pub fn bind(self) -> io::Result<Server<Datagrams>> {
        let (place, options, config) = self.into_parts()?;
        let (socket, file) = bind::receiver(&place, &options)?;
        Server::new(socket, file, config)
    }
}

impl Server<Datagrams> {
    /// Serves until it is asked to stop.
    ///
    /// `open` makes a handler for each datagram.
    ///
    /// ```
    /// use std::io::Write;
    ///
    /// use socketserver::{Peer, Reply, Result, Server, Strategy};
    ///
    /// fn shout(data: &[u8], _peer: &Peer, reply: &mut Reply<'_>) -> Result {
    ///     Ok(reply.write_all(&data.to_ascii_uppercase())?)
    /// }
    ///
    /// let server = Server::udp("127.0.0.1:0").bind()?;
    /// # server.handle().shutdown();
    /// server.serve(Strategy::Inline, |_peer| shout)?;
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Where the strategy cannot be had here, and where receiving fails for a reason that
    /// will not pass. What goes wrong in a request is reported to
    /// [`Builder::on_error`] and ends nothing but that request.
    pub fn serve<F, H>(&self, strategy: Strategy, open: F) -> io::Result<Stats>
    where
        F: Fn(&Peer) -> H + Send + Sync + 'static,
        H: DatagramHandler,
    {
        match strategy {
            Strategy::Prefork { workers } => {
                self.prefork(workers, || self.packets(), self.answers(open))
            }
            _ => self.run(self.start(strategy, &self.own(), open)?),
        }
    }

    /// This server with a strategy and its handlers, for [`serve_all`](crate::serve_all),
    /// which serves several in one loop.
    ///
    /// ```
    /// use socketserver::{Conn, Next, Peer, Reply, Server, Strategy, serve_all};
    ///
    /// let streams = Server::tcp("127.0.0.1:0").bind()?;
    /// let datagrams = Server::udp("127.0.0.1:0").bind()?;
    /// # streams.handle().shutdown();
    /// # datagrams.handle().shutdown();
    /// serve_all([
    ///     streams.service(Strategy::Inline, |_peer| |_: &mut Conn| Ok(Next::Close)),
    ///     datagrams.service(Strategy::Inline, |_peer| {
    ///         |_: &[u8], _: &Peer, _: &mut Reply<'_>| Ok(())
    ///     }),
    /// ])?;
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    pub fn service<F, H>(&self, strategy: Strategy, open: F) -> Service<'_>
    where
        F: Fn(&Peer) -> H + Send + Sync + 'static,
        H: DatagramHandler,
    {
        Service::new(&self.house, &self.socket, strategy, move |listeners| {
            self.start(strategy, listeners, open)
        })
    }

    fn start<F, H>(
        &self,
        strategy: Strategy,
        listeners: &[RawFd],
        open: F,
    ) -> io::Result<Box<dyn Turning + '_>>
    where
        F: Fn(&Peer) -> H + Send + Sync + 'static,
        H: DatagramHandler,
    {
        let strategy = match strategy {
            // No connection waits here for its next request.
            Strategy::Parked { workers, max } => Strategy::Pool {
                workers,
                queue: max.saturating_sub(workers),
            },
            other => other,
        };
        // Its own socket is what a child answers with.
        let own = self.socket.as_raw_fd();
        let mut listeners = listeners.to_vec();
        listeners.retain(|fd| *fd != own);
        self.serve_with(strategy, &listeners, self.packets(), self.answers(open))
    }

    /// What is done with a datagram.
    fn answers<F, H>(
        &self,
        open: F,
    ) -> impl Fn(&House, Packet) -> bool + Send + Sync + 'static
    where
        F: Fn(&Peer) -> H + Send + Sync + 'static,
        H: DatagramHandler,
    {
        let socket = Arc::clone(&self.socket);
        move |house, packet| answer(house, &socket, packet, &open)
    }

    /// Serves a single datagram, waiting no longer than `limit` for one; for ever
    /// without a limit.
    ///
    /// ```
    /// use std::net::UdpSocket;
    ///
    /// use socketserver::{Peer, Reply, Result, Served, Server};
    ///
    /// fn print(data: &[u8], peer: &Peer, _: &mut Reply<'_>) -> Result {
    ///     println!("{peer}: {}", data.escape_ascii());
    ///     Ok(())
    /// }
    ///
    /// let server = Server::udp("127.0.0.1:0").bind()?;
    /// UdpSocket::bind("127.0.0.1:0")?.send_to(b"hello", server.local_addr().to_string())?;
    /// assert_eq!(server.serve_one(None, |_peer| print)?, Served::Request);
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`serve`](Self::serve).
    pub fn serve_one<F, H>(
        &self,
        limit: Option<Duration>,
        open: F,
    ) -> io::Result<Served>
    where
        F: Fn(&Peer) -> H,
        H: DatagramHandler,
    {
        let work = |house: &House, packet: Packet| {
            answer(house, &self.socket, packet, &open)
        };
        self.one(limit, &self.packets(), work)
    }

    fn packets(&self) -> Packets<'_> {
        Packets::new(&self.socket, &self.addr, self.house.config.max_packet)
    }
}

/// Serves a datagram; whether all went well.
fn answer<H: DatagramHandler>(
    house: &House,
    socket: &Socket,
    packet: Packet,
    open: impl Fn(&Peer) -> H,
) -> bool {
    let Packet { data, from, peer } = packet;
    house.step(&peer, Step::Setup);
    let served = make(|| open(&peer)).and_then(|mut handler| {
        house.step(&peer, Step::Handle);
        let done = guard(During::Handle, || {
            let mut reply = Reply::new(socket, &from);
            handler.datagram(&data, &peer, &mut reply)?;
            Ok(reply.send()?)
        });
        house.step(&peer, Step::Finish);
        done
    });
    house.step(&peer, Step::Close);
    served.map_err(|error| house.failed(&peer, &error)).is_ok()
}
