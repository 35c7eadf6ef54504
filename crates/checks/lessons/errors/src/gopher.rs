//! `errors/gopher`: a client that can say what went wrong.

use std::fmt::Debug;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use wire::view;

use super::{Closed, FullQueue, RECEIVES, is_blocked_in};
use checks::diagnosis::{self, Findings, Rule};
use checks::engine::{Check, Peer, Probe, Report, Seen, Stage};
use checks::symptom::{Doing, Kind, Symptom};

/// How long the learner's function may wait for a step that is not to come.
const SHORT: Duration = Duration::from_millis(300);

/// For what is to come, on any machine.
const LONG: Duration = Duration::from_secs(4);

/// So long that nobody waits for it, here.
const FOREVER: Duration = Duration::from_secs(60);

/// How long a function that wakes now and then is watched: longer than any limit that
/// does not count as one without an end.
const WATCHED: Duration = Duration::from_millis(4500);

/// A name that every machine has an address for.
const LOCALHOST: &str = "localhost";

/// A name that no resolver has an address for, and that none has to be asked about: a
/// label cannot be empty (RFC 1035, 3.1).
const NO_NAME: &str = "no..host";

const SELECTOR: &str = "/welcome";
const TEXT: &str = "Welcome to the burrow.\r\nHelp yourself to tea.\r\n";
const FIRST_PIECE: usize = 30;
const MISSING: &str = "3'/welcome' does not exist\t\terror.host\t1\r\n.\r\n";

/// The learner's function, its failure told by its `Debug`: host, port and patience.
type Fetch = dyn Fn(&str, u16, Duration) -> Result<Vec<u8>, String> + Send + Sync;

/// The learner's function: host, port, selector and patience.
pub type Client<E> = fn(&str, u16, &str, Duration) -> Result<Vec<u8>, E>;

/// The check of `errors/gopher`, for a function with any error that can be told.
pub fn gopher<E: Debug + 'static>(fetch: Client<E>) -> Check {
    check(Arc::new(move |host, port, patience| {
        // What an error says of itself is told in words; its name is what counts.
        fetch(host, port, SELECTOR, patience).map_err(|error| format!("{error:?}"))
    }))
}

fn check(fetch: Arc<Fetch>) -> Check {
    let facing = |name, title, patience, play: fn(&mut Stage) -> _| {
        let fetch = Arc::clone(&fetch);
        let act = move |report: &Report| {
            ask(report, &*fetch, "127.0.0.1", report.peer().port(), patience);
        };
        Probe::client(name, title, act, play)
    };
    let alone = |name, title, place: Place, wanted: &'static str| {
        let fetch = Arc::clone(&fetch);
        let act = move |report: &Report| match place {
            Place::Name => ask(report, &*fetch, NO_NAME, 7070, LONG),
            Place::Closed => at(report, &*fetch, "127.0.0.1", LONG, Closed::new()),
            Place::Known => at(report, &*fetch, LOCALHOST, LONG, Closed::new()),
            Place::Full => at(report, &*fetch, "127.0.0.1", SHORT, FullQueue::new()),
        };
        Probe::client(name, title, act, move |stage| {
            if matches!(place, Place::Known) {
                expect_localhost()?;
            }
            stage.note(place.told());
            expect_failure(stage, wanted)
        })
    };
    let probes = vec![
        facing("whole", "a page in one piece", LONG, whole),
        facing("pieces", "the same page in five pieces", LONG, pieces),
        facing("period", "a line that ends with a period", LONG, period),
        facing("empty", "a page without a line", LONG, empty),
        facing("bytes", "a page that is no UTF-8 text", LONG, bytes),
        facing("missing", "a page that does not exist", LONG, missing),
        facing("straddle", "the same, cut in the phrase", LONG, straddle),
        alone("name", "a name without an address", Place::Name, "Name"),
        alone("refused", "nobody listens", Place::Closed, "Refused"),
        alone(
            "known",
            "a name with an address where nobody listens",
            Place::Known,
            "Refused",
        ),
        facing("reset", "a server that breaks off half-way", LONG, reset),
        facing("truncated", "a page without its last line", LONG, truncated),
        facing(
            "nothing",
            "a server that ends without a word",
            LONG,
            nothing,
        ),
        facing(
            "silent",
            "a server that falls silent half-way",
            SHORT,
            silent,
        ),
        facing("slow", "a server that takes its time", FOREVER, slow),
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
    Known,
    Full,
}

impl Place {
    fn told(self) -> String {
        match self {
            Place::Name => format!("your function is given the host {NO_NAME:?}"),
            Place::Closed => {
                "your function is given a port where nobody listens".into()
            }
            Place::Known => format!(
                "your function is given the host {LOCALHOST:?}, and a port where nobody \
                 listens"
            ),
            Place::Full => {
                "your function is given a port whose queue of callers is full".into()
            }
        }
    }
}

fn ask(report: &Report, fetch: &Fetch, host: &str, port: u16, patience: Duration) {
    report.returned(Ok::<_, String>(match fetch(host, port, patience) {
        Ok(page) => format!("Ok({})", view::escaped(&page)),
        Err(failure) => format!("Err({failure})"),
    }));
}

/// Asks at the port of a place that lives for as long.
fn at(
    report: &Report,
    fetch: &Fetch,
    host: &str,
    patience: Duration,
    place: io::Result<impl HasPort>,
) {
    match place {
        Ok(place) => ask(report, fetch, host, place.port(), patience),
        Err(error) => eprintln!("the check cannot set its sockets up: {error}"),
    }
}

trait HasPort {
    fn port(&self) -> u16;
}

impl HasPort for Closed {
    fn port(&self) -> u16 {
        self.addr.port()
    }
}

impl HasPort for FullQueue {
    fn port(&self) -> u16 {
        self.addr.port()
    }
}

/// Whether the name leads to this machine, as it should everywhere.
fn expect_localhost() -> Result<(), Symptom> {
    let found = (LOCALHOST, 7070).to_socket_addrs();
    let found: Vec<SocketAddr> = found.map(Iterator::collect).unwrap_or_default();
    if !found.is_empty() && found.iter().all(|address| address.ip().is_loopback()) {
        return Ok(());
    }
    let why = "this machine has no address of its own for `localhost`";
    Err(Symptom::new(Kind::Skipped, why))
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

fn expect_page(stage: &mut Stage, text: &[u8]) -> Result<(), Symptom> {
    let wanted = format!("Ok({})", view::escaped(text));
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
    expect_page(stage, TEXT.as_bytes())
}

fn pieces(stage: &mut Stage) -> Result<(), Symptom> {
    let page = page();
    let (first, rest) = page.split_at(FIRST_PIECE);
    let (second, rest) = rest.split_at(rest.len() - 4); // "\n.\r\n"
    let (third, rest) = rest.split_at(1);
    let (fourth, fifth) = rest.split_at(1);
    let _peer = answer(stage, &[first, second, third, fourth, fifth])?;
    expect_page(stage, TEXT.as_bytes())
}

fn period(stage: &mut Stage) -> Result<(), Symptom> {
    let text = "This is the end\r\nof a sentence.\r\nThis is not.\r\n";
    let (first, rest) = text.split_at(30); // before the first period
    let _peer = answer(stage, &[first.as_bytes(), rest.as_bytes(), b".\r\n"])?;
    expect_page(stage, text.as_bytes())
}

fn empty(stage: &mut Stage) -> Result<(), Symptom> {
    let _peer = answer(stage, &[b".\r\n"])?;
    expect_page(stage, b"")
}

fn bytes(stage: &mut Stage) -> Result<(), Symptom> {
    let text = b"Caf\xE9 at four.\r\n\xFF\x00\r\n";
    let _peer = answer(stage, &[text, b".\r\n"])?;
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

fn nothing(stage: &mut Stage) -> Result<(), Symptom> {
    let _peer = answer(stage, &[])?;
    expect_failure(stage, "Truncated")
}

/// There is a minute for each step; who waits for less does not do what was agreed.
fn slow(stage: &mut Stage) -> Result<(), Symptom> {
    stage.note("your function is given a patience of a minute");
    let mut peer = asked(stage)?;
    stage.note("says nothing for a while");
    stage.expect_patience(WATCHED)?;
    stage.send(&mut peer, &page())?;
    peer.end();
    expect_page(stage, TEXT.as_bytes())
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
        why: "The selector came, but not what was agreed to end it: CRLF, the two bytes \
              `\\r\\n`.",
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
        mistake: "M1",
        fits: |all| {
            let cut = |s: &Symptom| variant(&s.got) == Some("Truncated");
            all.passed("whole") && all.first(&["pieces"]).is_some_and(cut)
        },
        why: "The page came whole, but in pieces, and your function takes it for one \
              that was cut short: it judges what one read has brought, not all that \
              came.",
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
            // The same wrong name for more than one failure that has a kind.
            let named = |probe| all.symptom(probe).and_then(|s| variant(&s.got));
            let first = all.first(&["name", "refused", "reset"]);
            let names = ["refused", "reset", "silent"].map(named);
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
              time limit, or a far longer one than `patience`.",
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
