//! Answers to `errors/deadline`.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use checks::answers::{Answer, Expected};
use checks_errors::deadline as check;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("deadline right: a thread", check(a_thread)),
        Answer::right("deadline right: short steps", check(short_steps)),
        Answer::right("deadline right: a reader", check(a_reader)),
        Answer::right("deadline right: now and then", check(now_and_then)),
        Answer::right("deadline right: what is buffered", check(buffered)),
        Answer::wrong("M66", "deadline: per read", check(per_read)),
        Answer::wrong("M66", "deadline: a look between reads", check(between)),
        Answer::wrong("M64", "deadline: ten seconds", check(ten_seconds)),
        Answer::unnamed("slow", "deadline: one second", check(one_second)),
        Answer::unnamed("slow", "deadline: three seconds", check(three_seconds)),
        Answer::unnamed("slow", "deadline: one second a read", check(second_a_read)),
        Answer::unnamed("whole", "deadline: a line", check(a_line)),
        Answer::unnamed("binary", "deadline: text", check(text)),
        Answer::unnamed("large", "deadline: an array", check(an_array)),
        Answer::unnamed("silent", "deadline: runs and runs", check(runs)),
        Answer::unnamed("silent", "deadline: subtracts", check(subtracts)),
        Answer::unnamed("reset", "deadline: all is late", check(all_is_late)),
        Answer::unnamed("nothing", "deadline: no empty reply", check(no_empty)),
        Answer::wrong("M64", "deadline: no limit", check(no_limit)),
        Answer::wrong("M63", "deadline: WouldBlock", check(would_block)),
        Answer::wrong("M61", "deadline: a plain connect", check(plain_connect)),
        Answer::wrong("M67", "deadline: zero handed on", check(zero_handed_on)),
        Answer::wrong("M1", "deadline: one read", check(one_read)),
        Answer::unnamed("silent", "deadline: a part is fine", check(a_part)),
        Answer::unnamed("reset", "deadline: hides a reset", check(hides_a_reset)),
        Answer::unnamed("whole", "deadline: always late", check(always_late)),
        Answer {
            name: "deadline: the stub",
            check: check(|_, _| todo!("the task")),
            expected: Expected::Untouched,
        },
    ]
}

fn late() -> io::Error {
    io::Error::new(ErrorKind::TimedOut, "the time is over")
}

fn named(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::WouldBlock => late(),
        _ => error,
    }
}

fn rest(mut stream: TcpStream) -> io::Result<Vec<u8>> {
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).map(|_| reply)
}

/// A thread reads as long as it likes; this one waits as long as was agreed.
fn a_thread(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    let (sender, done) = mpsc::channel();
    thread::spawn(move || {
        let _ = sender.send(TcpStream::connect(server).and_then(rest));
    });
    done.recv_timeout(limit).map_err(|_| late())?
}

fn short_steps(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    let end = Instant::now() + limit;
    if limit.is_zero() {
        return Err(late());
    }
    let mut stream = TcpStream::connect_timeout(&server, limit)?;
    stream.set_read_timeout(Some(Duration::from_millis(20)))?;
    let mut reply = Vec::new();
    let mut byte = [0];
    while Instant::now() < end {
        match stream.read(&mut byte) {
            Ok(0) => return Ok(reply),
            Ok(_) => reply.push(byte[0]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Err(late())
}

fn per_read(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    let stream = TcpStream::connect_timeout(&server, limit)?;
    stream.set_read_timeout(Some(limit))?;
    rest(stream).map_err(named)
}

fn no_limit(server: SocketAddr, _: Duration) -> io::Result<Vec<u8>> {
    rest(TcpStream::connect(server)?)
}

fn would_block(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    let stream = TcpStream::connect_timeout(&server, limit)?;
    stream.set_read_timeout(Some(limit))?;
    rest(stream)
}

fn plain_connect(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    within(TcpStream::connect(server)?, Instant::now() + limit)
}

/// Reads until the deadline; hands on whatever is left of the time.
fn within(mut stream: TcpStream, end: Instant) -> io::Result<Vec<u8>> {
    let mut reply = Vec::new();
    let mut buffer = [0; 100];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        match stream.read(&mut buffer).map_err(named)? {
            0 => return Ok(reply),
            _ if Instant::now() > end => return Err(late()),
            read => reply.extend_from_slice(&buffer[..read]),
        }
    }
}

fn zero_handed_on(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    let end = Instant::now() + limit;
    within(TcpStream::connect_timeout(&server, limit)?, end)
}

fn one_read(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&server, limit)?;
    stream.set_read_timeout(Some(limit))?;
    let mut buffer = [0; 1000];
    let read = stream.read(&mut buffer).map_err(named)?;
    Ok(buffer[..read].to_vec())
}

fn a_part(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&server, limit)?;
    stream.set_read_timeout(Some(limit))?;
    let mut reply = Vec::new();
    match stream.read_to_end(&mut reply) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(reply),
        result => result.map(|_| reply),
    }
}

fn hides_a_reset(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    match short_steps(server, limit) {
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(Vec::new()),
        result => result,
    }
}

fn always_late(_: SocketAddr, _: Duration) -> io::Result<Vec<u8>> {
    Err(late())
}

/// A stream that looks at the clock before each read.
struct Within {
    stream: TcpStream,
    end: Instant,
}

impl Read for Within {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.end.checked_duration_since(Instant::now());
        let left = left.filter(|left| !left.is_zero()).ok_or_else(late)?;
        self.stream.set_read_timeout(Some(left))?;
        self.stream.read(buffer).map_err(named)
    }
}

fn a_reader(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    let end = Instant::now() + limit;
    if limit == Duration::ZERO {
        return Err(late());
    }
    let stream = TcpStream::connect_timeout(&server, limit)?;
    let mut reply = Vec::new();
    Within { stream, end }.read_to_end(&mut reply)?;
    Ok(reply)
}

fn now_and_then(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    let start = Instant::now();
    if limit.is_zero() {
        return Err(late());
    }
    let mut stream = TcpStream::connect_timeout(&server, limit)?;
    stream.set_nonblocking(true)?;
    let (mut reply, mut buffer) = (Vec::new(), [0; 512]);
    while start.elapsed() < limit {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(reply),
            Ok(read) => reply.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                thread::sleep(Duration::from_millis(10));
            }
            Err(error) => return Err(error),
        }
    }
    Err(late())
}

fn buffered(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    let end = Instant::now() + limit;
    let left = || match end.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(late()),
        left => Ok(left),
    };
    let stream = TcpStream::connect_timeout(&server, left()?)?;
    let mut input = BufReader::new(&stream);
    let mut reply = Vec::new();
    loop {
        stream.set_read_timeout(Some(left()?))?;
        let piece = match input.fill_buf() {
            Ok([]) => return Ok(reply),
            Ok(piece) => piece,
            Err(error) => return Err(named(error)),
        };
        reply.extend_from_slice(piece);
        let taken = piece.len();
        input.consume(taken);
    }
}

/// Looks at the clock, and lets each read wait for the whole.
fn between(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    let start = Instant::now();
    if limit.is_zero() {
        return Err(late());
    }
    let mut stream = TcpStream::connect_timeout(&server, limit)?;
    stream.set_read_timeout(Some(limit))?;
    let (mut reply, mut buffer) = (Vec::new(), [0; 512]);
    loop {
        let read = stream.read(&mut buffer).map_err(named)?;
        if start.elapsed() >= limit {
            return Err(late());
        }
        match read {
            0 => return Ok(reply),
            read => reply.extend_from_slice(&buffer[..read]),
        }
    }
}

fn ten_seconds(server: SocketAddr, _: Duration) -> io::Result<Vec<u8>> {
    a_reader(server, Duration::from_secs(10))
}

fn one_second(server: SocketAddr, _: Duration) -> io::Result<Vec<u8>> {
    a_reader(server, Duration::from_secs(1))
}

fn three_seconds(server: SocketAddr, _: Duration) -> io::Result<Vec<u8>> {
    a_reader(server, Duration::from_secs(3))
}

fn second_a_read(server: SocketAddr, _: Duration) -> io::Result<Vec<u8>> {
    per_read(server, Duration::from_secs(1))
}

fn a_line(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    let stream = TcpStream::connect_timeout(&server, limit)?;
    stream.set_read_timeout(Some(limit))?;
    let mut line = Vec::new();
    let mut input = BufReader::new(stream);
    input.read_until(b'\n', &mut line).map_err(named)?;
    Ok(line)
}

fn text(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&server, limit)?;
    stream.set_read_timeout(Some(limit))?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).map_err(named)?;
    Ok(reply.into_bytes())
}

fn an_array(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    let end = Instant::now() + limit;
    let stream = TcpStream::connect_timeout(&server, limit)?;
    let mut stream = Within { stream, end };
    let (mut reply, mut filled) = ([0; 4096], 0);
    loop {
        match stream.read(&mut reply[filled..])? {
            0 => return Ok(reply[..filled].to_vec()),
            read => filled += read,
        }
    }
}

fn runs(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&server, limit)?;
    stream.set_nonblocking(true)?;
    let (mut reply, mut buffer) = (Vec::new(), [0; 512]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(reply),
            Ok(read) => reply.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

fn subtracts(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    let start = Instant::now();
    let mut stream = TcpStream::connect_timeout(&server, limit)?;
    let (mut reply, mut buffer) = (Vec::new(), [0; 512]);
    loop {
        stream.set_read_timeout(Some(limit - start.elapsed()))?;
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(reply),
            Ok(read) => reply.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

fn all_is_late(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    a_reader(server, limit).map_err(|_| late())
}

fn no_empty(server: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    match a_reader(server, limit)? {
        reply if reply.is_empty() => Err(ErrorKind::UnexpectedEof.into()),
        reply => Ok(reply),
    }
}
