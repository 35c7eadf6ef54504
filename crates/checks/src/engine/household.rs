//! What a server of many callers leaves behind, and what it costs while they are silent.

use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::peer::broken;
use super::stage::Stage;
use super::wait::On;
use crate::kernel::{self, Company, Watch};
use crate::symptom::{Doing, Kind, Symptom};

/// How long a silent server is measured. The kernel adds running time up at its clock
/// ticks, up to 10 ms apart, so a hundredth of this is more than one of them.
const MEASURED: Duration = Duration::from_millis(1200);

/// The part of a processor that a server of silent callers may use.
const STILL: f64 = 0.01;

impl Stage {
    /// Sees to it that this side may open so many connections.
    ///
    /// # Errors
    ///
    /// [`Kind::Skipped`] where the machine does not allow them.
    pub fn room_for(&self, connections: usize) -> Result<(), Symptom> {
        const OTHERS: u64 = 256; // other probes, and what the check itself has open
        let needed = connections as u64 + OTHERS;
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        if current.is_none_or(|current| current >= needed) {
            return Ok(());
        }
        if maximum.is_some_and(|maximum| maximum < needed) {
            let why = format!("this machine allows fewer than {needed} descriptors");
            return Err(Symptom::new(Kind::Skipped, why));
        }
        let limit = Rlimit {
            current: Some(needed),
            maximum,
        };
        setrlimit(Resource::Nofile, limit)
            .map_err(|error| broken("allow itself more descriptors", error.into()))
    }

    /// Gives the program time to come to rest, so that what it has is counted when it has
    /// all of it. One that does not rest is left to the probe.
    pub fn until_settled(&self) {
        self.settle(Duration::from_secs(2));
    }

    /// Who runs for the program, where the kernel tells.
    pub fn company(&self) -> Option<Company> {
        kernel::company(self.program.pid())
    }

    /// Waits until no more threads and processes run for the program than `before`, and
    /// no child is a zombie.
    ///
    /// # Errors
    ///
    /// [`Kind::Leaks`] where it comes to rest with more.
    pub fn expect_company(&mut self, before: Option<Company>) -> Result<(), Symptom> {
        let Some(before) = before else { return Ok(()) };
        let waited = self.wait(&On::Nothing, |stage| {
            let gone = |now: Company| {
                now.threads <= before.threads
                    && now.children <= before.children
                    && now.zombies == 0
            };
            Ok(stage.company().is_none_or(gone).then_some(()))
        })?;
        waited.map_err(|idle| {
            let now = self.company().unwrap_or(before);
            let none_left = Company {
                zombies: 0,
                ..before
            };
            let summary = "the callers have left, and who worked for them is there";
            Symptom::new(Kind::Leaks, summary)
                .with_words(in_words(none_left), in_words(now))
                .while_idle(idle)
        })
    }

    /// Measures whether the program, with everything that it has started, leaves the
    /// processor alone while nobody says a word.
    ///
    /// # Errors
    ///
    /// [`Kind::Spins`] where it takes a hundredth of a processor or more.
    pub fn expect_stillness(&mut self) -> Result<(), Symptom> {
        self.expect_rest()?;
        let mut watch = Watch::start(self.program.pid());
        thread::sleep(MEASURED);
        let _ = watch.verdict(MEASURED, MEASURED); // the look that ends the measurement
        self.waited += MEASURED;
        if watch.is_blind() || watch.share() < STILL {
            return Ok(());
        }
        let idle = self.idle(Doing::Restless);
        let share = format!("{:.3} of a processor", watch.share());
        Err(
            Symptom::new(Kind::Spins, "a server of silent callers works")
                .with_words(format!("less than {STILL} of a processor"), share)
                .while_idle(idle),
        )
    }
}

fn in_words(company: Company) -> String {
    let Company {
        threads,
        children,
        zombies,
    } = company;
    format!("threads: {threads}, child processes: {children}, zombies: {zombies}")
}
