//! `errors/deadline`: one limit for the whole reply.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use wire::view;

use super::{FullQueue, RECEIVES, is_blocked_in};
use checks::diagnosis::{self, Findings, Rule};
use checks::engine::{Check, Dripped, Probe, Report, Seen, Stage};
use checks::symptom::{Doing, Kind, Symptom};

/// Short, so that a check does not take long.
const SHORT: Duration = Duration::from_millis(250);

/// For a reply that is to be complete in time, on any machine.
const LONG: Duration = Duration::from_secs(4);

/// The pause between two bytes that drip: far below the limit, so that no read waits
/// for as long as that.
const PAUSE: Duration = Duration::from_millis(25);

/// Who looks at the clock after each read takes one byte after the limit, or two.
const LATE: usize = 8;

/// So long that nobody waits for it, here.
const FOREVER: Duration = Duration::from_secs(60);

/// How long a function that wakes now and then is watched: longer than any limit that
/// does not count as one without an end.
const WATCHED: Duration = Duration::from_millis(4500);

/// For a byte that comes when most of this has passed, and for the look after it.
const FAIR: Duration = Duration::from_secs(1);

const REPLY: &[u8] = b"It is a quarter past six.\nThe kettle is on.\n";
const FIRST_PIECE: usize = 9;

/// The check of `errors/deadline`.
pub fn deadline(fetch: fn(SocketAddr, Duration) -> io::Result<Vec<u8>>) -> Check {
    let probe = |name, title, limit, play: fn(&mut Stage) -> Result<(), Symptom>| {
        let act = move |report: &Report| {
            tell(report, fetch(report.peer(), limit));
        };
        Probe::client(name, title, act, play)
    };
    let full = {
        let act = move |report: &Report| match FullQueue::new() {
            Ok(server) => tell(report, fetch(server.addr, SHORT)),
            Err(error) => eprintln!("the check cannot set its sockets up: {error}"),
        };
        Probe::client("queue", "a server that does not accept", act, |stage| {
            stage
                .note("your function is given a port whose queue of callers is full");
            expect_late(stage)
        })
    };
    let probes = vec![
        probe("whole", "a reply in one piece", LONG, |stage| {
            answer(stage, &[REPLY])
        }),
        probe("pieces", "a reply in two pieces", LONG, |stage| {
            let (first, second) = REPLY.split_at(FIRST_PIECE);
            answer(stage, &[first, second])
        }),
        probe("nothing", "a server that ends without a word", LONG, |s| {
            answer(s, &[])
        }),
        probe("binary", "a reply of every byte there is", LONG, |stage| {
            let all: Vec<u8> = (0..=255).collect();
            answer(stage, &[&all])
        }),
        probe(
            "large",
            "a reply of sixteen thousand bytes",
            FOREVER,
            |stage| answer(stage, &[&b"sixteen letters\n".repeat(1000)]),
        ),
        probe("reset", "a server that breaks off half-way", LONG, reset),
        probe("silent", "a server that says nothing", SHORT, silent),
        probe("half", "a server that falls silent half-way", SHORT, half),
        probe("slow", "a server that takes its time", FOREVER, slow),
        probe("drip", "a byte now and then, without an end", SHORT, drip).early(),
        probe("late", "a byte when the time is nearly over", FAIR, late).early(),
        full,
        probe("zero", "a limit of zero", Duration::ZERO, zero),
    ];
    Check::new("errors/deadline", probes, diagnose)
}

fn tell(report: &Report, result: io::Result<Vec<u8>>) {
    report.returned(Ok::<_, String>(told(&result)));
}

/// What the function returned; an error with its kind. Of a long reply the beginning,
/// the length, and a sum that no other reply of this length is likely to have.
fn told(result: &io::Result<Vec<u8>>) -> String {
    /// Of a reply that is no longer than this, all.
    const WHOLE: usize = 1024;
    match result {
        Ok(reply) if reply.len() > WHOLE => {
            let sum = |sum: u32, byte: &u8| {
                sum.wrapping_mul(31).wrapping_add(u32::from(*byte))
            };
            let (bytes, sum) = (reply.len(), reply.iter().fold(0, sum));
            let start = view::escaped(&reply[..16]);
            format!("Ok({start}..., {bytes} bytes with the sum {sum:08x})")
        }
        Ok(reply) => format!("Ok({})", view::escaped(reply)),
        Err(error) => format!("Err({:?}): {error}", error.kind()),
    }
}

fn answer(stage: &mut Stage, pieces: &[&[u8]]) -> Result<(), Symptom> {
    let mut peer = stage.accept()?;
    for (nr, piece) in pieces.iter().enumerate() {
        if nr > 0 {
            stage.until_taken(&mut peer)?;
        }
        stage.send(&mut peer, piece)?;
    }
    peer.end();
    expect_reply(stage, &pieces.concat())
}

fn expect_reply(stage: &mut Stage, reply: &[u8]) -> Result<(), Symptom> {
    let wanted = told(&Ok(reply.to_vec()));
    let (Ok(got) | Err(got)) = stage.returned()?;
    if got == wanted {
        return Ok(());
    }
    let summary = "that is not what the server said";
    Err(Symptom::new(Kind::WrongValue, summary).with_words(wanted, got))
}

/// Expects an error of the kind `TimedOut`.
fn expect_late(stage: &mut Stage) -> Result<(), Symptom> {
    let (Ok(got) | Err(got)) = stage.returned()?;
    if got.starts_with(&format!("Err({:?})", ErrorKind::TimedOut)) {
        return Ok(());
    }
    let (kind, summary) = match got.starts_with("Ok") {
        true => (Kind::NoError, "your function saw no error"),
        false => (Kind::WrongValue, "the error is of another kind"),
    };
    Err(Symptom::new(kind, summary).with_words("an error of the kind TimedOut", got))
}

fn reset(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.accept()?;
    stage.send(&mut peer, &REPLY[..FIRST_PIECE])?;
    stage.until_taken(&mut peer)?;
    peer.reset()?;
    let (Ok(got) | Err(got)) = stage.returned()?;
    if got.starts_with(&format!("Err({:?})", ErrorKind::ConnectionReset)) {
        return Ok(());
    }
    let (kind, summary) = match got.starts_with("Ok") {
        true => (Kind::NoError, "your function hid an error"),
        false => (Kind::WrongValue, "the error is of another kind"),
    };
    let wanted = "an error of the kind ConnectionReset";
    Err(Symptom::new(kind, summary).with_words(wanted, got))
}

fn silent(stage: &mut Stage) -> Result<(), Symptom> {
    let _peer = stage.accept()?;
    stage.note("says nothing, and does not end");
    expect_late(stage)
}

fn half(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.accept()?;
    stage.send(&mut peer, &REPLY[..FIRST_PIECE])?;
    stage.note("says no more, and does not end");
    expect_late(stage)
}

/// There is a minute; whoever waits for less does not do what was agreed.
fn slow(stage: &mut Stage) -> Result<(), Symptom> {
    stage.note("your function is given a limit of a minute");
    let mut peer = stage.accept()?;
    stage.send(&mut peer, &REPLY[..FIRST_PIECE])?;
    stage.until_taken(&mut peer)?;
    stage.note("says no more for a while");
    stage.expect_patience(WATCHED)?;
    stage.send(&mut peer, &REPLY[FIRST_PIECE..])?;
    peer.end();
    expect_reply(stage, REPLY)
}

/// A second look at the clock is not enough: the read before it has to end in time.
fn late(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.accept()?;
    let start = Instant::now();
    stage.note(format!("your function is given a limit of {FAIR:?}"));
    thread::sleep(FAIR * 4 / 5); // shapes the input
    stage.note(format!("after {:?}", FAIR * 4 / 5));
    stage.send(&mut peer, b".")?;
    thread::sleep((FAIR * 5 / 4).saturating_sub(start.elapsed())); // its time is over
    if stage.sleeps_on() {
        let summary = "your function waits on, although its time is over";
        let symptom = Symptom::new(Kind::NoAnswer, summary).with_words(
            format!("an error of the kind TimedOut after {FAIR:?}"),
            format!("{ASLEEP} {:?}", FAIR * 5 / 4),
        );
        return Err(stage.as_it_is(symptom));
    }
    expect_late(stage)
}

const ASLEEP: &str = "still asleep in a call after";

fn drip(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.accept()?;
    match stage.drip(&mut peer, PAUSE, SHORT, LATE)? {
        Dripped::Stopped => expect_late(stage),
        Dripped::TookOn => {
            let summary = "your function reads on, although its time is over";
            let symptom = Symptom::new(Kind::NoAnswer, summary).with_words(
                format!("an error of the kind TimedOut after {SHORT:?}"),
                format!("{READS_ON}, {LATE} and more, after {SHORT:?} had passed"),
            );
            Err(stage.as_it_is(symptom))
        }
    }
}

const READS_ON: &str = "reads";

/// It may connect or not; if it does, nobody answers.
fn zero(stage: &mut Stage) -> Result<(), Symptom> {
    stage.note("your function is given a limit of zero");
    expect_late(stage)
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: <[u8]>::to_vec,
    };
    diagnosis::name(&[RULES], &findings)
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M1",
        fits: |all| {
            let first = view::escaped(&REPLY[..FIRST_PIECE]);
            all.passed("whole")
                && all
                    .first(&["pieces"])
                    .is_some_and(|s| s.got == format!("Ok({first})"))
        },
        why: "The reply came in two pieces, and your function returned the first of \
              them: it took what one read had brought for all.",
    },
    Rule {
        mistake: "M63",
        fits: |all| {
            let told = |s: &Symptom| s.got.starts_with("Err(WouldBlock)");
            all.first(&["silent", "half"]).is_some_and(told)
        },
        why: "The read gave up in time. Its error says so in other words: on Unix it \
              is EAGAIN, and its kind is `WouldBlock`. Whoever calls your function was \
              promised `TimedOut`.",
    },
    Rule {
        mistake: "M64",
        fits: |all| {
            let waits = |s: &Symptom| is_blocked_in(s, RECEIVES);
            all.first(&["silent", "half"]).is_some_and(waits)
        },
        why: "The server says nothing, and your function waits in a read that has no \
              time limit, or a far longer one than it was given.",
    },
    Rule {
        mistake: "M66",
        fits: |all| {
            let asleep = |s: &Symptom| s.got.starts_with(ASLEEP);
            all.passed("silent") && all.first(&["late"]).is_some_and(asleep)
        },
        why: "A silent server is given up in time. Here a byte came shortly before \
              that, and your function waits for the next one, although nothing is \
              left of its time: the clock may be looked at between the reads, but a \
              read is allowed more than what is left.",
    },
    Rule {
        mistake: "M66",
        fits: |all| {
            let took_on = |s: &Symptom| s.got.starts_with(READS_ON);
            all.passed("silent") && all.first(&["drip"]).is_some_and(took_on)
        },
        why: "A silent server is given up in time, one that sends a byte now and then \
              is not: the limit begins anew with each read. What has to be asked \
              before each call is how much is left of the whole.",
    },
    Rule {
        mistake: "M61",
        fits: |all| {
            let waits = |s: &Symptom| {
                s.doing == Some(Doing::Blocked) && s.calls == ["connect"]
            };
            all.first(&["queue"]).is_some_and(waits)
        },
        why: "Nobody accepts the call, and `TcpStream::connect` waits for as long as \
              the kernel goes on trying: some two minutes. `connect_timeout` takes a \
              limit.",
    },
    Rule {
        mistake: "M67",
        fits: |all| {
            let told = |s: &Symptom| s.got.starts_with("Err(InvalidInput)");
            all.first(&["drip", "zero"]).is_some_and(told)
        },
        why: "There was no time left, and zero was handed on as a limit. No call takes \
              that: to the kernel, zero means no limit at all, so std refuses it with \
              `InvalidInput`.",
    },
];
