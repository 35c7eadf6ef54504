//! `raw/checksum`: the internet checksum.

use wire::{Side, view};

use super::packets::{self, Chance, folded, total};
use super::{OVERFLOWED, overflowed, wrong_sum};
use checks::diagnosis::{self, Findings, Rule};
use checks::engine::{Check, Probe, Report, Seen};
use checks::symptom::{Kind, Symptom};

type Sum = fn(&[&[u8]]) -> u16;

/// The check of `raw/checksum`.
pub fn checksum(sum: fn(&[&[u8]]) -> u16) -> Check {
    let probe = |name, title, cases: &'static [&'static [&'static [u8]]]| {
        Probe::script(name, title, move |report| {
            cases.iter().try_for_each(|parts| told(sum, report, parts))
        })
    };
    let probes = vec![
        probe("small", "two words", &[&[&[0x12, 0x34, 0, 1]]]),
        probe(
            "zeros",
            "zeros, and no bytes at all",
            &[&[&[0; 20]], &[&[]], &[]],
        ),
        probe(
            "carry",
            "the example of RFC 1071",
            &[&[&[0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7]]],
        ),
        probe(
            "again",
            "a carry that carries again",
            &[&[&[0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x01]]],
        ),
        probe("odd", "an odd number of bytes", &[&[&[1, 2, 3]], &[&[9]]]),
        probe(
            "parts",
            "a header and data in two parts",
            &[&[&[1, 2, 3, 4], &[5, 6]], &[&[], &[1, 2], &[], &[3, 4]]],
        ),
        probe(
            "odd-parts",
            "parts that end in the middle of a pair",
            &[
                &[&[1], &[2, 3], &[], &[4]],
                &[&[1, 2, 3], &[4, 5, 6]],
                &[&[7], &[8], &[9]],
            ],
        ),
        Probe::script("large", "65,536 bytes of ff", move |_| {
            let bytes = vec![0xFF; 1 << 16];
            same(sum, &[&bytes], "65,536 bytes of ff")
        }),
        Probe::script("any", "any bytes, in any parts", move |_| any(sum)),
    ];
    Check::new("raw/checksum", probes, diagnose)
}

/// One case, which the verdict shows.
fn told(sum: Sum, report: &Report, parts: &[&[u8]]) -> Result<(), Symptom> {
    let recorder = report.recorder();
    for part in parts {
        recorder.sent(1, Side::Left, part);
    }
    let shown: Vec<String> = parts.iter().map(|part| hex(part)).collect();
    same(sum, parts, &format!("[{}]", shown.join("], [")))
}

fn hex(bytes: &[u8]) -> String {
    let bytes: Vec<String> = bytes.iter().map(|b| format!("{b:02x}")).collect();
    bytes.join(" ")
}

fn same(sum: Sum, parts: &[&[u8]], shown: &str) -> Result<(), Symptom> {
    let expected = packets::checksum(&parts.concat());
    let got = sum(parts);
    if got == expected {
        return Ok(());
    }
    let summary = format!("that is not the checksum of {shown}");
    let mut symptom = wrong_sum(summary, expected, got);
    symptom.kernel.extend(account(parts, expected, got));
    Err(symptom)
}

const SWAPPED: &str =
    "It is the right checksum with its two bytes in the other order.";
const NOT_TURNED: &str = "It is the sum, its bits not turned over.";
const UDPS: &str =
    "It is a checksum of 0 that was turned into ffff, as UDP does and nobody else.";
const CARRIES: &str = "It is what is left of the sum if carries are dropped.";
const DROPPED: &str = "It is the checksum without the last byte.";
const LOW: &str =
    "It is the checksum with the last byte as the lower half of its pair.";
const PADDED: &str = "It is the checksum with a zero byte after every odd part.";
const LOST: &str = "It is the checksum without the last byte of every odd part.";

/// What the wrong sum is, where that can be told; the first that fits.
fn account(parts: &[&[u8]], expected: u16, got: u16) -> Option<String> {
    let all = parts.concat();
    let sum = total(&all);
    let once = (sum & 0xFFFF) + (sum >> 16);
    let odd = !all.len().is_multiple_of(2);
    let (whole, last) = all.split_at(all.len() - usize::from(odd));
    let low = last.first().map_or(0, |last| u64::from(*last));
    let each = |cut: fn(&[u8]) -> u64| folded(parts.iter().map(|p| cut(p)).sum());
    let padded = each(total);
    let lost = each(|part| total(&part[..part.len() / 2 * 2]));
    let carried = [sum as u16, once as u16];
    let candidates = [
        (expected == 0, 0xFFFF, UDPS),
        (true, expected.swap_bytes(), SWAPPED),
        (true, !expected, NOT_TURNED),
        (true, !carried[0], CARRIES),
        (true, !carried[1], CARRIES),
        (odd, packets::checksum(whole), DROPPED),
        (odd, !folded(total(whole) + low), LOW),
        (parts.len() > 1, !padded, PADDED),
        (parts.len() > 1, !lost, LOST),
    ];
    let found = candidates.iter().find(|(can, sum, _)| *can && *sum == got);
    found.map(|(_, _, what)| (*what).to_string())
}

fn any(sum: Sum) -> Result<(), Symptom> {
    let mut chance = Chance::new(1071);
    for _ in 0..2000 {
        let length = chance.below(90);
        let bytes = chance.bytes(length);
        let mut rest = &bytes[..];
        let mut parts = Vec::new();
        while !rest.is_empty() {
            let (part, behind) = rest.split_at(chance.below(rest.len() + 1).min(17));
            parts.push(part);
            rest = behind;
        }
        let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        let shown = format!("parts of {lengths:?} bytes: {}", view::hex(&bytes));
        same(sum, &parts, &shown)?;
    }
    Ok(())
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: <[u8]>::to_vec,
    };
    diagnosis::name(&[RULES], &findings)
}

/// Whether this account was given of the first failure, in one of these probes.
fn is(all: &Findings<'_>, probes: &[&str], accounts: &[&str]) -> bool {
    all.first(probes).is_some_and(|s| {
        s.kind == Kind::WrongValue
            && s.kernel
                .iter()
                .any(|told| accounts.contains(&told.as_str()))
    })
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M30",
        fits: |all| is(all, &["small"], &[SWAPPED]),
        why: "The more significant byte of each pair comes first. Your sum took the \
              pairs the other way round, and came out the other way round.",
    },
    Rule {
        mistake: "M96",
        fits: |all| is(all, &["carry", "again", "large"], &[CARRIES]),
        why: "What does not fit into 16 bits has to come in again at the lower end, as \
              often as there is something left above. Here it was lost.",
    },
    Rule {
        mistake: "M96",
        fits: |all| {
            let first = all.first(&["carry", "again", "large"]);
            first.is_some_and(overflowed)
        },
        why: OVERFLOWED,
    },
    Rule {
        mistake: "M95",
        fits: |all| is(all, &["odd"], &[DROPPED, LOW]),
        why: "The last byte has no partner. It is the upper half of a pair whose lower \
              half is 0.",
    },
    Rule {
        mistake: "M95",
        fits: |all| all.passed("odd") && is(all, &["odd-parts"], &[PADDED, LOST]),
        why: "A part ended in the middle of a pair. The other half is the first byte of \
              the next part: only the very last byte of all may be without a partner.",
    },
];
