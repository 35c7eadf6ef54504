//! `threads/pool`: so many at once, so many wait, and a polite no.

use std::io;
use std::net::TcpListener;

use super::{
    ACCEPTS, LOCKS, ONE_AT_A_TIME, RECEIVES, Threads, ask, blocked_in, has_fewer,
    leave, served, somebody_waits, visit,
};
use checks::diagnosis::{self, Findings, Rule, SERVER_RULES};
use checks::engine::{Check, Peer, Probe, Seen, Stage};
use checks::line_server::{self, CALLERS};
use checks::symptom::{Doing, Kind, Symptom};

/// The learner's server: the socket, how many at once, how many wait.
type Serve = fn(TcpListener, usize, usize) -> io::Result<()>;

/// What a caller is told for whom there is no room.
const BUSY: &[u8] = b"busy, try again later\n";

/// The check of `threads/pool`.
pub fn pool(serve: Serve) -> Check {
    let sized = |size: (usize, usize), name, title, play: Play| {
        let act = move |report: &_| {
            line_server::act(report, |listener| serve(listener, size.0, size.1));
        };
        Probe::server(name, title, act, play)
    };
    let probe = |name, title, play: Play| sized((2, 2), name, title, play);
    let probes = vec![
        probe("end", "a caller that says a word and ends", visit),
        probe("two", "a second caller, while the first says nothing", two),
        probe("waits", "a third caller, of two at once", waits),
        probe("refused", "a fifth caller, where two wait already", refused),
        probe("stays", "a refused caller that stays, and another", stays),
        probe("order", "two that wait, and who is next", order),
        probe(
            "again",
            "all places taken and given back, three times",
            again,
        ),
        sized((3, 1), "sizes", "three at once, and one that waits", sizes),
        probe("rude", "callers that reset while they are served", rude),
        probe("gone", "callers that leave while they wait", gone),
        probe(
            "threads",
            "thirty more callers than there is room for",
            crowd,
        ),
        probe(
            "leaks",
            "callers that come and go, and some that are refused",
            leaks,
        ),
        probe("rest", "a server whose callers say nothing", rest).early(),
    ];
    Check::new("threads/pool", probes, diagnose)
}

type Play = fn(&mut Stage) -> Result<(), Symptom>;

fn two(stage: &mut Stage) -> Result<(), Symptom> {
    let mut silent = stage.connect()?;
    stage.note("says nothing");
    let mut second = stage.connect()?;
    ask(stage, &mut second, b"hello")?;
    ask(stage, &mut silent, b"now I speak")
}

const NO_TURN: &str = "nothing, as long as others are served";

/// A caller that has to wait.
fn waiting(stage: &mut Stage) -> Result<Peer, Symptom> {
    let mut peer = stage.connect()?;
    stage.expect_no_turn(&mut peer, NO_TURN)?;
    Ok(peer)
}

/// A caller that has to be refused.
fn no_room(stage: &mut Stage) -> Result<Peer, Symptom> {
    let mut peer = stage.connect()?;
    stage.expect(&mut peer, BUSY)?;
    stage.expect_end(&mut peer)?;
    Ok(peer)
}

fn waits(stage: &mut Stage) -> Result<(), Symptom> {
    let (a, mut b) = (served(stage)?, served(stage)?);
    let mut third = stage.connect()?;
    stage.send(&mut third, b"third")?;
    stage.expect_no_turn(&mut third, NO_TURN)?;
    ask(stage, &mut b, b"second")?;
    leave(stage, a)?;
    stage.expect(&mut third, b"THIRD")?;
    leave(stage, third)
}

fn refused(stage: &mut Stage) -> Result<(), Symptom> {
    let (a, mut b) = (served(stage)?, served(stage)?);
    let _waiting = (waiting(stage)?, waiting(stage)?);
    let refused = no_room(stage);
    refused
        .map_err(|symptom| with_more(stage, symptom))?
        .close();
    ask(stage, &mut b, b"and we?")?;
    leave(stage, a)
}

/// The sign that nobody at all is refused.
const ENDLESS: &[u8] = b"nobody is refused";

/// Somebody was not refused. Is anybody?
fn with_more(stage: &mut Stage, mut symptom: Symptom) -> Symptom {
    const MORE: usize = 10;
    if !hangs(&symptom) || blocked_in(&symptom, ACCEPTS) == 0 {
        return symptom;
    }
    stage.note("ten more callers come");
    let mut heard = 0;
    let more: Vec<Peer> = (0..MORE).map_while(|_| stage.connect().ok()).collect();
    for mut caller in more {
        heard += usize::from(stage.expect_nothing(&mut caller).is_err());
    }
    let told = match heard {
        0 => "Ten more callers came, and none of them was told anything.".into(),
        some => format!("Of ten more callers {some} heard something."),
    };
    symptom.kernel.push(told);
    if heard == 0 {
        symptom.signs.later = ENDLESS.into();
    }
    symptom
}

fn stays(stage: &mut Stage) -> Result<(), Symptom> {
    let _served = (served(stage)?, served(stage)?);
    let _waiting = (waiting(stage)?, waiting(stage)?);
    let _stays = no_room(stage)?;
    stage.note("does not end its own side");
    no_room(stage)?.close();
    Ok(())
}

fn order(stage: &mut Stage) -> Result<(), Symptom> {
    let (a, b) = (served(stage)?, served(stage)?);
    let mut first = stage.connect()?;
    stage.send(&mut first, b"first")?;
    stage.expect_no_turn(&mut first, NO_TURN)?;
    let mut second = stage.connect()?;
    stage.send(&mut second, b"second")?;
    stage.expect_no_turn(&mut second, NO_TURN)?;
    leave(stage, a)?;
    stage.expect(&mut first, b"FIRST")?;
    stage.expect_no_turn(&mut second, NO_TURN)?;
    leave(stage, b)?;
    stage.expect(&mut second, b"SECOND")
}

fn again(stage: &mut Stage) -> Result<(), Symptom> {
    for _ in 0..3 {
        let (a, b) = (served(stage)?, served(stage)?);
        let (mut c, mut d) = (waiting(stage)?, waiting(stage)?);
        no_room(stage)?.close();
        leave(stage, a)?;
        leave(stage, b)?;
        ask(stage, &mut c, b"third")?;
        ask(stage, &mut d, b"fourth")?;
        leave(stage, c)?;
        leave(stage, d)?;
        // The last worker has said good-bye, and may not have come back yet.
        stage.at_rest()?;
    }
    Ok(())
}

fn sizes(stage: &mut Stage) -> Result<(), Symptom> {
    let (a, _b, _c) = (served(stage)?, served(stage)?, served(stage)?);
    let mut d = waiting(stage)?;
    no_room(stage)?.close();
    leave(stage, a)?;
    ask(stage, &mut d, b"fourth")
}

fn rude(stage: &mut Stage) -> Result<(), Symptom> {
    visit(stage)?;
    let mut threads = Threads::count(stage)?;
    for _ in 0..4 {
        let rude = served(stage);
        rude.map_err(|symptom| threads.told(stage, symptom))?
            .reset()?;
        threads.again(stage)?;
    }
    two(stage).map_err(|symptom| threads.told(stage, symptom))
}

fn gone(stage: &mut Stage) -> Result<(), Symptom> {
    let (a, _b) = (served(stage)?, served(stage)?);
    let (c, d) = (waiting(stage)?, waiting(stage)?);
    c.reset()?;
    d.close();
    leave(stage, a)?;
    stage.at_rest()?; // until then they still have their places
    visit(stage)
}

fn crowd(stage: &mut Stage) -> Result<(), Symptom> {
    const CROWD: usize = 30;
    const ROOM: usize = 4; // for a thread or two that refuse
    let _served = (served(stage)?, served(stage)?);
    let before = stage.threads();
    let mut callers = Vec::new();
    for _ in 0..CROWD {
        callers.push(stage.connect()?);
    }
    let idle = stage.at_rest()?;
    let (Some(before), Some(now)) = (before, stage.threads()) else {
        return Ok(());
    };
    if now <= before + ROOM {
        return Ok(());
    }
    let summary = "the number of threads grows with the number of callers";
    Err(Symptom::new(Kind::Rule, summary)
        .with_words(
            format!("{before} threads, as for two callers"),
            format!("{now}, with {CROWD} more"),
        )
        .while_idle(idle))
}

fn leaks(stage: &mut Stage) -> Result<(), Symptom> {
    visit(stage)?;
    let before = stage.descriptors();
    for _ in 0..CALLERS {
        visit(stage)?;
    }
    stage.expect_descriptors(before, CALLERS)?;
    refusals(stage)?;
    stage.expect_rest()
}

/// Callers that are refused leave nothing behind either.
fn refusals(stage: &mut Stage) -> Result<(), Symptom> {
    let _served = (served(stage)?, served(stage)?);
    let _waiting = (waiting(stage)?, waiting(stage)?);
    no_room(stage)?.close();
    stage.at_rest()?;
    let before = stage.descriptors();
    for _ in 0..CALLERS {
        no_room(stage)?.close();
    }
    stage.expect_descriptors(before, CALLERS)
}

fn rest(stage: &mut Stage) -> Result<(), Symptom> {
    let mut a = served(stage)?;
    let _b = served(stage)?;
    let _c = stage.connect()?;
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

/// A caller was to be refused, and hears nothing.
fn hangs(symptom: &Symptom) -> bool {
    symptom.kind == Kind::NoAnswer
        && symptom.doing == Some(Doing::Blocked)
        && symptom.expected_bytes == BUSY
        && symptom.got_bytes.is_empty()
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M101",
        fits: |all| {
            let early = all.first(&["waits"]);
            let grows = |s: &Symptom| s.kind == Kind::Rule;
            early.is_some_and(|s| s.kind == Kind::Wrong)
                && all.symptom("threads").is_some_and(grows)
        },
        why: "Two were being served, and the third was served as well. Thirty more \
              callers brought as many threads: every caller gets one.",
    },
    Rule {
        mistake: "M101",
        fits: |all| {
            let grows = |s: &Symptom| s.kind == Kind::Rule;
            all.first(&["threads"]).is_some_and(grows)
        },
        why: "No more callers are served than agreed, but each of them gets a thread, \
              also the ones that wait or are refused.",
    },
    Rule {
        mistake: "M102",
        fits: |all| {
            let locked = |s: &Symptom| {
                s.kind == Kind::NoAnswer
                    && s.got_bytes.is_empty()
                    && !somebody_waits(s)
                    && blocked_in(s, ACCEPTS) == 1
                    && blocked_in(s, RECEIVES) == 1
                    && blocked_in(s, LOCKS) == 1
                    && s.calls.len() == 3
            };
            all.passed("end") && all.first(&["two"]).is_some_and(locked)
        },
        why: "Both callers have been accepted. One thread waits for the first, who \
              says nothing, and another is in futex, which is how a `Mutex` and a \
              channel wait: nobody serves the second. Perhaps the first thread has a \
              lock that the other needs: in `while let Ok(x) = lock.lock()…recv()` the \
              guard lives until the end of the body. Or the second waits in a queue of \
              which the other thread is not told.",
    },
    Rule {
        mistake: "M103",
        fits: |all| {
            let waits = |s: &Symptom| {
                hangs(s)
                    && !somebody_waits(s)
                    && blocked_in(s, ACCEPTS) == 0
                    && blocked_in(s, LOCKS) > 0
            };
            all.first(&["refused"]).is_some_and(waits)
        },
        why: "The queue is full, and the thread that should accept waits (futex), as \
              `send` on a bounded channel does until there is room. So callers wait \
              where you do not see them, and nobody tells them anything.",
    },
    Rule {
        mistake: "M103",
        fits: |all| {
            let waits = |s: &Symptom| {
                hangs(s) && somebody_waits(s) && blocked_in(s, ACCEPTS) == 0
            };
            all.first(&["refused"]).is_some_and(waits)
        },
        why: "No thread is in `accept`. Whoever is not served waits in the kernel's \
              accept queue, where you do not see them; to tell somebody no, somebody \
              has to accept.",
    },
    Rule {
        mistake: "M103",
        fits: |all| {
            let endless = |s: &Symptom| hangs(s) && s.signs.later == ENDLESS;
            all.first(&["refused"]).is_some_and(endless)
        },
        why: "Two are served, two wait, and whoever comes then waits as well, without \
              an end: nothing bounds your queue.",
    },
    Rule {
        mistake: "M64",
        fits: |all| {
            let lingers = |s: &Symptom| {
                hangs(s) && blocked_in(s, ACCEPTS) == 0 && blocked_in(s, RECEIVES) > 2
            };
            all.passed("refused") && all.first(&["stays"]).is_some_and(lingers)
        },
        why: "The first caller that was refused does not end its side. The thread that \
              should accept waits for that in a read, and the next caller is not even \
              refused.",
    },
    Rule {
        mistake: "M106",
        fits: |all| {
            let lost = |s: &Symptom| has_fewer(s) && s.panic.is_some();
            all.first(&["rude"]).is_some_and(lost)
        },
        why: "Callers broke off while they were served, the threads that served them \
              panicked, and they are gone. An error of a caller is no reason to panic.",
    },
    Rule {
        mistake: "M104",
        fits: |all| all.first(&["rude"]).is_some_and(has_fewer),
        why: "Callers broke off while they were served, and the threads that served \
              them are gone. A read that fails ends a visit; look for a `?`, a `return` \
              or a `break` that leaves the loop over callers.",
    },
];
