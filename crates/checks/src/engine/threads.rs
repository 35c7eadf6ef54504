//! What a peer does, and looks for, where a program has several threads and several
//! callers at once.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;

use super::child::EAR;
use super::peer::{Peer, broken};
use super::stage::{Idle, Stage};
use super::wait::On;
use crate::symptom::{self, Doing, Kind, Symptom};

/// So many lines of a flood stand in the timeline.
const TOLD: usize = 2;

/// How a caller that did not read found what it was sent.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// How many bytes there were.
    pub bytes: usize,
    /// Whether the connection was over behind them.
    pub over: bool,
}

impl Stage {
    /// How many threads the program has at this moment, where the kernel tells.
    pub fn threads(&self) -> Option<usize> {
        let glance = xray::glance(self.program.pid()).ok()?;
        let own = |thread: &&xray::Thread| thread.name != EAR && !thread.has_ended();
        Some(glance.threads.iter().filter(own).count())
    }

    /// How many separate pieces its memory has: the stack of a thread is one, with a
    /// guard before it that is another (proc_pid_maps(5)).
    pub fn mappings(&self) -> Option<usize> {
        let maps = fs::read_to_string(format!("/proc/{}/maps", self.program.pid()));
        Some(maps.ok()?.lines().count())
    }

    /// Waits until the program has no more threads than `before`.
    ///
    /// # Errors
    ///
    /// [`Kind::Leaks`] where it comes to rest with more.
    pub fn expect_threads(
        &mut self,
        before: Option<usize>,
        callers: usize,
    ) -> Result<(), Symptom> {
        let Some(before) = before else { return Ok(()) };
        let waited = self.wait(&On::Nothing, |stage| {
            let now = stage.threads();
            Ok(now.is_none_or(|now| now <= before).then_some(()))
        })?;
        waited.map_err(|idle| {
            let now = self.threads().unwrap_or(before);
            let summary = "threads are left over after the callers left";
            Symptom::new(Kind::Leaks, summary)
                .with_words(
                    format!("{before} threads, as before"),
                    format!("{now}, after {callers} callers came and went"),
                )
                .while_idle(idle)
        })
    }

    /// Lets the program come to rest, whatever it does; what it was doing then.
    pub fn at_rest(&mut self) -> Result<Idle, Symptom> {
        let rest = self.wait(&On::Nothing, |_| Ok(None::<()>))?;
        Ok(rest.expect_err("a wait for nothing ends when the program rests"))
    }

    /// Waits until the program has come to rest, and expects that this caller, whose
    /// turn it is not, has heard nothing.
    ///
    /// # Errors
    ///
    /// As [`Stage::expect_nothing`].
    pub fn expect_no_turn(
        &mut self,
        peer: &mut Peer,
        expected: &str,
    ) -> Result<(), Symptom> {
        self.expect_nothing(peer).map_err(|mut symptom| {
            if symptom.kind == Kind::Wrong {
                symptom.summary = "this caller was not to hear anything now".into();
            }
            if !symptom.expected.is_empty() {
                symptom.expected = expected.into();
            }
            symptom
        })
    }

    /// The panic that has been heard of was the check's own: it does not count.
    pub fn forget_the_panic(&mut self) {
        self.hear();
        self.panic = None;
    }

    /// Has `from` send `line` so often, one after another, and `to` take each before
    /// the next is sent.
    ///
    /// # Errors
    ///
    /// Those of `to`, who hears something else or no more.
    pub fn pass_on(
        &mut self,
        from: &mut Peer,
        to: &mut Peer,
        line: &[u8],
        times: usize,
    ) -> Result<(), Symptom> {
        for turn in 0..times {
            let quiet = turn >= TOLD;
            (from.quiet, to.quiet) = (from.quiet || quiet, to.quiet || quiet);
            let sent = self.send(from, line);
            let heard = sent.and_then(|()| self.expect(to, line));
            if let Err(symptom) = heard {
                (from.quiet, to.quiet) = (false, false);
                return Err(symptom);
            }
        }
        Ok(())
    }

    /// From here on the timeline has again what these send and hear.
    pub fn aloud(&self, peers: [&mut Peer; 2]) {
        for peer in peers {
            peer.quiet = false;
        }
    }

    /// A caller that has not read for long reads all that there is, to the end or until
    /// the program has come to rest.
    ///
    /// # Errors
    ///
    /// Those of the check itself.
    pub fn reads_at_last(
        &mut self,
        peer: &mut Peer,
    ) -> Result<(Found, Option<Idle>), Symptom> {
        let on = On::Read(Arc::clone(&peer.stream));
        peer.quiet = true;
        let (mut bytes, mut idle) = (0, None);
        while peer.over.is_none() && idle.is_none() {
            idle = self.wait(&on, |_| Ok(peer.take_in()?.then_some(())))?.err();
            bytes += peer.unseen.len();
            peer.unseen.clear();
        }
        peer.quiet = false;
        let over = peer.over.is_some();
        Ok((Found { bytes, over }, idle))
    }

    /// Takes so many lines from one caller, whatever they are.
    ///
    /// # Errors
    ///
    /// [`Kind::NoAnswer`] where they do not come, [`Kind::EarlyEnd`] where the
    /// connection ends before.
    pub fn lines(
        &mut self,
        peer: &mut Peer,
        number: usize,
    ) -> Result<Vec<Vec<u8>>, Symptom> {
        let on = On::Read(Arc::clone(&peer.stream));
        let came = |peer: &Peer| peer.unseen.iter().filter(|b| **b == b'\n').count();
        let mut idle = None;
        while came(peer) < number && peer.over.is_none() && idle.is_none() {
            idle = self.wait(&on, |_| Ok(peer.take_in()?.then_some(())))?.err();
        }
        let all = std::mem::take(&mut peer.unseen);
        let lines: Vec<Vec<u8>> = (all.split_inclusive(|byte| *byte == b'\n'))
            .map(<[u8]>::to_vec)
            .collect();
        if lines.len() >= number {
            return Ok(lines);
        }
        let got = format!("{} lines", lines.len());
        let (kind, summary) = match idle {
            Some(_) => (Kind::NoAnswer, "lines are missing, and no more come"),
            None => (Kind::EarlyEnd, "the connection ended before all lines came"),
        };
        peer.stays_open();
        let symptom =
            Symptom::new(kind, summary).with_words(format!("{number} lines"), got);
        Err(match idle {
            Some(idle) => symptom.while_idle(idle),
            None => symptom,
        })
    }

    /// Tells the program to stop: the check's thread in it passes the word on.
    ///
    /// # Errors
    ///
    /// If it cannot be sent.
    pub fn tell_to_stop(&mut self) -> Result<(), Symptom> {
        self.note("your function is told to stop");
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port()));
        UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|socket| socket.send_to(b"stop", to))
            .map_err(|error| broken("tell the program to stop", error))?;
        Ok(())
    }

    /// A caller that comes when nobody is served any more: it is refused, or its
    /// connection ends, or it hears nothing.
    ///
    /// # Errors
    ///
    /// [`Kind::Wrong`] where it is served.
    pub fn expect_no_service(&mut self) -> Result<Option<Peer>, Symptom> {
        let mut late = match self.connect() {
            Ok(late) => late,
            Err(symptom) if symptom.kind == Kind::Refused => return Ok(None),
            Err(symptom) => return Err(symptom),
        };
        late.sends(b"too late");
        let _ = late.write(b"too late"); // it may be over already
        match self.wait(&On::Read(Arc::clone(&late.stream)), |_| {
            Ok(late.take_in()?.then_some(()))
        })? {
            Err(idle) if idle.doing == Doing::Ended => {
                Err(Symptom::new(Kind::Gone, "your program ended").while_idle(idle))
            }
            Ok(()) if !late.unseen.is_empty() => {
                let got = symptom::shown(&late.unseen);
                let summary = "a caller was served that came after the word to stop";
                late.stays_open();
                Err(Symptom::new(Kind::Wrong, summary).with_words("nothing", got))
            }
            _ => Ok(Some(late)),
        }
    }
}

impl Peer {
    /// Bounds the kernel's buffers at this end, so that it is soon seen who does not
    /// read.
    ///
    /// # Errors
    ///
    /// Those of the check itself.
    pub fn bound_buffers(&self) -> Result<(), Symptom> {
        self.keep_buffers_small()
    }
}
