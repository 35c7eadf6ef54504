//! The server of capitals on our executor: as many clients as there are descriptors,
//! one thread.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use crate::executor::{Step, run_watched, spawn};
use crate::lines::{Lines, is_of_a_client, upper, will_pass};
use crate::socket::{Socket, sleep};

/// How long not to accept when there is no descriptor left.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves clients until accepting itself fails.
///
/// # Errors
///
/// Those of accept(2), and of the reactor.
pub fn serve(listener: TcpListener) -> io::Result<()> {
    serve_watched(listener, |_| {})
}

// ANCHOR: serve
/// As [`serve`], and tells what the executor does.
///
/// # Errors
///
/// As there.
pub fn serve_watched(
    listener: TcpListener,
    tell: impl Fn(Step) + 'static,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let main = async {
        let listener = Socket::new(listener)?;
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    // What goes wrong with one client ends its task, and no other.
                    spawn(async { talk(stream).await.ok() });
                }
                Err(error) if is_of_a_client(&error) => {}
                Err(error) if will_pass(&error) => sleep(PAUSE).await,
                Err(error) => return Err(error),
            }
        }
    };
    run_watched(main, tell)?
}

/// One client's visit.
async fn talk(stream: TcpStream) -> io::Result<()> {
    let stream = Socket::new(stream)?;
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
// ANCHOR_END: serve
