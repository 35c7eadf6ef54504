//! Any bytes at all, at everything that reads some.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use lesson_3::ask::{answer_to, ask, receive_until, request};
use lesson_3::letters::{Reply, serve};
use lesson_3::transfer::{BLOCK, blocks, send};
use lesson_3::{PATIENCE, socket};

const SEEDS: u64 = 200;

/// Up to `most` bytes, often few, often such as begin like something real.
fn bytes(random: &mut fastrand::Rng, most: usize) -> Vec<u8> {
    let length = match random.bool() {
        true => random.usize(..6.min(most + 1)),
        false => random.usize(..=most),
    };
    let any = |_| match random.bool() {
        true => random.u8(..3),
        false => random.u8(..),
    };
    (0..length).map(any).collect()
}

#[test]
fn an_answer_is_known_by_its_id_whatever_it_says() {
    for seed in 0..SEEDS {
        let random = &mut fastrand::Rng::with_seed(seed);
        let (id, words) = (random.u32(..), bytes(random, 600));
        let datagram = request(id, &words);
        assert_eq!(answer_to(id, &datagram), Some(&words[..]), "seed {seed}");
        assert_eq!(answer_to(!id, &datagram), None, "seed {seed}");
        assert_eq!(answer_to(id, &datagram[..random.usize(..4)]), None);
        let rubbish = bytes(random, 40);
        let taken = answer_to(id, &rubbish);
        assert!(taken.is_none_or(|words| request(id, words) == rubbish));
    }
}

#[test]
fn the_blocks_of_any_file_are_the_file_and_only_the_last_has_room() {
    let mut random = fastrand::Rng::with_seed(3);
    let any = (0..SEEDS).map(|_| random.usize(..9000));
    let lengths = [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK];
    let lengths: Vec<usize> = lengths.into_iter().chain(any).collect();
    for length in lengths {
        let file: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
        let all: Vec<(u16, &[u8])> = blocks(&file).unwrap().collect();
        let joined: Vec<u8> =
            all.iter().flat_map(|(_, data)| *data).copied().collect();
        assert_eq!(joined, file);
        let (last, full) = all.split_last().unwrap();
        assert!(last.1.len() < BLOCK);
        assert!(full.iter().all(|(_, data)| data.len() == BLOCK));
        assert_eq!(usize::from(last.0), all.len());
    }
    let longest = usize::from(u16::MAX) * BLOCK;
    assert!(blocks(&vec![0; longest]).is_none());
    assert!(blocks(&vec![0; longest - 1]).is_some());
}

#[test]
fn what_is_not_accepted_is_passed_over_however_much_of_it_comes() {
    let (from, to) = (socket().unwrap(), socket().unwrap());
    let at = to.local_addr().unwrap();
    for seed in 0..SEEDS {
        let random = &mut fastrand::Rng::with_seed(seed);
        let wanted = request(random.u32(..), b"this one");
        for _ in 0..random.usize(..20) {
            from.send_to(&bytes(random, 60), at).unwrap();
        }
        from.send_to(&wanted, at).unwrap();
        let accept = |came: &[u8], _: SocketAddr| (came == wanted).then_some(());
        let got = receive_until(&to, Instant::now() + PATIENCE, accept);
        assert_eq!(got.unwrap(), Some(()), "seed {seed}");
    }
    // A deadline that is over takes nothing, and none is zero for set_read_timeout.
    let accept = |_: &[u8], _: SocketAddr| Some(());
    let over = Instant::now();
    assert_eq!(receive_until(&to, over, accept).unwrap(), None);
}

#[test]
fn any_rubbish_before_the_answer_neither_answers_nor_costs_a_try() {
    let (client, server, stranger) =
        (socket().unwrap(), socket().unwrap(), socket().unwrap());
    let at = server.local_addr().unwrap();
    let answering = thread::spawn(move || {
        for seed in 0..SEEDS {
            let random = &mut fastrand::Rng::with_seed(seed);
            let mut buffer = [0; 100];
            let (length, peer) = server.recv_from(&mut buffer).unwrap();
            let (id, question) = buffer[..length].split_at(4);
            for _ in 0..random.usize(..8) {
                let rubbish = bytes(random, 60);
                if !rubbish.starts_with(id) {
                    server.send_to(&rubbish, peer).unwrap();
                }
                stranger.send_to(&[id, &rubbish].concat(), peer).unwrap();
            }
            server.send_to(&[id, question].concat(), peer).unwrap();
        }
    });
    for seed in 0..SEEDS {
        let random = &mut fastrand::Rng::with_seed(seed ^ 0x5555);
        let question = bytes(random, 90);
        let asked = ask(&client, at, random.u32(..), &question, (PATIENCE, 1));
        assert_eq!(asked.unwrap(), (question, 1), "seed {seed}");
    }
    answering.join().unwrap();
}

#[test]
fn any_rubbish_between_acknowledgements_makes_nothing_be_sent_again() {
    for seed in 0..SEEDS / 10 {
        let random = &mut fastrand::Rng::with_seed(seed);
        let file: Vec<u8> = (0..random.usize(..5 * BLOCK))
            .map(|_| random.u8(..))
            .collect();
        let (sender, receiver) = (socket().unwrap(), socket().unwrap());
        let to = receiver.local_addr().unwrap();
        let receiving = thread::spawn(move || {
            let random = &mut fastrand::Rng::with_seed(!seed);
            let stranger = socket().unwrap();
            let (mut buffer, mut got) = ([0; 2 + BLOCK], Vec::new());
            loop {
                let (length, from) = receiver.recv_from(&mut buffer).unwrap();
                let number = &buffer[..2];
                for _ in 0..random.usize(..8) {
                    let rubbish = bytes(random, 9);
                    if rubbish != number {
                        receiver.send_to(&rubbish, from).unwrap();
                    }
                    stranger.send_to(number, from).unwrap();
                }
                receiver.send_to(number, from).unwrap();
                got.extend_from_slice(&buffer[2..length]);
                if length < buffer.len() {
                    return got;
                }
            }
        });
        let sent = send(&sender, to, &file, PATIENCE).unwrap();
        assert_eq!(sent as usize, file.len() / BLOCK + 1, "seed {seed}");
        assert!(receiving.join().unwrap() == file, "seed {seed}");
    }
}

#[test]
fn the_servers_answer_any_datagram_and_go_on() {
    for (reply, length) in [
        (Reply::Ok, Some(2)),
        (Reply::Time, Some(4)),
        (Reply::Echo, None),
    ] {
        let (client, server) = (socket().unwrap(), socket().unwrap());
        client.connect(server.local_addr().unwrap()).unwrap();
        server.set_read_timeout(None).unwrap();
        thread::spawn(move || serve(&server, reply, |_, _, sent| sent.unwrap()));
        let mut buffer = vec![0; 2000];
        client
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        for seed in 0..SEEDS {
            let sent = bytes(&mut fastrand::Rng::with_seed(seed), 1999);
            client.send(&sent).unwrap();
            let came = client.recv(&mut buffer).unwrap();
            assert_eq!(came, length.unwrap_or(sent.len()), "seed {seed}");
            assert!(
                reply != Reply::Echo || buffer[..came] == sent,
                "seed {seed}"
            );
        }
    }
}
