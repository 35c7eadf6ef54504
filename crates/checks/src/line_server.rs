//! The battery of probes for a server that answers each line with a line, and what
//! their findings mean together.
//!
//! The probes ask nothing of the server but its protocol: one reply per line, in
//! order, and the end of the conversation after the caller's end. Whether it serves
//! one caller at a time or many is not asked here.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

use crate::diagnosis::{self, Findings, Rule, SERVER_RULES};
use crate::engine::{Peer, Probe, Report, Seen, Stage};
use crate::symptom::{Doing, Kind, Symptom};

/// What a right server answers to a line; neither has its newline.
pub type Reply = fn(&[u8]) -> Vec<u8>;

/// Runs the learner's server in the child, on a port of the kernel's choice.
pub fn act(report: &Report, serve: impl FnOnce(TcpListener) -> io::Result<()>) {
    act_on(Ipv4Addr::LOCALHOST, report, serve);
}

/// As [`act`], bound to another address.
pub fn act_on(
    address: Ipv4Addr,
    report: &Report,
    serve: impl FnOnce(TcpListener) -> io::Result<()>,
) {
    let listener = TcpListener::bind((address, 0));
    match listener.and_then(|listener| Ok((listener.local_addr()?, listener))) {
        Ok((addr, listener)) => {
            report.listening(addr);
            report.returned(serve(listener).map(|()| ""));
        }
        Err(error) => eprintln!("the check cannot listen on {address}: {error}"),
    }
}

/// The probes, from the simplest to the hardest.
pub fn probes<S>(serve: S, reply: Reply) -> Vec<Probe>
where
    S: Fn(TcpListener) -> io::Result<()> + Send + Sync + 'static,
{
    let serve = Arc::new(serve);
    let probe = |name, title, play: fn(&mut Stage, Reply) -> Result<(), Symptom>| {
        let serve = Arc::clone(&serve);
        Probe::server(
            name,
            title,
            move |report| act(report, |listener| serve(listener)),
            move |stage| play(stage, reply),
        )
    };
    vec![
        probe("whole", "two lines, one after the other", whole),
        probe("split", "a line that arrives in two pieces", split),
        probe("joined", "three lines that arrive together", joined),
        probe("char", "a character that is split between two pieces", char),
        probe("end", "a caller that has said all, but still listens", end),
        probe("tail", "a last line without its newline", tail),
        probe(
            "many",
            "five hundred lines before the first answer is read",
            many,
        ),
        probe(
            "visitors",
            "callers that hang up in the middle, then another",
            visitors,
        ),
        probe(
            "reset",
            "callers that reset the connection, then another",
            reset,
        ),
        probe("rest", "a caller that says nothing for a while", rest),
        probe("leaks", "five callers that come and go", leaks),
    ]
}

/// Sends a line and waits for its reply.
pub(crate) fn ask(
    stage: &mut Stage,
    peer: &mut Peer,
    line: &[u8],
    reply: Reply,
) -> Result<(), Symptom> {
    stage.send(peer, &[line, b"\n"].concat())?;
    stage.expect(peer, &answers(&[line], reply))
}

/// The replies to these lines, each with its newline.
pub(crate) fn answers(lines: &[&[u8]], reply: Reply) -> Vec<u8> {
    let mut all = Vec::new();
    for line in lines {
        all.extend(reply(line));
        all.push(b'\n');
    }
    all
}

fn whole(stage: &mut Stage, reply: Reply) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, b"hello", reply)?;
    ask(stage, &mut peer, b"and again", reply)
}

fn split(stage: &mut Stage, reply: Reply) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    stage.send(&mut peer, b"hel")?;
    stage.until_taken(&mut peer)?;
    stage.send(&mut peer, b"lo\n")?;
    stage.expect(&mut peer, &answers(&[b"hello"], reply))
}

fn joined(stage: &mut Stage, reply: Reply) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    stage.send(&mut peer, b"one\ntwo\nthree\n")?;
    stage.expect(&mut peer, &answers(&[b"one", b"two", b"three"], reply))
}

fn char(stage: &mut Stage, reply: Reply) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    stage.send(&mut peer, b"caf\xC3")?;
    stage.until_taken(&mut peer)?;
    stage.send(&mut peer, b"\xA9\n")?;
    stage.expect(&mut peer, &answers(&["café".as_bytes()], reply))
}

fn end(stage: &mut Stage, reply: Reply) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    stage.send(&mut peer, b"last words\n")?;
    peer.end();
    stage.expect(&mut peer, &answers(&[b"last words"], reply))?;
    stage.expect_end(&mut peer)
}

fn tail(stage: &mut Stage, reply: Reply) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    stage.send(&mut peer, b"first\ntail")?;
    peer.end();
    stage.expect(&mut peer, &answers(&[b"first", b"tail"], reply))?;
    stage.expect_end(&mut peer)
}

fn many(stage: &mut Stage, reply: Reply) -> Result<(), Symptom> {
    let lines: Vec<String> = (1..=500).map(|n| format!("line number {n}")).collect();
    let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
    let mut peer = stage.connect()?;
    let mut text = lines.join(&b'\n');
    text.push(b'\n');
    stage.send(&mut peer, &text)?;
    stage.expect(&mut peer, &answers(&lines, reply))
}

fn visitors(stage: &mut Stage, reply: Reply) -> Result<(), Symptom> {
    stage.connect()?.close();
    let mut half = stage.connect()?;
    stage.send(&mut half, b"half a li")?;
    half.close();
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, b"anybody there?", reply)
}

fn reset(stage: &mut Stage, reply: Reply) -> Result<(), Symptom> {
    let mut first = stage.connect()?;
    ask(stage, &mut first, b"hello", reply)?;
    first.reset()?; // while the program waits for the next line
    let mut second = stage.connect()?;
    stage.send(&mut second, b"hello\n")?;
    second.reset()?; // perhaps while it answers
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, b"anybody there?", reply)
}

fn rest(stage: &mut Stage, reply: Reply) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, b"hello", reply)?;
    stage.note("says nothing for a while");
    stage.expect_rest()?;
    ask(stage, &mut peer, b"still there?", reply)
}

fn leaks(stage: &mut Stage, reply: Reply) -> Result<(), Symptom> {
    const CALLERS: usize = 5;
    visit(stage, reply)?; // what a server opens once and keeps, it has opened now
    let before = stage.descriptors();
    for _ in 0..CALLERS {
        visit(stage, reply)?;
    }
    stage.expect_descriptors(before, CALLERS)?;
    stage.expect_rest()
}

fn visit(stage: &mut Stage, reply: Reply) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, b"hello", reply)?;
    peer.end();
    stage.expect_end(&mut peer)
}

/// Finds the mistake behind what the probes of a line server showed.
pub fn diagnose(seen: &[Seen<'_>], reply: Reply) -> Option<(&'static str, String)> {
    diagnosis::name(&[RULES, SERVER_RULES], &Findings { seen, reply })
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M9",
        fits: |all| {
            let whole = all.first(&["whole"]);
            let bare = (all.reply)(b"hello");
            whole.is_some_and(|s| s.kind == Kind::NoAnswer && s.got_bytes == bare)
        },
        why: "The answer is right but for its newline, so the peer waits for the rest \
              of the line.",
    },
    Rule {
        mistake: "M9",
        fits: |all| {
            let whole = all.first(&["whole"]);
            whole.is_some_and(|s| s.got_bytes.starts_with(b"\n"))
        },
        why: "The answer ends with two newlines: the line that was read still had its \
              own, and another was added.",
    },
    Rule {
        mistake: "M7",
        fits: |all| {
            let silent = |probe| all.symptom(probe).is_some_and(is_silence);
            all.first(&["whole"]).is_some_and(is_silence)
                && silent("many")
                && all.passed("end")
        },
        why: "Your program answers, but only after the caller has ended its side: it \
              reads to the end of the input, while the caller waits for an answer \
              before it says more.",
    },
    Rule {
        mistake: "M8",
        fits: |all| {
            let some =
                |s: &Symptom| s.kind == Kind::NoAnswer && !s.got_bytes.is_empty();
            all.first(&["whole"]).is_some_and(is_silence)
                && all.symptom("many").is_some_and(some)
                && all.passed("end")
        },
        why: "One answer does not come, of many answers a block of several thousand \
              bytes comes, and the rest comes at the end: they lie in a `BufWriter` \
              that was not flushed.",
    },
    Rule {
        mistake: "M1",
        fits: |all| {
            all.first(&["whole", "split"]).is_some_and(|s| {
                let answered =
                    |n| s.got_bytes.starts_with(&(all.reply)(&b"hello"[..n]));
                !s.expected_bytes.starts_with(&s.got_bytes) && (1..5).any(answered)
            })
        },
        why: "Your program answered a piece of the line as if it were the whole line: \
              it took what one read brought for one message.",
    },
    Rule {
        mistake: "M12",
        fits: |all| {
            let first = all.first(&["joined", "many", "end", "tail"]);
            first.is_some_and(|s| s.kind == Kind::Reset)
        },
        why: "Your program closed the connection while bytes from the caller still \
              lay unread in the kernel. Then the kernel sends a reset in place of an \
              end, and the caller may lose even what was sent before.",
    },
    Rule {
        mistake: "M2",
        fits: |all| {
            let joined = all.first(&["joined"]);
            joined.is_some_and(|s| s.got_bytes == answers(&[b"one"], all.reply))
        },
        why: "Three lines came together. Your program answered the first and lost what \
              the same read had brought behind it: it was dropped with the buffer, or \
              with a `BufReader` that is made anew for each line.",
    },
    Rule {
        mistake: "M11",
        fits: |all| {
            all.first(&["char"]).is_some_and(|s| {
                let got = String::from_utf8_lossy(&s.got_bytes);
                got.contains('\u{FFFD}')
                    || s.panic.is_some()
                    || matches!(s.kind, Kind::EarlyEnd | Kind::Gone)
                    || s.doing == Some(Doing::Returned)
            })
        },
        why: "The two bytes of `é` came in two pieces. Your program turned each piece \
              into text by itself, and half a character is no text.",
    },
    Rule {
        mistake: "M10",
        fits: |all| {
            let tail = all.first(&["tail"]);
            tail.is_some_and(|s| s.got_bytes == answers(&[b"first"], all.reply))
        },
        why: "The caller's last line had no newline behind it, only the end of the \
              input. Your program threw it away.",
    },
];

/// No answer at all, from a program that waits for more.
fn is_silence(symptom: &Symptom) -> bool {
    symptom.kind == Kind::NoAnswer
        && symptom.got_bytes.is_empty()
        && symptom.doing == Some(Doing::Blocked)
}
