//! Several servers in one loop.

use std::io;
use std::os::fd::{AsRawFd, RawFd};

use socket2::Socket;

use crate::handle::Stats;
use crate::session::House;
use crate::strategy::Strategy;
use crate::turns::{Turning, turn_all};

/// Makes what is turned, told of the listeners of all servers in the loop.
type Start<'a> = Box<dyn FnOnce(&[RawFd]) -> io::Result<Box<dyn Turning + 'a>> + 'a>;

/// A server with a strategy and its handlers, made by [`Server::service`] for
/// [`serve_all`].
///
/// [`Server::service`]: crate::Server::service
#[must_use = "a service that is not served does nothing"]
pub struct Service<'a> {
    house: &'a House,
    socket: &'a Socket,
    strategy: Strategy,
    start: Start<'a>,
}

impl<'a> Service<'a> {
    pub(crate) fn new(
        house: &'a House,
        socket: &'a Socket,
        strategy: Strategy,
        start: impl FnOnce(&[RawFd]) -> io::Result<Box<dyn Turning + 'a>> + 'a,
    ) -> Self {
        let start = Box::new(start);
        Self {
            house,
            socket,
            strategy,
            start,
        }
    }
}

/// Serves several servers, of whatever kinds, in one loop and this one thread, until
/// each of them was asked to stop; then what each has done, in the order in which they
/// were given.
///
/// A server is stopped by a [`Handle`](crate::Handle) of its own, and the others go on.
/// What holds the loop up holds all of them up: a conversation under
/// [`Strategy::Inline`], a hook that takes its time.
///
/// ```
/// use std::io::Write;
/// use std::net::TcpStream;
///
/// use socketserver::{Conn, Next, Result, Server, Strategy, serve_all};
///
/// fn tell_the_time(conn: &mut Conn) -> Result<Next> {
///     conn.write_all(b"tea time\n")?;
///     Ok(Next::Close)
/// }
///
/// let (clock, gate) = (Server::tcp("127.0.0.1:0").bind()?, Server::tcp("[::1]:0").bind()?);
/// let (stop_clock, stop_gate) = (clock.handle(), gate.handle());
/// let mut caller = TcpStream::connect(gate.local_addr().to_string())?;
/// caller.write_all(b"close\n")?;
///
/// let stats = serve_all([
///     clock.service(Strategy::Threads { max: 100 }, |_peer| tell_the_time),
///     gate.service(Strategy::Inline, move |_peer| {
///         let (clock, gate) = (stop_clock.clone(), stop_gate.clone());
///         move |_conn: &mut Conn| {
///             clock.shutdown();
///             gate.shutdown();
///             Ok(Next::Close)
///         }
///     }),
/// ])?;
/// assert_eq!((stats[0].accepted, stats[1].accepted), (0, 1));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// As for `serve`; where one of the servers fails, the others are asked to stop, and
/// come to their end first. Before any is served:
///
/// - [`io::ErrorKind::Unsupported`] for [`Strategy::Prefork`], whose processes have loops
///   of their own, and for [`Strategy::Fork`] beside a strategy with threads, since a
///   process with threads must not fork;
/// - [`io::ErrorKind::ResourceBusy`] for a server that is given twice, or that another
///   thread serves.
pub fn serve_all<'a>(
    services: impl IntoIterator<Item = Service<'a>>,
) -> io::Result<Vec<Stats>> {
    let services: Vec<Service<'a>> = services.into_iter().collect();
    let some = |wanted: fn(&Strategy) -> bool| {
        services.iter().any(|service| wanted(&service.strategy))
    };
    if some(|strategy| matches!(strategy, Strategy::Fork { .. })) && some(has_threads)
    {
        let why = "Strategy::Fork cannot be served beside a strategy with threads";
        return Err(io::Error::new(io::ErrorKind::Unsupported, why));
    }
    let houses: Vec<&House> = services.iter().map(|service| service.house).collect();
    let listeners: Vec<RawFd> =
        services.iter().map(|one| one.socket.as_raw_fd()).collect();
    let turns = services.into_iter().map(|one| (one.start)(&listeners));
    let mut turns: Vec<_> = turns.collect::<io::Result<_>>()?;
    turns.iter_mut().try_for_each(|one| one.begin())?;
    let mut all: Vec<&mut (dyn Turning + 'a)> =
        turns.iter_mut().map(|one| &mut **one).collect();
    turn_all(&mut all)?;
    Ok(houses.iter().map(|house| house.core.stats()).collect())
}

fn has_threads(strategy: &Strategy) -> bool {
    matches!(
        strategy,
        Strategy::Threads { .. } | Strategy::Pool { .. } | Strategy::Parked { .. }
    )
}
