//! `socketserver/lifecycle`: the steps of one conversation, whatever goes wrong in them.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::panic;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

use checks::diagnosis::{self, Findings, Rule};
use checks::engine::{Check, Probe, Report, Seen};
use checks::symptom::{Kind, Symptom};
use checks_async::{Story, connection, failed};

/// The learner's function, with the handler that the check scripts.
type ServeOne = fn(TcpStream, Scripted) -> io::Result<()>;

/// What is still to come over loopback has come by then; a backstop.
const SOON: Duration = Duration::from_secs(3);

/// What a step does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    /// Says the word of the step to the peer.
    Speaks,
    /// Says it, and keeps a copy of the descriptor.
    Keeps,
    /// Nothing.
    Nothing,
    /// Returns an error.
    Fails,
    /// Panics with a text that is known when the program is compiled.
    Panics,
    /// Panics with a text that is made then.
    PanicsFormatted,
    /// Panics with a value that is no text.
    PanicsWithANumber,
}

use Does::{
    Fails, Keeps, Nothing, Panics, PanicsFormatted, PanicsWithANumber, Speaks,
};

/// A handler whose three steps do what the check has planned.
pub struct Scripted {
    plan: [Does; 3],
    seen: Arc<Seat>,
}

/// What became of a handler.
#[derive(Default)]
struct Seat {
    steps: Mutex<Vec<&'static str>>,
    kept: Mutex<Vec<TcpStream>>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Scripted {
    /// The first step.
    ///
    /// # Errors
    ///
    /// Where it is planned so.
    pub fn setup(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        self.step(0, "setup", stream)
    }

    /// The second step.
    ///
    /// # Errors
    ///
    /// Where it is planned so.
    pub fn handle(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        self.step(1, "handle", stream)
    }

    /// The third step.
    ///
    /// # Errors
    ///
    /// Where it is planned so.
    pub fn finish(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        self.step(2, "finish", stream)
    }

    fn step(
        &mut self,
        nr: usize,
        name: &'static str,
        stream: &mut TcpStream,
    ) -> io::Result<()> {
        lock(&self.seen.steps).push(name);
        match self.plan[nr] {
            Nothing => Ok(()),
            Speaks => stream.write_all(format!("{name} ").as_bytes()),
            Keeps => {
                stream.write_all(format!("{name} ").as_bytes())?;
                lock(&self.seen.kept).push(stream.try_clone()?);
                Ok(())
            }
            Fails => Err(io::Error::other(FAILED[nr])),
            Panics => panic!("it panics on purpose"),
            PanicsFormatted => panic!("{name} panics on purpose"),
            PanicsWithANumber => panic::panic_any(nr),
        }
    }
}

/// The errors of the three steps.
const FAILED: [&str; 3] = [
    "the check's setup fails on purpose",
    "the check's handle fails on purpose",
    "the check's finish fails on purpose",
];

/// What is to be seen of a conversation.
struct Wanted {
    steps: &'static [&'static str],
    /// A part of the error's words; none where all is well.
    error: Option<&'static str>,
    heard: &'static str,
}

/// The check of `socketserver/lifecycle`.
pub fn lifecycle(serve_one: ServeOne) -> Check {
    let probe = |name, title, plan: [Does; 3], wanted: Wanted| {
        Probe::tasks(name, title, move |report: &Report| {
            let story = Story::new(report, "the handler", "your function");
            let (ours, theirs) = connection()?;
            play(&story, serve_one, plan, &wanted, ours, theirs)
        })
    };
    const ALL: &[&str] = &["setup", "handle", "finish"];
    let wanted = |steps, error, heard| Wanted {
        steps,
        error,
        heard,
    };
    let on_purpose = Some("panics on purpose");
    let probes = vec![
        probe(
            "order",
            "three steps that go well",
            [Speaks; 3],
            wanted(ALL, None, "setup handle finish "),
        ),
        probe(
            "handle",
            "a handle that fails",
            [Speaks, Fails, Speaks],
            wanted(ALL, Some(FAILED[1]), "setup finish "),
        ),
        probe(
            "setup",
            "a setup that fails",
            [Fails, Speaks, Speaks],
            wanted(&["setup"], Some(FAILED[0]), ""),
        ),
        probe(
            "finish",
            "a finish that fails",
            [Speaks, Speaks, Fails],
            wanted(ALL, Some(FAILED[2]), "setup handle "),
        ),
        probe(
            "both",
            "a handle and a finish that fail",
            [Speaks, Fails, Fails],
            wanted(ALL, Some(FAILED[1]), "setup "),
        ),
        probe(
            "copy",
            "a handler that keeps a copy of the descriptor",
            [Speaks, Keeps, Nothing],
            wanted(ALL, None, "setup handle "),
        ),
        probe(
            "handle panics",
            "a handle that panics",
            [Keeps, PanicsFormatted, Speaks],
            wanted(ALL, on_purpose, "setup finish "),
        ),
        probe(
            "setup panics",
            "a setup that panics",
            [Panics, Speaks, Speaks],
            wanted(&["setup"], on_purpose, ""),
        ),
        probe(
            "finish panics",
            "a finish that panics",
            [Keeps, Nothing, Panics],
            wanted(ALL, on_purpose, "setup "),
        ),
        probe(
            "all panic",
            "a handle and a finish that panic",
            [Speaks, PanicsFormatted, Panics],
            wanted(ALL, Some("handle panics on purpose"), "setup "),
        ),
        probe(
            "number",
            "a panic whose value is no text",
            [Speaks, PanicsWithANumber, Speaks],
            wanted(ALL, Some(""), "setup finish "),
        ),
        Probe::tasks("reset", "a peer that has reset", move |report: &Report| {
            let story = Story::new(report, "the handler", "your function");
            reset(&story, serve_one)
        }),
    ];
    Check::new("socketserver/lifecycle", probes, diagnose)
}

fn play(
    story: &Story,
    serve_one: ServeOne,
    plan: [Does; 3],
    wanted: &Wanted,
    mut ours: TcpStream,
    theirs: TcpStream,
) -> Result<(), Symptom> {
    let seen = run(story, serve_one, plan, theirs, wanted.error)?;
    let steps = lock(&seen.steps).clone();
    if steps != wanted.steps {
        let summary = "these are not the steps that should be called";
        let symptom = Symptom::new(Kind::Wrong, summary);
        return Err(symptom.with_words(wanted.steps.join(", "), steps.join(", ")));
    }
    ours.set_read_timeout(Some(SOON))
        .map_err(|error| failed("set a time limit", error))?;
    let mut heard = Vec::new();
    let end = ours.read_to_end(&mut heard);
    if heard != wanted.heard.as_bytes() {
        let summary = "the peer did not hear what the handler has said";
        let symptom = Symptom::new(Kind::Wrong, summary);
        return Err(symptom.with_bytes(wanted.heard.as_bytes(), &heard));
    }
    match end {
        Ok(_) => Ok(()),
        Err(error) => {
            let summary = "your function has returned, and the peer sees no end";
            let symptom = Symptom::new(Kind::NoEnd, summary);
            let open = match lock(&seen.kept).is_empty() {
                true => "",
                false => ", while the handler's copy of the descriptor is open",
            };
            Err(symptom.with_words("the end of the stream", format!("{error}{open}")))
        }
    }
}

/// Runs the function, and looks at what it returns.
fn run(
    story: &Story,
    serve_one: ServeOne,
    plan: [Does; 3],
    theirs: TcpStream,
    wanted: Option<&str>,
) -> Result<Arc<Seat>, Symptom> {
    let seen = Arc::new(Seat::default());
    let scripted = Scripted {
        plan,
        seen: Arc::clone(&seen),
    };
    let called = panic::AssertUnwindSafe(|| serve_one(theirs, scripted));
    let returned = panic::catch_unwind(called);
    for step in lock(&seen.steps).iter() {
        story.left(*step);
    }
    let returned = match returned {
        Ok(returned) => returned,
        Err(panic) => {
            let untouched = panic.downcast_ref::<&str>();
            if untouched.is_some_and(|words| words.starts_with("not yet")) {
                panic::resume_unwind(panic);
            }
            let summary = "the handler's panic came out of your function";
            story.right("panics");
            let symptom = Symptom::new(Kind::Gone, summary);
            return Err(symptom.with_words("an `Err`", "a panic"));
        }
    };
    let got = match &returned {
        Ok(()) => "Ok".to_owned(),
        Err(error) => format!("an error: {error}"),
    };
    story.right(format!("returns {got}"));
    let (kind, wanted) = match (&returned, wanted) {
        (Ok(()), None) => return Ok(seen),
        (Err(error), Some(words)) if error.to_string().contains(words) => {
            return Ok(seen);
        }
        (Ok(()), Some(_)) => (Kind::NoError, "an error".to_owned()),
        (Err(_), Some(words)) => (
            Kind::WrongValue,
            format!("an error with the words: {words}"),
        ),
        (Err(_), None) => (Kind::Error, "Ok".to_owned()),
    };
    let steps = lock(&seen.steps).join(", ");
    let summary = format!("your function returned something else, after {steps}");
    Err(Symptom::new(kind, summary).with_words(wanted, got))
}

/// A peer that has reset before: shutdown(2) fails with ENOTCONN then, and that is no
/// failure of the conversation.
fn reset(story: &Story, serve_one: ServeOne) -> Result<(), Symptom> {
    let (ours, theirs) = connection()?;
    set_socket_linger(&ours, Some(Duration::ZERO))
        .map_err(|error| failed("reset a connection", error.into()))?;
    drop(ours);
    // The reset is there once this has failed or ended; it takes it off the socket.
    theirs
        .set_read_timeout(Some(SOON))
        .map_err(|error| failed("set a time limit", error))?;
    let _ = (&theirs).read(&mut [0]);
    story.left("the peer has reset the connection");
    let seen = run(story, serve_one, [Nothing; 3], theirs, None)?;
    let steps = lock(&seen.steps).len();
    match steps {
        3 => Ok(()),
        _ => Err(Symptom::new(Kind::Wrong, "a step was left out")
            .with_words("three steps", steps.to_string())),
    }
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: <[u8]>::to_vec,
    };
    diagnosis::name(&[RULES], &findings)
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M140",
        fits: |all| {
            let first = all.first(&["handle"]);
            first.is_some_and(|s| s.kind == Kind::Wrong && s.got == "setup, handle")
                && all.passed("order")
        },
        why: "`handle` failed, and `finish` was not called: what `setup` has taken is \
              never given back. Look for a `?` or a `return` between the two.",
    },
    Rule {
        mistake: "M140",
        fits: |all| {
            let first = all.first(&["handle panics"]);
            first.is_some_and(|s| s.kind == Kind::Wrong && s.got == "setup, handle")
                && all.passed("handle")
        },
        why: "After an error `finish` is called, after a panic it is not. A panic \
              leaves `handle` as an error does, and what `setup` has taken is there \
              in both cases.",
    },
    Rule {
        mistake: "M141",
        fits: |all| {
            let steps =
                |s: &Symptom| s.kind == Kind::Wrong && s.got.starts_with("setup, ");
            all.passed("handle")
                && all.first(&["setup", "setup panics"]).is_some_and(steps)
        },
        why: "`setup` did not succeed, and the conversation went on as if it had. \
              What it would have taken is not there, neither to be used nor to be \
              given back.",
    },
    Rule {
        mistake: "M142",
        fits: |all| {
            let hides =
                |s: &Symptom| s.kind == Kind::WrongValue && s.got.contains(FAILED[2]);
            all.passed("finish") && all.first(&["both"]).is_some_and(hides)
        },
        why: "`handle` failed, then `finish` failed, and only the second error was \
              returned. Who reads it does not learn what went wrong first.",
    },
    Rule {
        mistake: "M143",
        fits: |all| {
            let open = |s: &Symptom| {
                s.kind == Kind::NoEnd && s.got.contains("copy of the descriptor")
            };
            all.first(&["copy", "handle panics", "finish panics"])
                .is_some_and(open)
                && all.passed("order")
        },
        why: "close(2), which is what dropping does, ends a connection only with its \
              last descriptor, and here the handler has another. shutdown(2) ends the \
              connection itself, however many descriptors there are.",
    },
    Rule {
        mistake: "M144",
        fits: |all| {
            let first =
                all.first(&["handle panics", "setup panics", "finish panics"]);
            first.is_some_and(|s| s.kind == Kind::Gone && s.got == "a panic")
        },
        why: "The panic went on through your function to whoever has called it: in a \
              server, to its loop or its worker. `std::panic::catch_unwind` is where \
              it can be held.",
    },
];
