//! Lesson 7: raw sockets.

use super::{Exercise, Lesson, Mistake, Part};

const STEM: &str = "07-raw";

pub(super) const PART: Part = Part {
    lesson: Lesson {
        number: 7,
        stem: STEM,
        title: "Raw sockets",
    },
    exercises: EXERCISES,
    mistakes: MISTAKES,
};

const EXERCISES: &[Exercise] = &[
    Exercise {
        id: "raw/checksum",
        stem: STEM,
        title: "The internet checksum",
        learnt: "The sum of RFC 1071 takes carries in again, pads an odd end, and does \
                 not care where one buffer ends and the next begins.",
    },
    Exercise {
        id: "raw/parse",
        stem: STEM,
        title: "An ICMP echo out of an IPv4 packet",
        learnt: "A length from outside is compared with what is there before it is \
                 used, and an error says which field was wrong.",
    },
    Exercise {
        id: "raw/ping",
        stem: STEM,
        title: "The conversation of ping",
        learnt: "Who hears everything has to tell what is meant for it: by type, \
                 identifier and sequence number, before one deadline.",
    },
    Exercise {
        id: "raw/udp",
        stem: STEM,
        title: "A datagram made by hand",
        learnt: "A UDP header is four numbers, and its checksum covers addresses that \
                 are not in the datagram at all.",
    },
];

const MISTAKES: &[Mistake] = &[
    Mistake {
        id: "M90",
        name: "The own request taken for the reply",
        symptom: "On loopback there is never any loss, even if nobody answers.",
        page: "07-raw.html#whose-reply-is-it",
    },
    Mistake {
        id: "M91",
        name: "Another program's packet taken for an answer",
        symptom: "Two pings at once, and one of them succeeds by the other's replies.",
        page: "07-raw.html#whose-reply-is-it",
    },
    Mistake {
        id: "M92",
        name: "A late reply taken for that to the next request",
        symptom: "After one loss, every reply belongs to the request before.",
        page: "07-raw.html#whose-reply-is-it",
    },
    Mistake {
        id: "M93",
        name: "A header is not always 20 bytes",
        symptom: "Packets with IP options have nonsense for ports and types.",
        page: "07-raw.html#how-long-is-a-header",
    },
    Mistake {
        id: "M94",
        name: "A packet's end is what came, not what it says",
        symptom: "Padding ends up in the data; a packet that is cut short passes for whole.",
        page: "07-raw.html#how-long-is-a-header",
    },
    Mistake {
        id: "M95",
        name: "A byte without a partner",
        symptom: "Checksums are right for even lengths, and wrong for odd ones.",
        page: "07-raw.html#one-sum-for-all-of-them",
    },
    Mistake {
        id: "M96",
        name: "A carry that is lost",
        symptom: "Small checksums are right, others too small by one or a few.",
        page: "07-raw.html#one-sum-for-all-of-them",
    },
    Mistake {
        id: "M97",
        name: "A UDP checksum of 0 that means \"none\"",
        symptom: "One datagram in 65,536 travels without protection.",
        page: "07-raw.html#addresses-that-are-not-there",
    },
    Mistake {
        id: "M98",
        name: "A UDP checksum without the pseudo-header",
        symptom: "`sendto` succeeds, and the receiver never gets anything.",
        page: "07-raw.html#addresses-that-are-not-there",
    },
    Mistake {
        id: "M99",
        name: "A time limit that begins anew with every packet",
        symptom: "On a busy machine the program waits for ever for a lost reply.",
        page: "07-raw.html#one-deadline",
    },
];
