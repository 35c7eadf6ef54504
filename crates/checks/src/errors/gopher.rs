//! `errors/gopher`: a client that can say what went wrong.

use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use wire::view;

use super::{Closed, FullQueue, RECEIVES, is_blocked_in};
use crate::diagnosis::{self, Findings, Rule};
use crate::engine::{Check, Peer, Probe, Report, Seen, Stage};
use crate::symptom::{Doing, Kind, Symptom};

/// How long the learner's function may wait for any one step.
const PATIENCE: Duration = Duration::from_millis(300);

/// A name that no resolver has an address for, and that none has to be asked about: a
/// label cannot be empty (RFC 1035, 3.1).
const NO_NAME: &str = "no..host";

const SELECTOR: &str = "/welcome";
const TEXT: &str = "Welcome to the burrow.\r\nHelp yourself to tea.\r\n";
const FIRST_PIECE: usize = 30;
const MISSING: &str = "3'/welcome' does not exist\t\terror.host\t1\r\n.\r\n";

/// The check of `errors/gopher`.
pub fn gopher<F, E>(fetch: F) -> Check
where
    F: Fn(&str, u16, &str, Duration) -> Result<Vec<u8>, E> + Send + Sync + 'static,
    E: Debug,
{
    let fetch = Arc::new(fetch);
    let facing = |name, title, play: fn(&mut Stage) -> Result<(), Symptom>| {
        let fetch = Arc::clone(&fetch);
        let act = move |report: &Report| {
            ask(report, &*fetch, "127.0.0.1", report.peer().port());
        };
        Probe::client(name, title, act, play)
    };
    let alone = |name, title, place: Place, wanted: &'static str| {
        let fetch = Arc::clone(&fetch);
        let act = move |report: &Report| match place {
            Place::Name => ask(report, &*fetch, NO_NAME, 7070),
            Place::Closed => at(report, &*fetch, Closed::new(), |it| it.addr),
            Place::Full => at(report, &*fetch, FullQueue::new(), |it| it.addr),
        };
        Probe::client(name, title, act, move |stage| {
            stage.note(place.told());
            expect_failure(stage, wanted)
        })
    };
    let probes = vec![
        facing("whole", "a page in one piece", whole),
        facing("pieces", "the same page in five pieces", pieces),
        facing("period", "a line that ends with a period", period),
        facing("missing", "a page that does not exist", missing),
        facing("straddle", "the same, cut in the phrase", straddle),
        alone("name", "a name without an address", Place::Name, "Name"),
        alone("refused", "nobody listens", Place::Closed, "Refused"),
        facing("reset", "a server that breaks off half-way", reset),
        facing("truncated", "a page without its last line", truncated),
        facing("silent", "a server that falls silent half-way", silent),
        alone(
            "queue",
            "a server that has no time to accept",
            Place::Full,
            "TimedOut",
        ),
    ];
    Check::new("errors/gopher", probes, diagnose)
}

/// Where the function is sent to when nobody is to answer it.
#[derive(Clone, Copy)]
enum Place {
    Name,
    Closed,
    Full,
}

impl Place {
    fn told(self) -> String {
        match self {
            Place::Name => format!("your function is given the host {NO_NAME:?}"),
            Place::Closed => {
                "your function is given a port where nobody listens".into()
            }
            Place::Full => {
                "your function is given a port whose queue of callers is full".into()
            }
        }
    }
}

fn ask<F, E>(report: &Report, fetch: &F, host: &str, port: u16)
where
    F: Fn(&str, u16, &str, Duration) -> Result<Vec<u8>, E>,
    E: Debug,
{
    let result = fetch(host, port, SELECTOR, PATIENCE);
    // What an error says of itself is told in words; its name is what counts.
    report.returned(Ok::<_, String>(match result {
        Ok(page) => format!("Ok({})", view::escaped(&page)),
        Err(failure) => format!("Err({failure:?})"),
    }));
}

fn at<F, E, P>(
    report: &Report,
    fetch: &F,
    place: io::Result<P>,
    addr: fn(&P) -> SocketAddr,
) where
    F: Fn(&str, u16, &str, Duration) -> Result<Vec<u8>, E>,
    E: Debug,
{
    match place {
        Ok(place) => ask(report, fetch, "127.0.0.1", addr(&place).port()),
        Err(error) => eprintln!("the check cannot set its sockets up: {error}"),
    }
}

/// Takes the request.
fn asked(stage: &mut Stage) -> Result<Peer, Symptom> {
    let mut peer = stage.accept()?;
    stage.expect(&mut peer, format!("{SELECTOR}\r\n").as_bytes())?;
    Ok(peer)
}

/// Answers in these pieces and ends; expects that the function returned this.
fn answer(stage: &mut Stage, pieces: &[&[u8]]) -> Result<Peer, Symptom> {
    let mut peer = asked(stage)?;
    for (nr, piece) in pieces.iter().enumerate() {
        if nr > 0 {
            stage.until_taken(&mut peer)?;
        }
        stage.send(&mut peer, piece)?;
    }
    peer.end();
    Ok(peer)
}

fn expect_page(stage: &mut Stage, text: &str) -> Result<(), Symptom> {
    let wanted = format!("Ok({})", view::escaped(text.as_bytes()));
    match stage.returned()? {
        Ok(got) if got == wanted => Ok(()),
        Ok(got) | Err(got) => Err(Symptom::new(
            Kind::WrongValue,
            "that is not the page that the server sent",
        )
        .with_words(wanted, got)),
    }
}

fn expect_failure(stage: &mut Stage, name: &str) -> Result<(), Symptom> {
    let wanted = format!("Err({name})");
    let named = |got: &str| variant(got) == Some(name);
    match stage.returned()? {
        Ok(got) if named(&got) => Ok(()),
        Ok(got) | Err(got) if got.starts_with("Ok") => {
            Err(Symptom::new(Kind::NoError, "your function saw no error")
                .with_words(wanted, got))
        }
        Ok(got) | Err(got) => Err(Symptom::new(
            Kind::WrongValue,
            "the failure has another name",
        )
        .with_words(wanted, got)),
    }
}

/// The name of the failure in what was returned, such as `Reset`.
fn variant(got: &str) -> Option<&str> {
    let failure = got.strip_prefix("Err(")?;
    let end = failure.find(|c: char| !c.is_alphanumeric());
    Some(&failure[..end.unwrap_or(failure.len())])
}

fn page() -> Vec<u8> {
    [TEXT.as_bytes(), b".\r\n"].concat()
}

fn whole(stage: &mut Stage) -> Result<(), Symptom> {
    let _peer = answer(stage, &[&page()])?;
    expect_page(stage, TEXT)
}

fn pieces(stage: &mut Stage) -> Result<(), Symptom> {
    let page = page();
    let (first, rest) = page.split_at(FIRST_PIECE);
    let (second, rest) = rest.split_at(rest.len() - 4); // "\n.\r\n"
    let (third, rest) = rest.split_at(1);
    let (fourth, fifth) = rest.split_at(1);
    let _peer = answer(stage, &[first, second, third, fourth, fifth])?;
    expect_page(stage, TEXT)
}

fn period(stage: &mut Stage) -> Result<(), Symptom> {
    let text = "This is the end\r\nof a sentence.\r\nThis is not.\r\n";
    let (first, rest) = text.split_at(30); // before the first period
    let _peer = answer(stage, &[first.as_bytes(), rest.as_bytes(), b".\r\n"])?;
    expect_page(stage, text)
}

fn missing(stage: &mut Stage) -> Result<(), Symptom> {
    let _peer = answer(stage, &[MISSING.as_bytes()])?;
    expect_failure(stage, "NotFound")
}

fn straddle(stage: &mut Stage) -> Result<(), Symptom> {
    // After the digit, and within "not".
    let (first, rest) = MISSING.as_bytes().split_at(1);
    let (second, third) = rest.split_at(17);
    let _peer = answer(stage, &[first, second, third])?;
    expect_failure(stage, "NotFound")
}

fn reset(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = asked(stage)?;
    stage.send(&mut peer, &page()[..FIRST_PIECE])?;
    stage.until_taken(&mut peer)?; // a reset takes with it what has not been read
    peer.reset()?;
    expect_failure(stage, "Reset")
}

fn truncated(stage: &mut Stage) -> Result<(), Symptom> {
    let _peer = answer(stage, &[TEXT.as_bytes()])?;
    expect_failure(stage, "Truncated")
}

fn silent(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = asked(stage)?;
    stage.send(&mut peer, &page()[..FIRST_PIECE])?;
    stage.note("says no more, and does not end");
    expect_failure(stage, "TimedOut")
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
        mistake: "M9",
        fits: |all| {
            let got = |s: &Symptom| {
                let bare = s.got_bytes == SELECTOR.as_bytes();
                bare || s.got_bytes == format!("{SELECTOR}\n").as_bytes()
            };
            all.first(&["whole"]).is_some_and(got)
        },
        why: "The selector came, and what ends it did not: the server waits for CRLF, \
              the two bytes `\\r\\n`.",
    },
    Rule {
        mistake: "M1",
        fits: |all| {
            let first = view::escaped(&page()[..FIRST_PIECE]);
            all.passed("whole")
                && all
                    .first(&["pieces"])
                    .is_some_and(|s| s.got == format!("Ok({first})"))
        },
        why: "The page came in pieces, and your function returned the first of them: \
              it took what one read had brought for all.",
    },
    Rule {
        mistake: "M60",
        fits: |all| {
            let page_or_part =
                |s: &Symptom| s.kind == Kind::NoError && s.got.starts_with("Ok(\"");
            all.passed("pieces")
                && all.passed("missing")
                && all.first(&["straddle"]).is_some_and(page_or_part)
        },
        why: "In one piece, the server's \"does not exist\" was understood; cut in two, \
              it was taken for a page. It can be looked for only when all has come.",
    },
    Rule {
        mistake: "M62",
        fits: |all| {
            // The same wrong name for more than one failure.
            let named = |probe| all.symptom(probe).and_then(|s| variant(&s.got));
            let first = all.first(&["name", "refused", "reset"]);
            let names =
                ["name", "refused", "reset", "truncated", "silent"].map(named);
            first.and_then(|s| variant(&s.got)).is_some_and(|name| {
                names.iter().filter(|it| **it == Some(name)).count() >= 2
            })
        },
        why: "Different failures came back under one name. An `io::Error` has a \
              `kind()`; look at it before you give the error a name of your own.",
    },
    Rule {
        mistake: "M39",
        fits: |all| {
            all.first(&["truncated"])
                .is_some_and(|s| s.kind == Kind::NoError)
        },
        why: "The server ended before the last line, and half a page was returned as \
              a whole one. The end of the stream is not the end of the page: the \
              period alone on its line is.",
    },
    Rule {
        mistake: "M63",
        fits: |all| {
            let told = |s: &Symptom| {
                s.kind == Kind::WrongValue && s.got.contains("WouldBlock")
            };
            all.first(&["silent"]).is_some_and(told)
        },
        why: "The read gave up in time, and the error was not recognised: on Unix a \
              read whose time is over fails with EAGAIN, and its kind is `WouldBlock`, \
              not `TimedOut`.",
    },
    Rule {
        mistake: "M64",
        fits: |all| {
            let waits = |s: &Symptom| is_blocked_in(s, RECEIVES);
            all.first(&["silent"]).is_some_and(waits)
        },
        why: "The server says no more, and your function waits in a read that has no \
              time limit.",
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
];
