//! `raw/ping`: the conversation of ping, over two functions in place of a socket.

use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::thread;
use std::time::{Duration, Instant};

use wire::{Recorder, Side, view};

use super::packets::{Packet, message};
use checks::diagnosis::{self, Findings, Rule};
use checks::engine::{Check, Probe, Report, Seen};
use checks::symptom::{Kind, Symptom};

/// What became of a request, as the learner's function tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    /// The reply came, after so long.
    Reply(Duration),
    /// It did not get there: the code.
    Unreachable(u8),
    /// Nothing was heard.
    Lost,
}

/// Sends a message.
pub type Send<'a> = dyn FnMut(&[u8]) -> io::Result<()> + 'a;

/// Brings the next message until a deadline.
pub type Receive<'a> = dyn FnMut(Instant) -> io::Result<Option<Vec<u8>>> + 'a;

type Ping = fn(&mut Send<'_>, &mut Receive<'_>, u16, u16) -> io::Result<Vec<Became>>;

const ID: u16 = 0x1234;
const WAIT: Duration = Duration::from_secs(1);

/// What arrives after a request.
enum Step {
    /// This message.
    Gives(Vec<u8>),
    /// This message, after so many milliseconds.
    Late(u64, Vec<u8>),
    /// The call fails.
    Breaks,
    /// The request before cannot be sent: a first step.
    Unsent,
}

use Step::{Breaks, Gives, Late, Unsent};

/// The network of one probe: after each request, some steps, and then nothing.
struct World {
    recorder: Recorder,
    rounds: Vec<Vec<Step>>,
    requests: Vec<Vec<u8>>,
    /// When the call before returned.
    idle_since: Instant,
    /// When the function went on to send its last request, at the earliest.
    sent: Option<Instant>,
    first_deadline: Option<Instant>,
    /// What was wrong with how the function called.
    wrong: Option<Symptom>,
    empty: u32,
}

impl World {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.recorder.sent(1, Side::Right, bytes);
        self.requests.push(bytes.to_vec());
        self.sent = Some(self.idle_since);
        (self.first_deadline, self.empty) = (None, 0);
        self.idle_since = Instant::now();
        let steps = self.rounds.get_mut(self.requests.len() - 1);
        match steps.filter(|steps| matches!(steps.first(), Some(Unsent))) {
            Some(steps) => {
                steps.remove(0);
                self.breaks()
            }
            None => Ok(()),
        }
    }

    fn breaks<T>(&self) -> io::Result<T> {
        self.recorder.note(1, Side::Left, "the network is down");
        Err(ErrorKind::NetworkDown.into())
    }

    fn receive(&mut self, deadline: Instant) -> io::Result<Option<Vec<u8>>> {
        self.look_at(deadline);
        let round = self.requests.len().saturating_sub(1);
        let steps = self.rounds.get_mut(round).filter(|steps| !steps.is_empty());
        let outcome = match steps.map(|steps| steps.remove(0)) {
            None => self.nothing(),
            Some(Gives(bytes)) => Ok(Some(bytes)),
            Some(Late(millis, bytes)) => {
                thread::sleep(Duration::from_millis(millis));
                Ok(Some(bytes))
            }
            Some(Breaks | Unsent) => self.breaks(),
        };
        if let Ok(Some(bytes)) = &outcome {
            self.recorder.sent(1, Side::Left, bytes);
        }
        self.idle_since = Instant::now();
        outcome
    }

    /// The deadline has passed, as far as the function can tell. One that asks on and
    /// on is stopped.
    fn nothing(&mut self) -> io::Result<Option<Vec<u8>>> {
        const PATIENCE: u32 = 100;
        self.empty += 1;
        if self.empty == 1 {
            self.recorder
                .note(1, Side::Left, "nothing until the deadline");
        }
        if self.empty < PATIENCE {
            return Ok(None);
        }
        let summary = "your function asks on though the deadline has passed";
        self.complain(summary, "the outcome Lost", "one more call of receive");
        Err(io::Error::other("nothing comes any more"))
    }

    /// The deadline of every call in a round has to be that of the first, and that
    /// has to be `WAIT` after the request was sent.
    fn look_at(&mut self, deadline: Instant) {
        const TOLERANCE: Duration = Duration::from_millis(100); // of 300 that pass
        let Some(earliest) = self.sent else {
            let summary = "your function waits before it has sent a request";
            return self.complain(summary, "a request", "a call of receive");
        };
        let first = *self.first_deadline.get_or_insert(deadline);
        if deadline.saturating_duration_since(first) > TOLERANCE {
            let more = deadline.saturating_duration_since(first).as_millis();
            let got = format!("a deadline {more} ms after the first one");
            let expected = "the same deadline for every call after a request";
            self.complain(MOVED, expected, &got);
        }
        let now = Instant::now();
        if deadline < earliest + WAIT - TOLERANCE || deadline > now + WAIT + TOLERANCE
        {
            let summary = "the deadline is not 1 s after the request";
            let left = deadline.saturating_duration_since(now).as_millis();
            let got = format!("a deadline in {left} ms");
            self.complain(summary, "a deadline 1000 ms after the request", &got);
        }
    }

    fn complain(&mut self, summary: &str, expected: &str, got: &str) {
        let symptom = Symptom::new(Kind::Rule, summary).with_words(expected, got);
        self.wrong.get_or_insert(symptom);
    }
}

const MOVED: &str = "the deadline moves on with every message";

/// The check of `raw/ping`.
pub fn ping(
    ping: fn(&mut Send<'_>, &mut Receive<'_>, u16, u16) -> io::Result<Vec<Became>>,
) -> Check {
    let probe = |name, title, rounds: fn() -> Vec<Vec<Step>>, expected| {
        Probe::script(name, title, move |report| {
            play(ping, report, rounds(), expected)
        })
    };
    const ANY: Became = Became::Reply(Duration::ZERO);
    const LOST: Became = Became::Lost;
    const SLOW: Became = Became::Reply(Duration::from_millis(200));
    let replies = || vec![vec![Gives(reply(1))], vec![Gives(reply(2))]];
    let probes = vec![
        Probe::script("request", "two requests go out", move |report| {
            requests(ping, report)
        }),
        probe("replies", "each is replied to", replies, &[ANY, ANY]),
        probe(
            "time",
            "a reply takes its time, and the next does not",
            || vec![vec![Late(200, reply(1))], vec![Gives(reply(2))]],
            &[SLOW, ANY],
        ),
        probe(
            "lost",
            "the first reply is lost",
            || vec![vec![], vec![Gives(reply(2))]],
            &[LOST, ANY],
        ),
        probe(
            "own",
            "our own request arrives, and no reply",
            || vec![vec![Gives(own(1))], vec![Gives(own(2)), Gives(reply(2))]],
            &[LOST, ANY],
        ),
        probe(
            "other",
            "a reply to another program",
            || {
                let others = message(0, 0, 0x4321, 1, b"theirs");
                vec![vec![Gives(others)], vec![Gives(reply(2))]]
            },
            &[LOST, ANY],
        ),
        probe(
            "late",
            "a reply to the request before, and one twice",
            || {
                let late = || Gives(reply(1));
                vec![
                    vec![],
                    vec![late()],
                    vec![late(), Gives(reply(3))],
                    vec![Gives(reply(3))],
                ]
            },
            &[LOST, LOST, ANY, LOST],
        ),
        probe(
            "unreachable",
            "a router says that it is unreachable",
            || vec![vec![Gives(error(1, 0x1234, 1, 0))], vec![Gives(reply(2))]],
            &[Became::Unreachable(1), ANY],
        ),
        probe(
            "quoted",
            "errors about other packets than this request",
            || {
                let others = error(1, 0x4321, 1, 0);
                let before = error(3, 0x1234, 1, 0);
                vec![
                    vec![Gives(others)],
                    vec![Gives(before)],
                    vec![Gives(not_icmp())],
                    vec![Gives(no_request())],
                ]
            },
            &[LOST, LOST, LOST, LOST],
        ),
        probe(
            "options",
            "an error that quotes a header with options",
            || vec![vec![Gives(error(13, 0x1234, 1, 8))]],
            &[Became::Unreachable(13)],
        ),
        probe(
            "types",
            "messages of other types",
            || {
                let of = |kind, code| Gives(message(kind, code, ID, 1, &[0; 28]));
                vec![
                    vec![of(0, 1), of(13, 0), of(14, 0), of(5, 1), Gives(exceeded())],
                    vec![Gives(reply(2))],
                ]
            },
            &[LOST, ANY],
        ),
        probe(
            "short",
            "messages that are cut short, at every byte",
            cut,
            &[LOST],
        ),
        probe(
            "noise",
            "thirty messages for others, one after another",
            || {
                let others = || Late(10, message(0, 0, 0x4321, 1, b"theirs"));
                vec![(0..30).map(|_| others()).collect()]
            },
            &[LOST],
        ),
        Probe::script("broken", "receiving fails", move |report| {
            broken(ping, report, vec![vec![Breaks]])
        }),
        Probe::script("unsent", "sending fails", move |report| {
            broken(ping, report, vec![vec![Unsent, Gives(reply(1))]])
        }),
        probe("none", "no request at all", Vec::new, &[]),
    ];
    Check::new("raw/ping", probes, diagnose)
}

fn reply(sequence: u16) -> Vec<u8> {
    message(0, 0, ID, sequence, b"")
}

/// The request as it comes by on loopback; what data it had is not told.
fn own(sequence: u16) -> Vec<u8> {
    message(8, 0, ID, sequence, b"")
}

/// "Unreachable" for a request, in a header with so many bytes of options.
fn error(code: u8, identifier: u16, sequence: u16, options: usize) -> Vec<u8> {
    let packet = Packet {
        options: vec![1; options],
        ..Packet::new(message(8, 0, identifier, sequence, b""))
    };
    message(3, code, 0, 0, &packet.bytes())
}

/// "Unreachable" for a UDP packet whose bytes look like our third request.
fn not_icmp() -> Vec<u8> {
    let packet = Packet {
        protocol: 17,
        ..Packet::new(message(8, 0, ID, 3, b""))
    };
    message(3, 3, 0, 0, &packet.bytes())
}

/// "Unreachable" for a reply of this host, to somebody who has used our numbers.
fn no_request() -> Vec<u8> {
    let packet = Packet::new(message(0, 0, ID, 4, b""));
    message(3, 1, 0, 0, &packet.bytes())
}

/// "Time exceeded" for our first request: another type than "unreachable".
fn exceeded() -> Vec<u8> {
    let packet = Packet::new(message(8, 0, ID, 1, b""));
    message(11, 0, 0, 0, &packet.bytes())
}

/// Everything that has no end: replies without their numbers, errors without quote.
fn cut() -> Vec<Vec<Step>> {
    let (reply, error) = (reply(1), error(1, ID, 1, 4));
    let mut zeros = vec![0; 8];
    zeros[0] = 3;
    let pieces = (0..reply.len())
        .map(|length| reply[..length].to_vec())
        .chain((0..error.len()).map(|length| error[..length].to_vec()))
        .chain([zeros, vec![3; 9], vec![3; 60]]);
    vec![pieces.map(Gives).collect()]
}

/// Runs the function in a world; what it returned, and the world afterwards.
fn run(
    ping: Ping,
    report: &Report,
    rounds: Vec<Vec<Step>>,
    count: usize,
) -> (io::Result<Vec<Became>>, World) {
    let world = RefCell::new(World {
        recorder: report.recorder(),
        rounds,
        requests: Vec::new(),
        idle_since: Instant::now(),
        sent: None,
        first_deadline: None,
        wrong: None,
        empty: 0,
    });
    let outcome = ping(
        &mut |bytes| world.borrow_mut().send(bytes),
        &mut |deadline| world.borrow_mut().receive(deadline),
        ID,
        count as u16,
    );
    (outcome, world.into_inner())
}

fn play(
    ping: Ping,
    report: &Report,
    rounds: Vec<Vec<Step>>,
    expected: &[Became],
) -> Result<(), Symptom> {
    let begun = Instant::now();
    let (outcome, world) = run(ping, report, rounds, expected.len());
    let whole = begun.elapsed();
    if let Some(symptom) = world.wrong {
        return Err(symptom);
    }
    let got = outcome.map_err(|error| {
        let summary = "your function returned an error where there was none";
        Symptom::new(Kind::Error, summary)
            .with_words(shown(expected), error.to_string())
    })?;
    let fits = |(wanted, got): (&Became, &Became)| match (wanted, got) {
        (Became::Reply(least), Became::Reply(time)) => {
            (*least..=whole).contains(time)
        }
        (wanted, got) => wanted == got,
    };
    if expected.len() == got.len() && expected.iter().zip(&got).all(fits) {
        return Ok(());
    }
    let too_long = |got: &Became| matches!(got, Became::Reply(time) if *time > whole);
    if got.iter().any(too_long) {
        let summary = "a reply is said to have taken longer than the whole probe";
        return Err(Symptom::new(Kind::WrongValue, summary)
            .with_words(format!("at most {whole:?}"), format!("{got:?}")));
    }
    let summary = "that is not what became of the requests";
    Err(Symptom::new(Kind::WrongValue, summary)
        .with_words(shown(expected), shown_times(expected, &got)))
}

/// Outcomes for people, without times.
fn shown(outcomes: &[Became]) -> String {
    let outcomes: Vec<String> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Became::Reply(Duration::ZERO) => "Reply".into(),
            Became::Reply(least) => format!("Reply after {least:?} or more"),
            other => format!("{other:?}"),
        })
        .collect();
    format!("[{}]", outcomes.join(", "))
}

/// The same, with times only where they are asked for.
fn shown_times(expected: &[Became], got: &[Became]) -> String {
    let timed =
        |wanted: &Became| matches!(wanted, Became::Reply(least) if !least.is_zero());
    if expected.iter().any(timed) {
        return format!("{got:?}");
    }
    let plain = got.iter().map(|outcome| match outcome {
        Became::Reply(_) => Became::Reply(Duration::ZERO),
        other => *other,
    });
    shown(&plain.collect::<Vec<_>>())
}

fn requests(ping: Ping, report: &Report) -> Result<(), Symptom> {
    let (_, world) = run(ping, report, vec![vec![Gives(reply(1))]], 2);
    if world.requests.len() != 2 {
        let got = format!("{} sent", view::number(world.requests.len() as u64));
        return Err(Symptom::new(
            Kind::WrongValue,
            "it sends another number of requests",
        )
        .with_words("2 sent", got));
    }
    for (sequence, request) in (1..).zip(&world.requests) {
        let expected = [8, 0, 0, 0, 0x12, 0x34, 0, sequence];
        let header = &request[..request.len().min(8)];
        if header != expected {
            let summary = "the header is not that of an echo request";
            let mut symptom = Symptom::new(Kind::WrongValue, summary)
                .with_words(view::hex(&expected), view::hex(header));
            symptom.expected_bytes = expected.to_vec();
            symptom.got_bytes = header.to_vec();
            return Err(symptom);
        }
    }
    Ok(())
}

fn broken(
    ping: Ping,
    report: &Report,
    rounds: Vec<Vec<Step>>,
) -> Result<(), Symptom> {
    let (outcome, _) = run(ping, report, rounds, 2);
    match outcome {
        Err(error) if error.kind() == ErrorKind::NetworkDown => Ok(()),
        Err(error) => Err(Symptom::new(Kind::Error, "the error is of another kind")
            .with_words("the error NetworkDown", error.to_string())),
        Ok(got) => Err(Symptom::new(Kind::NoError, "your function hid the error")
            .with_words("the error NetworkDown", shown_times(&[], &got))),
    }
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: <[u8]>::to_vec,
    };
    diagnosis::name(&[RULES], &findings)
}

/// Whether the function told these outcomes in the first probe that failed.
fn told(all: &Findings<'_>, probe: &str, outcomes: &[&str]) -> bool {
    let first = all.first(&[probe]);
    first.is_some_and(|s| {
        s.kind == Kind::WrongValue && outcomes.contains(&s.got.as_str())
    })
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M30",
        fits: |all| {
            all.first(&["request"]).is_some_and(|s| {
                let numbers = s.got_bytes.get(4..8);
                let swapped: [&[u8]; 3] = [
                    &[0x34, 0x12, 1, 0],
                    &[0x34, 0x12, 0, 1],
                    &[0x12, 0x34, 1, 0],
                ];
                numbers.is_some_and(|numbers| swapped.contains(&numbers))
            })
        },
        why: "A number in a header has its most significant byte first. Yours has it \
              last.",
    },
    Rule {
        mistake: "M90",
        fits: |all| told(all, "own", &["[Reply, Reply]"]),
        why: "What arrived was your own request, of type 8: a raw socket gets a copy of \
              every ICMP message, and on loopback also of those that it has sent. A \
              reply has the type 0.",
    },
    Rule {
        mistake: "M91",
        fits: |all| told(all, "other", &["[Reply, Reply]"]),
        why: "The reply had another identifier: another program on this host has asked. \
              Every raw socket gets all replies.",
    },
    Rule {
        mistake: "M92",
        fits: |all| {
            let taken = ["[Lost, Reply, Reply, Reply]", "[Lost, Reply, Reply, Lost]"];
            told(all, "late", &taken)
        },
        why: "A reply to an earlier request came late, or twice, and was taken for the \
              reply to this one. The sequence number tells them apart.",
    },
    Rule {
        mistake: "M91",
        fits: |all| {
            let first = all.first(&["quoted"]);
            first.is_some_and(|s| s.got.starts_with("[Unreachable"))
        },
        why: "The error was about a packet of another program. Which packet it is about \
              stands in the quote: the identifier there is not yours.",
    },
    Rule {
        mistake: "M93",
        fits: |all| {
            let unknown = ["[Lost]"];
            told(all, "options", &unknown)
        },
        why: "With a header of 20 bytes in the quote your function found its request, \
              and with one of 28 it did not. How long the header is stands in the lower \
              four bits of its first byte.",
    },
    Rule {
        mistake: "M45",
        fits: |all| all.first(&["short"]).is_some_and(|s| s.panic.is_some()),
        why: "A message that was cut short was enough to make your function panic. Use \
              `get` for bytes that may not be there.",
    },
    Rule {
        mistake: "M99",
        fits: |all| all.first(&["noise"]).is_some_and(|s| s.summary == MOVED),
        why: "With every message that was skipped, the wait began anew. As long as \
              others talk, a lost reply is never noticed. Compute the deadline once, \
              when the request is sent.",
    },
];
