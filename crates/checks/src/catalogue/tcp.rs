//! Lesson 1: a first conversation.

use super::{Exercise, Lesson, Mistake, Part};

const STEM: &str = "01-tcp";

pub(super) const PART: Part = Part {
    lesson: Lesson {
        number: 1,
        stem: STEM,
        title: "A first conversation",
    },
    exercises: EXERCISES,
    mistakes: MISTAKES,
};

const EXERCISES: &[Exercise] = &[
    Exercise {
        id: "tcp/greeting",
        stem: STEM,
        title: "A client that hears the server out",
        learnt: "A read that returns 0 bytes is how you see that the other side has \
                 said everything; until then, keep reading.",
    },
    Exercise {
        id: "tcp/timestamps",
        stem: STEM,
        title: "A server that stamps each line with the time",
        learnt: "A server has two loops: an outer one over callers and an inner one \
                 over what a caller says; the end of input ends the inner one only.",
    },
    Exercise {
        id: "tcp/peer-card",
        stem: STEM,
        title: "The four numbers of a connection",
        learnt: "A connection is a pair of address and port at both ends, and each \
                 end can name both.",
    },
    Exercise {
        id: "tcp/repair",
        stem: STEM,
        title: "Repair a server that its first rude caller brings down",
        learnt: "The listener makes connections and never carries bytes, and one \
                 caller's error ends that caller's visit, not the server.",
    },
];

const MISTAKES: &[Mistake] = &[
    Mistake {
        id: "M5",
        name: "A read of 0 bytes is the end",
        symptom: "After the peer has left, the program spins, or answers nothing \
                  again and again.",
        page: "01-tcp.html#the-end-of-input",
    },
    Mistake {
        id: "M6",
        name: "The whole buffer instead of the part that was filled",
        symptom: "The answer is followed by zeros, or by what was read before.",
        page: "01-tcp.html#the-part-that-was-filled",
    },
    Mistake {
        id: "M7",
        name: "Reading to the end before answering",
        symptom: "No answer comes until the peer ends its side.",
        page: "01-tcp.html#who-waits-for-whom",
    },
    Mistake {
        id: "M13",
        name: "The connection is never closed",
        symptom: "The answer is right, and then the peer waits for the end for ever; \
                  descriptors add up.",
        page: "01-tcp.html#drop-closes-the-socket",
    },
    Mistake {
        id: "M14",
        name: "One caller's error ends the server",
        symptom: "After a peer has hung up or reset, nobody can connect.",
        page: "01-tcp.html#one-callers-error",
    },
    Mistake {
        id: "M21",
        name: "Asking again and again instead of waiting",
        symptom: "The answers are right, and a processor is busy while nobody talks.",
        page: "01-tcp.html#a-read-that-waits",
    },
    Mistake {
        id: "M16",
        name: "The port of the last run is still taken",
        symptom: "A server that is started again at once cannot bind its port.",
        page: "01-tcp.html#a-socket-that-listens",
    },
    Mistake {
        id: "M18",
        name: "One caller at a time",
        symptom: "While one caller is silent, no other is answered.",
        page: "01-tcp.html#two-loops",
    },
    Mistake {
        id: "M25",
        name: "No descriptors left",
        symptom: "With many callers the server ends, or keeps a processor busy.",
        page: "01-tcp.html#drop-closes-the-socket",
    },
    Mistake {
        id: "M33",
        name: "The server ends with its first caller",
        symptom: "The first caller is served, the second is refused.",
        page: "01-tcp.html#two-loops",
    },
    Mistake {
        id: "M34",
        name: "The listener carries no bytes",
        symptom: "Reading from the listening socket fails: not connected (ENOTCONN).",
        page: "01-tcp.html#the-listener-carries-no-bytes",
    },
    Mistake {
        id: "M35",
        name: "The wrong socket, or the wrong end of it",
        symptom: "The addresses are swapped, or those of the listener.",
        page: "01-tcp.html#the-four-numbers",
    },
    Mistake {
        id: "M40",
        name: "Stopped before the end",
        symptom: "The first line is there, the others are not.",
        page: "01-tcp.html#the-end-of-input",
    },
];
