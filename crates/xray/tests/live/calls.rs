//! What each thread is doing.

use crate::harness::skip;
use crate::subject::{Subject, until};
use crate::tests;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

tests![
    a_server_without_callers_is_blocked_in_accept,
    a_server_on_ipv6_is_seen_as_well,
    a_read_is_told_with_its_peer_and_the_bytes_unread,
    a_read_of_a_connection_it_made_itself_is_told_the_other_way_round,
    a_send_that_nobody_reads_is_told_with_both_queues,
    a_connect_that_nobody_accepts_is_told_with_its_state,
    a_receive_of_datagrams_is_told_with_its_socket,
    a_socket_tells_its_own_time_limit,
    a_wait_on_an_epoll_set_is_told_with_what_it_watches,
    a_poll_tells_whether_it_has_a_time_limit,
    a_read_of_a_pipe_is_told_as_such,
    a_pause_ends_by_itself,
    a_wait_for_a_child_is_told_with_the_child,
    threads_that_wait_for_one_another_are_in_futex,
    an_endless_loop_is_running_and_takes_a_whole_processor,
    a_sleeper_takes_no_processor,
    a_stopped_process_is_not_blocked,
    work_between_two_glances_is_noticed_and_rest_is_too,
];

/// What the first thread is doing.
fn sentence(seen: &xray::Process) -> String {
    seen.threads[0].to_string()
}

fn a_server_without_callers_is_blocked_in_accept() {
    let mut server = Subject::start("accept 127.0.0.1:0");
    let (address, fd) = (server.says_address(), server.says_number::<i32>());
    let seen = server.blocked_in("accept4");
    let expected = format!(
        "blocked in accept4 on fd {fd}, the listener on {address}; no connection \
         waits to be accepted"
    );
    assert_eq!(sentence(&seen), expected);
    assert_eq!(seen.threads.len(), 1);
    assert_eq!(seen.listening(), [address]);
    assert_eq!(seen.unseen, [""; 0]);
}

fn a_server_on_ipv6_is_seen_as_well() {
    if let Err(error) = TcpListener::bind("[::1]:0") {
        skip(&format!("this machine has no IPv6 on [::1]: {error}"));
    }
    let mut server = Subject::start("read [::1]:0 1");
    let (address, _) = (server.says_address(), server.says());
    let mut caller = TcpStream::connect(address).expect("the server listens");
    caller.write_all(b"abc").expect("the server is there");
    let fd: i32 = server.says_number();
    let seen =
        server.until(|seen| seen.is_blocked() && seen.descriptor(fd).is_some());
    let expected = format!(
        "blocked in recvfrom on fd {fd}, the connection from {}; 0 bytes unread",
        caller.local_addr().expect("it is connected")
    );
    assert_eq!(sentence(&seen), expected);
    assert_eq!(seen.listening(), [address]);
}

fn a_read_is_told_with_its_peer_and_the_bytes_unread() {
    let mut server = Subject::start("read 127.0.0.1:0 1");
    let (address, _) = (server.says_address(), server.says());
    let caller = TcpStream::connect(address).expect("the server listens");
    let fd: i32 = server.says_number();
    let seen = server.blocked_in("recvfrom");
    let expected = format!(
        "blocked in recvfrom on fd {fd}, the connection from {}; 0 bytes unread",
        caller.local_addr().expect("it is connected")
    );
    assert_eq!(sentence(&seen), expected);
    assert_eq!(
        server.quiet().waits_forever(),
        None,
        "a socket may have SO_RCVTIMEO"
    );
}

fn a_read_of_a_connection_it_made_itself_is_told_the_other_way_round() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let client = Subject::start(&format!("dial {address}"));
    let _stream = listener.accept().expect("the client calls");
    let seen = client.blocked_in("recvfrom");
    let expected = format!(", the connection to {address}; 0 bytes unread");
    assert!(sentence(&seen).ends_with(&expected), "{}", sentence(&seen));
}

fn a_send_that_nobody_reads_is_told_with_both_queues() {
    let mut server = Subject::start("send 127.0.0.1:0");
    let (address, _) = (server.says_address(), server.says());
    let mut caller = TcpStream::connect(address).expect("the server listens");
    caller.write_all(b"abc").expect("the server is there");
    let fd: i32 = server.says_number();
    let seen =
        server.until(|seen| seen.is_blocked() && sentence(seen).contains("sendto"));
    let (_, socket) = seen
        .tcp()
        .find(|(at, _)| *at == fd)
        .expect("the connection");
    assert_eq!(socket.unread, 3);
    assert!(socket.unsent > 0, "{socket:?}");
    let expected = format!(
        "; {} bytes not acknowledged by the peer, 3 bytes unread",
        socket.unsent
    );
    assert!(sentence(&seen).ends_with(&expected), "{}", sentence(&seen));
}

fn a_connect_that_nobody_accepts_is_told_with_its_state() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    rustix::net::listen(&listener, 1).expect("a listener may be given another limit");
    let address = listener.local_addr().expect("it is bound");
    let client = Subject::start(&format!("connect {address}"));
    let seen = client.blocked_in("connect");
    let expected = format!(", the connection to {address} (SYN-SENT)");
    assert!(sentence(&seen).ends_with(&expected), "{}", sentence(&seen));

    // The same from the other side: the accept queue takes one more than its limit.
    let sockets = xray::tcp_on(address.port()).expect("sockets are no secret");
    let queue = sockets
        .iter()
        .find(|socket| socket.local == address && socket.is_listening())
        .expect("our listener");
    assert_eq!((queue.waiting, queue.backlog), (Some(2), Some(1)));
}

fn a_receive_of_datagrams_is_told_with_its_socket() {
    let mut receiver = Subject::start("udp 127.0.0.1:0");
    let (address, fd) = (receiver.says(), receiver.says());
    let seen = receiver.blocked_in("recvfrom");
    let expected = format!(
        "blocked in recvfrom on fd {fd}, the UDP socket on {address}; no \
         datagram waits"
    );
    assert_eq!(sentence(&seen), expected);
}

fn a_socket_tells_its_own_time_limit() {
    for (part, expected) in [
        ("udp 127.0.0.1:0", None),
        ("patient 127.0.0.1:0", Some(3600)),
    ] {
        let mut receiver = Subject::start(part);
        receiver.says_address();
        let seen = receiver.blocked_in("recvfrom");
        let call = seen.threads[0].call.as_ref().expect("it is in a call");
        let limit = xray::time_limit(receiver.pid(), call);
        match limit {
            Ok(limit) => assert_eq!(limit.map(|limit| limit.as_secs()), expected),
            Err(error) => {
                skip(&format!("descriptors may not be copied here: {error}"))
            }
        }
    }
}

fn a_wait_on_an_epoll_set_is_told_with_what_it_watches() {
    let mut server = Subject::start("epoll");
    let (address, listener, set) = (server.says(), server.says(), server.says());
    let seen = server.until(xray::Process::is_blocked);
    let told = sentence(&seen);
    // epoll_wait, or epoll_pwait where that is all there is.
    let expected = format!(
        " on fd {set}, an epoll set of 1 descriptor, without a time limit; it \
         watches fd {listener} (the listener on {address})"
    );
    assert!(told.starts_with("blocked in epoll_"), "{told}");
    assert!(told.ends_with(&expected), "{told}");
    assert_eq!(server.quiet().waits_forever(), Some(true));
}

fn a_poll_tells_whether_it_has_a_time_limit() {
    for (limit, expected, told) in [
        (
            "never",
            Some(true),
            "waiting for 1 descriptor, without a time limit",
        ),
        (
            "hour",
            Some(false),
            "waiting for 1 descriptor, with a time limit",
        ),
    ] {
        let subject = Subject::start(&format!("poll {limit}"));
        let seen = subject.until(|seen| {
            let call = seen.threads[0].call.as_ref();
            seen.is_blocked() && call.is_some_and(|call| call.name.ends_with("poll"))
        });
        assert!(sentence(&seen).ends_with(told), "{}", sentence(&seen));
        assert_eq!(subject.quiet().waits_forever(), expected, "{limit}");
    }
}

fn a_read_of_a_pipe_is_told_as_such() {
    let subject = Subject::start("stdin");
    let seen = subject.blocked_in("read");
    assert_eq!(
        sentence(&seen),
        "blocked in read on fd 0, the read end of a pipe"
    );
}

fn a_pause_ends_by_itself() {
    let subject = Subject::start("sleep");
    let seen = subject.blocked_in("clock_nanosleep");
    let expected = "blocked in clock_nanosleep: a pause that the program asked for";
    assert_eq!(sentence(&seen), expected);
    assert_eq!(subject.quiet().waits_forever(), Some(false));
}

fn a_wait_for_a_child_is_told_with_the_child() {
    let mut subject = Subject::start("wait");
    let child = subject.says();
    let seen = subject.until(|seen| sentence(seen).contains(", waiting for "));
    let expected = format!(", waiting for the child {child} to end");
    assert!(sentence(&seen).ends_with(&expected), "{}", sentence(&seen));
    assert_eq!(subject.quiet().waits_forever(), Some(true));
}

fn threads_that_wait_for_one_another_are_in_futex() {
    let subject = Subject::start("threads");
    let seen = subject.until(|seen| seen.threads.len() == 2 && seen.is_blocked());
    for thread in &seen.threads {
        let expected = "blocked in futex: a lock, a channel or a join";
        assert_eq!(thread.to_string(), expected, "{thread:?}");
    }
    assert_eq!(seen.threads[0].tid, subject.pid());
    assert_eq!(seen.threads[1].name, "worker");
    assert_eq!(subject.quiet().waits_forever(), Some(true));

    // Asked by the number of the second thread: it is the same process.
    let again = xray::look(seen.threads[1].tid).expect("a thread may be looked at");
    assert_eq!((again.pid, again.threads.len()), (subject.pid(), 2));
}

fn an_endless_loop_is_running_and_takes_a_whole_processor() {
    let mut subject = Subject::start("spin");
    subject.says();
    let first = subject.glance();
    // Until it has had a tenth of a second, however long that takes.
    let last = until(|| {
        let now = subject.glance();
        let had = now.threads[0].run_ns - first.threads[0].run_ns;
        if had > 100_000_000 {
            Ok(now)
        } else {
            Err(format!("{now:#?}"))
        }
    });
    let share = last.cpu_share_since(&first);
    assert!((0.5..1.5).contains(&share), "{share}");
    assert!(!last.is_blocked());
    assert!(!last.quiet_since(&first));
    assert_eq!(last.waits_forever(), None);
    assert_eq!(last.threads[0].to_string(), "running or ready to run");
    assert!(!last.resolve().expect("it is still there").settled);
}

fn a_sleeper_takes_no_processor() {
    let subject = Subject::start("stdin");
    let earlier = subject.quiet();
    let later = subject.glance();
    assert!(later.quiet_since(&earlier), "{later:#?}");
    assert_eq!(later.cpu_share_since(&earlier), 0.0);
}

fn a_stopped_process_is_not_blocked() {
    let subject = Subject::start("stdin");
    subject.blocked_in("read");
    let pid = i32::try_from(subject.pid()).ok().and_then(Pid::from_raw);
    let pid = pid.expect("the number of a process");
    kill_process(pid, Signal::STOP).expect("one's own child may be stopped");
    let stopped = until(|| {
        let seen =
            xray::look(subject.pid()).expect("one's own child may be looked at");
        let good = sentence(&seen) == "stopped by a signal";
        if good {
            Ok(seen)
        } else {
            Err(format!("{seen:#?}"))
        }
    });
    assert!(!stopped.is_blocked());
    kill_process(pid, Signal::CONT).expect("one's own child may be continued");
    subject.blocked_in("read");
}

fn work_between_two_glances_is_noticed_and_rest_is_too() {
    let mut server = Subject::start("answer 127.0.0.1:0");
    let (address, _) = (server.says_address(), server.says());
    let mut caller = TcpStream::connect(address).expect("the server listens");
    server.says();
    for _ in 0..100 {
        let before = server.quiet();
        caller.write_all(b"x").expect("the server is there");
        caller.read_exact(&mut [0]).expect("the server answers");
        // It sleeps in the very same call again, or soon will.
        let after = server.quiet();
        assert_eq!(after.threads[0].call, before.threads[0].call);
        assert!(!after.quiet_since(&before), "{before:#?} {after:#?}");
    }
}
