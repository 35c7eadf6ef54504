//! How a check runs: one child process per probe, and the peer on this side of it.
//!
//! The test binary of an exercise has no test harness: its `main` hands the
//! learner's function to a check, and the check starts that same binary anew for
//! every probe. So the learner's function runs in a process of its own, on its main
//! thread, with nothing else in it: a panic, an `exit`, a spin, a leaked descriptor
//! or a zombie belongs to it and to nobody else, and whatever happens, the peer
//! lives to tell.

mod child;
pub mod datagram;
mod endings;
mod family;
mod household;
mod peer;
mod program;
mod readiness;
mod stage;
mod strays;
mod street;
mod tasks;
mod threads;
mod unix;
mod wait;

use std::env;
use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nanoserde::SerJson;

use crate::catalogue::{self, Exercise};
use crate::symptom::{Doing, Kind, Symptom};
use crate::verdict::{Diagnosis, Failure, ProbeState, Probed, Verdict};

pub use child::EAR;
pub use child::Report;
pub use datagram::Correspondent;
pub use endings::Dripped;
pub use family::{CAME_BACK, has_failed_with};
pub use family::{Family, act as act_as_family, run as run_as_family};
pub use peer::Peer;
pub use peer::broken;
pub use program::{Exit, Limits};
pub use stage::{Idle, Stage};
pub use strays::while_nothing_starts;
pub use street::{Door, Invitation, Manner, Street, no_ipv6};
pub use unix::send as send_descriptors;
pub use unix::{Given, Place, UnixPeer};

/// Names the probe that a child process is to run.
const CHILD: &str = "HANDSHAKE_PROBE";

/// How many probes run at once. Each waits most of the time.
const AT_ONCE: usize = 4;

/// What runs in the child process: it is given the line to the check.
type Act = Box<dyn Fn(&Report) + Send + Sync>;

/// What runs in the check's own process: the other end.
type Play = Box<dyn Fn(&mut Stage) -> Result<(), Symptom> + Send + Sync>;

/// One trick of a real network, and what a right answer does about it.
pub struct Probe {
    name: &'static str,
    title: &'static str,
    limits: Limits,
    early: bool,
    faces: Faces,
    act: Act,
    play: Play,
}

/// Which end the learner's program is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Faces {
    /// It listens; the peer connects.
    Callers,
    /// It connects; the peer listens.
    Server,
    /// It reads and writes a scripted stream; there is no socket.
    Script,
    /// It is given a folder for local sockets, or descriptors.
    Local,
    /// It waits for datagrams.
    Datagrams,
    /// It sends datagrams to the peer, who waits.
    Asker,
}

impl Probe {
    /// A probe of a program that listens.
    pub fn server(
        name: &'static str,
        title: &'static str,
        act: impl Fn(&Report) + Send + Sync + 'static,
        play: impl Fn(&mut Stage) -> Result<(), Symptom> + Send + Sync + 'static,
    ) -> Self {
        Self::new(name, title, Faces::Callers, Box::new(act), Box::new(play))
    }

    /// A probe of a program that connects: [`Report::peer`] tells it where to.
    pub fn client(
        name: &'static str,
        title: &'static str,
        act: impl Fn(&Report) + Send + Sync + 'static,
        play: impl Fn(&mut Stage) -> Result<(), Symptom> + Send + Sync + 'static,
    ) -> Self {
        Self::new(name, title, Faces::Server, Box::new(act), Box::new(play))
    }

    /// A probe of a function over `Read` or `Write`, judged inside the child by
    /// `act`, whose findings arrive as the result.
    pub fn script(
        name: &'static str,
        title: &'static str,
        act: impl Fn(&Report) -> Result<(), Symptom> + Send + Sync + 'static,
    ) -> Self {
        let act =
            move |report: &Report| report.judged(unless_it_panics(|| act(report)));
        let play = |stage: &mut Stage| stage.judgement();
        Self::new(name, title, Faces::Script, Box::new(act), Box::new(play))
    }

    fn new(
        name: &'static str,
        title: &'static str,
        faces: Faces,
        act: Act,
        play: Play,
    ) -> Self {
        let limits = Limits::default();
        Self {
            name,
            title,
            limits,
            early: false,
            faces,
            act,
            play,
        }
    }

    /// The same probe, begun before the others, whatever its place in the order: it
    /// waits on purpose, and others can use that time.
    pub fn early(mut self) -> Self {
        self.early = true;
        self
    }

    /// The same probe under other limits.
    pub fn limited(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

/// What `act` says, or that it panicked. The hook has told where and why.
fn unless_it_panics(
    act: impl FnOnce() -> Result<(), Symptom>,
) -> Result<(), Symptom> {
    let panicked = || Symptom::new(Kind::Gone, "your function panicked");
    panic::catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|_| Err(panicked()))
}

/// What a probe showed: its name and, where it failed, how.
pub type Seen<'a> = (&'static str, Option<&'a Symptom>);

/// Finds the mistake behind what all probes together showed: its id in the
/// catalogue, and one or two sentences that tie the symptoms to it.
pub type Diagnose = fn(&[Seen<'_>]) -> Option<(&'static str, String)>;

/// All that is asked of one exercise.
pub struct Check {
    exercise: &'static Exercise,
    probes: Vec<Probe>,
    diagnose: Diagnose,
}

/// Knows the first of the probes in which the program was seen to spin, or to go on
/// calling a script that gets it nowhere. What comes after it does not decide any more,
/// and need not be watched for as long.
#[derive(Clone)]
struct Hurry {
    first: Arc<AtomicUsize>,
    own: usize,
}

impl Hurry {
    fn has_spun(&self) {
        self.first.fetch_min(self.own, Ordering::Relaxed);
    }

    fn is_needed(&self) -> bool {
        self.first.load(Ordering::Relaxed) < self.own
    }
}

/// What one probe left behind.
struct Played {
    symptom: Option<Symptom>,
    timeline: wire::Timeline,
    output: String,
    waited: Duration,
}

impl Played {
    fn has_spun(&self) -> bool {
        let spins = |symptom: &Symptom| {
            symptom.doing == Some(Doing::Spinning) || symptom.signs.loops.is_some()
        };
        self.symptom.as_ref().is_some_and(spins)
    }
}

impl Check {
    /// A check of the exercise with this id.
    ///
    /// # Panics
    ///
    /// Where the catalogue has no such exercise.
    pub fn new(id: &str, probes: Vec<Probe>, diagnose: Diagnose) -> Self {
        let exercise = catalogue::find(id).expect("a check is for a listed exercise");
        Self::of(exercise, probes, diagnose)
    }

    /// A check of what is no exercise of the catalogue, though told like one.
    pub fn of(
        exercise: &'static Exercise,
        probes: Vec<Probe>,
        diagnose: Diagnose,
    ) -> Self {
        Self {
            exercise,
            probes,
            diagnose,
        }
    }

    /// The exercise that it is for.
    pub fn exercise(&self) -> &'static Exercise {
        self.exercise
    }

    /// How many probes it has.
    pub fn probes(&self) -> usize {
        self.probes.len()
    }

    /// Runs as the `main` of an exercise's test binary.
    ///
    /// With `--json` the verdict is one line of JSON on standard output, otherwise
    /// it is told for people. The exit code is 0 where every probe passed, else 1.
    pub fn main(self) -> ExitCode {
        if let Some(probe) = self.assigned("") {
            probe.run_as_child();
            return ExitCode::SUCCESS;
        }
        let verdict = self.verdict("");
        let printed = if env::args().any(|arg| arg == "--json") {
            writeln!(io::stdout(), "{}", verdict.serialize_json())
        } else {
            let look = crate::look_of_stdout();
            write!(io::stdout(), "{}", verdict.to_text(&look))
        };
        match printed {
            Ok(()) if verdict.passed => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        }
    }

    /// The probe that this process was started for, if it is a child of the check
    /// with this label. A label tells the answers of one test binary apart.
    pub fn assigned(&self, label: &str) -> Option<&Probe> {
        let job = env::var(CHILD).ok()?;
        let (wanted, probe) = job.split_once('#')?;
        let mine = wanted == format!("{}{label}", self.exercise.id);
        self.probes
            .iter()
            .find(|candidate| mine && candidate.name == probe)
    }

    /// Runs every probe and judges.
    pub fn verdict(&self, label: &str) -> Verdict {
        let start = Instant::now();
        strays::adopt();
        let played = self.play_all(label);
        strays::end_all();
        let probes = self.probes.iter().zip(&played).map(|(probe, played)| {
            let state = match &played.symptom {
                None => ProbeState::Passed,
                Some(Symptom {
                    kind: Kind::Skipped,
                    summary,
                    ..
                }) => ProbeState::Skipped(summary.clone()),
                Some(_) => ProbeState::Failed,
            };
            let (name, title) = (probe.name.into(), probe.title.into());
            Probed { name, title, state }
        });
        let probes: Vec<Probed> = probes.collect();
        let failed = probes.iter().position(|p| p.state == ProbeState::Failed);
        Verdict {
            exercise: self.exercise.id.into(),
            passed: failed.is_none(),
            failure: failed.map(|index| self.failure(index, &played)),
            probes,
            micros: micros(start.elapsed()),
            // Probes overlap: what the longest waited is what the learner waited.
            waited_micros: micros(
                played
                    .iter()
                    .map(|played| played.waited)
                    .max()
                    .unwrap_or_default(),
            ),
        }
    }

    fn failure(&self, index: usize, played: &[Played]) -> Failure {
        let Played {
            symptom,
            timeline,
            output,
            ..
        } = &played[index];
        let symptom = symptom.as_ref().expect("the caller found it failed");
        let seen: Vec<Seen<'_>> = (self.probes.iter().zip(played))
            .map(|(probe, played)| (probe.name, played.symptom.as_ref()))
            .collect();
        let untouched = symptom.is_untouched();
        let named = if untouched {
            None
        } else {
            (self.diagnose)(&seen)
        };
        let mistake = named.map(|(id, why)| {
            let known = catalogue::mistake(id);
            let (name, page) = (known.name.into(), known.page.into());
            Diagnosis {
                id: id.into(),
                name,
                why,
                page,
            }
        });
        Failure {
            probe: self.probes[index].name.into(),
            title: self.probes[index].title.into(),
            untouched,
            summary: symptom.summary.clone(),
            expected: symptom.expected.clone(),
            got: symptom.got.clone(),
            kernel: symptom.kernel.clone(),
            mistake,
            panic: symptom.panic.clone(),
            output: output.clone(),
            timeline: timeline.clone(),
        }
    }

    /// Plays the probes, a few at a time, and returns what they left, in order.
    fn play_all(&self, label: &str) -> Vec<Played> {
        let mut order: Vec<usize> = (0..self.probes.len()).collect();
        order.sort_by_key(|index| !self.probes[*index].early);
        let next = AtomicUsize::new(0);
        let spun = Arc::new(AtomicUsize::new(usize::MAX));
        let played: Mutex<Vec<(usize, Played)>> = Mutex::default();
        thread::scope(|scope| {
            for _ in 0..AT_ONCE.min(self.probes.len()) {
                scope.spawn(|| {
                    loop {
                        let turn = next.fetch_add(1, Ordering::Relaxed);
                        let Some(&index) = order.get(turn) else {
                            break;
                        };
                        let probe = &self.probes[index];
                        let job =
                            format!("{}{label}#{}", self.exercise.id, probe.name);
                        let hurry = Hurry {
                            first: Arc::clone(&spun),
                            own: index,
                        };
                        let one = probe.play(&job, hurry.clone());
                        if one.has_spun() {
                            hurry.has_spun();
                        }
                        let mut played = played.lock().expect("no probe panics");
                        played.push((index, one));
                    }
                });
            }
        });
        let mut played = played.into_inner().expect("no probe panics");
        played.sort_by_key(|(index, _)| *index);
        played.into_iter().map(|(_, one)| one).collect()
    }
}

impl Probe {
    /// Starts the child, plays the other end and sees to it that the child is gone.
    ///
    /// A check that has seen the program spin is in a `hurry`.
    fn play(&self, job: &str, hurry: Hurry) -> Played {
        let mut stage = match Stage::open(job, self.faces, hurry) {
            Ok(stage) => stage,
            Err(symptom) => {
                return Played {
                    symptom: Some(symptom),
                    timeline: wire::Timeline::new("peer", "your program"),
                    output: String::new(),
                    waited: Duration::ZERO,
                };
            }
        };
        let symptom = (self.play)(&mut stage).err();
        stage.close(symptom)
    }

    /// Runs the learner's side. The process ends when this returns.
    pub fn run_as_child(&self) {
        match Report::open(self.limits) {
            Ok(report) => (self.act)(&report),
            Err(error) => {
                eprintln!("the check's child could not be set up: {error}");
                std::process::exit(70); // EX_SOFTWARE of sysexits.h
            }
        }
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
