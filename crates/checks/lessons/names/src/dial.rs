//! `names/dial`: one connection out of many addresses.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::{
    DIAL_RULES, TOO_LATE, V4, V6, act, expect_door, expect_error, nobody_called,
};
use checks::diagnosis::{self, Findings, Rule};
use checks::engine::Manner::{Answers, Refuses, Silent};
use checks::engine::{Check, Manner, Probe, Report, Seen, Stage};
use checks::symptom::{Doing, Kind, Symptom};

/// So long that nobody waits for it, here.
const LONG: Duration = Duration::from_secs(60);

/// How long a function that waits in another way than in a call with a known limit is
/// watched.
const WATCHED: Duration = Duration::from_millis(1500);

/// Short enough to wait for, and far longer than loopback needs.
const SHORT: Duration = Duration::from_millis(300);

/// An address that only Linux has by itself: all of 127.0.0.0/8 is the machine's own.
const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));

/// How the learner's function is called.
#[derive(Clone, Copy)]
struct Order {
    each: Duration,
    total: Duration,
    source: Option<IpAddr>,
}

const PATIENT: Order = Order {
    each: LONG,
    total: LONG,
    source: None,
};

const HASTY: Order = Order {
    each: SHORT,
    ..PATIENT
};

/// The check of `names/dial`: a function that connects to the first address that
/// answers, within limits, from a source.
pub fn dial(
    dial: fn(
        &[SocketAddr],
        Duration,
        Duration,
        Option<IpAddr>,
    ) -> io::Result<TcpStream>,
) -> Check {
    let probe = |name, title, order: Order, play: fn(&mut Stage) -> _| {
        let Order {
            each,
            total,
            source,
        } = order;
        let act = move |report: &Report| {
            act(report, Some(total), |addresses| {
                dial(addresses, each, total, source)
            });
        };
        Probe::client(name, title, act, play)
    };
    let from = Order {
        source: Some(SOURCE),
        ..PATIENT
    };
    let mut probes = vec![
        probe("one", "two addresses, and both answer", PATIENT, one),
        probe("refused", "the first address refuses", PATIENT, |stage| {
            at(stage, &[Refuses, Answers], 1)
        }),
    ];
    if cfg!(target_os = "linux") {
        // Elsewhere a full queue need not be silent.
        probes.extend([
            probe("silent", "the first address is silent", HASTY, |stage| {
                at(stage, &[Silent, Answers], 1)
            })
            .early(),
            probe(
                "three",
                "one refuses, one is silent, the third answers",
                HASTY,
                |stage| at(stage, &[Refuses, Silent, Answers], 2),
            ),
            probe(
                "slow",
                "a minute for the first address, which answers late",
                PATIENT,
                slow,
            )
            .early(),
            probe(
                "total",
                "four silent addresses, and time for less than two",
                Order {
                    each: Duration::from_millis(400),
                    total: Duration::from_millis(600),
                    source: None,
                },
                |stage| {
                    out_of_time(stage, &[Silent, Silent, Silent, Silent, Answers])
                },
            ),
            probe(
                "rest",
                "less time for all than for each",
                Order {
                    total: SHORT,
                    ..PATIENT
                },
                |stage| out_of_time(stage, &[Silent, Silent, Silent, Answers]),
            )
            .early(),
            probe(
                "last",
                "one address is silent, the last refuses",
                HASTY,
                |stage| told_of_all(stage, &[Silent, Refuses]),
            ),
        ]);
    }
    probes.extend([
        probe(
            "names",
            "two addresses, and both refuse",
            PATIENT,
            |stage| told_of_all(stage, &[Refuses, Refuses]),
        ),
        probe("nobody", "no address at all", PATIENT, |stage| {
            let _street = stage.street(&[])?;
            expect_error(stage, ErrorKind::InvalidInput).map(drop)
        }),
    ]);
    if cfg!(target_os = "linux") {
        probes.extend([
            probe("source", "a call from 127.0.0.9", from, source),
            probe(
                "family",
                "an IPv6 address, then an IPv4 one, and an IPv4 source",
                from,
                |stage| {
                    let street = stage.street(&[(V6, Answers), (V4, Answers)])?;
                    expect_door(stage, &street, 1).map(drop)
                },
            ),
        ]);
    }
    Check::new("names/dial", probes, diagnose)
}

fn v4(manners: &[Manner]) -> Vec<(IpAddr, Manner)> {
    manners.iter().map(|manner| (V4, *manner)).collect()
}

/// Expects a connection to this one of the doors.
fn at(stage: &mut Stage, manners: &[Manner], door: usize) -> Result<(), Symptom> {
    let street = stage.street(&v4(manners))?;
    expect_door(stage, &street, door)
        .map(drop)
        .map_err(|mut symptom| {
            for silent in (0..manners.len()).filter(|door| manners[*door] == Silent) {
                note_calling(stage, &mut symptom, street.address(silent));
            }
            symptom
        })
}

/// Says so where the program is on its way to an address that is silent.
fn note_calling(stage: &Stage, symptom: &mut Symptom, silent: SocketAddr) {
    if stage.is_calling(silent) == Some(true) {
        stage.note(format!("your program is still calling at {silent}"));
        let sentence = format!("{STILL} {silent}, which is silent.");
        symptom.kernel.push(sentence);
    }
}

const STILL: &str = "Your program is still calling at";

fn is_still_calling(symptom: &Symptom) -> bool {
    symptom.kernel.iter().any(|line| line.starts_with(STILL))
}

fn one(stage: &mut Stage) -> Result<(), Symptom> {
    let street = stage.street(&v4(&[Answers, Answers]))?;
    let _peer = expect_door(stage, &street, 0)?;
    match stage.caller_at(&street, 1)? {
        None => Ok(()),
        Some(_) => Err(Symptom::new(
            Kind::Rule,
            "your program called at the second address, too",
        )
        .with_words("one call, which is answered", "a call at each address")),
    }
}

/// Expects that time is up before the last door, which answers, has its turn.
fn out_of_time(stage: &mut Stage, manners: &[Manner]) -> Result<(), Symptom> {
    let street = stage.street(&v4(manners))?;
    let error = expect_error(stage, ErrorKind::TimedOut);
    error.map_err(|mut symptom| {
        note_calling(stage, &mut symptom, street.address(0));
        symptom
    })?;
    match stage.caller_at(&street, manners.len() - 1)? {
        None => Ok(()),
        Some(_) => Err(Symptom::new(Kind::Rule, CALLED_ON).with_words(
            "no call any more, when the time for all was over",
            "a call at the last address",
        )),
    }
}

const CALLED_ON: &str = "your program called at addresses that had no turn any more";

/// Expects the last door's error, with the addresses of all.
fn told_of_all(stage: &mut Stage, manners: &[Manner]) -> Result<(), Symptom> {
    let street = stage.street(&v4(manners))?;
    let error = expect_error(stage, ErrorKind::ConnectionRefused)?;
    for door in 0..manners.len() {
        let address = street.address(door).to_string();
        if !error.contains(&address) {
            let summary = "the error does not name every address that was tried";
            return Err(Symptom::new(Kind::Error, summary)
                .with_words(format!("a text with {address} in it"), error));
        }
    }
    Ok(())
}

/// There is a minute for each; whoever goes on to the second does not do what was agreed.
fn slow(stage: &mut Stage) -> Result<(), Symptom> {
    let street = stage.street(&v4(&[Silent, Answers]))?;
    stage.expect_patience(WATCHED)?;
    stage.note(format!("{} begins to answer", street.address(0)));
    street.open_up(0)?;
    stage.while_calling(street.address(0));
    expect_door(stage, &street, 0).map(drop)
}

fn source(stage: &mut Stage) -> Result<(), Symptom> {
    let street = stage.street(&v4(&[Answers]))?;
    let peer = expect_door(stage, &street, 0)?;
    let got = peer.remote().ip();
    if got == SOURCE {
        return Ok(());
    }
    let summary = "the connection comes from another address";
    Err(Symptom::new(Kind::Wrong, summary).with_words(
        format!("a call from {SOURCE}"),
        format!("a call from {got}"),
    ))
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: <[u8]>::to_vec,
    };
    diagnosis::name(&[RULES, DIAL_RULES], &findings)
}

/// A connection came about, or was tried, when the time for all attempts was over.
fn went_on(symptom: &Symptom) -> bool {
    symptom.kind == Kind::NoError && symptom.got.ends_with(TOO_LATE)
        || symptom.summary == CALLED_ON
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M74",
        fits: |all| {
            let first = all.first(&["silent", "three"]);
            first.is_some_and(|s| {
                s.kind == Kind::NoAnswer
                    && matches!(s.doing, Some(Doing::Blocked | Doing::Restless))
                    && is_still_calling(s)
                    && nobody_called(s)
            })
        },
        why: "Nobody answers at one of the addresses, not even with a refusal, and your \
              program waits there, without a limit or with another than `each`. The next \
              address, which answers, never has its turn.",
    },
    Rule {
        mistake: "M75",
        fits: |all| {
            all.first(&["total"]).is_some_and(went_on)
                || all.first(&["rest"]).is_some_and(|s| {
                    went_on(s)
                        || s.kind == Kind::NoAnswer
                            && matches!(
                                s.doing,
                                Some(Doing::Blocked | Doing::Restless)
                            )
                            && is_still_calling(s)
                })
        },
        why: "The time for all attempts together was over, and your program went on. \
              What is left of it bounds each attempt, too.",
    },
    Rule {
        mistake: "M67",
        fits: |all| {
            let told = |s: &Symptom| s.got.starts_with("InvalidInput: ");
            all.passed("one")
                && all.passed("silent")
                && all.first(&["total", "rest"]).is_some_and(told)
        },
        why: "There was no time left for a further address, and zero was handed on as \
              its limit. No call takes that, so it is refused with `InvalidInput`; what \
              your caller was promised is `TimedOut`.",
    },
    Rule {
        mistake: "M76",
        fits: |all| {
            let first = all.first(&["source"]);
            first.is_some_and(|s| s.kind == Kind::Wrong)
        },
        why: "The connection comes from another address than `source`. To choose it, a \
              program calls `bind` before `connect`, with that address and port 0; \
              otherwise the kernel chooses.",
    },
];
