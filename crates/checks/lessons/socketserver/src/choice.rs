//! `socketserver/choice`: one handler, and who runs it as a word.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, TcpListener};
use std::process;

use checks::diagnosis::{self, Findings, Rule};
use checks::engine::{Check, Peer, Probe, Report, Seen, Stage, act_as_family};
use checks::symptom::{Doing, Kind, Symptom};
use checks_async::{Story, failed};

/// The learner's server: where it listens, the word, and what a line is answered.
type Serve = fn(TcpListener, &str, fn(&[u8]) -> Vec<u8>) -> io::Result<()>;

/// In capitals; or who answers.
fn answer(line: &[u8]) -> Vec<u8> {
    match line {
        b"who" => {
            let thread = rustix::thread::gettid().as_raw_nonzero();
            format!("{} {thread}", process::id()).into_bytes()
        }
        line => line.to_ascii_uppercase(),
    }
}

/// The check of `socketserver/choice`.
pub fn choice(serve: Serve) -> Check {
    let probe = |name,
                 title,
                 word: &'static str,
                 play: fn(&mut Stage) -> Result<(), Symptom>| {
        let act = move |report: &Report| {
            act_as_family(report, |listener| {
                serve(listener, word, answer).map(|()| String::new())
            });
        };
        Probe::server(name, title, act, move |stage| {
            stage.note(format!("the word is `{word}`"));
            play(stage)
        })
    };
    let probes = vec![
        probe("inline", "one caller, by `inline`", "inline", |stage| {
            let mut caller = stage.connect()?;
            ask(stage, &mut caller, "hello")?;
            let who = who(stage, &mut caller)?;
            itself(stage, who)
        }),
        probe(
            "inline waits",
            "two callers, by `inline`",
            "inline",
            |stage| {
                let mut first = stage.connect()?;
                ask(stage, &mut first, "hello")?;
                waits(stage, first)
            },
        ),
        probe(
            "threads",
            "two callers, by `threads 3`",
            "threads 3",
            |stage| {
                let (mut a, mut b) = (stage.connect()?, stage.connect()?);
                ask(stage, &mut b, "hello")?;
                ask(stage, &mut a, "good morning")?;
                let (to_a, to_b) = (who(stage, &mut a)?, who(stage, &mut b)?);
                itself(stage, to_a)?;
                itself(stage, to_b)?;
                match to_a.1 == to_b.1 {
                    false => Ok(()),
                    true => {
                        let summary = "two callers are served by one thread";
                        Err(Symptom::new(Kind::Rule, summary)
                            .with_words("a thread for each", "one for both"))
                    }
                }
            },
        ),
        probe("fork", "two callers, by `fork 3`", "fork 3", |stage| {
            let (mut a, mut b) = (stage.connect()?, stage.connect()?);
            ask(stage, &mut b, "hello")?;
            ask(stage, &mut a, "good morning")?;
            let (to_a, to_b) = (who(stage, &mut a)?, who(stage, &mut b)?);
            if to_a.0 == to_b.0 || stage.is_itself(to_a.0) || stage.is_itself(to_b.0)
            {
                let summary = "a caller is not served by a process of its own";
                return Err(Symptom::new(Kind::Rule, summary)
                    .with_words("a process for each", "another"));
            }
            Ok(())
        }),
        probe(
            "threads limit",
            "a third caller, by `threads 2`",
            "threads 2",
            third,
        ),
        probe("fork limit", "a third caller, by `fork 2`", "fork 2", third),
        probe(
            "one",
            "a second caller, by `threads 1`",
            "threads 1",
            |stage| {
                let mut first = stage.connect()?;
                ask(stage, &mut first, "hello")?;
                waits(stage, first)
            },
        ),
        Probe::tasks(
            "words",
            "words that mean nothing",
            move |report: &Report| {
                words(&Story::new(report, "the check", "your server"), serve)
            },
        ),
    ];
    Check::new("socketserver/choice", probes, diagnose)
}

fn ask(stage: &mut Stage, peer: &mut Peer, line: &str) -> Result<(), Symptom> {
    stage.send(peer, format!("{line}\n").as_bytes())?;
    stage.expect(peer, format!("{}\n", line.to_uppercase()).as_bytes())
}

/// The process and the thread that answer.
fn who(stage: &mut Stage, peer: &mut Peer) -> Result<(u32, u32), Symptom> {
    stage.send(peer, b"who\n")?;
    let told = stage.read_line(peer)?;
    let mut numbers = told.split_whitespace().map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(process)), Some(Ok(thread))) => Ok((process, thread)),
        _ => Err(
            Symptom::new(Kind::Wrong, "that is not what `answer` has said")
                .with_words("two numbers", told),
        ),
    }
}

fn itself(stage: &Stage, (process, _): (u32, u32)) -> Result<(), Symptom> {
    match stage.is_itself(process) {
        true => Ok(()),
        false => Err(Symptom::new(Kind::Rule, "another process answers")
            .with_words("the server's own", format!("process {process}"))),
    }
}

/// Another caller waits until this one has left.
fn waits(stage: &mut Stage, mut first: Peer) -> Result<(), Symptom> {
    let mut second = stage.connect()?;
    stage.send(&mut second, b"me too\n")?;
    stage.expect_no_turn(&mut second, "nothing, as long as others are served")?;
    first.end();
    stage.expect_end(&mut first)?;
    stage.expect(&mut second, b"ME TOO\n")
}

fn third(stage: &mut Stage) -> Result<(), Symptom> {
    let (mut a, mut b) = (stage.connect()?, stage.connect()?);
    ask(stage, &mut a, "hello")?;
    ask(stage, &mut b, "hello")?;
    waits(stage, a)?;
    ask(stage, &mut b, "still there?")
}

/// Words that no server is to begin with.
const NONSENSE: &[&str] = &[
    "",
    "inlin",
    "Inline",
    "inline 1",
    "inline ",
    "threads",
    "threads 0",
    "threads 1001",
    "threads two",
    "threads -1",
    "threads 2 3",
    "threads  2",
    "fork",
    "fork 0",
    "Fork 2",
    "spoon 2",
];

fn words(story: &Story, serve: Serve) -> Result<(), Symptom> {
    for word in NONSENSE {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .map_err(|error| failed("listen", error))?;
        story.left(format!("the word is `{word}`"));
        match serve(listener, word, answer) {
            Err(error)
                if error.kind() == ErrorKind::InvalidInput
                    && error.to_string().contains(word) => {}
            got => {
                let got = match got {
                    Ok(()) => "Ok".to_owned(),
                    Err(error) => format!("{:?}: {error}", error.kind()),
                };
                let summary = "a word that means nothing got another answer";
                return Err(Symptom::new(Kind::NoError, summary).with_words(
                    format!("InvalidInput, with `{word}` in its text"),
                    got,
                ));
            }
        }
    }
    Ok(())
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: <[u8]>::to_ascii_uppercase,
    };
    diagnosis::name(&[RULES], &findings)
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M18",
        fits: |all| {
            let waits = |s: &Symptom| {
                s.kind == Kind::NoAnswer && s.doing == Some(Doing::Blocked)
            };
            all.passed("inline") && all.first(&["threads", "fork"]).is_some_and(waits)
        },
        why: "A caller who has said nothing was there first, and the second was not \
              answered: with this word too, your server is with one caller until it \
              leaves.",
    },
    Rule {
        mistake: "M101",
        fits: |all| {
            let early = |s: &Symptom| {
                s.kind == Kind::Wrong && s.summary.starts_with("this caller was not")
            };
            all.passed("threads")
                && all.passed("fork")
                && all
                    .first(&["threads limit", "fork limit", "one"])
                    .is_some_and(early)
        },
        why: "The number in the word is how many callers are served at once. That many \
              were there, and one more was answered all the same.",
    },
];
