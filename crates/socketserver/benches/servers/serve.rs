//! The servers in Rust, each run in a process of its own: `servers serve KIND`.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use socketserver::{
    Backend, Builder, Conn, Next, Peer, Protocol, Reply, Result, Server, Strategy,
    Streams,
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};

const ANY_PORT: &str = "127.0.0.1:0";
const LINE: usize = 1024;
const MANY: usize = 10_000;
const WORKERS: usize = 8;

/// Serves until the process is ended.
pub fn serve(kind: &str) -> std::result::Result<(), Box<dyn Error>> {
    crate::raise_descriptors()?;
    match kind {
        "inline" => lines(Strategy::Inline),
        "threads" => lines(Strategy::Threads { max: MANY }),
        "pool" => lines(Strategy::Pool {
            workers: WORKERS,
            queue: MANY,
        }),
        "fork" => lines(Strategy::Fork { max: MANY }),
        "prefork" => lines(Strategy::Prefork { workers: WORKERS }),
        "parked" => lines(Strategy::Parked {
            workers: 2,
            max: MANY,
        }),
        "epoll" => events(Backend::Epoll),
        "poll" => events(Backend::Poll),
        "select" => events(Backend::Select),
        "udp" => datagrams(Strategy::Inline),
        "udp-threads" => datagrams(Strategy::Threads { max: MANY }),
        "std-threads" => std_threads(),
        "std-pool" => std_pool(),
        "tokio" => tokio_lines(),
        _ => Err(format!("`{kind}` is no server").into()),
    }
}

/// Says where it listens, for the one who has started it.
fn tell(addr: &dyn std::fmt::Display) -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "listening on {addr}")?;
    out.flush()
}

fn bound() -> io::Result<Server<Streams>> {
    let quiet: Builder<Streams> = Server::tcp(ANY_PORT).on_error(|_, _| {});
    let server = quiet.bind()?;
    tell(server.local_addr())?;
    Ok(server)
}

fn upper(conn: &mut Conn) -> Result<Next> {
    let Some(mut line) = conn.line(LINE)? else {
        return Ok(Next::Close);
    };
    line.make_ascii_uppercase();
    line.push(b'\n');
    conn.write_all(&line)?;
    Ok(Next::Again)
}

fn lines(strategy: Strategy) -> std::result::Result<(), Box<dyn Error>> {
    bound()?.serve(strategy, |_: &Peer| upper)?;
    Ok(())
}

struct Upper;

impl Protocol for Upper {
    fn data(&mut self, input: &mut Vec<u8>, output: &mut Vec<u8>) -> Result<Next> {
        if let Some(last) = input.iter().rposition(|byte| *byte == b'\n') {
            output.extend(input.drain(..=last).map(|byte| byte.to_ascii_uppercase()));
        }
        Ok(Next::Again)
    }
}

fn events(backend: Backend) -> std::result::Result<(), Box<dyn Error>> {
    bound()?.serve_events(backend, MANY, |_: &Peer| Upper)?;
    Ok(())
}

fn upper_datagram(data: &[u8], _: &Peer, reply: &mut Reply<'_>) -> Result {
    reply.write_all(&data.to_ascii_uppercase())?;
    Ok(())
}

fn datagrams(strategy: Strategy) -> std::result::Result<(), Box<dyn Error>> {
    let server = Server::udp(ANY_PORT).bind()?;
    tell(server.local_addr())?;
    server.serve(strategy, |_: &Peer| upper_datagram)?;
    Ok(())
}

/// What one writes by hand: a listener with a backlog as long as ours, since that of std
/// is 128 and would measure SYN retries.
fn listener() -> io::Result<TcpListener> {
    use socket2::{Domain, Socket, Type};
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(&any.into())?;
    socket.listen(4096)?;
    let listener = TcpListener::from(socket);
    tell(&listener.local_addr()?)?;
    Ok(listener)
}

fn answer_lines(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        line.make_ascii_uppercase();
        (&mut &*stream).write_all(&line)?;
        line.clear();
    }
    Ok(())
}

fn std_threads() -> std::result::Result<(), Box<dyn Error>> {
    for stream in listener()?.incoming() {
        let stream = stream?;
        thread::Builder::new().spawn(move || answer_lines(&stream))?;
    }
    Ok(())
}

fn std_pool() -> std::result::Result<(), Box<dyn Error>> {
    let (queue, work) = mpsc::channel::<TcpStream>();
    let work = Arc::new(Mutex::new(work));
    for _ in 0..WORKERS {
        let work = Arc::clone(&work);
        thread::spawn(move || {
            loop {
                let next = work.lock().map(|work| work.recv());
                let Ok(Ok(stream)) = next else { return };
                let _ = answer_lines(&stream); // the peer's doing
            }
        });
    }
    for stream in listener()?.incoming() {
        queue.send(stream?)?;
    }
    Ok(())
}

fn tokio_lines() -> std::result::Result<(), Box<dyn Error>> {
    let listener = listener()?;
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(answer_async(stream));
        }
    })
}

async fn answer_async(mut stream: tokio::net::TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (reader, mut writer) = stream.split();
    let mut reader = tokio::io::BufReader::new(reader);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).await? > 0 {
        line.make_ascii_uppercase();
        writer.write_all(&line).await?;
        line.clear();
    }
    Ok(())
}
