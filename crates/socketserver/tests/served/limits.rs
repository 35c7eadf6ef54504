//! Bounds and time limits.

use std::io::Write;
use std::net::UdpSocket;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use socketserver::{
    Backend, Closing, Conn, Next, Peer, Protocol, Reply, Result, Served, Server,
    Strategy,
};

use crate::support::*;

/// A strategy that serves three at once and has no queue of its own.
const THREE: [Strategy; 3] = [
    Strategy::Threads { max: 3 },
    Strategy::Pool {
        workers: 3,
        queue: 0,
    },
    Strategy::Parked { workers: 3, max: 3 },
];

#[test]
fn the_fourth_of_three_waits_and_is_served_when_one_leaves() {
    for strategy in THREE {
        let server = start(tcp(), strategy, |_| upper);
        let mut three: Vec<Client> =
            (0..3).map(|_| Client::connect(server.addr)).collect();
        for client in &mut three {
            assert_eq!(client.ask("hello"), "HELLO\n", "{strategy:?}");
        }
        let mut fourth = Client::connect(server.addr);
        fourth.say("let me in");
        assert_eq!(three[0].ask("still served"), "STILL SERVED\n");
        assert_eq!(server.handle.stats().active, 3, "{strategy:?}");
        assert_eq!(server.handle.stats().accepted, 3, "{strategy:?}");
        drop(three.pop());
        assert_eq!(fourth.hear(), "LET ME IN\n", "{strategy:?}");
    }
}

#[test]
fn inline_serves_one_after_the_other() {
    let server = start(tcp(), Strategy::Inline, |_| upper);
    let mut first = Client::connect(server.addr);
    assert_eq!(first.ask("hello"), "HELLO\n");
    let mut second = Client::connect(server.addr);
    second.say("let me in");
    assert_eq!(first.ask("still served"), "STILL SERVED\n");
    assert_eq!(server.handle.stats().accepted, 1);
    drop(first);
    assert_eq!(second.hear(), "LET ME IN\n");
}

#[cfg(target_os = "linux")]
#[test]
fn the_backlog_is_as_long_as_it_is_told() {
    use std::net::TcpStream;

    let arrived = |backlog, callers| {
        let server = tcp().backlog(backlog).bind().unwrap();
        let addr = server.local_addr().as_inet().unwrap();
        // Nobody accepts: who has no place is not answered, and asks again in a second.
        let call = |_| TcpStream::connect_timeout(&addr, Duration::from_millis(50));
        (0..callers).map_while(|place| call(place).ok()).count()
    };
    assert_eq!(arrived(1, 10), 2); // listen(2) on Linux has room for one more
    assert_eq!(arrived(5, 10), 6);
    assert_eq!(arrived(4096, 100), 100);
}

#[test]
fn a_server_at_its_limit_can_be_stopped() {
    for strategy in THREE {
        let server = start(tcp(), strategy, |_| upper);
        let mut three: Vec<Client> =
            (0..3).map(|_| Client::connect(server.addr)).collect();
        for client in &mut three {
            assert_eq!(client.ask("hello"), "HELLO\n", "{strategy:?}");
        }
        let _fourth = Client::connect(server.addr);
        server.stop().unwrap();
    }
}

#[test]
fn a_busy_server_says_so() {
    for strategy in THREE {
        let server = start(tcp().busy("come back later\n"), strategy, |_| upper);
        let mut three: Vec<Client> =
            (0..3).map(|_| Client::connect(server.addr)).collect();
        for client in &mut three {
            assert_eq!(client.ask("hello"), "HELLO\n", "{strategy:?}");
        }
        assert_eq!(Client::connect(server.addr).rest(), "come back later\n");
        assert_eq!(server.stop().unwrap().refused, 1, "{strategy:?}");
    }
}

#[test]
fn ten_thousand_requests_one_after_another_leave_nothing() {
    let server = start(tcp(), Strategy::Threads { max: 10 }, |_| upper);
    for _ in 0..10_000 {
        assert_eq!(Client::connect(server.addr).ask("x"), "X\n");
    }
    let stats = server.stop().unwrap();
    assert_eq!((stats.accepted, stats.active, stats.errors), (10_000, 0, 0));
}

fn first_error(strategy: Strategy, limits: fn(Tcp) -> Tcp, say: &[u8]) -> String {
    let (told, hear) = mpsc::channel();
    let builder = limits(tcp()).on_error(move |_, error| {
        told.send(error.to_string()).unwrap();
    });
    let server = start(builder, strategy, |_| upper);
    let mut client = Client::connect(server.addr);
    client.write(say);
    let error = next(&hear);
    client.rest();
    error
}

type Tcp = socketserver::Builder<socketserver::Streams>;

#[test]
fn a_silent_peer_meets_the_read_timeout() {
    let limits = |builder: Tcp| builder.read_timeout(Duration::from_millis(20));
    for strategy in &THREADED[..3] {
        let error = first_error(*strategy, limits, b"half a li");
        assert!(
            error.contains("nothing came from 127.0.0.1:"),
            "{strategy:?}: {error}"
        );
    }
}

#[test]
fn a_parked_peer_that_is_silent_is_closed() {
    let limits = |builder: Tcp| builder.read_timeout(Duration::from_millis(20));
    let strategy = Strategy::Parked {
        workers: 2,
        max: 10,
    };
    let server = start(limits(tcp()), strategy, |_| upper);
    let mut client = Client::connect(server.addr);
    assert_eq!(client.rest(), "");
}

#[test]
fn a_peer_that_drips_meets_the_deadline() {
    let (told, hear) = mpsc::channel();
    let builder = tcp().request_deadline(Duration::from_millis(50)).on_error(
        move |_, error| {
            told.send(error.to_string()).unwrap();
        },
    );
    let server = start(builder, Strategy::Threads { max: 3 }, |_| upper);
    let mut client = Client::connect(server.addr);
    // A byte whenever it wants one: no limit for a single read would ever be reached.
    let error = loop {
        if client.try_write(b"x").is_err() {
            break next(&hear);
        }
        match hear.recv_timeout(Duration::from_millis(1)) {
            Ok(error) => break error,
            Err(_) => continue,
        }
    };
    assert!(error.contains("was not done in time"), "{error}");
    // A deadline is a request's, not the connection's.
    assert_eq!(Client::connect(server.addr).ask("hello"), "HELLO\n");
}

#[test]
fn a_peer_that_does_not_read_meets_the_write_timeout() {
    let (told, hear) = mpsc::channel();
    let builder =
        tcp()
            .write_timeout(Duration::from_millis(20))
            .on_error(move |_, error| {
                told.send(error.to_string()).unwrap();
            });
    let server = start(builder, Strategy::Threads { max: 3 }, |_| {
        |conn: &mut Conn| {
            conn.line(100)?;
            loop {
                conn.write_all(&[b'x'; 64 << 10])?;
            }
            #[expect(unreachable_code, reason = "it tells the closure's type")]
            Ok(Next::Close)
        }
    });
    let mut client = Client::connect(server.addr);
    client.say("send and send");
    assert!(next(&hear).contains("nothing went to 127.0.0.1:"));
}

#[test]
fn a_line_that_is_too_long_is_an_error_and_not_memory() {
    let error = first_error(Strategy::Inline, |builder| builder, &[b'x'; 100 << 10]);
    assert!(error.contains("a line of more than 65536 bytes"), "{error}");
}

#[test]
fn a_tick_comes_without_requests() {
    let (told, hear) = mpsc::channel();
    let builder = tcp().on_tick(Duration::from_millis(1), move |stats| {
        let _ = told.send(stats.accepted);
    });
    let _server = start(builder, Strategy::Inline, |_| upper);
    assert_eq!(next(&hear), 0);
    assert_eq!(next(&hear), 0);
}

#[test]
fn a_flood_keeps_no_tick_waiting() {
    let (told, hear) = mpsc::channel();
    let builder =
        Server::udp("127.0.0.1:0").on_tick(Duration::from_millis(1), move |stats| {
            let _ = told.send(stats.accepted);
        });
    let sender = Arc::new(UdpSocket::bind("127.0.0.1:0").unwrap());
    let again = Arc::clone(&sender);
    let server = start_udp(builder, Strategy::Inline, move |_| {
        let again = Arc::clone(&again);
        // Each is answered with one to the server itself: there is always one more.
        move |data: &[u8], peer: &Peer, _: &mut Reply<'_>| -> Result {
            again.send_to(data, peer.local.as_inet().unwrap())?;
            Ok(())
        }
    });
    for _ in 0..2 {
        sender.send_to(b"again", server.addr).unwrap();
    }
    while next(&hear) < 1000 {}
}

/// [`Duration::MAX`] is how one says "for ever".
#[test]
fn a_limit_may_be_for_ever() {
    let forever = || {
        tcp()
            .drain(Duration::MAX)
            .on_tick(Duration::MAX, |_| {})
            .read_timeout(Duration::MAX)
            .write_timeout(Duration::MAX)
            .request_deadline(Duration::MAX)
            .closing(Closing::Linger(Duration::MAX))
    };
    for strategy in THREADED {
        let server = start(forever(), strategy, |_| upper);
        let mut client = Client::connect(server.addr);
        assert_eq!(client.ask("hello"), "HELLO\n", "{strategy:?}");
        client.end();
        assert_eq!(client.rest(), "", "{strategy:?}");
        server.handle.shutdown_and_wait(Duration::MAX).unwrap();
    }
    for backend in [Backend::Select, Backend::Poll, Backend::Epoll] {
        let server = Arc::new(forever().bind().unwrap());
        let (addr, handle) = (server.local_addr().clone(), server.handle());
        let open = |_: &Peer| Blind;
        let serving = thread::spawn(move || server.serve_events(backend, 9, open));
        let mut client = Client::connect(addr.as_inet().unwrap());
        client.end();
        assert_eq!(client.rest(), "", "{backend:?}");
        handle.shutdown_and_wait(Duration::MAX).unwrap();
        serving.join().unwrap().unwrap();
    }
    let server = forever().bind().unwrap();
    server.handle().shutdown();
    let one = server.serve_one(Some(Duration::MAX), |_| upper).unwrap();
    assert_eq!(one, Served::Stopped);
}

/// Takes what comes, and says nothing.
struct Blind;

impl Protocol for Blind {
    fn data(&mut self, input: &mut Vec<u8>, _: &mut Vec<u8>) -> Result<Next> {
        input.clear();
        Ok(Next::Again)
    }
}
