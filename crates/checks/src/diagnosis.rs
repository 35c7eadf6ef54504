//! From what the probes showed to the name of a mistake.

use crate::engine::Seen;
use crate::line_server::Reply;
use crate::symptom::{Doing, Kind, Symptom};

/// All that the probes showed.
pub(crate) struct Findings<'a> {
    pub(crate) seen: &'a [Seen<'a>],
    /// What a right program answers to a message.
    pub(crate) reply: Reply,
}

impl Findings<'_> {
    /// The first symptom, if it is one of these probes that showed it.
    pub(crate) fn first(&self, probes: &[&str]) -> Option<&Symptom> {
        let (name, symptom) =
            self.seen.iter().find(|(_, symptom)| symptom.is_some())?;
        symptom.filter(|_| probes.contains(name))
    }

    /// What this probe showed, if it failed.
    pub(crate) fn symptom(&self, probe: &str) -> Option<&Symptom> {
        self.seen.iter().find(|(name, _)| *name == probe)?.1
    }

    /// Whether there is a probe of this name, and it passed.
    pub(crate) fn passed(&self, probe: &str) -> bool {
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
pub(crate) struct Rule {
    /// Its id in the catalogue.
    pub(crate) mistake: &'static str,
    /// Whether the findings are those of this mistake.
    pub(crate) fits: fn(&Findings<'_>) -> bool,
    /// What ties the symptoms to the mistake, for the learner.
    pub(crate) why: &'static str,
}

/// The first rule that fits.
pub(crate) fn name(
    rules: &[&[Rule]],
    findings: &Findings<'_>,
) -> Option<(&'static str, String)> {
    let mut rules = rules.iter().copied().flatten();
    let rule = rules.find(|rule| (rule.fits)(findings))?;
    Some((rule.mistake, rule.why.to_string()))
}

/// What goes wrong with callers, whatever the protocol. The probes that these rules
/// know by name mean the same in every check of a server.
pub(crate) const SERVER_RULES: &[Rule] = &[
    Rule {
        mistake: "M6",
        fits: |all| {
            let first = all.first(&["whole", "split", "large"]);
            first.is_some_and(|s| s.got_bytes.contains(&0))
        },
        why: "The answer is followed by bytes that nobody sent: your program sent its \
              whole buffer, not the part that the read had filled.",
    },
    Rule {
        mistake: "M5",
        fits: |all| {
            all.first(&["end", "tail", "next"]).is_some_and(|s| {
                let nothing = [(all.reply)(b""), b"\n".to_vec()].concat();
                let extra = |got: &[u8]| got.starts_with(&nothing);
                (s.kind == Kind::NoEnd && s.doing == Some(Doing::Spinning))
                    || (s.kind == Kind::Wrong && extra(&s.got_bytes))
            })
        },
        why: "The caller ended its side. From then on every read returns 0 bytes at \
              once, and your program takes that for one more message, for ever.",
    },
    Rule {
        mistake: "M13",
        fits: |all| {
            let first = all.first(&["whole", "end", "tail", "next", "every"]);
            first.is_some_and(|s| s.kind == Kind::NoEnd && waits_for_a_caller(s))
        },
        why: "The caller has gone and your program waits for the next one, but the \
              connection is still open: something keeps the stream, or a clone of it, \
              from being dropped.",
    },
    Rule {
        mistake: "M13",
        fits: |all| all.first(&["leaks"]).is_some_and(|s| s.kind == Kind::Leaks),
        why: "Each caller that left has left a descriptor behind: something keeps the \
              stream, or a clone of it, from being dropped.",
    },
    Rule {
        mistake: "M14",
        fits: |all| {
            all.first(&["visitors", "next", "reset"]).is_some_and(|s| {
                let by_error = s.kernel.iter().any(|told| told.contains("an error"));
                s.panic.is_some() || by_error
            })
        },
        why: "One caller broke off, and the error of its connection ended your server: \
              by an `unwrap`, or by a `?` that leaves the loop over callers.",
    },
    Rule {
        mistake: "M33",
        fits: |all| {
            let first =
                all.first(&["end", "tail", "next", "visitors", "reset", "leaks"]);
            first.is_some_and(|s| {
                let over = matches!(s.doing, Some(Doing::Ended | Doing::Returned));
                over && s.panic.is_none()
            })
        },
        why: "Your program ended with its first caller. A server goes back to `accept` \
              and waits for the next.",
    },
    Rule {
        mistake: "M21",
        fits: |all| {
            let first = all.first(&["rest", "leaks"]);
            first.is_some_and(|s| s.kind == Kind::Spins)
        },
        why: "While nobody said a word, your program asked again and again whether \
              there was something to read. A blocking read sleeps until there is.",
    },
];

/// Every thread is blocked in accept(2).
fn waits_for_a_caller(symptom: &Symptom) -> bool {
    symptom.doing == Some(Doing::Blocked)
        && !symptom.calls.is_empty()
        && symptom.calls.iter().all(|call| call.starts_with("accept"))
}
