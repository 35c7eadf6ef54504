//! The stage of one probe: the program, the connections with it, and how a wait
//! is decided.
//!
//! A program that does not answer is not timed, it is looked at. Where the kernel
//! shows every thread of it asleep in a system call, unchanged from one look to the
//! next, no answer will come, however fast the machine is; where it runs and runs,
//! neither. Only a program that wakes now and then is left to a deadline.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use wire::{Recorder, Side, Timeline};

use super::child::Message;
use super::peer::{Over, Peer, broken};
use super::program::{Program, Told};
use super::{Faces, Played};
use crate::kernel;
use crate::symptom::{Doing, Kind, Symptom};

/// How long a program has to be seen asleep without a change before it counts as
/// blocked. Delivery on loopback takes microseconds; this leaves room for a machine
/// that has other things to do.
const ASLEEP: Duration = Duration::from_millis(80);

/// How much processor time a program has to use without a word to count as spinning.
const SPINNING: Duration = Duration::from_millis(400);

/// For a program that wakes now and then but does not answer.
const DEADLINE: Duration = Duration::from_secs(10);

/// Where the kernel cannot be asked, silence of this length has to do.
const BLIND_DEADLINE: Duration = Duration::from_secs(3);

/// How many bytes too many, in bytes, are enough to tell what a program sends that
/// never stops.
const ENOUGH: usize = 64 << 10;

/// What the program was doing when a wait was given up.
#[derive(Clone, Debug)]
pub struct Idle {
    /// In a word.
    pub doing: Doing,
    /// The system calls it is blocked in.
    pub calls: Vec<String>,
    /// What the kernel says, a sentence each.
    pub kernel: Vec<String>,
    /// Where and why it panicked.
    pub panic: Option<String>,
}

/// The stage of one probe.
pub struct Stage {
    job: String,
    program: Program,
    recorder: Recorder,
    listener: Option<TcpListener>,
    address: Option<SocketAddr>,
    links: u32,
    waited: Duration,
    faces: Faces,
    panic: Option<String>,
    returned: Option<Result<String, String>>,
    judged: Option<Option<Symptom>>,
    story: Option<Timeline>,
}

impl Stage {
    pub(super) fn open(job: &str, faces: Faces) -> Result<Self, Symptom> {
        let listener = match faces {
            Faces::Server => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
                    .and_then(|l| l.set_nonblocking(true).map(|()| l))
                    .map_err(|error| broken("listen on 127.0.0.1", error))?;
                Some(listener)
            }
            Faces::Callers | Faces::Script => None,
        };
        let address = listener.as_ref().and_then(|l| l.local_addr().ok());
        let program = Program::start(job, address.map_or(Told::Nothing, Told::Peer))
            .map_err(|error| broken("start the program", error))?;
        let mut stage = Self {
            job: job.to_string(),
            program,
            recorder: Recorder::new("the peer", "your program"),
            listener,
            address,
            links: 0,
            waited: Duration::ZERO,
            faces,
            panic: None,
            returned: None,
            judged: None,
            story: None,
        };
        if faces == Faces::Callers {
            stage.until_it_listens()?;
        }
        Ok(stage)
    }

    fn until_it_listens(&mut self) -> Result<(), Symptom> {
        let up = self.wait(|stage| Ok(stage.address.map(|_| ())))?;
        up.map_err(|idle| {
            let summary = "the program did not start to listen";
            Symptom::new(Kind::Gone, summary).while_idle(idle)
        })
    }

    /// Kills the program, with its connections as they are, and starts it again with
    /// the order to listen at the port that it had.
    ///
    /// # Errors
    ///
    /// [`Kind::Gone`] where it does not come back.
    pub fn restart(&mut self) -> Result<(), Symptom> {
        let Some(address) = self.address.take() else {
            return Ok(()); // it has never listened, and the probe has failed
        };
        self.program.end();
        self.program = Program::start(&self.job, Told::Address(address))
            .map_err(|error| broken("start the program again", error))?;
        (self.panic, self.returned) = (None, None);
        self.until_it_listens()
    }

    pub(super) fn close(mut self, mut symptom: Option<Symptom>) -> Played {
        if symptom.is_some() {
            // A panic may be on its way here while the peer has already seen the
            // connection go.
            self.listen_to_the_end();
        }
        if let Some(symptom) = &mut symptom
            && self.faces == Faces::Callers
            && symptom.doing.is_none()
        {
            // A server that is over explains whatever else was seen.
            let doing = match (self.program.exit(), &self.returned) {
                (_, Some(_)) => Some(Doing::Returned),
                (Some(_), None) => Some(Doing::Ended),
                (None, None) => None,
            };
            if let Some(doing) = doing {
                let idle = self.idle(doing);
                (symptom.doing, symptom.kernel) = (Some(doing), idle.kernel);
            }
        }
        let output = self.program.end();
        self.hear();
        if let Some(symptom) = &mut symptom {
            symptom.panic = symptom.panic.take().or(self.panic.take());
        }
        let timeline = self
            .story
            .take()
            .unwrap_or_else(|| self.recorder.timeline());
        Played {
            symptom,
            timeline,
            output,
            waited: self.waited,
        }
    }

    /// Hears all that a program has to say which has ended or is about to: the peer
    /// may have seen its connections go before its last words are here.
    fn listen_to_the_end(&mut self) {
        let mut watch = kernel::Watch::start(self.program.pid());
        let patience = Instant::now() + Duration::from_millis(100);
        while Instant::now() < patience && self.program.exit().is_none() {
            if watch.verdict(Duration::from_millis(5), SPINNING).is_some() {
                break;
            }
            thread::sleep(Duration::from_millis(1));
        }
        self.hear();
    }

    /// Takes in the messages that have come from the child.
    fn hear(&mut self) {
        while let Some(message) = self.program.message() {
            match message {
                Message::Listening(addr) => self.address = addr.parse().ok(),
                Message::Returned(value) => self.returned = Some(Ok(value)),
                Message::ReturnedError(error) => self.returned = Some(Err(error)),
                Message::Panicked(place, words) => {
                    self.panic.get_or_insert(format!("{place}: {words}"));
                }
                Message::Judged(symptom) => self.judged = Some(symptom),
                Message::Story(timeline) => self.story = Some(timeline),
            }
        }
    }

    /// Waits until `ready` has a value, or it is certain that it never will.
    ///
    /// # Errors
    ///
    /// Those of `ready`.
    fn wait<T>(
        &mut self,
        mut ready: impl FnMut(&mut Self) -> Result<Option<T>, Symptom>,
    ) -> Result<Result<T, Idle>, Symptom> {
        let mut watch = kernel::Watch::start(self.program.pid());
        let start = Instant::now();
        let mut pause = Duration::from_micros(100);
        loop {
            self.hear();
            let ended = self.program.exit().is_some();
            if let Some(value) = ready(self)? {
                return Ok(Ok(value));
            }
            let doing = if ended {
                Some(Doing::Ended)
            } else if self.returned.is_some() && self.judged.is_none() {
                Some(Doing::Returned)
            } else {
                watch.verdict(ASLEEP, SPINNING)
            };
            let deadline = if watch.is_blind() {
                BLIND_DEADLINE
            } else {
                DEADLINE
            };
            let doing =
                doing.or((start.elapsed() > deadline).then_some(Doing::Restless));
            if let Some(doing) = doing {
                // What came between the last look at the peer and the look at the
                // program would be overlooked.
                self.hear();
                if let Some(value) = ready(self)? {
                    return Ok(Ok(value));
                }
                self.waited += start.elapsed();
                return Ok(Err(self.idle(doing)));
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(8));
        }
    }

    /// What the program is doing, told while it is still there.
    fn idle(&mut self, doing: Doing) -> Idle {
        let mut told = Vec::new();
        let mut calls = Vec::new();
        match (doing, self.program.exit(), &self.returned) {
            (Doing::Ended, Some(exit), None) => {
                told.push(format!("Your program {exit}."))
            }
            (_, _, Some(Ok(value))) if value.is_empty() => {
                told.push("Your function returned Ok(()).".into());
            }
            (_, _, Some(Ok(_))) => told.push("Your function returned Ok.".into()),
            (_, _, Some(Err(error))) => {
                told.push(format!("Your function returned an error: {error}"));
            }
            _ => {
                let seen = kernel::account(self.program.pid());
                calls = seen.calls;
                told.extend(seen.sentences);
            }
        }
        Idle {
            doing,
            calls,
            kernel: told,
            panic: self.panic.clone(),
        }
    }

    /// The next line of the timeline: something done or seen beside the bytes.
    pub fn note(&self, text: impl Into<String>) {
        self.recorder.note(0, Side::Left, text);
    }

    /// Connects to the program.
    ///
    /// # Errors
    ///
    /// [`Kind::Refused`] where nobody listens any more.
    pub fn connect(&mut self) -> Result<Peer, Symptom> {
        let port = self.port();
        self.connect_to((Ipv4Addr::LOCALHOST, port).into())
    }

    /// Connects to the program by another of its addresses.
    ///
    /// # Errors
    ///
    /// [`Kind::Refused`] where nobody listens there.
    pub fn connect_to(&mut self, address: SocketAddr) -> Result<Peer, Symptom> {
        self.links += 1;
        match TcpStream::connect_timeout(&address, DEADLINE) {
            Ok(stream) => {
                let peer = Peer::new(stream, self.links, self.recorder.clone())
                    .map_err(|error| broken("set a connection up", error))?;
                let ends = format!("{} -> {}", peer.local(), peer.remote());
                self.recorder.connect(self.links, Side::Left, ends);
                Ok(peer)
            }
            Err(error) => {
                self.recorder.connect(
                    self.links,
                    Side::Left,
                    format!("to {address}"),
                );
                let why = format!("cannot connect to {address}: {error}");
                self.recorder.gave_up(self.links, Side::Left, why.clone());
                let gone = self.gone_or_idle()?;
                Err(
                    Symptom::new(Kind::Refused, "nobody takes connections any more")
                        .with_words("a connection", error.to_string())
                        .while_idle(gone),
                )
            }
        }
    }

    /// The port on which the program listens.
    pub fn port(&self) -> u16 {
        self.address.map_or(0, |address| address.port())
    }

    /// What the program is doing, once it has come to rest.
    fn gone_or_idle(&mut self) -> Result<Idle, Symptom> {
        let rest = self.wait(|_| Ok(None::<()>))?;
        Ok(rest.expect_err("a wait for nothing ends when the program rests"))
    }

    /// Waits for the program to connect.
    ///
    /// # Errors
    ///
    /// [`Kind::NoAnswer`] where it does not.
    pub fn accept(&mut self) -> Result<Peer, Symptom> {
        let accepted = self.wait(|stage| {
            let listener = stage.listener.as_ref().expect("this peer listens");
            match listener.accept() {
                Ok((stream, _)) => Ok(Some(stream)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
                Err(error) => Err(broken("accept", error)),
            }
        })?;
        match accepted {
            Ok(stream) => {
                self.links += 1;
                let peer = Peer::new(stream, self.links, self.recorder.clone())
                    .map_err(|error| broken("set a connection up", error))?;
                let ends = format!("{} -> {}", peer.remote(), peer.local());
                self.recorder.connect(self.links, Side::Right, ends);
                Ok(peer)
            }
            Err(idle) => {
                Err(Symptom::new(Kind::NoAnswer, "your program did not connect")
                    .while_idle(idle))
            }
        }
    }

    /// Sends all of `bytes`, and waits while the program does not take them.
    ///
    /// # Errors
    ///
    /// [`Kind::NoAnswer`] where the program stops taking them, [`Kind::Reset`] where
    /// it has thrown the connection away.
    pub fn send(&mut self, peer: &mut Peer, bytes: &[u8]) -> Result<(), Symptom> {
        self.recorder.sent(peer.link, Side::Left, bytes);
        let mut rest = bytes;
        while !rest.is_empty() {
            let written = self.wait(|_| match peer.stream.write(rest) {
                Ok(written) => Ok(Some(written)),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => {
                        Ok(None)
                    }
                    io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                        peer.take_in()?;
                        Ok(Some(rest.len())) // who waits for the answer will tell
                    }
                    _ => Err(broken("write", error)),
                },
            })?;
            match written {
                Ok(written) => rest = &rest[written..],
                Err(idle) => {
                    let why = format!("{} bytes are not taken", rest.len());
                    self.recorder.gave_up(peer.link, Side::Left, why);
                    return Err(Symptom::new(
                        Kind::NoAnswer,
                        "your program stopped reading",
                    )
                    .while_idle(idle));
                }
            }
        }
        Ok(())
    }

    /// Sends `line` again and again until the program takes no more; returns how many
    /// bytes went. The last line may have been cut.
    ///
    /// # Errors
    ///
    /// [`Kind::Reset`] and its like are left to whoever reads next.
    pub fn send_until_full(
        &mut self,
        peer: &mut Peer,
        line: &[u8],
    ) -> Result<usize, Symptom> {
        let mut sent = 0;
        let full = loop {
            let rest = &line[sent % line.len()..];
            match peer.stream.write(rest) {
                Ok(written) => sent += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // Full, or only not emptied yet: the program's rest decides.
                    let more = self.wait(|_| match peer.stream.write(rest) {
                        Ok(written) => Ok(Some(written)),
                        Err(_) => Ok(None),
                    })?;
                    match more {
                        Ok(written) => sent += written,
                        Err(_) => break sent,
                    }
                }
                Err(_) => break sent,
            }
        };
        let lines = full / line.len();
        let told =
            format!("sends {lines} lines, reads nothing: the buffers are full");
        self.recorder.note(peer.link, Side::Left, told);
        Ok(full)
    }

    /// Waits until the program has read all that was sent, so that what is sent next
    /// comes to it by another read, or until it is clear that it does not read now.
    pub fn until_taken(&mut self, peer: &mut Peer) -> Result<(), Symptom> {
        let (ours, theirs) = (peer.local, peer.remote);
        let start = Instant::now();
        let _ = self.wait(|_| {
            Ok(match kernel::unread(theirs, ours) {
                Some(unread) => (unread == 0).then_some(()),
                // Where the kernel cannot be asked, a pause shapes the input.
                None => (start.elapsed() > Duration::from_millis(60)).then_some(()),
            })
        })?;
        // If it says something to a piece, the timeline is to show that it did so
        // before the next one came.
        let mut watch = kernel::Watch::start(self.program.pid());
        let patience = Instant::now() + Duration::from_millis(20);
        while !watch.is_blind()
            && Instant::now() < patience
            && watch.verdict(Duration::from_millis(1), SPINNING).is_none()
        {
            thread::sleep(Duration::from_micros(200));
        }
        peer.take_in()?;
        Ok(())
    }

    /// Waits for exactly these bytes.
    ///
    /// # Errors
    ///
    /// A symptom that tells what came instead.
    pub fn expect(
        &mut self,
        peer: &mut Peer,
        expected: &[u8],
    ) -> Result<(), Symptom> {
        let mut idle = None;
        while idle.is_none()
            && peer.over.is_none()
            && peer.unseen.len() < expected.len()
            && expected.starts_with(&peer.unseen)
        {
            idle = self.wait(|_| Ok(peer.take_in()?.then_some(())))?.err();
        }
        if peer.unseen.starts_with(expected) {
            peer.unseen.drain(..expected.len());
            return Ok(());
        }
        let Some(idle) = idle else {
            return Err(self.wrong(peer, expected)?);
        };
        self.recorder
            .gave_up(peer.link, Side::Left, "no more comes");
        let summary = match idle.doing {
            Doing::Ended => "your program ended instead of answering",
            Doing::Returned => "your function returned instead of answering",
            _ if peer.unseen.is_empty() => "no answer came",
            _ => "a part of the answer came, and then no more",
        };
        Err(Symptom::new(Kind::NoAnswer, summary)
            .with_bytes(expected, &peer.unseen)
            .while_idle(idle))
    }

    /// Other bytes came, or an end: waits for the rest of it and tells.
    fn wrong(
        &mut self,
        peer: &mut Peer,
        expected: &[u8],
    ) -> Result<Symptom, Symptom> {
        let idle = loop {
            let more = self.wait(|_| {
                let news = peer.take_in()?;
                Ok((news || peer.over.is_some()).then_some(()))
            })?;
            match more {
                Ok(()) if peer.unseen.len() > expected.len() + ENOUGH => break None,
                Ok(()) if peer.over.is_none() => {}
                Ok(()) => break None,
                Err(idle) => break Some(idle),
            }
        };
        let got = std::mem::take(&mut peer.unseen);
        let cut_short = expected.starts_with(&got);
        let (kind, summary) = match peer.over {
            Some(Over::Reset) if cut_short => {
                (Kind::Reset, "your program reset the connection")
            }
            Some(Over::End) if cut_short => (
                Kind::EarlyEnd,
                "the connection ended before the answer was complete",
            ),
            _ => (Kind::Wrong, "the answer is not what was agreed"),
        };
        let symptom = Symptom::new(kind, summary).with_bytes(expected, &got);
        Ok(match idle {
            Some(idle) => symptom.while_idle(idle),
            None => symptom,
        })
    }

    /// Waits for the program to end its side, with nothing more to say.
    ///
    /// # Errors
    ///
    /// [`Kind::NoEnd`], [`Kind::Reset`], or [`Kind::Wrong`] where more came.
    pub fn expect_end(&mut self, peer: &mut Peer) -> Result<(), Symptom> {
        let waited = self.wait(|_| {
            peer.take_in()?;
            Ok((peer.over.is_some() || !peer.unseen.is_empty()).then_some(()))
        })?;
        if let Err(idle) = waited {
            self.recorder
                .gave_up(peer.link, Side::Left, "the end does not come");
            let gone = matches!(idle.doing, Doing::Ended);
            let kind = if gone { Kind::Gone } else { Kind::NoEnd };
            return Err(Symptom::new(kind, "your side of the connection stays open")
                .with_words("the end of the connection", "nothing")
                .while_idle(idle));
        }
        if !peer.unseen.is_empty() {
            let mut more = self.wrong(peer, b"")?;
            more.summary = "more came than was agreed".into();
            more.expected = "nothing more, and the end of the connection".into();
            return Err(more);
        }
        match peer.over {
            Some(Over::Reset) => Err(Symptom::new(
                Kind::Reset,
                "your program reset the connection",
            )
            .with_words(
                "the end of the connection (FIN)",
                "a reset (RST): \"connection reset by peer\"",
            )),
            _ => Ok(()),
        }
    }

    /// Waits for all that the program says until it ends its side.
    ///
    /// # Errors
    ///
    /// As [`Stage::expect_end`].
    pub fn read_to_end(&mut self, peer: &mut Peer) -> Result<Vec<u8>, Symptom> {
        let waited = self.wait(|_| {
            peer.take_in()?;
            Ok(peer.over.is_some().then_some(()))
        })?;
        let got = std::mem::take(&mut peer.unseen);
        match (waited, peer.over) {
            (Err(idle), _) => {
                self.recorder
                    .gave_up(peer.link, Side::Left, "the end does not come");
                Err(Symptom::new(
                    Kind::NoEnd,
                    "your side of the connection stays open",
                )
                .with_bytes(b"", &got)
                .with_words("the end of the connection", "nothing more")
                .while_idle(idle))
            }
            (Ok(()), Some(Over::Reset)) => Err(Symptom::new(
                Kind::Reset,
                "your program reset the connection",
            )
            .with_bytes(b"", &got)
            .with_words("the end of the connection (FIN)", "a reset (RST)")),
            (Ok(()), _) => Ok(got),
        }
    }

    /// Takes in a little of what the program sends.
    ///
    /// # Errors
    ///
    /// [`Kind::NoAnswer`] where it sends nothing.
    pub fn read_some(&mut self, peer: &mut Peer) -> Result<(), Symptom> {
        let waited = self.wait(|_| Ok(peer.take_in()?.then_some(())))?;
        waited.map_err(|idle| {
            Symptom::new(Kind::NoAnswer, "your program sent nothing").while_idle(idle)
        })
    }

    /// Is an echo server for one visit: sends back what comes, in order, and reads no
    /// more while that is not taken, until the program ends its side.
    ///
    /// # Errors
    ///
    /// [`Kind::NoEnd`] where all `bytes` have come and the end has not,
    /// [`Kind::NoAnswer`] where the program comes to rest before that.
    pub fn echo(&mut self, peer: &mut Peer, bytes: usize) -> Result<(), Symptom> {
        let mut echoed = 0;
        loop {
            let waited = self.wait(|_| {
                peer.take_in_at_most(64 << 10)?;
                Ok((peer.over.is_some() || !peer.unseen.is_empty()).then_some(()))
            })?;
            let back = std::mem::take(&mut peer.unseen);
            match waited {
                Ok(()) if back.is_empty() => break,
                Ok(()) => {
                    self.send(peer, &back)?;
                    echoed += back.len();
                }
                Err(idle) => {
                    self.recorder
                        .gave_up(peer.link, Side::Left, "no more comes");
                    let (kind, summary) = if echoed < bytes {
                        (Kind::NoAnswer, "your program stopped sending")
                    } else {
                        (Kind::NoEnd, "your side of the connection stays open")
                    };
                    let told = format!("{echoed} bytes, and then nothing");
                    return Err(Symptom::new(kind, summary)
                        .with_words(format!("{bytes} bytes and the end"), told)
                        .while_idle(idle));
                }
            }
        }
        match peer.over {
            Some(Over::Reset) => {
                let told = format!("a reset after {echoed} bytes");
                let summary = "your program reset the connection";
                Err(Symptom::new(Kind::Reset, summary)
                    .with_words(format!("{bytes} bytes and the end"), told))
            }
            _ => Ok(()),
        }
    }

    /// Waits for the learner's function to return.
    ///
    /// # Errors
    ///
    /// [`Kind::NoAnswer`] where it does not, [`Kind::Gone`] where the program ended.
    pub fn returned(&mut self) -> Result<Result<String, String>, Symptom> {
        let waited = self.wait(|stage| Ok(stage.returned.clone()))?;
        waited.map_err(|idle| {
            let (kind, summary) = match idle.doing {
                Doing::Ended => (Kind::Gone, "your program ended"),
                Doing::Spinning => (Kind::NoAnswer, "your function runs and runs"),
                _ => (Kind::NoAnswer, "your function does not return"),
            };
            Symptom::new(kind, summary).while_idle(idle)
        })
    }

    /// Waits for the judgement of a scripted probe.
    pub(super) fn judgement(&mut self) -> Result<(), Symptom> {
        let judged = self.wait(|stage| Ok(stage.judged.take()))?;
        match judged {
            Ok(None) => Ok(()),
            Ok(Some(symptom)) => Err(symptom),
            Err(idle) => {
                self.program.ask_for_the_story();
                let (kind, summary) = match idle.doing {
                    Doing::Ended => (Kind::Gone, "your function did not return"),
                    Doing::Spinning => {
                        (Kind::NoAnswer, "your function runs and runs")
                    }
                    _ => (Kind::NoAnswer, "your function does not return"),
                };
                // A program that is still there answers at once.
                let until = Instant::now() + Duration::from_millis(200);
                let before = self.story.is_some();
                while !before && self.story.is_none() && Instant::now() < until {
                    thread::sleep(Duration::from_millis(1));
                    self.hear();
                }
                Err(Symptom::new(kind, summary).while_idle(idle))
            }
        }
    }

    /// Looks whether the program rests while there is nothing to do.
    ///
    /// # Errors
    ///
    /// [`Kind::Spins`] where it keeps the processor busy.
    pub fn expect_rest(&mut self) -> Result<(), Symptom> {
        let mut watch = kernel::Watch::start(self.program.pid());
        let start = Instant::now();
        while !watch.is_blind() && start.elapsed() < Duration::from_secs(2) {
            match watch.verdict(Duration::from_millis(30), Duration::from_millis(150))
            {
                None => thread::sleep(Duration::from_millis(5)),
                Some(Doing::Spinning) => {
                    self.waited += start.elapsed();
                    let share = watch.share() * 100.0;
                    let idle = self.idle(Doing::Spinning);
                    return Err(Symptom::new(
                        Kind::Spins,
                        "your program keeps a processor busy while nobody says a word",
                    )
                    .with_words(
                        "a program asleep in a system call",
                        format!("a program that runs {share:.0} % of the time"),
                    )
                    .while_idle(idle));
                }
                Some(_) => break,
            }
        }
        self.waited += start.elapsed();
        Ok(())
    }

    /// How many descriptors the program has open, where the kernel tells.
    pub fn descriptors(&self) -> Option<usize> {
        kernel::descriptors(self.program.pid())
    }

    /// Waits until the program has no more descriptors open than `before`.
    ///
    /// # Errors
    ///
    /// [`Kind::Leaks`] where it comes to rest with more.
    pub fn expect_descriptors(
        &mut self,
        before: Option<usize>,
        callers: usize,
    ) -> Result<(), Symptom> {
        let Some(before) = before else { return Ok(()) };
        let waited = self.wait(|stage| {
            let now = stage.descriptors();
            Ok(now.is_none_or(|now| now <= before).then_some(()))
        })?;
        waited.map_err(|idle| {
            let now = self.descriptors().unwrap_or(before);
            Symptom::new(Kind::Leaks, "descriptors stay open after the callers left")
                .with_words(
                    format!("{before} open descriptors, as before"),
                    format!("{now}, after {callers} callers came and went"),
                )
                .while_idle(idle)
        })
    }
}
