//! What is said, and where: without a socket.

use std::time::{Duration, UNIX_EPOCH};

use lesson_13::place::Place;
use lesson_13::programs::{self, Answer, PROGRAMS};
use lesson_13::strategies;

#[test]
fn any_bytes_have_an_answer_and_it_is_one_line() {
    let mut random = fastrand::Rng::with_seed(13);
    for _ in 0..20_000 {
        let length = random.usize(..40);
        let bytes = std::iter::repeat_with(|| random.u8(..)).take(length);
        let line: Vec<u8> = bytes.filter(|byte| *byte != b'\n').collect();
        for program in PROGRAMS {
            let moment = UNIX_EPOCH + Duration::from_secs(random.u64(..1 << 40));
            let (Answer::Say(said) | Answer::Bye(said)) =
                (program.answer)(&line, moment);
            assert!(!said.contains(&b'\n'), "{}: {said:?}", program.name);
            if program.name == "timestamps" {
                assert!(said.ends_with(&line));
            }
        }
    }
}

#[test]
fn the_date_is_that_of_the_calendar() {
    for (seconds, date) in [
        (0, "[Thu Jan  1 00:00:00 1970] "),
        (951_782_399, "[Mon Feb 28 23:59:59 2000] "),
        (951_782_400, "[Tue Feb 29 00:00:00 2000] "),
        (4_107_542_400, "[Mon Mar  1 00:00:00 2100] "),
        (1_795_254_587, "[Sat Nov 21 09:49:47 2026] "),
    ] {
        let moment = UNIX_EPOCH + Duration::from_secs(seconds);
        let stamped = programs::stamp(b"", moment);
        assert_eq!(String::from_utf8(stamped).unwrap(), date);
    }
}

#[test]
fn a_place_is_read_back_as_it_was_written() {
    for given in [
        "127.0.0.1:9999",
        "[::1]:9999",
        "udp:127.0.0.1:9999",
        "udp:[::1]:9",
        "unix:/tmp/upper",
        "unixgram:/tmp/up:per",
    ] {
        let place: Place = given.parse().unwrap();
        assert_eq!(place.to_string(), given);
    }
    assert_eq!("tcp:127.0.0.1:9".parse(), "127.0.0.1:9".parse::<Place>());
}

#[test]
fn no_text_makes_the_reader_of_places_panic() {
    let mut random = fastrand::Rng::with_seed(13);
    let parts = [
        "unix",
        "unixgram",
        "udp",
        "tcp",
        ":",
        "[::1]",
        "127.0.0.1",
        "9",
        "é",
    ];
    for _ in 0..20_000 {
        let length = random.usize(..6);
        let text: String = (0..length)
            .map(|_| parts[random.usize(..parts.len())])
            .collect();
        match text.parse::<Place>() {
            Ok(place) => assert_eq!(place.to_string().parse(), Ok(place)),
            Err(error) => assert!(error.contains(&format!("`{text}`")), "{error}"),
        }
    }
}

#[test]
fn words_are_found_as_they_are_written_and_no_others() {
    for (word, strategy) in strategies::STRATEGIES {
        assert_eq!(strategies::find(word), Some(strategy));
    }
    assert_eq!(strategies::find("Inline"), None);
    assert_eq!(strategies::find("__class__"), None);
    assert!(programs::find("upper").is_some());
    assert!(programs::find("answer").is_none());
}
