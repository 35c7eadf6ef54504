//! The child's side: what is set up before the learner's function runs, and the
//! line on which it reports.

use std::any::Any;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::panic::{self, PanicHookInfo};
use std::sync::{Arc, Mutex};
use std::{env, thread};

use nanoserde::{DeJson, SerJson};
use wire::{Recorder, Timeline};

use super::program::Limits;
use crate::symptom::Symptom;

/// Tells a child where the peer listens.
pub(super) const PEER: &str = "HANDSHAKE_PEER";

/// Tells a child where it has listened before.
pub(super) const ADDRESS: &str = "HANDSHAKE_ADDRESS";

/// The name of the thread with which a child listens to the check.
pub const EAR: &str = "check";

/// What a child tells the check, one line of JSON each.
#[derive(Debug, SerJson, DeJson)]
pub enum Message {
    /// The learner's function is about to run with a listener on this address.
    Listening(String),
    /// It returned this value, put as text.
    Returned(String),
    /// It returned this error.
    ReturnedError(String),
    /// A thread panicked: where, and with which words.
    Panicked(String, String),
    /// A scripted probe has judged: the symptom as JSON, or nothing where all is well.
    Judged(Option<Symptom>),
    /// The conversation with the script so far.
    Story(Timeline),
}

/// The child's line to the check.
pub struct Report {
    pub(super) line: Arc<Mutex<UnixStream>>,
    recorder: Arc<Mutex<Option<Recorder>>>,
}

impl Report {
    /// Takes the line over and puts the limits on.
    ///
    /// The check hands the line over as standard input, the one descriptor besides
    /// the outputs that a new process is given for certain. The learner's function
    /// finds /dev/null there instead.
    pub(super) fn open(limits: Limits) -> io::Result<Self> {
        let line = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
        limits.apply()?;
        die_with_the_check()?;
        let line = Arc::new(Mutex::new(line));
        let panics = Arc::clone(&line);
        // The verdict tells of a panic; it need not stand in the output as well.
        panic::set_hook(Box::new(move |info| {
            let place = info.location().map(ToString::to_string).unwrap_or_default();
            send(&panics, &Message::Panicked(place, words(info)));
        }));
        Ok(Self {
            line,
            recorder: Arc::default(),
        })
    }

    /// Where the peer listens, for a program that connects.
    pub fn peer(&self) -> SocketAddr {
        let peer = env::var(PEER).ok().and_then(|peer| peer.parse().ok());
        peer.expect("the check tells every client where its peer is")
    }

    /// Where the learner's server has to listen: the port that it had before it was
    /// started again.
    pub fn address(&self) -> Option<SocketAddr> {
        env::var(ADDRESS).ok()?.parse().ok()
    }

    /// Says on which address the learner's function is about to listen.
    pub fn listening(&self, addr: SocketAddr) {
        self.say(&Message::Listening(addr.to_string()));
    }

    /// Says what the learner's function returned.
    pub fn returned<T: ToString, E: ToString>(&self, result: Result<T, E>) {
        self.say(&match result {
            Ok(value) => Message::Returned(value.to_string()),
            Err(error) => Message::ReturnedError(error.to_string()),
        });
    }

    /// Says what a scripted probe found.
    pub(super) fn judged(&self, judgement: Result<(), Symptom>) {
        if let Some(recorder) = self.current() {
            self.say(&Message::Story(recorder.timeline()));
        }
        self.say(&Message::Judged(judgement.err()));
    }

    /// A new record for a scripted conversation; the verdict tells the last one.
    ///
    /// While the conversation goes on the check can ask for it: that is how a loop
    /// without an end can be told.
    pub fn recorder(&self) -> Recorder {
        self.record_between("the stream", "your function")
    }

    /// As [`Report::recorder`], with other titles for the two columns.
    pub fn record_between(&self, left: &str, right: &str) -> Recorder {
        let recorder = Recorder::new(left, right);
        let mut current = self.recorder.lock().expect(NEVER_POISONED);
        if current.replace(recorder.clone()).is_none() {
            self.answer_when_asked();
        }
        recorder
    }

    fn current(&self) -> Option<Recorder> {
        self.recorder.lock().expect(NEVER_POISONED).clone()
    }

    /// Sends the story so far for every line that comes from the check.
    fn answer_when_asked(&self) {
        let line = Arc::clone(&self.line);
        let recorder = Arc::clone(&self.recorder);
        let asked = line.lock().expect(NEVER_POISONED).try_clone();
        let Ok(asked) = asked else { return }; // then a loop is told without its story
        let ear = thread::Builder::new().name(EAR.into());
        let _ = ear.spawn(move || {
            for _ in BufReader::new(asked).lines().map_while(Result::ok) {
                let current = recorder.lock().expect(NEVER_POISONED).clone();
                if let Some(recorder) = current {
                    send(&line, &Message::Story(recorder.timeline()));
                }
            }
        });
    }

    fn say(&self, message: &Message) {
        send(&self.line, message);
    }
}

const NEVER_POISONED: &str = "nothing panics while it writes a message";

/// Sends one message. Where the check is gone there is nobody to tell.
fn send(line: &Mutex<UnixStream>, message: &Message) {
    let mut text = message.serialize_json();
    text.push('\n');
    let mut line = line.lock().expect(NEVER_POISONED);
    let _ = line.write_all(text.as_bytes());
}

fn words(info: &PanicHookInfo<'_>) -> String {
    let payload: &dyn Any = info.payload();
    if let Some(words) = payload.downcast_ref::<&str>() {
        (*words).to_string()
    } else if let Some(words) = payload.downcast_ref::<String>() {
        words.clone()
    } else {
        "a panic without words".to_string()
    }
}

/// Has the kernel kill this process when the check's thread that started it ends,
/// even where that is by SIGKILL: see PR_SET_PDEATHSIG in prctl(2).
#[cfg(target_os = "linux")]
fn die_with_the_check() -> io::Result<()> {
    use rustix::process::{Signal, set_parent_process_death_signal};
    Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// There is no such request here; the check kills the process group.
#[cfg(not(target_os = "linux"))]
fn die_with_the_check() -> io::Result<()> {
    Ok(())
}
