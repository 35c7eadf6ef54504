//! What goes well.

use std::io::{ErrorKind, Read, Write};
use std::thread;

use rustls::ProtocolVersion;
use socketserver::{Backend, Conn, Handler, Next, Peer, Protocol, Result, Server};

use crate::support::*;

#[test]
fn every_strategy_speaks_tls() {
    for strategy in STRATEGIES {
        let server = running(strategy);
        for _ in 0..3 {
            let mut client = server.client();
            assert_eq!(ask(&mut client, "hello"), "HELLO\n", "{strategy:?}");
            assert_eq!(ask(&mut client, "again"), "AGAIN\n", "{strategy:?}");
            client.conn.send_close_notify();
            client.flush().unwrap();
            // The server says that it has ended, and does not only cut.
            assert_eq!(client.read(&mut [0]).unwrap(), 0, "{strategy:?}");
        }
        assert_eq!(server.errors(), [], "{strategy:?}");
        assert_eq!(server.stop().accepted, 3);
    }
}

#[test]
fn several_clients_talk_in_turn() {
    for strategy in &STRATEGIES[1..] {
        let server = running(*strategy);
        let mut clients = [server.client(), server.client()];
        for round in 0..20 {
            for client in &mut clients {
                let answer = ask(client, &format!("round {round}"));
                assert_eq!(answer, format!("ROUND {round}\n"), "{strategy:?}");
            }
        }
        drop(clients);
        server.stop();
    }
}

#[test]
fn a_line_of_many_records_comes_and_goes_whole() {
    for strategy in STRATEGIES {
        let server = running(strategy);
        let mut client = server.client();
        let line: String = (0..1 << 20)
            .map(|_| char::from(fastrand::u8(b'a'..=b'z')))
            .collect();
        // Longer than any buffer on the way; the server answers once it has all of it.
        let answer = ask(&mut client, &line);
        assert_eq!(answer.len(), line.len() + 1, "{strategy:?}");
        assert!(answer.trim_end() == line.to_uppercase(), "{strategy:?}");
    }
}

/// Speaks first, and tells what was agreed on.
struct Greeter;

impl Handler for Greeter {
    fn setup(&mut self, conn: &mut Conn) -> Result<Next> {
        conn.write_all(b"welcome\n")?;
        Ok(Next::Again)
    }

    fn handle(&mut self, conn: &mut Conn) -> Result<Next> {
        let mut line = [0; 1];
        conn.read_exact(&mut line)?;
        let tls = conn.tls().ok_or("no TLS")?;
        let version = tls.protocol_version();
        let name = tls.server_name().map(str::to_owned);
        writeln!(conn, "{version:?} {name:?}")?;
        Ok(Next::Close)
    }
}

#[test]
fn a_handler_may_speak_first_and_ask_what_was_agreed_on() {
    for strategy in STRATEGIES {
        let server = Server::tcp("127.0.0.1:0")
            .tls(server_config())
            .bind()
            .unwrap();
        let addr = server.local_addr().as_inet().unwrap();
        let handle = server.handle();
        let serving = thread::spawn(move || server.serve(strategy, |_| Greeter));
        let raw = std::net::TcpStream::connect(addr).unwrap();
        raw.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut client = rustls::StreamOwned::new(client_session(), raw);
        let mut welcome = [0; 8];
        client.read_exact(&mut welcome).unwrap();
        assert_eq!(&welcome, b"welcome\n");
        client.write_all(b"?").unwrap();
        let mut rest = String::new();
        client.read_to_string(&mut rest).unwrap();
        let version = ProtocolVersion::TLSv1_3;
        let name = Some(NAME);
        assert_eq!(rest, format!("{:?} {name:?}\n", Some(version)));
        handle.shutdown();
        serving.join().unwrap().unwrap();
    }
}

struct Nothing;

impl Protocol for Nothing {
    fn data(&mut self, _: &mut Vec<u8>, _: &mut Vec<u8>) -> Result<Next> {
        Ok(Next::Close)
    }
}

#[test]
fn the_event_loop_says_that_it_speaks_no_tls() {
    let server = Server::tcp("127.0.0.1:0").tls(server_config()).bind();
    let served = server
        .unwrap()
        .serve_events(Backend::Poll, 10, |_: &Peer| Nothing);
    assert_eq!(served.unwrap_err().kind(), ErrorKind::Unsupported);
}
