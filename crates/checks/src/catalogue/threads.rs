//! Lesson 8: threads.

use super::{Exercise, Lesson, Mistake, Part};

const STEM: &str = "08-threads";

pub(super) const PART: Part = Part {
    lesson: Lesson {
        number: 8,
        stem: STEM,
        title: "Threads",
    },
    exercises: EXERCISES,
    mistakes: MISTAKES,
};

const EXERCISES: &[Exercise] = &[
    Exercise {
        id: "threads/two",
        stem: STEM,
        title: "Two callers at once",
        learnt: "A thread for each caller lets each of them take its time; what a \
                 server keeps of a thread that has ended adds up, its handle too.",
    },
    Exercise {
        id: "threads/pool",
        stem: STEM,
        title: "So many at once, so many wait, and a polite no",
        learnt: "A bound has three parts: how many are served, how many wait, and what \
                 the others are told; a caller's error costs no thread.",
    },
    Exercise {
        id: "threads/panic",
        stem: STEM,
        title: "A handler that panics",
        learnt: "A panic ends its thread unless it is caught, and poisons the locks \
                 that the thread held; both can be one caller's business only.",
    },
    Exercise {
        id: "threads/chat",
        stem: STEM,
        title: "A chat in which nobody waits for the slowest",
        learnt: "A lock is for memory, not for waiting: a bounded queue and a thread \
                 for each caller keep one who does not read from stopping the others.",
    },
    Exercise {
        id: "threads/drain",
        stem: STEM,
        title: "Told to stop, with callers in the house",
        learnt: "To stop in good order is four things: wake `accept`, take nobody any \
                 more, wait with a limit, and say who was left.",
    },
];

const MISTAKES: &[Mistake] = &[
    Mistake {
        id: "M100",
        name: "A handle kept of every thread",
        symptom: "Threads have ended, and the memory of their stacks adds up.",
        page: "08-threads.html#what-is-left-of-a-thread",
    },
    Mistake {
        id: "M101",
        name: "A thread for everybody who comes",
        symptom: "The number of threads grows with the number of callers.",
        page: "08-threads.html#a-pool-with-a-limit",
    },
    Mistake {
        id: "M102",
        name: "A lock held while waiting for a caller",
        symptom: "One caller is silent, or does not read, and threads of the others \
                  wait in futex.",
        page: "08-threads.html#a-lock-across-a-write",
    },
    Mistake {
        id: "M103",
        name: "A queue without a bound, or one that waits",
        symptom: "Nobody is refused, and callers or lines pile up.",
        page: "08-threads.html#when-the-queue-is-full",
    },
    Mistake {
        id: "M104",
        name: "A caller's error costs a thread of the pool",
        symptom: "After some callers have broken off, nobody is served any more.",
        page: "08-threads.html#a-worker-lives-on",
    },
    Mistake {
        id: "M105",
        name: "A poisoned lock",
        symptom: "After one panic, others panic with \"PoisonError\".",
        page: "08-threads.html#a-poisoned-lock",
    },
    Mistake {
        id: "M106",
        name: "A panic costs a thread of the pool",
        symptom: "After some panics nobody is served any more, and the server runs on.",
        page: "08-threads.html#a-panic-is-one-callers",
    },
    Mistake {
        id: "M107",
        name: "The speaker hears itself",
        symptom: "Who says something in a chat gets it back.",
        page: "08-threads.html#one-who-does-not-read",
    },
    Mistake {
        id: "M108",
        name: "A join without a limit",
        symptom: "A server that was told to stop waits for ever for one caller.",
        page: "08-threads.html#join-has-no-limit",
    },
    Mistake {
        id: "M109",
        name: "Everybody waits for the slowest",
        symptom: "One does not read, and others hear no more.",
        page: "08-threads.html#one-who-does-not-read",
    },
];
