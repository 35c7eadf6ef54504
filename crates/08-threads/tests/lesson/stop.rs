//! Stopping, and who is left.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use lesson_8::accept::{Stop, Trouble};
use lesson_8::object::Server;
use lesson_8::visits::Visits;
use std::io::{self, ErrorKind};

use crate::{Caller, LIMIT};

struct Running {
    addr: SocketAddr,
    stop: Arc<Stop>,
    thread: JoinHandle<io::Result<Vec<SocketAddr>>>,
}

fn start(limit: Duration) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let server = Server::new(listener).unwrap();
    let stop = server.stop();
    let thread = thread::spawn(move || server.run(limit));
    Running { addr, stop, thread }
}

#[test]
fn a_server_without_callers_stops_at_once_and_its_port_is_free() {
    let running = start(LIMIT * 100); // longer than the test may take
    running.stop.now();
    assert_eq!(running.thread.join().unwrap().unwrap(), []);
    assert!(TcpStream::connect(running.addr).is_err());
    TcpListener::bind(running.addr).unwrap();
}

#[test]
fn who_is_there_is_served_to_its_end_and_who_comes_then_is_not() {
    let running = start(LIMIT * 100);
    let mut a = Caller::call(running.addr);
    assert_eq!(a.ask("one"), "ONE\n");
    running.stop.now();
    assert_eq!(a.ask("two"), "TWO\n");
    drop(a);
    assert_eq!(running.thread.join().unwrap().unwrap(), []);
}

#[test]
fn who_does_not_leave_is_named_and_shut_out() {
    let running = start(Duration::from_millis(50));
    let (mut a, mut b) = (Caller::call(running.addr), Caller::call(running.addr));
    a.ask("one");
    b.ask("two");
    running.stop.now();
    let mut left = running.thread.join().unwrap().unwrap();
    left.sort_unstable();
    let mut callers = [&a, &b].map(|caller| caller.stream.local_addr().unwrap());
    callers.sort_unstable();
    assert_eq!(left, callers);
    assert_eq!((a.hear(), b.hear()), (String::new(), String::new()));
}

#[test]
fn a_server_on_all_addresses_can_be_stopped_too() {
    for any in ["0.0.0.0:0", "[::]:0"] {
        let Ok(listener) = TcpListener::bind(any) else {
            let _ = io::Write::write_all(
                &mut io::stderr(),
                b"skipped: there is no IPv6 here\n",
            );
            continue;
        };
        let server = Server::new(listener).unwrap();
        let stop = server.stop();
        let thread = thread::spawn(move || server.run(LIMIT));
        stop.now();
        assert_eq!(thread.join().unwrap().unwrap(), []);
    }
}

#[test]
fn a_visit_is_off_the_list_when_its_thread_panics() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let _caller = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, peer) = listener.accept().unwrap();
    let visits = Visits::default();
    let visit = visits.begin(stream, peer);
    assert_eq!(visits.count(), 1);
    let panics = thread::spawn(move || {
        let _visit = visit;
        std::panic::resume_unwind(Box::new("a bug")); // says nothing on standard error
    });
    panics.join().unwrap_err();
    assert_eq!(visits.count(), 0);
    assert_eq!(visits.drain(LIMIT), []);
}

#[test]
fn errors_of_accept_are_told_apart() {
    let of = |kind: ErrorKind| Trouble::of(&kind.into());
    let number = |number| Trouble::of(&io::Error::from_raw_os_error(number));
    assert_eq!(of(ErrorKind::ConnectionAborted), Trouble::OfACaller);
    assert_eq!(of(ErrorKind::OutOfMemory), Trouble::NoRoom);
    assert_eq!(number(24), Trouble::NoRoom); // EMFILE
    assert_eq!(number(23), Trouble::NoRoom); // ENFILE
    assert_eq!(of(ErrorKind::InvalidInput), Trouble::OfTheListener);
}
