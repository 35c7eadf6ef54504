//! `forking/crash`: what goes wrong in one process, and how it is counted.

use std::io;
use std::net::TcpListener;

use super::{RULES, Talk, ask, leave, own_processes, talk, visit};
use checks::diagnosis::Rule;
use checks::engine::{Check, Probe, Report, Seen, Stage, act_as_family};
use checks::symptom::{Kind, Symptom};

/// How many children ended well, with another code than 0, and by a signal.
type Ends = [usize; 3];

/// The check of `forking/crash`.
pub fn crash(serve: fn(TcpListener, usize, Talk) -> io::Result<Ends>) -> Check {
    let probe = |name, title, callers: usize, play| {
        let act = move |report: &Report| {
            act_as_family(report, |listener| {
                serve(listener, callers, talk).map(|ends| shown(&ends))
            });
        };
        let play: fn(&mut Stage) -> Result<(), Symptom> = play;
        Probe::server(name, title, act, play)
    };
    let probes = vec![
        probe("two", "two callers at once", 2, |stage| {
            own_processes(stage)?;
            counts(stage, [2, 0, 0])
        }),
        probe(
            "well",
            "three callers that leave in good order",
            3,
            |stage| {
                for line in ["one", "two", "three"] {
                    visit(stage, line)?;
                }
                counts(stage, [3, 0, 0])
            },
        ),
        probe("codes", "children that end with other codes", 3, |stage| {
            orders(stage, &["code 3", "code 0", "code 1"])?;
            counts(stage, [1, 2, 0])
        }),
        probe(
            "signals",
            "children that are ended by signals",
            3,
            |stage| {
                orders(stage, &["signal 6", "signal 11", "signal 9"])?;
                counts(stage, [0, 0, 3])
            },
        ),
        probe(
            "isolated",
            "one child crashes, others are at work",
            4,
            isolated,
        ),
        probe(
            "high",
            "codes that look like a shell's for signals",
            3,
            |stage| {
                orders(stage, &["code 139", "code 255", "signal 11"])?;
                counts(stage, [0, 2, 1])
            },
        ),
        probe("burst", "eight children that end together", 8, burst),
        probe(
            "early",
            "a caller that stays while others leave",
            3,
            |stage| {
                let mut staying = stage.connect()?;
                ask(stage, &mut staying, "hello")?;
                orders(stage, &["signal 6", "code 7"])?;
                ask(stage, &mut staying, "still there?")?;
                leave(stage, staying)?;
                counts(stage, [1, 1, 1])
            },
        ),
    ];
    Check::new("forking/crash", probes, diagnose)
}

fn shown([well, failed, crashed]: &Ends) -> String {
    format!("{well} well, {failed} failed, {crashed} crashed")
}

/// One caller for each of these orders, which its child carries out.
fn orders(stage: &mut Stage, orders: &[&str]) -> Result<(), Symptom> {
    for order in orders {
        let mut peer = stage.connect()?;
        ask(stage, &mut peer, "hello")?;
        stage.send(&mut peer, format!("{order}\n").as_bytes())?;
        let over = stage.expect_over(&mut peer);
        over.map_err(|symptom| stage.with_family(symptom, Some(&peer)))?;
    }
    Ok(())
}

fn isolated(stage: &mut Stage) -> Result<(), Symptom> {
    let (mut a, mut b) = (stage.connect()?, stage.connect()?);
    ask(stage, &mut a, "hello")?;
    ask(stage, &mut b, "hello")?;
    orders(stage, &["signal 6"])?;
    ask(stage, &mut a, "still there?")?;
    leave(stage, a)?;
    visit(stage, "a caller after the crash")?;
    ask(stage, &mut b, "and you?")?;
    leave(stage, b)?;
    counts(stage, [3, 0, 1])
}

fn burst(stage: &mut Stage) -> Result<(), Symptom> {
    let mut callers = Vec::new();
    for _ in 0..8 {
        let mut peer = stage.connect()?;
        ask(stage, &mut peer, "hello")?;
        callers.push(peer);
    }
    stage.while_held(|stage| {
        for (nr, peer) in callers.iter_mut().enumerate() {
            let order = ["code 0\n", "code 9\n", "signal 6\n"][nr % 3];
            stage.send(peer, order.as_bytes())?;
        }
        Ok(())
    })?;
    counts(stage, [3, 3, 2])
}

/// Waits for the function to return these numbers, and for nobody to be left.
fn counts(stage: &mut Stage, expected: Ends) -> Result<(), Symptom> {
    let returned = stage.returned();
    let returned = returned.map_err(|symptom| stage.with_family(symptom, None))?;
    match returned {
        Ok(value) if value == shown(&expected) => stage.until_family(0),
        Ok(value) => Err(Symptom::new(Kind::WrongValue, "that is another count")
            .with_words(shown(&expected), value)),
        Err(error) => {
            let summary = "your function returned an error";
            let symptom = Symptom::new(Kind::Error, summary)
                .with_words(shown(&expected), error);
            Err(stage.as_it_is(symptom))
        }
    }
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    super::name(&[OWN, RULES], seen)
}

/// The three numbers of a count, as it was told.
fn numbers(told: &str) -> Option<Ends> {
    let mut numbers = told
        .split(", ")
        .map(|part| part.split(' ').next()?.parse().ok());
    Some([numbers.next()??, numbers.next()??, numbers.next()??])
}

const OWN: &[Rule] = &[
    Rule {
        mistake: "M112",
        fits: |all| {
            super::first(all).is_some_and(|s| {
                let accepts =
                    s.signs.children.iter().any(|call| super::is_accept(call));
                s.summary.contains("does not return") && accepts
            })
        },
        why: "Its caller has left, and a child waits in `accept` for another: it went on \
              where its parent does, in the loop over callers. The child's part has to \
              end the child.",
    },
    Rule {
        mistake: "M117",
        fits: |all| {
            let first = all.first(&["codes", "signals", "high", "isolated", "early"]);
            first.is_some_and(|s| {
                let (expected, got) = (numbers(&s.expected), numbers(&s.got));
                let total =
                    |ends: Option<Ends>| ends.map(|ends| ends.iter().sum::<usize>());
                let crashed =
                    |ends: Option<Ends>| ends.map(|[_, _, crashed]| crashed);
                s.kind == Kind::WrongValue
                    && total(expected) == total(got)
                    && crashed(expected) != crashed(got)
            })
        },
        why: "As many children were counted as had ended, some of them for what they were \
          not. wait(2) tells an exit code and a signal apart: a code is what the child \
          chose to say, and a signal is what was done to it.",
    },
];
