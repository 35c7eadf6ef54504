//! The re-chunking proxy between real sockets.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use wire::proxy::{Cut, Proxy, Rechunk};
use wire::{Recorder, Side, What};

/// Every wait of these tests ends; none of them is ever so long on its own account.
const LIMIT: Duration = Duration::from_secs(20);

fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    (listener, addr)
}

fn start(how: Rechunk, target: SocketAddr) -> Proxy {
    how.start(listen().0, target).unwrap()
}

fn call(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    limited(stream)
}

fn limited(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.set_write_timeout(Some(LIMIT)).unwrap();
    stream
}

/// A proxy between two sockets: the client's end, the server's end.
fn pair(how: Rechunk) -> (Proxy, TcpStream, TcpStream) {
    let (listener, target) = listen();
    let proxy = start(how, target);
    let client = call(proxy.addr());
    let (server, _) = listener.accept().unwrap();
    (proxy, client, limited(server))
}

/// Sends back what comes until the end, to so many callers at a time.
fn echo(callers: usize) -> (SocketAddr, JoinHandle<()>) {
    let (listener, addr) = listen();
    let server = thread::spawn(move || {
        let talks: Vec<_> = listener
            .incoming()
            .take(callers)
            .map(|stream| {
                let mut stream = limited(stream.unwrap());
                thread::spawn(move || {
                    io::copy(&mut stream.try_clone().unwrap(), &mut stream).unwrap();
                    // The copy of the socket is gone: this ends the connection.
                })
            })
            .collect();
        talks.into_iter().for_each(|talk| talk.join().unwrap());
    });
    (addr, server)
}

/// Sends RST instead of FIN.
#[cfg(unix)]
fn reset(stream: TcpStream) {
    rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
}

fn read_all(mut stream: &TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).map(|_| bytes)
}

fn read_exactly(mut stream: &TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

/// How large the pieces were that `side` sent, as the proxy passed them on.
fn sizes(recorder: &Recorder, side: Side) -> Vec<u64> {
    let events = recorder.timeline().events;
    let of_side = events.iter().filter(|event| event.side == side);
    of_side
        .filter_map(|event| match &event.what {
            What::Sent(payload) => Some(payload.len),
            _ => None,
        })
        .collect()
}

fn recorder() -> Recorder {
    Recorder::new("client", "server")
}

#[test]
fn all_bytes_arrive_both_ways_however_they_are_cut() {
    let quiet = Duration::from_millis(1);
    let cuts = [
        Cut::AsRead,
        Cut::Bytes(1),
        Cut::Bytes(7),
        Cut::Random { most: 13, seed: 1 },
        Cut::Random {
            most: 70_000,
            seed: 2,
        },
        Cut::Join { bytes: 5, quiet },
        Cut::Join {
            bytes: 100_000,
            quiet,
        },
    ];
    for (seed, cut) in (0..).zip(cuts) {
        let (target, server) = echo(1);
        let proxy = start(Rechunk::new(cut), target);
        let client = call(proxy.addr());
        let mut random = fastrand::Rng::with_seed(seed);
        let bytes: Vec<u8> = (0..20_000).map(|_| random.u8(..)).collect();
        let got = thread::scope(|scope| {
            scope.spawn(|| {
                let mut rest = &bytes[..];
                while !rest.is_empty() {
                    let (now, later) = rest.split_at(random.usize(1..=rest.len()));
                    (&client).write_all(now).unwrap();
                    rest = later;
                }
                client.shutdown(Shutdown::Write).unwrap();
            });
            read_all(&client).unwrap()
        });
        assert!(
            got == bytes,
            "{cut:?}: {} of {} bytes",
            got.len(),
            bytes.len()
        );
        server.join().unwrap();
        proxy.stop();
    }
}

#[test]
fn one_write_is_passed_on_in_pieces_of_the_size_asked_for() {
    for (size, pieces) in [(1, vec![1; 20]), (7, vec![7, 7, 6]), (99, vec![20])] {
        let recorder = recorder();
        let how = Rechunk::new(Cut::Bytes(size)).record(recorder.clone());
        let (_proxy, mut client, mut server) = pair(how);
        client.write_all(&[b'q'; 20]).unwrap();
        read_exactly(&server, 20);
        server.write_all(&[b'a'; 20]).unwrap();
        read_exactly(&client, 20);
        assert_eq!(sizes(&recorder, Side::Left), pieces);
        assert_eq!(sizes(&recorder, Side::Right), pieces);
    }
}

#[test]
fn pieces_of_random_size_are_never_larger_than_the_most() {
    let recorder = recorder();
    let cut = Cut::Random { most: 5, seed: 7 };
    let (_proxy, mut client, server) =
        pair(Rechunk::new(cut).record(recorder.clone()));
    client.write_all(&[b'q'; 500]).unwrap();
    read_exactly(&server, 500);
    let sizes = sizes(&recorder, Side::Left);
    assert_eq!(sizes.iter().sum::<u64>(), 500);
    assert!((1..=5).all(|size| sizes.contains(&size)), "{sizes:?}");
    assert!(sizes.iter().all(|size| *size <= 5), "{sizes:?}");
}

#[test]
fn joined_bytes_are_held_until_there_are_enough() {
    let recorder = recorder();
    let cut = Cut::Join {
        bytes: 6,
        quiet: LIMIT,
    };
    let (_proxy, mut client, server) =
        pair(Rechunk::new(cut).record(recorder.clone()));
    for piece in ["ab", "c", "def"] {
        client.write_all(piece.as_bytes()).unwrap();
    }
    assert_eq!(read_exactly(&server, 6), b"abcdef");
    assert_eq!(sizes(&recorder, Side::Left), [6]);
}

#[test]
fn joined_bytes_are_not_held_for_ever() {
    let cut = Cut::Join {
        bytes: 1000,
        quiet: Duration::from_millis(1),
    };
    let (_proxy, mut client, server) = pair(Rechunk::new(cut));
    client.write_all(b"a question").unwrap();
    assert_eq!(read_exactly(&server, 10), b"a question");
}

#[test]
fn joined_bytes_are_not_held_beyond_the_end() {
    let (_proxy, mut client, server) = pair(Rechunk::new(Cut::Join {
        bytes: 1000,
        quiet: LIMIT,
    }));
    client.write_all(b"the last words").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(&server).unwrap(), b"the last words");
}

#[test]
fn there_is_a_pause_between_pieces() {
    let recorder = recorder();
    let pause = Duration::from_millis(3);
    let how = Rechunk::new(Cut::Bytes(1))
        .pause(pause)
        .record(recorder.clone());
    let (_proxy, mut client, server) = pair(how);
    client.write_all(b"abcd").unwrap();
    read_exactly(&server, 4);
    let events = recorder.timeline().events;
    let times: Vec<u64> = events.iter().skip(1).map(|event| event.at_us).collect();
    assert_eq!(times.len(), 4);
    // A lower bound: a slow machine makes the pauses longer, never shorter.
    assert!(
        times.windows(2).all(|two| two[1] - two[0] >= 3000),
        "{times:?}"
    );
}

#[test]
fn the_end_of_one_direction_leaves_the_other_open() {
    let recorder = recorder();
    let how = Rechunk::new(Cut::Bytes(2)).record(recorder.clone());
    let (_proxy, mut client, mut server) = pair(how);
    client.write_all(b"question").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(&server).unwrap(), b"question");
    server.write_all(b"answer").unwrap();
    drop(server);
    assert_eq!(read_all(&client).unwrap(), b"answer");
    let events = recorder.timeline().events;
    let ends = events.iter().filter(|event| event.what == What::End);
    assert_eq!(
        ends.map(|end| end.side).collect::<Vec<_>>(),
        [Side::Left, Side::Right]
    );
    assert!(events.iter().all(|event| event.what != What::Reset));
}

#[cfg(unix)]
#[test]
fn a_clients_reset_reaches_the_server_as_a_reset() {
    let (_proxy, mut client, server) = pair(Rechunk::new(Cut::AsRead));
    client.write_all(b"x").unwrap();
    assert_eq!(read_exactly(&server, 1), b"x");
    reset(client);
    assert_eq!(
        read_all(&server).unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
}

#[cfg(unix)]
#[test]
fn a_servers_reset_reaches_the_client_as_a_reset() {
    let recorder = recorder();
    let how = Rechunk::new(Cut::AsRead).record(recorder.clone());
    let (proxy, mut client, server) = pair(how);
    client.write_all(b"x").unwrap();
    assert_eq!(read_exactly(&server, 1), b"x");
    reset(server);
    assert_eq!(
        read_all(&client).unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    let last = recorder.timeline().events.pop().unwrap();
    assert_eq!((last.side, last.what), (Side::Right, What::Reset));
    assert!(
        proxy.problems().try_iter().next().is_none(),
        "a reset is no problem"
    );
}

/// Two threads of the proxy have to do with the server's socket then, and the kernel
/// tells only one of them.
#[cfg(unix)]
#[test]
fn a_reset_in_the_middle_of_an_upload_is_not_mistaken_for_an_end() {
    for _ in 0..20 {
        let recorder = recorder();
        let how = Rechunk::new(Cut::AsRead).record(recorder.clone());
        let (proxy, mut client, server) = pair(how);
        let upload =
            thread::spawn(move || while client.write_all(&[0; 9000]).is_ok() {});
        read_exactly(&server, 100_000);
        reset(server);
        upload.join().unwrap();
        proxy.stop();
        let events = recorder.timeline().events;
        let last = events
            .iter()
            .rfind(|event| !matches!(event.what, What::Sent(_)));
        let last = last.unwrap();
        assert_eq!((last.side, &last.what), (Side::Right, &What::Reset));
        assert!(events.iter().all(|event| event.what != What::End));
    }
}

#[cfg(unix)]
#[test]
fn a_reset_reaches_a_client_that_has_not_kept_up_with_reading() {
    let (_proxy, client, mut server) = pair(Rechunk::new(Cut::AsRead));
    server.set_nonblocking(true).unwrap();
    let mut pauses = 0;
    while pauses < 5 {
        match server.write(&[0; 64 * 1024]) {
            Ok(taken) => {
                assert!(taken > 0);
                pauses = 0;
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                pauses += 1;
                // Shapes the input: lets the proxy fill the buffers behind it.
                thread::sleep(Duration::from_millis(10));
            }
        }
    }
    reset(server);
    // It still reads nothing; that its connection is gone the kernel says all the
    // same.
    let deadline = Instant::now() + LIMIT;
    while client.peer_addr().is_ok() {
        assert!(Instant::now() < deadline, "the reset has not arrived");
        thread::yield_now();
    }
    assert_eq!(
        read_all(&client).unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
}

#[test]
fn a_target_that_refuses_is_named_and_its_client_turned_away() {
    let target = listen().1; // closed again: nobody listens there
    let proxy = start(Rechunk::new(Cut::AsRead), target);
    let client = call(proxy.addr());
    let outcome = read_all(&client).map_err(|error| error.kind());
    if cfg!(unix) {
        assert_eq!(outcome, Err(ErrorKind::ConnectionReset));
    }
    let problem = proxy.problems().recv_timeout(LIMIT).unwrap();
    assert_eq!(problem.kind(), ErrorKind::ConnectionRefused);
    assert!(
        problem.to_string().contains(&target.to_string()),
        "{problem}"
    );
    assert!(
        problem.to_string().starts_with("cannot connect"),
        "{problem}"
    );
}

#[test]
fn a_silent_client_keeps_nobody_waiting() {
    let (target, server) = echo(3);
    let recorder = recorder();
    let how = Rechunk::new(Cut::Bytes(1)).record(recorder.clone());
    let proxy = start(how, target);
    let silent = call(proxy.addr());
    for word in [b"one", b"two"] {
        let mut client = call(proxy.addr());
        client.write_all(word).unwrap();
        assert_eq!(read_exactly(&client, 3), word);
    }
    drop(silent);
    server.join().unwrap();
    let events = recorder.timeline().events;
    let connected = events
        .iter()
        .filter(|event| matches!(event.what, What::Connect(_)));
    let mut links: Vec<u32> = connected.map(|event| event.link).collect();
    links.sort_unstable();
    assert_eq!(links, [1, 2, 3]);
}

#[test]
fn a_stopped_proxy_has_closed_everything() {
    let recorder = recorder();
    let how = Rechunk::new(Cut::AsRead).record(recorder.clone());
    let (proxy, mut client, server) = pair(how);
    client.write_all(b"x").unwrap();
    assert_eq!(read_exactly(&server, 1), b"x");
    let addr = proxy.addr();
    proxy.stop();
    assert_eq!(read_all(&client).unwrap(), b"");
    assert_eq!(read_all(&server).unwrap(), b"");
    let error = TcpStream::connect(addr).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    let events = recorder.timeline().events;
    assert_eq!(
        events.len(),
        2,
        "neither end has ended anything: {events:?}"
    );
}

#[test]
fn a_proxy_stops_even_while_an_end_takes_nothing() {
    let (proxy, mut client, _server) = pair(Rechunk::new(Cut::Bytes(1000)));
    client
        .set_write_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    while client.write_all(&[0; 64 * 1024]).is_ok() {}
    proxy.stop();
}

#[test]
fn a_proxy_stops_in_the_middle_of_a_pause() {
    let how = Rechunk::new(Cut::Bytes(1)).pause(Duration::from_secs(3600));
    let (proxy, mut client, server) = pair(how);
    client.write_all(b"ab").unwrap();
    assert_eq!(read_exactly(&server, 1), b"a");
    // Shapes the input: the proxy has begun to pause. Either way it has to stop.
    thread::sleep(Duration::from_millis(50));
    proxy.stop();
}

#[test]
fn a_cut_that_cannot_be_made_is_refused() {
    let quiet = Duration::from_secs(1);
    let cuts = [
        Cut::Bytes(0),
        Cut::Random { most: 0, seed: 1 },
        Cut::Join { bytes: 0, quiet },
        Cut::Join {
            bytes: 1,
            quiet: Duration::ZERO,
        },
    ];
    for cut in cuts {
        let (listener, target) = listen();
        let error = Rechunk::new(cut).start(listener, target).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{cut:?}");
    }
}

#[test]
fn the_same_seed_cuts_alike() {
    let cut = |seed| {
        let recorder = recorder();
        let how =
            Rechunk::new(Cut::Random { most: 9, seed }).record(recorder.clone());
        let (_proxy, mut client, server) = pair(how);
        client.write_all(&[b'q'; 300]).unwrap();
        read_exactly(&server, 300);
        sizes(&recorder, Side::Left)
    };
    assert_eq!(cut(1), cut(1));
    assert_ne!(cut(1), cut(2));
}
