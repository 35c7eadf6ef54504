//! Lesson 9: processes.

use super::{Exercise, Lesson, Mistake, Part};

const STEM: &str = "09-forking";

pub(super) const PART: Part = Part {
    lesson: Lesson {
        number: 9,
        stem: STEM,
        title: "Processes",
    },
    exercises: EXERCISES,
    mistakes: MISTAKES,
};

const EXERCISES: &[Exercise] = &[
    Exercise {
        id: "forking/serve",
        stem: STEM,
        title: "A process for each caller",
        learnt: "After `fork` each side closes what is the other's, and the child ends \
                 by `_exit`, wherever its conversation leads.",
    },
    Exercise {
        id: "forking/reap",
        stem: STEM,
        title: "No zombies",
        learnt: "Ten ends may be one signal: a server is woken by SIGCHLD and collects \
                 until there is no more, without ever waiting for one child.",
    },
    Exercise {
        id: "forking/crash",
        stem: STEM,
        title: "Who ended, and how",
        learnt: "A crash is one process's, and wait(2) tells what a child said of itself \
                 from what was done to it.",
    },
    Exercise {
        id: "forking/prefork",
        stem: STEM,
        title: "Workers that are there before",
        learnt: "Several processes accept at one listener; their parent replaces the \
                 dead and, told to stop, leaves nobody behind.",
    },
    Exercise {
        id: "forking/hazard",
        stem: STEM,
        title: "A fork among threads",
        learnt: "A child has one thread and all the locks, as they were: what it needs \
                 from behind a lock, the parent gets before it forks.",
    },
];

const MISTAKES: &[Mistake] = &[
    Mistake {
        id: "M26",
        name: "Children that have ended are not collected",
        symptom: "Processes in the state Z add up, until no new one can be made.",
        page: "09-forking.html#zombies",
    },
    Mistake {
        id: "M110",
        name: "The child keeps the listener",
        symptom: "The server is dead, a child of it lives, and a new server cannot bind.",
        page: "09-forking.html#the-child-keeps-the-listener",
    },
    Mistake {
        id: "M111",
        name: "The parent keeps the connection",
        symptom: "The child has ended, the caller sees no end, and the server's \
                  descriptors add up.",
        page: "09-forking.html#the-parent-keeps-the-connection",
    },
    Mistake {
        id: "M112",
        name: "The child comes back",
        symptom: "More and more processes accept at one listener, or do what comes after \
                  the server.",
        page: "09-forking.html#the-child-comes-back",
    },
    Mistake {
        id: "M113",
        name: "A buffer that was copied is written twice",
        symptom: "A line, or a part of one, stands in the output once for each child.",
        page: "09-forking.html#what-waits-in-a-buffer",
    },
    Mistake {
        id: "M114",
        name: "One signal taken for one child",
        symptom: "When many children end at once, some zombies stay.",
        page: "09-forking.html#signals-do-not-queue",
    },
    Mistake {
        id: "M115",
        name: "The server waits for one child",
        symptom: "While one caller is served, no other is; the server is in wait4.",
        page: "09-forking.html#ask-and-do-not-wait",
    },
    Mistake {
        id: "M116",
        name: "An interrupted call taken for a failure",
        symptom: "The server ends with \"interrupted system call\" when a child ends.",
        page: "09-forking.html#interrupted",
    },
    Mistake {
        id: "M117",
        name: "A code taken for a signal, or a signal for a code",
        symptom: "Crashes are counted as failures, or failures as crashes.",
        page: "09-forking.html#codes-and-signals",
    },
    Mistake {
        id: "M118",
        name: "A lock that was held when the process forked",
        symptom: "Now and then a child hangs, in futex, and uses no processor.",
        page: "09-forking.html#fork-and-threads",
    },
    Mistake {
        id: "M119",
        name: "Workers that do not end with their server",
        symptom: "The server is stopped, and its port is served on, or the stop hangs.",
        page: "09-forking.html#stopping-workers",
    },
];
