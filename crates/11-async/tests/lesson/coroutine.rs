//! Four ways to write one conversation.

use lesson_11::coroutine::{Driven, Visit, all_four, by_async};

#[test]
fn all_four_say_the_same_to_any_lines() {
    let mut random = fastrand::Rng::with_seed(11);
    let words = ["Ada", "", "36", "4294967295", "-1", " 7", "x\u{301}", "007"];
    for _ in 0..500 {
        let count = random.usize(..6);
        let lines: Vec<&str> = (0..count)
            .map(|_| words[random.usize(..words.len())])
            .collect();
        // What ends a line for one would end it for all: see the next test.
        let trimmed: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
        let [thread, callbacks, machine, compiled] = all_four(&trimmed).unwrap();
        assert_eq!(thread, callbacks, "{lines:?}");
        assert_eq!(thread, machine, "{lines:?}");
        assert_eq!(thread, compiled, "{lines:?}");
    }
}

#[test]
fn the_oldest_caller_has_a_birthday_too() {
    let told = all_four(&["Ada", "4294967295"]).unwrap();
    for answers in told {
        assert_eq!(answers[2], "next year you will be 4294967296, Ada");
    }
}

#[test]
fn what_is_over_says_nothing_more() {
    let mut visit = Visit::default();
    let mut driven = Driven::new(by_async);
    visit.resume("");
    driven.resume(None);
    for line in ["Ada", "36"] {
        assert_eq!(visit.resume(line), driven.resume(Some(line)));
    }
    for _ in 0..3 {
        assert_eq!(visit.resume("more"), None);
        assert_eq!(driven.resume(Some("more")), None);
    }
}
