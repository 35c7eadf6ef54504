//! What a peer does, and looks for, where something is to go wrong or to end.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::peer::Peer;
use super::stage::Stage;
use super::wait::On;
use crate::kernel;
use crate::symptom::{self, Doing, Kind, Symptom};

/// How long the kernel may take to refuse a connection on loopback.
const REFUSES: Duration = Duration::from_secs(1);

/// How long a program that wakes now and then is watched while it is to wait on.
const PATIENT: Duration = Duration::from_millis(1500);

/// How long a function that should be over is watched asleep.
const STILL: Duration = Duration::from_millis(150);

/// What a program did while bytes dripped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dripped {
    /// It stopped reading.
    Stopped,
    /// It went on taking bytes long after its time was over.
    TookOn,
}

impl Stage {
    /// Does what Ctrl-C in a terminal does: SIGINT to the program.
    pub fn interrupt(&mut self) {
        self.note("Ctrl-C: your program gets SIGINT");
        self.program.signal(Signal::INT);
    }

    /// Stops the program where it is (SIGSTOP), until [`Stage::let_go`].
    pub fn hold(&mut self) {
        self.program.signal(Signal::STOP);
        self.until_stopped();
    }

    /// Lets a program go on that was held.
    pub fn let_go(&mut self) {
        self.program.signal(Signal::CONT);
    }

    /// Waits until the program has come to rest, and expects that it has said nothing.
    ///
    /// # Errors
    ///
    /// [`Kind::Wrong`] where something came, [`Kind::EarlyEnd`] or [`Kind::Reset`]
    /// where the connection ended, [`Kind::Gone`] where the program did.
    pub fn expect_nothing(&mut self, peer: &mut Peer) -> Result<(), Symptom> {
        self.expect_nothing_for(peer, Duration::MAX)
    }

    /// As [`Stage::expect_nothing`], of a program that has a long time limit and may
    /// wake now and then.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn expect_nothing_yet(&mut self, peer: &mut Peer) -> Result<(), Symptom> {
        self.expect_nothing_for(peer, PATIENT)
    }

    fn expect_nothing_for(
        &mut self,
        peer: &mut Peer,
        enough: Duration,
    ) -> Result<(), Symptom> {
        let on = On::Read(Arc::clone(&peer.stream));
        let start = Instant::now();
        let came = self.wait(&on, |_| {
            let came = peer.take_in()?;
            Ok((came || start.elapsed() > enough).then_some(came))
        })?;
        match came {
            Ok(false) => return Ok(()),
            Err(idle) if matches!(idle.doing, Doing::Ended | Doing::Returned) => {
                let summary = "your program ended instead of listening on";
                let mut symptom = Symptom::new(Kind::Gone, summary).while_idle(idle);
                symptom.signs.matched = peer.matched;
                return Err(symptom);
            }
            Err(_) => return Ok(()),
            Ok(true) => {}
        }
        let got = std::mem::take(&mut peer.unseen);
        let (kind, summary) = match peer.over {
            _ if !got.is_empty() => {
                (Kind::Wrong, "your program spoke before it was its turn")
            }
            Some(super::peer::Over::Reset) => {
                (Kind::Reset, "your program reset the connection")
            }
            _ => (Kind::EarlyEnd, "your program ended the connection"),
        };
        let mut symptom = Symptom::new(kind, summary).with_words(
            "nothing, as long as the caller has not ended its side",
            match got.is_empty() {
                true => "the end of the connection".into(),
                false => symptom::shown(&got),
            },
        );
        symptom.got_bytes = got;
        symptom.signs.matched = peer.matched;
        Err(symptom)
    }

    /// Waits until the program has ended the connection, in whichever way.
    ///
    /// # Errors
    ///
    /// [`Kind::NoEnd`] where it comes to rest and has not.
    pub fn expect_over(&mut self, peer: &mut Peer) -> Result<(), Symptom> {
        let on = On::Read(Arc::clone(&peer.stream));
        let over = self.wait(&on, |_| {
            peer.take_in()?;
            peer.unseen.clear();
            Ok(peer.over.map(|_| ()))
        })?;
        over.map_err(|idle| {
            peer.gave_up("the end does not come");
            let summary = "the connection stays open";
            Symptom::new(Kind::NoEnd, summary)
                .with_words("the end of the connection", "nothing")
                .while_idle(idle)
        })
    }

    /// Sends a byte at a time with a `pause` after each, until the program reads no
    /// more, or has taken `most` of them after `limit` had passed.
    ///
    /// Only what was taken counts, not the time that passed meanwhile: a program that
    /// is not let run takes nothing.
    ///
    /// # Errors
    ///
    /// As [`Stage::send`].
    pub fn drip(
        &mut self,
        peer: &mut Peer,
        pause: Duration,
        limit: Duration,
        most: usize,
    ) -> Result<Dripped, Symptom> {
        let start = Instant::now();
        let mut late = 0;
        for nr in 0.. {
            self.hear();
            peer.take_in()?;
            if self.returned.is_some()
                || self.program.exit().is_some()
                || peer.over.is_some()
            {
                break;
            }
            peer.quiet = nr >= 3; // enough to see how it goes
            let was_late = start.elapsed() > limit;
            self.send(peer, b".")?;
            self.until_taken(peer)?;
            peer.take_in()?;
            let taken = kernel::unread(peer.remote, peer.local) == Some(0);
            if was_late && taken && peer.over.is_none() {
                late += 1;
            }
            if late >= most {
                peer.quiet = false;
                self.note("and so on, a byte at a time, long after the limit");
                return Ok(Dripped::TookOn);
            }
            thread::sleep(pause); // shapes the input
        }
        peer.quiet = false;
        Ok(Dripped::Stopped)
    }

    /// Expects that the function waits on: its time is far from over, and nothing
    /// happens. One that wakes now and then is watched for as long as `most`.
    ///
    /// # Errors
    ///
    /// [`Kind::WrongValue`] where it returned, [`Kind::Gone`] where the program ended.
    pub fn expect_patience(&mut self, most: Duration) -> Result<(), Symptom> {
        let start = Instant::now();
        let returned = self.wait(&On::Nothing, |stage| {
            let enough = start.elapsed() > most;
            Ok((stage.returned.is_some() || enough).then(|| stage.returned.clone()))
        })?;
        match returned {
            Ok(None) => Ok(()),
            Ok(Some(Ok(got) | Err(got))) => {
                let summary = "your function returned before its time was over";
                Err(Symptom::new(Kind::WrongValue, summary)
                    .with_words("a function that waits on", got))
            }
            Err(idle) if idle.doing == Doing::Ended => {
                let summary = "your program ended instead of waiting on";
                Err(Symptom::new(Kind::Gone, summary).while_idle(idle))
            }
            Err(_) => Ok(()),
        }
    }

    /// Waits until the program has come to rest, or is over.
    ///
    /// # Errors
    ///
    /// Where the check cannot look.
    pub fn until_at_rest(&mut self) -> Result<(), Symptom> {
        self.wait(&On::Nothing, |_| Ok(None::<()>)).map(drop)
    }

    /// Whether the function sleeps on, unchanged, and has not returned. It is for a
    /// moment at which its time is over: who is only kept from a busy processor does
    /// not sleep, but is ready to run.
    pub fn sleeps_on(&mut self) -> bool {
        let mut watch = kernel::Watch::start(self.program.pid());
        let start = Instant::now();
        while start.elapsed() < STILL {
            self.hear();
            let over = self.returned.is_some() || self.program.exit().is_some();
            if over || watch.is_blind() {
                return false;
            }
            watch.verdict(STILL, STILL);
            if watch.is_running() {
                return false;
            }
            thread::sleep(Duration::from_millis(5));
        }
        watch.is_at_rest_for(STILL / 2)
    }

    /// Expects that a caller that has spoken has got no word of answer.
    ///
    /// # Errors
    ///
    /// [`Kind::Rule`] where it got one.
    pub fn expect_unserved(&mut self, peer: &mut Peer) -> Result<(), Symptom> {
        peer.take_in()?;
        if peer.unseen.is_empty() {
            return Ok(());
        }
        let summary = "a caller that was waiting was served after all";
        Err(Symptom::new(Kind::Rule, summary).with_words(
            "no answer: the signal came before its turn",
            symptom::shown(&peer.unseen),
        ))
    }

    /// What the program is doing at this moment, as part of `symptom`.
    pub fn as_it_is(&mut self, symptom: Symptom) -> Symptom {
        let idle = self.idle(Doing::Restless);
        symptom.while_idle(idle)
    }

    /// Expects that nobody listens at the program's port any more, and that another
    /// can, while its process is still there.
    ///
    /// # Errors
    ///
    /// [`Kind::Leaks`] where the port is still occupied.
    pub fn expect_free_port(&mut self) -> Result<(), Symptom> {
        let port = self.port();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        // To connect would be a call, for which the program may only have waited. The
        // kernel's list of sockets tells without one.
        let _ =
            self.wait(&On::Nothing, |_| Ok((!is_listening(port)).then_some(())))?;
        let what = if is_listening(port) {
            "a socket that still listens there".to_string()
        } else if TcpStream::connect_timeout(&address, REFUSES).is_ok() {
            "a connection".to_string()
        } else {
            match TcpListener::bind(address) {
                Ok(_) => return Ok(()),
                Err(error) => format!("bind fails: {error}"),
            }
        };
        let summary = "your function has returned, and its port is not free";
        let symptom = Symptom::new(Kind::Leaks, summary);
        let symptom =
            symptom.with_words(format!("nobody listens at {address}"), what);
        Err(self.as_it_is(symptom))
    }

    /// Whether the function returns once somebody calls: it is called, and the caller
    /// says nothing and hangs up.
    pub fn returns_after_a_call(&mut self) -> bool {
        let Ok(caller) = self.connect() else {
            return false;
        };
        caller.close();
        self.returned().is_ok()
    }
}

/// Whether a socket listens on this port; where the kernel does not tell, none.
fn is_listening(port: u16) -> bool {
    let sockets = xray::tcp_on(port).unwrap_or_default();
    sockets.iter().any(xray::TcpSocket::is_listening)
}
