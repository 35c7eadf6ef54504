//! A thread for each caller, in the form of objects: a server that knows whom it is
//! serving, and can be stopped.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::accept::{Stop, callers};
use crate::lines;
use crate::visits::{Visit, Visits};

// ANCHOR: object
/// One caller's connection. Whoever has it can serve it, on whichever thread.
pub struct Connection {
    visit: Visit,
}

impl Connection {
    /// Serves the caller until it has said all, and ends the connection.
    ///
    /// `self` and not `&self`: a conversation is had once, and dropping the
    /// connection at the end of this is what closes it.
    pub fn run(self) {
        if let Err(error) = lines::talk(self.visit.stream()) {
            eprintln!("{}: {error}", self.visit.peer());
        }
    }
}
// ANCHOR_END: object

/// A server: where it listens, whom it serves, and whether it is to stop.
pub struct Server {
    listener: TcpListener,
    visits: Visits,
    stop: Arc<Stop>,
}

impl Server {
    /// A server on this socket.
    ///
    /// # Errors
    ///
    /// If the socket has no address.
    pub fn new(listener: TcpListener) -> io::Result<Self> {
        let stop = Arc::new(Stop::new(&listener)?);
        let visits = Visits::default();
        Ok(Self {
            listener,
            visits,
            stop,
        })
    }

    /// What ends [`Server::run`]; for the handler of Ctrl-C, or for another thread.
    pub fn stop(&self) -> Arc<Stop> {
        Arc::clone(&self.stop)
    }

    /// Serves until it is told to stop; then no further caller is taken, and those
    /// that are there may take up to `limit` to finish. Returns who was left.
    ///
    /// # Errors
    ///
    /// If the listening socket fails.
    pub fn run(self, limit: Duration) -> io::Result<Vec<SocketAddr>> {
        for caller in callers(&self.listener, &self.stop) {
            let (stream, peer) = caller?;
            if let Err(error) = self.start(stream, peer) {
                eprintln!("{peer}: there is no thread for it: {error}");
            }
        }
        drop(self.listener); // from here on the kernel says no to callers
        Ok(self.visits.drain(limit))
    }

    fn start(&self, stream: TcpStream, peer: SocketAddr) -> io::Result<()> {
        let visit = self.visits.begin(stream, peer);
        let connection = Connection { visit };
        let thread = thread::Builder::new().name(format!("caller {}", peer.port()));
        thread.spawn(|| connection.run()).map(drop)
    }
}
