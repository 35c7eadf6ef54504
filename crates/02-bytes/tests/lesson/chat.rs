//! The log of lines, without a network.

use std::io::{self, BufReader};

use lesson_2::chat::{KEPT, Log, MAX_LINE, converse, printable, take_part};
use wire::script::Script;

/// What the server says to a visitor who says `input`, byte by byte.
fn visit(input: &[u8], log: &mut Log) -> io::Result<String> {
    let stream = Script::new().gives_in(input, 1);
    converse(BufReader::new(stream.clone()), stream.clone(), log)?;
    Ok(String::from_utf8(stream.written()).unwrap())
}

#[test]
fn a_visitor_gets_what_was_said_before_then_its_own_lines_with_their_numbers() {
    let mut log = Log::default();
    let said = visit(b"hello\r\nworld", &mut log).unwrap();
    assert_eq!(said, "0 so far\n1 hello\n2 world\n");
    let said = visit(b"three\n", &mut log).unwrap();
    assert_eq!(said, "2 so far\n1 hello\n2 world\n3 three\n");
}

#[test]
fn the_log_keeps_the_last_20_lines_and_counts_all() {
    let mut log = Log::default();
    for number in 1..=KEPT + 5 {
        assert_eq!(log.add("hello"), format!("{number} hello\n"));
    }
    let so_far = log.so_far();
    assert!(
        so_far.starts_with("20 so far\n6 hello\n7 hello\n"),
        "{so_far}"
    );
    assert!(so_far.ends_with("\n25 hello\n"), "{so_far}");
}

#[test]
fn a_character_in_two_pieces_is_a_character() {
    let said = visit("grüße\n".as_bytes(), &mut Log::default()).unwrap();
    assert_eq!(said, "0 so far\n1 grüße\n");
}

#[test]
fn a_line_that_is_not_utf8_is_answered_and_not_kept_and_the_next_one_is() {
    let mut log = Log::default();
    let said = visit(b"caf\xe9\nhello\n", &mut log).unwrap();
    assert_eq!(said, "0 so far\n! not UTF-8 after 3 bytes\n1 hello\n");
    assert_eq!(log.so_far(), "1 so far\n1 hello\n");
}

#[test]
fn a_line_that_is_too_long_ends_the_visit_and_is_not_kept() {
    let mut log = Log::default();
    let error = visit(&[b'x'; MAX_LINE + 1], &mut log).unwrap_err();
    assert_eq!(error.to_string(), "a line is longer than 512 bytes");
    assert_eq!(log.so_far(), "0 so far\n");
    visit(&[b'x'; MAX_LINE], &mut log).unwrap();
}

#[test]
fn each_answer_is_one_write_and_the_number_of_answers_is_returned() {
    let stream = Script::new();
    let input = &b"hello\ncaf\xe9\n"[..];
    assert_eq!(
        converse(input, stream.clone(), &mut Log::default()).unwrap(),
        2
    );
    assert_eq!(stream.writes(), 3);
}

/// What a participant sees who types `keyboard`, and the stream to the server.
fn participate(keyboard: &[u8], server: &str) -> (io::Result<()>, String, Script) {
    let stream = Script::new().gives(server.as_bytes());
    let mut screen = Vec::new();
    let outcome =
        take_part(keyboard, &mut screen, &mut BufReader::new(stream.clone()));
    (outcome, String::from_utf8(screen).unwrap(), stream)
}

#[test]
fn a_participant_sees_the_lines_so_far_and_then_an_answer_to_each_line() {
    let server = "2 so far\n1 one\n2 two\n3 three\n4 \n";
    let (outcome, screen, stream) = participate(b"three\n\n", server);
    outcome.unwrap();
    assert_eq!(
        screen,
        "2 so far\n1 one\n2 two\n>>> 3 three\n>>> 4 \n>>> \n"
    );
    assert_eq!(stream.written(), b"three\n\n");
    assert_eq!(stream.writes(), 2); // in pieces, the first line might take some 40 ms
}

#[test]
fn a_server_that_hangs_up_or_does_not_keep_to_the_protocol_is_an_error() {
    for (server, told) in [
        ("", "the server hung up instead of answering"),
        (
            "2 so far\n1 one\n",
            "the server hung up instead of answering",
        ),
        ("0 so far\n", "the server hung up instead of answering"),
        ("220 FTP ready\n", "the server hung up instead of answering"),
        (
            "hello\n",
            "the server does not say how many lines there are",
        ),
    ] {
        let (outcome, ..) = participate(b"hello\n", server);
        assert_eq!(outcome.unwrap_err().to_string(), told, "{server:?}");
    }
}

#[test]
fn what_others_say_cannot_command_the_terminal() {
    assert_eq!(printable("grüße \x1b[2J".as_bytes()), "grüße \u{fffd}[2J");
}
