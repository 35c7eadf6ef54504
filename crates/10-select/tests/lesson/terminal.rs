//! The keyboard, with a time limit, and a keyboard and a socket at once.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use lesson_10::ANY_PORT;
use lesson_10::terminal::{Keyboard, Typed, dialogue};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(20);

#[test]
fn a_line_comes_in_time_or_not_and_none_is_lost() {
    let (mut typist, input) = UnixStream::pair().unwrap();
    let mut keyboard = Keyboard::new(input.as_fd());
    assert_eq!(keyboard.line(SHORT).unwrap(), Typed::TooLate);
    typist.write_all(b"one\ntwo\nthr").unwrap();
    assert_eq!(keyboard.line(LONG).unwrap(), Typed::Line(b"one".into()));
    assert_eq!(keyboard.line(LONG).unwrap(), Typed::Line(b"two".into()));
    assert_eq!(keyboard.line(SHORT).unwrap(), Typed::TooLate);
    typist.write_all(b"ee\n").unwrap();
    assert_eq!(keyboard.line(LONG).unwrap(), Typed::Line(b"three".into()));
    drop(typist);
    assert_eq!(keyboard.line(LONG).unwrap(), Typed::End);
}

#[test]
fn a_line_without_an_end_is_not_stored_for_ever() {
    let (mut typist, input) = UnixStream::pair().unwrap();
    let mut keyboard = Keyboard::new(input.as_fd());
    typist.write_all(&[b'x'; 10_000]).unwrap();
    assert!(keyboard.line(LONG).is_err());
}

#[test]
fn the_server_may_speak_while_nobody_types_and_has_the_last_word() {
    let listener = TcpListener::bind(ANY_PORT).unwrap();
    let server = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut other, _) = listener.accept().unwrap();
    let (mut typist, keyboard) = UnixStream::pair().unwrap();
    let dialogue = thread::spawn(move || {
        let mut screen = Vec::new();
        dialogue(&keyboard, &server, &mut screen).map(|()| screen)
    });
    other.write_all(b"unasked\n").unwrap();
    typist.write_all(b"typed\n").unwrap();
    let mut said = [0; 6];
    other.read_exact(&mut said).unwrap();
    assert_eq!(&said, b"typed\n");
    typist.shutdown(Shutdown::Write).unwrap();
    assert_eq!(other.read(&mut said).unwrap(), 0);
    other.write_all(b"last\n").unwrap();
    drop(other);
    assert_eq!(dialogue.join().unwrap().unwrap(), b"unasked\nlast\n");
}
