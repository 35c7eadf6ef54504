//! The checks of lesson 9: processes.

mod crash;
mod hazard;
mod prefork;
mod reap;
mod serve;

pub use checks::Check;
pub use crash::crash;
pub use hazard::hazard;
pub use prefork::prefork;
pub use reap::reap;
pub use serve::serve;

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process;

use rustix::process::{Signal, getpid, kill_process};

use checks::diagnosis::{self, Findings, Rule};
use checks::engine::act_as_family;
use checks::engine::{CAME_BACK, Peer, Probe, Report, Seen, Stage, has_failed_with};
use checks::symptom::{Doing, Kind, Symptom};

/// The conversation that the check gives to the learner's children: what it returns is
/// to be the child's exit code.
pub type Talk = fn(TcpStream) -> u8;

/// Sends each line back in capitals, until the end: code 0. A caller may ask `who`
/// answers, and have the
/// process end in a certain way: `code 3`, `signal 6`, `exit`.
fn talk(stream: TcpStream) -> u8 {
    // Some systems have a connection inherit it from a listener that was set so.
    let _ = stream.set_nonblocking(false);
    let mut input = BufReader::with_capacity(256, &stream);
    let mut output = &stream;
    let mut line = String::new();
    loop {
        line.clear();
        match input.read_line(&mut line) {
            Ok(1..) => {}
            Ok(0) => return 0,
            Err(_) => return 1,
        }
        let said = line.trim_end();
        let mut words = said.split(' ');
        let reply = match (words.next(), words.next().map(str::parse)) {
            (Some("who"), None) => process::id().to_string(),
            (Some("code"), Some(Ok(code))) => return code,
            (Some("signal"), Some(Ok(number))) => end_by(number.into()),
            (Some("exit"), None) => process::exit(0),
            _ => said.to_ascii_uppercase(),
        };
        if output.write_all(format!("{reply}\n").as_bytes()).is_err() {
            return 1;
        }
    }
}

/// Ends this process by a signal. Rust's runtime catches the first SIGSEGV, to tell of a
/// stack that has overflowed, and no other.
fn end_by(signal: i32) -> ! {
    if signal == Signal::ABORT.as_raw() {
        process::abort();
    }
    let signal = Signal::from_named_raw(signal).unwrap_or(Signal::KILL);
    loop {
        let _ = kill_process(getpid(), signal);
    }
}

/// A probe of a server whose children [`talk`].
fn probe(
    serve: impl Fn(TcpListener, Talk) -> io::Result<String> + Send + Sync + 'static,
    name: &'static str,
    title: &'static str,
    play: fn(&mut Stage) -> Result<(), Symptom>,
) -> Probe {
    let act = move |report: &Report| act_as_family(report, |l| serve(l, talk));
    Probe::server(name, title, act, play)
}

/// Says a line and expects it in capitals; where it does not come, the children are
/// looked at too.
fn ask(stage: &mut Stage, peer: &mut Peer, line: &str) -> Result<(), Symptom> {
    stage.send(peer, format!("{line}\n").as_bytes())?;
    let expected = format!("{}\n", line.to_ascii_uppercase());
    let came = stage.expect(peer, expected.as_bytes());
    came.map_err(|symptom| stage.with_family(symptom, Some(peer)))
}

/// Which process answers.
fn who(stage: &mut Stage, peer: &mut Peer) -> Result<u32, Symptom> {
    stage.send(peer, b"who\n")?;
    let line = stage.read_line(peer);
    let line = line.map_err(|symptom| stage.with_family(symptom, Some(peer)))?;
    line.trim_end().parse().map_err(|_| {
        Symptom::new(Kind::Wrong, "that is not what `talk` answers")
            .with_words("the number of a process", format!("{line:?}"))
    })
}

/// Ends the caller's side, and expects the end of the other.
fn leave(stage: &mut Stage, mut peer: Peer) -> Result<(), Symptom> {
    peer.end();
    let ended = stage.expect_end(&mut peer);
    ended.map_err(|symptom| stage.with_family(symptom, Some(&peer)))
}

/// A whole visit.
fn visit(stage: &mut Stage, line: &str) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, line)?;
    leave(stage, peer)
}

/// Two callers at once, each answered by a process of its own that is not the server.
fn own_processes(stage: &mut Stage) -> Result<(), Symptom> {
    stage.until_it_rests()?;
    if !stage.family()?.living.is_empty() {
        let summary = "children are there before anybody has called";
        let symptom = Symptom::new(Kind::Rule, summary).with_words(
            "a child for each caller, when it comes",
            "children in advance",
        );
        return Err(stage.with_family(symptom, None));
    }
    let (mut a, mut b) = (stage.connect()?, stage.connect()?);
    let second = who(stage, &mut b)?; // the first has not said a word yet
    let first = who(stage, &mut a)?;
    if stage.is_itself(first) || stage.is_itself(second) {
        let summary = "the server's own process talks to a caller";
        return Err(Symptom::new(Kind::Rule, summary)
            .with_words("a child for each caller", "the server itself"));
    }
    if first == second {
        let summary = "two callers are served by one process";
        return Err(Symptom::new(Kind::Rule, summary)
            .with_words("a child for each caller", "one for both"));
    }
    leave(stage, a)?;
    leave(stage, b)
}

/// How many callers come and go before the server's descriptors are counted again.
const CALLERS: usize = 5;

/// Callers come and go; the server's descriptors do not add up.
fn grows(stage: &mut Stage) -> Result<(), Symptom> {
    visit(stage, "hello")?; // what is opened once and kept is open now
    stage.until_none_lives()?;
    let before = stage.descriptors();
    for _ in 0..CALLERS {
        visit(stage, "hello")?;
    }
    stage.until_none_lives()?;
    stage.expect_descriptors(before, CALLERS)
}

fn resets(stage: &mut Stage) -> Result<(), Symptom> {
    let mut staying = stage.connect()?;
    ask(stage, &mut staying, "hello")?;
    let mut rude = stage.connect()?;
    ask(stage, &mut rude, "hello")?;
    rude.reset()?;
    stage.reset_unseen()?;
    ask(stage, &mut staying, "still there?")?;
    visit(stage, "anybody there?")
}

fn rests(stage: &mut Stage) -> Result<(), Symptom> {
    visit(stage, "hello")?;
    stage.expect_rest_in_silence()
}

fn name(rules: &[&[Rule]], seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let reply = |line: &[u8]| line.to_ascii_uppercase();
    diagnosis::name(rules, &Findings { seen, reply })
}

/// The first symptom, whichever probe showed it, if the program is to blame.
fn first<'a>(all: &'a Findings<'_>) -> Option<&'a Symptom> {
    let names: Vec<&str> = all.seen.iter().map(|(name, _)| *name).collect();
    all.first(&names)
}

fn is_interrupted(symptom: &Symptom) -> bool {
    let words = io::Error::from(rustix::io::Errno::INTR).to_string();
    let panicked = |told: &String| told.contains("EINTR") || told.contains(&words);
    has_failed_with(symptom, &words)
        || symptom.doing == Some(Doing::Ended)
            && symptom.panic.as_ref().is_some_and(panicked)
}

fn came_back(symptom: &Symptom) -> bool {
    symptom.kernel.iter().any(|told| told.contains(CAME_BACK))
}

/// Whether callers are served by processes of their own, as far as that was seen.
fn forks(all: &Findings<'_>) -> bool {
    let elsewhere = |probe| all.symptom(probe).is_none_or(|s| s.kind != Kind::Rule);
    elsewhere("two") && elsewhere("own")
}

fn is_accept(call: &str) -> bool {
    call.starts_with("accept")
}

/// The server waits for a child, and for nobody else.
fn waits_for_a_child(symptom: &Symptom) -> bool {
    symptom.doing == Some(Doing::Blocked)
        && symptom
            .calls
            .iter()
            .all(|call| call == "wait4" || call == "waitid")
        && !symptom.calls.is_empty()
}

/// What goes wrong with every server that forks.
const RULES: &[Rule] = &[
    Rule {
        mistake: "M112",
        fits: |all| first(all).is_some_and(came_back),
        why: "A child has come back out of your function: a `return`, a `?`, or the end \
              of a block led it there. The child's part has to end the child, on every \
              path.",
    },
    Rule {
        mistake: "M112",
        fits: |all| {
            first(all).is_some_and(|s| {
                let accepts = s.signs.children.iter().any(|call| is_accept(call));
                s.kind == Kind::Leaks && accepts
            })
        },
        why: "Its caller has left, and the child waits in `accept` for another: it went \
              on where its parent does, in the loop over callers. The child's part has \
              to end the child.",
    },
    Rule {
        mistake: "M111",
        fits: |all| {
            first(all).is_some_and(|s| {
                s.kind == Kind::NoEnd && s.signs.kept && !s.signs.served && forks(all)
            })
        },
        why: "The child has closed the connection, and the caller sees no end: your \
              server has a descriptor of it, too. `fork` copied them all, and a \
              connection ends when the last one is closed.",
    },
    Rule {
        mistake: "M111",
        fits: |all| {
            first(all).is_some_and(|s| {
                s.kind == Kind::NoEnd && s.signs.kept && s.signs.served && forks(all)
            })
        },
        why: "The caller sees no end: your server has a descriptor of its connection, \
              and so has a child that lives, perhaps another caller's, which has \
              inherited it from your server.",
    },
    Rule {
        mistake: "M111",
        fits: |all| {
            all.first(&["grows"])
                .is_some_and(|s| s.kind == Kind::Leaks && s.signs.leaked >= CALLERS)
        },
        why: "Each caller that left has left a descriptor behind in your server, which \
              has no use for it: the child talks, and the parent has to close its copy.",
    },
    Rule {
        mistake: "M115",
        fits: |all| {
            let first = all.first(&["two", "stays", "burst", "resets", "early"]);
            let queue = |told: &String| told.contains("in the accept queue");
            first.is_some_and(|s| {
                s.kind == Kind::NoAnswer
                    && waits_for_a_child(s)
                    && s.kernel.iter().any(queue)
            })
        },
        why: "Your server waits in wait(2) for a child to end, and nobody accepts the \
              next caller. Wait when there is nothing else to do, or ask with WNOHANG, \
              which does not wait.",
    },
    Rule {
        mistake: "M21",
        fits: |all| {
            let first = all.first(&["rests"]);
            first.is_some_and(|s| s.kind == Kind::Spins && s.signs.asks)
        },
        why: "While nobody said a word, your program made system calls as fast as it \
              could and never slept.",
    },
    Rule {
        mistake: "M116",
        fits: |all| first(all).is_some_and(is_interrupted),
        why: "A child ended, SIGCHLD came, and the call in which your server waited \
              failed with EINTR: \"interrupted\", which means \"call again\".",
    },
];
