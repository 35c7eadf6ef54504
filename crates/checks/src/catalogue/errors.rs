//! Lesson 4: when it goes wrong.

use super::{Exercise, Lesson, Mistake, Part};

const STEM: &str = "04-errors";

pub(super) const PART: Part = Part {
    lesson: Lesson {
        number: 4,
        stem: STEM,
        title: "When it goes wrong",
    },
    exercises: EXERCISES,
    mistakes: MISTAKES,
};

const EXERCISES: &[Exercise] = &[
    Exercise {
        id: "errors/gopher",
        stem: STEM,
        title: "A client that can say what went wrong",
        learnt: "Each stage of a conversation fails in its own way, and the kind of \
                 an error says which, if you do not throw it away.",
    },
    Exercise {
        id: "errors/half-close",
        stem: STEM,
        title: "An answer after the caller's end",
        learnt: "Each direction of a connection ends by itself: who has heard the end \
                 can still answer, and who closes after reading everything ends with \
                 a FIN.",
    },
    Exercise {
        id: "errors/survivor",
        stem: STEM,
        title: "A server that outlives its callers",
        learnt: "A reset, a caller that is gone and one that never reads are everyday \
                 results of a call; a time limit for reads and for writes keeps any \
                 one caller from stopping the others.",
    },
    Exercise {
        id: "errors/deadline",
        stem: STEM,
        title: "One limit for the whole reply",
        learnt: "A limit for each read starts again with each byte; a deadline is a \
                 moment, and what is left until then is asked for before each call.",
    },
    Exercise {
        id: "errors/stop",
        stem: STEM,
        title: "Ctrl-C in good order",
        learnt: "A flag wakes nobody. Something has to end the call in which the \
                 server waits, and the caller that is being served is finished first.",
    },
];

const MISTAKES: &[Mistake] = &[
    Mistake {
        id: "M15",
        name: "Ended by SIGPIPE",
        symptom: "A peer hangs up, and the program is gone without a word, by \
                  signal 13.",
        page: "04-errors.html#a-write-to-nobody",
    },
    Mistake {
        id: "M31",
        name: "A flag that nobody looks at",
        symptom: "After Ctrl-C the server waits on, and ends with its next caller.",
        page: "04-errors.html#a-flag-wakes-nobody",
    },
    Mistake {
        id: "M60",
        name: "A phrase looked for in each piece",
        symptom: "A message is recognised, except when it arrives in pieces.",
        page: "04-errors.html#stages",
    },
    Mistake {
        id: "M61",
        name: "A connect without a limit",
        symptom: "The server is too busy to take calls, and the client waits for \
                  minutes.",
        page: "04-errors.html#a-limit-for-connect",
    },
    Mistake {
        id: "M62",
        name: "One name for every failure",
        symptom: "Refused, reset and timed out look the same to the caller.",
        page: "04-errors.html#an-error-of-our-own",
    },
    Mistake {
        id: "M63",
        name: "A time limit that is not called one",
        symptom: "A read gives up in time, and the error says `WouldBlock`, \
                  \"resource temporarily unavailable\".",
        page: "04-errors.html#a-limit-for-read-and-write",
    },
    Mistake {
        id: "M64",
        name: "Waiting without a limit",
        symptom: "One silent peer, or one that does not read, and the program waits \
                  for ever.",
        page: "04-errors.html#a-limit-for-read-and-write",
    },
    Mistake {
        id: "M65",
        name: "Answered before the caller's end",
        symptom: "The answer comes in parts, or too early, while the caller is still \
                  speaking.",
        page: "04-errors.html#half-a-conversation",
    },
    Mistake {
        id: "M66",
        name: "A limit for each read, not for the whole",
        symptom: "A peer that drips a byte now and then keeps the program for as long \
                  as it likes.",
        page: "04-errors.html#a-deadline-for-the-whole",
    },
    Mistake {
        id: "M67",
        name: "No time left, and asked for none",
        symptom: "An error of the kind `InvalidInput`: \"cannot set a 0 duration \
                  timeout\".",
        page: "04-errors.html#a-deadline-for-the-whole",
    },
    Mistake {
        id: "M68",
        name: "Stopped in the middle of a conversation",
        symptom: "Ctrl-C cuts off the caller that is being served.",
        page: "04-errors.html#two-ways-that-do",
    },
    Mistake {
        id: "M69",
        name: "The server is over, and its port is not free",
        symptom: "The function has returned, and callers still get a connection that \
                  nobody serves.",
        page: "04-errors.html#two-ways-that-do",
    },
];
