//! `udp/echo`: every datagram back to whoever sent it.

use std::io;
use std::net::UdpSocket;

use super::{diagnose, has_replaced, has_zeros_behind, is_cut, pattern};
use checks::diagnosis::Rule;
use checks::engine::{Check, Probe, Report, Seen, Stage, datagram};
use checks::symptom::{Kind, Symptom};

/// The most that IPv4 carries: 65,535 bytes less the headers of IP (20) and UDP (8).
const LARGEST: usize = 65_507;

/// The check of `udp/echo`.
pub fn echo(serve: fn(UdpSocket) -> io::Result<()>) -> Check {
    let probe = |name, title, play: fn(&mut Stage) -> Result<(), Symptom>| {
        let act = move |report: &Report| datagram::act(report, serve);
        Probe::datagrams(name, title, act, play)
    };
    let probes = vec![
        probe("whole", "one datagram", whole),
        probe("again", "two more from the same peer", again),
        probe("any", "bytes that are no text", any),
        probe("empty", "an empty datagram", empty),
        probe("pair", "two datagrams before anybody reads", pair),
        probe("two", "two peers, by turns", two),
        probe("long", "a datagram of 2000 bytes", |stage| {
            long(stage, 2000)
        }),
        probe("largest", "the longest datagram there is", |stage| {
            long(stage, LARGEST)
        }),
        probe("rest", "while nothing comes", rest),
        probe("gone", "a peer that has gone before its answer comes", gone),
    ];
    Check::new("udp/echo", probes, |seen: &[Seen<'_>]| {
        diagnose(RULES, seen)
    })
}

fn whole(stage: &mut Stage) -> Result<(), Symptom> {
    let peer = stage.stranger()?;
    stage.tell(&peer, b"hello")?;
    stage.expect_datagram(&peer, b"hello")
}

fn again(stage: &mut Stage) -> Result<(), Symptom> {
    let peer = stage.stranger()?;
    for word in [&b"a long good morning"[..], b"short"] {
        stage.tell(&peer, word)?;
        stage.expect_datagram(&peer, word)?;
    }
    Ok(())
}

fn any(stage: &mut Stage) -> Result<(), Symptom> {
    let peer = stage.stranger()?;
    let bytes = b"caf\xe9\r\n\0 \xff\n";
    stage.tell(&peer, bytes)?;
    stage.expect_datagram(&peer, bytes)
}

fn empty(stage: &mut Stage) -> Result<(), Symptom> {
    let peer = stage.stranger()?;
    stage.tell(&peer, b"")?;
    stage.expect_datagram(&peer, b"")?;
    stage.tell(&peer, b"and on")?;
    stage.expect_datagram(&peer, b"and on")
}

fn pair(stage: &mut Stage) -> Result<(), Symptom> {
    let peer = stage.stranger()?;
    stage.tell(&peer, b"one")?;
    stage.tell(&peer, b"two")?;
    // UDP promises no order, and a server with several threads keeps none.
    let mut missing = vec![&b"one"[..], b"two"];
    while !missing.is_empty() {
        let came = stage.expect_one_of(&peer, &missing)?;
        missing.remove(came);
    }
    Ok(())
}

fn two(stage: &mut Stage) -> Result<(), Symptom> {
    let (first, second) = (stage.stranger()?, stage.stranger()?);
    for (peer, word) in [
        (&first, &b"from the first"[..]),
        (&second, b"from the second"),
        (&first, b"the first again"),
    ] {
        stage.tell(peer, word)?;
        stage.expect_datagram(peer, word)?;
    }
    Ok(())
}

fn long(stage: &mut Stage, length: usize) -> Result<(), Symptom> {
    let peer = stage.stranger()?;
    let bytes = pattern(length);
    stage.tell(&peer, &bytes)?;
    stage.expect_datagram(&peer, &bytes)
}

fn rest(stage: &mut Stage) -> Result<(), Symptom> {
    let peer = stage.stranger()?;
    stage.tell(&peer, b"good night")?;
    stage.expect_datagram(&peer, b"good night")?;
    stage.expect_rest_in_silence()?;
    stage.tell(&peer, b"good morning")?;
    stage.expect_datagram(&peer, b"good morning")
}

fn gone(stage: &mut Stage) -> Result<(), Symptom> {
    let stays = stage.stranger()?;
    stage.tell_and_leave(b"I am off")?;
    stage.tell(&stays, b"I am not")?;
    stage.expect_datagram(&stays, b"I am not")
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M6",
        fits: |all| {
            all.first(&["whole", "again"])
                .is_some_and(|s| has_zeros_behind(s) || is_left_over(s))
        },
        why: "The answer is right, and behind it comes what nobody sent: your program \
              sent its whole buffer, not the part that was filled.",
    },
    Rule {
        mistake: "M51",
        fits: |all| {
            let first = all.first(&["whole"]);
            first.is_some_and(|s| s.kind == Kind::Rule)
        },
        why: "The bytes are right, and they came from another port than the one that \
              was asked: another socket has sent them. To the peer that is a stranger.",
    },
    Rule {
        mistake: "M45",
        fits: |all| {
            all.first(&["any"])
                .is_some_and(|s| s.panic.is_some() || s.is_over())
        },
        why: "Bytes that are no text were enough to end your program. An echo need not \
              understand what it sends back.",
    },
    Rule {
        mistake: "M11",
        fits: |all| all.first(&["any"]).is_some_and(has_replaced),
        why: "A byte that is no text came back as �: your program turned the datagram \
              into text. An echo need not understand what it sends back.",
    },
    Rule {
        mistake: "M53",
        fits: |all| {
            all.first(&["empty"])
                .is_some_and(|s| s.kind == Kind::NoAnswer && s.panic.is_none())
        },
        why: "There are no connections here, so there is no end either: a datagram \
              without bytes is a message, and it wants its answer.",
    },
    Rule {
        mistake: "M50",
        fits: |all| {
            let second = all.first(&["two"]);
            second.is_some_and(|s| s.kind == Kind::NoAnswer && !s.is_over())
                && all.passed("again")
        },
        why: "With one peer all is well; the second got no answer. Every datagram \
              brings the address of its own sender, and that is where its answer goes: \
              your program answers somebody else, or listens to nobody else.",
    },
    Rule {
        mistake: "M21",
        fits: |all| {
            all.first(&["rest"])
                .is_some_and(|s| s.kind == Kind::Spins && s.signs.asks)
        },
        why: "While nothing came, your program made system calls as fast as it could \
              and never slept. A blocking `recv_from` sleeps until something comes.",
    },
    Rule {
        mistake: "M29",
        fits: |all| all.first(&["long", "largest"]).is_some_and(is_cut),
        why: "The beginning came back. What did not fit into your buffer was thrown \
              away by the kernel: the next `recv_from` gets the next datagram.",
    },
];

/// What comes behind the answer is what an earlier and longer one had there.
fn is_left_over(symptom: &Symptom) -> bool {
    symptom.kind == Kind::Wrong
        && symptom.expected_bytes == b"short"
        && symptom.got_bytes.starts_with(b"short")
        && b"a long good morning".ends_with(&symptom.got_bytes[b"short".len()..])
        && symptom.got_bytes.len() > b"short".len()
}
