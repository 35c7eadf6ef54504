//! `udp/ask`: a question, asked again until it is answered.

use std::io;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use super::{diagnose, expect_bytes, expect_time_out, has_zeros_behind, is_cut};
use super::{pattern, told};
use checks::diagnosis::Rule;
use checks::engine::{Check, Correspondent, Probe, Report, Seen, Stage};
use checks::symptom::{Doing, Kind, Symptom};

/// What the learner's function is.
type Ask = fn(SocketAddr, u32, &[u8], Duration, u32) -> io::Result<Vec<u8>>;

const ID: u32 = 0x0102_0a0d;
const QUESTION: &[u8] = b"what time is it?";
const ANSWER: &[u8] = b"half past six";
/// What a datagram carries over IPv4, less the id.
const LARGEST: usize = 65_503;

/// Where an answer comes, a program does not wait for it. One that does will not wake
/// while we look.
const LONG: Duration = Duration::from_secs(30);
/// Where none comes, the probe takes that long.
const SHORT: Duration = Duration::from_millis(150);

/// So many datagrams that are no answer come in one try: more than there are tries.
const STRANGE: usize = 5;

/// How often in a time limit of `SHORT` something stray comes.
const STRAYS: Duration = Duration::from_millis(25);
/// So long a program may take over its second try while strays come: many times
/// `SHORT`.
const NEVER: Duration = Duration::from_secs(8);

/// The check of `udp/ask`.
pub fn ask(ask: Ask) -> Check {
    let probe =
        |name,
         title,
         (patience, tries),
         play: fn(&mut Stage, &mut Correspondent) -> Result<(), Symptom>| {
            let act = move |report: &Report| {
                let answer = ask(report.peer(), ID, QUESTION, patience, tries);
                report.returned(told(answer));
            };
            Probe::asks(name, title, act, play)
        };
    let probes = vec![
        probe("whole", "a question and its answer", (LONG, 3), whole),
        probe("nothing", "an answer without a word", (LONG, 3), |s, p| {
            answered(s, p, b"")
        }),
        probe("any", "an answer that is no text", (LONG, 3), |s, p| {
            answered(s, p, b"caf\xe9\n\0\xff ")
        }),
        probe("long", "an answer of 3000 bytes", (LONG, 3), |s, p| {
            answered(s, p, &pattern(3000))
        }),
        probe(
            "largest",
            "the longest answer there is",
            (LONG, 3),
            |s, p| answered(s, p, &pattern(LARGEST)),
        ),
        probe("only", "an answer to the only try", (LONG, 1), whole),
        probe("lost", "a request that is lost", (SHORT, 20), lost),
        probe("late", "an answer to an earlier try", (SHORT, 20), late),
        probe("silent", "a server that never answers", (SHORT, 3), silent),
        probe("stale", "an answer to an earlier request", (LONG, 3), stale),
        probe("foreign", "an answer from a stranger", (LONG, 3), foreign),
        probe("short", "datagrams too short for an id", (LONG, 3), short),
        probe("strays", "nothing but strays", (SHORT, 2), strays),
    ];
    Check::new("udp/ask", probes, |seen: &[Seen<'_>]| diagnose(RULES, seen))
}

fn request() -> Vec<u8> {
    [&ID.to_be_bytes(), QUESTION].concat()
}

fn answer_to(id: u32, answer: &[u8]) -> Vec<u8> {
    [&id.to_be_bytes(), answer].concat()
}

/// What a peer expects that waits for a request.
const A_REQUEST: &str = "the request";

/// Waits for the request, and tells where it came from.
fn requested(
    stage: &mut Stage,
    server: &Correspondent,
) -> Result<SocketAddr, Symptom> {
    let (got, from) = stage.datagram(server).map_err(|mut symptom| {
        (symptom.expected, symptom.got) = (A_REQUEST.into(), "nothing".into());
        symptom
    })?;
    if got == request() {
        return Ok(from);
    }
    let summary = "another request came than was agreed";
    Err(Symptom::new(Kind::Wrong, summary).with_bytes(&request(), &got))
}

fn answered(
    stage: &mut Stage,
    server: &mut Correspondent,
    answer: &[u8],
) -> Result<(), Symptom> {
    let client = requested(stage, server)?;
    server.send_to(client, &answer_to(ID, answer))?;
    expect_bytes(stage, answer)
}

fn whole(stage: &mut Stage, server: &mut Correspondent) -> Result<(), Symptom> {
    answered(stage, server, ANSWER)
}

fn lost(stage: &mut Stage, server: &mut Correspondent) -> Result<(), Symptom> {
    server.lose_next();
    requested(stage, server)?;
    answered(stage, server, ANSWER)
}

/// The server is slow: its answer to the first try comes during the second.
fn late(stage: &mut Stage, server: &mut Correspondent) -> Result<(), Symptom> {
    let client = requested(stage, server)?;
    requested(stage, server)?;
    server.note("answers the first of them now");
    server.send_to(client, &answer_to(ID, ANSWER))?;
    expect_bytes(stage, ANSWER)
}

fn silent(stage: &mut Stage, server: &mut Correspondent) -> Result<(), Symptom> {
    for _ in 0..3 {
        requested(stage, server)?;
    }
    server.note("three were agreed");
    // A fourth would be here before the function returns.
    let returned = expect_time_out(stage);
    match server.take()? {
        Some(_) => Err(Symptom::new(Kind::Rule, "your program asks more often")
            .with_words("3 requests in all", "a fourth one")),
        None => returned,
    }
}

fn stale(stage: &mut Stage, server: &mut Correspondent) -> Result<(), Symptom> {
    let client = requested(stage, server)?;
    server.note("has answers to the requests before");
    for before in 1..STRANGE as u32 {
        let answer = format!("{before} minutes ago");
        server.send_to(client, &answer_to(ID - before, answer.as_bytes()))?;
    }
    server.send_to(client, &answer_to(ID.swap_bytes(), b"noon"))?;
    server.send_to(client, &answer_to(ID, ANSWER))?;
    expect_bytes(stage, ANSWER)
}

fn foreign(stage: &mut Stage, server: &mut Correspondent) -> Result<(), Symptom> {
    let client = requested(stage, server)?;
    let stranger = stage.stranger()?;
    stranger.note("is not the server, and knows the id");
    for _ in 0..STRANGE {
        stranger.send_to(client, &answer_to(ID, b"time to pay"))?;
    }
    server.send_to(client, &answer_to(ID, ANSWER))?;
    expect_bytes(stage, ANSWER)
}

fn short(stage: &mut Stage, server: &mut Correspondent) -> Result<(), Symptom> {
    let client = requested(stage, server)?;
    for length in (0..4).cycle().take(STRANGE) {
        server.send_to(client, &ID.to_be_bytes()[..length])?;
    }
    server.send_to(client, &answer_to(ID, ANSWER))?;
    expect_bytes(stage, ANSWER)
}

/// Something comes again and again, and none of it is the answer.
fn strays(stage: &mut Stage, server: &mut Correspondent) -> Result<(), Symptom> {
    let client = requested(stage, server)?;
    let start = Instant::now();
    let mut sent = 0;
    while start.elapsed() < NEVER {
        server.send_to(client, &answer_to(ID - 1, b"a quarter to four"))?;
        sent += 1;
        thread::sleep(STRAYS); // shapes the input: several in one time limit
        if let Some((again, _)) = server.take()? {
            server.send_to(client, &answer_to(ID, ANSWER))?;
            if again != request() {
                let summary = "the second request is not the first one";
                let symptom = Symptom::new(Kind::Wrong, summary);
                return Err(symptom.with_bytes(&request(), &again));
            }
            return expect_bytes(stage, ANSWER);
        }
    }
    let summary = "as long as something comes, your program does not ask again";
    let mut symptom = Symptom::new(Kind::Rule, summary).with_words(
        format!("a second request after {} ms", SHORT.as_millis()),
        format!("none, while {sent} datagrams came that are no answer"),
    );
    symptom.signs.matched = sent;
    Err(symptom)
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M30",
        fits: |all| {
            all.first(&["whole"]).is_some_and(|s| {
                s.kind == Kind::Wrong
                    && s.got_bytes == [&ID.to_le_bytes(), QUESTION].concat()
            })
        },
        why: "The id came with its least significant byte first. `to_be_bytes` puts the \
              most significant one first.",
    },
    Rule {
        mistake: "M6",
        fits: |all| {
            let first = all.first(&["whole", "nothing"]);
            first.is_some_and(has_zeros_behind)
        },
        why: "The answer is followed by zeros that nobody sent: it was made of the \
              whole buffer, not of the part that was filled.",
    },
    Rule {
        mistake: "M53",
        fits: |all| {
            let nothing = all.first(&["nothing"]);
            nothing.is_some_and(|s| s.panic.is_none()) && all.passed("whole")
        },
        why: "An answer without a word is an answer: its id says that the request has \
              arrived.",
    },
    Rule {
        mistake: "M29",
        fits: |all| all.first(&["long", "largest"]).is_some_and(is_cut),
        why: "The beginning of the answer is there. What did not fit into your buffer \
              was thrown away by the kernel.",
    },
    Rule {
        mistake: "M52",
        fits: |all| {
            let lost = all.first(&["lost"]).filter(|s| s.expected == A_REQUEST);
            lost.is_some_and(|s| {
                s.panic.is_none() && (s.is_over() || s.doing == Some(Doing::Blocked))
            })
        },
        why: "One request was lost, and no second one came. Nobody tells you that a \
              datagram is lost: only a time limit can, and then it is sent again.",
    },
    Rule {
        mistake: "M54",
        fits: |all| {
            all.first(&["stale", "foreign"])
                .is_some_and(|s| s.kind == Kind::WrongValue)
        },
        why: "What came first was taken for the answer. It is one if it comes from the \
              server's address and has the id of this request; everything else is \
              passed over.",
    },
    Rule {
        mistake: "M45",
        fits: |all| {
            let first = all.first(&["any", "short"]);
            first.is_some_and(|s| s.panic.is_some())
        },
        why: "A datagram that was not what your program expected has ended it. Anybody \
              can send you any bytes of any length.",
    },
    Rule {
        mistake: "M55",
        fits: |all| all.first(&["strays"]).is_some_and(|s| s.kind == Kind::Rule),
        why: "Each datagram that was no answer has started the wait anew. The limit is \
              for the try, not for the call: before each `recv_from`, set what is left \
              of it.",
    },
];
