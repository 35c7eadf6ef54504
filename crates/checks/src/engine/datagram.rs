//! Programs that talk in datagrams, and the peers at the other end.
//!
//! There is no connection: a peer is a socket with an address of its own. Everything
//! that it sends or gets is a line of the timeline, one link for each socket.

use std::cell::Cell;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;

use wire::relay::{Lossy, Relay};
use wire::{Recorder, Side};

use super::child::Report;
use super::peer::broken;
use super::stage::Stage;
use super::wait::On;
use super::{Faces, Probe};
use crate::symptom::{self, Kind, Symptom};

/// Longer than any datagram (RFC 768: a length of 16 bits).
const BUFFER: usize = 1 << 16;

impl Probe {
    /// A probe of a program that waits for datagrams: `act` binds a socket and says
    /// where with [`Report::listening`], as [`act`] does.
    pub fn datagrams(
        name: &'static str,
        title: &'static str,
        act: impl Fn(&Report) + Send + Sync + 'static,
        play: impl Fn(&mut Stage) -> Result<(), Symptom> + Send + Sync + 'static,
    ) -> Self {
        let (act, play) = (Box::new(act), Box::new(play));
        Self::new(name, title, Faces::Datagrams, act, play)
    }

    /// A probe of a program that sends the first datagram: [`Report::peer`] tells it
    /// where to, and `play` is given the socket that is there.
    pub fn asks(
        name: &'static str,
        title: &'static str,
        act: impl Fn(&Report) + Send + Sync + 'static,
        play: impl Fn(&mut Stage, &mut Correspondent) -> Result<(), Symptom>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        let play = move |stage: &mut Stage| {
            let socket = stage.front.take().expect("this stage was opened with one");
            let mut server = stage.correspondent(socket)?;
            play(stage, &mut server)
        };
        let (act, play) = (Box::new(act), Box::new(play));
        Self::new(name, title, Faces::Asker, act, play)
    }
}

/// Runs a learner's function over a socket of its own, at a port of the kernel's
/// choice.
pub fn act(report: &Report, serve: impl FnOnce(UdpSocket) -> io::Result<()>) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
    match socket.and_then(|socket| Ok((socket.local_addr()?, socket))) {
        Ok((addr, socket)) => {
            report.listening(addr);
            report.returned(serve(socket).map(|()| ""));
        }
        Err(error) => eprintln!("the check cannot bind on 127.0.0.1: {error}"),
    }
}

/// A socket at the peer's end.
pub struct Correspondent {
    socket: Arc<UdpSocket>,
    link: u32,
    local: SocketAddr,
    recorder: Recorder,
    /// Whether what comes next is shown as lost.
    losing: Cell<bool>,
}

impl Correspondent {
    /// Its address.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Sends one datagram to `to`.
    ///
    /// # Errors
    ///
    /// [`Kind::Broken`] where the kernel does not take it.
    pub fn send_to(&self, to: SocketAddr, bytes: &[u8]) -> Result<(), Symptom> {
        self.recorder.sent(self.link, Side::Left, bytes);
        match self.socket.send_to(bytes, to) {
            // What an earlier datagram met; this one is on its way, or would meet it.
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(()),
            Err(error) => Err(broken("send a datagram", error)),
        }
    }

    /// Writes a line into the timeline.
    pub fn note(&self, text: impl Into<String>) {
        self.recorder.note(self.link, Side::Left, text);
    }

    /// Shows the next datagram that the program sends here as one that was lost on its
    /// way, as the peer will have it.
    pub fn lose_next(&self) {
        self.losing.set(true);
    }

    /// What has come, if anything has, and from where.
    pub fn take(&self) -> Result<Option<(Vec<u8>, SocketAddr)>, Symptom> {
        let mut buffer = vec![0; BUFFER];
        loop {
            match self.socket.recv_from(&mut buffer) {
                Ok((length, from)) => {
                    buffer.truncate(length);
                    match self.losing.take() {
                        true => self.recorder.lost(self.link, Side::Right, &buffer),
                        false => self.recorder.sent(self.link, Side::Right, &buffer),
                    }
                    return Ok(Some((buffer, from)));
                }
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => return Ok(None),
                    // An answer from the kernel that nobody is there; the program's own
                    // state tells more.
                    ErrorKind::Interrupted | ErrorKind::ConnectionRefused => {}
                    _ => return Err(broken("receive a datagram", error)),
                },
            }
        }
    }
}

impl Stage {
    /// A new socket at the peer's end.
    ///
    /// # Errors
    ///
    /// [`Kind::Broken`] where the kernel has none.
    pub fn stranger(&mut self) -> Result<Correspondent, Symptom> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
            .map_err(|error| broken("bind on 127.0.0.1", error))?;
        self.correspondent(socket)
    }

    /// A relay in front of the program, which does as `how` says; what passes it
    /// stands in the timeline.
    ///
    /// # Errors
    ///
    /// [`Kind::Broken`] where it cannot be started.
    pub fn relay(&mut self, how: Lossy) -> Result<Relay, Symptom> {
        let to = self.address.expect("this program listens");
        UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|front| how.record(self.recorder.clone()).start(front, to))
            .map_err(|error| broken("start a relay", error))
    }

    fn correspondent(&mut self, socket: UdpSocket) -> Result<Correspondent, Symptom> {
        self.links += 1;
        let local = socket
            .set_nonblocking(true)
            .and_then(|()| socket.local_addr())
            .map_err(|error| broken("set a socket up", error))?;
        Ok(Correspondent {
            socket: Arc::new(socket),
            link: self.links,
            local,
            recorder: self.recorder.clone(),
            losing: Cell::new(false),
        })
    }

    /// Sends a datagram to the program's own address.
    ///
    /// # Errors
    ///
    /// As [`Correspondent::send_to`].
    pub fn tell(
        &mut self,
        peer: &Correspondent,
        bytes: &[u8],
    ) -> Result<(), Symptom> {
        let to = self.address.expect("this program listens");
        peer.send_to(to, bytes)
    }

    /// Has a new peer send a datagram, and close its socket at once.
    ///
    /// The program is not stopped meanwhile: a call with a time limit that waits while
    /// its process is stopped fails with EINTR (signal(7)), and that would be our doing.
    ///
    /// # Errors
    ///
    /// As [`Stage::stranger`] and [`Correspondent::send_to`].
    pub fn tell_and_leave(&mut self, bytes: &[u8]) -> Result<(), Symptom> {
        let leaves = self.stranger()?;
        self.tell(&leaves, bytes)?;
        leaves.note("closes its socket");
        Ok(())
    }

    /// Waits for the next datagram that the program sends to `peer`.
    ///
    /// # Errors
    ///
    /// [`Kind::NoAnswer`] where none comes.
    pub fn datagram(
        &mut self,
        peer: &Correspondent,
    ) -> Result<(Vec<u8>, SocketAddr), Symptom> {
        let on = On::Datagram(Arc::clone(&peer.socket));
        let came = self.wait(&on, |_| peer.take())?;
        came.map_err(|idle| {
            peer.recorder
                .gave_up(peer.link, Side::Left, "no datagram comes");
            Symptom::new(Kind::NoAnswer, "no datagram came from your program")
                .while_idle(idle)
        })
    }

    /// Waits for exactly this datagram, from the address that the program is known
    /// by.
    ///
    /// # Errors
    ///
    /// [`Kind::NoAnswer`], [`Kind::Wrong`] where other bytes come, [`Kind::Rule`]
    /// where they come from another address.
    pub fn expect_datagram(
        &mut self,
        peer: &Correspondent,
        expected: &[u8],
    ) -> Result<(), Symptom> {
        self.expect_one_of(peer, &[expected]).map(drop)
    }

    /// Waits for one of these datagrams, from the address that the program is known
    /// by; its place among them.
    ///
    /// # Errors
    ///
    /// As [`Stage::expect_datagram`], told of the first of them.
    pub fn expect_one_of(
        &mut self,
        peer: &Correspondent,
        any: &[&[u8]],
    ) -> Result<usize, Symptom> {
        let expected = any.first().copied().unwrap_or_default();
        let (got, from) = self.datagram(peer).map_err(|mut symptom| {
            symptom.expected = shown(expected);
            symptom.got = "nothing".into();
            symptom.expected_bytes = expected.to_vec();
            symptom
        })?;
        let Some(place) = any.iter().position(|one| *one == got) else {
            let summary = "another datagram came than was agreed";
            let mut symptom =
                Symptom::new(Kind::Wrong, summary).with_bytes(expected, &got);
            for (bytes, told) in
                [(expected, &mut symptom.expected), (&got, &mut symptom.got)]
            {
                if bytes.is_empty() {
                    *told = shown(bytes);
                }
            }
            return Err(symptom);
        };
        match self.address {
            Some(own) if own != from => {
                let summary = "the answer came from another address";
                Err(Symptom::new(Kind::Rule, summary)
                    .with_words(format!("from {own}"), format!("from {from}")))
            }
            _ => Ok(place),
        }
    }

    /// Waits until the program has come to rest, and expects that it has sent
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`Kind::Wrong`] where something came, [`Kind::Gone`] where the program ended.
    pub fn expect_no_datagram(
        &mut self,
        peer: &Correspondent,
    ) -> Result<(), Symptom> {
        let on = On::Datagram(Arc::clone(&peer.socket));
        match self.wait(&on, |_| peer.take())? {
            Ok((got, _)) => {
                let summary = "a datagram came that was not agreed";
                let mut symptom = Symptom::new(Kind::Wrong, summary)
                    .with_words("no datagram", shown(&got));
                symptom.got_bytes = got;
                Err(symptom)
            }
            Err(idle) => {
                let symptom = Symptom::new(
                    Kind::Gone,
                    "your program ended instead of waiting for more",
                )
                .while_idle(idle);
                match symptom.is_over() {
                    true => Err(symptom),
                    false => Ok(()),
                }
            }
        }
    }
}

/// As [`symptom::shown`], of a datagram: without bytes it is still one.
fn shown(bytes: &[u8]) -> String {
    match bytes {
        [] => "an empty datagram".into(),
        bytes => symptom::shown(bytes),
    }
}
