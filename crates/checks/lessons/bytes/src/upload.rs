//! `bytes/upload`: sixteen megabytes there and back.

use std::io;
use std::net::SocketAddr;

use wire::view;

use checks::diagnosis::{self, Findings, Rule};
use checks::engine::{Check, Probe, Report, Seen, Stage};
use checks::symptom::{Doing, Kind, Symptom};

const SMALL: usize = 1000;
const LARGE: usize = 16 << 20;

/// The check of `bytes/upload`.
pub fn upload(exchange: fn(SocketAddr, &[u8]) -> io::Result<Vec<u8>>) -> Check {
    let probe = |name, title, bytes, play: fn(&mut Stage) -> Result<(), Symptom>| {
        let act = move |report: &Report| {
            let data = pattern(bytes);
            report.returned(
                exchange(report.peer(), &data).map(|back| compare(&data, &back)),
            );
        };
        Probe::client(name, title, act, play)
    };
    let probes = vec![
        probe("small", "a thousand bytes", SMALL, |stage| {
            echo(stage, SMALL)
        }),
        probe("nothing", "no bytes at all", 0, |stage| echo(stage, 0)),
        probe("large", "sixteen megabytes", LARGE, |stage| {
            echo(stage, LARGE)
        }),
        probe("broken", "a server that resets half-way", LARGE, broken),
    ];
    Check::new("bytes/upload", probes, diagnose)
}

/// Bytes that differ from their neighbours, and from those a power of two away.
fn pattern(length: usize) -> Vec<u8> {
    let round: Vec<u8> = (0..251).collect();
    let mut data = round.repeat(length.div_ceil(round.len()));
    data.truncate(length);
    data
}

/// What came back, put as text: "same", or where it differs.
fn compare(sent: &[u8], back: &[u8]) -> String {
    if sent == back {
        return SAME.into();
    }
    let count = |bytes: usize| view::bytes(bytes as u64);
    let same = sent.iter().zip(back).take_while(|(a, b)| a == b).count();
    if same == back.len() {
        return format!("{FIRST} {}", count(same));
    }
    if same == sent.len() {
        let rest = &back[same..];
        // One alone may be the end of a string in the manner of C.
        let zeros = rest.len() > 1 && rest.iter().all(|byte| *byte == 0);
        let what = if zeros { ZEROS } else { "others" };
        return format!("all of them, and then {} more: {what}", count(rest.len()));
    }
    format!(
        "{}, of which the first {same} are as sent",
        count(back.len())
    )
}

const SAME: &str = "the same";
const FIRST: &str = "only the first";
const ZEROS: &str = "zeros";

/// Sends back whatever comes, at once, and ends when the program has ended and waits.
fn echo(stage: &mut Stage, bytes: usize) -> Result<(), Symptom> {
    let mut peer = stage.accept()?;
    let echoed = stage.echo(&mut peer, bytes);
    // Who closes what it has not read resets the connection: then what it has returned
    // tells more than the reset.
    if let Err(symptom) = echoed
        && !(symptom.kind == Kind::Reset
            && matches!(stage.returned_early()?, Some(Ok(told)) if told != SAME))
    {
        return Err(symptom);
    }
    // It has said all, and this side has not: who has returned by now has not waited.
    let early = stage.returned_early()?;
    let is_early = early.is_some();
    peer.end();
    let expected = format!("the same {}", view::bytes(bytes as u64));
    match early.map_or_else(|| stage.returned(), Ok)? {
        Ok(told) if told == SAME && is_early => {
            let summary = "your function returned before the server had ended";
            Err(Symptom::new(Kind::Rule, summary).with_words(
                "a read of 0 bytes: the server's end",
                "all bytes, and no wait for the end behind them",
            ))
        }
        Ok(told) if told == SAME => Ok(()),
        Ok(told) => Err(Symptom::new(Kind::WrongValue, "that is not what came back")
            .with_words(expected, told)),
        Err(error) => {
            Err(Symptom::new(Kind::Error, "your function returned an error")
                .with_words(expected, error))
        }
    }
}

fn broken(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.accept()?;
    stage.read_some(&mut peer)?;
    peer.reset()?;
    match stage.returned()? {
        Err(_) => Ok(()),
        Ok(told) => Err(Symptom::new(Kind::NoError, "your function hid an error")
            .with_words("an error: the connection was reset", format!("Ok: {told}"))),
    }
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
        mistake: "M28",
        fits: |all| {
            all.first(&["large"]).is_some_and(|s| {
                s.doing == Some(Doing::Blocked)
                    // A thread that waits for this one may have read before.
                    && !s.calls.is_empty()
                    && s.calls.iter().all(|call| sends(call))
                    && s.signs.unread > 0
                    && s.panic.is_none()
            }) && all.passed("small")
        },
        why: "Your program is blocked in a send, and what the server has sent back lies \
              there unread. The server does not read on until somebody takes that: each \
              side waits for the other one to read.",
    },
    Rule {
        mistake: "M36",
        fits: |all| {
            let first = all.first(&["small", "nothing", "large"]);
            first.is_some_and(|s| {
                s.kind == Kind::NoEnd
                    && s.doing == Some(Doing::Blocked)
                    && s.calls.iter().any(|call| receives(call))
            })
        },
        why: "All bytes have arrived, and your program waits for the server's end. The \
              server waits for yours: `shutdown(Shutdown::Write)` says it and keeps the \
              other direction open.",
    },
    Rule {
        mistake: "M6",
        fits: |all| {
            let small = all.first(&["small"]);
            small.is_some_and(|s| {
                s.kind == Kind::WrongValue && s.got.ends_with(&format!(": {ZEROS}"))
            })
        },
        why: "What came back is followed by zeros that nobody sent: it was made of the \
              whole buffer, not of the part that the read had filled.",
    },
    Rule {
        mistake: "M40",
        fits: |all| {
            let first = all.first(&["small", "large"]);
            first.is_some_and(|s| {
                s.kind == Kind::WrongValue && s.got.starts_with(FIRST)
            })
        },
        why: "Your program stopped before all had come back. The server's end says when \
              that is.",
    },
];

fn sends(call: &str) -> bool {
    matches!(call, "sendto" | "sendmsg" | "write" | "writev")
}

fn receives(call: &str) -> bool {
    matches!(call, "recvfrom" | "recvmsg" | "read" | "readv")
}
