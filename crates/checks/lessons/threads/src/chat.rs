//! `threads/chat`: what one says, all others hear.

use std::io;
use std::net::TcpListener;

use super::{LOCKS, SENDS, blocked_in};
use checks::diagnosis::{self, Findings, Rule, SERVER_RULES};
use checks::engine::{Check, Peer, Probe, Seen, Stage};
use checks::line_server::{self, CALLERS};
use checks::symptom::{Doing, Kind, Symptom};

/// The learner's server: the socket, how many lines wait for one caller.
type Serve = fn(TcpListener, usize) -> io::Result<()>;

const WELCOME: &[u8] = b"welcome\n";

/// The longest line of the agreement, in bytes.
const MAX_LINE: usize = 64 << 10;

/// More than a caller's buffers and its queue hold, in bytes.
const FLOOD: usize = 64 << 20;

/// The check of `threads/chat`.
pub fn chat(serve: Serve) -> Check {
    let sized = |queue, name, title, play: Play| {
        let act = move |report: &_| {
            line_server::act(report, |listener| serve(listener, queue));
        };
        Probe::server(name, title, act, play)
    };
    let probe = |name, title, play: Play| sized(16, name, title, play);
    let probes = vec![
        probe("room", "one speaks, two others hear it", room),
        probe("pieces", "a line in two pieces, another in between", pieces),
        probe("joined", "three lines that arrive together", joined),
        probe("bytes", "bytes that are no text, and an empty line", bytes),
        probe("end", "a caller that ends in the middle of a line", end),
        probe("leavers", "callers that leave and break off", leavers),
        probe("slow", "a caller that does not read", slow).early(),
        sized(1000, "two", "two who speak at once", two_speakers),
        probe("longest", "a line as long as a line may be", longest),
        probe("endless", "a line without an end", endless),
        probe("leaks", "five callers that come and go", leaks),
        probe("rest", "a room in which nobody speaks", rest).early(),
    ];
    Check::new("threads/chat", probes, diagnose)
}

type Play = fn(&mut Stage) -> Result<(), Symptom>;

/// A caller that is in the room.
fn enter(stage: &mut Stage) -> Result<Peer, Symptom> {
    let mut peer = stage.connect()?;
    stage.expect(&mut peer, WELCOME)?;
    Ok(peer)
}

fn three(stage: &mut Stage) -> Result<[Peer; 3], Symptom> {
    Ok([enter(stage)?, enter(stage)?, enter(stage)?])
}

/// Who has spoken hears nothing.
fn no_echo(stage: &mut Stage, speaker: &mut Peer) -> Result<(), Symptom> {
    stage.expect_no_turn(speaker, "nothing: these were its own lines")
}

fn room(stage: &mut Stage) -> Result<(), Symptom> {
    let [mut a, mut b, mut c] = three(stage)?;
    stage.send(&mut a, b"hello\n")?;
    stage.expect(&mut b, b"hello\n")?;
    stage.expect(&mut c, b"hello\n")?;
    no_echo(stage, &mut a)?;
    stage.send(&mut c, b"hello yourself\n")?;
    stage.expect(&mut a, b"hello yourself\n")?;
    stage.expect(&mut b, b"hello yourself\n")
}

fn pieces(stage: &mut Stage) -> Result<(), Symptom> {
    let [mut a, mut b, mut c] = three(stage)?;
    stage.send(&mut a, b"hel")?;
    stage.until_taken(&mut a)?;
    stage.send(&mut b, b"me too\n")?;
    stage.expect(&mut c, b"me too\n")?;
    stage.send(&mut a, b"lo\n")?;
    stage.expect(&mut c, b"hello\n")?;
    stage.expect(&mut a, b"me too\n")?;
    stage.expect(&mut b, b"hello\n")
}

fn joined(stage: &mut Stage) -> Result<(), Symptom> {
    let [mut a, mut b, _c] = three(stage)?;
    stage.send(&mut a, b"one\ntwo\nthree\n")?;
    stage.expect(&mut b, b"one\ntwo\nthree\n")
}

fn bytes(stage: &mut Stage) -> Result<(), Symptom> {
    let [mut a, mut b, _c] = three(stage)?;
    stage.send(&mut a, b"\xFF\x00\xFE\r\n")?;
    stage.expect(&mut b, b"\xFF\x00\xFE\r\n")?;
    stage.send(&mut a, b"\n")?;
    stage.expect(&mut b, b"\n")
}

fn end(stage: &mut Stage) -> Result<(), Symptom> {
    let [mut a, mut b, _c] = three(stage)?;
    stage.send(&mut a, b"well\nbye")?;
    a.end();
    stage.expect(&mut b, b"well\nbye\n")?;
    stage.expect_end(&mut a)
}

fn leavers(stage: &mut Stage) -> Result<(), Symptom> {
    let [mut a, mut b, mut c] = three(stage)?;
    c.end();
    stage.expect_end(&mut c)?;
    enter(stage)?.reset()?;
    enter(stage)?.close();
    stage.send(&mut a, b"who is left?\n")?;
    stage.expect(&mut b, b"who is left?\n")?;
    stage.send(&mut b, b"the two of us\n")?;
    stage.expect(&mut a, b"the two of us\n")
}

fn slow(stage: &mut Stage) -> Result<(), Symptom> {
    const SOME: usize = 32; // lines between two looks
    let mut slow = enter(stage)?;
    slow.bound_buffers()?;
    let (mut a, mut b) = (enter(stage)?, enter(stage)?);
    stage.note("the first reads no more; the second speaks, line after line");
    let line = [&[b'x'; 32 << 10][..], b"\n"].concat();
    let mut sent = 0;
    while sent < FLOOD {
        let passed = stage.pass_on(&mut a, &mut b, &line, SOME);
        passed.map_err(|symptom| with_newcomer(stage, symptom))?;
        sent += SOME * line.len();
        let there = stage.descriptors().map(|now| now.connections);
        if there.is_some_and(|there| there < 3) {
            break;
        }
    }
    stage.aloud([&mut a, &mut b]);
    let (found, idle) = stage.reads_at_last(&mut slow)?;
    if found.over {
        stage.send(&mut b, b"still there\n")?;
        return stage.expect(&mut a, b"still there\n");
    }
    let summary = "the one that did not read is still in the room";
    let got = match found.bytes {
        all if all >= sent => format!("all {} bytes, and no end", found.bytes),
        some => format!("{some} of {sent} bytes, and no end"),
    };
    let mut symptom = Symptom::new(Kind::NoEnd, summary)
        .with_words("the end of its connection, once its queue was full", got);
    if let Some(idle) = idle {
        symptom = symptom.while_idle(idle);
    }
    symptom.signs.unread = u32::from(found.bytes >= sent);
    Err(symptom)
}

/// The sign that nobody is let in any more.
const SHUT: &[u8] = b"nobody is let in";

/// The room stands still: is somebody new let in?
fn with_newcomer(stage: &mut Stage, mut symptom: Symptom) -> Symptom {
    if symptom.kind == Kind::NoAnswer && symptom.doing == Some(Doing::Blocked) {
        stage.note("somebody new comes");
        match enter(stage) {
            Ok(_) => {
                let told = "Then somebody new came, and was welcomed.";
                symptom.kernel.push(told.into());
            }
            Err(now) => {
                symptom.signs.later = SHUT.into();
                // Who waits for a lock is seen now that there is somebody who does.
                if now.doing == Some(Doing::Blocked) {
                    (symptom.calls, symptom.kernel) = (now.calls, now.kernel);
                }
                let told = "Then somebody new came, and was not welcomed.";
                symptom.kernel.push(told.into());
            }
        }
    }
    symptom
}

fn two_speakers(stage: &mut Stage) -> Result<(), Symptom> {
    const LINES: usize = 200;
    let [mut a, mut b, mut c] = three(stage)?;
    let said = |who: &str| -> Vec<Vec<u8>> {
        let line = |n: usize| format!("{who} says its line number {n}\n");
        (1..=LINES).map(|n| line(n).into_bytes()).collect()
    };
    let (of_a, of_b) = (said("a"), said("b"));
    for (one, other) in of_a.chunks(10).zip(of_b.chunks(10)) {
        stage.send(&mut a, &one.concat())?;
        stage.send(&mut b, &other.concat())?;
    }
    let heard = stage.lines(&mut c, 2 * LINES)?;
    for (who, said) in [(b"a ", of_a), (b"b ", of_b)] {
        let mine = heard.iter().filter(|line| line.starts_with(who));
        let mine: Vec<Vec<u8>> = mine.cloned().collect();
        if mine != said {
            return Err(not_as_said(&heard, &mine, &said));
        }
    }
    Ok(())
}

/// The first line that one speaker has not said, or has said at another time.
fn not_as_said(heard: &[Vec<u8>], mine: &[Vec<u8>], said: &[Vec<u8>]) -> Symptom {
    let nobodys = |line: &&Vec<u8>| {
        !(line.starts_with(b"a says its line")
            || line.starts_with(b"b says its line"))
            || line.windows(6).filter(|part| part == b" says ").count() > 1
    };
    let other = |(heard, said): &(&Vec<u8>, &Vec<u8>)| heard != said;
    let line = heard.iter().find(nobodys);
    let line = line.or(mine.iter().zip(said).find(other).map(|both| both.0));
    let (summary, got) = match line {
        Some(line) => (
            "a line came that nobody said, or not at its turn",
            checks::symptom::shown(line),
        ),
        None => (
            "lines of one speaker are missing",
            format!("{}", mine.len()),
        ),
    };
    Symptom::new(Kind::Wrong, summary)
        .with_words("all lines whole, and each speaker's in order", got)
}

fn longest(stage: &mut Stage) -> Result<(), Symptom> {
    let [mut a, mut b, _c] = three(stage)?;
    let mut line = vec![b'x'; MAX_LINE - 1];
    line.push(b'\n');
    stage.send(&mut a, &line)?;
    stage.expect(&mut b, &line)?;
    stage.send(&mut a, b"and a short one\n")?;
    stage.expect(&mut b, b"and a short one\n")
}

fn endless(stage: &mut Stage) -> Result<(), Symptom> {
    let [mut a, mut b, mut c] = three(stage)?;
    stage.send(&mut c, &vec![b'x'; MAX_LINE + 1])?;
    stage.expect_over(&mut c)?;
    stage.send(&mut a, b"what was that?\n")?;
    stage.expect(&mut b, b"what was that?\n")
}

fn leaks(stage: &mut Stage) -> Result<(), Symptom> {
    let [mut a, mut b, c] = three(stage)?;
    leave(stage, c)?;
    stage.at_rest()?;
    let (descriptors, threads) = (stage.descriptors(), stage.threads());
    for turn in 0..CALLERS {
        let visitor = enter(stage)?;
        match turn % 2 {
            0 => leave(stage, visitor)?,
            _ => visitor.reset()?,
        }
    }
    // Who has broken off may be noticed when there is something to say.
    stage.send(&mut a, b"anybody?\n")?;
    stage.expect(&mut b, b"anybody?\n")?;
    stage.expect_descriptors(descriptors, CALLERS)?;
    stage.expect_threads(threads, CALLERS)?;
    stage.expect_rest()
}

fn leave(stage: &mut Stage, mut peer: Peer) -> Result<(), Symptom> {
    peer.end();
    stage.expect_end(&mut peer)
}

fn rest(stage: &mut Stage) -> Result<(), Symptom> {
    let [mut a, mut b, _c] = three(stage)?;
    stage.expect_rest_in_silence()?;
    stage.send(&mut a, b"hello\n")?;
    stage.expect(&mut b, b"hello\n")
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: |bytes| bytes.to_vec(),
    };
    diagnosis::name(&[RULES, SERVER_RULES], &findings)
}

/// B hears no more, and a thread waits in a write.
fn stuck(symptom: &Symptom) -> bool {
    symptom.kind == Kind::NoAnswer && blocked_in(symptom, SENDS) > 0
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M107",
        fits: |all| {
            let echo = |s: &Symptom| {
                s.kind == Kind::Wrong
                    && s.expected.contains("its own lines")
                    && s.got_bytes == b"hello\n"
            };
            all.first(&["room"]).is_some_and(echo)
        },
        why: "The two others heard the line, and so did the one who had said it.",
    },
    Rule {
        mistake: "M1",
        fits: |all| {
            let piece = |s: &Symptom| {
                s.kind == Kind::Wrong
                    && s.expected_bytes == b"me too\n"
                    && s.got_bytes.starts_with(b"hel")
            };
            all.first(&["pieces"]).is_some_and(piece)
        },
        why: "Half a line came, and your program passed it on as it was: where the \
              bytes of one read end, the line need not.",
    },
    Rule {
        mistake: "M10",
        fits: |all| {
            let lost = |s: &Symptom| {
                s.kind == Kind::NoAnswer
                    && s.got_bytes == b"well\n"
                    && s.doing == Some(Doing::Blocked)
                    && s.panic.is_none()
            };
            all.first(&["end"]).is_some_and(lost)
        },
        why: "The caller's last line had no newline behind it, only the end of the \
              input. Nobody has heard it.",
    },
    Rule {
        mistake: "M9",
        fits: |all| {
            let bare = |s: &Symptom| {
                s.kind == Kind::NoAnswer
                    && s.got_bytes == b"well\nbye"
                    && s.doing == Some(Doing::Blocked)
            };
            all.first(&["end"]).is_some_and(bare)
        },
        why: "The last line came without its newline, and whoever hears it waits for \
              the rest of it.",
    },
    Rule {
        mistake: "M13",
        fits: |all| {
            let open = |s: &Symptom| {
                s.kind == Kind::NoEnd && s.doing == Some(Doing::Blocked)
            };
            all.first(&["end", "leavers"]).is_some_and(open)
        },
        why: "The caller has ended its side, and its connection is still open: \
              something keeps the stream, or a clone of it. Look who has one: the room, \
              the thread that reads, the thread that writes.",
    },
    Rule {
        mistake: "M102",
        fits: |all| {
            let locked = |s: &Symptom| {
                stuck(s) && blocked_in(s, LOCKS) > 0 && s.signs.later == SHUT
            };
            all.first(&["slow"]).is_some_and(locked)
        },
        why: "One thread waits in a write to the caller who does not read. Nobody hears \
              anything any more, and nobody is let in, because other threads wait in \
              futex, which is how a `Mutex` waits: the lock of the room is held while \
              somebody waits for that caller, in the write itself or for room in its \
              queue.",
    },
    Rule {
        mistake: "M109",
        fits: |all| {
            let waits = |s: &Symptom| stuck(s) && s.signs.later != SHUT;
            all.first(&["slow"]).is_some_and(waits)
        },
        why: "One thread waits in a write to the caller who does not read. The room is \
              open, somebody new was let in; but the thread that has read the line \
              waits for that caller, in the write itself or for room in its queue, \
              before it tells the others.",
    },
    Rule {
        mistake: "M103",
        fits: |all| {
            let all_kept = |s: &Symptom| s.kind == Kind::NoEnd && s.signs.unread == 1;
            all.first(&["slow"]).is_some_and(all_kept)
        },
        why: "A caller read nothing, and when it did, in the end, every line was there: \
              your server had kept all of them for it. One who does not read may make a \
              server without a bound keep as much as there is memory.",
    },
];
