//! How the time is told.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lesson_1::ctime::ctime;

const DAY: u64 = 24 * 60 * 60;

fn at(seconds: u64) -> String {
    ctime(UNIX_EPOCH + Duration::from_secs(seconds))
}

#[test]
fn a_day_of_one_digit_gets_a_space_and_a_time_gets_zeros() {
    assert_eq!(at(0), "Thu Jan  1 00:00:00 1970");
    assert_eq!(at(DAY - 1), "Thu Jan  1 23:59:59 1970");
    assert_eq!(at(9 * DAY + 3661), "Sat Jan 10 01:01:01 1970");
}

#[test]
fn leap_years_are_every_fourth_but_for_centuries_that_400_does_not_divide() {
    // Seconds from `date -u -d "2000-02-29" +%s` and its like.
    assert_eq!(at(951_782_400), "Tue Feb 29 00:00:00 2000");
    assert_eq!(at(1_709_164_800), "Thu Feb 29 00:00:00 2024");
    assert_eq!(at(4_107_542_400), "Mon Mar  1 00:00:00 2100");
    assert_eq!(at(4_107_542_399), "Sun Feb 28 23:59:59 2100");
    assert_eq!(at(13_574_563_200), "Tue Feb 29 00:00:00 2400");
}

#[test]
fn a_time_before_1970_is_told_as_its_first_second_and_the_last_one_is_told_at_once() {
    assert_eq!(ctime(UNIX_EPOCH - Duration::from_secs(1)), at(0));
    // The last second that Linux can count; a walk over all years would take hours.
    let last = UNIX_EPOCH.checked_add(Duration::from_secs(i64::MAX as u64));
    ctime(last.unwrap_or(SystemTime::now()));
}
