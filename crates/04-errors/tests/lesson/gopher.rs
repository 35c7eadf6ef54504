//! Pages, and the ways to miss them.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use lesson_4::gopher::{self, Failure, MAX_PAGE, answer, fetch, page};
use socket2::SockRef;

const LIMIT: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(50);

/// A server for one caller, which does this when it has read the selector.
fn one_visit(
    deed: impl FnOnce(TcpStream) -> io::Result<()> + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (stream, _) = listener.accept()?;
        BufReader::new(&stream).read_until(b'\n', &mut Vec::new())?;
        deed(stream)
    });
    addr
}

fn fetched(addr: SocketAddr, limit: Duration) -> Result<Vec<u8>, Failure> {
    fetch(&addr.to_string(), "/tea", limit)
}

#[test]
fn a_page_is_what_stands_before_the_last_line() {
    assert_eq!(page(b"one\r\ntwo\r\n.\r\n").unwrap(), b"one\r\ntwo\r\n");
    assert_eq!(page(b".\r\n").unwrap(), b"");
    assert_eq!(page(b"one.\r\n.\r\n").unwrap(), b"one.\r\n");
    assert_eq!(page(b"..5 litres\r\n.\r\n").unwrap(), b".5 litres\r\n");
    assert_eq!(
        page(b"one\n.\n").unwrap(),
        b"one\n",
        "as careless servers do"
    );
    assert!(matches!(page(b"one.\r\n"), Err(Failure::Truncated(6))));
    assert!(matches!(page(b""), Err(Failure::Truncated(0))));
}

#[test]
fn an_error_item_is_no_page_and_tells_why_without_commanding_the_terminal() {
    let Err(Failure::NotFound(why)) = page(b"3no\x1b[2J tea\t\thost\t1\r\n.\r\n")
    else {
        panic!("it is an error item");
    };
    assert_eq!(why, "no[2J tea");
}

#[test]
fn whatever_bytes_come_there_is_a_page_or_a_failure() {
    for seed in 0..2000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let signs = b".\r\n3a\t\xff";
        let bytes: Vec<u8> = (0..random.usize(..60))
            .map(|_| match random.u8(..10) {
                0 => random.u8(..),
                _ => signs[random.usize(..signs.len())],
            })
            .collect();
        match page(&bytes) {
            Ok(page) => assert!(page.len() <= bytes.len(), "seed {seed}"),
            Err(Failure::Truncated(length)) => assert_eq!(length, bytes.len()),
            Err(Failure::NotFound(why)) => assert!(!why.contains('\t')),
            Err(other) => panic!("seed {seed}: {other}"),
        }
    }
}

#[test]
fn every_answer_of_the_server_is_a_page_or_says_that_there_is_none() {
    assert_eq!(
        page(answer("/tea").as_bytes()).unwrap(),
        b"Darjeeling, first flush.\r\n.5 litres a pot.\r\n"
    );
    for seed in 0..500 {
        let mut random = fastrand::Rng::with_seed(seed);
        let selector: String =
            (0..random.usize(..40)).map(|_| random.char(..)).collect();
        match page(answer(&selector).as_bytes()) {
            Ok(_) => assert!(selector.is_empty()),
            Err(Failure::NotFound(why)) => assert!(why.ends_with("does not exist")),
            Err(other) => panic!("seed {seed}: {other}"),
        }
    }
}

#[test]
fn a_page_that_drips_is_whole() {
    let addr = one_visit(|mut stream| {
        stream.set_nodelay(true)?;
        answer("/tea")
            .bytes()
            .try_for_each(|byte| stream.write_all(&[byte]))
    });
    assert!(fetched(addr, LIMIT).unwrap().starts_with(b"Darjeeling"));
}

#[test]
fn each_stage_has_its_name_and_its_exit_code() {
    let closed =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
    let closed = closed.unwrap();
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    closed.bind(&any.into()).unwrap();
    let closed_at = closed.local_addr().unwrap().as_socket().unwrap();
    let reset = one_visit(|stream| {
        SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
        (&stream).write_all(b"half a pa")
    });
    let truncated = one_visit(|mut stream| stream.write_all(b"half a page\r\n"));
    let missing = one_visit(|mut stream| stream.write_all(answer("?").as_bytes()));
    let silent = one_visit(|mut stream| stream.read(&mut [0]).map(drop));
    let (full, _sockets) = lesson_4::produce::full_queue().unwrap();
    let code = |result: Result<Vec<u8>, Failure>| result.unwrap_err().exit_code();
    assert_eq!(code(fetch("no..host:70", "", LIMIT)), 3);
    assert_eq!(code(fetched(closed_at, LIMIT)), 4);
    assert_eq!(code(fetched(reset, LIMIT)), 5);
    assert_eq!(code(fetched(silent, SHORT)), 6);
    assert_eq!(code(fetched(full, SHORT)), 6);
    assert_eq!(code(fetched(truncated, LIMIT)), 7);
    assert_eq!(code(fetched(missing, LIMIT)), 8);
}

#[test]
fn the_kernels_words_are_the_source_and_not_said_twice() {
    let failure = fetch("no..host:70", "", LIMIT).unwrap_err();
    let source = failure.source().unwrap().to_string();
    assert!(!failure.to_string().contains(&source));
}

#[test]
fn a_page_without_end_is_refused() {
    let addr = one_visit(|mut stream| {
        loop {
            stream.write_all(&[b'x'; 4096])?;
        }
    });
    let length = usize::try_from(MAX_PAGE).unwrap();
    match fetched(addr, LIMIT) {
        Err(Failure::Truncated(taken)) => assert_eq!(taken, length),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_server_outlives_callers_who_break_off_or_do_not_end_their_line() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || gopher::serve(&listener, SHORT, |_| {}));

    drop(TcpStream::connect(addr).unwrap());
    let rude = TcpStream::connect(addr).unwrap();
    SockRef::from(&rude)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
    drop(rude);
    let mut endless = TcpStream::connect(addr).unwrap();
    let _ = endless.write_all(&[b'x'; 5000]);
    let silent = TcpStream::connect(addr).unwrap();
    let mut half = TcpStream::connect(addr).unwrap();
    half.write_all(b"/te").unwrap();
    half.shutdown(Shutdown::Write).unwrap();
    assert!(fetched(addr, LIMIT).unwrap().starts_with(b"Darjeeling"));
    drop((silent, half));
}
