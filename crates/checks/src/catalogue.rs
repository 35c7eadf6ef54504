//! Which exercises there are, and which mistakes their checks can name.
//!
//! An exercise's id (`tcp/shout`) is stable for ever. Its number and its place in
//! the order are not: they are looked up here and stored nowhere.

use std::path::PathBuf;

/// A lesson that has exercises.
#[derive(Debug, PartialEq, Eq)]
pub struct Lesson {
    /// The lesson's number, from 1.
    pub number: u8,
    /// The name that it has in every folder of the project, such as `01-tcp`.
    pub stem: &'static str,
    /// Its chapter's title.
    pub title: &'static str,
}

/// One exercise.
#[derive(Debug, PartialEq, Eq)]
pub struct Exercise {
    /// Topic and name, such as `tcp/timestamps`. It never changes.
    pub id: &'static str,
    /// The stem of its lesson, such as `01-tcp`.
    pub stem: &'static str,
    /// What the learner builds, in a few words.
    pub title: &'static str,
    /// What somebody who has passed it can do now, in one sentence.
    pub learnt: &'static str,
}

/// The lessons, in order.
pub fn lessons() -> &'static [Lesson] {
    LESSONS
}

/// The exercises, in the order of the book.
pub fn exercises() -> &'static [Exercise] {
    EXERCISES
}

/// The exercise with this id.
pub fn find(id: &str) -> Option<&'static Exercise> {
    EXERCISES.iter().find(|exercise| exercise.id == id)
}

impl Exercise {
    /// The part of the id before the slash: the topic.
    pub fn topic(&self) -> &'static str {
        self.id.split_once('/').map_or(self.id, |(topic, _)| topic)
    }

    /// The part of the id after the slash: the folder's name.
    pub fn name(&self) -> &'static str {
        self.id.split_once('/').map_or(self.id, |(_, name)| name)
    }

    /// The lesson it belongs to.
    pub fn lesson(&self) -> &'static Lesson {
        LESSONS
            .iter()
            .find(|lesson| lesson.stem == self.stem)
            .expect("a test looks up the lesson of every exercise")
    }

    /// Its Cargo package, such as `ex-tcp-timestamps`.
    pub fn package(&self) -> String {
        format!("ex-{}", self.id.replace('/', "-"))
    }

    /// Its folder below the project's root, such as `exercises/01-tcp/timestamps`.
    pub fn dir(&self) -> PathBuf {
        ["exercises", self.stem, self.name()].iter().collect()
    }

    /// The one file that the learner edits, below the project's root.
    pub fn stub(&self) -> PathBuf {
        self.dir().join("src").join("lib.rs")
    }

    /// One good answer, below the project's root.
    pub fn solution(&self) -> PathBuf {
        let file = format!("{}.rs", self.name().replace('-', "_"));
        ["solutions", self.stem, "src", &file].iter().collect()
    }

    /// Where the book tells of it, such as `01-tcp.html#exercise-timestamps`.
    pub fn page(&self) -> String {
        format!("{}.html#exercise-{}", self.stem, self.name())
    }
}

/// A mistake that a check can recognise and name.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Its id, such as `M1`. It never changes.
    pub id: &'static str,
    /// Its name: what is not so, or what was forgotten.
    pub name: &'static str,
    /// What one sees from outside, for the table *symptom, mistake, lesson*.
    pub symptom: &'static str,
    /// Where the book tells of it.
    pub page: &'static str,
}

/// The mistakes, in the order of their numbers.
pub fn mistakes() -> &'static [Mistake] {
    MISTAKES
}

const LESSONS: &[Lesson] = &[
    Lesson {
        number: 1,
        stem: "01-tcp",
        title: "A first conversation",
    },
    Lesson {
        number: 2,
        stem: "02-bytes",
        title: "Bytes, not messages",
    },
];

const EXERCISES: &[Exercise] = &[
    Exercise {
        id: "tcp/greeting",
        stem: "01-tcp",
        title: "A client that hears the server out",
        learnt: "A read that returns 0 bytes is how you see that the other side has \
                 said everything; until then, keep reading.",
    },
    Exercise {
        id: "tcp/peer-card",
        stem: "01-tcp",
        title: "The four numbers of a connection",
        learnt: "A connection is a pair of address and port at both ends, and each \
                 end can name both.",
    },
    Exercise {
        id: "tcp/timestamps",
        stem: "01-tcp",
        title: "A server that stamps each line with the time",
        learnt: "A server has two loops: an outer one over callers and an inner one \
                 over what a caller says; the end of input ends the inner one only.",
    },
    Exercise {
        id: "tcp/repair",
        stem: "01-tcp",
        title: "Repair a server that its first rude caller brings down",
        learnt: "The listener makes connections and never carries bytes, and one \
                 caller's error ends that caller's visit, not the server.",
    },
    Exercise {
        id: "bytes/read-line",
        stem: "02-bytes",
        title: "Lines out of a stream that is cut anywhere",
        learnt: "You keep what came after the line for the next one, you ask for more \
                 when there is no newline yet, and you stop at a limit.",
    },
    Exercise {
        id: "bytes/write-all",
        stem: "02-bytes",
        title: "All the bytes, whatever the kernel takes at a time",
        learnt: "A write may take fewer bytes than it was given; the number it \
                 returns says where to go on.",
    },
    Exercise {
        id: "bytes/words",
        stem: "02-bytes",
        title: "Words with their length in front",
        learnt: "A length in front frames any bytes at all, if both sides agree on \
                 its size, its byte order and its limit.",
    },
    Exercise {
        id: "bytes/chat-line",
        stem: "02-bytes",
        title: "Text after the cut, not before",
        learnt: "First find where a message ends, then decode it: a character may be \
                 split between two reads, never between two messages.",
    },
    Exercise {
        id: "bytes/upload",
        stem: "02-bytes",
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
        id: "M40",
        name: "Stopped before the end",
        symptom: "The first line is there, the others are not.",
        page: "01-tcp.html#the-end-of-input",
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

/// The mistake with this id.
pub(crate) fn mistake(id: &str) -> &'static Mistake {
    let known = MISTAKES.iter().find(|mistake| mistake.id == id);
    known.expect("a test looks up every mistake that a diagnosis names")
}

/// The exercise whose id or name is nearest to what somebody typed, if one is near.
pub fn nearest(typed: &str) -> Option<&'static Exercise> {
    let distance = |exercise: &Exercise| {
        let names = [exercise.id, exercise.name()];
        names
            .map(|name| strsim::damerau_levenshtein(typed, name))
            .into_iter()
            .min()
            .unwrap_or(usize::MAX)
    };
    let best = EXERCISES.iter().min_by_key(|exercise| distance(exercise))?;
    // More edits than a third of the word make it another word.
    (distance(best) <= typed.chars().count().div_ceil(3)).then_some(best)
}
