//! Several servers in one loop, and in a selector of the user's own.

use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, UdpSocket};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socketserver::{
    Conn, Handle, Next, Peer, Reply, Result, Served, Server, Strategy, serve_all,
};

use crate::support::*;

#[test]
fn servers_of_every_kind_in_one_thread() {
    let folder = Folder::new("several");
    let path = folder.path().join("lines.sock");
    let lines = tcp().bind().unwrap();
    let local = Server::unix(&path).bind().unwrap();
    let shouts = Server::udp("127.0.0.1:0").bind().unwrap();
    let (addr, port) = (lines.local_addr().as_inet(), shouts.local_addr().as_inet());
    let (addr, port) = (addr.unwrap(), port.unwrap());
    let handles = [lines.handle(), local.handle(), shouts.handle()];

    let threads = Arc::new(Mutex::new(HashSet::new()));
    let seen = Arc::clone(&threads);
    let note = move || {
        seen.lock().unwrap().insert(thread::current().id());
    };
    let noted = note.clone();
    let answer = move |conn: &mut Conn| {
        note();
        upper(conn)
    };
    let (one, other) = (answer.clone(), answer);
    let shout = move |data: &[u8], _: &Peer, reply: &mut Reply<'_>| -> Result {
        noted();
        Ok(reply.write_all(&data.to_ascii_uppercase())?)
    };
    let serving = thread::spawn(move || {
        serve_all([
            lines.service(Strategy::Inline, move |_| one.clone()),
            local.service(Strategy::Inline, move |_| other.clone()),
            shouts.service(Strategy::Inline, move |_| shout.clone()),
        ])
    });

    for _ in 0..3 {
        assert_eq!(Client::connect(addr).ask("hello"), "HELLO\n");
        let mut stream = UnixStream::connect(&path).unwrap();
        stream.write_all(b"hello\n").unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        assert_eq!(line, "HELLO\n");
    }
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(BACKSTOP)).unwrap();
    client.send_to(b"hello", port).unwrap();
    let mut answer = [0; 10];
    assert_eq!(client.recv(&mut answer).unwrap(), 5);
    handles.iter().for_each(Handle::shutdown);
    let stats = serving.join().unwrap().unwrap();
    let accepted: Vec<u64> = stats.iter().map(|stats| stats.accepted).collect();
    assert_eq!(accepted, [3, 3, 1]);
    assert_eq!(threads.lock().unwrap().len(), 1);
}

/// Answers once two lines have come, and tells when the first has.
fn in_two_halves(begun: mpsc::Sender<()>) -> impl FnMut(&mut Conn) -> Result<Next> {
    move |conn| {
        let first = conn.line(100)?.unwrap_or_default();
        begun.send(()).unwrap();
        let second = conn.line(100)?.unwrap_or_default();
        conn.write_all(&[first, second].concat())?;
        Ok(Next::Again)
    }
}

#[test]
fn one_is_stopped_and_drained_while_the_others_go_on() {
    for strategy in &THREADED[1..] {
        let (begun, has_begun) = mpsc::channel();
        let (slow, quick) = (tcp().bind().unwrap(), tcp().bind().unwrap());
        let addrs = [&slow, &quick].map(|one| one.local_addr().as_inet().unwrap());
        let (stop_slow, stop_quick) = (slow.handle(), quick.handle());
        let begun = Mutex::new(begun);
        let serving = thread::spawn(move || {
            serve_all([
                slow.service(*strategy, move |_| {
                    in_two_halves(begun.lock().unwrap().clone())
                }),
                quick.service(Strategy::Inline, |_| upper),
            ])
        });
        let mut client = Client::connect(addrs[0]);
        client.say("half ");
        next(&has_begun);
        stop_slow.shutdown();
        for _ in 0..3 {
            assert_eq!(Client::connect(addrs[1]).ask("hello"), "HELLO\n");
        }
        client.say("and half");
        assert_eq!(client.rest(), "half and half", "{strategy:?}");
        // Its end is seen while the other serves on.
        stop_slow.shutdown_and_wait(BACKSTOP).unwrap();
        assert_eq!(Client::connect(addrs[1]).ask("hello"), "HELLO\n");
        stop_quick.shutdown();
        let stats = serving.join().unwrap().unwrap();
        assert_eq!((stats[0].accepted, stats[0].errors), (1, 0), "{strategy:?}");
        assert_eq!((stats[1].accepted, stats[1].errors), (4, 0), "{strategy:?}");
    }
}

#[test]
fn who_does_not_leave_one_of_them_is_forced_to() {
    let (begun, has_begun) = mpsc::channel();
    let quiet = || tcp().on_error(|_, _| ());
    let held = quiet().drain(Duration::from_millis(1)).bind().unwrap();
    let other = tcp().bind().unwrap();
    let addrs = [&held, &other].map(|one| one.local_addr().as_inet().unwrap());
    let (stop_held, stop_other) = (held.handle(), other.handle());
    let begun = Mutex::new(begun);
    let serving = thread::spawn(move || {
        serve_all([
            held.service(Strategy::Threads { max: 2 }, move |_| {
                in_two_halves(begun.lock().unwrap().clone())
            }),
            other.service(Strategy::Inline, |_| upper),
        ])
    });
    let mut client = Client::connect(addrs[0]);
    client.say("and now nothing");
    next(&has_begun);
    stop_held.shutdown_and_wait(BACKSTOP).unwrap();
    client.rest();
    assert_eq!(Client::connect(addrs[1]).ask("hello"), "HELLO\n");
    stop_other.shutdown();
    let stats = serving.join().unwrap().unwrap();
    assert_eq!((stats[0].forced, stats[1].forced), (1, 0));
}

#[test]
fn a_flood_on_one_keeps_no_other_waiting() {
    let (flooded, other) = (
        Server::udp("127.0.0.1:0").bind().unwrap(),
        tcp().bind().unwrap(),
    );
    let addr = flooded.local_addr().as_inet().unwrap();
    let port = other.local_addr().as_inet().unwrap();
    let handles = [flooded.handle(), other.handle()];
    // Each datagram is answered with one to the server itself: there is always one more.
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    sender.send_to(b"again", addr).unwrap();
    sender.send_to(b"again", addr).unwrap();
    let sender = Arc::new(sender);
    let serving = thread::spawn(move || {
        serve_all([
            flooded.service(Strategy::Inline, move |_| {
                let sender = Arc::clone(&sender);
                move |data: &[u8], _: &Peer, _: &mut Reply<'_>| -> Result {
                    sender.send_to(data, addr)?;
                    Ok(())
                }
            }),
            other.service(Strategy::Inline, |_| upper),
        ])
    });
    assert_eq!(Client::connect(port).ask("hello"), "HELLO\n");
    handles.iter().for_each(Handle::shutdown);
    let stats = serving.join().unwrap().unwrap();
    assert!(stats[0].accepted > 2);
}

#[test]
fn where_one_fails_the_others_are_stopped() {
    let (begun, has_begun) = mpsc::channel();
    let (failing, other) = (Arc::new(tcp().bind().unwrap()), tcp().bind().unwrap());
    let addr = other.local_addr().as_inet().unwrap();
    let same = Arc::clone(&failing);
    let begun = Mutex::new(begun);
    let serving = thread::spawn(move || {
        serve_all([
            failing.service(Strategy::Inline, |_| upper),
            other.service(Strategy::Threads { max: 2 }, move |_| {
                in_two_halves(begun.lock().unwrap().clone())
            }),
        ])
    });
    let mut client = Client::connect(addr);
    client.say("half ");
    next(&has_begun);
    // A listener that was shut down accepts nobody any more: EINVAL of accept(2).
    socket2::SockRef::from(&*same)
        .shutdown(Shutdown::Both)
        .unwrap();
    client.say("and half");
    assert_eq!(client.rest(), "half and half");
    let error = serving.join().unwrap().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn what_cannot_share_a_loop_is_refused() {
    let (one, other) = (tcp().bind().unwrap(), tcp().bind().unwrap());
    let kind = |first: Strategy, second: Strategy| {
        let both = [
            one.service(first, |_| upper),
            other.service(second, |_| upper),
        ];
        serve_all(both).unwrap_err().kind()
    };
    let threads = Strategy::Threads { max: 2 };
    let prefork = Strategy::Prefork { workers: 2 };
    assert_eq!(kind(Strategy::Inline, prefork), io::ErrorKind::Unsupported);
    let fork = Strategy::Fork { max: 2 };
    assert_eq!(kind(fork, threads), io::ErrorKind::Unsupported);

    let twice = [
        one.service(Strategy::Inline, |_| upper),
        one.service(threads, |_| upper),
    ];
    let twice = serve_all(twice).unwrap_err().kind();
    assert_eq!(twice, io::ErrorKind::ResourceBusy);

    // Afterwards they can be served, each by itself.
    for server in [&one, &other] {
        server.handle().shutdown();
        server.serve(Strategy::Inline, |_| upper).unwrap();
    }
    assert!(serve_all([]).unwrap().is_empty());
}

#[test]
fn servers_in_a_selector_of_the_users_own() {
    let servers = [tcp().bind().unwrap(), tcp().bind().unwrap()];
    let addrs =
        [0, 1].map(|place: usize| servers[place].local_addr().as_inet().unwrap());
    for place in [1, 0, 0] {
        let client =
            thread::spawn(move || Client::connect(addrs[place]).ask("hello"));
        let mut fds: Vec<PollFd<'_>> = servers
            .iter()
            .map(|server| PollFd::new(server.as_fd(), PollFlags::POLLIN))
            .collect();
        poll(&mut fds, PollTimeout::NONE).unwrap();
        let ready = fds.iter().position(|fd| fd.any().unwrap()).unwrap();
        assert_eq!(ready, place);
        let served = servers[ready].serve_one(Some(Duration::ZERO), |_| upper);
        assert_eq!(served.unwrap(), Served::Request);
        assert_eq!(client.join().unwrap(), "HELLO\n");
    }
}
