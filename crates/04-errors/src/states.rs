//! What the kernel keeps of a connection, at both ends.

use std::fs;
use std::io::{self, Read};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, SockRef, Socket, Type};

/// The states of RFC 9293, by the numbers that Linux gives them in /proc/net/tcp.
const NAMES: [&str; 12] = [
    "?",
    "ESTABLISHED",
    "SYN-SENT",
    "SYN-RECEIVED",
    "FIN-WAIT-1",
    "FIN-WAIT-2",
    "TIME-WAIT",
    "CLOSE",
    "CLOSE-WAIT",
    "LAST-ACK",
    "LISTEN",
    "CLOSING",
];

// ANCHOR: parse
/// The state of the socket with these ports in the text of /proc/net/tcp
/// ([proc_pid_net(5)]); `None` where there is none.
///
/// [proc_pid_net(5)]: https://man7.org/linux/man-pages/man5/proc_pid_net.5.html
pub fn state(table: &str, local: u16, remote: u16) -> Option<&'static str> {
    let port = |addr: &str| u16::from_str_radix(addr.rsplit(':').next()?, 16).ok();
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let ends = (port(fields.next()?)?, port(fields.next()?)?);
        let number = usize::from_str_radix(fields.next()?, 16).ok()?;
        (ends == (local, remote)).then(|| NAMES.get(number).copied().unwrap_or("?"))
    })
}
// ANCHOR_END: parse

/// The state of both ends after a step.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    /// What was done.
    pub deed: &'static str,
    /// The state of the end that closes first.
    pub first: &'static str,
    /// The state of the other end.
    pub second: &'static str,
}

/// Both ends of a connection, by their addresses.
struct Ends {
    first: SocketAddr,
    second: SocketAddr,
}

impl Ends {
    /// Both states; "gone" for a socket that the kernel has forgotten.
    fn look(&self) -> io::Result<(&'static str, &'static str)> {
        let table = fs::read_to_string("/proc/net/tcp")?;
        let (first, second) = (self.first.port(), self.second.port());
        let of = |local, remote| state(&table, local, remote).unwrap_or("gone");
        Ok((of(first, second), of(second, first)))
    }

    /// As [`Ends::look`], once the states are these; a packet may still be on its way.
    fn after(
        &self,
        deed: &'static str,
        first: &str,
        second: &str,
    ) -> io::Result<Step> {
        const PATIENCE: Duration = Duration::from_secs(5);
        let started = Instant::now();
        loop {
            let now = self.look()?;
            if now == (first, second) || started.elapsed() > PATIENCE {
                return Ok(Step {
                    deed,
                    first: now.0,
                    second: now.1,
                });
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

fn connected() -> io::Result<(TcpStream, TcpStream, Ends)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let first = TcpStream::connect(listener.local_addr()?)?;
    let (second, _) = listener.accept()?;
    let ends = Ends {
        first: first.local_addr()?,
        second: second.local_addr()?,
    };
    Ok((first, second, ends))
}

// ANCHOR: endings
/// An end in good order: one side, then the other.
///
/// # Errors
///
/// If the sockets fail, or there is no /proc/net/tcp.
pub fn good_order() -> io::Result<Vec<Step>> {
    let (first, mut second, ends) = connected()?;
    let mut steps = vec![ends.after("connect", "ESTABLISHED", "ESTABLISHED")?];
    first.shutdown(Shutdown::Write)?;
    steps.push(ends.after("A ends its side (FIN)", "FIN-WAIT-2", "CLOSE-WAIT")?);
    second
        .read_exact(&mut [])
        .and_then(|()| second.read(&mut [0]))?; // 0: the end
    steps.push(ends.after("B reads the end", "FIN-WAIT-2", "CLOSE-WAIT")?);
    drop(second);
    steps.push(ends.after("B closes (FIN)", "TIME-WAIT", "gone")?);
    drop(first);
    steps.push(ends.after("A closes", "TIME-WAIT", "gone")?);
    Ok(steps)
}

/// An end by force.
///
/// # Errors
///
/// As [`good_order`].
pub fn by_force() -> io::Result<Vec<Step>> {
    let (first, second, ends) = connected()?;
    let mut steps = vec![ends.after("connect", "ESTABLISHED", "ESTABLISHED")?];
    SockRef::from(&first).set_linger(Some(Duration::ZERO))?;
    drop(first);
    steps.push(ends.after("A resets (RST)", "gone", "gone")?);
    drop(second);
    Ok(steps)
}
// ANCHOR_END: endings

// ANCHOR: time_wait
/// Whether the port of a server that closed first can be bound again, without and
/// with SO_REUSEADDR.
///
/// # Errors
///
/// If the sockets fail in another way.
pub fn rebind() -> io::Result<(io::Result<()>, io::Result<()>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?;
    let mut client = TcpStream::connect(addr)?;
    drop(listener.accept()?.0); // the server is first
    client.read_to_end(&mut Vec::new())?;
    drop((client, listener)); // and its socket lives on, in TIME-WAIT
    let bind = |reuse| {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_reuse_address(reuse)?;
        socket.bind(&addr.into())
    };
    Ok((bind(false), bind(true)))
}
// ANCHOR_END: time_wait
