//! Lesson 2: bytes, not messages.

use super::{Exercise, Lesson, Mistake, Part};

const STEM: &str = "02-bytes";

pub(super) const PART: Part = Part {
    lesson: Lesson {
        number: 2,
        stem: STEM,
        title: "Bytes, not messages",
    },
    exercises: EXERCISES,
    mistakes: MISTAKES,
};

const EXERCISES: &[Exercise] = &[
    Exercise {
        id: "bytes/words",
        stem: STEM,
        title: "Words with their length in front",
        learnt: "A length in front frames any bytes at all, if both sides agree on \
                 its size, its byte order and its limit.",
    },
    Exercise {
        id: "bytes/read-line",
        stem: STEM,
        title: "Lines out of a stream that is cut anywhere",
        learnt: "You keep what came after the line for the next one, you ask for more \
                 when there is no newline yet, and you stop at a limit.",
    },
    Exercise {
        id: "bytes/write-all",
        stem: STEM,
        title: "All the bytes, whatever the kernel takes at a time",
        learnt: "A write may take fewer bytes than it was given; the number it \
                 returns says where to go on.",
    },
    Exercise {
        id: "bytes/chat-line",
        stem: STEM,
        title: "Text after the cut, not before",
        learnt: "First find where a message ends, then decode it: a character may be \
                 split between two reads, never between two messages.",
    },
    Exercise {
        id: "bytes/upload",
        stem: STEM,
        title: "Sixteen megabytes there and back",
        learnt: "Buffers at both ends are finite: who only writes stops the one that \
                 wants to write back.",
    },
];

const MISTAKES: &[Mistake] = &[
    Mistake {
        id: "M1",
        name: "One read is not one message",
        symptom: "A message that arrives in pieces is answered piece by piece.",
        page: "02-bytes.html#one-read-is-not-one-message",
    },
    Mistake {
        id: "M2",
        name: "What came behind the message is lost",
        symptom: "Of messages that arrive together only the first is answered.",
        page: "02-bytes.html#what-came-behind-the-message",
    },
    Mistake {
        id: "M3",
        name: "A new `BufReader` for every message",
        symptom: "As above; the first reader took the other messages with it.",
        page: "02-bytes.html#what-came-behind-the-message",
    },
    Mistake {
        id: "M4",
        name: "A write may take less than it was given",
        symptom: "Bytes are missing from the middle or the end of what was sent.",
        page: "02-bytes.html#a-write-may-take-less",
    },
    Mistake {
        id: "M8",
        name: "A `BufWriter` that is not flushed",
        symptom: "Short answers do not come; long ones come in blocks of 8192 bytes.",
        page: "02-bytes.html#buffers-of-our-own",
    },
    Mistake {
        id: "M9",
        name: "The delimiter is missing, or there twice",
        symptom: "The answer is right but for one newline.",
        page: "02-bytes.html#four-ways-to-frame-a-message",
    },
    Mistake {
        id: "M10",
        name: "The last line without a newline is lost",
        symptom: "What the peer said last, before its end, is not answered.",
        page: "02-bytes.html#the-end-in-the-middle-of-a-line",
    },
    Mistake {
        id: "M11",
        name: "Text decoded before the message was complete",
        symptom: "A letter such as é ends the conversation, or comes back as \u{FFFD}.",
        page: "02-bytes.html#text-after-the-cut",
    },
    Mistake {
        id: "M12",
        name: "Closed with unread input",
        symptom: "The peer gets \"connection reset by peer\" in place of the end.",
        page: "02-bytes.html#closed-with-unread-input",
    },
    Mistake {
        id: "M28",
        name: "Both sides write before they read",
        symptom: "A large transfer stops after a few megabytes; both sides are blocked \
                  in a send.",
        page: "02-bytes.html#two-writers-and-no-reader",
    },
    Mistake {
        id: "M30",
        name: "The bytes of a number in the wrong order",
        symptom: "A length of 5 arrives as 1280.",
        page: "02-bytes.html#which-byte-comes-first",
    },
    Mistake {
        id: "M36",
        name: "The end was never said",
        symptom: "All bytes have arrived, and the peer still waits for more.",
        page: "02-bytes.html#saying-the-end",
    },
    Mistake {
        id: "M37",
        name: "No limit on what a peer may send",
        symptom: "A line that never ends is stored for ever.",
        page: "02-bytes.html#a-limit-for-everything",
    },
    Mistake {
        id: "M38",
        name: "An interrupted call taken for a failure",
        symptom: "An error of the kind `Interrupted` (EINTR) comes out, where the call \
                  had to be repeated.",
        page: "02-bytes.html#a-write-may-take-less",
    },
    Mistake {
        id: "M39",
        name: "A message cut short taken for a whole one",
        symptom: "The input ends in the middle of a message, and nobody is told.",
        page: "02-bytes.html#the-end-in-the-middle-of-a-line",
    },
    Mistake {
        id: "M41",
        name: "After a short write, from the beginning again",
        symptom: "The other side gets the beginning more than once.",
        page: "02-bytes.html#a-write-may-take-less",
    },
    Mistake {
        id: "M42",
        name: "A write of 0 bytes repeated for ever",
        symptom: "The program runs and runs, and nothing is written any more.",
        page: "02-bytes.html#a-write-may-take-less",
    },
    Mistake {
        id: "M43",
        name: "One message in many writes",
        symptom: "Each message takes some 40 ms more than it needs.",
        page: "02-bytes.html#one-message-one-write",
    },
    Mistake {
        id: "M44",
        name: "A length that does not fit its field",
        symptom: "From the long message on, the other side reads nonsense.",
        page: "02-bytes.html#a-limit-for-everything",
    },
    Mistake {
        id: "M45",
        name: "Trust in what comes from outside",
        symptom: "One unexpected byte ends the program, or the conversation.",
        page: "02-bytes.html#text-after-the-cut",
    },
];
