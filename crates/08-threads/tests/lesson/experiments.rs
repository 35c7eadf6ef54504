//! The experiments, and the servers that are broken on purpose.

use std::time::Duration;

use lesson_8::broken;
use lesson_8::surprise::{CALLERS, Work, run};

#[test]
fn every_caller_is_served_once_by_as_many_threads_as_there_are() {
    for threads in [1, 2, CALLERS, CALLERS + 3] {
        let spans = run(threads, Work::Waits(Duration::from_millis(5))).unwrap();
        let mut callers: Vec<u8> = spans.iter().map(|span| span.caller).collect();
        callers.sort_unstable();
        assert_eq!(callers, [0, 1, 2, 3]);
        assert!(spans.iter().all(|span| span.thread < threads));
        assert!(
            spans
                .iter()
                .all(|span| span.to - span.from >= Duration::from_millis(5))
        );
    }
}

#[test]
fn one_thread_does_one_thing_after_another() {
    let spans = run(1, Work::Computes(1000)).unwrap();
    assert!(spans.is_sorted_by(|a, b| a.to <= b.from));
}

#[test]
fn the_locked_chat_stands_still_for_all() {
    let stuck = broken::locked().unwrap();
    assert!(stuck.before && !stuck.after && !stuck.newcomer, "{stuck:?}");
}

#[test]
fn the_flag_is_looked_at_after_the_next_caller() {
    assert_eq!(broken::flag().unwrap(), (false, true));
}
