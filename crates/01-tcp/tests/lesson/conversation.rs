//! Conversations without a network: transports follow a script.

use std::io::{self, BufReader, Read};

use lesson_1::client::{ask, dialogue, printable};
use lesson_1::lines::{MAX_LINE, converse, read_line};
use lesson_1::upper::upper;
use wire::script::Script;

/// What the server of capitals says to `input`, which comes in pieces.
fn capitals(input: &[u8], piece: usize) -> io::Result<Vec<u8>> {
    let stream = Script::new().gives_in(input, piece);
    converse(BufReader::new(stream.clone()), stream.clone(), upper)?;
    Ok(stream.written())
}

#[test]
fn lines_may_arrive_in_pieces_of_any_size() {
    for piece in [1, 2, 3, 5, 7, 4096] {
        let said = capitals(b"good\nmorning\n\nworld\n", piece).unwrap();
        assert_eq!(said, b"GOOD\nMORNING\n\nWORLD\n", "pieces of {piece}");
    }
}

#[test]
fn a_signal_between_two_pieces_loses_nothing() {
    let stream = Script::new()
        .gives(b"good mor")
        .interrupts_reads(2)
        .gives(b"ning\n");
    let stream = stream.takes_at_most(4).interrupts_writes(2);
    converse(BufReader::new(stream.clone()), stream.clone(), upper).unwrap();
    assert_eq!(stream.written(), b"GOOD MORNING\n");
}

#[test]
fn what_arrives_is_answered_line_by_line_whatever_the_bytes() {
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let input: Vec<u8> = (0..random.usize(..3000))
            .map(|_| {
                if random.u8(..50) == 0 {
                    b'\n'
                } else {
                    random.u8(..)
                }
            })
            .collect();
        // What it should say, told in another way.
        let mut wanted = Vec::new();
        for line in input.split_inclusive(|byte| *byte == b'\n') {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            let text = line.strip_suffix(b"\r\n").unwrap_or(text);
            wanted.extend(upper(text));
            wanted.push(b'\n');
        }
        let said = capitals(&input, random.usize(1..100)).unwrap();
        assert!(said == wanted, "seed {seed}");
    }
}

#[test]
fn a_reply_is_one_write() {
    let stream = Script::new();
    converse(&b"good morning\n"[..], stream.clone(), upper).unwrap();
    assert_eq!(stream.writes(), 1); // two might cost the client some 40 ms
}

#[test]
fn a_reply_is_finished_when_the_kernel_takes_only_a_part_of_it() {
    let stream = Script::new().takes_at_most(5);
    converse(&b"good morning\n"[..], stream.clone(), upper).unwrap();
    assert_eq!(stream.written(), b"GOOD MORNING\n");
}

#[test]
fn the_number_of_answers_is_returned() {
    assert_eq!(
        converse(&b"one\ntwo\nthree"[..], io::sink(), upper).unwrap(),
        3
    );
    assert_eq!(converse(&b""[..], io::sink(), upper).unwrap(), 0);
}

#[test]
fn the_last_line_needs_no_line_end() {
    assert_eq!(
        capitals(b"good\nmorning", 4096).unwrap(),
        b"GOOD\nMORNING\n"
    );
}

#[test]
fn a_carriage_return_belongs_to_the_line_end_only_before_a_newline() {
    assert_eq!(read_line(&mut &b"good\r\n"[..]).unwrap().unwrap(), b"good");
    assert_eq!(
        read_line(&mut &b"go\rod\r"[..]).unwrap().unwrap(),
        b"go\rod\r"
    );
}

#[test]
fn a_line_may_have_1024_bytes_with_its_line_end_and_not_one_more() {
    let longest = [&[b'x'; MAX_LINE - 1][..], b"\n"].concat();
    assert_eq!(read_line(&mut &longest[..]).unwrap().unwrap().len(), 1023);

    let longer = [&[b'x'; MAX_LINE][..], b"\n"].concat();
    let error = read_line(&mut &longer[..]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert_eq!(error.to_string(), "a line is longer than 1024 bytes");
}

#[test]
fn of_a_line_without_end_no_more_is_taken_than_the_limit() {
    let mut endless = BufReader::with_capacity(64, io::repeat(b'x').take(1_000_000));
    read_line(&mut endless).unwrap_err();
    let taken = 1_000_000 - endless.get_ref().limit();
    assert!(taken <= 1024 + 64, "{taken} bytes were taken");
}

#[test]
fn upper_case_is_unicodes_for_text_and_asciis_for_other_bytes() {
    assert_eq!(upper("grüße, κόσμε".as_bytes()), "GRÜSSE, ΚΌΣΜΕ".as_bytes());
    assert_eq!(upper(b"gr\xfc\xdfe"), b"GR\xfc\xdfE");
}

#[test]
fn a_dialogue_skips_blank_lines_and_is_over_with_the_keyboard() {
    let server = Script::new().gives(b"ONE\nTWO\nTHREE\n");
    let mut screen = Vec::new();
    let keyboard = &b"one\n\n  \ntwo"[..];
    dialogue(keyboard, &mut screen, &mut BufReader::new(server.clone())).unwrap();
    assert_eq!(server.written(), b"one\ntwo\n");
    let shown = String::from_utf8(screen).unwrap();
    assert_eq!(shown, ">>> ONE\n>>> >>> >>> TWO\n>>> \n");
}

#[test]
fn a_server_that_hangs_up_instead_of_answering_is_an_error() {
    let error = ask(&mut BufReader::new(Script::new()), b"anybody?").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(error.to_string(), "the server hung up instead of answering");
}

#[test]
fn what_a_server_says_cannot_command_the_terminal() {
    assert_eq!(
        printable("grüße \x1b[2J\x07".as_bytes()),
        "grüße \u{fffd}[2J\u{fffd}"
    );
    assert_eq!(printable(b"caf\xe9"), "caf\u{fffd}");
}
