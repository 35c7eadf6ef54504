//! `udp/store`: keys and values, one datagram at a time.

use std::io;
use std::net::UdpSocket;

use super::{diagnose, has_replaced, has_zeros_behind};
use checks::diagnosis::Rule;
use checks::engine::{Check, Correspondent, Probe, Report, Seen, Stage, datagram};
use checks::symptom::{Kind, Symptom};

/// The longest datagram that is no mistake.
const LONGEST: usize = 1000;

/// The check of `udp/store`.
pub fn store(serve: fn(UdpSocket) -> io::Result<()>) -> Check {
    let probe = |name, title, play: fn(&mut Stage) -> Result<(), Symptom>| {
        let act = move |report: &Report| datagram::act(report, serve);
        Probe::datagrams(name, title, act, play)
    };
    let probes = vec![
        probe("unknown", "a key under which nothing is kept", unknown),
        probe("whole", "a value, and its key asked for", whole),
        probe("replaced", "another value for the same key", replaced),
        probe("version", "the key that cannot be changed", version),
        probe("equals", "a value with `=` in it", equals),
        probe("empty", "no key, and no value", empty),
        probe("any", "keys and values that are no text", any),
        probe("two", "two peers and one store", two),
        probe("unreadable", "what is no request", unreadable),
        probe("full", "a request of 1000 bytes", full),
        probe("long", "datagrams of more than 1000 bytes", long),
    ];
    Check::new("udp/store", probes, |seen: &[Seen<'_>]| {
        diagnose(RULES, seen)
    })
}

fn unknown(stage: &mut Stage) -> Result<(), Symptom> {
    let peer = stage.stranger()?;
    ask(stage, &peer, b"?colour", b"!colour")
}

fn whole(stage: &mut Stage) -> Result<(), Symptom> {
    let peer = stage.stranger()?;
    stage.tell(&peer, b"+colour=blue")?;
    ask(stage, &peer, b"?colour", b"=colour=blue")
}

fn replaced(stage: &mut Stage) -> Result<(), Symptom> {
    let peer = stage.stranger()?;
    stage.tell(&peer, b"+colour=blue")?;
    stage.tell(&peer, b"+size=3")?;
    stage.tell(&peer, b"+colour=red")?;
    ask(stage, &peer, b"?colour", b"=colour=red")?;
    ask(stage, &peer, b"?size", b"=size=3")
}

fn version(stage: &mut Stage) -> Result<(), Symptom> {
    let peer = stage.stranger()?;
    ask(stage, &peer, b"?version", b"=version=store 1")?;
    stage.tell(&peer, b"+version=store 2")?;
    ask(stage, &peer, b"?version", b"=version=store 1")?;
    // Only this key, not all that begin like it.
    stage.tell(&peer, b"+versions=3")?;
    ask(stage, &peer, b"?versions", b"=versions=3")
}

fn equals(stage: &mut Stage) -> Result<(), Symptom> {
    let peer = stage.stranger()?;
    stage.tell(&peer, b"+sum=1+1=2")?;
    ask(stage, &peer, b"?sum", b"=sum=1+1=2")?;
    ask(stage, &peer, b"?sum=1+1", b"!sum=1+1")
}

fn empty(stage: &mut Stage) -> Result<(), Symptom> {
    let peer = stage.stranger()?;
    stage.tell(&peer, b"+nothing=")?;
    ask(stage, &peer, b"?nothing", b"=nothing=")?;
    ask(stage, &peer, b"?", b"!")?;
    stage.tell(&peer, b"+=something")?;
    ask(stage, &peer, b"?", b"==something")
}

fn any(stage: &mut Stage) -> Result<(), Symptom> {
    let peer = stage.stranger()?;
    stage.tell(&peer, b"+caf\xe9\n\0= \xff\xfe\r\n")?;
    ask(stage, &peer, b"?caf\xe9\n\0", b"=caf\xe9\n\0= \xff\xfe\r\n")?;
    ask(stage, &peer, b"?caf\xe8\n\0", b"!caf\xe8\n\0")
}

fn two(stage: &mut Stage) -> Result<(), Symptom> {
    let (first, second) = (stage.stranger()?, stage.stranger()?);
    stage.tell(&first, b"+colour=blue")?;
    // The answer says that what came before it has been dealt with.
    ask(stage, &first, b"?colour", b"=colour=blue")?;
    ask(stage, &second, b"?colour", b"=colour=blue")
}

fn unreadable(stage: &mut Stage) -> Result<(), Symptom> {
    let peer = stage.stranger()?;
    for rubbish in [&b""[..], b"+", b"+no value", b"hello", b"\xff\xfe", b"=a=b"] {
        stage.tell(&peer, rubbish)?;
        ask(stage, &peer, b"?colour", b"!colour")?;
    }
    ask(stage, &peer, b"?no value", b"!no value")
}

fn full(stage: &mut Stage) -> Result<(), Symptom> {
    let peer = stage.stranger()?;
    let mut request = b"+long=".to_vec();
    request.resize(LONGEST, b'x');
    stage.tell(&peer, &request)?;
    request[0] = b'=';
    ask(stage, &peer, b"?long", &request)
}

fn long(stage: &mut Stage) -> Result<(), Symptom> {
    let peer = stage.stranger()?;
    for length in [LONGEST + 1, 4000, 60_000] {
        let mut request = b"+long=".to_vec();
        request.resize(length, b'x');
        stage.tell(&peer, &request)?;
        ask(stage, &peer, b"?long", b"!long")?;
    }
    let mut question = b"?".to_vec();
    question.resize(LONGEST + 1, b'k');
    stage.tell(&peer, &question)?;
    ask(stage, &peer, b"?version", b"=version=store 1")
}

/// Asks, and expects this as the next datagram that comes. So what should not have
/// been answered would be seen here.
fn ask(
    stage: &mut Stage,
    peer: &Correspondent,
    question: &[u8],
    answer: &[u8],
) -> Result<(), Symptom> {
    stage.tell(peer, question)?;
    stage.expect_datagram(peer, answer)
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M6",
        fits: |all| {
            let first = all.first(&["unknown", "whole"]);
            first.is_some_and(has_zeros_behind)
        },
        why: "Behind the answer come zeros that nobody sent: your program used its \
              whole buffer, not the part that was filled.",
    },
    Rule {
        mistake: "M51",
        fits: |all| {
            let first = all.first(&["unknown"]);
            first.is_some_and(|s| s.kind == Kind::Rule)
        },
        why: "The bytes are right, and they came from another port than the one that \
              was asked: another socket has sent them. To the peer that is a stranger.",
    },
    Rule {
        mistake: "M50",
        fits: |all| {
            let two = all.first(&["two"]);
            two.is_some_and(|s| s.kind == Kind::NoAnswer && !s.is_over())
        },
        why: "The first peer is answered, the second is not. Every datagram brings the \
              address of its own sender, and that is where its answer goes.",
    },
    Rule {
        mistake: "M11",
        fits: |all| all.first(&["any"]).is_some_and(has_replaced),
        why: "A byte that is no text came back as �: your program turned keys and \
              values into text, and they are bytes.",
    },
    Rule {
        mistake: "M59",
        fits: |all| {
            all.first(&["any", "unreadable", "long"])
                .is_some_and(Symptom::is_over)
                && all.passed("whole")
        },
        why: "Ordinary requests are answered. Then came one that is not, and your \
              server was over. Look for an index, an `unwrap`, a `?` or a `break` that \
              a stranger's bytes can reach.",
    },
    Rule {
        mistake: "M29",
        fits: |all| {
            all.first(&["full"])
                .is_some_and(|s| s.kind == Kind::Wrong && super::is_cut(s))
        },
        why: "The beginning of the value is there. What did not fit into your buffer \
              was thrown away by the kernel.",
    },
    Rule {
        mistake: "M29",
        fits: |all| {
            let long = all.first(&["long"]);
            long.is_some_and(|s| {
                s.kind == Kind::Wrong
                    && s.expected_bytes == b"!long"
                    && s.got_bytes.starts_with(b"=long=xxx")
                    && s.got_bytes.len() <= LONGEST
            }) && all.passed("full")
        },
        why: "A datagram that was too long was taken for a shorter one: the kernel had \
              thrown away what did not fit into your buffer, and the rest looks like a \
              request. A buffer with room for one byte more than is allowed shows it.",
    },
];
