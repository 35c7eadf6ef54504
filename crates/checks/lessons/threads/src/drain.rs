//! `threads/drain`: told to stop, with callers in the house.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use super::{
    ACCEPTS, LOCKS, ONE_AT_A_TIME, RECEIVES, ask, blocked_in, leave, served, visit,
};
use checks::diagnosis::{self, Findings, Rule, SERVER_RULES};
use checks::engine::{Check, Dripped, EAR, Peer, Probe, Report, Seen, Stage};
use checks::line_server::CALLERS;
use checks::symptom::{Doing, Kind, Symptom};

/// The learner's server: the socket, the word to stop, the time that is left then.
type Serve = fn(TcpListener, Receiver<()>, Duration) -> io::Result<Vec<SocketAddr>>;

/// A limit that is over soon.
const SOON: Duration = Duration::from_millis(400);

/// One that no pause of a caller who talks on comes near to, on a busy machine either.
const SHORT: Duration = Duration::from_secs(1);

/// A limit that nobody wants to wait for: whoever sleeps for so long counts as asleep
/// for good.
const LATE: Duration = Duration::from_secs(60);

/// The check of `threads/drain`.
pub fn drain(serve: Serve) -> Check {
    let limited =
        |limit, name, title, play: fn(&mut Stage) -> Result<(), Symptom>| {
            let act = move |report: &Report| act(report, serve, limit);
            Probe::server(name, title, act, play)
        };
    let probe = |name, title, play| limited(LATE, name, title, play);
    let probes = vec![
        probe("two", "a second caller, while the first says nothing", two),
        probe("end", "a caller that says a word and ends", visit),
        probe("reset", "callers that reset, then another", reset),
        probe("idle", "the word to stop while nobody is there", idle),
        probe("busy", "the word to stop while two are served", busy),
        probe("late", "a caller that comes after the word to stop", late),
        limited(SOON, "left", "a caller that does not leave", left),
        limited(SOON, "some", "three callers: one leaves, one resets", some),
        limited(SHORT, "drips", "a caller that talks on and on", drips),
        limited(
            SOON,
            "free",
            "the port, once the function has returned",
            free,
        ),
        probe("leaks", "five callers that come and go", leaks),
        probe("rest", "a server whose callers say nothing", rest).early(),
    ];
    Check::new("threads/drain", probes, diagnose)
}

/// Runs the learner's server, tells it to stop when the check says so, and stays when
/// it has returned: what it has left open shall be seen.
fn act(report: &Report, serve: Serve, limit: Duration) {
    let (listener, word) = match sockets() {
        Ok(sockets) => sockets,
        Err(error) => {
            eprintln!("the check cannot listen: {error}");
            return;
        }
    };
    let (sender, stop) = mpsc::channel();
    let ear = thread::Builder::new().name(EAR.into()).spawn(move || {
        let _ = word.recv(&mut [0; 8]);
        let _ = sender.send(());
        loop {
            thread::park(); // and keeps the other end of the channel
        }
    });
    let addr = listener.local_addr();
    if let (Ok(_), Ok(addr)) = (ear, addr) {
        report.listening(addr);
        let left = serve(listener, stop, limit).map(|mut left| {
            left.sort_unstable();
            told(&left)
        });
        report.returned(left);
        loop {
            thread::park(); // the check ends this process
        }
    }
}

/// The listener, and a socket for datagrams with the same number: on it comes the word.
fn sockets() -> io::Result<(TcpListener, UdpSocket)> {
    const ATTEMPTS: usize = 20; // somebody else may have that number
    let mut last = None;
    for _ in 0..ATTEMPTS {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        match UdpSocket::bind(listener.local_addr()?) {
            Ok(word) => return Ok((listener, word)),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or(io::ErrorKind::AddrInUse.into()))
}

fn told(addresses: &[SocketAddr]) -> String {
    match addresses {
        [] => "nobody".into(),
        some => {
            let some: Vec<String> = some.iter().map(SocketAddr::to_string).collect();
            some.join(", ")
        }
    }
}

fn two(stage: &mut Stage) -> Result<(), Symptom> {
    let mut silent = stage.connect()?;
    stage.note("says nothing");
    let mut second = stage.connect()?;
    ask(stage, &mut second, b"hello")?;
    ask(stage, &mut silent, b"now I speak")
}

fn reset(stage: &mut Stage) -> Result<(), Symptom> {
    let mut other = served(stage)?;
    served(stage)?.reset()?;
    ask(stage, &mut other, b"still there?")?;
    visit(stage)
}

/// Waits for the function to return exactly these.
fn expect_left(stage: &mut Stage, left: &[&Peer]) -> Result<(), Symptom> {
    let mut addresses: Vec<SocketAddr> =
        left.iter().map(|peer| peer.local()).collect();
    addresses.sort_unstable();
    let expected = told(&addresses);
    match stage.returned() {
        Ok(Ok(got)) if got == expected => Ok(()),
        Ok(Ok(got)) => {
            let summary = "your function says that others were left";
            Err(Symptom::new(Kind::WrongValue, summary)
                .with_words(format!("{expected} left"), format!("{got} left")))
        }
        Ok(Err(error)) => {
            let summary = "your function returned an error";
            Err(Symptom::new(Kind::Error, summary).with_words("Ok", error))
        }
        // Does it only wait for somebody to call?
        Err(mut symptom) if symptom.calls.iter().any(|call| accepts(call)) => {
            if stage.returns_after_a_call() {
                symptom.signs.later = AFTER_A_CALL.into();
                symptom.kernel.push(
                    "Then somebody called, and your function returned at once."
                        .into(),
                );
            }
            Err(symptom)
        }
        Err(symptom) => Err(symptom),
    }
}

/// Whether this call waits for a caller.
fn accepts(call: &str) -> bool {
    ACCEPTS.contains(&call)
}

const AFTER_A_CALL: &[u8] = b"returned after a call";

/// The word to stop; those who are there hear nothing of it.
fn stop_beside(stage: &mut Stage, peers: &mut [&mut Peer]) -> Result<(), Symptom> {
    stage.tell_to_stop()?;
    for peer in peers {
        let expected = "nothing: this caller is served to its end";
        stage
            .expect_no_turn(peer, expected)
            .map_err(|mut symptom| {
                if symptom.doing == Some(Doing::Returned) {
                    symptom.summary =
                        "your function has returned while a caller was served".into();
                }
                symptom
            })?;
    }
    Ok(())
}

fn idle(stage: &mut Stage) -> Result<(), Symptom> {
    visit(stage)?;
    stage.tell_to_stop()?;
    expect_left(stage, &[])
}

fn busy(stage: &mut Stage) -> Result<(), Symptom> {
    let (mut a, mut b) = (served(stage)?, served(stage)?);
    stop_beside(stage, &mut [&mut a, &mut b])?;
    ask(stage, &mut a, b"one thing more")?;
    leave(stage, a)?;
    ask(stage, &mut b, b"me too")?;
    leave(stage, b)?;
    expect_left(stage, &[])
}

fn late(stage: &mut Stage) -> Result<(), Symptom> {
    let mut a = served(stage)?;
    stop_beside(stage, &mut [&mut a])?;
    let late = stage.expect_no_service()?;
    ask(stage, &mut a, b"still there?")?;
    leave(stage, a)?;
    expect_left(stage, &[])?;
    drop(late);
    Ok(())
}

fn left(stage: &mut Stage) -> Result<(), Symptom> {
    let mut silent = served(stage)?;
    stage.tell_to_stop()?;
    expect_left(stage, &[&silent])?;
    stage.expect_over(&mut silent)
}

fn some(stage: &mut Stage) -> Result<(), Symptom> {
    let (a, b, mut c) = (served(stage)?, served(stage)?, served(stage)?);
    leave(stage, a)?;
    b.reset()?;
    stage.at_rest()?; // it has noticed by now
    stage.tell_to_stop()?;
    expect_left(stage, &[&c])?;
    stage.expect_over(&mut c)
}

/// A caller that is never silent for long: a limit for each read does not end it.
fn drips(stage: &mut Stage) -> Result<(), Symptom> {
    const PAUSE: Duration = Duration::from_millis(20);
    let mut talker = served(stage)?;
    stage.tell_to_stop()?;
    if stage.drip(&mut talker, PAUSE, SHORT * 2, 10)? == Dripped::TookOn {
        let summary = "a caller that talks on is served on, long after the limit";
        let symptom = Symptom::new(Kind::NoAnswer, summary);
        return Err(stage.as_it_is(symptom));
    }
    expect_left(stage, &[&talker])?;
    stage.expect_over(&mut talker)
}

fn free(stage: &mut Stage) -> Result<(), Symptom> {
    let mut silent = served(stage)?;
    stage.tell_to_stop()?;
    expect_left(stage, &[&silent])?;
    stage.expect_over(&mut silent)?;
    drop(silent);
    stage.expect_free_port()
}

fn leaks(stage: &mut Stage) -> Result<(), Symptom> {
    visit(stage)?;
    stage.at_rest()?;
    let (descriptors, threads) = (stage.descriptors(), stage.threads());
    for _ in 0..CALLERS {
        visit(stage)?;
    }
    stage.expect_descriptors(descriptors, CALLERS)?;
    stage.expect_threads(threads, CALLERS)?;
    stage.expect_rest()
}

fn rest(stage: &mut Stage) -> Result<(), Symptom> {
    let mut a = served(stage)?;
    stage.expect_rest_in_silence()?;
    ask(stage, &mut a, b"still there?")
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: |bytes| bytes.to_ascii_uppercase(),
    };
    diagnosis::name(&[RULES, ONE_AT_A_TIME, SERVER_RULES], &findings)
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M31",
        fits: |all| {
            let first = all.first(&["idle"]);
            first.is_some_and(|s| s.signs.later == AFTER_A_CALL)
        },
        why: "The word came, and your server waited on in `accept`; the next caller \
              ended it. Something has to end the call in which the server waits.",
    },
    Rule {
        mistake: "M68",
        fits: |all| {
            let cut = |s: &Symptom| {
                s.kind == Kind::Gone && s.doing == Some(Doing::Returned)
            };
            all.passed("idle") && all.first(&["busy"]).is_some_and(cut)
        },
        why: "Two callers were being served, there was a minute left, and your function \
              returned. In a program that is the end of `main`, and with it of all its \
              threads: both callers are cut off.",
    },
    Rule {
        mistake: "M68",
        fits: |all| {
            let cut = |s: &Symptom| {
                matches!(s.kind, Kind::EarlyEnd | Kind::Reset) && s.signs.matched >= 5
            };
            all.passed("idle") && all.first(&["busy"]).is_some_and(cut)
        },
        why: "Two callers were being served, there was a minute left, and the \
              connection with one of them was ended.",
    },
    Rule {
        mistake: "M108",
        fits: |all| {
            let joins = |s: &Symptom| {
                s.kind == Kind::NoAnswer
                    && blocked_in(s, LOCKS) > 0
                    && blocked_in(s, RECEIVES) > 0
                    && blocked_in(s, ACCEPTS) == 0
            };
            let passed = all.passed("idle") && all.passed("busy");
            passed && all.first(&["left", "some"]).is_some_and(joins)
        },
        why: "The limit is over, a caller is still there, and your function waits for \
              its thread, in futex, which is how `join` and a lock wait. `join` has no \
              time limit; look how the thread can be made to end, or how else to hear \
              that it has.",
    },
    Rule {
        mistake: "M66",
        fits: |all| {
            let talks_on = all.first(&["drips"]);
            talks_on.is_some_and(|s| s.kind == Kind::NoAnswer && !s.is_over())
                && all.passed("left")
        },
        why: "A caller that is silent is left behind when the limit is over. One that \
              says a byte now and then is served for as long as it does: what ends a \
              silence does not end a conversation.",
    },
    Rule {
        mistake: "M69",
        fits: |all| {
            let listens =
                |s: &Symptom| s.kind == Kind::Leaks && s.got.contains("listens");
            all.first(&["free"]).is_some_and(listens)
        },
        why: "The listening socket is still open: a thread, a clone or a closure keeps \
              it. Callers are connected by the kernel, and nobody will serve them.",
    },
];
