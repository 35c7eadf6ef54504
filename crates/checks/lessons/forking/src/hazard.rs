//! `forking/hazard`: `fork` where there are threads.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{process, thread};

use super::{RULES, leave};
use checks::diagnosis::Rule;
use checks::engine::run_as_family;
use checks::engine::{Check, EAR, Given, Peer, Place, Probe, Report, Seen, Stage};
use checks::symptom::{Kind, Symptom};

/// What a child says to its caller: it is given the text.
pub type Answer = fn(TcpStream, &str) -> u8;

/// The check of `forking/hazard`.
pub fn hazard(
    serve: fn(TcpListener, &'static Mutex<String>, Answer) -> io::Result<()>,
) -> Check {
    type Play = fn(&mut Stage, &mut Editor) -> Result<(), Symptom>;
    let probe = |name, title, play: Play| {
        let act = move |report: &Report, mut given: Given| {
            let orders: UnixStream = given.descriptor();
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
            match listener.and_then(|l| Ok((l.local_addr()?, l))) {
                Ok((addr, listener)) => {
                    let motto = edited(orders);
                    report.listening(addr);
                    run_as_family(report, || {
                        serve(listener, motto, answer).map(|()| String::new())
                    });
                }
                Err(error) => eprintln!("the check cannot listen: {error}"),
            }
        };
        Probe::local(name, title, act, move |stage, place| {
            let mut editor = Editor::begin(stage, place)?;
            play(stage, &mut editor)
        })
    };
    let probes = vec![
        probe("calm", "a caller while nobody has the lock", |stage, _| {
            let peer = greeted(stage, FIRST)?;
            leave(stage, peer)
        }),
        probe("held", "a caller while another thread has the lock", held),
        probe(
            "after",
            "a caller after the text was changed",
            |stage, editor| {
                let peer = greeted(stage, FIRST)?;
                leave(stage, peer)?;
                stage.until_it_rests()?;
                editor.order(stage, b'm', "changes the text")?;
                let peer = greeted(stage, SECOND)?;
                leave(stage, peer)
            },
        ),
        probe("own", "two callers at once", |stage, _| {
            let mut a = greeted(stage, FIRST)?;
            let mut b = greeted(stage, FIRST)?;
            let (to_b, to_a) =
                (super::who(stage, &mut b)?, super::who(stage, &mut a)?);
            if stage.is_itself(to_a) || stage.is_itself(to_b) || to_a == to_b {
                let summary = "a caller is not served by a process of its own";
                return Err(Symptom::new(Kind::Rule, summary)
                    .with_words("a child for each caller", "one process for both"));
            }
            leave(stage, a)?;
            leave(stage, b)
        }),
        probe(
            "again",
            "the lock is taken again and again",
            |stage, editor| {
                for _ in 0..3 {
                    held(stage, editor)?;
                }
                editor.order(stage, b'm', "changes the text")?;
                let peer = greeted(stage, SECOND)?;
                leave(stage, peer)
            },
        ),
        probe("grows", "five callers that come and go", |stage, _| {
            let peer = greeted(stage, FIRST)?;
            leave(stage, peer)?;
            stage.until_none_lives()?;
            let before = stage.descriptors();
            for _ in 0..super::CALLERS {
                let peer = greeted(stage, FIRST)?;
                leave(stage, peer)?;
            }
            stage.until_none_lives()?;
            stage.expect_descriptors(before, super::CALLERS)
        }),
    ];
    Check::new("forking/hazard", probes, diagnose)
}

const FIRST: &str = "know what you inherit";
const SECOND: &str = "close what you do not need";

/// A text behind a lock, and a thread of this process that does with it what the check
/// orders: hold the lock, release it, change the text.
fn edited(mut orders: UnixStream) -> &'static Mutex<String> {
    let motto: &'static Mutex<String> = Box::leak(Box::new(Mutex::new(FIRST.into())));
    let editor = move || {
        let lock = || motto.lock().unwrap_or_else(PoisonError::into_inner);
        let mut held: Option<MutexGuard<'_, String>> = None;
        let mut order = [0];
        while orders.read_exact(&mut order).is_ok() {
            match &order {
                b"h" => held = Some(lock()),
                b"m" => *lock() = SECOND.into(),
                _ => drop(held.take()),
            }
            if orders.write_all(&order).is_err() {
                break;
            }
        }
    };
    // Under the name that no account of the learner's threads tells of.
    let thread = thread::Builder::new().name(EAR.into());
    if let Err(error) = thread.spawn(editor) {
        eprintln!("the check cannot start its thread: {error}");
    }
    motto
}

/// Sends the text, a line, and then for each line in capitals which process this is.
/// It allocates nothing and takes no lock, so that a child of a process with threads
/// may call it.
fn answer(mut stream: TcpStream, text: &str) -> u8 {
    let _ = stream.set_nonblocking(false);
    if stream.write_all(text.as_bytes()).is_err() || stream.write_all(b"\n").is_err()
    {
        return 1;
    }
    let mut buffer = [0; 64];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return 0,
            Ok(_) => {}
            Err(_) => return 1,
        }
        let mut digits = [b'\n'; 11];
        let mut at = digits.len() - 1;
        let mut rest = process::id();
        while rest > 0 && at > 0 {
            at -= 1;
            digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        if stream.write_all(&digits[at..]).is_err() {
            return 1;
        }
    }
}

/// The check's end of the line to its thread in the learner's process.
struct Editor(UnixStream);

impl Editor {
    fn begin(stage: &mut Stage, place: &Place) -> Result<Self, Symptom> {
        let unable = |error: io::Error| {
            Symptom::new(Kind::Broken, format!("the check itself could not: {error}"))
        };
        let (ours, theirs) = UnixStream::pair().map_err(unable)?;
        ours.set_nonblocking(true).map_err(unable)?;
        stage.hand(place, &[theirs.as_fd()])?;
        stage.until_listening()?;
        Ok(Self(ours))
    }

    /// Gives an order, and waits until it is carried out.
    fn order(
        &mut self,
        stage: &mut Stage,
        order: u8,
        told: &str,
    ) -> Result<(), Symptom> {
        stage.note(format!("another thread of your program {told}"));
        let mut line = &self.0;
        let given = line.write_all(&[order]);
        given.map_err(|error| {
            Symptom::new(Kind::Broken, format!("the check's thread is gone: {error}"))
        })?;
        let done = stage.until_some(|| {
            let mut done = [0];
            matches!(line.read(&mut done), Ok(1)).then_some(())
        })?;
        done.map_err(|idle| {
            let summary =
                "another thread waits for the lock, and your server keeps it";
            Symptom::new(Kind::NoAnswer, summary).while_idle(idle)
        })
    }
}

/// A caller that has been sent this text.
fn greeted(stage: &mut Stage, text: &str) -> Result<Peer, Symptom> {
    let mut peer = stage.connect()?;
    expect_text(stage, &mut peer, text)?;
    Ok(peer)
}

fn expect_text(
    stage: &mut Stage,
    peer: &mut Peer,
    text: &str,
) -> Result<(), Symptom> {
    let came = stage.expect(peer, format!("{text}\n").as_bytes());
    came.map_err(|symptom| stage.with_family(symptom, Some(peer)))
}

fn held(stage: &mut Stage, editor: &mut Editor) -> Result<(), Symptom> {
    stage.until_it_rests()?; // it waits for a caller
    editor.order(stage, b'h', "takes the lock")?;
    let mut peer = stage.connect()?;
    stage.until_it_rests()?; // it has forked by now, or waits for the lock
    editor.order(stage, b'r', "opens the lock again")?;
    expect_text(stage, &mut peer, FIRST)?;
    leave(stage, peer)
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    super::name(&[OWN, RULES], seen)
}

const OWN: &[Rule] = &[Rule {
    mistake: "M118",
    fits: |all| {
        all.first(&["held", "again"]).is_some_and(|s| {
            s.kind == Kind::NoAnswer
                && s.signs.children.iter().any(|call| call == "futex")
                && !s.calls.iter().any(|call| call == "futex")
        })
    },
    why: "The child sleeps in futex(2): it waits for a lock that another thread had when \
          your server forked. Its copy of the lock is closed for ever, for the thread \
          that would open it is not in the child.",
}];
