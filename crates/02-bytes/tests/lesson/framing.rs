//! The four framings, over streams that follow a script.

use std::io::{self, BufReader, ErrorKind};

use lesson_2::framing::{
    fill, read_fixed, read_line, read_to_end, read_word, write_word,
};
use wire::script::Script;

const SIZES: [usize; 6] = [1, 2, 3, 5, 7, 4096];

/// All that `read` finds until the end.
fn all<T, E>(mut read: impl FnMut() -> Result<Option<T>, E>) -> Result<Vec<T>, E> {
    std::iter::from_fn(|| read().transpose()).collect()
}

/// The words of `stream`, which comes in pieces of `size`.
fn words(stream: &[u8], size: usize) -> io::Result<Vec<Vec<u8>>> {
    let mut input = Script::new().gives_in(stream, size);
    all(|| read_word(&mut input))
}

#[test]
fn a_message_of_fixed_length_may_come_in_pieces_of_any_size() {
    for size in SIZES {
        let mut input = Script::new().gives_in(b"onetwosix", size);
        let messages = all(|| read_fixed::<3>(&mut input)).unwrap();
        assert_eq!(messages, [*b"one", *b"two", *b"six"], "pieces of {size}");
    }
}

#[test]
fn a_buffer_is_filled_until_it_is_full_or_the_stream_ends() {
    let mut input = Script::new().gives(b"he").interrupts_reads(2).gives(b"llo");
    let mut buffer = [0; 4];
    assert_eq!(fill(&mut input, &mut buffer).unwrap(), 4);
    assert_eq!(&buffer, b"hell");
    assert_eq!(fill(&mut input, &mut buffer).unwrap(), 1);
    assert_eq!(fill(&mut input, &mut buffer).unwrap(), 0);
}

#[test]
fn an_error_of_the_stream_is_passed_on_by_every_framing() {
    let broken = || Script::new().gives(b"\0").fails(ErrorKind::ConnectionReset);
    let kinds = [
        read_fixed::<2>(&mut broken()).unwrap_err().kind(),
        read_word(&mut broken()).unwrap_err().kind(),
        read_line(&mut BufReader::new(broken()), 9)
            .unwrap_err()
            .kind(),
        read_to_end(&mut broken(), 9).unwrap_err().kind(),
    ];
    assert_eq!(kinds, [ErrorKind::ConnectionReset; 4]);
}

#[test]
fn words_may_come_in_pieces_of_any_size() {
    for size in SIZES {
        let words = words(b"\x00\x03say\x00\x05hello", size).unwrap();
        assert_eq!(words, [&b"say"[..], b"hello"], "pieces of {size}");
    }
}

#[test]
fn any_words_that_are_written_are_read_again_however_they_are_cut() {
    for seed in 0..100 {
        let mut random = fastrand::Rng::with_seed(seed);
        let longest = [10, 300, 65_535][seed as usize % 3];
        let wanted: Vec<Vec<u8>> = (0..random.usize(..10))
            .map(|_| {
                (0..random.usize(1..=longest))
                    .map(|_| random.u8(..))
                    .collect()
            })
            .collect();
        let mut stream = Vec::new();
        for word in &wanted {
            write_word(&mut stream, word).unwrap();
        }
        let read = words(&stream, random.usize(1..=4096)).unwrap();
        assert!(read == wanted, "seed {seed}");
    }
}

#[test]
fn any_bytes_are_words_or_an_error_and_the_words_are_the_bytes() {
    for seed in 0..1000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let stream: Vec<u8> = (0..random.usize(..200))
            .map(|_| if random.bool() { 0 } else { random.u8(..9) })
            .collect();
        let mut input = Script::new().gives(&stream);
        let mut again = Vec::new();
        while let Ok(Some(word)) = read_word(&mut input) {
            write_word(&mut again, &word).unwrap();
        }
        assert!(stream.starts_with(&again), "seed {seed}");
        let wrong = words(&stream, 200).is_err();
        assert_eq!(wrong, again.len() < stream.len(), "seed {seed}");
    }
}

#[test]
fn a_length_is_told_with_its_most_significant_byte_first() {
    let mut stream = Vec::new();
    write_word(&mut stream, &[b'x'; 300]).unwrap();
    assert_eq!(&stream[..3], b"\x01\x2cx"); // 300 is 1 * 256 + 44
}

#[test]
fn a_word_is_one_write_and_is_finished_if_only_a_part_is_taken() {
    let stream = Script::new();
    write_word(&mut stream.clone(), b"hello").unwrap();
    assert_eq!(stream.writes(), 1);

    let stream = Script::new().takes_at_most(2);
    write_word(&mut stream.clone(), b"hello").unwrap();
    assert_eq!(stream.written(), b"\x00\x05hello");
}

#[test]
fn a_word_has_1_to_65535_bytes() {
    let mut stream = Vec::new();
    for word in [&[][..], &[b'x'; 65_536]] {
        let error = write_word(&mut stream, word).unwrap_err();
        let told = format!("a word cannot have {} bytes", word.len());
        assert_eq!(
            (error.kind(), error.to_string()),
            (ErrorKind::InvalidInput, told)
        );
    }
    assert_eq!(stream, b"");
    write_word(&mut stream, &[b'x'; 65_535]).unwrap();
    assert_eq!(read_word(&mut &stream[..]).unwrap().unwrap().len(), 65_535);

    let error = read_word(&mut &b"\x00\x00"[..]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
}

#[test]
fn a_stream_may_end_between_words_and_nowhere_else() {
    assert!(words(b"", 9).unwrap().is_empty());
    for (stream, told) in [
        (
            &b"\x00"[..],
            "the stream ended after 1 of 2 bytes of a message",
        ),
        (
            b"\x00\x03",
            "the stream ended after 0 of 3 bytes of a message",
        ),
        (
            b"\x00\x03sa",
            "the stream ended after 2 of 3 bytes of a message",
        ),
    ] {
        let error = words(stream, 9).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        assert_eq!(error.to_string(), told);
    }
}

#[test]
fn lines_may_come_in_pieces_of_any_size_with_interruptions() {
    for size in SIZES {
        let input = Script::new()
            .gives_in(b"good\nmor", size)
            .interrupts_reads(2)
            .gives_in(b"ning\n\nworld", size);
        let mut input = BufReader::new(input);
        let lines = all(|| read_line(&mut input, 100)).unwrap();
        assert_eq!(
            lines,
            [&b"good"[..], b"morning", b"", b"world"],
            "pieces of {size}"
        );
    }
}

#[test]
fn any_bytes_are_lines_between_newlines() {
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let stream: Vec<u8> = (0..random.usize(..500))
            .map(|_| {
                if random.u8(..9) == 0 {
                    b'\n'
                } else {
                    random.u8(..)
                }
            })
            .collect();
        let mut wanted: Vec<&[u8]> = stream.split(|byte| *byte == b'\n').collect();
        if wanted.last().is_some_and(|last| last.is_empty()) {
            wanted.pop(); // what follows the last newline is the end, not a line
        }
        let input = Script::new().gives_in(&stream, random.usize(1..50));
        let mut input = BufReader::with_capacity(random.usize(1..50), input);
        let lines = all(|| read_line(&mut input, 500)).unwrap();
        assert!(lines == wanted, "seed {seed}");
    }
}

#[test]
fn a_line_may_be_as_long_as_the_limit_and_not_longer() {
    let mut exact = &b"12345\n"[..];
    assert_eq!(read_line(&mut exact, 5).unwrap().unwrap(), b"12345");
    for input in [&b"123456\n"[..], b"123456"] {
        let mut pieces = BufReader::new(Script::new().gives_in(input, 4));
        let error = read_line(&mut pieces, 5).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert_eq!(error.to_string(), "a line is longer than 5 bytes");
    }
}

#[test]
fn of_a_line_without_end_no_more_is_taken_than_limit_and_buffer_hold() {
    let endless = Script::new().gives_in(&[b'x'; 100_000], 1000);
    read_line(&mut BufReader::with_capacity(1000, endless.clone()), 2500)
        .unwrap_err();
    assert_eq!(endless.unread().len(), 97_000);
}

#[test]
fn a_message_may_last_until_the_end_and_its_length_is_limited() {
    for size in SIZES {
        let mut input = Script::new().gives_in(b"all of it", size);
        assert_eq!(read_to_end(&mut input, 9).unwrap(), b"all of it");
    }
    let error = read_to_end(&mut &b"all of it"[..], 8).unwrap_err();
    assert_eq!(error.to_string(), "a message is longer than 8 bytes");
    assert_eq!(read_to_end(&mut &b"all"[..], u64::MAX).unwrap(), b"all");
}
