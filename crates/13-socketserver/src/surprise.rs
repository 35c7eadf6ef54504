//! What it costs to be asked to stop: a loop that looks now and then, and one that is
//! woken.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socketserver::{Conn, Next, Result, Server, Strategy};

/// How often CPython's loop looks at its flag.
const EVERY: Duration = Duration::from_millis(500);

/// The time from `shutdown` to the end of the loop, in the middle of some tries.
#[derive(Clone, Copy, Debug)]
pub struct Stops {
    /// Of a loop that waits for half a second at a time.
    pub looking: Duration,
    /// Of the framework's.
    pub woken: Duration,
}

/// Stops each loop so often; each time it has waited a little longer before.
///
/// # Errors
///
/// Those of the sockets.
pub fn measure(tries: u32) -> io::Result<Stops> {
    let mut looking = Vec::new();
    let mut woken = Vec::new();
    for nr in 0..tries {
        let wait = EVERY * (nr + 1) / (tries + 1); // shapes the input
        looking.push(stop_looking(wait)?);
        woken.push(stop_woken(wait)?);
    }
    Ok(Stops {
        looking: middle(looking),
        woken: middle(woken),
    })
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

// ANCHOR: looking
/// `serve_forever` in the manner of CPython: the flag is looked at between two waits.
fn look_now_and_then(listener: &TcpListener, stop: &AtomicBool) -> io::Result<()> {
    let every = PollTimeout::try_from(EVERY).map_err(io::Error::other)?;
    while !stop.load(Ordering::SeqCst) {
        let mut fds = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
        if poll(&mut fds, every)? > 0 {
            drop(listener.accept()?); // a server would serve it
        }
    }
    Ok(())
}
// ANCHOR_END: looking

fn stop_looking(wait: Duration) -> io::Result<Duration> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let serving = thread::spawn(move || look_now_and_then(&listener, &flag));
    thread::sleep(wait);
    let asked = Instant::now();
    stop.store(true, Ordering::SeqCst);
    join(serving)?;
    Ok(asked.elapsed())
}

fn stop_woken(wait: Duration) -> io::Result<Duration> {
    let server = Server::tcp((Ipv4Addr::LOCALHOST, 0)).bind()?;
    let handle = server.handle();
    let serving = thread::spawn(move || {
        server.serve(Strategy::Inline, |_| {
            |_: &mut Conn| -> Result<Next> { Ok(Next::Close) }
        })?;
        Ok(())
    });
    thread::sleep(wait);
    let asked = Instant::now();
    handle.shutdown();
    join(serving)?;
    Ok(asked.elapsed())
}

fn join(serving: thread::JoinHandle<io::Result<()>>) -> io::Result<()> {
    let panicked = || io::Error::other("the server's thread panicked");
    serving.join().map_err(|_| panicked())?
}
