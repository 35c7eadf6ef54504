//! Lesson 10: readiness.

use super::{Exercise, Lesson, Mistake, Part};

const STEM: &str = "10-select";

pub(super) const PART: Part = Part {
    lesson: Lesson {
        number: 10,
        stem: STEM,
        title: "Readiness: select, poll, epoll",
    },
    exercises: EXERCISES,
    mistakes: MISTAKES,
};

const EXERCISES: &[Exercise] = &[
    Exercise {
        id: "select/lines",
        stem: STEM,
        title: "Many callers, one thread, and half a line",
        learnt: "One thread waits for all callers in one place, and what each has begun \
                 is kept with that caller until the rest comes.",
    },
    Exercise {
        id: "select/queue",
        stem: STEM,
        title: "What the caller does not take yet",
        learnt: "A write takes what there is room for; the rest waits in a queue, and \
                 only then is room worth waiting for. A mark bounds the queue.",
    },
    Exercise {
        id: "select/edge",
        stem: STEM,
        title: "Told once",
        learnt: "An edge is reported once. Whoever is told reads, writes and accepts \
                 until the call says `WouldBlock`.",
    },
    Exercise {
        id: "select/limit",
        stem: STEM,
        title: "As many callers as there is room for",
        learnt: "A set of select ends at descriptor 1023, and a process at its limit. \
                 Both are met politely: nobody is served worse for those who are too \
                 many.",
    },
    Exercise {
        id: "select/idle",
        stem: STEM,
        title: "A time for each caller",
        learnt: "Only the earliest of many times matters for the next wait; a heap \
                 knows which it is, and the wait takes it as its limit.",
    },
    Exercise {
        id: "select/stop",
        stem: STEM,
        title: "How to wake somebody who waits for sockets",
        learnt: "Who waits for descriptors is woken by one: a byte in a pipe or a count \
                 in an eventfd stays until it is read, so no wake is lost.",
    },
];

const MISTAKES: &[Mistake] = &[
    Mistake {
        id: "M19",
        name: "A blocking call inside the loop",
        symptom: "While one caller is in the middle of a line, no other is answered.",
        page: "10-select.html#one-client-as-a-state-machine",
    },
    Mistake {
        id: "M20",
        name: "Lines that the kernel cannot see",
        symptom: "Of lines that arrive together one is answered now, and the others \
                  when something else comes.",
        page: "10-select.html#what-lies-in-a-buffer",
    },
    Mistake {
        id: "M22",
        name: "Waiting for room with nothing to write",
        symptom: "A processor is busy as soon as one caller is connected and silent.",
        page: "10-select.html#room-to-write",
    },
    Mistake {
        id: "M23",
        name: "An edge, and not all of it was read",
        symptom: "The answer stops in the middle, and goes on when one more byte comes.",
        page: "10-select.html#told-once",
    },
    Mistake {
        id: "M24",
        name: "A descriptor that select has no bit for",
        symptom: "With a thousand files open the program panics or crashes.",
        page: "10-select.html#descriptor-1024",
    },
    Mistake {
        id: "M120",
        name: "A queue without a limit",
        symptom: "One caller that does not read takes all the memory.",
        page: "10-select.html#a-mark-on-the-queue",
    },
    Mistake {
        id: "M121",
        name: "A queue that nobody sends",
        symptom: "The first part of a long answer comes, the rest does not, though the \
                  caller reads.",
        page: "10-select.html#room-to-write",
    },
    Mistake {
        id: "M122",
        name: "No room, taken for a broken connection",
        symptom: "Who reads slowly is cut off: a write has failed with `WouldBlock`.",
        page: "10-select.html#room-to-write",
    },
    Mistake {
        id: "M123",
        name: "A time that is not set anew",
        symptom: "Callers are let go although they have spoken a moment ago.",
        page: "10-select.html#time-is-an-event-too",
    },
    Mistake {
        id: "M124",
        name: "A look at the clock, again and again",
        symptom: "An idle program wakes many times a second, and does nothing.",
        page: "10-select.html#time-is-an-event-too",
    },
    Mistake {
        id: "M125",
        name: "Stopped with answers in the queue",
        symptom: "A server that is stopped cuts off those who read slowly.",
        page: "10-select.html#who-wakes-the-one-who-waits",
    },
    Mistake {
        id: "M126",
        name: "A wake that can block",
        symptom: "The thread that wakes the server hangs in a write.",
        page: "10-select.html#who-wakes-the-one-who-waits",
    },
    Mistake {
        id: "M127",
        name: "Paused, and not taken up again",
        symptom: "A caller that was slow once is never read from again.",
        page: "10-select.html#a-mark-on-the-queue",
    },
    Mistake {
        id: "M128",
        name: "A wake that is lost",
        symptom: "The server sleeps on, if it is woken a moment before it sleeps.",
        page: "10-select.html#who-wakes-the-one-who-waits",
    },
];
