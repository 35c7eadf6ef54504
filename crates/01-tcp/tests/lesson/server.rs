//! A server and clients of all manners, over real sockets on loopback.

use std::io::{self, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use lesson_1::broken::reset;
use lesson_1::client::{ask, connect};
use lesson_1::lines::{read_line, send};
use lesson_1::server::{ANY_PORT, BACKLOG, News, hang_up, listen, serve};
use lesson_1::{greeting, upper};

/// The end of patience with anything that should happen at once.
const LIMIT: Duration = Duration::from_secs(30);

/// A server on a thread, which lives as long as the test process.
struct Server {
    addr: SocketAddr,
    news: Receiver<(SocketAddr, News)>,
}

impl Server {
    fn of_capitals() -> Self {
        Self::start(upper::talk, LIMIT)
    }

    fn start(talk: fn(&TcpStream) -> io::Result<usize>, patience: Duration) -> Self {
        let listener = listen(ANY_PORT, BACKLOG).unwrap();
        let addr = listener.local_addr().unwrap();
        let (sender, news) = mpsc::channel();
        thread::spawn(move || {
            serve(&listener, patience, talk, |peer, news| {
                let _ = sender.send((peer, news)); // the test may be over
            })
        });
        Self { addr, news }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.addr).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.set_write_timeout(Some(LIMIT)).unwrap();
        stream
    }

    fn next(&self) -> News {
        self.news
            .recv_timeout(LIMIT)
            .expect("there is news in time")
            .1
    }

    /// The next client's visit; it must be over by itself.
    fn visit(&self) -> Result<usize, (ErrorKind, String)> {
        assert!(matches!(self.next(), News::Came));
        match self.next() {
            News::Left(lines) => Ok(lines),
            News::Lost(error) => Err((error.kind(), error.to_string())),
            News::Came => panic!("a second client was served within a visit"),
        }
    }

    /// Whoever came before, the next client must be answered.
    fn still_serves(&self) {
        let mut server = BufReader::new(self.connect());
        assert_eq!(ask(&mut server, b"anybody?").unwrap(), b"ANYBODY?");
        drop(server);
        assert_eq!(self.visit(), Ok(1));
    }
}

fn rest_of(mut stream: &TcpStream) -> io::Result<Vec<u8>> {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).map(|_| rest)
}

#[test]
fn a_client_that_connects_and_hangs_up_has_left() {
    let server = Server::of_capitals();
    drop(server.connect());
    assert_eq!(server.visit(), Ok(0));
    server.still_serves();
}

#[test]
fn a_client_that_breaks_off_ends_its_visit_and_not_the_server() {
    let server = Server::of_capitals();
    reset(server.addr).unwrap();
    let (kind, _) = server.visit().unwrap_err();
    assert_eq!(kind, ErrorKind::ConnectionReset);
    server.still_serves();
}

#[test]
fn a_client_that_has_said_all_still_gets_its_answers_then_the_end() {
    let server = Server::of_capitals();
    let mut client = server.connect();
    client.write_all(b"good\nhalf a line").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest_of(&client).unwrap(), b"GOOD\nHALF A LINE\n");
    assert_eq!(server.visit(), Ok(2));
    server.still_serves();
}

#[test]
fn a_line_that_does_not_end_ends_the_visit() {
    let server = Server::of_capitals();
    let mut client = server.connect();
    let _ = client.write_all(&[b'x'; 1_000_000]); // it may be cut off on the way
    let told = "a line is longer than 1024 bytes".to_string();
    assert_eq!(server.visit(), Err((ErrorKind::InvalidData, told)));
    server.still_serves();
}

#[test]
fn a_silent_client_has_to_go_when_the_patience_is_over() {
    let server = Server::start(upper::talk, Duration::from_millis(50));
    let silent = server.connect();
    let told = "no byte came or went for 50ms".to_string();
    assert_eq!(server.visit(), Err((ErrorKind::TimedOut, told)));
    assert_eq!(rest_of(&silent).unwrap(), b"");
}

#[test]
fn a_client_that_does_not_read_has_to_go_when_the_patience_is_over() {
    let server = Server::start(upper::talk, Duration::from_millis(50));
    let mut deaf = server.connect();
    // More than all buffers between us hold; it is cut off when the server has gone.
    let _ = deaf.write_all(&b"good morning\n".repeat(4_000_000));
    let (kind, _) = server.visit().unwrap_err();
    assert_eq!(kind, ErrorKind::TimedOut);
}

#[test]
fn the_second_client_is_answered_when_the_first_has_left() {
    let server = Server::of_capitals();
    let mut first = BufReader::new(server.connect());
    ask(&mut first, b"one").unwrap();
    let mut second = BufReader::new(server.connect());
    send(second.get_mut(), b"two".to_vec()).unwrap();
    ask(&mut first, b"three").unwrap();
    drop(first);
    assert_eq!(server.visit(), Ok(2)); // no word of the second until here
    assert_eq!(read_line(&mut second).unwrap().unwrap(), b"TWO");
    drop(second);
    assert_eq!(server.visit(), Ok(1));
}

#[test]
fn a_greeting_reaches_a_client_that_has_talked_first() {
    let server = Server::start(greeting::talk, LIMIT);
    let mut talker = server.connect();
    talker
        .write_all(&b"GET / HTTP/1.0\r\n".repeat(1000))
        .unwrap();
    talker.shutdown(Shutdown::Write).unwrap();
    assert_eq!(server.visit(), Ok(1));
    // The next visit begins after the server has closed the first connection; had
    // that been a reset, we would find an error behind the greeting.
    let _next = server.connect();
    assert!(matches!(server.next(), News::Came));
    let greeting = format!(
        "Thank you for connecting, {}\n",
        talker.local_addr().unwrap()
    );
    assert_eq!(rest_of(&talker).unwrap(), greeting.into_bytes());
}

/// A server for one client.
struct OneVisit {
    addr: SocketAddr,
    thread: JoinHandle<()>,
}

fn one_visit(talk: impl FnOnce(TcpStream) + Send + 'static) -> OneVisit {
    let listener = TcpListener::bind(ANY_PORT).unwrap();
    let addr = listener.local_addr().unwrap();
    let thread = thread::spawn(move || talk(listener.accept().unwrap().0));
    OneVisit { addr, thread }
}

#[test]
fn hanging_up_tells_the_client_of_the_end_before_it_waits_for_the_clients() {
    let server = one_visit(|client| hang_up(&client, LIMIT).unwrap());
    let client = TcpStream::connect(server.addr).unwrap();
    assert_eq!(rest_of(&client).unwrap(), b"");
    assert!(!server.thread.is_finished());
    drop(client);
    server.thread.join().unwrap();
}

#[test]
fn what_was_said_last_arrives_although_there_was_more_to_read() {
    // More than the client's kernel takes while the client does not read, and less
    // than our own takes besides.
    let last_words = vec![b'x'; 300_000];
    let said = last_words.clone();
    let server = one_visit(move |mut client| {
        client.set_write_timeout(Some(LIMIT)).unwrap();
        client.write_all(&said).unwrap();
        hang_up(&client, LIMIT).unwrap();
    });
    let mut client = TcpStream::connect(server.addr).unwrap();
    client.write_all(&[b'y'; 16_000]).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    server.thread.join().unwrap(); // the server's end is closed
    assert!(rest_of(&client).unwrap() == last_words);
}

#[test]
fn a_client_that_never_hangs_up_does_not_keep_the_greeter() {
    let server = Server::start(greeting::talk, LIMIT);
    let lingering = server.connect();
    assert_eq!(server.visit(), Ok(1));
    let next = greeting::receive(server.addr).unwrap();
    assert!(next.starts_with(b"Thank you for connecting, 127.0.0.1:"));
    drop(lingering);
}

#[test]
fn a_greeting_in_pieces_is_read_to_its_end() {
    let server = one_visit(|mut client| {
        client.set_nodelay(true).unwrap();
        for piece in ["Thank ", "you\n", "Come ag", "ain\n"] {
            client.write_all(piece.as_bytes()).unwrap();
            // Shapes the input: the pieces should arrive one by one.
            thread::sleep(Duration::from_millis(10));
        }
    });
    assert_eq!(
        greeting::receive(server.addr).unwrap(),
        b"Thank you\nCome again\n"
    );
}

#[test]
fn a_greeting_without_end_is_refused() {
    let server =
        one_visit(|mut client| while client.write_all(&[b'x'; 4096]).is_ok() {});
    let error = greeting::receive(server.addr).unwrap_err();
    assert_eq!(error.to_string(), "the greeting is longer than 65536 bytes");
}

#[test]
fn a_port_can_be_listened_on_again_at_once() {
    let listener = listen(ANY_PORT, BACKLOG).unwrap();
    let addr = listener.local_addr().unwrap();
    let client = connect(addr).unwrap();
    drop(listener.accept().unwrap()); // who closes first keeps the port (TIME_WAIT)
    rest_of(&client).unwrap();
    drop(client);
    drop(listener);
    listen(addr, BACKLOG).unwrap();
}
