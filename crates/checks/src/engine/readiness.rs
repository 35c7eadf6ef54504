//! What a peer does with a program that serves many at once, and looks for in it.

use std::io::{BufRead, BufReader, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use wire::view;

use super::child::{EAR, Report};
use super::peer::{Peer, broken};
use super::stage::Stage;
use super::wait::On;
use crate::symptom::{Doing, Kind, Symptom};

/// EPOLLET of epoll_ctl(2), as the kernel tells it.
const EPOLLET: u32 = 1 << 31;

/// More than the kernel keeps for a connection of which this end's buffers are small
/// (tcp(7): tcp_rmem, tcp_wmem).
const ENOUGH: usize = 16 << 20;

impl Stage {
    /// Sends `unit` again and again until the program takes no more, or has taken
    /// more than any buffer holds; returns how many bytes went. Nothing is read
    /// meanwhile.
    ///
    /// # Errors
    ///
    /// Those of the check itself. A reset is left to whoever reads next.
    pub fn flood(&mut self, peer: &mut Peer, unit: &[u8]) -> Result<usize, Symptom> {
        peer.keep_buffers_small()?;
        let mut sent = 0;
        while sent < ENOUGH {
            let rest = &unit[sent % unit.len()..];
            match peer.write(rest) {
                Ok(written) => sent += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    // Full, or only not emptied yet: the program's rest decides.
                    let on = On::Write(Arc::clone(&peer.stream));
                    let more = self.wait(&on, |_| match peer.write(rest) {
                        Ok(written) => Ok(Some(Some(written))),
                        Err(error) if error.kind() == ErrorKind::WouldBlock => {
                            Ok(None)
                        }
                        Err(_) => Ok(Some(None)),
                    })?;
                    match more {
                        Ok(Some(written)) => sent += written,
                        Ok(None) | Err(_) => break,
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        peer.quiet = true;
        let told = format!("sends {}, and reads nothing", view::bytes(sent as u64));
        self.recorder.note(peer.link, wire::Side::Left, told);
        Ok(sent)
    }

    /// How many bytes the program has read of all the `sent` ones of a caller.
    /// Nothing where the kernel does not tell.
    pub fn taken(&self, peer: &Peer, sent: usize) -> Option<usize> {
        Some(sent.saturating_sub(self.both_ends(peer)?.before_it()))
    }

    /// How many bytes of a caller's the program holds itself: what it has read of all
    /// the `sent` ones, less what it has written, if it sends back as much as it
    /// gets. Nothing where the kernel does not tell.
    pub fn held(&self, peer: &Peer, sent: usize) -> Option<usize> {
        // One picture for both directions: what passed through the program between two
        // would be charged to it.
        let ends = self.both_ends(peer)?;
        let arrived = peer.matched + peer.unseen.len();
        // What has arrived and is not acknowledged yet counts twice; it is little.
        Some(sent.saturating_sub(ends.before_it() + ends.behind_it() + arrived))
    }

    /// The sockets at both ends, once nothing moves between them: one is asked after the
    /// other, and what passed from queue to queue meanwhile would count twice or not at
    /// all.
    fn both_ends(&self, peer: &Peer) -> Option<Ends> {
        const LOOKS: usize = 200; // so many that bytes which still move do not stop
        let mut seen = both_ends_now(peer)?;
        for _ in 0..LOOKS {
            thread::sleep(Duration::from_millis(1));
            let now = both_ends_now(peer)?;
            if now == seen {
                break;
            }
            seen = now;
        }
        Some(seen)
    }

    /// What has come of `peer`, and whether its connection is over, once something
    /// has come or the program has come to rest.
    ///
    /// # Errors
    ///
    /// Those of the check itself, and [`Kind::Gone`] where the program has ended.
    pub fn hear_or_rest(
        &mut self,
        peer: &mut Peer,
    ) -> Result<(Vec<u8>, bool), Symptom> {
        loop {
            let on = On::Read(Arc::clone(&peer.stream));
            let heard = self.wait(&on, |_| Ok(peer.take_in()?.then_some(())))?;
            match heard {
                Ok(()) if peer.over.is_none() => {} // and more?
                Err(idle) if matches!(idle.doing, Doing::Ended | Doing::Returned) => {
                    let summary = "your program ended instead of serving on";
                    return Err(Symptom::new(Kind::Gone, summary).while_idle(idle));
                }
                _ => break,
            }
        }
        Ok((peer.unseen.clone(), peer.over.is_some()))
    }

    /// As [`Stage::send`], without a word of it in the timeline.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn send_quietly(
        &mut self,
        peer: &mut Peer,
        bytes: &[u8],
    ) -> Result<(), Symptom> {
        peer.quiet = true;
        peer.keep_buffers_small()?;
        self.send(peer, bytes)
    }

    /// Sends `bytes` and the end behind them in one segment: TCP_CORK of tcp(7) holds
    /// the bytes back until the end is there to go with them.
    ///
    /// # Errors
    ///
    /// As [`Stage::send`].
    pub fn send_and_end(
        &mut self,
        peer: &mut Peer,
        bytes: &[u8],
    ) -> Result<(), Symptom> {
        // Elsewhere than on Linux two segments have to do.
        #[cfg(target_os = "linux")]
        use rustix::net::sockopt;
        #[cfg(target_os = "linux")]
        sockopt::set_tcp_nodelay(&*peer.stream, false)
            .and_then(|()| sockopt::set_tcp_cork(&*peer.stream, true))
            .map_err(|error| broken("set TCP_CORK", error.into()))?;
        self.send(peer, bytes)?;
        peer.end();
        Ok(())
    }

    /// Waits for exactly these bytes, and writes their number into the timeline in
    /// place of the bytes.
    ///
    /// # Errors
    ///
    /// As [`Stage::expect`].
    pub fn expect_much(
        &mut self,
        peer: &mut Peer,
        expected: &[u8],
    ) -> Result<(), Symptom> {
        /// Each of these has the time that an answer may take for itself.
        const PIECE: usize = 1 << 20;
        peer.quiet = true;
        for (nr, piece) in expected.chunks(PIECE).enumerate() {
            if let Err(mut symptom) = self.expect(peer, piece) {
                symptom.expected_bytes = expected[nr * PIECE..].to_vec();
                return Err(symptom);
            }
        }
        peer.quiet = false;
        let told = format!("reads {}", view::bytes(expected.len() as u64));
        self.recorder.note(peer.link, wire::Side::Left, told);
        Ok(())
    }

    /// Expects that the program has one thread, and has started no process.
    ///
    /// # Errors
    ///
    /// [`Kind::Rule`] where there are more.
    pub fn expect_alone(&mut self) -> Result<(), Symptom> {
        let pid = self.program.pid();
        let Ok(glance) = xray::glance(pid) else {
            return Ok(()); // it has ended, or the kernel cannot be asked
        };
        let threads = glance.threads.iter().filter(|it| it.name != EAR).count();
        let children = xray::children(pid).unwrap_or_default().len();
        if threads <= 1 && children == 0 {
            return Ok(());
        }
        let summary = "your program serves in more than one thread";
        let symptom = Symptom::new(Kind::Rule, summary).with_words(
            "one thread, and no other process",
            format!("threads: {threads}; other processes: {children}"),
        );
        Err(self.as_it_is(symptom))
    }

    /// Expects that the program sleeps until something happens, or for a long time.
    ///
    /// # Errors
    ///
    /// [`Kind::Spins`] where it is busy, [`Kind::Rule`] where it wakes again and
    /// again.
    pub fn expect_long_sleep(&mut self) -> Result<(), Symptom> {
        self.note("says nothing for a while");
        let slept = self.wait(&On::Nothing, |_| Ok(None::<()>))?;
        let Err(idle) = slept else { return Ok(()) };
        let (kind, summary) = match idle.doing {
            Doing::Blocked => return Ok(()),
            Doing::Restless => (
                Kind::Rule,
                "your program wakes again and again, and nothing has happened",
            ),
            Doing::Spinning => (
                Kind::Spins,
                "your program keeps a processor busy while nobody says a word",
            ),
            Doing::Ended | Doing::Returned => {
                (Kind::Gone, "your program ended instead of waiting")
            }
        };
        Err(Symptom::new(kind, summary)
            .with_words("a program asleep in one system call", "another one")
            .while_idle(idle))
    }

    /// Expects that the program watches its listener and its connections by `epoll`,
    /// edge-triggered. Where the kernel cannot be asked, it is believed.
    ///
    /// # Errors
    ///
    /// [`Kind::Rule`] where one of them is watched otherwise, or not.
    pub fn expect_edges(&mut self) -> Result<(), Symptom> {
        let Ok(process) = xray::look(self.program.pid()) else {
            return Ok(());
        };
        let watches: Vec<xray::Watch> = process
            .descriptors
            .iter()
            .filter_map(|descriptor| match &descriptor.what {
                xray::Kind::Epoll(watches) => Some(watches.clone()),
                _ => None,
            })
            .flatten()
            .collect();
        for (fd, socket) in process.tcp() {
            let watch = watches.iter().find(|watch| watch.fd == fd);
            let got = match watch {
                None => "no epoll set watches it",
                Some(watch) if watch.events & EPOLLET == 0 => "EPOLLET is not set",
                Some(_) => continue,
            };
            let summary = "your program does not wait for edges";
            let symptom = Symptom::new(Kind::Rule, summary).with_words(
                "epoll with EPOLLET, for the listener and every connection",
                format!("fd {fd}, {socket}: {got}"),
            );
            return Err(self.as_it_is(symptom));
        }
        Ok(())
    }

    /// Has the child do what it is to do for the order `what`, which the timeline
    /// tells: see [`Report::on_order`].
    pub fn order(&mut self, what: &str) {
        self.note(what);
        self.program.ask_for_the_story(); // a line, whatever it is for
    }
}

impl Report {
    /// Runs `act` for every order of the check, in a thread that is the check's.
    pub fn on_order(&self, mut act: impl FnMut() + Send + 'static) {
        let line = self.line.lock().map(|line| line.try_clone());
        let Ok(Ok(line)) = line else { return };
        let ear = thread::Builder::new().name(EAR.into());
        let _ = ear.spawn(move || {
            for _ in BufReader::new(line).lines().map_while(Result::ok) {
                act();
            }
        });
    }
}

/// The two sockets of a connection.
#[derive(PartialEq)]
struct Ends {
    ours: xray::TcpSocket,
    theirs: xray::TcpSocket,
}

impl Ends {
    /// How many bytes are on their way to the program, or wait for it to read them.
    fn before_it(&self) -> usize {
        self.ours.unsent as usize + self.theirs.unread as usize
    }

    /// How many bytes are on their way from the program, or wait for us to read them.
    fn behind_it(&self) -> usize {
        self.theirs.unsent as usize + self.ours.unread as usize
    }
}

fn both_ends_now(peer: &Peer) -> Option<Ends> {
    let find = |local: SocketAddr, remote| {
        let sockets = xray::tcp_on(local.port()).ok()?;
        let mut sockets = sockets.into_iter();
        sockets.find(|it| it.local == local && it.remote == Some(remote))
    };
    let ours = find(peer.local, peer.remote)?;
    let theirs = find(peer.remote, peer.local)?;
    Some(Ends { ours, theirs })
}
