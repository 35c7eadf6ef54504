//! The conversation without sockets and without processes, and the small parts.

use std::io::ErrorKind;
use std::time::Duration;

use lesson_9::children::{End, Tally};
use lesson_9::look::{PATIENCE, parse_memory};
use lesson_9::prefork::Pace;
use lesson_9::talk::{MAX_LINE, answer, converse};
use nix::sys::signal::Signal;

/// Up to 400 bytes, newlines among them.
fn any_bytes(seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let special = b"\n\n\r\0who ab\xC3\xA9\xff";
    let length = random.usize(..400);
    (0..length)
        .map(|_| special[random.usize(..special.len())])
        .collect()
}

#[test]
fn any_bytes_are_answered_line_by_line() {
    for seed in 0..300 {
        let input = any_bytes(seed);
        let mut said = Vec::new();
        converse(&input[..], &mut said, 7).unwrap();
        let mut lines: Vec<&[u8]> = input.split(|byte| *byte == b'\n').collect();
        if lines.last().is_some_and(|last| last.is_empty()) {
            lines.pop(); // what ends with a newline has no line behind it
        }
        let mut expected = Vec::new();
        for line in lines {
            expected.extend(answer(line, 7));
            expected.push(b'\n');
        }
        assert_eq!(said, expected, "seed {seed}");
    }
}

#[test]
fn a_line_without_an_end_is_not_stored_without_a_bound() {
    let long = vec![b'x'; usize::try_from(MAX_LINE).unwrap()];
    let error = converse(&long[..], Vec::new(), 7).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    converse(&long[1..], Vec::new(), 7).unwrap();
}

#[test]
fn ends_are_told_apart_and_counted() {
    let mut tally = Tally::default();
    assert_eq!(tally.to_string(), "nobody");
    for end in [End::Code(0), End::Code(11), End::Signal(Signal::SIGSEGV)] {
        tally.count(end);
        tally.count(end);
    }
    let (code, signal) = (End::Code(11), End::Signal(Signal::SIGSEGV));
    assert_eq!((tally.of(code), tally.of(signal), tally.total()), (2, 2, 6));
    let told = "2 with code 0, 2 with code 11, 2 with SIGSEGV";
    assert_eq!(tally.to_string(), told);
}

#[test]
fn workers_that_die_at_once_are_replaced_more_and_more_slowly() {
    let mut pace = Pace::default();
    assert_eq!(pace.after(Duration::from_secs(60)), Duration::ZERO);
    let mut last = Duration::ZERO;
    for _ in 0..7 {
        let pause = pace.after(Duration::ZERO);
        assert!(pause > last, "{pause:?} after {last:?}");
        last = pause;
    }
    for _ in 0..100 {
        assert_eq!(pace.after(Duration::ZERO), Duration::from_secs(10));
    }
    assert_eq!(pace.after(PATIENCE), Duration::ZERO);
    assert!(pace.after(Duration::ZERO) < Duration::from_secs(1));
}

#[test]
fn any_text_in_place_of_a_smaps_rollup_is_read_without_a_panic() {
    for seed in 0..300 {
        let text = String::from_utf8_lossy(&any_bytes(seed)).into_owned();
        assert_eq!(parse_memory(&text).rss, 0);
        parse_memory(&format!("Rss: {text}\nPss:{text}"));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_with_threads_is_not_forked() {
    use lesson_9::process::{Fork, exit_now, fork};

    // The test itself runs in a thread of its own, and so do others.
    match fork() {
        Err(error) => {
            let told = error.to_string();
            assert!(told.contains("threads must not fork"), "{told}");
        }
        Ok(Fork::Child) => exit_now(1),
        Ok(Fork::Parent(child)) => {
            panic!("{child} was made by one of several threads")
        }
    }
}
