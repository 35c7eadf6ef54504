//! Lesson 3: datagrams.

use super::{Exercise, Lesson, Mistake, Part};

const STEM: &str = "03-udp";

pub(super) const PART: Part = Part {
    lesson: Lesson {
        number: 3,
        stem: STEM,
        title: "Datagrams",
    },
    exercises: EXERCISES,
    mistakes: MISTAKES,
};

const EXERCISES: &[Exercise] = &[
    Exercise {
        id: "udp/echo",
        stem: STEM,
        title: "Every datagram back to whoever sent it",
        learnt: "One socket serves everybody: each datagram comes whole, if the buffer \
                 has room for it, and says where it came from.",
    },
    Exercise {
        id: "udp/ask",
        stem: STEM,
        title: "A question, asked again until it is answered",
        learnt: "A time limit, a bounded number of tries and a number in each request: \
                 that is what it takes to get an answer over a network that loses \
                 datagrams, and to know that it is the right one.",
    },
    Exercise {
        id: "udp/store",
        stem: STEM,
        title: "Keys and values, one datagram at a time",
        learnt: "A datagram is a message already; what is left to do is to doubt it: \
                 too long, empty, no request at all.",
    },
    Exercise {
        id: "udp/transfer",
        stem: STEM,
        title: "A file over a network that loses and doubles",
        learnt: "Whoever does not know whether a block arrived sends it again; so the \
                 other side keeps each block once and acknowledges it every time.",
    },
];

const MISTAKES: &[Mistake] = &[
    Mistake {
        id: "M29",
        name: "A datagram that is longer than the buffer",
        symptom: "Of long messages only the beginning is there; the next message is \
                  whole again.",
        page: "03-udp.html#what-does-not-fit-is-lost",
    },
    Mistake {
        id: "M50",
        name: "The answer goes to somebody else",
        symptom: "With two clients at a time, one gets the other's answers, or none.",
        page: "03-udp.html#back-to-whoever-sent-it",
    },
    Mistake {
        id: "M51",
        name: "The answer comes from another socket",
        symptom: "The answer is right, and a careful client ignores it: its address is \
                  not the one that was asked.",
        page: "03-udp.html#from-the-same-socket",
    },
    Mistake {
        id: "M52",
        name: "A lost datagram, and no second try",
        symptom: "One datagram is lost, and the client gives up or waits for ever.",
        page: "03-udp.html#ask-again",
    },
    Mistake {
        id: "M53",
        name: "An empty datagram is not the end",
        symptom: "A datagram without bytes ends the program, or is passed over.",
        page: "03-udp.html#an-empty-datagram",
    },
    Mistake {
        id: "M54",
        name: "Whatever comes is taken for the answer",
        symptom: "After a slow answer, every answer is that of the question before; or \
                  a stranger's is believed.",
        page: "03-udp.html#a-number-for-each-question",
    },
    Mistake {
        id: "M55",
        name: "Every stray starts the time limit anew",
        symptom: "As long as something comes, even rubbish, the client does not ask \
                  again.",
        page: "03-udp.html#the-time-that-is-left",
    },
    Mistake {
        id: "M56",
        name: "A duplicate taken for something new",
        symptom: "Parts of the file are there twice.",
        page: "03-udp.html#again-or-new",
    },
    Mistake {
        id: "M57",
        name: "The last block is full",
        symptom: "A file whose length is a multiple of the block's never ends, or ends \
                  too early.",
        page: "03-udp.html#the-last-block",
    },
    Mistake {
        id: "M58",
        name: "What has come before is not acknowledged again",
        symptom: "One acknowledgement is lost, and the transfer stands still.",
        page: "03-udp.html#again-or-new",
    },
    Mistake {
        id: "M59",
        name: "One unreadable datagram ends the server",
        symptom: "Somebody sends rubbish, and nobody is answered any more.",
        page: "03-udp.html#anybody-can-send-you-anything",
    },
];
