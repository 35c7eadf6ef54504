//! Ping over a transport that follows a script.

use std::collections::VecDeque;
use std::io;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use lesson_7::checksum::checksum;
use lesson_7::icmp;
use lesson_7::ipv4;
use lesson_7::ping::{Outcome, Statistics, Transport, ask};
use lesson_7::sockets::Arrived;

const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// Brings these messages, whatever is sent.
#[derive(Default)]
struct Script {
    sent: Vec<Vec<u8>>,
    messages: VecDeque<Vec<u8>>,
    deadlines: Vec<Instant>,
}

impl Transport for Script {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.sent.push(message.to_vec());
        Ok(())
    }

    fn receive(&mut self, deadline: Instant) -> io::Result<Option<Arrived>> {
        self.deadlines.push(deadline);
        let arrived = |message| Arrived {
            from: HERE,
            ttl: Some(64),
            message,
        };
        Ok(self.messages.pop_front().map(arrived))
    }
}

fn outcome(messages: &[Vec<u8>]) -> (Outcome, Script) {
    let mut script = Script {
        messages: messages.iter().cloned().collect(),
        ..Script::default()
    };
    let outcome = ask(&mut script, 7, 3, Duration::from_secs(1)).unwrap();
    (outcome, script)
}

/// The same message with another type and code.
fn of_type(kind: u8, code: u8, mut message: Vec<u8>) -> Vec<u8> {
    message[..4].copy_from_slice(&[kind, code, 0, 0]);
    let sum = checksum(&message).to_be_bytes();
    message[2..4].copy_from_slice(&sum);
    message
}

fn reply(identifier: u16, sequence: u16) -> Vec<u8> {
    of_type(0, 0, icmp::echo_request(identifier, sequence, b""))
}

fn unreachable(identifier: u16, sequence: u16) -> Vec<u8> {
    let request = icmp::echo_request(identifier, sequence, b"");
    let quote = ipv4::build((HERE, HERE), ipv4::ICMP, &[1; 4], &request).unwrap();
    of_type(3, 1, [&[0; 8][..], &quote].concat())
}

#[test]
fn the_reply_is_found_among_everything_else() {
    let noise = [
        icmp::echo_request(7, 3, b""),
        reply(8, 3),
        reply(7, 2),
        unreachable(8, 3),
        of_type(13, 0, reply(7, 3)),
        vec![0; 3],
        reply(7, 3),
    ];
    let (outcome, script) = outcome(&noise);
    assert!(matches!(outcome, Outcome::Reply(..)), "{outcome:?}");
    assert_eq!(script.sent.len(), 1);
    assert_eq!(script.deadlines.len(), noise.len());
    assert!(script.deadlines.iter().all(|d| *d == script.deadlines[0]));
}

#[test]
fn an_error_about_our_request_ends_the_wait() {
    let (outcome, _) = outcome(&[unreachable(7, 2), unreachable(7, 3), reply(7, 3)]);
    assert_eq!(outcome, Outcome::Error(HERE, 3, 1));
}

#[test]
fn silence_is_a_loss() {
    assert_eq!(outcome(&[]).0, Outcome::Lost);
    assert_eq!(outcome(&[reply(7, 4)]).0, Outcome::Lost);
}

#[test]
fn any_messages_are_survived() {
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let messages: Vec<Vec<u8>> = (0..20)
            .map(|_| (0..random.usize(..60)).map(|_| random.u8(..)).collect())
            .collect();
        assert_eq!(outcome(&messages).0, Outcome::Lost, "seed {seed}");
    }
}

#[test]
fn statistics_add_up() {
    let arrived = || Arrived {
        from: HERE,
        ttl: None,
        message: Vec::new(),
    };
    let mut statistics = Statistics {
        sent: 4,
        ..Statistics::default()
    };
    assert_eq!((statistics.spread(), statistics.exit_code()), (None, 1));
    for millis in [1, 3] {
        let time = Duration::from_millis(millis);
        statistics.add(&Outcome::Reply(arrived(), time));
    }
    statistics.add(&Outcome::Error(HERE, 3, 1));
    statistics.add(&Outcome::Lost);
    assert_eq!(statistics.loss(), 50.0);
    assert_eq!(statistics.errors, 1);
    let [least, mean, most, deviation] = statistics.spread().unwrap();
    let expected = [(least, 1.0), (mean, 2.0), (most, 3.0), (deviation, 1.0)];
    assert!(
        expected
            .iter()
            .all(|(got, wanted)| (got - wanted).abs() < 1e-9)
    );
    assert_eq!(statistics.exit_code(), 0);
}
