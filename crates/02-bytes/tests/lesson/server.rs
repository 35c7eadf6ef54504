//! Both servers and clients of all manners, over real sockets on loopback.

use std::io::{self, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use lesson_2::chat::{self, Log};
use lesson_2::server::{ANY_PORT, News, serve};
use lesson_2::words::{self, WORDS};
use socket2::SockRef;

/// The end of patience with anything that should happen at once.
const LIMIT: Duration = Duration::from_secs(30);

/// A server on a thread, which lives as long as the test process.
struct Server {
    addr: SocketAddr,
    news: Receiver<News>,
}

impl Server {
    fn of_lines(patience: Duration) -> Self {
        let mut log = Log::default();
        Self::start(patience, move |stream| {
            chat::converse(BufReader::new(stream), stream, &mut log)
        })
    }

    fn start(
        patience: Duration,
        talk: impl FnMut(&TcpStream) -> io::Result<usize> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind(ANY_PORT).unwrap();
        let addr = listener.local_addr().unwrap();
        let (sender, news) = mpsc::channel();
        thread::spawn(move || {
            serve(&listener, patience, talk, |_, news| {
                let _ = sender.send(news); // the test may be over
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
        assert!(self.talk(b"anybody?\n").ends_with(" anybody?\n"));
        assert_eq!(self.visit(), Ok(1));
    }

    /// Says `input` and returns all that the server says.
    fn talk(&self, input: &[u8]) -> String {
        let mut client = self.connect();
        client.write_all(input).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut said = String::new();
        client.read_to_string(&mut said).unwrap();
        said
    }
}

#[test]
fn the_log_is_the_same_for_all_visitors() {
    let server = Server::of_lines(LIMIT);
    assert_eq!(server.talk(b"hello\n"), "0 so far\n1 hello\n");
    assert_eq!(server.talk(b"world"), "1 so far\n1 hello\n2 world\n");
}

#[test]
fn a_client_that_hangs_up_has_left_and_one_that_breaks_off_is_lost() {
    let server = Server::of_lines(LIMIT);
    let mut client = server.connect();
    client.read_exact(&mut [0; 9]).unwrap(); // "0 so far\n"
    drop(client);
    assert_eq!(server.visit(), Ok(0));

    let client = server.connect();
    SockRef::from(&client)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
    drop(client); // a reset
    assert!(server.visit().is_err());
    server.still_serves();
}

#[test]
fn a_megabyte_without_a_newline_ends_the_visit() {
    let server = Server::of_lines(LIMIT);
    let mut client = server.connect();
    let _ = client.write_all(&[b'x'; 1_000_000]); // it may be cut off on the way
    let told = "a line is longer than 512 bytes".to_string();
    assert_eq!(server.visit(), Err((ErrorKind::InvalidData, told)));
    server.still_serves();
}

#[test]
fn a_silent_client_has_to_go_when_the_patience_is_over() {
    let server = Server::of_lines(Duration::from_millis(50));
    let silent = server.connect();
    let told = "no byte came or went for 50ms".to_string();
    assert_eq!(server.visit(), Err((ErrorKind::TimedOut, told)));
    drop(silent);
}

#[test]
fn a_client_that_does_not_read_has_to_go_when_the_patience_is_over() {
    let server = Server::of_lines(Duration::from_millis(50));
    let mut deaf = server.connect();
    // More than all buffers between us hold; it is cut off when the server has gone.
    let _ = deaf.write_all(&b"good morning\n".repeat(2_000_000));
    assert_eq!(server.visit().unwrap_err().0, ErrorKind::TimedOut);
}

#[test]
fn the_words_reach_a_client_that_has_talked_first() {
    let server = Server::start(LIMIT, |stream| words::tell(stream));
    let mut talker = server.connect();
    talker
        .write_all(&b"GET / HTTP/1.0\r\n".repeat(1000))
        .unwrap();
    talker.shutdown(Shutdown::Write).unwrap();
    assert_eq!(server.visit(), Ok(WORDS.len()));
    // The next visit begins after the server has closed the first connection; had
    // that been a reset, we would find an error behind the words.
    let _next = server.connect();
    assert!(matches!(server.next(), News::Came));
    let mut said = Vec::new();
    talker.read_to_end(&mut said).unwrap();
    assert!(said.starts_with(b"\x00\x03TCP\x00\x07carries"));
}

#[test]
fn a_client_that_never_hangs_up_does_not_keep_the_server() {
    let server = Server::start(LIMIT, |stream| words::tell(stream));
    let lingering = server.connect();
    assert_eq!(server.visit(), Ok(WORDS.len()));
    drop(server.connect());
    assert!(matches!(server.next(), News::Came));
    drop(lingering);
}
