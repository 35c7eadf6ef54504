//! Every transport under every strategy, and what is particular to each.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::sync::mpsc;
use std::time::Duration;

use socketserver::{Addr, Error, Peer, Reply, Result, Served, Server, Strategy};

use crate::support::*;

fn shout(data: &[u8], _peer: &Peer, reply: &mut Reply<'_>) -> Result {
    reply.write_all(&data.to_ascii_uppercase())?;
    Ok(())
}

#[test]
fn tcp_under_every_strategy() {
    for strategy in THREADED {
        let server = start(tcp(), strategy, |_| upper);
        for _ in 0..3 {
            let mut client = Client::connect(server.addr);
            assert_eq!(client.ask("hello"), "HELLO\n", "{strategy:?}");
            assert_eq!(client.ask("again"), "AGAIN\n", "{strategy:?}");
        }
        assert_eq!(server.stop().unwrap().accepted, 3, "{strategy:?}");
    }
}

#[test]
fn unix_under_every_strategy() {
    let folder = Folder::new("streams");
    for (number, strategy) in THREADED.into_iter().enumerate() {
        let path = folder.path().join(format!("{number}.sock"));
        let server = start(Server::unix(&path), strategy, |_| upper);
        let mut stream = UnixStream::connect(&path).unwrap();
        stream.write_all(b"hello\n").unwrap();
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).unwrap();
        assert_eq!(line, "HELLO\n", "{strategy:?}");
        drop(stream);
        server.stop().unwrap();
        assert!(!path.exists(), "the file goes with the server");
    }
}

#[test]
fn udp_under_every_strategy() {
    for strategy in THREADED {
        let server = start_udp(Server::udp("127.0.0.1:0"), strategy, |_| shout);
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.set_read_timeout(Some(BACKSTOP)).unwrap();
        client.connect(server.addr).unwrap();
        let mut buffer = [0; 100];
        for text in ["hello", "again"] {
            client.send(text.as_bytes()).unwrap();
            let length = client.recv(&mut buffer).unwrap();
            let answer = String::from_utf8_lossy(&buffer[..length]);
            assert_eq!(answer, text.to_uppercase(), "{strategy:?}");
        }
    }
}

#[test]
fn unix_datagrams_under_every_strategy() {
    let folder = Folder::new("datagrams");
    for (number, strategy) in THREADED.into_iter().enumerate() {
        let path = folder.path().join(format!("{number}.sock"));
        let _server = start_udp(Server::unix_datagram(&path), strategy, |_| shout);
        let own = folder.path().join(format!("{number}.client"));
        let client = UnixDatagram::bind(&own).unwrap();
        client.set_read_timeout(Some(BACKSTOP)).unwrap();
        client.send_to(b"hello", &path).unwrap();
        let mut buffer = [0; 100];
        let length = client.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"HELLO", "{strategy:?}");
    }
}

#[test]
fn an_unnamed_peer_is_served_though_it_cannot_be_answered() {
    let folder = Folder::new("unnamed");
    let path = folder.path().join("server.sock");
    let (told, hear) = mpsc::channel();
    let builder = Server::unix_datagram(&path).on_error(move |peer, error| {
        told.send((peer.addr.clone(), error.to_string())).unwrap();
    });
    let _server = start_udp(builder, Strategy::Inline, |_| shout);
    UnixDatagram::unbound()
        .unwrap()
        .send_to(b"hello", &path)
        .unwrap();
    let (addr, error) = next(&hear);
    assert_eq!(addr, Addr::Unnamed);
    assert!(error.starts_with("handle failed: "), "{error}");
}

#[test]
fn nothing_written_is_nothing_sent_unless_asked_for() {
    let quiet = |data: &[u8], _: &Peer, reply: &mut Reply<'_>| -> Result {
        if data == b"say nothing, but say it" {
            reply.even_if_empty();
        }
        Ok(())
    };
    let server =
        start_udp(Server::udp("127.0.0.1:0"), Strategy::Inline, move |_| quiet);
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(BACKSTOP)).unwrap();
    client.connect(server.addr).unwrap();
    client.send(b"say nothing").unwrap();
    client.send(b"say nothing, but say it").unwrap();
    let mut buffer = [1; 10];
    assert_eq!(client.recv(&mut buffer).unwrap(), 0);
    client.set_nonblocking(true).unwrap();
    assert!(client.recv(&mut buffer).is_err(), "one answer, and not two");
}

#[test]
fn a_datagram_that_is_too_long_is_dropped_and_reported() {
    let (told, hear) = mpsc::channel();
    let builder =
        Server::udp("127.0.0.1:0")
            .max_packet(8)
            .on_error(move |_, error| {
                told.send(matches!(error, Error::Truncated(8))).unwrap();
            });
    let server = start_udp(builder, Strategy::Inline, |_| shout);
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(BACKSTOP)).unwrap();
    client.connect(server.addr).unwrap();
    client.send(b"nine byte").unwrap();
    assert!(next(&hear));
    client.send(b"and eigh").unwrap();
    let mut buffer = [0; 10];
    assert_eq!(client.recv(&mut buffer).unwrap(), 8);
    assert_eq!(&buffer[..8], b"AND EIGH");
}

#[test]
fn a_stale_socket_file_is_replaced() {
    let folder = Folder::new("stale");
    let path = folder.path().join("server.sock");
    drop(UnixListener::bind(&path).unwrap()); // std leaves the file
    assert!(path.exists());
    let server = Server::unix(&path).bind().unwrap();
    UnixStream::connect(&path).unwrap();
    drop(server);
    assert!(!path.exists());
}

#[test]
fn the_file_of_a_living_server_or_of_something_else_is_left_alone() {
    let folder = Folder::new("alive");
    let path = folder.path().join("server.sock");
    let living = UnixListener::bind(&path).unwrap();
    let error = Server::unix(&path).bind().map(drop).unwrap_err();
    assert!(error.to_string().contains("server.sock"), "{error}");
    UnixStream::connect(&path).unwrap();
    drop(living);

    let text = folder.path().join("notes.txt");
    fs::write(&text, "mine").unwrap();
    assert!(Server::unix(&text).bind().is_err());
    assert_eq!(fs::read_to_string(&text).unwrap(), "mine");
}

#[test]
fn a_file_that_was_replaced_is_not_removed() {
    let folder = Folder::new("replaced");
    let path = folder.path().join("server.sock");
    let server = Server::unix(&path).bind().unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, "another's").unwrap();
    drop(server);
    assert_eq!(fs::read_to_string(&path).unwrap(), "another's");
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_in_the_abstract_namespace() {
    let name = format!("\0socketserver test {}", std::process::id());
    let server = Server::unix(name.clone()).bind().unwrap();
    assert_eq!(
        server.local_addr(),
        &Addr::Abstract(name.as_bytes()[1..].to_vec())
    );
    assert!(
        server
            .local_addr()
            .to_string()
            .starts_with("@socketserver test")
    );
}

#[test]
fn a_listener_that_somebody_else_has_bound() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let server = start(Server::from_listener(listener), Strategy::Inline, |_| upper);
    assert_eq!(server.addr, addr);
    assert_eq!(Client::connect(addr).ask("hello"), "HELLO\n");
}

#[test]
fn a_socket_of_the_other_kind_is_refused() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let error = Server::from_listener(socket).bind().map(drop).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}

#[test]
fn the_local_address_of_a_peer_is_the_one_it_came_by() {
    let (told, hear) = mpsc::channel();
    let builder = Server::tcp("0.0.0.0:0").verify(move |peer| {
        told.send(peer.local.as_inet().unwrap()).unwrap();
        true
    });
    let server = start(builder, Strategy::Inline, |_| upper);
    let port = server.addr.port();
    let _client = Client::connect(([127, 0, 0, 2], port).into());
    assert_eq!(next(&hear), ([127, 0, 0, 2], port).into());
}

#[test]
fn ipv6_alone_or_with_ipv4() {
    let Ok(only) = Server::tcp("[::1]:0").bind() else {
        eprintln!("SKIPPED: ::1 cannot be bound on this machine");
        return;
    };
    drop(only);
    let server = start(
        Server::tcp("[::]:0").only_v6(false),
        Strategy::Inline,
        |_| upper,
    );
    let mut client = Client::connect(([127, 0, 0, 1], server.addr.port()).into());
    assert_eq!(client.ask("hello"), "HELLO\n");
    drop(client);
    let only = start(
        Server::tcp("[::]:0").only_v6(true),
        Strategy::Inline,
        |_| upper,
    );
    let refused = std::net::TcpStream::connect(("127.0.0.1", only.addr.port()));
    assert!(refused.is_err());
}

#[test]
fn one_request_at_a_time_by_hand() {
    let server = tcp().verify(|peer| peer.id != 2).bind().unwrap();
    let addr = server.local_addr().as_inet().unwrap();
    let one = || server.serve_one(Some(Duration::ZERO), |_| upper).unwrap();
    assert_eq!(one(), Served::TimedOut);

    let client = std::thread::spawn(move || Client::connect(addr).ask("hello"));
    let served = server.serve_one(Some(BACKSTOP), |_| upper).unwrap();
    assert_eq!(served, Served::Request);
    assert_eq!(client.join().unwrap(), "HELLO\n");

    let mut refused = Client::connect(addr);
    assert_eq!(
        server.serve_one(Some(BACKSTOP), |_| upper).unwrap(),
        Served::Refused
    );
    assert_eq!(refused.rest(), "");

    server.handle().shutdown();
    assert_eq!(server.serve_one(None, |_| upper).unwrap(), Served::Stopped);
}
