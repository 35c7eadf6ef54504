//! Lesson 13: the framework.

use super::{Exercise, Lesson, Mistake, Part};

const STEM: &str = "13-socketserver";

pub(super) const PART: Part = Part {
    lesson: Lesson {
        number: 13,
        stem: STEM,
        title: "The framework",
    },
    exercises: EXERCISES,
    mistakes: MISTAKES,
};

const EXERCISES: &[Exercise] = &[
    Exercise {
        id: "socketserver/choice",
        stem: STEM,
        title: "One word",
        learnt: "A strategy is a value that can be made of a word, and a handler does \
                 not know who runs it.",
    },
    Exercise {
        id: "socketserver/lifecycle",
        stem: STEM,
        title: "Setup, handle, finish",
        learnt: "What was set up is finished, whatever happens in between, and the peer \
             sees the end in any case.",
    },
    Exercise {
        id: "socketserver/verify",
        stem: STEM,
        title: "At the door",
        learnt: "A hook is somebody else's code: it may panic, and what goes wrong is \
                 told apart by its kind.",
    },
    Exercise {
        id: "socketserver/ticks",
        stem: STEM,
        title: "Figures now and then",
        learnt: "One wait has two ends, a caller or the clock, and neither makes the \
                 other late.",
    },
    Exercise {
        id: "socketserver/shutdown",
        stem: STEM,
        title: "Stopped from anywhere",
        learnt: "Who stops a server waits with a limit and never for itself, and what \
                 a request needed is given back when it ends.",
    },
];

const MISTAKES: &[Mistake] = &[
    Mistake {
        id: "M140",
        name: "No finish after a handle that failed",
        symptom: "With each request that fails, something is taken and never given \
                  back.",
        page: "13-socketserver.html#finish-in-any-case",
    },
    Mistake {
        id: "M141",
        name: "A finish without a setup",
        symptom: "Something is given back that was never taken.",
        page: "13-socketserver.html#no-finish-without-a-setup",
    },
    Mistake {
        id: "M142",
        name: "The second error hides the first",
        symptom: "The log tells of the clean-up, and not of what went wrong.",
        page: "13-socketserver.html#the-first-error-counts",
    },
    Mistake {
        id: "M143",
        name: "Closed, and not shut down",
        symptom: "The server is done with a peer, and the peer sees no end, as long as \
                  a copy of the descriptor is open.",
        page: "13-socketserver.html#shut-down-then-closed",
    },
    Mistake {
        id: "M144",
        name: "A panic in a request ends who serves it",
        symptom: "One request panics, and the server, or one of its workers, is gone.",
        page: "13-socketserver.html#a-panic-is-an-error",
    },
    Mistake {
        id: "M145",
        name: "A shutdown that waits for itself",
        symptom: "A request asks the server to stop, and from then on everybody waits.",
        page: "13-socketserver.html#who-waits-for-whom",
    },
    Mistake {
        id: "M146",
        name: "A count that a panic leaves behind",
        symptom: "Nobody is served any more, and the server waits for a request that \
                  panicked long ago.",
        page: "13-socketserver.html#what-a-panic-leaves-behind",
    },
    Mistake {
        id: "M147",
        name: "A tick that depends on callers",
        symptom: "Nobody calls, or everybody does, and the figures do not come.",
        page: "13-socketserver.html#a-tick",
    },
    Mistake {
        id: "M148",
        name: "A loop that looks more often than it was asked to",
        symptom: "A server with nothing to do wakes up hundreds of times in a second.",
        page: "13-socketserver.html#not-more-often-than-asked",
    },
    Mistake {
        id: "M149",
        name: "All errors are one",
        symptom: "The number of errors is known, and not whether peers, the network or \
                  the program are to blame.",
        page: "13-socketserver.html#errors-by-kind",
    },
];
