//! The stage of one probe: the program, and the connections with it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use wire::{Recorder, Side, Timeline, What, view};

use super::child::Message;
use super::peer::{Held, Over, Peer, broken};
use super::program::{Program, Told};
use super::wait::On;
use super::{Faces, Hurry, Played};
use crate::kernel::{self, Descriptors};
use crate::symptom::{Doing, Kind, Signs, Symptom};

/// How long the kernel may take to bring a connection about on loopback.
const CONNECTS: Duration = Duration::from_secs(10);

/// How many bytes too many, in bytes, are enough to tell what a program sends that
/// never stops.
const ENOUGH: usize = 64 << 10;

/// More bytes than the kernel keeps for both directions of a connection (tcp(7):
/// tcp_rmem, tcp_wmem; 20 MB together as they come): who has taken so many without being
/// read keeps them itself.
const MORE_THAN_BUFFERS: usize = 64 << 20;

/// How long an answer may take that comes in good order, but bit by bit. A busy machine
/// brings five hundred lines in a fraction of that.
const SLOW: Duration = Duration::from_secs(10);

/// How long a program that is there may take to send its story.
const STORY: Duration = Duration::from_secs(1);

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
    /// What else there was to see.
    pub signs: Signs,
}

/// The stage of one probe.
pub struct Stage {
    job: String,
    pub(super) hurry: Hurry,
    pub(super) program: Program,
    pub(super) recorder: Recorder,
    pub(super) listener: Option<Arc<TcpListener>>,
    pub(super) address: Option<SocketAddr>,
    pub(super) links: u32,
    held: Held,
    /// The socket at which the peer waits for datagrams, until a probe takes it.
    pub(super) front: Option<UdpSocket>,
    /// The ports at the other ends of the connections from the listener's port.
    pub(super) ports: Vec<u16>,
    pub(super) waited: Duration,
    pub(super) faces: Faces,
    pub(super) panic: Option<String>,
    pub(super) returned: Option<Result<String, String>>,
    pub(super) judged: Option<Option<Symptom>>,
    story: Option<Timeline>,
}

impl Stage {
    pub(super) fn open(
        job: &str,
        faces: Faces,
        hurry: Hurry,
    ) -> Result<Self, Symptom> {
        let listener = match faces {
            Faces::Server => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
                    .and_then(|l| l.set_nonblocking(true).map(|()| l))
                    .map_err(|error| broken("listen on 127.0.0.1", error))?;
                Some(Arc::new(listener))
            }
            _ => None,
        };
        let front = match faces {
            Faces::Asker => Some(
                UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
                    .map_err(|error| broken("bind on 127.0.0.1", error))?,
            ),
            _ => None,
        };
        let waits = front.as_ref().and_then(|front| front.local_addr().ok());
        let address = listener
            .as_ref()
            .and_then(|l| l.local_addr().ok())
            .or(waits);
        let program = Program::start(job, address.map_or(Told::Nothing, Told::Peer))
            .map_err(|error| broken("start the program", error))?;
        let mut stage = Self {
            job: job.to_string(),
            hurry,
            program,
            recorder: Recorder::new("the peer", "your program"),
            listener,
            front,
            address,
            links: 0,
            held: Held::default(),
            ports: Vec::new(),
            waited: Duration::ZERO,
            faces,
            panic: None,
            returned: None,
            judged: None,
            story: None,
        };
        if matches!(faces, Faces::Callers | Faces::Datagrams) {
            stage.until_it_listens()?;
        }
        Ok(stage)
    }

    pub(super) fn until_it_listens(&mut self) -> Result<(), Symptom> {
        let up = self.wait(&On::Nothing, |stage| Ok(stage.address.map(|_| ())))?;
        up.map_err(|idle| {
            let listens = self.listens_at().is_some_and(|at| !at.is_empty());
            let summary = match listens {
                true => "the program listens, but has not said where",
                false => "the program did not start to listen",
            };
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
        if let Some(symptom) = &mut symptom {
            self.hear();
            // A program that is over explains whatever else was seen, unless what it
            // returned is what was seen. Where it is judged inside the child, the child
            // ends because it has been judged.
            if symptom.doing.is_none()
                && self.faces != Faces::Script
                && !symptom.is_about_the_result()
                && let Some(doing) = self.is_over()
            {
                let idle = self.idle(doing);
                symptom.signs.failed = idle.signs.failed;
                (symptom.doing, symptom.kernel) = (Some(idle.doing), idle.kernel);
            }
        }
        let output = self.program.end();
        self.hear();
        if let Some(symptom) = &mut symptom {
            symptom.panic = symptom.panic.take().or(self.panic.take());
            symptom.signs.callers = self.links;
            symptom.signs.printed.clone_from(&output);
            if symptom.signs.loops.is_some() {
                symptom.panic = None; // it was ours, to stop the function
            }
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

    /// Takes in the messages that have come from the child.
    pub(super) fn hear(&mut self) {
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
        match TcpStream::connect_timeout(&address, CONNECTS) {
            Ok(stream) => {
                let mut peer =
                    Peer::new(stream, self.links, self.recorder.clone())
                        .map_err(|error| broken("set a connection up", error))?;
                peer.held = Arc::clone(&self.held);
                let ends = format!("{} -> {}", peer.local(), peer.remote());
                self.recorder.connect(self.links, Side::Left, ends);
                self.ports.push(peer.local.port());
                Ok(peer)
            }
            Err(error) if !blames_the_program(&error) => {
                Err(broken("connect", error))
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

    /// Has a caller come and reset its connection before the program can see it, as
    /// when it was busy elsewhere.
    ///
    /// # Errors
    ///
    /// As [`Stage::connect`].
    pub fn reset_unseen(&mut self) -> Result<(), Symptom> {
        self.note("your program is held up for a moment");
        self.program.signal(Signal::STOP);
        self.until_stopped();
        let caller = self.connect()?;
        caller.reset()?;
        self.program.signal(Signal::CONT);
        Ok(())
    }

    /// The port on which the program listens.
    pub fn port(&self) -> u16 {
        self.address.map_or(0, |address| address.port())
    }

    /// What the program is doing, once it has come to rest.
    fn gone_or_idle(&mut self) -> Result<Idle, Symptom> {
        let rest = self.wait(&On::Nothing, |_| Ok(None::<()>))?;
        Ok(rest.expect_err("a wait for nothing ends when the program rests"))
    }

    /// Waits for the program to connect.
    ///
    /// # Errors
    ///
    /// [`Kind::NoAnswer`] where it does not.
    pub fn accept(&mut self) -> Result<Peer, Symptom> {
        let listener = self.listener.clone().expect("this peer listens");
        let accepted =
            self.wait(&On::Call(Arc::clone(&listener)), |_| {
                match listener.accept() {
                    Ok((stream, _)) => Ok(Some(stream)),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        Ok(None)
                    }
                    Err(error) => Err(broken("accept", error)),
                }
            })?;
        match accepted {
            Ok(stream) => {
                self.links += 1;
                let mut peer =
                    Peer::new(stream, self.links, self.recorder.clone())
                        .map_err(|error| broken("set a connection up", error))?;
                peer.held = Arc::clone(&self.held);
                let ends = format!("{} -> {}", peer.remote(), peer.local());
                self.recorder.connect(self.links, Side::Right, ends);
                self.ports.push(peer.remote.port());
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
        match self.push(peer, bytes)? {
            Ok(()) => Ok(()),
            Err((rest, idle)) => Err(not_taken(peer, rest, idle)),
        }
    }

    /// As [`Stage::send`]; where the program stops taking bytes, how many are left and
    /// what it is doing.
    fn push(
        &mut self,
        peer: &mut Peer,
        bytes: &[u8],
    ) -> Result<Result<(), (usize, Idle)>, Symptom> {
        peer.sends(bytes);
        let on = On::Write(Arc::clone(&peer.stream));
        let mut rest = bytes;
        while !rest.is_empty() {
            let written = self.wait(&on, |_| match peer.write(rest) {
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
                Err(idle) => return Ok(Err((rest.len(), idle))),
            }
        }
        Ok(Ok(()))
    }

    /// Sends `line` again and again until the program takes no more, or has taken so much
    /// that it will take all; returns how many bytes went. The last line may have been
    /// cut.
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
        let outcome = loop {
            let rest = &line[sent % line.len()..];
            if sent > MORE_THAN_BUFFERS {
                break "all are taken";
            }
            match peer.write(rest) {
                Ok(written) => sent += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // Full, or only not emptied yet: the program's rest decides.
                    let on = On::Write(Arc::clone(&peer.stream));
                    let more = self.wait(&on, |_| match peer.write(rest) {
                        Ok(written) => Ok(Some(written)),
                        Err(_) => Ok(None),
                    })?;
                    match more {
                        Ok(written) => sent += written,
                        Err(_) => break "the buffers are full",
                    }
                }
                Err(_) => break "and the connection is gone",
            }
        };
        let lines = sent / line.len();
        let told = format!("sends {lines} lines, reads nothing: {outcome}");
        self.recorder.note(peer.link, Side::Left, told);
        Ok(sent)
    }

    /// Waits until the program has read all that was sent, so that what is sent next
    /// comes to it by another read, or until it is clear that it does not read now.
    pub fn until_taken(&mut self, peer: &mut Peer) -> Result<(), Symptom> {
        let (ours, theirs) = (peer.local, peer.remote);
        let start = Instant::now();
        let _ = self.wait(&On::Nothing, |_| {
            Ok(match kernel::unread(theirs, ours) {
                Some(unread) => (unread == 0).then_some(()),
                // Where the kernel cannot be asked, a pause shapes the input.
                None => (start.elapsed() > Duration::from_millis(60)).then_some(()),
            })
        })?;
        // If it says something to a piece, the timeline is to show that it did so
        // before the next one came.
        self.settle(Duration::from_millis(20));
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
        let on = On::Read(Arc::clone(&peer.stream));
        let mut idle = None;
        let start = Instant::now();
        while idle.is_none()
            && peer.over.is_none()
            && peer.unseen.len() < expected.len()
            && expected.starts_with(&peer.unseen)
        {
            if start.elapsed() > SLOW {
                return Err(self.is_slow(peer, expected, start.elapsed()));
            }
            idle = self.wait(&on, |_| Ok(peer.take_in()?.then_some(())))?.err();
        }
        if peer.unseen.starts_with(expected) {
            peer.unseen.drain(..expected.len());
            peer.matched += expected.len();
            return Ok(());
        }
        let Some(idle) = idle else {
            return Err(self.wrong(peer, expected)?);
        };
        peer.gave_up("no more comes");
        let summary = match idle.doing {
            Doing::Ended => "your program ended instead of answering",
            Doing::Returned => "your function returned instead of answering",
            _ if peer.unseen.is_empty() => "no answer came",
            _ => "a part of the answer came, and then no more",
        };
        let symptom = Symptom::new(Kind::NoAnswer, summary)
            .with_bytes(expected, &peer.unseen)
            .while_idle(idle);
        Err(self.with_signs(symptom, peer))
    }

    /// What comes is right, but too little at a time to be waited for.
    fn is_slow(
        &mut self,
        peer: &mut Peer,
        expected: &[u8],
        took: Duration,
    ) -> Symptom {
        let (came, all) = (answered(&peer.unseen), answered(expected));
        let seconds = took.as_secs();
        peer.gave_up(format!("{came} of {all} in {seconds} s"));
        self.waited += took;
        let idle = self.idle(Doing::Restless);
        let summary = "your program answers, but it is slow";
        let symptom = Symptom::new(Kind::NoAnswer, summary)
            .with_words(all, format!("{came} in {seconds} s, all as agreed so far"))
            .while_idle(idle);
        self.with_signs(symptom, peer)
    }

    /// Other bytes came, or an end: waits for the rest of it and tells.
    fn wrong(
        &mut self,
        peer: &mut Peer,
        expected: &[u8],
    ) -> Result<Symptom, Symptom> {
        let on = On::Read(Arc::clone(&peer.stream));
        let idle = loop {
            let more = self.wait(&on, |_| {
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
        peer.stays_open();
        let symptom = Symptom::new(kind, summary).with_bytes(expected, &got);
        let symptom = match idle {
            Some(idle) => symptom.while_idle(idle),
            None => symptom,
        };
        Ok(self.with_signs(symptom, peer))
    }

    /// With what is known of the connection, and of a program that is busy.
    fn with_signs(&mut self, mut symptom: Symptom, peer: &Peer) -> Symptom {
        symptom.signs.matched = peer.matched;
        let spins = symptom.doing == Some(Doing::Spinning);
        if spins && symptom.signs.read_the_end {
            symptom.signs.deaf = self.is_deaf();
        }
        symptom
    }

    /// Waits for the program to end its side, with nothing more to say.
    ///
    /// # Errors
    ///
    /// [`Kind::NoEnd`], [`Kind::Reset`], or [`Kind::Wrong`] where more came.
    pub fn expect_end(&mut self, peer: &mut Peer) -> Result<(), Symptom> {
        let waited = self.wait(&On::Read(Arc::clone(&peer.stream)), |_| {
            peer.take_in()?;
            Ok((peer.over.is_some() || !peer.unseen.is_empty()).then_some(()))
        })?;
        if let Err(idle) = waited {
            peer.gave_up("the end does not come");
            let gone = matches!(idle.doing, Doing::Ended);
            let kind = if gone { Kind::Gone } else { Kind::NoEnd };
            let symptom =
                Symptom::new(kind, "your side of the connection stays open")
                    .with_words("the end of the connection", "nothing")
                    .while_idle(idle);
            return Err(self.with_signs(symptom, peer));
        }
        if !peer.unseen.is_empty() {
            let mut more = self.wrong(peer, b"")?;
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

    /// Says one thing more to a program that has stopped in the middle of its
    /// answers, and notes what comes then.
    pub fn say_more(
        &mut self,
        peer: &mut Peer,
        bytes: &[u8],
        mut symptom: Symptom,
    ) -> Symptom {
        peer.unseen.clear();
        let on = On::Read(Arc::clone(&peer.stream));
        if self.send(peer, bytes).is_ok() {
            while peer.over.is_none()
                && peer.unseen.len() < ENOUGH
                && let Ok(Ok(())) =
                    self.wait(&on, |_| Ok(peer.take_in()?.then_some(())))
            {
            }
        }
        symptom.signs.later = std::mem::take(&mut peer.unseen);
        symptom
    }

    /// Takes in a little of what the program sends.
    ///
    /// # Errors
    ///
    /// [`Kind::NoAnswer`] where it sends nothing.
    pub fn read_some(&mut self, peer: &mut Peer) -> Result<(), Symptom> {
        let on = On::Read(Arc::clone(&peer.stream));
        let waited = self.wait(&on, |_| Ok(peer.take_in()?.then_some(())))?;
        waited.map_err(|idle| {
            Symptom::new(Kind::NoAnswer, "your program sent nothing").while_idle(idle)
        })
    }

    /// Is an echo server for one visit: sends back what comes, in order, and reads no
    /// more while that is not taken, until the program ends its side. Of few bytes the
    /// first are sent back in two pieces.
    ///
    /// # Errors
    ///
    /// [`Kind::NoEnd`] where all `bytes` have come and the end has not,
    /// [`Kind::NoAnswer`] where the program comes to rest before that,
    /// [`Kind::Wrong`] where it ends after more or fewer.
    pub fn echo(&mut self, peer: &mut Peer, bytes: usize) -> Result<(), Symptom> {
        /// Of a long exchange this many pieces stand in the timeline.
        const TOLD: usize = 3;
        /// So many bytes are no load for any buffer.
        const FEW: usize = 4096;
        peer.keep_buffers_small()?;
        let mut echoed = 0;
        for piece in 0.. {
            peer.quiet = piece >= TOLD;
            let waited = self.wait(&On::Read(Arc::clone(&peer.stream)), |_| {
                peer.take_in_at_most(64 << 10)?;
                Ok((peer.over.is_some() || !peer.unseen.is_empty()).then_some(()))
            })?;
            let back = std::mem::take(&mut peer.unseen);
            match waited {
                Ok(()) if back.is_empty() => break,
                Ok(()) => {
                    echoed += back.len();
                    let mut rest = &back[..];
                    if piece == 0 && bytes <= FEW && back.len() > 2 {
                        let (first, second) = back.split_at(back.len() / 3);
                        self.send(peer, first)?;
                        self.until_taken(peer)?;
                        rest = second;
                    }
                    if let Err((left, idle)) = self.push(peer, rest)? {
                        self.tell_echoed(peer, echoed);
                        return Err(not_taken(peer, left, idle));
                    }
                }
                Err(idle) => {
                    self.tell_echoed(peer, echoed);
                    peer.gave_up("no more comes");
                    let (kind, summary) = if echoed < bytes {
                        (Kind::NoAnswer, "your program sends no more")
                    } else {
                        (Kind::NoEnd, "your side of the connection stays open")
                    };
                    let told = format!("{}, and then nothing", count(echoed));
                    return Err(Symptom::new(kind, summary)
                        .with_words(format!("{} and the end", count(bytes)), told)
                        .while_idle(idle));
                }
            }
        }
        self.tell_echoed(peer, echoed);
        peer.quiet = false;
        let expected = format!("{} and the end", count(bytes));
        let (kind, summary, got) = match peer.over {
            Some(Over::Reset) => (
                Kind::Reset,
                "your program reset the connection",
                format!("a reset after {}", count(echoed)),
            ),
            _ if echoed != bytes => (
                Kind::Wrong,
                "your program sent another number of bytes than it was given",
                format!("the end after {}", count(echoed)),
            ),
            _ => return Ok(()),
        };
        peer.stays_open();
        Err(Symptom::new(kind, summary).with_words(expected, got))
    }

    /// What the function has returned, once the program has come to rest; nothing where
    /// it has not returned by then.
    ///
    /// # Errors
    ///
    /// Those of the check itself.
    pub fn returned_early(
        &mut self,
    ) -> Result<Option<Result<String, String>>, Symptom> {
        let waited = self.wait(&On::Nothing, |stage| Ok(stage.returned.clone()))?;
        Ok(waited.ok())
    }

    /// What was left out of the timeline of an exchange.
    fn tell_echoed(&self, peer: &Peer, came: usize) {
        if peer.quiet {
            let told = format!("and so on: {} came in all", count(came));
            self.recorder.note(peer.link, Side::Left, told);
        }
    }

    /// Waits for the learner's function to return.
    ///
    /// # Errors
    ///
    /// [`Kind::NoAnswer`] where it does not, [`Kind::Gone`] where the program ended.
    pub fn returned(&mut self) -> Result<Result<String, String>, Symptom> {
        let waited = self.wait(&On::Nothing, |stage| Ok(stage.returned.clone()))?;
        waited.map_err(|idle| self.never_returned(idle))
    }

    fn never_returned(&self, idle: Idle) -> Symptom {
        let (kind, summary) = match idle.doing {
            Doing::Ended if idle.panic.is_some() => {
                (Kind::Gone, "your program panicked")
            }
            Doing::Ended => (Kind::Gone, "your program ended"),
            Doing::Spinning => (Kind::NoAnswer, "your function runs and runs"),
            _ => (Kind::NoAnswer, "your function does not return"),
        };
        Symptom::new(kind, summary).while_idle(idle)
    }

    /// Waits for the judgement of a scripted probe.
    pub(super) fn judgement(&mut self) -> Result<(), Symptom> {
        let judged = self.wait(&On::Nothing, |stage| Ok(stage.judged.take()))?;
        match judged {
            Ok(None) => Ok(()),
            Ok(Some(symptom)) => Err(symptom),
            Err(idle) => {
                let got = self.story_so_far().map(said).unwrap_or_default();
                let mut symptom = self.never_returned(idle);
                symptom.got_bytes = got;
                Err(symptom)
            }
        }
    }

    /// The scripted conversation so far; one that is over is known already.
    pub(super) fn story_so_far(&mut self) -> Option<&Timeline> {
        if self.judged.is_none() {
            let before = self.story.take();
            self.program.ask_for_the_story();
            // A program that is still there answers at once.
            let until = Instant::now() + STORY;
            while self.story.is_none()
                && self.program.exit().is_none()
                && Instant::now() < until
            {
                thread::sleep(Duration::from_millis(1));
                self.hear();
            }
            self.story = self.story.take().or(before);
        }
        self.hear();
        self.story.as_ref()
    }

    /// What the program has open, where the kernel tells.
    pub fn descriptors(&self) -> Option<Descriptors> {
        kernel::descriptors(self.program.pid())
    }

    /// Waits until the program has no more descriptors open than `before`.
    ///
    /// # Errors
    ///
    /// [`Kind::Leaks`] where it comes to rest with more.
    pub fn expect_descriptors(
        &mut self,
        before: Option<Descriptors>,
        callers: usize,
    ) -> Result<(), Symptom> {
        let Some(before) = before else { return Ok(()) };
        let waited = self.wait(&On::Nothing, |stage| {
            let now = stage.descriptors();
            Ok(now.is_none_or(|now| now.all <= before.all).then_some(()))
        })?;
        waited.map_err(|idle| {
            let now = self.descriptors().unwrap_or(before);
            let leaked = now.connections.saturating_sub(before.connections);
            let mut got =
                format!("{}, after {callers} callers came and went", now.all);
            if leaked > 0 {
                got += &format!("; {leaked} of them are connections");
            }
            let summary = "descriptors stay open after the callers left";
            let mut symptom = Symptom::new(Kind::Leaks, summary)
                .with_words(
                    format!("{} open descriptors, as before", before.all),
                    got,
                )
                .while_idle(idle);
            symptom.signs.leaked = leaked;
            symptom
        })
    }
}

/// So many lines, or bytes where there are no lines.
fn answered(bytes: &[u8]) -> String {
    match bytes.iter().filter(|byte| **byte == b'\n').count() {
        0 => count(bytes.len()),
        1 => "1 line".into(),
        lines => format!("{} lines", view::number(lines as u64)),
    }
}

/// The program does not take the last bytes that it is sent.
fn not_taken(peer: &mut Peer, rest: usize, idle: Idle) -> Symptom {
    peer.gave_up(format!("the last {} are not taken", count(rest)));
    let summary = "your program stopped reading";
    Symptom::new(Kind::NoAnswer, summary).while_idle(idle)
}

/// Whether a connection failed for want of somebody who takes it: with a full accept
/// queue the kernel drops the request, and it times out. What else there is, such as no
/// descriptor or no port left, is about this side.
fn blames_the_program(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset, TimedOut};
    matches!(error.kind(), ConnectionRefused | ConnectionReset | TimedOut)
}

fn count(bytes: usize) -> String {
    view::bytes(bytes as u64)
}

/// The beginning of what a function over a script had written.
fn said(story: &Timeline) -> Vec<u8> {
    const ENOUGH: usize = 256; // bytes
    let mut said = Vec::new();
    for event in &story.events {
        if let (What::Sent(payload), Side::Right) = (&event.what, event.side)
            && said.len() < ENOUGH
        {
            said.extend_from_slice(&payload.head);
        }
    }
    said
}
