//! Sockets: states, queues, who holds a port.

use crate::harness::skip;
use crate::subject::{Subject, itself, until};
use crate::tests;
use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::Command;
use xray::{Kind, Process, TcpSocket, UdpSocket, UnixSocket};

tests![
    connections_that_wait_stand_in_the_accept_queue,
    unread_bytes_lie_on_the_connection_they_came_on,
    the_end_of_the_peer_shows_as_close_wait,
    an_end_that_is_not_acknowledged_is_not_a_byte_unsent,
    a_socket_in_no_table_is_told_by_its_protocol,
    a_reset_leaves_a_socket_without_a_connection,
    unix_sockets_have_names_peers_and_queues,
    a_process_in_another_network_namespace_is_seen_through_proc,
    a_port_is_searched_in_ipv6_too,
    a_port_that_nobody_holds_may_still_be_occupied,
];

fn tcp(seen: &Process, fd: i32) -> &TcpSocket {
    match seen.descriptor(fd).map(|descriptor| &descriptor.what) {
        Some(Kind::Tcp(socket)) => socket,
        other => panic!("fd {fd} is {other:?}"),
    }
}

fn udp(seen: &Process, fd: i32) -> &UdpSocket {
    match seen.descriptor(fd).map(|descriptor| &descriptor.what) {
        Some(Kind::Udp(socket)) => socket,
        other => panic!("fd {fd} is {other:?}"),
    }
}

fn unix(seen: &Process, fd: i32) -> &UnixSocket {
    match seen.descriptor(fd).map(|descriptor| &descriptor.what) {
        Some(Kind::Unix(socket)) => socket,
        other => panic!("fd {fd} is {other:?}"),
    }
}

fn connections_that_wait_stand_in_the_accept_queue() {
    let mut server = Subject::start("read 127.0.0.1:0 1");
    let (address, listener) = (server.says_address(), server.says_number::<i32>());
    let _first = TcpStream::connect(address).expect("the server listens");
    server.says();
    let mut waiting = Vec::new();
    for number in 1..=2 {
        waiting.push(TcpStream::connect(address).expect("the server listens"));
        let seen = server.until(|seen| tcp(seen, listener).waiting == Some(number));
        assert_eq!(tcp(&seen, listener).unread, 0, "a listener has no bytes");
        assert!(
            seen.threads[0].to_string().contains("recvfrom"),
            "{seen:#?}"
        );
    }
}

fn unread_bytes_lie_on_the_connection_they_came_on() {
    let mut server = Subject::start("read 127.0.0.1:0 2");
    let (address, _) = (server.says_address(), server.says());
    let first = TcpStream::connect(address).expect("the server listens");
    let first_fd = server.says_number();
    let mut second = TcpStream::connect(address).expect("the server listens");
    let second_fd = server.says_number();
    second.write_all(&[7; 1234]).expect("the server is there");
    let seen = server.until(|seen| tcp(seen, second_fd).unread == 1234);
    let expected = |stream: &TcpStream, unread| TcpSocket {
        local: address,
        remote: stream.local_addr().ok(),
        state: "ESTABLISHED".to_string(),
        unread,
        end_unread: false,
        unsent: 0,
        waiting: None,
        backlog: None,
        accepted: Some(true),
    };
    assert_eq!(tcp(&seen, first_fd), &expected(&first, 0));
    assert_eq!(tcp(&seen, second_fd), &expected(&second, 1234));
    assert!(seen.is_blocked());
}

fn the_end_of_the_peer_shows_as_close_wait() {
    let mut server = Subject::start("hold 127.0.0.1:0 1");
    let (address, _) = (server.says_address(), server.says());
    let mut caller = TcpStream::connect(address).expect("the server listens");
    let fd = server.says_number();
    caller.write_all(b"abc").expect("the server is there");
    caller.shutdown(Shutdown::Write).expect("it is connected");
    let seen = server.until(|seen| tcp(seen, fd).state == "CLOSE-WAIT");
    assert_eq!(
        (tcp(&seen, fd).unread, tcp(&seen, fd).end_unread),
        (3, true)
    );

    // Now the program reads: three bytes, and the end behind them.
    drop(server.take_stdin());
    let seen = server.until(|seen| !tcp(seen, fd).end_unread);
    assert_eq!(
        (tcp(&seen, fd).state.as_str(), tcp(&seen, fd).unread),
        ("CLOSE-WAIT", 0)
    );
    let expected = format!(
        "fd {fd}, the connection from {} (CLOSE-WAIT: the peer has ended its side)",
        caller.local_addr().expect("it is connected")
    );
    assert_eq!(
        seen.descriptor(fd).expect("it is held").to_string(),
        expected
    );
}

fn an_end_that_is_not_acknowledged_is_not_a_byte_unsent() {
    // Both ends are ours: one fills the other's buffer and ends, so that its FIN
    // waits behind data that cannot be sent.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let mut caller = TcpStream::connect(address).expect("we listen");
    let (_silent, _) = listener.accept().expect("somebody called");
    caller.set_nonblocking(true).expect("a valid option");
    while caller.write(&[b'x'; 65536]).is_ok() {}
    let state = || {
        let sockets =
            xray::tcp_on(caller.local_addr().expect("it is connected").port());
        let sockets = sockets.expect("sockets are no secret");
        let socket = sockets.into_iter().find(|is| is.remote == Some(address));
        socket.expect("our connection")
    };
    let before = state();
    caller.shutdown(Shutdown::Write).expect("it is connected");
    let after = state();
    assert_eq!(
        (before.state.as_str(), after.state.as_str()),
        ("ESTABLISHED", "FIN-WAIT-1")
    );
    assert_eq!(before.unsent, after.unsent, "the FIN is no byte");
}

fn a_socket_in_no_table_is_told_by_its_protocol() {
    let mut subject = Subject::start("socket");
    let (tcp_fd, udp_fd) = (subject.says_number(), subject.says_number());
    let (bound_fd, address) = (subject.says_number(), subject.says_address());
    let seen = subject.blocked_in("read");
    let nowhere = "0.0.0.0:0".parse().expect("an address");
    assert_eq!(
        (tcp(&seen, tcp_fd).state.as_str(), tcp(&seen, tcp_fd).local),
        ("CLOSED", nowhere)
    );
    assert_eq!(
        udp(&seen, udp_fd).local,
        "[::]:0".parse().expect("an address")
    );
    // Bound, but it neither listens nor is connected. The port is taken all the same;
    // Linux 6.8 and later tell of it.
    let bound = tcp(&seen, bound_fd);
    assert_eq!((bound.state.as_str(), bound.local), ("CLOSED", nowhere));
    let sockets = xray::tcp_on(address.port()).expect("sockets are no secret");
    let ours = sockets
        .iter()
        .find(|is| is.local == address && is.remote.is_none());
    assert!(ours.is_none_or(|is| is.state == "CLOSED"), "{ours:?}");
}

fn a_reset_leaves_a_socket_without_a_connection() {
    let mut server = Subject::start("hold 127.0.0.1:0 1");
    let (address, _) = (server.says_address(), server.says());
    let caller = TcpStream::connect(address).expect("the server listens");
    let fd = server.says_number();
    // To close without lingering is to reset: socket(7), SO_LINGER.
    let at_once = Some(std::time::Duration::ZERO);
    rustix::net::sockopt::set_socket_linger(&caller, at_once)
        .expect("a valid option");
    drop(caller);
    let seen = server.until(|seen| tcp(seen, fd).state == "CLOSED");
    let noun = tcp(&seen, fd).to_string();
    assert_eq!(
        noun,
        "a TCP socket without a connection (none yet, or reset)"
    );
}

fn unix_sockets_have_names_peers_and_queues() {
    let folder = std::env::temp_dir().join(format!("xray-{}", std::process::id()));
    std::fs::create_dir(&folder).expect("a folder that is not there yet");
    let path = folder.join("name.sock");
    let name = path.to_str().expect("the path is text").to_string();
    let mut server = Subject::start(&format!("unix {name}"));
    let (pair, listener) = (server.says_number(), server.says_number());
    let _first = UnixStream::connect(&path).expect("the server listens");
    let connection: i32 = server.says_number();
    let _second = UnixStream::connect(&path).expect("the server listens");
    let seen = server
        .until(|seen| seen.is_blocked() && unix(seen, listener).waiting == Some(1));
    std::fs::remove_dir_all(&folder).expect("our own folder");

    assert_eq!(unix(&seen, pair).to_string(), "an unnamed Unix connection");
    let noun = unix(&seen, listener).to_string();
    assert_eq!(noun, format!("the Unix listener on {name}"));
    assert_eq!(unix(&seen, connection).path.as_deref(), Some(&*name));
    let sentence = seen.threads[0].to_string();
    let expected =
        format!(" on fd {connection}, the Unix connection on {name}; 0 bytes unread");
    assert!(sentence.ends_with(&expected), "{sentence}");

    // The other end has no name, but it knows ours.
    let me = xray::look(std::process::id()).expect("one may look at oneself");
    let to_it = |socket: &UnixSocket| socket.peer_path.as_deref() == Some(&*name);
    let mine = me
        .descriptors
        .iter()
        .filter(|descriptor| match &descriptor.what {
            Kind::Unix(socket) => to_it(socket),
            _ => false,
        });
    assert_eq!(
        mine.count(),
        1,
        "the second is not accepted yet, so has no peer by name"
    );
}

fn a_process_in_another_network_namespace_is_seen_through_proc() {
    let part = itself("accept 0.0.0.0:0");
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--net"])
        .arg(part.get_program());
    command.envs(
        part.get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    match Command::new("unshare")
        .args(["--user", "--map-root-user", "--net", "true"])
        .status()
    {
        Ok(status) if status.success() => {}
        _ => skip("network namespaces may not be made here (unshare --user --net)"),
    }
    let mut server = Subject::spawn(&mut command);
    let (address, fd) = (server.says_address(), server.says_number());
    let seen = server.blocked_in("accept4");
    assert_eq!(seen.listening(), [address]);
    let socket = tcp(&seen, fd);
    assert_eq!((socket.waiting, socket.backlog), (Some(0), None));
}

fn a_port_is_searched_in_ipv6_too() {
    let listener = TcpListener::bind("[::1]:0").unwrap_or_else(|error| {
        skip(&format!("this machine has no IPv6 on [::1]: {error}"))
    });
    let address = listener.local_addr().expect("it is bound");
    let found = xray::tcp_on(address.port()).expect("sockets are no secret");
    let ours = |is: &TcpSocket| is.local == address && is.is_listening();
    assert!(found.iter().any(ours), "{found:?}");
}

fn a_port_that_nobody_holds_may_still_be_occupied() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let caller = TcpStream::connect(address).expect("we listen");
    let (accepted, _) = listener.accept().expect("somebody called");
    // Somebody else on this machine may have the same port at another address.
    let ends = [None, caller.local_addr().ok()];
    let states = || -> Vec<String> {
        let sockets = xray::tcp_on(address.port()).expect("sockets are no secret");
        let ours = |is: &TcpSocket| is.local == address && ends.contains(&is.remote);
        let mut states: Vec<String> = sockets
            .into_iter()
            .filter(ours)
            .map(|is| is.state)
            .collect();
        states.sort();
        states
    };
    assert_eq!(states(), ["ESTABLISHED", "LISTEN"]);

    // Whoever ends a connection first keeps its address for a while.
    drop(accepted);
    drop(caller);
    drop(listener);
    until(|| {
        if states() == ["TIME-WAIT"] {
            Ok(())
        } else {
            Err(format!("{:?}", states()))
        }
    });
}
