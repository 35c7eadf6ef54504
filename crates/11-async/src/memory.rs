//! What a server takes for each client that is connected and silent.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

use crate::lines::upper;
use crate::{mini, upper as tokio_upper};

/// A kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A thread for each client.
    Threads,
    /// A task for each, on our executor.
    Mini,
    /// A task for each, on tokio.
    Tokio,
}

/// All of them, by name.
pub const KINDS: [(&str, Kind); 3] = [
    ("threads", Kind::Threads),
    ("mini", Kind::Mini),
    ("tokio", Kind::Tokio),
];

/// How many bytes of memory one silent client adds to this process, which should do
/// nothing else: `VmRSS`, so what is really there, without the kernel's own.
///
/// # Errors
///
/// If the sockets fail; `Unsupported` without /proc.
pub fn per_client(kind: Kind, clients: usize) -> io::Result<u64> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let addr = listener.local_addr()?;
    thread::spawn(move || match kind {
        Kind::Threads => by_threads(&listener),
        Kind::Mini => mini::serve(listener),
        Kind::Tokio => tokio_upper::serve(listener),
    });
    let _first = served(TcpStream::connect(addr)?)?; // what is needed once, is there
    let mut silent = Vec::with_capacity(clients);
    let before = resident()?;
    for _ in 0..clients {
        silent.push(served(TcpStream::connect(addr)?)?);
    }
    let after = resident()?;
    Ok(after.saturating_sub(before) / clients.max(1) as u64)
}

/// A client that has had one answer.
fn served(mut stream: TcpStream) -> io::Result<TcpStream> {
    stream.write_all(b"hello\n")?;
    let mut answer = String::new();
    BufReader::with_capacity(16, &stream).read_line(&mut answer)?;
    Ok(stream)
}

fn by_threads(listener: &TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        thread::Builder::new().spawn(move || {
            let lines = BufReader::with_capacity(1024, &stream).split(b'\n');
            for line in lines.map_while(Result::ok) {
                if (&stream).write_all(&upper(&line)).is_err() {
                    break;
                }
            }
        })?;
    }
}

/// The memory of this process, in bytes: proc_pid_status(5).
fn resident() -> io::Result<u64> {
    let missing = || io::Error::new(io::ErrorKind::Unsupported, "it needs /proc");
    let status = fs::read_to_string("/proc/self/status").map_err(|_| missing())?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kib: u64 = kib.and_then(|kib| kib.parse().ok()).ok_or_else(missing)?;
    Ok(kib * 1024)
}
