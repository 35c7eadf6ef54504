//! The word that says who runs the handler.

use socketserver::Strategy;

// ANCHOR: strategies
/// The strategies by their names: the one word that changes.
///
/// The limits are there because a limit has to be. A thousand threads are what a
/// small machine bears; a process for each peer costs more, and a caller beyond the
/// limit waits in the kernel's queue.
pub const STRATEGIES: [(&str, Strategy); 6] = [
    ("inline", Strategy::Inline),
    ("threads", Strategy::Threads { max: 1000 }),
    (
        "pool",
        Strategy::Pool {
            workers: 4,
            queue: 1000,
        },
    ),
    ("fork", Strategy::Fork { max: 200 }),
    ("prefork", Strategy::Prefork { workers: 4 }),
    (
        "parked",
        Strategy::Parked {
            workers: 4,
            max: 1000,
        },
    ),
];

/// The strategy of this name.
pub fn find(name: &str) -> Option<Strategy> {
    let mut all = STRATEGIES.into_iter();
    all.find(|(known, _)| *known == name).map(|(_, one)| one)
}
// ANCHOR_END: strategies

/// Their names, for people.
pub fn names() -> String {
    STRATEGIES.map(|(name, _)| name).join(", ")
}
