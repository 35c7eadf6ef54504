//! What goes through a connection's buffers comes out as it went in.

use std::io::{BufRead, Read, Write};
use std::sync::{Arc, Mutex};

use socketserver::{Conn, Next, Strategy};

use crate::support::*;

/// Reads and writes in pieces of random lengths, through buffers of random sizes, give
/// back every byte in its order.
#[test]
fn bytes_of_any_kind_in_pieces_of_any_length() {
    for seed in 0..60 {
        let mut random = fastrand::Rng::with_seed(seed);
        let length = random.usize(1..40_000);
        let sent: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
        let builder = tcp()
            .read_buffer(random.usize(0..3000))
            .write_buffer(random.usize(0..3000));
        let dice = Arc::new(Mutex::new(fastrand::Rng::with_seed(seed)));
        let server = start(builder, Strategy::Inline, move |_| {
            let dice = Arc::clone(&dice);
            move |conn: &mut Conn| {
                let mut dice = dice.lock().unwrap();
                let mut piece = vec![0; dice.usize(1..2000)];
                let length = match dice.bool() {
                    true => conn.read(&mut piece)?,
                    false => {
                        let come = conn.fill_buf()?;
                        let length = come.len().min(piece.len());
                        piece[..length].copy_from_slice(&come[..length]);
                        conn.consume(length);
                        length
                    }
                };
                conn.write_all(&piece[..length])?;
                if dice.u8(..) < 20 {
                    conn.flush()?;
                }
                Ok(Next::Again)
            }
        });
        let mut client = Client::connect(server.addr);
        let (writer, whole) = (client.clone_stream(), sent.clone());
        let writing = std::thread::spawn(move || {
            let mut writer = writer;
            writer.write_all(&whole).unwrap();
            writer.shutdown(std::net::Shutdown::Write).unwrap();
        });
        assert!(client.bytes() == sent, "seed {seed}");
        writing.join().unwrap();
    }
}

/// A line is what lies between newlines, wherever the reads are cut.
#[test]
fn lines_are_those_between_newlines() {
    for seed in 0..60 {
        let mut random = fastrand::Rng::with_seed(seed);
        let length = random.usize(0..400);
        let alphabet = [b'a', b'\n', b'\r', 0xFF, b'\n'];
        let sent: Vec<u8> =
            (0..length).map(|_| alphabet[random.usize(..5)]).collect();
        let heard: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let lines = Arc::clone(&heard);
        let builder = tcp().read_buffer(random.usize(1..7));
        let server = start(builder, Strategy::Inline, move |_| {
            let lines = Arc::clone(&lines);
            move |conn: &mut Conn| {
                while let Some(line) = conn.line(1000)? {
                    lines.lock().unwrap().push(line);
                }
                Ok(Next::Close)
            }
        });
        let mut client = Client::connect(server.addr);
        client.write(&sent);
        client.end();
        client.rest();
        server.stop().unwrap();
        let mut expected: Vec<Vec<u8>> = sent
            .split(|byte| *byte == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec())
            .collect();
        // The last has no newline: it is as it came, and none where nothing came.
        expected.pop();
        let tail = sent.rsplit(|byte| *byte == b'\n').next().unwrap();
        if !tail.is_empty() {
            expected.push(tail.to_vec());
        }
        assert_eq!(*heard.lock().unwrap(), expected, "seed {seed}");
    }
}

#[test]
fn what_is_written_goes_out_before_the_peer_is_waited_for() {
    let server = start(tcp().write_buffer(1000), Strategy::Inline, |_| {
        |conn: &mut Conn| {
            conn.line(100)?;
            conn.write_all(b"your name? ")?; // no flush
            let name = conn.line(100)?.unwrap_or_default();
            conn.write_all(&[b"hello ", &name[..], b"\n"].concat())?;
            Ok(Next::Close)
        }
    });
    let mut client = Client::connect(server.addr);
    client.say("hi");
    client.say("Ada");
    assert_eq!(client.rest(), "your name? hello Ada\n");
}

#[test]
fn what_is_buffered_can_be_looked_at_without_waiting() {
    let server = start(tcp(), Strategy::Inline, |_| {
        |conn: &mut Conn| {
            let seen = conn.buffered().len();
            conn.consume(seen);
            write!(conn, "{seen} {} {}", conn.received(), conn.buffered().len())?;
            Ok(Next::Close)
        }
    });
    let mut client = Client::connect(server.addr);
    client.write(b"twelve bytes");
    assert_eq!(client.rest(), "12 12 0");
}

#[test]
fn without_a_buffer_each_write_goes_out_at_once() {
    let (heard, wait) = std::sync::mpsc::channel();
    let wait = Mutex::new(Some(wait));
    let server = start(tcp().write_buffer(0), Strategy::Inline, move |_| {
        let wait = wait.lock().unwrap().take().unwrap();
        move |conn: &mut Conn| {
            conn.line(100)?;
            conn.write_all(b"first\n")?; // no flush
            next(&wait); // and nothing is read
            conn.write_all(b"second\n")?;
            Ok(Next::Close)
        }
    });
    let mut client = Client::connect(server.addr);
    assert_eq!(client.ask("hi"), "first\n");
    heard.send(()).unwrap();
    assert_eq!(client.rest(), "second\n");
}
