//! The time as C's `ctime` tells it, without a library.

use std::time::{SystemTime, UNIX_EPOCH};

const DAY: u64 = 24 * 60 * 60;

/// The Gregorian calendar repeats itself after 400 years, of which 97 are leap years.
const DAYS_IN_400_YEARS: u64 = 400 * 365 + 97;

const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
    "Dec",
];

/// Tells `time` in the form of [ctime(3)], in UTC: `Sat Nov 21 09:49:47 2026`.
///
/// std knows the seconds since 1970, but no calendar, and no time zones. A `time`
/// before 1970, which only a wrong clock shows, is told as the first second of 1970.
///
/// [ctime(3)]: https://man7.org/linux/man-pages/man3/ctime.3.html
pub fn ctime(time: SystemTime) -> String {
    let seconds = time
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let (days, second) = (seconds / DAY, seconds % DAY);
    let weekday = WEEKDAYS[(days % 7) as usize]; // 1 January 1970 was a Thursday
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{weekday} {month} {day:>2} {hour:02}:{minute:02}:{second:02} {year}")
}

/// Year, month and day of the month, so many `days` after 1 January 1970.
///
/// It counts off years, then months, by the rule of the Gregorian calendar
/// (ISO 8601): every fourth year is a leap year, every hundredth is not, every four
/// hundredth is.
fn date(days: u64) -> (u64, &'static str, u64) {
    let mut year = 1970 + 400 * (days / DAYS_IN_400_YEARS);
    let mut days = days % DAYS_IN_400_YEARS;
    while days >= 365 + leap_day(year) {
        days -= 365 + leap_day(year);
        year += 1;
    }
    let february = 28 + leap_day(year);
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    (year, MONTHS[month], days + 1)
}

/// 1 if `year` has a 29 February, else 0.
fn leap_day(year: u64) -> u64 {
    let every = |years| year.is_multiple_of(years);
    u64::from(every(4) && (!every(100) || every(400)))
}
