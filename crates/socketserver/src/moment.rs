//! Moments that may never come.

use std::time::{Duration, Instant};

/// Longer than any machine runs.
const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// The moment after so long. [`Duration::MAX`] is how one says "for ever", and no clock
/// goes so far: such a moment lies a century away.
pub(crate) fn after(start: Instant, span: Duration) -> Instant {
    start + span.min(FAR)
}

/// The same, from now.
pub(crate) fn from_now(span: Duration) -> Instant {
    after(Instant::now(), span)
}
