//! How a server stops, and that it does.

use std::io::{self, Read};
use std::net::TcpListener;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use socketserver::{
    Backend, Builder, Closing, Conn, Error, Handle, Next, Protocol, Result, Server,
    Strategy, Streams,
};

use crate::support::*;

#[test]
fn shutdown_ends_every_strategy() {
    for strategy in THREADED {
        let server = start(tcp(), strategy, |_| upper);
        server.stop().unwrap();
    }
}

#[test]
fn twenty_servers_end_at_once() {
    let servers: Vec<Running> = (0..20)
        .map(|_| start(tcp(), Strategy::Threads { max: 4 }, |_| upper))
        .collect();
    for server in &servers {
        assert_eq!(Client::connect(server.addr).ask("hello"), "HELLO\n");
    }
    for server in &servers {
        server.handle.shutdown();
    }
    for server in servers {
        server.join().unwrap();
    }
}

#[test]
fn shutdown_before_serve_makes_it_return_at_once_and_once() {
    let ask: fn(&Handle) = Handle::shutdown;
    let ask_and_wait: fn(&Handle) =
        |handle| handle.shutdown_and_wait(BACKSTOP).unwrap();
    for ask in [ask, ask_and_wait] {
        let server = tcp().bind().unwrap();
        let handle = server.handle();
        ask(&handle);
        let stats = server.serve(Strategy::Inline, |_| upper).unwrap();
        assert_eq!(stats.accepted, 0);

        // It can be served again.
        let addr = server.local_addr().as_inet().unwrap();
        let client = thread::spawn(move || {
            let answer = Client::connect(addr).ask("hello");
            handle.shutdown();
            answer
        });
        let stats = server.serve(Strategy::Inline, |_| upper).unwrap();
        assert_eq!(stats.accepted, 1);
        assert_eq!(client.join().unwrap(), "HELLO\n");
    }
}

#[test]
fn a_handler_may_stop_its_server() {
    for strategy in THREADED {
        let server = Arc::new(tcp().bind().unwrap());
        let handle = server.handle();
        let addr = server.local_addr().as_inet().unwrap();
        let client = thread::spawn(move || Client::connect(addr).ask("stop"));
        let stop = move |_: &_| {
            let handle = handle.clone();
            move |conn: &mut Conn| {
                let next = upper(conn)?;
                handle.shutdown();
                Ok(next)
            }
        };
        server.serve(strategy, stop).unwrap();
        assert_eq!(client.join().unwrap(), "STOP\n", "{strategy:?}");
    }
}

#[test]
fn who_serves_cannot_wait_for_its_own_end() {
    let server = tcp().bind().unwrap();
    let handle = server.handle();
    let addr = server.local_addr().as_inet().unwrap();
    let client = thread::spawn(move || Client::connect(addr).ask("stop"));
    let (told, hear) = mpsc::channel();
    let stop = move |_: &_| {
        let (handle, told) = (handle.clone(), told.clone());
        move |conn: &mut Conn| {
            let waited = handle.shutdown_and_wait(BACKSTOP);
            told.send(waited.unwrap_err().kind()).unwrap();
            upper(conn)
        }
    };
    server.serve(Strategy::Inline, stop).unwrap();
    assert_eq!(next(&hear), io::ErrorKind::Deadlock);
    assert_eq!(client.join().unwrap(), "STOP\n");
}

#[test]
fn shutdown_and_wait_waits() {
    let server = start(tcp(), Strategy::Threads { max: 4 }, |_| upper);
    server.handle.shutdown_and_wait(BACKSTOP).unwrap();
    // Nobody serves any more: it is no error to ask again.
    server.handle.shutdown_and_wait(BACKSTOP).unwrap();
    server.join().unwrap();
}

#[test]
fn a_server_is_served_by_one_thread() {
    let server = Arc::new(tcp().bind().unwrap());
    let (told, hear) = mpsc::channel();
    let second = Arc::clone(&server);
    let addr = server.local_addr().as_inet().unwrap();
    let client = thread::spawn(move || {
        let mut client = Client::connect(addr);
        assert_eq!(client.ask("hello"), "HELLO\n");
        let again = second.serve(Strategy::Inline, |_| upper);
        told.send(again.unwrap_err().kind()).unwrap();
        second.handle().shutdown();
    });
    server
        .serve(Strategy::Threads { max: 2 }, |_| upper)
        .unwrap();
    assert_eq!(next(&hear), io::ErrorKind::ResourceBusy);
    client.join().unwrap();
}

#[test]
fn a_silent_client_does_not_hold_the_end_up() {
    for strategy in THREADED {
        let server = start(tcp().drain(BACKSTOP * 100), strategy, |_| upper);
        let mut silent = Client::connect(server.addr);
        assert_eq!(silent.ask("hello"), "HELLO\n");
        if strategy == Strategy::Inline {
            drop(silent); // there it is the server that waits
            server.stop().unwrap();
            continue;
        }
        let stats = server.stop().unwrap();
        assert_eq!((stats.forced, stats.errors), (0, 0), "{strategy:?}");
        assert_eq!(silent.rest(), "", "{strategy:?}");
    }
}

#[test]
fn a_request_that_is_being_served_is_finished() {
    let (begun, has_begun) = mpsc::channel();
    let server = start(tcp(), Strategy::Threads { max: 4 }, move |_| {
        let begun = begun.clone();
        move |conn: &mut Conn| {
            let first = conn.line(100)?.unwrap_or_default();
            begun.send(()).unwrap();
            let second = conn.line(100)?.unwrap_or_default();
            std::io::Write::write_all(conn, &[first, second].concat())?;
            Ok(Next::Again)
        }
    });
    let mut client = Client::connect(server.addr);
    client.say("half ");
    next(&has_begun);
    server.handle.shutdown();
    client.say("and half");
    assert_eq!(client.rest(), "half and half");
    assert_eq!(server.join().unwrap().errors, 0);
}

#[test]
fn who_does_not_end_is_forced_to() {
    let (told, hear) = mpsc::channel();
    let (begun, has_begun) = mpsc::channel();
    let builder = tcp()
        .drain(Duration::from_millis(1))
        .on_error(move |_, error| {
            told.send(matches!(error, Error::Forced(_))).unwrap();
        });
    let server = start(builder, Strategy::Threads { max: 4 }, move |_| {
        let begun = begun.clone();
        move |conn: &mut Conn| {
            begun.send(()).unwrap();
            // The whole conversation in one call, as Python's handlers do.
            while let Some(line) = conn.line(100)? {
                std::io::Write::write_all(conn, &line)?;
            }
            Ok(Next::Close)
        }
    });
    let mut client = Client::connect(server.addr);
    client.say("and now I say nothing");
    next(&has_begun);
    let stats = server.stop().unwrap();
    assert_eq!(stats.forced, 1);
    assert!(next(&hear));
}

#[test]
fn a_dropped_server_gives_its_port_back() {
    let server = tcp().bind().unwrap();
    let addr = server.local_addr().as_inet().unwrap();
    assert!(TcpListener::bind(addr).is_err());
    drop(server);
    TcpListener::bind(addr).unwrap();
}

#[test]
fn a_port_is_bound_again_while_connections_linger() {
    let server = start(tcp(), Strategy::Inline, |_| {
        |conn: &mut Conn| upper(conn).map(|_| Next::Close)
    });
    let addr = server.addr;
    // The server ends first, so that TIME_WAIT is on its side: RFC 9293, section 3.6.
    let mut client = Client::connect(addr);
    assert_eq!(client.ask("hello"), "HELLO\n");
    assert_eq!(client.rest(), "");
    drop(client);
    server.stop().unwrap();
    let strict = Server::tcp(addr).reuse_address(false).bind();
    assert_eq!(strict.err().unwrap().kind(), io::ErrorKind::AddrInUse);
    Server::tcp(addr).bind().unwrap();
}

#[test]
fn an_address_is_shared_where_both_say_so() {
    let first = tcp().reuse_port(true).bind().unwrap();
    let addr = first.local_addr().as_inet().unwrap();
    Server::tcp(addr).reuse_port(true).bind().unwrap();
    let other = Server::tcp(addr).bind();
    assert_eq!(other.err().unwrap().kind(), io::ErrorKind::AddrInUse);
}

#[cfg(target_os = "linux")]
#[test]
fn a_thousand_binds_that_fail_leave_no_descriptor() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap();
    // Other tests have descriptors too, but not so many.
    for _ in 0..1024 {
        assert!(Server::tcp(addr).bind().is_err());
    }
    let open = std::fs::read_dir("/proc/self/fd").unwrap().count();
    assert!(open < 900, "{open} descriptors");
}

struct Lines;

impl Protocol for Lines {
    fn data(&mut self, input: &mut Vec<u8>, output: &mut Vec<u8>) -> Result<Next> {
        if let Some(end) = input.iter().rposition(|byte| *byte == b'\n') {
            let lines = input.drain(..=end);
            output.extend(lines.map(|byte| byte.to_ascii_uppercase()));
        }
        Ok(Next::Again)
    }
}

#[test]
fn an_event_loop_serves_many_and_ends() {
    for backend in [Backend::Select, Backend::Poll, Backend::Epoll] {
        let server = Arc::new(tcp().bind().unwrap());
        let addr = server.local_addr().as_inet().unwrap();
        let handle: Handle = server.handle();
        let thread =
            thread::spawn(move || server.serve_events(backend, 100, |_| Lines));
        let mut clients: Vec<Client> =
            (0..20).map(|_| Client::connect(addr)).collect();
        for client in &mut clients {
            assert_eq!(client.ask("hello"), "HELLO\n", "{backend:?}");
        }
        handle.shutdown();
        let stats = thread.join().unwrap().unwrap();
        assert_eq!(
            (stats.accepted, stats.active, stats.errors),
            (20, 0, 0),
            "{backend:?}"
        );
        for client in &mut clients {
            assert_eq!(client.rest(), "", "{backend:?}");
        }
    }
}

/// A server in a thread whose event loop makes a conversation of each connection.
fn looping<P: Protocol + 'static>(
    builder: Builder<Streams>,
    backend: Backend,
    open: fn() -> P,
) -> Running {
    let server = Arc::new(builder.bind().unwrap());
    Running::start(move || {
        let addr = server.local_addr().as_inet().unwrap();
        let handle = server.handle();
        let run = Box::new(move || server.serve_events(backend, 100, |_| open()));
        (handle, Served { addr, run })
    })
}

/// Answers a line, and has heard enough.
struct OneLine;

impl Protocol for OneLine {
    fn data(&mut self, input: &mut Vec<u8>, output: &mut Vec<u8>) -> Result<Next> {
        Lines.data(input, output)?;
        Ok(match output.is_empty() {
            true => Next::Again,
            false => Next::Close,
        })
    }
}

const BACKENDS: [Backend; 3] = [Backend::Select, Backend::Poll, Backend::Epoll];

#[test]
fn an_event_loop_hears_a_talkative_peer_out_so_that_it_gets_its_answer() {
    for backend in BACKENDS {
        let closing = Closing::Linger(BACKSTOP);
        let server = looping(tcp().closing(closing), backend, || OneLine);
        let mut client = Client::connect(server.addr);
        client.say("one");
        client.try_write(&vec![b'x'; 4 << 20]).unwrap();
        client.end();
        assert_eq!(client.rest(), "ONE\n", "{backend:?}");
        let stats = server.stop().unwrap();
        assert_eq!((stats.active, stats.errors), (0, 0), "{backend:?}");
    }
}

#[test]
fn an_event_loop_lingers_no_longer_than_it_was_told_to() {
    for backend in BACKENDS {
        let closing = Closing::Linger(Duration::from_millis(20));
        let server = looping(tcp().closing(closing), backend, || OneLine);
        let mut client = Client::connect(server.addr);
        assert_eq!(client.ask("one"), "ONE\n");
        let until = Instant::now() + BACKSTOP;
        while server.handle.stats().active > 0 {
            assert!(Instant::now() < until, "{backend:?} lingers on");
            thread::yield_now();
        }
    }
}

#[test]
fn an_event_loop_resets_where_it_was_told_to() {
    for backend in BACKENDS {
        let builder = tcp().closing(Closing::Abort);
        let server = looping(builder, backend, || OneLine);
        let mut client = Client::connect(server.addr);
        client.say("one");
        let error = client.clone_stream().read_to_end(&mut Vec::new());
        let kind = error.unwrap_err().kind();
        assert_eq!(kind, io::ErrorKind::ConnectionReset, "{backend:?}");
    }
}

/// Who is told to stop while it lingers does not wait longer than for the others.
#[test]
fn an_event_loop_that_is_told_to_stop_lingers_for_the_drain_at_most() {
    for backend in BACKENDS {
        let builder = tcp()
            .closing(Closing::Linger(Duration::MAX))
            .drain(Duration::ZERO)
            .on_error(|_, _| {});
        let server = looping(builder, backend, || OneLine);
        let mut client = Client::connect(server.addr);
        assert_eq!(client.ask("one"), "ONE\n");
        let stats = server.stop().unwrap();
        assert_eq!((stats.active, stats.forced), (0, 1), "{backend:?}");
    }
}
