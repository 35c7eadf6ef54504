//! Exercise `socketserver/verify`: who is served, and what is counted.
//!
//! A server on the framework, with a test at the door and an account of what went
//! wrong. Both functions that you are given are somebody else's: they may panic, and the
//! server goes on.
//!
//! The book has it in chapter 13, "Errors by kind".

use std::io;
use std::net::{SocketAddr, TcpListener};
// BEGIN SOLUTION
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use socketserver::{Conn, During, Error, Next, Peer, Server, Strategy};
// END SOLUTION

/// What has happened, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Peers who were not welcome, and peers at whose test `welcome` panicked.
    pub refused: u64,
    /// Conversations that ended because `answer` returned an error.
    pub failed: u64,
    /// Conversations that ended because `answer` panicked.
    pub panicked: u64,
    /// Conversations that ended because the connection broke: the peer has reset it.
    pub broken: u64,
}

/// Serves every peer who is welcome, up to 100 at once, each on a thread of its own,
/// until `stop` returns; then returns what has been counted.
///
/// - A line (of at most 1024 bytes, without its newline) is answered with what `answer`
///   says and a newline, until the peer ends.
/// - A peer who is not `welcome` hears nothing and sees the end. `welcome` may panic:
///   that is a refusal.
/// - Where `answer` returns an error or panics, the peer hears nothing more and sees the
///   end.
/// - Nothing of this ends anything else.
/// - `stop` blocks until the server is to stop, so it is called by another thread. Peers
///   who are silent then do not hold the server up.
pub fn serve(
    listener: TcpListener,
    welcome: fn(SocketAddr) -> bool,
    answer: fn(&[u8]) -> Result<Vec<u8>, String>,
    stop: Box<dyn FnOnce() + Send>,
) -> io::Result<Counts> {
    // BEGIN SOLUTION
    let [failed, panicked, broken] = [(); 3].map(|()| Arc::new(AtomicU64::new(0)));
    let counters = [&failed, &panicked, &broken].map(Arc::clone);
    let server = Server::from_listener(listener)
        .verify(move |peer| peer.addr.as_inet().is_some_and(welcome))
        .on_error(move |_, error| {
            let [failed, panicked, broken] = &counters;
            let counter = match error {
                Error::Panicked(During::Verify, _) => return, // it is refused
                Error::Panicked(..) => panicked,
                Error::Failed(_, error) if error.is::<io::Error>() => broken,
                _ => failed,
            };
            counter.fetch_add(1, Ordering::Relaxed);
        })
        .bind()?;
    let handle = server.handle();
    thread::spawn(move || {
        stop();
        handle.shutdown();
    });
    let stats = server.serve(Strategy::Threads { max: 100 }, move |_: &Peer| {
        move |conn: &mut Conn| {
            let Some(line) = conn.line(1024)? else {
                return Ok(Next::Close);
            };
            let mut words = answer(&line)?;
            words.push(b'\n');
            conn.write_all(&words)?;
            Ok(Next::Again)
        }
    })?;
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    Ok(Counts {
        refused: stats.refused,
        failed: read(&failed),
        panicked: read(&panicked),
        broken: read(&broken),
    })
    // STUB let _ = (listener, welcome, answer, stop);
    // STUB todo!("a server with a test at the door, and an account of its errors")
    // END SOLUTION
}

#[cfg(test)]
pub(crate) fn check() -> checks_socketserver::Check {
    checks_socketserver::verify(|listener, welcome, answer, stop| {
        let counts = serve(listener, welcome, answer, stop)?;
        let Counts {
            refused,
            failed,
            panicked,
            broken,
        } = counts;
        Ok([refused, failed, panicked, broken])
    })
}
