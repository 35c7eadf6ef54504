//! The conversation without a network.

use std::io::{BufReader, ErrorKind};

use lesson_8::lines::{MAX_LINE, converse, read_line, upper};
use lesson_8::memory::parse;
use wire::script::Script;

#[test]
fn what_arrives_is_answered_line_by_line_whatever_the_bytes_and_the_pieces() {
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let byte = |random: &mut fastrand::Rng| match random.u8(..30) {
            0 => b'\n',
            _ => random.u8(..),
        };
        let length = random.usize(..2000);
        let input: Vec<u8> = (0..length).map(|_| byte(&mut random)).collect();
        let mut wanted = Vec::new();
        for line in input.split_inclusive(|byte| *byte == b'\n') {
            wanted.extend(upper(line.strip_suffix(b"\n").unwrap_or(line)));
            wanted.push(b'\n');
        }
        let stream = Script::new().gives_in(&input, random.usize(1..100));
        let stream = stream.takes_at_most(random.usize(1..100));
        converse(BufReader::new(stream.clone()), stream.clone()).unwrap();
        assert!(stream.written() == wanted, "seed {seed}");
    }
}

#[test]
fn a_reply_is_one_write() {
    let stream = Script::new();
    converse(&b"good morning\n"[..], stream.clone()).unwrap();
    assert_eq!(stream.writes(), 1);
}

#[test]
fn a_line_that_is_too_long_is_an_error_and_the_longest_is_not() {
    let longest = [&[b'x'; MAX_LINE - 1][..], b"\n"].concat();
    assert_eq!(
        read_line(&mut &longest[..]).unwrap().unwrap().len(),
        MAX_LINE - 1
    );
    let error = read_line(&mut &[b'x'; MAX_LINE][..]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert_eq!(error.to_string(), "a line is longer than 65536 bytes");
}

#[test]
fn no_text_of_a_status_file_makes_its_reader_panic() {
    let model = "VmSize:\t 9 kB\nVmRSS:\t 7 kB\nThreads:\t3\n";
    for seed in 0..2000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut text: Vec<char> = model.chars().collect();
        for _ in 0..random.usize(..4) {
            let at = random.usize(..text.len());
            text[at] = random.char(..);
        }
        let _ = parse(&text.into_iter().collect::<String>());
    }
    assert!(parse(model).is_some());
    assert_eq!(parse("VmSize:\t9 kB\n"), None);
}
