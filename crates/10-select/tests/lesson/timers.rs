//! The heap of timers.

use std::time::{Duration, Instant};

use lesson_10::timers::Timers;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn timers_come_due_in_the_order_of_their_times_and_not_before() {
    let now = Instant::now();
    let mut timers = Timers::new();
    for seconds in [5, 1, 3, 2, 4] {
        timers.set(now + SECOND * seconds, seconds);
    }
    assert_eq!(timers.pop_due(now), None);
    assert_eq!(timers.next_due(), Some(now + SECOND));
    let later = now + SECOND * 4;
    let due: Vec<u32> = std::iter::from_fn(|| timers.pop_due(later)).collect();
    assert_eq!(due, [1, 2, 3, 4]);
    assert_eq!(timers.len(), 1);
}

#[test]
fn timers_of_one_moment_come_due_in_the_order_in_which_they_were_set() {
    let now = Instant::now();
    let mut timers = Timers::new();
    for number in 0..10 {
        timers.set(now, number);
    }
    let due: Vec<u32> = std::iter::from_fn(|| timers.pop_due(now)).collect();
    assert_eq!(due, Vec::from_iter(0..10));
}

#[test]
fn a_cancelled_timer_does_not_come_due_and_does_not_shorten_a_wait() {
    let now = Instant::now();
    let mut timers = Timers::new();
    let first = timers.set(now + SECOND, 'a');
    timers.set(now + SECOND * 9, 'b');
    assert_eq!(timers.cancel(first), Some('a'));
    assert_eq!(timers.cancel(first), None);
    assert_eq!(timers.limit(now, None), Some(SECOND * 9));
    assert_eq!(timers.limit(now, Some(SECOND)), Some(SECOND));
    assert_eq!(timers.limit(now + SECOND * 10, None), Some(Duration::ZERO));
    assert_eq!(timers.pop_due(now + SECOND * 9), Some('b'));
    assert_eq!(timers.pop_due(now + SECOND * 9), None);
    assert_eq!(timers.limit(now, None), None);
    assert!(timers.is_empty());
}

#[test]
fn a_timeout_that_moves_with_every_byte_does_not_fill_the_heap() {
    let now = Instant::now();
    let mut timers = Timers::new();
    let mut last = timers.set(now, 0);
    for byte in 1..100_000 {
        timers.cancel(last);
        last = timers.set(now + SECOND + Duration::from_micros(byte), byte);
        assert!(timers.held() < 100, "{}", timers.held());
    }
    assert_eq!(timers.len(), 1);
}

#[test]
fn whatever_is_set_and_cancelled_the_heap_agrees_with_a_sorted_list() {
    let mut random = fastrand::Rng::with_seed(10);
    let start = Instant::now();
    for _ in 0..100 {
        let mut timers = Timers::new();
        let mut list: Vec<(Instant, lesson_10::timers::TimerId, u32)> = Vec::new();
        let mut now = start;
        for number in 0..300 {
            match random.u8(..10) {
                0..5 => {
                    let due = now + Duration::from_millis(random.u64(..1000));
                    list.push((due, timers.set(due, number), number));
                }
                5..7 if !list.is_empty() => {
                    let (_, id, number) =
                        list.swap_remove(random.usize(..list.len()));
                    assert_eq!(timers.cancel(id), Some(number));
                }
                _ => {
                    now += Duration::from_millis(random.u64(..100));
                    list.sort();
                    let due = list.iter().take_while(|timer| timer.0 <= now).count();
                    for (_, _, number) in list.drain(..due) {
                        assert_eq!(timers.pop_due(now), Some(number));
                    }
                    assert_eq!(timers.pop_due(now), None);
                }
            }
            assert_eq!(timers.len(), list.len());
            assert_eq!(timers.next_due(), list.iter().map(|timer| timer.0).min());
        }
    }
}
