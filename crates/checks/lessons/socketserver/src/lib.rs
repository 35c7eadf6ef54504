//! The checks of lesson 13: the framework.

mod choice;
mod lifecycle;
mod shutdown;
mod ticks;
mod verify;

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

pub use checks::Check;
pub use choice::choice;
pub use lifecycle::{Scripted, lifecycle};
pub use shutdown::{Handle, Stoppable, shutdown};
pub use ticks::ticks;
pub use verify::{Answer, Counts, verify};

/// What is over in a moment is not waited for longer than this.
const A_WHILE: Duration = Duration::from_secs(5);

/// How a server that listened on `addr` has ended, in words, if it has. A function that
/// panics or returns closes its sockets first, and then its thread is over: while nobody
/// listens any more, that is waited for.
fn end_of<T>(
    serving: &mut Option<JoinHandle<io::Result<T>>>,
    addr: SocketAddr,
    name: &str,
) -> Option<String> {
    let until = Instant::now() + A_WHILE;
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    let closes = || TcpStream::connect(addr).is_err_and(refused);
    while serving.as_ref().is_some_and(|one| !one.is_finished())
        && Instant::now() < until
        && closes()
    {
        thread::sleep(Duration::from_millis(1));
    }
    let serving = serving.take_if(|serving| serving.is_finished())?;
    Some(match serving.join() {
        Ok(Ok(_)) => format!("{name} has returned"),
        Ok(Err(error)) => format!("{name} has returned an error: {error}"),
        Err(_) => format!("{name} has panicked"),
    })
}
