//! From what the probes showed to the name of a mistake.

use crate::engine::Seen;
use crate::line_server::{CALLERS, Reply};
use crate::symptom::{Doing, Kind, Symptom};

/// All that the probes showed.
pub struct Findings<'a> {
    /// The probes and what was seen in each, in their order.
    pub seen: &'a [Seen<'a>],
    /// What a right program answers to a message.
    pub reply: Reply,
}

impl Findings<'_> {
    /// The first symptom, if it is one of these probes that showed it.
    pub fn first(&self, probes: &[&str]) -> Option<&Symptom> {
        let failed = |symptom: &Symptom| symptom.kind != Kind::Skipped;
        let (name, symptom) =
            (self.seen.iter()).find(|(_, symptom)| symptom.is_some_and(failed))?;
        symptom.filter(|s| probes.contains(name) && s.kind != Kind::Broken)
    }

    /// What this probe showed, if it failed.
    pub fn symptom(&self, probe: &str) -> Option<&Symptom> {
        self.seen.iter().find(|(name, _)| *name == probe)?.1
    }

    /// Whether there is a probe of this name, and it passed.
    pub fn passed(&self, probe: &str) -> bool {
        self.seen
            .iter()
            .any(|(name, symptom)| *name == probe && symptom.is_none())
    }
}

/// Which findings point at which mistake.
///
/// A rule explains the first failure. It names a mistake only where the symptoms
/// leave no doubt: a program that fails in a way of its own gets a true account of
/// what was seen, and no name.
pub struct Rule {
    /// Its id in the catalogue.
    pub mistake: &'static str,
    /// Whether the findings are those of this mistake.
    pub fits: fn(&Findings<'_>) -> bool,
    /// What ties the symptoms to the mistake, for the learner.
    pub why: &'static str,
}

/// The first rule that fits.
pub fn name(
    rules: &[&[Rule]],
    findings: &Findings<'_>,
) -> Option<(&'static str, String)> {
    let mut rules = rules.iter().copied().flatten();
    let rule = rules.find(|rule| (rule.fits)(findings))?;
    Some((rule.mistake, rule.why.to_string()))
}

/// What goes wrong with callers, whatever the protocol. The probes that these rules
/// know by name mean the same in every check of a server.
pub const SERVER_RULES: &[Rule] = &[
    Rule {
        mistake: "M6",
        fits: |all| all.first(&["whole"]).is_some_and(has_zeros_behind),
        why: "The answer is followed by zeros that nobody sent: your program sent its \
              whole buffer, not the part that was filled.",
    },
    Rule {
        mistake: "M5",
        fits: |all| {
            all.first(&["end", "tail", "next"])
                .is_some_and(reads_after_the_end)
        },
        why: "The caller ended its side. From then on every read returns 0 bytes at \
              once, and your program reads again and again.",
    },
    Rule {
        mistake: "M13",
        fits: |all| {
            let first = all.first(&["whole", "end", "tail", "next", "every"]);
            first.is_some_and(|s| s.kind == Kind::NoEnd && waits_for_a_caller(s))
        },
        why: "Your program has gone on to wait for the next caller, and the connection \
              with this one is still open: something keeps the stream, or a clone of \
              it, from being dropped.",
    },
    Rule {
        mistake: "M13",
        fits: |all| {
            let leaks = all.first(&["leaks"]);
            leaks.is_some_and(|s| s.kind == Kind::Leaks && s.signs.leaked >= CALLERS)
        },
        why: "Each caller that left has left a descriptor behind: something keeps the \
              stream, or a clone of it, from being dropped.",
    },
    Rule {
        mistake: "M14",
        fits: |all| {
            let rude = all.first(&["visitors", "next", "reset"]);
            rude.is_some_and(Symptom::is_over) && !is_over_after_polite_callers(all)
        },
        why: "Callers who stay to the end are served one after another. One broke off, \
              and your server was over. What goes wrong with one caller has to end its \
              visit only: look for an `unwrap`, or a `?`, a `return` or a `break` that \
              leaves the loop over callers.",
    },
    Rule {
        mistake: "M33",
        fits: |all| {
            let first =
                all.first(&["end", "tail", "next", "visitors", "reset", "leaks"]);
            let leaks = all.symptom("leaks");
            let by_itself =
                |s: &Symptom| s.is_over() && s.panic.is_none() && !s.signs.failed;
            first.is_some_and(by_itself)
                && leaks.is_some_and(|s| s.is_over() && s.signs.callers == 2)
        },
        why: "Your program ended with its first caller. A server goes back to `accept` \
              and waits for the next.",
    },
    Rule {
        mistake: "M21",
        fits: |all| {
            let first = all.first(&["rest", "leaks"]);
            first.is_some_and(|s| s.kind == Kind::Spins && s.signs.asks)
        },
        why: "While nobody said a word, your program made system calls as fast as it \
              could and never slept. A blocking `read` or `accept` sleeps until there \
              is something to do.",
    },
];

/// Behind what was agreed, or behind the answer without its newline, come zeros; one
/// alone may be the end of a string in the manner of C.
fn has_zeros_behind(symptom: &Symptom) -> bool {
    let agreed = symptom.expected_bytes.trim_ascii_end();
    let behind = match symptom.signs.matched {
        0 => symptom.got_bytes.strip_prefix(agreed),
        _ => Some(&symptom.got_bytes[..]), // behind the answer before
    };
    !(agreed.is_empty() && symptom.signs.matched == 0)
        && behind.is_some_and(|behind| behind.starts_with(&[0, 0]))
}

/// The program makes system calls as fast as it can, holds a connection whose end it
/// has read, and has time for nothing else, or leaves the callers to another thread.
fn reads_after_the_end(symptom: &Symptom) -> bool {
    let signs = &symptom.signs;
    symptom.doing == Some(Doing::Spinning)
        && matches!(symptom.kind, Kind::NoEnd | Kind::NoAnswer)
        && signs.read_the_end
        && signs.asks
        && (signs.deaf || symptom.calls.iter().any(|call| is_accept(call)))
}

fn is_accept(call: &str) -> bool {
    call.starts_with("accept")
}

/// Every thread is blocked, one in accept(2) and none with a connection.
fn waits_for_a_caller(symptom: &Symptom) -> bool {
    let idle = |call: &String| is_accept(call) || call.starts_with("futex");
    symptom.doing == Some(Doing::Blocked)
        && symptom.calls.iter().any(|call| is_accept(call))
        && symptom.calls.iter().all(idle)
}

/// Whether the server does not outlive callers who behave either.
fn is_over_after_polite_callers(all: &Findings<'_>) -> bool {
    all.symptom("leaks").is_some_and(Symptom::is_over)
}
