//! The loop of a server, one turn at a time: so that a thread can turn several.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use socket2::Socket;

use crate::addr::{Addr, Peer};
use crate::builder::Step;
use crate::crew::{Crew, Woken, wait};
use crate::error::{During, Error};
use crate::handle::{Serving, count, lock};
use crate::moment::from_now;
use crate::session::{House, guard};
use crate::source::{Asks, Source};

/// How long to wait when there are no descriptors left: somebody has to leave first.
pub(crate) const BACK_OFF: Duration = Duration::from_millis(50);

/// How long a worker may take to notice that its connection is gone.
const GRACE: Duration = Duration::from_secs(1);

/// How many are taken in one turn: a flood on one server keeps no other one, no tick and
/// no end waiting.
const AT_A_TIME: u64 = 64;

/// A server that is being served, turn by turn.
pub(crate) trait Turning {
    /// Notes that this thread serves it, until its last turn.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::ResourceBusy`] where somebody serves it already.
    fn begin(&mut self) -> io::Result<()>;

    /// Does what can be done now; how long it may rest then.
    fn turn(&mut self) -> io::Result<Rest>;

    /// What ends its rest: first its waker.
    fn ears(&self) -> Vec<BorrowedFd<'_>>;

    /// Asks it to stop.
    fn stop(&self);
}

/// What comes after a turn.
pub(crate) enum Rest {
    /// The next one, at once.
    None,
    /// Until one of its ears hears something, or for so long.
    Until(Option<Duration>),
    /// It was the last.
    Over,
}

enum Phase {
    /// It accepts, or receives.
    Open,
    /// Who is being served has until then.
    Draining(Instant),
    /// Who was ended by force has until then to notice.
    Forced(Instant),
}

/// The turns of a server under a crew.
pub(crate) struct Turns<'a, S, C> {
    house: &'a House,
    socket: &'a Socket,
    source: S,
    crew: C,
    phase: Phase,
    serving: Option<Serving>,
    /// Whether the next rest ends when somebody comes.
    listens: bool,
    next_tick: Option<Instant>,
    exhausted: Option<Instant>,
}

impl<'a, S, C> Turns<'a, S, C>
where
    S: Source,
    C: Crew<S::Request>,
{
    pub(crate) fn new(
        house: &'a House,
        socket: &'a Socket,
        source: S,
        crew: C,
    ) -> Self {
        let every = house.config.tick.as_ref().map(|(every, _)| *every);
        Self {
            house,
            socket,
            source,
            crew,
            phase: Phase::Open,
            serving: None,
            listens: false,
            next_tick: every.map(from_now),
            exhausted: None,
        }
    }

    /// Accepts, or receives, and hands over.
    fn take(&mut self) -> io::Result<Rest> {
        let (house, core) = (self.house, &self.house.core);
        if core.is_stopping() {
            return Ok(self.begin_to_drain());
        }
        self.crew.tend();
        self.tick();
        let now = Instant::now();
        let pausing = self.exhausted.is_some_and(|until| until > now);
        let open = !pausing && (house.config.busy.is_some() || self.crew.has_room());
        self.listens = open;
        if open {
            match accept_all(house, &self.source, &mut self.crew) {
                Ok(accepted) if accepted > 0 => self.exhausted = None,
                Ok(_) => {}
                Err(error) if is_exhaustion(&error) => {
                    if self.exhausted.is_none() {
                        house.failed(&nobody(house), &Error::Exhausted(error));
                    }
                    self.exhausted = Some(now + BACK_OFF);
                    return Ok(Rest::None);
                }
                Err(error) => return Err(error),
            }
            // The last that was accepted may have taken the last place.
            if house.config.busy.is_none() && !self.crew.has_room() {
                return Ok(Rest::None);
            }
        }
        let alarm = self
            .exhausted
            .filter(|until| *until > now)
            .into_iter()
            .chain(self.next_tick);
        let left = alarm.map(|at| at.saturating_duration_since(now));
        let left = left.chain(self.crew.looks_every()).min();
        core.waker.reset();
        // What was said before the reset is looked at here, what is said after it ends
        // the rest.
        if core.is_stopping()
            || (!open && !pausing && self.crew.has_room_or_will_say())
        {
            return Ok(Rest::None);
        }
        Ok(Rest::Until(left))
    }

    fn tick(&mut self) {
        let Some((every, tick)) = &self.house.config.tick else {
            return;
        };
        if self.next_tick.is_some_and(|next| next <= Instant::now()) {
            let _ = guard(During::Handle, || {
                lock(tick)(&self.house.core.stats());
                Ok(())
            });
            self.next_tick = Some(from_now(*every));
        }
    }

    fn begin_to_drain(&mut self) -> Rest {
        self.listens = false;
        // Idle is who waits for a request; in between the flag is looked at.
        self.house.core.stop();
        self.house.core.end_the_idle();
        self.phase = Phase::Draining(from_now(self.house.config.drain));
        Rest::None
    }

    /// Waits for those who are being served, for as long as they are given.
    fn drain(&mut self, until: Instant) -> Rest {
        // First the reset: what is said after the look ends the rest.
        self.house.core.waker.reset();
        if self.crew.has_finished() {
            return Rest::Over;
        }
        let now = Instant::now();
        if now < until {
            return Rest::Until(Some(until - now));
        }
        let limit = self.house.config.drain;
        let mut late = self.crew.force();
        late.extend(self.house.core.end_all());
        for peer in late {
            count(&self.house.core.counters.forced);
            self.house.failed(&peer, &Error::Forced(limit));
        }
        self.phase = Phase::Forced(now + GRACE);
        Rest::None
    }

    fn let_them_notice(&mut self, until: Instant) -> Rest {
        self.house.core.waker.reset();
        let now = Instant::now();
        match self.crew.has_finished() || now >= until {
            true => Rest::Over,
            false => Rest::Until(Some(until - now)),
        }
    }
}

impl<S, C> Turning for Turns<'_, S, C>
where
    S: Source,
    C: Crew<S::Request>,
{
    fn begin(&mut self) -> io::Result<()> {
        self.serving = Some(self.house.core.serve()?);
        Ok(())
    }

    fn turn(&mut self) -> io::Result<Rest> {
        let rest = match self.phase {
            // Where accepting fails for good, who is being served is served to the end.
            Phase::Open => self.take().inspect_err(|_| {
                self.begin_to_drain();
            }),
            Phase::Draining(until) => Ok(self.drain(until)),
            Phase::Forced(until) => Ok(self.let_them_notice(until)),
        };
        if matches!(rest, Ok(Rest::Over)) {
            self.serving = None; // who waits for its end need not wait for the others'
        }
        rest
    }

    fn ears(&self) -> Vec<BorrowedFd<'_>> {
        let listener = self.listens.then(|| self.socket.as_fd());
        let mut ears = vec![self.house.core.waker.as_fd()];
        ears.extend(listener);
        ears.extend(self.crew.ears());
        ears
    }

    fn stop(&self) {
        self.house.core.stop();
    }
}

/// Turns them all, in this thread, until each has had its last turn. Where one fails the
/// others are asked to stop.
///
/// # Errors
///
/// The first of theirs, and those of poll(2).
pub(crate) fn turn_all(all: &mut [&mut (dyn Turning + '_)]) -> io::Result<()> {
    let mut over = vec![false; all.len()];
    let mut failed = Ok(());
    loop {
        let mut rest = Some(None);
        for place in 0..all.len() {
            if over[place] {
                continue;
            }
            match all[place].turn() {
                Ok(Rest::Until(limit)) => rest = rest.map(|rest| sooner(rest, limit)),
                Ok(Rest::None) => rest = None,
                Ok(Rest::Over) => over[place] = true,
                Err(error) => {
                    failed = failed.and(Err(error));
                    all.iter().for_each(|one| one.stop());
                    rest = None;
                }
            }
        }
        if over.iter().all(|over| *over) {
            return failed;
        }
        let Some(limit) = rest else {
            continue;
        };
        let turning = all.iter().zip(&over).filter(|(_, over)| !**over);
        let ears: Vec<_> = turning.flat_map(|(one, _)| one.ears()).collect();
        if wait(&ears, limit)? == Woken::Over {
            all.iter().for_each(|one| one.stop());
        }
    }
}

fn sooner(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}

// ANCHOR: accept_all
/// Takes who is there, while there is room; how many.
pub(crate) fn accept_all<S: Source, C: Crew<S::Request>>(
    house: &House,
    source: &S,
    crew: &mut C,
) -> io::Result<u64> {
    let mut accepted = 0;
    while accepted < AT_A_TIME && !house.core.is_stopping() {
        let room = crew.has_room();
        if !room && house.config.busy.is_none() {
            break;
        }
        let request = match source.next(house) {
            Ok(Some(request)) => request,
            Ok(None) => break,
            Err(error) if is_the_peers(&error) => continue,
            Err(error) => return Err(error),
        };
        accepted += 1;
        count(&house.core.counters.accepted);
        let peer = &request.peer().clone();
        if !house.welcomes(peer) {
            source.refuse(house, request, None);
        } else if !room {
            source.refuse(house, request, house.config.busy.as_deref());
        } else {
            house.step(peer, Step::Process);
            crew.take(request);
        }
    }
    Ok(accepted)
}
// ANCHOR_END: accept_all

/// Errors of accept(2) that are about one connection, or nothing, and pass.
pub(crate) fn is_the_peers(error: &io::Error) -> bool {
    use nix::libc::{
        ECONNABORTED, EHOSTDOWN, EHOSTUNREACH, EINTR, ENETDOWN, ENETUNREACH,
        ENOPROTOOPT, EOPNOTSUPP, EPROTO,
    };
    // "Linux accept() passes already-pending network errors on the new socket as an
    // error code", accept(2), "should be treated like EAGAIN". For a socket of
    // datagrams it is the ICMP answer to something that was sent: ECONNREFUSED.
    matches!(
        error.raw_os_error(),
        Some(
            ECONNABORTED
                | EHOSTDOWN
                | EHOSTUNREACH
                | EINTR
                | ENETDOWN
                | ENETUNREACH
                | ENOPROTOOPT
                | EOPNOTSUPP
                | EPROTO
                | nix::libc::ECONNREFUSED
                | nix::libc::ECONNRESET
                | nix::libc::ETIMEDOUT
                | nix::libc::EPERM // a firewall's doing
        )
    )
}

/// Errors that pass when somebody gives something back.
pub(crate) fn is_exhaustion(error: &io::Error) -> bool {
    use nix::libc::{EMFILE, ENFILE, ENOBUFS, ENOMEM};
    matches!(
        error.raw_os_error(),
        Some(EMFILE | ENFILE | ENOBUFS | ENOMEM)
    )
}

/// The peer of a report that is about no peer.
pub(crate) fn nobody(house: &House) -> Peer {
    Peer {
        addr: Addr::Unnamed,
        local: Addr::Unnamed,
        id: house.core.stats().accepted,
    }
}
