//! The other end: a line is said and the answer heard, over any of the four
//! transports.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{env, fs, process};

use crate::place::Place;

/// The longest answer that is kept, in bytes: a line, its time stamp and its newline.
const LONGEST: u64 = (64 << 10) + 64;

/// A conversation with a server.
pub enum Client {
    /// Over a connection.
    Stream(Box<dyn BufRead>, Box<dyn Write>),
    /// By datagrams over IP.
    Udp(UdpSocket),
    /// By datagrams over files, of which the client needs one too: a server can
    /// answer only who has an address.
    Unix(UnixDatagram, OwnFile),
}

/// A file that is removed with the client.
pub struct OwnFile(PathBuf);

impl Drop for OwnFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0); // it may be gone with its folder
    }
}

impl Client {
    /// Calls the server, or prepares to write to it. It waits for an answer no longer
    /// than `limit`.
    ///
    /// # Errors
    ///
    /// Those of connect(2) and bind(2).
    pub fn call(place: &Place, limit: Duration) -> io::Result<Self> {
        let limit = Some(limit);
        match place {
            Place::Tcp(addr) => {
                let stream = TcpStream::connect(addr)?;
                stream.set_read_timeout(limit)?;
                stream.set_write_timeout(limit)?;
                Ok(over(stream.try_clone()?, stream))
            }
            Place::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(limit)?;
                stream.set_write_timeout(limit)?;
                Ok(over(stream.try_clone()?, stream))
            }
            Place::Udp(addr) => {
                let any = if addr.is_ipv4() {
                    "0.0.0.0:0"
                } else {
                    "[::]:0"
                };
                let socket = UdpSocket::bind(any)?;
                socket.connect(addr)?;
                socket.set_read_timeout(limit)?;
                Ok(Client::Udp(socket))
            }
            Place::UnixDatagram(path) => {
                let own = OwnFile(own_path());
                let socket = UnixDatagram::bind(&own.0)?;
                socket.connect(path)?;
                socket.set_read_timeout(limit)?;
                socket.set_write_timeout(limit)?;
                Ok(Client::Unix(socket, own))
            }
        }
    }

    /// Says a line.
    ///
    /// # Errors
    ///
    /// Those of the socket.
    pub fn say(&mut self, line: &[u8]) -> io::Result<()> {
        let whole = [line, b"\n"].concat();
        match self {
            Client::Stream(_, writer) => writer.write_all(&whole),
            Client::Udp(socket) => socket.send(&whole).map(drop),
            Client::Unix(socket, _) => socket.send(&whole).map(drop),
        }
    }

    /// Hears a line, without its newline; nothing where the server has ended.
    ///
    /// # Errors
    ///
    /// Those of the socket; `WouldBlock` or `TimedOut` where nothing comes in time.
    pub fn hear(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut answer = Vec::new();
        match self {
            Client::Stream(reader, _) => {
                reader.take(LONGEST).read_until(b'\n', &mut answer)?;
                if answer.is_empty() {
                    return Ok(None);
                }
            }
            Client::Udp(socket) => {
                answer.resize(65_535, 0);
                let length = socket.recv(&mut answer)?;
                answer.truncate(length);
            }
            Client::Unix(socket, _) => {
                answer.resize(LONGEST as usize, 0);
                let length = socket.recv(&mut answer)?;
                answer.truncate(length);
            }
        }
        if answer.last() == Some(&b'\n') {
            answer.pop();
        }
        Ok(Some(answer))
    }
}

fn over(reader: impl Read + 'static, writer: impl Write + 'static) -> Client {
    Client::Stream(Box::new(BufReader::new(reader)), Box::new(writer))
}

/// A path that nobody else has.
fn own_path() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    env::temp_dir().join(format!("lesson-13-client-{}-{count}", process::id()))
}
