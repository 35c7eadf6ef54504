//! Exercise `async/drain`: a server that ends in good order, and in time.
//!
//! A server is told to stop. It takes no more callers, lets those that it serves
//! finish, but not for ever: when the time that it is given is over, the rest is cut
//! off, and counted.
//!
//! The book has it in chapter 11, "The end, with a deadline".

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
// BEGIN SOLUTION
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
// END SOLUTION

/// What became of those who were there when the server was told to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// So many visits came to their end in time.
    pub finished: usize,
    /// So many were cut off.
    pub aborted: usize,
}

/// Serves callers, many at a time, each by [`talk`], until `stop` says so.
///
/// From then on nobody can connect: the listening socket is closed at once. Who is
/// being served is served on, to its end. When all have gone, at the latest when
/// `limit` has passed since the stop, the visits that are left are aborted, which
/// closes their connections, and the function returns. `limit` is one for all of them
/// together.
///
/// It counts the visits that were going on at the stop; who had left by then is in
/// neither number. What goes wrong with one caller ends its visit, which has then
/// finished. While there is nothing to do, no
/// thread runs. An error is returned only if accepting fails.
pub async fn serve(
    listener: TcpListener,
    stop: oneshot::Receiver<()>,
    limit: Duration,
) -> io::Result<Drained> {
    // BEGIN SOLUTION
    let mut stop = stop;
    let mut visits = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stop => break,
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                visits.spawn(talk(stream));
            }
            // A visit that is over is forgotten here, not kept until the stop.
            Some(_) = visits.join_next() => {}
        }
    }
    drop(listener);
    let deadline = Instant::now() + limit;
    let mut drained = Drained::default();
    while let Ok(Some(_)) = timeout_at(deadline, visits.join_next()).await {
        drained.finished += 1;
    }
    drained.aborted = visits.len();
    visits.shutdown().await; // aborts them, and waits until they are gone
    Ok(drained)
    // STUB let _ = (listener, stop, limit);
    // STUB todo!("accept until the stop; then wait for the visits, not for ever")
    // END SOLUTION
}

/// One visit: sends back in capitals what comes, until the end. You need not change
/// it.
pub async fn talk(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            read => {
                let answer = buffer[..read].to_ascii_uppercase();
                stream.write_all(&answer).await?;
            }
        }
    }
}

/// Runs [`serve`] until `stopped` returns, and until it has drained. You need not
/// change it.
pub fn run(
    listener: std::net::TcpListener,
    stopped: Box<dyn FnOnce() + Send>,
    limit: Duration,
) -> io::Result<(usize, usize)> {
    let (stop, is_stopped) = oneshot::channel();
    std::thread::spawn(move || {
        stopped();
        let _ = stop.send(()); // a server that is over needs no stop
    });
    listener.set_nonblocking(true)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let drained = runtime.block_on(async {
        let listener = TcpListener::from_std(listener)?;
        serve(listener, is_stopped, limit).await
    })?;
    Ok((drained.finished, drained.aborted))
}

#[cfg(test)]
pub(crate) fn check() -> checks_async::Check {
    checks_async::drain(run)
}
