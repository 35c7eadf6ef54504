//! `tcp/repair`: a server that its first rude caller brings down.

use std::io;
use std::net::TcpListener;

use checks::diagnosis::{self, Findings, Rule, SERVER_RULES};
use checks::engine::{Check, Peer, Probe, Seen, Stage};
use checks::line_server::{self, CALLERS};
use checks::symptom::{Doing, Kind, Symptom};

/// The check of `tcp/repair`: a server that sends back what it is sent, in capitals,
/// whatever pieces it comes in.
pub fn repair(serve: fn(TcpListener) -> io::Result<()>) -> Check {
    let probe = |name, title, play: fn(&mut Stage) -> Result<(), Symptom>| {
        let act = move |report: &_| line_server::act(report, serve);
        Probe::server(name, title, act, play)
    };
    let probes = vec![
        probe("whole", "a caller that says a word and waits", whole),
        probe(
            "large",
            "a caller that says 96,000 bytes before it reads",
            large,
        ),
        probe("end", "a caller that has said all, but still listens", end),
        probe("next", "a second caller, after the first has left", next),
        probe(
            "reset",
            "callers that reset the connection, then another",
            reset,
        ),
        probe("leaks", "five callers that come and go", leaks),
    ];
    Check::new("tcp/repair", probes, diagnose)
}

fn say(stage: &mut Stage, word: &[u8]) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    stage.send(&mut peer, word)?;
    stage.expect(&mut peer, &word.to_ascii_uppercase())?;
    peer.end();
    stage.expect_end(&mut peer)
}

fn whole(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    stage.send(&mut peer, b"hello")?;
    if let Err(symptom) = stage.expect(&mut peer, b"HELLO") {
        let symptom = if_waiting_for_the_end(stage, &mut peer, symptom);
        return Err(if_hanging_up(stage, symptom));
    }
    stage.send(&mut peer, b" and again")?;
    stage.expect(&mut peer, b" AND AGAIN")
}

/// Where the program hung up without a word: calls once more, and sees to it that the
/// word is there before the program is. Does it read it?
fn if_hanging_up(stage: &mut Stage, mut symptom: Symptom) -> Symptom {
    let ended = matches!(symptom.kind, Kind::EarlyEnd | Kind::Reset);
    if !ended || !symptom.got_bytes.is_empty() {
        return symptom;
    }
    stage.note("your program is held up for a moment");
    stage.hold();
    let peer = stage.connect();
    let sent = peer.and_then(|mut peer| {
        stage.send(&mut peer, b"hello")?;
        Ok(peer)
    });
    stage.let_go();
    let again = sent.and_then(|mut peer| stage.expect(&mut peer, b"HELLO"));
    if again.is_err_and(|again| again.kind == Kind::Reset && again.panic.is_none()) {
        symptom.signs.later = UNREAD.into();
    }
    symptom
}

const UNREAD: &[u8] = b"closed with unread input";

/// Where nothing came, and the program waits in a read: says enough to fill any small
/// buffer, with newlines, and then its end, and notes what comes of each.
pub fn if_waiting_for_the_end(
    stage: &mut Stage,
    peer: &mut Peer,
    symptom: Symptom,
) -> Symptom {
    let silent = symptom.kind == Kind::NoAnswer
        && symptom.doing == Some(Doing::Blocked)
        && symptom.got_bytes.is_empty();
    if !silent {
        return symptom;
    }
    let more = b" and more\n".repeat(1000);
    let mut symptom = stage.say_more(peer, &more, symptom);
    if symptom.signs.later.is_empty() {
        peer.end();
        let all = [&b"hello"[..], &more].concat().to_ascii_uppercase();
        if stage.expect(peer, &all).is_ok() {
            symptom.signs.later = AFTER_THE_END.into();
        }
    }
    symptom
}

/// Whether the program answered all that was said, once the caller had ended its side
/// and not before.
pub fn waits_for_the_end(symptom: &Symptom) -> bool {
    symptom.signs.later == AFTER_THE_END
}

const AFTER_THE_END: &[u8] = b"answered after the end";

fn large(stage: &mut Stage) -> Result<(), Symptom> {
    // Less than the kernel buffers for both directions, so that nobody has to read
    // while the other side writes.
    let text = b"twelve bytes".repeat(8_000);
    let mut peer = stage.connect()?;
    stage.send(&mut peer, &text)?;
    stage.expect(&mut peer, &text.to_ascii_uppercase())
}

fn end(stage: &mut Stage) -> Result<(), Symptom> {
    say(stage, b"last words")
}

fn next(stage: &mut Stage) -> Result<(), Symptom> {
    say(stage, b"one")?;
    stage.connect()?.close();
    say(stage, b"two")
}

fn reset(stage: &mut Stage) -> Result<(), Symptom> {
    let mut first = stage.connect()?;
    stage.send(&mut first, b"hello")?;
    stage.expect(&mut first, b"HELLO")?;
    first.reset()?;
    let mut second = stage.connect()?;
    stage.send(&mut second, b"hello")?;
    second.reset()?;
    say(stage, b"anybody there?")
}

fn leaks(stage: &mut Stage) -> Result<(), Symptom> {
    say(stage, b"hello")?;
    let before = stage.descriptors();
    for _ in 0..CALLERS {
        say(stage, b"hello")?;
    }
    stage.expect_descriptors(before, CALLERS)?;
    stage.expect_rest()
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
        mistake: "M12",
        fits: |all| {
            let unread = |s: &Symptom| s.signs.later == UNREAD && !s.is_over();
            all.first(&["whole"]).is_some_and(unread)
        },
        why: "Your program closed the connection, and what the caller had said still \
              lay unread: then the kernel sends a reset in place of an end. If you have \
              read, look from which socket, and whether an error of it was hidden.",
    },
    Rule {
        mistake: "M7",
        fits: |all| all.first(&["whole"]).is_some_and(waits_for_the_end),
        why: "Neither a word nor a thousand lines behind it were answered, and then the \
          caller's end was: your program reads to the end of the input, while the \
          caller waits for an answer.",
    },
    Rule {
        mistake: "M34",
        fits: |all| {
            let error = io::Error::from(rustix::io::Errno::NOTCONN).to_string();
            let words = error.split(" (os error").next().unwrap_or(&error);
            all.first(&["whole"]).is_some_and(|s| {
                let told = |told: &String| told.contains(words);
                s.kernel.iter().any(told)
                    || s.panic.as_ref().is_some_and(told)
                    || told(&s.signs.printed)
            })
        },
        why: "The call failed with ENOTCONN, \"not connected\": the bytes were asked of the \
          listening socket. `accept` returns another socket, and that one carries the \
          conversation.",
    },
];
