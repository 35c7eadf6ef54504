//! Servers whose peers connect.

use std::io;
use std::os::fd::RawFd;
use std::time::Duration;

use super::{Served, Server, Streams};
use crate::addr::Peer;
use crate::bind;
use crate::builder::Builder;
use crate::crew;
use crate::handle::Stats;
use crate::handler::Handler;
use crate::session::{House, Session};
use crate::several::Service;
use crate::source::{Visitor, Visitors};
use crate::strategy::Strategy;
use crate::turns::Turning;

impl Builder<Streams> {
    /// Binds and listens: from now on peers can connect, and wait to be served.
    ///
    /// ```
    /// use std::io::ErrorKind;
    ///
    /// use socketserver::Server;
    ///
    /// let server = Server::tcp("127.0.0.1:0").bind()?;
    /// let taken = Server::tcp(server.local_addr().to_string()).bind();
    /// assert_eq!(taken.err().map(|error| error.kind()), Some(ErrorKind::AddrInUse));
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the lookup, of bind(2) and listen(2), with the address in their words.
    pub fn bind(self) -> io::Result<Server<Streams>> {
        let (place, options, config) = self.into_parts()?;
        let (socket, file) = bind::listener(&place, &options)?;
        Server::new(socket, file, config)
    }
}

impl Server<Streams> {
    /// Serves until it is asked to stop, and then until the requests that it serves
    /// are done or the time for them has run out.
    ///
    /// `open` makes a handler for each peer; where and how often at once they run is the
    /// strategy's.
    ///
    /// ```
    /// use std::io::Write;
    ///
    /// use socketserver::{Conn, Next, Result, Server, Strategy};
    ///
    /// fn hello(conn: &mut Conn) -> Result<Next> {
    ///     conn.line(1024)?;
    ///     conn.write_all(b"hello\n")?;
    ///     Ok(Next::Again)
    /// }
    ///
    /// let server = Server::tcp("127.0.0.1:0").bind()?;
    /// # server.handle().shutdown();
    /// let stats = server.serve(Strategy::Threads { max: 1000 }, |_peer| hello)?;
    /// println!("{} connections, {} errors", stats.accepted, stats.errors);
    /// # Ok::<(), socketserver::BoxError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Where the strategy cannot be had here, and where `accept` fails for a reason that
    /// will not pass. What goes wrong in a request is reported to
    /// [`Builder::on_error`] and ends nothing but that request.
    pub fn serve<F, H>(&self, strategy: Strategy, open: F) -> io::Result<Stats>
    where
        F: Fn(&Peer) -> H + Send + Sync + 'static,
        H: Handler + Send + 'static,
    {
        match strategy {
            Strategy::Prefork { workers } => {
                self.prefork(workers, || self.visitors(), conversation(open))
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
        H: Handler + Send + 'static,
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
        H: Handler + Send + 'static,
    {
        match strategy {
            Strategy::Parked { workers, max } => {
                let crew = crew::parked(&self.house, workers, max, open)?;
                Ok(self.turns(self.visitors(), crew))
            }
            _ => self.serve_with(
                strategy,
                listeners,
                self.visitors(),
                conversation(open),
            ),
        }
    }

    /// Serves a single request, waiting no longer than `limit` for somebody to come; for
    /// ever without one.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use socketserver::{Conn, Next, Served, Server};
    ///
    /// let server = Server::tcp("127.0.0.1:0").bind()?;
    /// let limit = Some(Duration::from_millis(10));
    /// let served = server.serve_one(limit, |_peer| |_: &mut Conn| Ok(Next::Close))?;
    /// assert_eq!(served, Served::TimedOut);
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
        H: Handler,
    {
        self.one(limit, &self.visitors(), conversation(open))
    }

    pub(crate) fn visitors(&self) -> Visitors<'_> {
        Visitors::new(&self.socket, &self.addr)
    }
}

/// What is done with a connection: the whole conversation; whether all went well.
fn conversation<F, H>(open: F) -> impl Fn(&House, Visitor) -> bool
where
    F: Fn(&Peer) -> H,
    H: Handler,
{
    move |house, Visitor { socket, peer }| {
        let (session, good) = Session::open(house, socket, peer, &open);
        session.map_or(good, Session::run)
    }
}
