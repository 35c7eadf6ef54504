//! The tiny reactor, on real sockets.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use lesson_10::reactor::{Event, Interest, Reactor, Readiness, Token, Waker};
use socket2::SockRef;

/// No test waits for this; it ends one that would wait for ever.
const BACKSTOP: Option<Duration> = Some(Duration::from_secs(30));

/// Whatever is ready now, without a wait.
const NOW: Option<Duration> = Some(Duration::ZERO);

fn poll(reactor: &mut Reactor, limit: Option<Duration>) -> Vec<Event> {
    let mut events = vec![Event::Woken]; // to be thrown away
    reactor.poll(&mut events, limit).unwrap();
    events
}

/// The readiness of the only source that is ready.
fn only(events: &[Event], token: Token) -> Readiness {
    let [Event::Ready(who, readiness)] = *events else {
        panic!("not one source: {events:?}");
    };
    assert_eq!(who, token);
    readiness
}

fn pair() -> (UnixStream, UnixStream) {
    let (here, there) = UnixStream::pair().unwrap();
    there.set_nonblocking(true).unwrap();
    (here, there)
}

#[test]
fn a_source_is_reported_as_long_as_it_is_ready_and_no_longer() {
    let (mut here, mut there) = pair();
    let mut reactor = Reactor::new().unwrap();
    reactor.register(&there, Token(1), Interest::READ).unwrap();
    assert_eq!(poll(&mut reactor, NOW), []);
    here.write_all(b"ab").unwrap();
    for _ in 0..3 {
        let readiness = only(&poll(&mut reactor, BACKSTOP), Token(1));
        assert!(readiness.readable && !readiness.writable);
    }
    there.read_exact(&mut [0; 1]).unwrap();
    assert!(only(&poll(&mut reactor, NOW), Token(1)).readable);
    there.read_exact(&mut [0; 1]).unwrap();
    assert_eq!(poll(&mut reactor, NOW), []);
}

#[test]
fn an_edge_is_reported_once_and_again_when_more_comes() {
    let (mut here, there) = pair();
    let mut reactor = Reactor::new().unwrap();
    let interest = Interest::READ.edge();
    reactor.register(&there, Token(1), interest).unwrap();
    for _ in 0..2 {
        here.write_all(b"ab").unwrap();
        assert!(only(&poll(&mut reactor, BACKSTOP), Token(1)).readable);
        assert_eq!(poll(&mut reactor, NOW), []); // two bytes are still there
    }
    reactor.modify(&there, Token(2), interest).unwrap(); // asks anew
    assert!(only(&poll(&mut reactor, NOW), Token(2)).readable);
}

#[test]
fn interest_can_be_changed_and_ended() {
    let (mut here, there) = pair();
    here.write_all(b"news").unwrap();
    let mut reactor = Reactor::new().unwrap();
    reactor.register(&there, Token(1), Interest::WRITE).unwrap();
    let readiness = only(&poll(&mut reactor, NOW), Token(1));
    assert!(readiness.writable && !readiness.readable);
    reactor.modify(&there, Token(1), Interest::BOTH).unwrap();
    let readiness = only(&poll(&mut reactor, NOW), Token(1));
    assert!(readiness.writable && readiness.readable);
    reactor.modify(&there, Token(1), Interest::NONE).unwrap();
    assert_eq!(poll(&mut reactor, NOW), []);
    reactor.deregister(&there).unwrap();
    let again = reactor.deregister(&there).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::NotFound);
    assert!(again.to_string().contains("cannot deregister descriptor"));
}

#[test]
fn a_closed_source_is_reported_no_more() {
    let (here, there) = pair();
    let mut reactor = Reactor::new().unwrap();
    reactor.register(&there, Token(1), Interest::READ).unwrap();
    drop(here);
    assert!(only(&poll(&mut reactor, NOW), Token(1)).can_read());
    drop(there);
    assert_eq!(poll(&mut reactor, NOW), []);
}

#[test]
fn a_reset_is_reported_even_to_those_who_asked_for_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, _) = listener.accept().unwrap();
    let mut reactor = Reactor::new().unwrap();
    reactor.register(&stream, Token(1), Interest::NONE).unwrap();
    SockRef::from(&client)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
    drop(client);
    let readiness = only(&poll(&mut reactor, BACKSTOP), Token(1));
    assert!(readiness.error && readiness.hung_up && readiness.can_write());
    assert!(!readiness.readable);
}

#[test]
fn a_file_and_a_source_that_is_there_already_are_refused_with_the_reason() {
    let reactor = Reactor::new().unwrap();
    let file = File::open(env!("CARGO_MANIFEST_PATH")).unwrap();
    let error = reactor
        .register(&file, Token(1), Interest::READ)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);

    let (here, _there) = pair();
    reactor.register(&here, Token(1), Interest::READ).unwrap();
    let error = reactor
        .register(&here, Token(2), Interest::READ)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);

    let error = reactor
        .register(&here, Token(u64::MAX), Interest::READ)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn more_sources_than_one_wait_tells_of_are_all_told_of() {
    let mut reactor = Reactor::new().unwrap();
    let pairs: Vec<_> = (0..300).map(|_| pair()).collect();
    for (number, (here, there)) in (0..).zip(&pairs) {
        (&*here).write_all(b"!").unwrap();
        reactor
            .register(there, Token(number), Interest::READ)
            .unwrap();
    }
    let mut told = std::collections::BTreeSet::new();
    while told.len() < 300 {
        for event in poll(&mut reactor, BACKSTOP) {
            let Event::Ready(token, _) = event else {
                panic!()
            };
            told.insert(token.0);
            (&pairs[token.0 as usize].1)
                .read_exact(&mut [0; 1])
                .unwrap();
        }
    }
    assert_eq!(poll(&mut reactor, NOW), []);
}

#[test]
fn a_wake_ends_a_wait_and_none_is_lost_or_told_twice() {
    fn can_go_anywhere<T: Clone + Send + Sync + 'static>(_: &T) {}

    let mut reactor = Reactor::new().unwrap();
    let waker: Waker = reactor.waker();
    can_go_anywhere(&waker);
    waker.wake().unwrap(); // before the wait
    waker.wake().unwrap();
    assert_eq!(poll(&mut reactor, BACKSTOP), [Event::Woken]);
    assert_eq!(poll(&mut reactor, NOW), []);

    let (jobs, inbox) = mpsc::channel();
    let other = thread::spawn(move || {
        for job in 0..1000 {
            jobs.send(job).unwrap();
            waker.wake().unwrap();
        }
    });
    let mut done = 0;
    while done < 1000 {
        assert_eq!(poll(&mut reactor, BACKSTOP), [Event::Woken]);
        done += inbox.try_iter().count();
    }
    other.join().unwrap();
}

#[test]
fn a_waker_outlives_its_reactor() {
    let waker = Reactor::new().unwrap().waker();
    waker.wake().unwrap();
}

#[test]
fn timers_shorten_a_wait_and_are_told_in_their_order() {
    let mut reactor = Reactor::new().unwrap();
    let now = Instant::now();
    let moment = Duration::from_millis(20);
    reactor.set_timer(now + 2 * moment, Token(2));
    reactor.set_timer(now + moment, Token(1));
    let cancelled = reactor.set_timer(now, Token(3));
    assert!(reactor.cancel_timer(cancelled));
    assert!(!reactor.cancel_timer(cancelled));
    let mut due = Vec::new();
    while due.len() < 2 {
        let events = poll(&mut reactor, None);
        assert!(!events.is_empty(), "it woke before a timer was due");
        due.extend(events);
    }
    assert_eq!(due, [Event::Due(Token(1)), Event::Due(Token(2))]);
    assert!(now.elapsed() >= 2 * moment);
}

#[test]
fn a_limit_ends_a_wait_without_an_event() {
    let mut reactor = Reactor::new().unwrap();
    let started = Instant::now();
    let limit = Duration::from_micros(1500);
    assert_eq!(poll(&mut reactor, Some(limit)), []);
    assert!(started.elapsed() >= limit);
    // The greatest of all limits is cut to what fits; a timer ends the wait.
    reactor.set_timer(Instant::now(), Token(1));
    assert_eq!(
        poll(&mut reactor, Some(Duration::MAX)),
        [Event::Due(Token(1))]
    );
}
