//! Lesson 6: options and local sockets.

use super::{Exercise, Lesson, Mistake, Part};

const STEM: &str = "06-options";

pub(super) const PART: Part = Part {
    lesson: Lesson {
        number: 6,
        stem: STEM,
        title: "Options and local sockets",
    },
    exercises: EXERCISES,
    mistakes: MISTAKES,
};

const EXERCISES: &[Exercise] = &[
    Exercise {
        id: "options/table",
        stem: STEM,
        title: "What a socket is set to",
        learnt: "An option is asked for with one call and read back with another, and \
                 the kernel's answer may be a third thing: doubled, bounded, or that \
                 this kind of socket has no such option.",
    },
    Exercise {
        id: "options/prompt",
        stem: STEM,
        title: "A request in pieces that is not held back",
        learnt: "What is ready together goes in one write; what is not goes with \
                 TCP_NODELAY.",
    },
    Exercise {
        id: "options/unix-echo",
        stem: STEM,
        title: "A server at a file name",
        learnt: "A socket file outlives its server: the server removes its own, and \
                 another's only after it has made sure that nobody listens there.",
    },
    Exercise {
        id: "options/packets",
        stem: STEM,
        title: "Packets over a pair of sockets",
        learnt: "SEQPACKET keeps the boundaries of messages on a connection; the \
                 reader has to notice a packet that was longer than its buffer.",
    },
    Exercise {
        id: "options/passfd",
        stem: STEM,
        title: "A connection for another process",
        learnt: "A descriptor travels beside at least one byte, arrives as another \
                 number, and leaves a copy behind that the sender has to close.",
    },
];

const MISTAKES: &[Mistake] = &[
    Mistake {
        id: "M27",
        name: "A copy of the descriptor is kept",
        symptom: "The process that has the connection closes it, and the peer's end \
                  does not come.",
        page: "06-options.html#the-sender-keeps-a-copy",
    },
    Mistake {
        id: "M80",
        name: "What was asked for, taken for what was set",
        symptom: "A buffer is said to have the size that somebody wished for.",
        page: "06-options.html#what-the-kernel-makes-of-it",
    },
    Mistake {
        id: "M81",
        name: "Off is not the same as 0 seconds",
        symptom: "A socket that does not linger is said to linger for no time, or the \
                  other way round.",
        page: "06-options.html#off-and-zero",
    },
    Mistake {
        id: "M82",
        name: "An option of another kind of socket",
        symptom: "ENOPROTOOPT or EOPNOTSUPP from a socket that is quite all right.",
        page: "06-options.html#levels",
    },
    Mistake {
        id: "M83",
        name: "The socket file is left behind",
        symptom: "The server has ended, its file is still there, and the next server \
                  cannot bind.",
        page: "06-options.html#a-file-that-outlives-its-server",
    },
    Mistake {
        id: "M84",
        name: "A name taken away from its owner",
        symptom: "A running server gets no callers any more, or a file is gone.",
        page: "06-options.html#who-may-be-removed",
    },
    Mistake {
        id: "M85",
        name: "A stale socket file taken for a server",
        symptom: "EADDRINUSE, and nobody listens there.",
        page: "06-options.html#a-file-that-outlives-its-server",
    },
    Mistake {
        id: "M86",
        name: "Small writes that wait for an acknowledgement",
        symptom: "Each request in two pieces takes some 40 ms more than it needs.",
        page: "06-options.html#write-write-read",
    },
    Mistake {
        id: "M87",
        name: "Where a packet ends was not noticed",
        symptom: "Of a long packet only the beginning arrives, or two packets arrive \
                  as one.",
        page: "06-options.html#packets-on-a-connection",
    },
    Mistake {
        id: "M88",
        name: "An empty packet looks like the end",
        symptom: "The other side hangs up after a packet that was sent on purpose.",
        page: "06-options.html#the-empty-packet",
    },
    Mistake {
        id: "M89",
        name: "The descriptor did not travel",
        symptom: "The other process gets nothing, or a number that means nothing to it.",
        page: "06-options.html#a-descriptor-for-another-process",
    },
];
