//! Lesson 11: coroutines and async.

use super::{Exercise, Lesson, Mistake, Part};

const STEM: &str = "11-async";

pub(super) const PART: Part = Part {
    lesson: Lesson {
        number: 11,
        stem: STEM,
        title: "Coroutines and async",
    },
    exercises: EXERCISES,
    mistakes: MISTAKES,
};

const EXERCISES: &[Exercise] = &[
    Exercise {
        id: "async/readable",
        stem: STEM,
        title: "A future for what a socket brings",
        learnt: "A poll looks and returns. One that says pending has seen to it that \
                 the waker of this very poll will be called.",
    },
    Exercise {
        id: "async/waker",
        stem: STEM,
        title: "An executor that loses no wake-up",
        learnt: "A wake-up is a note of whose turn it is, kept until it is read; looking \
                 for one and falling asleep are one step.",
    },
    Exercise {
        id: "async/frames",
        stem: STEM,
        title: "A reader that may be interrupted",
        learnt: "A future that loses in `select!` is dropped, with all that it holds. \
                 What must not be lost lives outside it.",
    },
    Exercise {
        id: "async/blocking",
        stem: STEM,
        title: "One client's question holds everybody up",
        learnt: "Tasks give way only where they await. A call that blocks takes the \
                 thread with it, and belongs into a thread that may wait.",
    },
    Exercise {
        id: "async/drain",
        stem: STEM,
        title: "A server that ends in good order, and in time",
        learnt: "Close the door, let them finish, cut off the rest at a deadline that is \
                 one moment for all, and say how many.",
    },
];

const MISTAKES: &[Mistake] = &[
    Mistake {
        id: "M32",
        name: "The executor's thread taken, or a future's bytes dropped",
        symptom: "One slow request delays all clients; or bytes are missing after \
                  something else was served in the middle of a message.",
        page: "11-async.html#what-a-task-must-not-do",
    },
    Mistake {
        id: "M130",
        name: "Pending, and nobody will say when",
        symptom: "A task sleeps for ever, although what it waits for has come.",
        page: "11-async.html#a-future-is-asked",
    },
    Mistake {
        id: "M131",
        name: "An old waker",
        symptom: "A task that was polled by somebody else in between is not woken.",
        page: "11-async.html#the-last-waker-counts",
    },
    Mistake {
        id: "M132",
        name: "Polled without a reason",
        symptom: "Every answer is right, and a processor is busy while nothing happens.",
        page: "11-async.html#sleep-between-two-wake-ups",
    },
    Mistake {
        id: "M133",
        name: "\"Not yet\", taken for a result",
        symptom: "A future is ready with nothing, or with `WouldBlock`.",
        page: "11-async.html#a-future-is-asked",
    },
    Mistake {
        id: "M134",
        name: "A future that was over, polled again",
        symptom: "A panic, \"`async fn` resumed after completion\", now and then.",
        page: "11-async.html#an-executor-in-two-hundred-lines",
    },
    Mistake {
        id: "M135",
        name: "Everybody polled for one wake-up",
        symptom: "The more idle connections there are, the more each byte costs.",
        page: "11-async.html#an-executor-in-two-hundred-lines",
    },
    Mistake {
        id: "M136",
        name: "One busy task keeps all others waiting",
        symptom: "While one connection has a lot to say, the others get no answer.",
        page: "11-async.html#first-come-first-served",
    },
    Mistake {
        id: "M137",
        name: "Told to stop, and everybody cut off",
        symptom: "A restart of the server breaks the conversations that are going on.",
        page: "11-async.html#the-end-with-a-deadline",
    },
    Mistake {
        id: "M138",
        name: "A stop without a deadline",
        symptom: "The server was told to stop, and one caller keeps it alive.",
        page: "11-async.html#the-end-with-a-deadline",
    },
    Mistake {
        id: "M139",
        name: "Told to stop, and still open for callers",
        symptom: "Callers connect to a server that is ending, and get no answer.",
        page: "11-async.html#the-end-with-a-deadline",
    },
];
