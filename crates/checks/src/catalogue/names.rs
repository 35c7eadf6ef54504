//! Lesson 5: names and addresses.

use super::{Exercise, Lesson, Mistake, Part};

const STEM: &str = "05-names";

pub(super) const PART: Part = Part {
    lesson: Lesson {
        number: 5,
        stem: STEM,
        title: "Names and addresses",
    },
    exercises: EXERCISES,
    mistakes: MISTAKES,
};

const EXERCISES: &[Exercise] = &[
    Exercise {
        id: "names/services",
        stem: STEM,
        title: "From a service to its port, and back",
        learnt: "A service is a name and a protocol together, and a file that people \
                 edit has lines that are to be skipped.",
    },
    Exercise {
        id: "names/dial",
        stem: STEM,
        title: "One connection out of many addresses",
        learnt: "A name has several addresses: each gets its time, all of them \
                 together get theirs, and the error tells of every one.",
    },
    Exercise {
        id: "names/dual",
        stem: STEM,
        title: "One listener for both families",
        learnt: "A server listens exactly where it was told to, and an IPv4 caller of \
                 an IPv6 socket still has an IPv4 address.",
    },
    Exercise {
        id: "names/eyeballs",
        stem: STEM,
        title: "Happy eyeballs: a race of addresses",
        learnt: "Attempts may overlap: the next one starts when one has failed or time \
                 is up, the first connection wins, and the losers are closed.",
    },
];

const MISTAKES: &[Mistake] = &[
    Mistake {
        id: "M17",
        name: "Bound to another address than was asked for",
        symptom: "A server that was meant for this machine can be reached from others, \
                  or the other way round.",
        page: "05-names.html#the-wildcard-and-loopback",
    },
    Mistake {
        id: "M70",
        name: "A service without its protocol",
        symptom: "`syslog` over TCP is 514, which is another service's port.",
        page: "05-names.html#a-service-is-a-name-and-a-protocol",
    },
    Mistake {
        id: "M71",
        name: "A comment taken for a part of the line",
        symptom: "Words behind a `#` are found as if they were names.",
        page: "05-names.html#a-service-is-a-name-and-a-protocol",
    },
    Mistake {
        id: "M72",
        name: "An attempt given up because the next one starts",
        symptom: "An address that answers late is never reached, however often it is \
                  tried.",
        page: "05-names.html#attempts-that-overlap",
    },
    Mistake {
        id: "M73",
        name: "Only the first address is tried",
        symptom: "Connection refused, though another address of the same name answers.",
        page: "05-names.html#all-the-addresses",
    },
    Mistake {
        id: "M74",
        name: "One silent address uses up all the time",
        symptom: "The program hangs in its first attempt; nobody calls at the second \
                  address.",
        page: "05-names.html#a-limit-for-each-and-one-for-all",
    },
    Mistake {
        id: "M75",
        name: "No limit for all attempts together",
        symptom: "A limit of five seconds takes forty, with eight addresses.",
        page: "05-names.html#a-limit-for-each-and-one-for-all",
    },
    Mistake {
        id: "M76",
        name: "The source address is not bound",
        symptom: "The connection comes from an address that the kernel chose.",
        page: "05-names.html#where-a-call-comes-from",
    },
    Mistake {
        id: "M77",
        name: "An IPv6 socket that takes IPv6 alone",
        symptom: "The server listens on `[::]`, and IPv4 callers are refused.",
        page: "05-names.html#one-socket-for-both-families",
    },
    Mistake {
        id: "M78",
        name: "An IPv4 caller in an IPv6 address",
        symptom: "A caller from 127.0.0.1 appears as ::ffff:127.0.0.1, and is on no list.",
        page: "05-names.html#the-ffff-trap",
    },
    Mistake {
        id: "M79",
        name: "A loser of the race stays connected",
        symptom: "Each call leaves connections behind that nobody uses.",
        page: "05-names.html#attempts-that-overlap",
    },
];
