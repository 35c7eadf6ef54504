//! `tcp/peer-card`: the four numbers of a connection.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use checks::diagnosis::{self, Findings, Rule, SERVER_RULES};
use checks::engine::{Check, Probe, Report, Seen, Stage};
use checks::line_server::{self, CALLERS};
use checks::symptom::{Kind, Symptom};

/// The check of `tcp/peer-card`: a server that tells each caller both addresses of
/// the connection, and ends it.
pub fn peer_card(serve: fn(TcpListener) -> io::Result<()>) -> Check {
    let probe = |name, title, play: fn(&mut Stage) -> Result<(), Symptom>| {
        let act = move |report: &Report| line_server::act(report, serve);
        Probe::server(name, title, act, play)
    };
    let on_every_address = {
        let act = move |report: &Report| {
            line_server::act_on(Ipv4Addr::UNSPECIFIED, report, serve);
        };
        let title = "a listener on every address of the machine";
        Probe::server("every", title, act, every)
    };
    let mut probes = vec![
        probe("whole", "a caller that reads its card", whole),
        probe("next", "a second caller, from another port", next),
        probe(
            "visitors",
            "a caller that hangs up at once, then another",
            visitors,
        ),
        probe("leaks", "five callers that come and go", leaks),
    ];
    if cfg!(target_os = "linux") {
        // Only here is all of 127.0.0.0/8 the machine's own.
        probes.push(on_every_address);
    }
    Check::new("tcp/peer-card", probes, diagnose)
}

fn card(you: SocketAddr, me: SocketAddr) -> String {
    format!("you are {you}, I am {me}\n")
}

/// Calls at `address` and compares the card with what this end knows.
fn call(stage: &mut Stage, address: SocketAddr) -> Result<(), Symptom> {
    let mut peer = stage.connect_to(address)?;
    let expected = card(peer.local(), peer.remote());
    stage.expect(&mut peer, expected.as_bytes())?;
    stage.expect_end(&mut peer)
}

fn local(stage: &Stage) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, stage.port()).into()
}

fn whole(stage: &mut Stage) -> Result<(), Symptom> {
    let address = local(stage);
    call(stage, address)
}

fn next(stage: &mut Stage) -> Result<(), Symptom> {
    let address = local(stage);
    call(stage, address)?;
    call(stage, address)
}

fn visitors(stage: &mut Stage) -> Result<(), Symptom> {
    stage.reset_unseen()?;
    let address = local(stage);
    call(stage, address)
}

fn leaks(stage: &mut Stage) -> Result<(), Symptom> {
    let address = local(stage);
    call(stage, address)?;
    let before = stage.descriptors();
    for _ in 0..CALLERS {
        call(stage, address)?;
    }
    stage.expect_descriptors(before, CALLERS)?;
    stage.expect_rest()
}

fn every(stage: &mut Stage) -> Result<(), Symptom> {
    let address = (Ipv4Addr::new(127, 0, 0, 2), stage.port());
    call(stage, address.into())
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: <[u8]>::to_vec,
    };
    diagnosis::name(&[RULES, SERVER_RULES], &findings)
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M9",
        fits: |all| {
            all.first(&["whole"]).is_some_and(|s| {
                s.expected_bytes.strip_suffix(b"\n") == Some(s.got_bytes.as_slice())
            })
        },
        why: "The card is right but for the newline at its end.",
    },
    Rule {
        mistake: "M35",
        fits: |all| {
            let wrong = all.first(&["whole"]).filter(|s| s.kind == Kind::Wrong);
            wrong.is_some_and(|s| s.got_bytes == swapped(&s.expected_bytes))
        },
        why: "The two addresses are swapped. Seen from the server, the caller is the \
              peer, and the local address is its own.",
    },
    Rule {
        mistake: "M35",
        fits: |all| {
            let every = all.first(&["every"]);
            every.is_some_and(|s| {
                s.kind == Kind::Wrong && contains(&s.got_bytes, b"I am 0.0.0.0:")
            })
        },
        why: "The listener was bound to every address of the machine (0.0.0.0), and its \
              own address says no more than that. The connection knows at which of them \
              it was made: ask the stream.",
    },
];

/// The same card with its two addresses in each other's place.
fn swapped(card: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(card);
    let inner = text
        .strip_prefix("you are ")
        .and_then(|rest| rest.strip_suffix('\n'));
    let ends = inner.and_then(|inner| inner.split_once(", I am "));
    ends.map_or(Vec::new(), |(you, me)| {
        format!("you are {me}, I am {you}\n").into_bytes()
    })
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
