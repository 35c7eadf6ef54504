//! `names/eyeballs`: a race of addresses.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use super::{DIAL_RULES, V4, V6, act, expect_door, expect_error, nobody_called};
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
const SHORT: Duration = Duration::from_millis(100);

/// Far longer than loopback needs for an answer on any machine, and little enough that a
/// program which waits so long counts as one that will wake.
const FAIR: Duration = Duration::from_millis(1500);

/// The kernel repeats a call that was dropped, after a second for the first time and
/// then some times more: there is time for an address that begins to answer late. And
/// it is little enough that a program which waits so long counts as one that will wake.
const LATE: Duration = Duration::from_secs(4);

/// The check of `names/eyeballs`: a function that tries several addresses at once, each
/// a little later than the one before.
pub fn eyeballs(
    race: fn(&[SocketAddr], Duration, Duration) -> io::Result<TcpStream>,
) -> Check {
    let probe =
        |name, title, times: (Duration, Duration), play: fn(&mut Stage) -> _| {
            let (stagger, limit) = times;
            let act = move |report: &Report| {
                act(report, None, |addresses| race(addresses, stagger, limit));
            };
            Probe::client(name, title, act, play)
        };
    let unhurried = (LONG, LONG);
    let mut probes = vec![
        probe("one", "two addresses, and both answer", (FAIR, LONG), one).early(),
        probe(
            "refused",
            "the first address refuses, and the stagger is long",
            unhurried,
            |stage| at(stage, &v4(&[Refuses, Answers]), 1),
        )
        .early(),
        probe(
            "first",
            "an IPv4 address, then an IPv6 one",
            unhurried,
            |stage| at(stage, &[(V4, Answers), (V6, Answers)], 0),
        ),
        probe(
            "families",
            "three IPv4 addresses, then two IPv6 ones",
            unhurried,
            |stage| {
                let four = [(V4, Refuses), (V4, Refuses), (V4, Answers)];
                let six = [(V6, Refuses), (V6, Answers)];
                at(stage, &[&four[..], &six].concat(), 4)
            },
        ),
    ];
    if cfg!(target_os = "linux") {
        // Elsewhere a full queue need not be silent.
        probes.extend([
            probe(
                "silent",
                "the first address is silent",
                (SHORT, LONG),
                |stage| at(stage, &v4(&[Silent, Answers]), 1),
            )
            .early(),
            probe(
                "many",
                "three silent addresses before one that answers",
                (SHORT, LONG),
                |stage| at(stage, &v4(&[Silent, Silent, Silent, Answers]), 3),
            ),
            probe(
                "slow",
                "the first address answers late, and the stagger is a minute",
                unhurried,
                slow,
            )
            .early(),
            probe(
                "late",
                "the first address answers after the second was called",
                (SHORT, LATE),
                late,
            )
            .early(),
            probe(
                "losers",
                "the first address answers when the race is over",
                (SHORT, LATE),
                losers,
            )
            .early(),
            probe(
                "limit",
                "two silent addresses, and a limit",
                (SHORT, SHORT * 4),
                |stage| {
                    let _street = stage.street(&v4(&[Silent, Silent]))?;
                    expect_error(stage, ErrorKind::TimedOut).map(drop)
                },
            ),
        ]);
    }
    probes.extend([
        probe(
            "all",
            "two addresses, and both refuse",
            unhurried,
            |stage| {
                let _street = stage.street(&v4(&[Refuses, Refuses]))?;
                expect_error(stage, ErrorKind::ConnectionRefused).map(drop)
            },
        ),
        probe("nobody", "no address at all", unhurried, |stage| {
            let _street = stage.street(&[])?;
            expect_error(stage, ErrorKind::InvalidInput).map(drop)
        }),
    ]);
    Check::new("names/eyeballs", probes, diagnose)
}

fn v4(manners: &[Manner]) -> Vec<(IpAddr, Manner)> {
    manners.iter().map(|manner| (V4, *manner)).collect()
}

fn at(
    stage: &mut Stage,
    plan: &[(IpAddr, Manner)],
    door: usize,
) -> Result<(), Symptom> {
    let street = stage.street(plan)?;
    expect_door(stage, &street, door).map(drop)
}

fn one(stage: &mut Stage) -> Result<(), Symptom> {
    let street = stage.street(&v4(&[Answers, Answers]))?;
    let _peer = expect_door(stage, &street, 0)?;
    stage.until_at_rest()?; // an attempt that is to start by the clock has started
    match stage.caller_at(&street, 1)? {
        None => Ok(()),
        Some(_) => Err(Symptom::new(
            Kind::Rule,
            "your program called at the second address, too",
        )
        .with_words("one call, which is answered", "a call at each address")),
    }
}

/// The stagger is a minute; whoever calls at the second address before does not do what
/// was agreed.
fn slow(stage: &mut Stage) -> Result<(), Symptom> {
    let street = stage.street(&v4(&[Silent, Answers]))?;
    stage.expect_patience(WATCHED)?;
    stage.note(format!("{} begins to answer", street.address(0)));
    street.open_up(0)?;
    stage.while_calling(street.address(0));
    expect_door(stage, &street, 0).map(drop)
}

/// The first attempt has to go on while the second runs.
fn late(stage: &mut Stage) -> Result<(), Symptom> {
    let street = stage.street(&v4(&[Silent, Silent]))?;
    let (first, second) = (street.address(0), street.address(1));
    stage.until_calling(second)?;
    let gave_up = stage.is_calling(first) == Some(false);
    stage.note(format!("your program calls at {second}"));
    if gave_up {
        stage.note(format!("and at {first} it does not call any more"));
        let _ = stage.returned(); // what it says in the end belongs to the account
        let summary = "the first attempt was given up when the second began";
        return Err(Symptom::new(Kind::Rule, summary).with_words(
            format!("a call at {first} that goes on"),
            "no call there any more",
        ));
    }
    stage.note(format!("{} begins to answer", street.address(0)));
    street.open_up(0)?;
    expect_door(stage, &street, 0).map(drop)
}

/// The race is won, and then a loser is connected.
fn losers(stage: &mut Stage) -> Result<(), Symptom> {
    let street = stage.street(&v4(&[Silent, Answers]))?;
    let _peer = expect_door(stage, &street, 1)?;
    stage.note(format!("{} begins to answer", street.address(0)));
    street.open_up(0)?;
    stage.until_left(street.address(0))
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: <[u8]>::to_vec,
    };
    diagnosis::name(&[RULES, DIAL_RULES], &findings)
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M74",
        fits: |all| {
            let first = all.first(&["silent", "many"]);
            first.is_some_and(|s| {
                s.kind == Kind::NoAnswer
                    && matches!(s.doing, Some(Doing::Blocked | Doing::Restless))
                    && nobody_called(s)
            })
        },
        why: "Nobody answers at an address before it, not even with a refusal, and the \
              address that answers never has its turn, though the stagger has passed.",
    },
    Rule {
        mistake: "M72",
        fits: |all| all.first(&["late"]).is_some_and(|s| s.kind == Kind::Rule),
        why: "The stagger says when the next attempt starts, not when the last one ends. \
              An address that needs longer than that is never reached so.",
    },
    Rule {
        mistake: "M79",
        fits: |all| {
            all.first(&["losers"])
                .is_some_and(|s| s.kind == Kind::Leaks)
        },
        why: "The winner had been returned when another attempt was answered, too. \
              Something keeps that stream from being dropped, and its server waits for \
              a caller that will never speak.",
    },
];
