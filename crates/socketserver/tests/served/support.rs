//! A server that runs in a thread of its own until the test is over.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{env, fs, process};

use socketserver::{
    Builder, Conn, Datagrams, Handle, Handler, Next, Peer, Result, Server, Stats,
    Strategy, Streams,
};

/// A limit for what should be over long before.
pub const BACKSTOP: Duration = Duration::from_secs(20);

/// A server in a thread. It is stopped, and waited for, when the value is dropped.
pub struct Running {
    pub addr: SocketAddr,
    pub handle: Handle,
    thread: Option<JoinHandle<io::Result<Stats>>>,
}

impl Running {
    pub fn start(serve: impl FnOnce() -> (Handle, Served) + Send + 'static) -> Self {
        let (told, hear) = mpsc::channel();
        let thread = thread::spawn(move || {
            let (handle, Served { addr, run }) = serve();
            told.send((handle, addr)).unwrap();
            run()
        });
        let (handle, addr) = hear.recv_timeout(BACKSTOP).unwrap();
        Self {
            addr,
            handle,
            thread: Some(thread),
        }
    }

    /// Waits for the end of `serve`, which something else has asked for.
    pub fn join(mut self) -> io::Result<Stats> {
        self.thread.take().unwrap().join().unwrap()
    }

    pub fn stop(self) -> io::Result<Stats> {
        self.handle.shutdown();
        self.join()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.handle.shutdown();
            let _ = thread.join();
        }
    }
}

/// A server that is bound, and what serves it.
pub struct Served {
    pub addr: SocketAddr,
    pub run: Box<dyn FnOnce() -> io::Result<Stats>>,
}

/// A TCP server on a port of the kernel's choice.
pub fn tcp() -> Builder<Streams> {
    Server::tcp("127.0.0.1:0")
}

pub fn start<F, H>(builder: Builder<Streams>, strategy: Strategy, open: F) -> Running
where
    F: Fn(&Peer) -> H + Send + Sync + 'static,
    H: Handler + Send + 'static,
{
    let server = Arc::new(builder.bind().unwrap());
    Running::start(move || {
        let addr = server
            .local_addr()
            .as_inet()
            .unwrap_or(([0, 0, 0, 0], 0).into());
        let run = Box::new({
            let server = Arc::clone(&server);
            move || server.serve(strategy, open)
        });
        (server.handle(), Served { addr, run })
    })
}

/// The strategies that need no process of their own.
pub const THREADED: [Strategy; 4] = [
    Strategy::Inline,
    Strategy::Threads { max: 100 },
    Strategy::Pool {
        workers: 2,
        queue: 100,
    },
    Strategy::Parked {
        workers: 2,
        max: 100,
    },
];

/// Answers each line in capital letters.
pub fn upper(conn: &mut Conn) -> Result<Next> {
    let Some(line) = conn.line(64 << 10)? else {
        return Ok(Next::Close);
    };
    conn.write_all(&[&line.to_ascii_uppercase()[..], b"\n"].concat())?;
    Ok(Next::Again)
}

/// A client that speaks lines.
pub struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    pub fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(BACKSTOP)).unwrap();
        Self {
            reader: BufReader::new(stream),
        }
    }

    pub fn say(&mut self, line: &str) {
        self.reader
            .get_mut()
            .write_all(format!("{line}\n").as_bytes())
            .unwrap();
    }

    pub fn hear(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        line
    }

    pub fn ask(&mut self, line: &str) -> String {
        self.say(line);
        self.hear()
    }

    pub fn write(&mut self, bytes: &[u8]) {
        // A server that has had enough resets the connection.
        let _ = self.try_write(bytes);
    }

    pub fn try_write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes)
    }

    /// Ends the client's side.
    pub fn end(&mut self) {
        self.reader.get_ref().shutdown(Shutdown::Write).unwrap();
    }

    /// Resets the connection.
    pub fn reset(self) {
        let socket = socket2::SockRef::from(self.reader.get_ref());
        socket.set_linger(Some(Duration::ZERO)).unwrap();
    }

    pub fn clone_stream(&self) -> TcpStream {
        self.reader.get_ref().try_clone().unwrap()
    }

    pub fn bytes(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.reader.read_to_end(&mut bytes).unwrap();
        bytes
    }

    /// All that comes until the end; a reset counts as one.
    pub fn rest(&mut self) -> String {
        let mut text = String::new();
        let _ = self.reader.read_to_string(&mut text);
        text
    }
}

/// A folder that is removed at the end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path =
            env::temp_dir().join(format!("socketserver-{name}-{}", process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Waits for what a hook says.
pub fn next<T>(from: &Receiver<T>) -> T {
    from.recv_timeout(BACKSTOP).unwrap()
}

/// A server of datagrams, started as a server of connections is.
pub fn start_udp<F, H>(
    builder: Builder<Datagrams>,
    strategy: Strategy,
    open: F,
) -> Running
where
    F: Fn(&Peer) -> H + Send + Sync + 'static,
    H: socketserver::DatagramHandler + Send + 'static,
{
    let server = Arc::new(builder.bind().unwrap());
    Running::start(move || {
        let addr = server
            .local_addr()
            .as_inet()
            .unwrap_or(([0, 0, 0, 0], 0).into());
        let run = Box::new({
            let server = Arc::clone(&server);
            move || server.serve(strategy, open)
        });
        (server.handle(), Served { addr, run })
    })
}
