//! Peers that are silent, slow, rude, or no peers of TLS at all.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use socketserver::Strategy;

use crate::support::*;

/// The strategies that serve somebody beside a peer that holds one worker up.
const BESIDE: [Strategy; 3] = [
    Strategy::Threads { max: 100 },
    Strategy::Pool {
        workers: 2,
        queue: 100,
    },
    Strategy::Parked {
        workers: 1,
        max: 100,
    },
];

/// Waits until so many errors were reported.
fn reported(server: &Running, count: usize) -> Vec<Reported> {
    let until = std::time::Instant::now() + PATIENCE;
    loop {
        let errors = server.errors();
        if errors.len() >= count || std::time::Instant::now() > until {
            return errors;
        }
        std::thread::yield_now();
    }
}

#[test]
fn who_says_nothing_before_the_handshake_stops_nobody() {
    for strategy in BESIDE {
        let server = running(strategy);
        let _silent = server.raw();
        assert_eq!(
            ask(&mut server.client(), "hello"),
            "HELLO\n",
            "{strategy:?}"
        );
    }
}

#[test]
fn half_a_handshake_takes_no_worker_from_the_parked() {
    let server = running(Strategy::Parked {
        workers: 1,
        max: 100,
    });
    let mut hello = Vec::new();
    client_session().write_tls(&mut hello).unwrap();
    let mut slow: Vec<_> = (0..5).map(|_| server.raw()).collect();
    for (number, stream) in slow.iter_mut().enumerate() {
        stream
            .write_all(&hello[..hello.len() - 1 - number])
            .unwrap();
    }
    assert_eq!(ask(&mut server.client(), "hello"), "HELLO\n");
    // One that has said all of its hello, and is silent then.
    let mut later = server.raw();
    later.write_all(&hello).unwrap();
    let mut some = [0; 1];
    later.read_exact(&mut some).unwrap(); // the server's answer to it
    assert_eq!(ask(&mut server.client(), "again"), "AGAIN\n");
}

#[test]
fn who_is_silent_for_too_long_is_let_go() {
    for strategy in STRATEGIES {
        let limit = Duration::from_millis(20);
        let server = running_with(strategy, |builder| builder.read_timeout(limit));
        let mut silent = server.raw();
        let mut rest = Vec::new();
        let ended = silent.read_to_end(&mut rest);
        assert!(ended.is_ok(), "{strategy:?}: {ended:?}");
        let (kind, words) = &reported(&server, 1)[0];
        let parked = matches!(strategy, Strategy::Parked { .. });
        let expected = match parked {
            true => ErrorKind::UnexpectedEof, // its side of the socket was shut down
            false => ErrorKind::TimedOut,
        };
        assert_eq!(*kind, Some(expected), "{strategy:?}: {words}");
    }
}

#[test]
fn plain_text_is_an_error_of_that_peer() {
    for strategy in STRATEGIES {
        let server = running(strategy);
        let mut plain = server.raw();
        plain.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        let mut alert = Vec::new();
        let _ = plain.read_to_end(&mut alert); // the end, or a reset
        let (kind, words) = &reported(&server, 1)[0];
        assert_eq!(*kind, Some(ErrorKind::InvalidData), "{strategy:?}: {words}");
        assert_eq!(
            ask(&mut server.client(), "hello"),
            "HELLO\n",
            "{strategy:?}"
        );
    }
}

#[test]
fn no_bytes_at_all_hurt_more_than_their_own_connection() {
    for strategy in STRATEGIES {
        let server = running(strategy);
        for _ in 0..50 {
            let mut rude = server.raw();
            let length = fastrand::usize(..3000);
            let mut bytes: Vec<u8> = (0..length).map(|_| fastrand::u8(..)).collect();
            if fastrand::bool() {
                // Something that begins as a record of a handshake does.
                let begin = [0x16, 3, 1, fastrand::u8(..), fastrand::u8(..)];
                bytes.splice(..0, begin);
            }
            let _ = rude.write_all(&bytes);
            let _ = rude.shutdown(Shutdown::Write);
            let _ = rude.read_to_end(&mut Vec::new());
        }
        assert_eq!(
            ask(&mut server.client(), "hello"),
            "HELLO\n",
            "{strategy:?}"
        );
        assert_eq!(server.stop().accepted, 51);
    }
}

#[test]
fn a_connection_that_is_cut_is_told_from_one_that_has_ended() {
    for strategy in STRATEGIES {
        let server = running(strategy);
        let mut client = server.client();
        assert_eq!(ask(&mut client, "hello"), "HELLO\n");
        client.sock.shutdown(Shutdown::Write).unwrap(); // and no close_notify
        let (kind, words) = &reported(&server, 1)[0];
        assert_eq!(
            *kind,
            Some(ErrorKind::UnexpectedEof),
            "{strategy:?}: {words}"
        );
    }
}

#[test]
fn who_is_not_trusted_is_told_and_hurts_nobody() {
    for strategy in STRATEGIES {
        let server = running(strategy);
        let nobody = rustls::ClientConfig::builder()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let name = rustls::pki_types::ServerName::try_from(NAME).unwrap();
        let session = rustls::ClientConnection::new(nobody.into(), name).unwrap();
        let mut client = rustls::StreamOwned::new(session, server.raw());
        let refused = client.write_all(b"hello\n").unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidData);
        drop(client);
        // The client's alert, unknown_ca, is what the handler's read fails with.
        let (kind, words) = &reported(&server, 1)[0];
        assert_eq!(*kind, Some(ErrorKind::InvalidData), "{strategy:?}: {words}");
        assert_eq!(
            ask(&mut server.client(), "hello"),
            "HELLO\n",
            "{strategy:?}"
        );
    }
}

#[test]
fn a_stopping_server_ends_the_silent_with_a_word() {
    for strategy in BESIDE {
        let server = running(strategy);
        let mut client = server.client();
        assert_eq!(ask(&mut client, "hello"), "HELLO\n");
        server.handle.shutdown();
        // The end of TLS, not only of the connection: no error.
        assert_eq!(client.read(&mut [0]).unwrap(), 0, "{strategy:?}");
        server.stop();
    }
}
