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

/// A server as the probes call it.
pub type Serve = Arc<dyn Fn(TcpListener) -> io::Result<()> + Send + Sync>;

/// The probes, from the simplest to the hardest.
pub fn probes<S>(serve: S, reply: Reply) -> Vec<Probe>
where
    S: Fn(TcpListener) -> io::Result<()> + Send + Sync + 'static,
{
    probes_of(&(Arc::new(serve) as Serve), reply)
}

/// As [`probes`], and compiled once.
pub fn probes_of(serve: &Serve, reply: Reply) -> Vec<Probe> {
    let probe = |name, title, play| probe(serve, reply, name, title, play);
    vec![
        probe("whole", "two lines, one after the other", whole),
        probe("split", "a line that arrives in two pieces", split),
        probe("joined", "three lines that arrive together", joined),
        probe(
            "char",
            "a letter of two bytes, first whole, then in two pieces",
            char,
        ),
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
        probe("rest", "a caller that says nothing for a while", rest).early(),
        probe("leaks", "five callers that come and go", leaks),
        probe("empty", "an empty line, and a line behind it", empty),
        probe(
            "blanks",
            "lines with blanks at both ends, and a carriage return",
            blanks,
        ),
        probe("bytes", "a line of bytes that are no text", bytes),
    ]
}

/// What the peer does in a probe of a line server.
pub type Play = fn(&mut Stage, Reply) -> Result<(), Symptom>;

/// One probe of a line server.
pub fn probe(
    serve: &Serve,
    reply: Reply,
    name: &'static str,
    title: &'static str,
    play: Play,
) -> Probe {
    let serve = Arc::clone(serve);
    Probe::server(
        name,
        title,
        move |report| act(report, |listener| serve(listener)),
        move |stage| play(stage, reply),
    )
}

/// Sends a line and waits for its reply.
pub fn ask(
    stage: &mut Stage,
    peer: &mut Peer,
    line: &[u8],
    reply: Reply,
) -> Result<(), Symptom> {
    stage.send(peer, &[line, b"\n"].concat())?;
    stage.expect(peer, &answers(&[line], reply))
}

/// The replies to these lines, each with its newline.
pub fn answers(lines: &[&[u8]], reply: Reply) -> Vec<u8> {
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
    let answered = answers(&[b"one", b"two", b"three"], reply);
    match stage.expect(&mut peer, &answered) {
        // What is missing may be lost, or lie there until something comes.
        Err(symptom) if only_the_first(&symptom, reply) => {
            Err(stage.say_more(&mut peer, b"four\n", symptom))
        }
        result => result,
    }
}

/// Three lines came together, and the program waits after its first answer.
fn only_the_first(symptom: &Symptom, reply: Reply) -> bool {
    symptom.kind == Kind::NoAnswer
        && symptom.doing == Some(Doing::Blocked)
        && symptom.got_bytes == answers(&[b"one"], reply)
}

fn char(stage: &mut Stage, reply: Reply) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, "thé".as_bytes(), reply)?;
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
    match stage.expect(&mut peer, &answers(&lines, reply)) {
        // Does it wait for the end, or is its buffer only very large?
        Err(symptom) if is_silence(&symptom) => {
            let more = b"one more\n".repeat(30_000);
            Err(stage.say_more(&mut peer, &more, symptom))
        }
        result => result,
    }
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
    stage.expect_rest_in_silence()?;
    ask(stage, &mut peer, b"still there?", reply)
}

/// How many callers come and go before the program's descriptors are counted again.
pub const CALLERS: usize = 5;

fn leaks(stage: &mut Stage, reply: Reply) -> Result<(), Symptom> {
    visit(stage, reply)?; // what a server opens once and keeps, it has opened now
    stage.until_settled(); // or is about to: some start their workers meanwhile
    let before = stage.descriptors();
    for _ in 0..CALLERS {
        visit(stage, reply)?;
    }
    stage.expect_descriptors(before, CALLERS)?;
    stage.expect_rest()
}

fn empty(stage: &mut Stage, reply: Reply) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, b"", reply)?;
    ask(stage, &mut peer, b"still there?", reply)
}

fn blanks(stage: &mut Stage, reply: Reply) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, b"  two words \t", reply)?;
    ask(stage, &mut peer, b"hello\r", reply)
}

fn bytes(stage: &mut Stage, reply: Reply) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, b"\xFF\x00\xFE", reply)?;
    ask(stage, &mut peer, b"still there?", reply)
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
            whole.is_some_and(|s| {
                s.kind == Kind::NoAnswer
                    && s.doing == Some(Doing::Blocked)
                    && s.expected_bytes.strip_suffix(b"\n") == Some(&s.got_bytes[..])
            })
        },
        why: "The answer is right but for its newline, so the peer waits for the rest \
              of the line.",
    },
    Rule {
        mistake: "M9",
        fits: |all| {
            // The second newline of the first answer came before the second answer.
            all.first(&["whole"]).is_some_and(|s| {
                let rest = s.got_bytes.strip_prefix(b"\n").unwrap_or_default();
                s.signs.matched > 0 && rest.starts_with(&s.expected_bytes)
            })
        },
        why: "Two newlines end an answer where one was agreed. Look whether the line \
              that was read still has its own when you add one.",
    },
    Rule {
        mistake: "M7",
        fits: |all| {
            let silent = |probe| all.symptom(probe).is_some_and(is_silence);
            all.first(&["whole"]).is_some_and(is_silence)
                && silent("many")
                && all
                    .symptom("many")
                    .is_some_and(|s| s.signs.later.is_empty())
                && all.passed("end")
        },
        why: "Your program answers, but only after the caller has ended its side: it \
              reads to the end of the input, while the caller waits for an answer \
              before it says more.",
    },
    Rule {
        mistake: "M8",
        fits: |all| {
            all.first(&["whole"]).is_some_and(is_silence)
                && all.symptom("many").is_some_and(came_in_blocks)
                && all.passed("end")
        },
        why: "One answer does not come, of many answers a block of several thousand \
              bytes comes, and the rest comes at the end: they lie in a `BufWriter` \
              that was not flushed.",
    },
    Rule {
        mistake: "M1",
        fits: |all| {
            let first = all.first(&["whole", "split"]);
            // Who only takes a pause for the end of a line cuts nothing where there is
            // no pause.
            let without_a_pause = all.symptom("joined").or(all.symptom("many"));
            first.is_some_and(|s| in_pieces(&s.got_bytes, all.reply))
                && without_a_pause.is_some()
        },
        why: "Your program answered a piece of the line as if it were the whole line: \
              where the bytes of one read end, the line need not.",
    },
    Rule {
        mistake: "M1",
        fits: |all| {
            let two = (all.reply)(b"two");
            all.first(&["joined"])
                .is_some_and(|s| !two.is_empty() && s.signs.later.starts_with(&two))
        },
        why: "Three lines came together, in one read. Your program answered the first; \
              the second was answered only when a fourth line came. Whenever something \
              has come, take out all the lines that are there before you read again.",
    },
    Rule {
        mistake: "M12",
        fits: |all| {
            let first = all.first(&["joined", "many", "end", "tail"]);
            first.is_some_and(|s| {
                s.kind == Kind::Reset && s.panic.is_none() && !s.is_over()
            })
        },
        why: "Your program closed the connection while bytes from the caller still \
              lay unread in the kernel. Then the kernel sends a reset in place of an \
              end, and the caller may lose even what was sent before.",
    },
    Rule {
        mistake: "M2",
        fits: |all| {
            let joined = all.first(&["joined"]);
            joined.is_some_and(|s| s.signs.later == answers(&[b"four"], all.reply))
        },
        why: "Three lines came together. Your program answered the first and lost what \
              the same read had brought behind it: it was dropped with the buffer, or \
              with a `BufReader` that is made anew for each line.",
    },
    Rule {
        mistake: "M11",
        fits: |all| {
            let split = answers(&["café".as_bytes()], all.reply);
            let char = all.first(&["char"]);
            // A program that is only impatient with a pause fails in a longer one too.
            char.is_some_and(|s| s.expected_bytes == split) && all.passed("rest")
        },
        why: "Whole, `é` was no trouble. Here its two bytes came in two pieces: your \
              program turned each piece into text by itself, and half a character is \
              no text.",
    },
    Rule {
        mistake: "M10",
        fits: |all| {
            all.first(&["tail"]).is_some_and(|s| {
                s.kind == Kind::EarlyEnd
                    && s.got_bytes == answers(&[b"first"], all.reply)
                    && s.panic.is_none()
                    && !s.is_over()
            })
        },
        why: "The caller's last line had no newline behind it, only the end of the \
              input. Your program threw it away.",
    },
    Rule {
        mistake: "M5",
        fits: |all| {
            let empty = answers(&[b"", b"", b""], all.reply);
            // What a read of the end leaves has no newline to send back either.
            let bare = (all.reply)(b"").repeat(3);
            all.first(&["end", "tail"]).is_some_and(|s| {
                let goes_on = !bare.is_empty() && follows(s, &bare);
                s.kind == Kind::Wrong && (goes_on || follows(s, &empty))
            })
        },
        why: "The caller ended its side. From then on every read returns 0 bytes at \
              once, and your program takes that for one more message, for ever.",
    },
];

/// No answer at all, from a program that waits for more.
fn is_silence(symptom: &Symptom) -> bool {
    symptom.kind == Kind::NoAnswer
        && symptom.got_bytes.is_empty()
        && symptom.doing == Some(Doing::Blocked)
}

/// As much came as fills the buffer of a `BufWriter` once or several times.
fn came_in_blocks(symptom: &Symptom) -> bool {
    const BLOCK: usize = 8 << 10;
    const LINE: usize = 64; // what did not fit into the block any more
    let got = symptom.got_bytes.len();
    let blocks = got.div_ceil(BLOCK);
    symptom.kind == Kind::NoAnswer
        && symptom.doing == Some(Doing::Blocked)
        && blocks > 0
        && got > blocks * (BLOCK - LINE)
}

/// Whether this came behind the right answer, if any was expected.
fn follows(symptom: &Symptom, extra: &[u8]) -> bool {
    let got = symptom.got_bytes.strip_prefix(&symptom.expected_bytes[..]);
    got.is_some_and(|got| got.starts_with(extra))
}

/// Whether these are answers to pieces of the line "hello", which together make it up.
fn in_pieces(got: &[u8], reply: Reply) -> bool {
    let line = b"hello";
    // Newlines may be missing between the pieces, or be there twice, unless they are
    // all that keeps one answer apart from the next.
    let bare = !reply(b"").is_empty();
    let plain = |text: &[u8]| -> Vec<u8> {
        let newline = |byte: &u8| *byte == b'\n' || *byte == b'\r';
        let mut text = text.to_vec();
        match bare {
            true => text.retain(|byte| !newline(byte)),
            false => text.dedup_by(|a, b| newline(a) && newline(b)),
        }
        text
    };
    // Each bit stands for a place where the line may be cut.
    (1..1_u32 << (line.len() - 1)).any(|cuts| {
        let mut pieces = vec![Vec::new()];
        for (n, byte) in line.iter().enumerate() {
            if n > 0 && cuts & (1 << (n - 1)) != 0 {
                pieces.push(Vec::new());
            }
            pieces.last_mut().expect("it begins with one").push(*byte);
        }
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        plain(&answers(&pieces, reply)) == plain(got)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_answers_that_make_up_the_line_are_answers_to_its_pieces() {
        let stamp: Reply = |line| [b"[now] ", line].concat();
        for got in [
            "[now] hel\n[now] lo\n",
            "[now] hel[now] lo\n",
            "[now] h\n[now] ell\n\n[now] o\n\n",
        ] {
            assert!(in_pieces(got.as_bytes(), stamp), "{got}");
        }
        for got in [
            "",
            "[now] hello\r\n",
            "[now] hello!\n",
            "[now] hell\n",
            "[now] hello\n[now] hello\n",
            "[now] lo\n[now] hel\n",
        ] {
            assert!(!in_pieces(got.as_bytes(), stamp), "{got}");
        }
        let upper: Reply = |line| line.to_ascii_uppercase();
        assert!(in_pieces(b"HEL\nLO\n", upper));
        assert!(!in_pieces(b"HELLO", upper));
    }
}
