//! `async/blocking`: one client's question holds everybody up.

use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::OnceLock;
use std::thread;

use super::{listen_and_take, read_a_byte};
use checks::diagnosis::{self, Findings, Rule, SERVER_RULES};
use checks::engine::{Check, Peer, Probe, Report, Seen, Stage};
use checks::symptom::{Doing, Kind, Symptom};

/// The learner's server: where it listens, and what takes its time.
type Serve = fn(TcpListener, fn(&str) -> String) -> io::Result<()>;

/// The check of `async/blocking`: a lookup takes until the check lets it go.
pub fn blocking(serve: Serve) -> Check {
    type Play = fn(&mut Stage, &mut Peer) -> Result<(), Symptom>;
    let probe = |name, title, play: Play| {
        let act = move |report: &Report| act(report, serve);
        Probe::server(name, title, act, move |stage| {
            let mut lookups = stage.connect()?;
            stage.note(
                "on #1 a lookup says that it has begun, and waits to be let go",
            );
            play(stage, &mut lookups)
        })
    };
    let probes = vec![
        probe("whole", "a client and two lines", |stage, _| {
            let mut client = stage.connect()?;
            ask(stage, &mut client, "hello")?;
            ask(stage, &mut client, "and again")
        }),
        probe("lookup", "a lookup, and nobody else", |stage, lookups| {
            let mut client = stage.connect()?;
            begin(stage, lookups, &mut client, "ada")?;
            finish(stage, lookups, &mut client, "ada")
        }),
        probe("silent", "a client while another is silent", |stage, _| {
            let mut silent = stage.connect()?;
            ask(stage, &mut silent, "hello")?;
            let mut client = stage.connect()?;
            ask(stage, &mut client, "good morning")?;
            ask(stage, &mut silent, "still there?")
        }),
        probe("other", "a client while a lookup goes on", other),
        probe("waiting", "one that was there before the lookup", waiting),
        probe("two", "two lookups at the same time", two),
        probe("many", "more lookups than the machine has processors", many),
        probe(
            "order",
            "a lookup and a line behind it, in one piece",
            order,
        ),
        probe("leaves", "a client that leaves during its lookup", leaves),
        probe("rest", "nothing to do but to wait for a lookup", rest).early(),
        probe("end", "a client that has said all", |stage, _| {
            let mut client = stage.connect()?;
            ask(stage, &mut client, "last words")?;
            client.end();
            stage.expect_end(&mut client)
        }),
    ];
    Check::new("async/blocking", probes, diagnose)
}

/// How a lookup is in touch with the check.
static LOOKUPS: OnceLock<TcpStream> = OnceLock::new();

/// Says to the check that it has begun, and returns when the check says so.
fn lookup(name: &str) -> String {
    if let Some(mut check) = LOOKUPS.get() {
        let _ = check.write_all(format!("{name}\n").as_bytes());
        read_a_byte(check);
    }
    format!("{name} is known")
}

fn act(report: &Report, serve: Serve) {
    let result = listen_and_take(report).and_then(|(listener, [lookups])| {
        let _ = LOOKUPS.set(lookups);
        serve(listener, lookup)
    });
    report.returned(result.map(|()| ""));
}

fn ask(stage: &mut Stage, client: &mut Peer, line: &str) -> Result<(), Symptom> {
    stage.send(client, format!("{line}\n").as_bytes())?;
    stage.expect(client, format!("{}\n", line.to_uppercase()).as_bytes())
}

/// The client asks for a lookup, which begins.
fn begin(
    stage: &mut Stage,
    lookups: &mut Peer,
    client: &mut Peer,
    name: &str,
) -> Result<(), Symptom> {
    stage.send(client, format!("lookup {name}\n").as_bytes())?;
    stage
        .expect(lookups, format!("{name}\n").as_bytes())
        .map_err(|mut symptom| {
            symptom.summary = format!("the lookup of {name} has not begun");
            symptom
        })
}

/// One lookup is let go. Where it is the only one, it is this client's.
fn finish(
    stage: &mut Stage,
    lookups: &mut Peer,
    client: &mut Peer,
    name: &str,
) -> Result<(), Symptom> {
    stage.note("lets the lookup return");
    stage.send(lookups, b".")?;
    stage.expect(client, format!("{name} is known\n").as_bytes())
}

fn other(stage: &mut Stage, lookups: &mut Peer) -> Result<(), Symptom> {
    let mut slow = stage.connect()?;
    begin(stage, lookups, &mut slow, "ada")?;
    let mut quick = stage.connect()?;
    ask(stage, &mut quick, "good morning")?;
    finish(stage, lookups, &mut slow, "ada")?;
    ask(stage, &mut quick, "good night")
}

fn waiting(stage: &mut Stage, lookups: &mut Peer) -> Result<(), Symptom> {
    let mut quick = stage.connect()?;
    ask(stage, &mut quick, "good morning")?;
    let mut slow = stage.connect()?;
    begin(stage, lookups, &mut slow, "ada")?;
    ask(stage, &mut quick, "and meanwhile?")?;
    finish(stage, lookups, &mut slow, "ada")
}

fn two(stage: &mut Stage, lookups: &mut Peer) -> Result<(), Symptom> {
    let mut first = stage.connect()?;
    begin(stage, lookups, &mut first, "ada")?;
    let mut second = stage.connect()?;
    begin(stage, lookups, &mut second, "grace")?;
    stage.note("lets both lookups return");
    stage.send(lookups, b"..")?;
    stage.expect(&mut first, b"ada is known\n")?;
    stage.expect(&mut second, b"grace is known\n")
}

fn many(stage: &mut Stage, lookups: &mut Peer) -> Result<(), Symptom> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let lookers = (processors + 8).clamp(24, 180);
    let mut clients = Vec::new();
    for nr in 0..lookers {
        let mut client = stage.connect()?;
        begin(stage, lookups, &mut client, &format!("n{nr}"))?;
        clients.push(client);
    }
    let mut quick = stage.connect()?;
    ask(stage, &mut quick, "good morning")?;
    stage.note("lets all lookups return");
    stage.send(lookups, &vec![b'.'; lookers])?;
    for (nr, client) in clients.iter_mut().enumerate() {
        stage.expect(client, format!("n{nr} is known\n").as_bytes())?;
    }
    Ok(())
}

fn order(stage: &mut Stage, lookups: &mut Peer) -> Result<(), Symptom> {
    let mut client = stage.connect()?;
    stage.send(&mut client, b"lookup ada\nhello\n")?;
    stage.expect(lookups, b"ada\n")?;
    stage.expect_nothing(&mut client)?; // its second answer is not to come first
    stage.note("lets the lookup return");
    stage.send(lookups, b".")?;
    stage.expect(&mut client, b"ada is known\nHELLO\n")
}

fn leaves(stage: &mut Stage, lookups: &mut Peer) -> Result<(), Symptom> {
    let mut client = stage.connect()?;
    begin(stage, lookups, &mut client, "ada")?;
    client.reset()?;
    let mut other = stage.connect()?;
    ask(stage, &mut other, "good morning")?;
    stage.note("lets the lookup return");
    stage.send(lookups, b".")?;
    ask(stage, &mut other, "still there?")?;
    begin(stage, lookups, &mut other, "grace")?;
    finish(stage, lookups, &mut other, "grace")
}

fn rest(stage: &mut Stage, lookups: &mut Peer) -> Result<(), Symptom> {
    let mut client = stage.connect()?;
    begin(stage, lookups, &mut client, "ada")?;
    stage.expect_rest_in_silence()?;
    finish(stage, lookups, &mut client, "ada")
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: |bytes| bytes.to_ascii_uppercase(),
    };
    diagnosis::name(&[RULES, SERVER_RULES], &findings)
}

/// Every thread is blocked, a lookup among them, and none where an executor waits.
fn nobody_waits_for_events(symptom: &Symptom) -> bool {
    let is = |call: &String, names: &[&str]| names.contains(&call.as_str());
    symptom.doing == Some(Doing::Blocked)
        && symptom.calls.iter().any(|call| is(call, super::WAITS))
        && !symptom
            .calls
            .iter()
            .any(|call| call.starts_with("epoll") || call.starts_with("accept"))
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M32",
        fits: |all| {
            let stalled = |s: &Symptom| {
                matches!(s.kind, Kind::NoAnswer) && nobody_waits_for_events(s)
            };
            all.passed("lookup")
                && all.passed("silent")
                && all
                    .first(&["other", "waiting", "two", "leaves"])
                    .is_some_and(stalled)
        },
        why: "A lookup goes on, and the thread that polls all tasks is in it, or \
              waits for it: nobody waits for events, and nobody else's task can be \
              polled until the lookup returns. A call that blocks belongs into a \
              thread that may block.",
    },
    Rule {
        mistake: "M32",
        fits: |all| {
            let stalled =
                |s: &Symptom| s.kind == Kind::NoAnswer && nobody_waits_for_events(s);
            all.passed("other") && all.first(&["many"]).is_some_and(stalled)
        },
        why: "A few lookups at the same time were borne. With more of them than \
              there are threads that poll, each of these threads is in a lookup, and \
              nobody waits for events. More threads put that off; a call that blocks \
              belongs into a thread that may block.",
    },
    Rule {
        mistake: "M132",
        fits: |all| all.first(&["rest"]).is_some_and(|s| s.kind == Kind::Spins),
        why: "A lookup goes on, nobody else has a word to say, and your program \
              runs: it asks again and again whether there is something to do. What \
              is waited for has to wake the task.",
    },
    Rule {
        mistake: "M18",
        fits: |all| {
            let waits = |s: &Symptom| {
                s.kind == Kind::NoAnswer && s.doing == Some(Doing::Blocked)
            };
            all.passed("whole") && all.first(&["silent"]).is_some_and(waits)
        },
        why: "While one client said nothing, another got no answer: your server is \
              with one client until it leaves.",
    },
];
