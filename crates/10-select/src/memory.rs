//! What a client costs that says nothing.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use std::{fs, mem};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::ANY_PORT;
use crate::conn::{Conn, News};
use crate::reacting::Server;

/// What the server took.
#[derive(Debug)]
pub struct Memory {
    /// How many clients were connected and silent.
    pub clients: usize,
    /// What the process has in memory for each (VmRSS), in bytes.
    pub resident: u64,
    /// How large the state of one client is, in bytes.
    pub state: usize,
}

// ANCHOR: measure
/// Has `clients` connect to a server of this process and say nothing; what the
/// process has grown by. Their own ends are sockets, which are the kernel's and do
/// not count.
///
/// # Errors
///
/// If there are not enough descriptors (`ulimit -n`), or the sockets fail.
pub fn measure(clients: usize) -> io::Result<Memory> {
    allow_descriptors(2 * clients as u64 + 64)?;
    let listener = TcpListener::bind(ANY_PORT)?;
    let addr = listener.local_addr()?;
    let server = Server::new(listener, Duration::from_secs(3600))?;
    let stopper = server.stopper();
    let (came, arrivals) = mpsc::channel();
    let server = thread::spawn(move || {
        server.run(|news| {
            if matches!(news, News::Came(_)) {
                let _ = came.send(());
            }
        })
    });
    let mut open = Vec::with_capacity(clients + 1);
    let mut come = || -> io::Result<()> {
        open.push(TcpStream::connect(addr)?);
        arrivals.recv().map_err(io::Error::other)
    };
    come()?; // what a server needs at all, it has now
    let before = resident()?;
    for _ in 0..clients {
        come()?;
    }
    let after = resident()?;
    stopper.stop()?;
    let served = server.join();
    served.map_err(|_| io::Error::other("the server panicked"))??;
    Ok(Memory {
        clients,
        resident: after.saturating_sub(before) / clients.max(1) as u64,
        state: mem::size_of::<Conn<TcpStream>>(),
    })
}
// ANCHOR_END: measure

/// Raises the limit of this process, as far as the system lets it.
pub(crate) fn allow_descriptors(wanted: u64) -> io::Result<()> {
    let (now, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if now < wanted {
        setrlimit(Resource::RLIMIT_NOFILE, wanted.min(most), most)?;
    }
    Ok(())
}

/// How much of this process is in memory, in bytes: VmRSS of proc_pid_status(5).
fn resident() -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|rest| rest.trim().strip_suffix(" kB"));
    let kilobytes = kilobytes.and_then(|number| number.parse::<u64>().ok());
    let kilobytes = kilobytes.ok_or_else(|| {
        io::Error::other("/proc/self/status does not tell how much is resident")
    })?;
    Ok(kilobytes * 1024)
}
