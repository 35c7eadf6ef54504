//! Any bytes at all, at the solutions: none of them panics, none loses its way.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::thread;
use std::time::Duration;

/// Nobody lets the others wait so long.
const LONG: Duration = Duration::from_secs(60);

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    socket
}

/// A server in a thread of its own, and a socket that is connected to it.
fn client_of(serve: fn(UdpSocket) -> io::Result<()>) -> UdpSocket {
    let (client, server) = (socket(), socket());
    server.set_read_timeout(None).unwrap();
    client.connect(server.local_addr().unwrap()).unwrap();
    thread::spawn(move || serve(server));
    client
}

fn received(socket: &UdpSocket) -> Vec<u8> {
    let mut buffer = vec![0; 65_535];
    let length = socket.recv(&mut buffer).unwrap();
    buffer.truncate(length);
    buffer
}

/// Up to `most` bytes, any or of a few letters.
fn bytes(random: &mut fastrand::Rng, most: usize) -> Vec<u8> {
    let length = random.usize(..=most);
    let few = b"+?=!=ab\0\xff";
    let by_chance = random.bool();
    let any = |_| match by_chance {
        true => random.u8(..),
        false => few[random.usize(..few.len())],
    };
    (0..length).map(any).collect()
}

#[test]
fn every_datagram_comes_back() {
    let client = client_of(sol_udp::echo::serve);
    let random = &mut fastrand::Rng::with_seed(1);
    for most in [8, 600, 65_507].repeat(60) {
        let sent = bytes(random, most);
        client.send(&sent).unwrap();
        assert!(received(&client) == sent);
    }
}

/// What the stub says, once more and in other words.
fn expected(
    store: &mut HashMap<Vec<u8>, Vec<u8>>,
    request: &[u8],
) -> Option<Vec<u8>> {
    if request.len() > 1000 {
        return None;
    }
    match request.first()? {
        b'?' if &request[1..] == b"version" => Some(b"=version=store 1".to_vec()),
        b'?' => Some(match store.get(&request[1..]) {
            Some(value) => [b"=", &request[1..], b"=", value].concat(),
            None => [b"!", &request[1..]].concat(),
        }),
        b'+' => {
            let mut parts = request[1..].splitn(2, |byte| *byte == b'=');
            let (key, value) = (parts.next()?, parts.next()?);
            store.insert(key.to_vec(), value.to_vec());
            None
        }
        _ => None,
    }
}

#[test]
fn the_store_does_as_its_model_with_any_requests() {
    let client = client_of(sol_udp::store::serve);
    let random = &mut fastrand::Rng::with_seed(2);
    let mut model = HashMap::new();
    for turn in 0..4000 {
        let most = if random.u8(..10) == 0 { 1200 } else { 5 };
        let request = bytes(random, most);
        client.send(&request).unwrap();
        if let Some(answer) = expected(&mut model, &request) {
            assert_eq!(received(&client), answer, "turn {turn}: {request:?}");
        }
        if turn % 20 == 0 {
            // Nothing else has come: the next datagram is this one's answer.
            client.send(b"?version").unwrap();
            assert_eq!(received(&client), b"=version=store 1", "turn {turn}");
        }
    }
}

#[test]
fn a_question_gets_its_own_answer_whatever_else_comes() {
    let server = socket();
    let at = server.local_addr().unwrap();
    let answering = thread::spawn(move || {
        let (random, stranger) = (&mut fastrand::Rng::with_seed(3), socket());
        for _ in 0..200 {
            let mut buffer = [0; 700];
            let (length, client) = server.recv_from(&mut buffer).unwrap();
            let id = &buffer[..4];
            for _ in 0..random.usize(..6) {
                let rubbish = bytes(random, 30);
                stranger.send_to(&[id, &rubbish].concat(), client).unwrap();
                if !rubbish.starts_with(id) {
                    server.send_to(&rubbish, client).unwrap();
                }
            }
            server.send_to(&buffer[..length], client).unwrap();
        }
    });
    let random = &mut fastrand::Rng::with_seed(4);
    for _ in 0..200 {
        let question = bytes(random, 600);
        let answer = sol_udp::ask::ask(at, random.u32(..), &question, LONG, 1);
        assert_eq!(answer.unwrap(), question);
    }
    answering.join().unwrap();
}

#[test]
fn a_file_arrives_whatever_else_comes() {
    for seed in 0..20 {
        let random = &mut fastrand::Rng::with_seed(seed);
        let file = bytes(random, 3000);
        let (sender, receiver) = (socket(), socket());
        sender.connect(receiver.local_addr().unwrap()).unwrap();
        let linger = Duration::from_millis(1);
        let receiving =
            thread::spawn(move || sol_udp::transfer::receive(receiver, LONG, linger));
        let full = file.len() / 512 * 512;
        let blocks = file[..full].chunks(512).chain([&file[full..]]);
        for (number, data) in (1_u16..).zip(blocks) {
            for _ in 0..random.usize(..5) {
                // Numbers that are too high, and what is too short, or too long.
                let high = random.u16(number + 1..).to_be_bytes();
                let rubbish = match random.u8(..3) {
                    0 => [&high, &bytes(random, 512)[..]].concat(),
                    1 => bytes(random, 1),
                    _ => [&number.to_be_bytes()[..], &[b'x'; 513]].concat(),
                };
                sender.send(&rubbish).unwrap();
            }
            sender
                .send(&[&number.to_be_bytes(), data].concat())
                .unwrap();
            assert_eq!(received(&sender), number.to_be_bytes(), "seed {seed}");
        }
        assert!(receiving.join().unwrap().unwrap() == file, "seed {seed}");
    }
}
