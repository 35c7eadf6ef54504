//! Programs that start processes: who is there, who has ended and was not collected, and
//! what each of them is doing.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use xray::Glance;

use super::child::Report;
use super::peer::{Over, Peer, broken};
use super::stage::{Idle, Stage};
use super::wait::On;
use crate::symptom::{Doing, Kind, Symptom};

/// What the check is told when a child leaves the learner's function.
pub const CAME_BACK: &str =
    "A child has returned from your function, where only the server was to return";

/// How long children have to be seen asleep without a change before they count as
/// blocked.
const ASLEEP: Duration = Duration::from_millis(80);

/// For children that wake now and then.
const DEADLINE: Duration = Duration::from_secs(10);

/// For children that a busy machine does not let run.
const STARVED: Duration = Duration::from_secs(60);

/// The processes that a program has started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Family {
    /// Those that are there, and those that they have started.
    pub living: Vec<u32>,
    /// How many children have ended and were not collected.
    pub zombies: usize,
}

impl Family {
    fn of(pid: u32) -> io::Result<Self> {
        let mut family = Self::default();
        let mut parents = vec![pid];
        while let Some(parent) = parents.pop() {
            let children = match xray::children(parent) {
                Ok(children) => children,
                // It has ended while we looked, and has none any more.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            for child in children {
                if child.zombie {
                    family.zombies += 1;
                } else {
                    family.living.push(child.pid);
                    parents.push(child.pid);
                }
            }
        }
        Ok(family)
    }
}

/// Runs the learner's function in the child of the check, and tells what it returned; or
/// that it was a child of that which returned.
///
/// The process stays: what it has left open, and whom it has left behind, shall be seen.
pub fn act(report: &Report, serve: impl FnOnce(TcpListener) -> io::Result<String>) {
    let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0));
    match listener.and_then(|listener| Ok((listener.local_addr()?, listener))) {
        Ok((addr, listener)) => {
            report.listening(addr);
            run(report, || serve(listener));
        }
        Err(error) => eprintln!("the check cannot listen on 127.0.0.1: {error}"),
    }
}

/// As [`act`], for a function that has its listener.
pub fn run(report: &Report, serve: impl FnOnce() -> io::Result<String>) {
    let me = std::process::id();
    let returned = serve();
    if std::process::id() != me {
        report.returned(Err::<&str, _>(CAME_BACK));
        return;
    }
    report.returned(returned);
    report.stay()
}

impl Stage {
    /// The processes that the program has started.
    ///
    /// # Errors
    ///
    /// [`Kind::Skipped`] where the system does not tell.
    pub fn family(&self) -> Result<Family, Symptom> {
        Family::of(self.program.pid()).map_err(|error| match error.kind() {
            io::ErrorKind::Unsupported => Symptom::new(
                Kind::Skipped,
                format!("a program's children cannot be seen: {error}"),
            ),
            _ => broken("look for the program's children", error),
        })
    }

    /// Whether this is the program itself, and not a process that it has started.
    pub fn is_itself(&self, pid: u32) -> bool {
        self.program.pid() == pid
    }

    /// Waits until so many processes are there that the program has started, and none
    /// that has ended waits to be collected.
    ///
    /// # Errors
    ///
    /// [`Kind::Leaks`] where there are more, or zombies, [`Kind::NoAnswer`] where there
    /// are fewer, once the program has come to rest.
    pub fn until_family(&mut self, count: usize) -> Result<(), Symptom> {
        let waited = self.wait(&On::Nothing, |stage| {
            let family = stage.family()?;
            let all = family.living.len() == count && family.zombies == 0;
            Ok(all.then_some(()))
        })?;
        let Err(idle) = waited else {
            return self.expect_nobody_came_back();
        };
        let family = self.family()?;
        let (kind, summary) = match family.living.len() {
            _ if family.zombies > 0 => {
                (Kind::Leaks, "children that have ended are not collected")
            }
            living if living > count => {
                (Kind::Leaks, "children are there that should have ended")
            }
            _ => (
                Kind::NoAnswer,
                "there are not as many children as there should be",
            ),
        };
        let symptom = Symptom::new(kind, summary)
            .with_words(
                children(count, 0),
                children(family.living.len(), family.zombies),
            )
            .while_idle(idle);
        Err(self.with_family(symptom, None))
    }

    /// Waits until no child that has ended waits to be collected.
    ///
    /// # Errors
    ///
    /// [`Kind::Leaks`] where the program comes to rest and one does.
    pub fn until_collected(&mut self) -> Result<(), Symptom> {
        let waited = self.wait(&On::Nothing, |stage| {
            Ok((stage.family()?.zombies == 0).then_some(()))
        })?;
        let Err(idle) = waited else { return Ok(()) };
        let summary = "children that have ended are not collected";
        let symptom = Symptom::new(Kind::Leaks, summary).while_idle(idle);
        Err(self.with_family(symptom, None))
    }

    /// Waits until no process is left that the program has started, collected or not.
    ///
    /// # Errors
    ///
    /// [`Kind::Leaks`] where it comes to rest and some are.
    pub fn until_none_lives(&mut self) -> Result<(), Symptom> {
        let waited = self.wait(&On::Nothing, |stage| {
            Ok(stage.family()?.living.is_empty().then_some(()))
        })?;
        let Err(idle) = waited else {
            return self.expect_nobody_came_back();
        };
        let living = self.family()?.living.len();
        let summary = "children are there that should have ended";
        let symptom = Symptom::new(Kind::Leaks, summary)
            .with_words(children(0, 0), children(living, 0))
            .while_idle(idle);
        Err(self.with_family(symptom, None))
    }

    /// The exit code of a child that has ended; none where it was collected, or is a
    /// child's child, or a signal has ended it.
    pub fn exit_code_of(&self, child: u32) -> Option<i32> {
        let children = xray::children(self.program.pid()).ok()?;
        children.iter().find(|one| one.pid == child)?;
        let status = xray::wait_status(child).ok()??;
        (status & 0x7f == 0).then_some(status >> 8) // wait(2): WIFEXITED, WEXITSTATUS
    }

    /// Expects that only the server has returned from the learner's function, if anybody.
    fn expect_nobody_came_back(&mut self) -> Result<(), Symptom> {
        self.hear();
        match &self.returned {
            Some(Err(error)) if error == CAME_BACK => {
                let symptom = Symptom::new(Kind::Rule, "a child came back")
                    .with_words("a child that ends", "a child that returns");
                Err(self.as_it_is(symptom))
            }
            _ => Ok(()),
        }
    }

    /// Stops the program alone, so that nothing of what happens to its children is seen
    /// by it before [`Stage::let_go`]; `meanwhile` happens then, and ends with the last
    /// child.
    ///
    /// # Errors
    ///
    /// Those of `meanwhile`; [`Kind::Leaks`] where the children do not end.
    pub fn while_held(
        &mut self,
        meanwhile: impl FnOnce(&mut Self) -> Result<(), Symptom>,
    ) -> Result<(), Symptom> {
        self.note("your server is stopped for a moment; its children are not");
        self.hold();
        let done = meanwhile(self).and_then(|()| self.until_all_have_ended());
        self.note("and goes on");
        self.let_go();
        done
    }

    /// As [`Stage::until_none_lives`] while the program is held: then it is the children
    /// alone that have to come to rest.
    fn until_all_have_ended(&mut self) -> Result<(), Symptom> {
        let start = Instant::now();
        let mut quiet: Option<(Instant, Vec<Glance>)> = None;
        let mut pause = Duration::from_millis(2);
        loop {
            let living = self.family()?.living;
            if living.is_empty() {
                return Ok(());
            }
            let now: Vec<Glance> = living
                .iter()
                .filter_map(|pid| xray::glance(*pid).ok())
                .collect();
            let asleep = |then: &[Glance]| {
                now.len() == then.len()
                    && now.iter().zip(then).all(|(now, then)| {
                        now.pid == then.pid && now.quiet_since(then)
                    })
            };
            match &quiet {
                Some((since, then)) if asleep(then) => {
                    let blocked = now.iter().all(Glance::is_blocked);
                    if blocked && since.elapsed() > ASLEEP
                        || start.elapsed() > DEADLINE
                    {
                        break;
                    }
                }
                _ if start.elapsed() > STARVED => break,
                _ => quiet = Some((Instant::now(), now)),
            }
            thread::sleep(pause);
            pause = (pause * 2).min(ASLEEP / 4);
        }
        let living = self.family()?.living.len();
        let summary = "children are there that should have ended";
        let symptom = Symptom::new(Kind::Leaks, summary)
            .with_words(children(0, 0), children(living, 0));
        Err(self.with_family(symptom, None))
    }

    /// SIGTERM to the program, and to nobody else.
    pub fn terminate(&mut self) {
        self.note("your server, and nobody else, gets SIGTERM");
        self.program.signal(Signal::TERM);
    }

    /// SIGKILL to the program, and to nobody else; waits until it has ended.
    ///
    /// # Errors
    ///
    /// Those of the check itself.
    pub fn kill_alone(&mut self) -> Result<(), Symptom> {
        self.note("your server, and nobody else, is killed");
        self.program.signal(Signal::KILL);
        self.wait(&On::Nothing, |stage| Ok(stage.program.exit().map(|_| ())))?
            .ok();
        Ok(())
    }

    /// SIGKILL to one of the processes that the program has started.
    pub fn kill_child(&mut self, pid: u32) {
        let raw = i32::try_from(pid)
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = raw {
            let _ = rustix::process::kill_process(pid, Signal::KILL); // it may be gone
        }
    }

    /// Waits until this process has ended, collected or not.
    ///
    /// # Errors
    ///
    /// [`Kind::Leaks`] where it comes to rest and has not.
    pub fn until_gone(&mut self, pid: u32) -> Result<(), Symptom> {
        let waited = self.wait(&On::Nothing, |stage| {
            Ok((!stage.family()?.living.contains(&pid)).then_some(()))
        })?;
        let Err(idle) = waited else { return Ok(()) };
        let summary = "a child that should have ended is still there";
        let symptom = Symptom::new(Kind::Leaks, summary).while_idle(idle);
        Err(self.with_family(symptom, None))
    }

    /// The next line that the program sends, with its newline.
    ///
    /// # Errors
    ///
    /// [`Kind::NoAnswer`], or [`Kind::EarlyEnd`] where the connection ends before.
    pub fn read_line(&mut self, peer: &mut Peer) -> Result<String, Symptom> {
        let on = On::Read(Arc::clone(&peer.stream));
        let waited = self.wait(&on, |_| {
            peer.take_in()?;
            let ready = peer.over.is_some() || peer.unseen.contains(&b'\n');
            Ok(ready.then_some(()))
        })?;
        if let Err(idle) = waited {
            peer.gave_up("no answer comes");
            let symptom = Symptom::new(Kind::NoAnswer, "no answer came");
            return Err(symptom.with_words("a line", "nothing").while_idle(idle));
        }
        let end = peer.unseen.iter().position(|byte| *byte == b'\n');
        let Some(end) = end else {
            peer.stays_open();
            let (kind, how) = match peer.over {
                Some(Over::Reset) => (Kind::Reset, "a reset"),
                _ => (Kind::EarlyEnd, "the end of the connection"),
            };
            let summary = "the connection ended before the answer";
            return Err(Symptom::new(kind, summary).with_words("a line", how));
        };
        let line: Vec<u8> = peer.unseen.drain(..=end).collect();
        peer.matched += line.len();
        Ok(String::from_utf8_lossy(&line).into_owned())
    }

    /// Waits for something that the check knows how to look for.
    ///
    /// # Errors
    ///
    /// Those of the check itself.
    pub fn until_some<T>(
        &mut self,
        mut ready: impl FnMut() -> Option<T>,
    ) -> Result<Result<T, Idle>, Symptom> {
        self.wait(&On::Nothing, |_| Ok(ready()))
    }

    /// Whether a socket listens at the program's port.
    ///
    /// # Errors
    ///
    /// [`Kind::Skipped`] where the system does not tell.
    pub fn is_listened_at(&self) -> Result<bool, Symptom> {
        let sockets = xray::tcp_on(self.port()).map_err(|error| {
            Symptom::new(
                Kind::Skipped,
                format!("who listens is not to be seen: {error}"),
            )
        })?;
        Ok(sockets.iter().any(xray::TcpSocket::is_listening))
    }

    /// Waits until the program has come to rest, whatever it does.
    ///
    /// # Errors
    ///
    /// Those of the check itself.
    pub fn until_it_rests(&mut self) -> Result<(), Symptom> {
        let _ = self.wait(&On::Nothing, |_| Ok(None::<()>))?;
        Ok(())
    }

    /// What the program has written to its standard output, where the probe has put a
    /// file in its place.
    ///
    /// # Errors
    ///
    /// Those of the check itself.
    pub fn written_to_stdout(&self) -> Result<String, Symptom> {
        std::fs::read_to_string(format!("/proc/{}/fd/1", self.program.pid()))
            .map_err(|error| broken("read what the program has printed", error))
    }

    /// With what there is to see of the processes that the program has started, and of
    /// who has the caller's connection.
    pub fn with_family(
        &mut self,
        mut symptom: Symptom,
        peer: Option<&Peer>,
    ) -> Symptom {
        let Ok(family) = self.family() else {
            return symptom;
        };
        let has = |process: &xray::Process| {
            peer.is_some_and(|peer| {
                process
                    .tcp()
                    .any(|(_, socket)| socket.remote == Some(peer.local()))
            })
        };
        if let Ok(program) = xray::look(self.program.pid()) {
            symptom.signs.kept = has(&program);
            if symptom.signs.kept {
                let told = "Your server itself has the caller's connection open.";
                symptom.kernel.push(told.into());
            }
        }
        symptom.signs.zombies = family.zombies;
        for (nr, pid) in family.living.iter().enumerate() {
            let Ok(process) = xray::look(*pid) else {
                continue;
            };
            symptom.signs.served |= has(&process);
            for thread in &process.threads {
                if let Some(call) = &thread.call {
                    symptom.signs.children.push(call.name.clone());
                }
                if symptom.signs.children.len() <= TOLD {
                    let who = match family.living.len() {
                        1 => "Its child".to_string(),
                        _ => format!("Child {}", nr + 1),
                    };
                    symptom.kernel.push(format!("{who}: {thread}."));
                }
            }
        }
        if family.zombies > 0 {
            let told = match family.zombies {
                1 => "One child has ended and was not collected: a zombie.".into(),
                more => format!(
                    "{more} children have ended and were not collected: zombies."
                ),
            };
            symptom.kernel.push(told);
        }
        symptom
    }
}

impl Peer {
    /// Writes down no more of what is said on this connection.
    pub fn hush(&mut self) {
        self.quiet = true;
    }
}

/// Of many children so many are told of.
const TOLD: usize = 4;

fn children(living: usize, zombies: usize) -> String {
    let mut told = match living {
        0 => "no child".to_string(),
        1 => "1 child that lives".to_string(),
        many => format!("{many} children that live"),
    };
    if zombies > 0 {
        told += &format!(
            ", {zombies} that ended and {} not collected",
            if zombies == 1 { "was" } else { "were" }
        );
    }
    told
}

/// Whether the program, or the function, was over when this was seen.
pub fn has_failed_with(symptom: &Symptom, words: &str) -> bool {
    symptom.doing == Some(Doing::Returned)
        && symptom.signs.failed
        && symptom.kernel.iter().any(|told| told.contains(words))
}
