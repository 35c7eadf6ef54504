//! The server of capitals on tokio, which can be told to end.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use crate::lines::{Lines, is_of_a_client, upper, will_pass};

/// How long not to accept when there is no descriptor left.
const PAUSE: Duration = Duration::from_millis(50);

/// What became of those who were there at the stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// So many came to their end in time.
    pub finished: usize,
    /// So many were cut off.
    pub aborted: usize,
}

/// Serves clients until accepting itself fails, on a runtime of its own.
///
/// # Errors
///
/// Those of accept(2), and of the runtime.
pub fn serve(listener: std::net::TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let listener = TcpListener::from_std(listener)?;
            serve_until(listener, std::future::pending(), Duration::ZERO)
                .await
                .map(drop)
        })
}

// ANCHOR: serve
/// Serves clients until `stop` is ready. Then nobody else is let in, and those who
/// are there have until `limit` has passed.
///
/// # Errors
///
/// Those of accept(2).
pub async fn serve_until(
    listener: TcpListener,
    stop: impl Future<Output = ()>,
    limit: Duration,
) -> io::Result<Drained> {
    let mut visits = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    visits.spawn(talk(stream));
                }
                Err(error) if is_of_a_client(&error) => {}
                Err(error) if will_pass(&error) => sleep(PAUSE).await,
                Err(error) => return Err(error),
            },
            // What is over is forgotten here. The pattern fails for an empty set,
            // which is ready at once, and `select!` then waits for the other two.
            Some(_) = visits.join_next() => {}
        }
    }
    drop(listener); // from here on, callers are refused
    drain(visits, Instant::now() + limit).await
}
// ANCHOR_END: serve

// ANCHOR: drain
async fn drain(
    mut visits: JoinSet<io::Result<()>>,
    deadline: Instant,
) -> io::Result<Drained> {
    let mut drained = Drained::default();
    // A moment, not a span: the limit does not begin anew with each who leaves.
    while let Ok(Some(_)) = timeout_at(deadline, visits.join_next()).await {
        drained.finished += 1;
    }
    drained.aborted = visits.len();
    visits.shutdown().await; // aborts them, and waits until they are gone
    Ok(drained)
}
// ANCHOR_END: drain

/// One client's visit: line for line the one of `mini`.
async fn talk(mut stream: TcpStream) -> io::Result<()> {
    let mut lines = Lines::default();
    let mut buffer = [0; 1024];
    loop {
        match stream.read(&mut buffer).await? {
            0 => break,
            read => lines.push(&buffer[..read]),
        }
        while let Some(line) = lines.next_line()? {
            stream.write_all(&upper(&line)).await?;
        }
    }
    if let Some(line) = lines.rest() {
        stream.write_all(&upper(&line)).await?;
    }
    Ok(())
}
