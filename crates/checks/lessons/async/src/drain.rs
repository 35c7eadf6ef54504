//! `async/drain`: a server that ends in good order, and in time.

use std::io;
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use super::{listen_and_take, read_a_byte};
use checks::diagnosis::{self, Findings, Rule, SERVER_RULES};
use checks::engine::{Check, Peer, Probe, Report, Seen, Stage};
use checks::symptom::{Doing, Kind, Symptom};

/// The learner's server: where it listens, what returns when it has to stop, and how
/// long it may take then. It returns how many visits finished, and how many were cut.
type Serve =
    fn(TcpListener, Box<dyn FnOnce() + Send>, Duration) -> io::Result<(usize, usize)>;

/// Longer than any check.
const LONG: Duration = Duration::from_secs(3600);

/// Short, so that a check does not take long.
const SHORT: Duration = Duration::from_millis(250);

/// Time enough for one caller to leave before it is over.
const MIDDLE: Duration = Duration::from_millis(600);

/// The check of `async/drain`.
pub fn drain(serve: Serve) -> Check {
    type Play = fn(&mut Stage, &mut Peer) -> Result<(), Symptom>;
    let probe = |name, title, limit, play: Play| {
        let act = move |report: &Report| act(report, serve, limit);
        Probe::server(name, title, act, move |stage| {
            let mut control = stage.connect()?;
            stage.note("a byte on #1 is the stop");
            play(stage, &mut control)
        })
    };
    let probes = vec![
        probe("serve", "two callers at the same time", LONG, serves),
        probe("reset", "a caller that resets, then another", LONG, reset),
        probe(
            "idle",
            "the stop, and nobody is there",
            LONG,
            |stage, control| {
                stop(stage, control)?;
                expect_drained(stage, 0, 0)
            },
        ),
        probe("left", "the stop, and everybody has left", LONG, left),
        probe(
            "finish",
            "a caller that goes on after the stop",
            LONG,
            finish,
        ),
        probe("closed", "nobody new after the stop", LONG, closed),
        probe(
            "broken",
            "a caller that resets after the stop",
            LONG,
            breaks,
        ),
        probe("cut", "a caller that stays for too long", SHORT, cut).early(),
        probe("mixed", "one that leaves and two that stay", MIDDLE, mixed).early(),
        probe("one", "callers that leave one by one", SHORT, one_by_one).early(),
        probe("rest", "callers who are silent", LONG, |stage, _| {
            stage.expect_rest_in_silence()?;
            let mut caller = stage.connect()?;
            ask(stage, &mut caller, b"hello")?;
            stage.expect_rest_in_silence()?;
            ask(stage, &mut caller, b"still there?")
        })
        .early(),
    ];
    Check::new("async/drain", probes, diagnose)
}

fn act(report: &Report, serve: Serve, limit: Duration) {
    let result = listen_and_take(report).and_then(|(listener, [control])| {
        serve(listener, Box::new(move || read_a_byte(&control)), limit)
    });
    report.returned(result.map(|(finished, aborted)| told(finished, aborted)));
    loop {
        thread::park(); // what it has left open shall be seen
    }
}

fn told(finished: usize, aborted: usize) -> String {
    format!("{finished} finished, {aborted} aborted")
}

fn ask(stage: &mut Stage, peer: &mut Peer, word: &[u8]) -> Result<(), Symptom> {
    stage.send(peer, word)?;
    stage.expect(peer, &word.to_ascii_uppercase())
}

/// So many callers who have been served and stay.
fn callers(stage: &mut Stage, many: usize) -> Result<Vec<Peer>, Symptom> {
    let mut callers = Vec::new();
    for _ in 0..many {
        let mut caller = stage.connect()?;
        ask(stage, &mut caller, b"hello")?;
        callers.push(caller);
    }
    Ok(callers)
}

/// Says stop, and sees to it that it has been heard.
fn stop(stage: &mut Stage, control: &mut Peer) -> Result<(), Symptom> {
    stage.note("stop");
    stage.send(control, b".")?;
    stage.until_taken(control)
}

fn leave(stage: &mut Stage, caller: &mut Peer) -> Result<(), Symptom> {
    caller.end();
    stage.expect_end(caller)
}

fn expect_drained(
    stage: &mut Stage,
    finished: usize,
    aborted: usize,
) -> Result<(), Symptom> {
    expect_one_of(stage, &[told(finished, aborted)])
}

fn expect_one_of(stage: &mut Stage, wanted: &[String]) -> Result<(), Symptom> {
    match stage.returned()? {
        Ok(got) if wanted.contains(&got) => Ok(()),
        Ok(got) => {
            let summary = "the numbers are not those of the callers";
            Err(Symptom::new(Kind::WrongValue, summary)
                .with_words(wanted.join(", or "), got))
        }
        Err(error) => {
            let summary = "your function returned an error";
            Err(Symptom::new(Kind::Error, summary)
                .with_words(wanted.join(", or "), error))
        }
    }
}

fn serves(stage: &mut Stage, _: &mut Peer) -> Result<(), Symptom> {
    let mut callers = callers(stage, 2)?;
    ask(stage, &mut callers[0], b"one")?;
    ask(stage, &mut callers[1], b"two")?;
    leave(stage, &mut callers[0])?;
    ask(stage, &mut callers[1], b"three")?;
    leave(stage, &mut callers[1])
}

fn reset(stage: &mut Stage, _: &mut Peer) -> Result<(), Symptom> {
    for caller in callers(stage, 2)? {
        caller.reset()?;
    }
    let mut caller = stage.connect()?;
    ask(stage, &mut caller, b"anybody there?")
}

fn left(stage: &mut Stage, control: &mut Peer) -> Result<(), Symptom> {
    for mut caller in callers(stage, 3)? {
        leave(stage, &mut caller)?;
    }
    stage.expect_rest()?; // it has had time to forget them
    stop(stage, control)?;
    expect_drained(stage, 0, 0)
}

fn finish(stage: &mut Stage, control: &mut Peer) -> Result<(), Symptom> {
    let mut callers = callers(stage, 2)?;
    stop(stage, control)?;
    for caller in &mut callers {
        ask(stage, caller, b"one thing more")?;
        ask(stage, caller, b"and another")?;
        leave(stage, caller)?;
    }
    expect_drained(stage, 2, 0)
}

fn closed(stage: &mut Stage, control: &mut Peer) -> Result<(), Symptom> {
    let mut callers = callers(stage, 1)?;
    stop(stage, control)?;
    stage.expect_deaf()?;
    ask(stage, &mut callers[0], b"one thing more")?;
    leave(stage, &mut callers[0])?;
    expect_drained(stage, 1, 0)
}

fn breaks(stage: &mut Stage, control: &mut Peer) -> Result<(), Symptom> {
    let mut callers = callers(stage, 2)?;
    stop(stage, control)?;
    let last = callers.pop();
    if let Some(rude) = last {
        rude.reset()?;
    }
    ask(stage, &mut callers[0], b"one thing more")?;
    leave(stage, &mut callers[0])?;
    expect_drained(stage, 2, 0)
}

fn cut(stage: &mut Stage, control: &mut Peer) -> Result<(), Symptom> {
    let mut callers = callers(stage, 2)?;
    stop(stage, control)?;
    stage.note(format!("the callers stay, and {SHORT:?} pass"));
    for caller in &mut callers {
        stage.expect_over(caller)?;
    }
    expect_drained(stage, 0, 2)
}

fn mixed(stage: &mut Stage, control: &mut Peer) -> Result<(), Symptom> {
    let mut callers = callers(stage, 3)?;
    let start = Instant::now();
    stop(stage, control)?;
    callers[0].end();
    stage.expect_over(&mut callers[0])?;
    let in_time = start.elapsed() < MIDDLE / 2;
    stage.note(format!("the others stay, and {MIDDLE:?} pass"));
    for caller in &mut callers[1..] {
        stage.expect_over(caller)?;
    }
    match in_time {
        true => expect_drained(stage, 1, 2),
        // On a machine this busy, the server may have had no time to see it leave.
        false => expect_one_of(stage, &[told(1, 2), told(0, 3)]),
    }
}

/// Callers leave, one now and then, and one goes on talking. The limit is one for
/// all.
fn one_by_one(stage: &mut Stage, control: &mut Peer) -> Result<(), Symptom> {
    const LEAVE: usize = 14;
    const PAUSE: Duration = Duration::from_millis(60);
    /// A server that looks at its clock after each answer gives one late answer, or
    /// two.
    const LATE: usize = 6;
    let mut leavers = callers(stage, LEAVE)?;
    let mut talker = stage.connect()?;
    ask(stage, &mut talker, b"hello")?;
    stop(stage, control)?;
    stage.expect_deaf()?;
    let start = Instant::now();
    let mut late = 0;
    for leaver in &mut leavers {
        leaver.end();
        stage.expect_over(leaver)?;
        let is_late = start.elapsed() > SHORT;
        if ask(stage, &mut talker, b"x").is_err() {
            break;
        }
        late += usize::from(is_late);
        if late >= LATE {
            let summary = "your server serves on, although its time is over";
            let symptom = Symptom::new(Kind::NoAnswer, summary).with_words(
                format!("the end of all visits after {SHORT:?}"),
                format!("serves, {LATE} and more answers after {SHORT:?} had passed"),
            );
            return Err(stage.as_it_is(symptom));
        }
        thread::sleep(PAUSE); // shapes the input
    }
    stage.expect_over(&mut talker)?;
    let all = LEAVE + 1;
    let possible: Vec<String> = (0..all).map(|left| told(left, all - left)).collect();
    match stage.returned()? {
        Ok(got) if possible.contains(&got) => Ok(()),
        Ok(got) | Err(got) => {
            let summary = "the numbers are not those of the callers";
            let wanted = format!("{all} in all, at least one of them aborted");
            Err(Symptom::new(Kind::WrongValue, summary).with_words(wanted, got))
        }
    }
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: |bytes| bytes.to_ascii_uppercase(),
    };
    diagnosis::name(&[RULES, SERVER_RULES], &findings)
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M18",
        fits: |all| {
            let waits = |s: &Symptom| {
                s.kind == Kind::NoAnswer
                    && s.doing == Some(Doing::Blocked)
                    && s.signs.callers == 3 // one of them is the control
                    && s.signs.matched == 0
            };
            all.first(&["serve"]).is_some_and(waits) && all.passed("idle")
        },
        why: "While one caller stayed, another got no answer: your server is with \
              one caller until it leaves. Each visit needs a task of its own.",
    },
    Rule {
        mistake: "M132",
        fits: |all| {
            all.first(&["left", "rest"])
                .is_some_and(|s| s.kind == Kind::Spins)
        },
        why: "Nobody said a word, and your server runs. Something that it waits for \
              is ready at once, again and again: `join_next` of an empty set returns \
              `None` without waiting, and so does a channel that is closed.",
    },
    Rule {
        mistake: "M137",
        fits: |all| {
            let cut = |s: &Symptom| {
                let ended = matches!(s.kind, Kind::EarlyEnd | Kind::Reset)
                    || (s.kind == Kind::NoAnswer && s.is_over());
                ended && s.signs.matched >= 5 && s.panic.is_none()
            };
            all.passed("serve")
                && all.passed("idle")
                && all.first(&["finish", "closed", "broken"]).is_some_and(cut)
        },
        why: "The stop came in the middle of a visit, and the caller was cut off, \
              with an hour left. Dropping a `JoinSet`, or the runtime, aborts what \
              runs in it: the visits have to be waited for.",
    },
    Rule {
        mistake: "M139",
        fits: |all| {
            let open = |s: &Symptom| {
                s.kind == Kind::Leaks && s.got.contains("still listens")
            };
            all.passed("finish") && all.first(&["closed"]).is_some_and(open)
        },
        why: "The server was told to stop, and the kernel still takes calls in its \
              name: whoever calls now waits for an answer that nobody will give. The \
              listener has to be dropped before the visits are waited for.",
    },
    Rule {
        mistake: "M138",
        fits: |all| {
            let stays = |s: &Symptom| {
                s.kind == Kind::NoEnd
                    && s.doing == Some(Doing::Blocked)
                    && !s.calls.iter().any(|call| call.contains("sleep"))
            };
            all.passed("finish") && all.first(&["cut", "mixed"]).is_some_and(stays)
        },
        why: "A caller stayed, the time was over, and your server waits on, without \
              a limit: the last caller decides when it ends. A deadline is what \
              makes a stop certain.",
    },
    Rule {
        mistake: "M138",
        fits: |all| {
            let serves = |s: &Symptom| s.got.starts_with("serves, ");
            all.passed("cut") && all.first(&["one"]).is_some_and(serves)
        },
        why: "Callers left, one now and then, and your server went on although its \
              time was over: its limit began anew with each of them. The deadline is \
              a moment, computed once.",
    },
];
