//! What the experiments measure, as far as it is certain.

use std::time::Duration;

use lesson_11::memory::{Kind, per_client};
use lesson_11::pressure::measure;
use lesson_11::timeline::{by_blocked_tasks, by_tasks, by_threads, picture};
use lesson_11::{broken, surprise};

#[test]
fn tasks_wait_at_the_same_time_as_threads_do_and_blocked_tasks_do_not() {
    assert_eq!(by_threads().unwrap(), by_tasks().unwrap());
    let blocked = by_blocked_tasks().unwrap();
    assert_ne!(blocked, by_tasks().unwrap());
    assert_eq!(picture(&blocked)[0], "|===|");
}

#[test]
fn a_queue_with_room_for_a_few_never_holds_more() {
    for room in [1, 2, 8, 100] {
        let longest = measure(300, room).unwrap();
        assert!(longest.bounded <= room + 1, "{longest:?}");
        assert_eq!(longest.unbounded, 300);
    }
}

#[test]
fn a_forgotten_waker_is_not_heard_of() {
    assert!(!broken::forgotten_waker(Duration::from_millis(200)).unwrap());
}

#[test]
fn who_orders_a_wake_up_is_polled_a_few_times() {
    let (restless, asleep) = broken::spin(Duration::from_millis(30)).unwrap();
    assert!(restless > asleep, "{restless} and {asleep}");
    assert!(asleep <= 4, "{asleep}"); // the kernel's clock may end a wait early
}

#[test]
fn a_dropped_future_takes_its_bytes_along() {
    let told = broken::lost_bytes().unwrap();
    assert_eq!(told[..2], ["frame \"one\"", "tick"]);
    assert!(told[2].starts_with("error"), "{told:?}");
}

#[test]
fn a_call_that_blocks_comes_first_and_one_that_is_handed_over_last() {
    let [blocked, handed] = broken::blocking(Duration::from_millis(20)).unwrap();
    assert_eq!(blocked, ["the slow lookup", "the quick answer"]);
    assert_eq!(handed, ["the quick answer", "the slow lookup"]);
}

#[test]
fn memory_and_turns_can_be_measured() {
    if cfg!(target_os = "linux") {
        per_client(Kind::Mini, 20).unwrap();
    }
    surprise::measure(10, 3).unwrap();
}
