//! Answers to `raw/checksum`.

use checks::Check;
use checks::answers::Answer;

fn check(sum: fn(&[&[u8]]) -> u16) -> Check {
    checks::raw::checksum(sum)
}

pub fn answers() -> Vec<Answer> {
    vec![
        Answer {
            name: "raw sum: untouched",
            check: check(|_| todo!("add the pairs")),
            expected: checks::answers::Expected::Untouched,
        },
        Answer::right("raw sum right: joined first", check(joined)),
        Answer::right("raw sum right: carry at once", check(carry_at_once)),
        Answer::right("raw sum right: modulo", check(modulo)),
        Answer::right("raw sum right: little endian", check(little_endian)),
        Answer::wrong("M30", "raw sum: native order", check(other_order)),
        Answer::wrong("M96", "raw sum: wrapping", check(wrapping)),
        Answer::wrong("M96", "raw sum: overflow", check(overflow)),
        Answer::wrong("M96", "raw sum: folded once", check(folded_once)),
        Answer::wrong("M95", "raw sum: chunks_exact", check(chunks_exact)),
        Answer::wrong("M95", "raw sum: odd byte low", check(odd_low)),
        Answer::wrong("M95", "raw sum: each part padded", check(each_padded)),
        Answer::wrong("M95", "raw sum: each part cut", check(each_cut)),
        Answer::unnamed("small", "raw sum: not turned", check(|p| !joined(p))),
        Answer::unnamed("odd", "raw sum: panics when odd", check(panics_when_odd)),
        Answer::unnamed("parts", "raw sum: first part only", check(first_only)),
        Answer::unnamed("zeros", "raw sum: never ffff", check(never_ffff)),
        Answer::unnamed("small", "raw sum: xor", check(xor)),
    ]
}

fn pairs(bytes: &[u8]) -> u64 {
    let pair = |two: &[u8]| {
        u64::from(two[0]) * 256 + two.get(1).map_or(0, |b| u64::from(*b))
    };
    bytes.chunks(2).map(pair).sum()
}

fn fold(mut sum: u64) -> u16 {
    while sum >> 16 != 0 {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    sum as u16
}

fn joined(parts: &[&[u8]]) -> u16 {
    !fold(pairs(&parts.concat()))
}

fn carry_at_once(parts: &[&[u8]]) -> u16 {
    let mut sum = 0_u16;
    let mut upper = true;
    for &part in parts {
        for &byte in part {
            let word = if upper {
                u16::from(byte) << 8
            } else {
                byte.into()
            };
            let (added, carry) = sum.overflowing_add(word);
            sum = added + u16::from(carry);
            upper = !upper;
        }
    }
    !sum
}

fn modulo(parts: &[&[u8]]) -> u16 {
    let sum = pairs(&parts.concat());
    let rest = sum % 0xFFFF;
    // 0 and 65,535 are the same, but only no bits at all make a 0.
    !(if rest == 0 && sum > 0 {
        0xFFFF
    } else {
        rest as u16
    })
}

fn little_endian(parts: &[&[u8]]) -> u16 {
    other_order(parts).swap_bytes()
}

fn other_order(parts: &[&[u8]]) -> u16 {
    let bytes = parts.concat();
    let pair = |two: &[u8]| {
        u64::from(two[0]) + two.get(1).map_or(0, |b| u64::from(*b) * 256)
    };
    !fold(bytes.chunks(2).map(pair).sum())
}

fn wrapping(parts: &[&[u8]]) -> u16 {
    !(pairs(&parts.concat()) as u16)
}

fn overflow(parts: &[&[u8]]) -> u16 {
    let mut sum = 0_u16;
    for two in parts.concat().chunks(2) {
        sum += u16::from(two[0]) << 8;
        sum += two.get(1).map_or(0, |b| u16::from(*b));
    }
    !sum
}

fn folded_once(parts: &[&[u8]]) -> u16 {
    let sum = pairs(&parts.concat());
    !(((sum & 0xFFFF) + (sum >> 16)) as u16)
}

fn chunks_exact(parts: &[&[u8]]) -> u16 {
    let bytes = parts.concat();
    !fold(pairs(&bytes[..bytes.len() / 2 * 2]))
}

fn odd_low(parts: &[&[u8]]) -> u16 {
    let bytes = parts.concat();
    let (whole, last) = bytes.split_at(bytes.len() / 2 * 2);
    !fold(pairs(whole) + last.first().map_or(0, |b| u64::from(*b)))
}

fn each_padded(parts: &[&[u8]]) -> u16 {
    !fold(parts.iter().map(|part| pairs(part)).sum())
}

fn each_cut(parts: &[&[u8]]) -> u16 {
    // All of a single part, and of several only whole pairs.
    match parts {
        [one] => joined(&[one]),
        many => !fold(many.iter().map(|p| pairs(&p[..p.len() / 2 * 2])).sum()),
    }
}

fn panics_when_odd(parts: &[&[u8]]) -> u16 {
    let bytes = parts.concat();
    let words = bytes
        .chunks(2)
        .map(|two| u64::from(two[0]) * 256 + u64::from(two[1]));
    !fold(words.sum())
}

fn first_only(parts: &[&[u8]]) -> u16 {
    joined(&parts[..parts.len().min(1)])
}

fn never_ffff(parts: &[&[u8]]) -> u16 {
    match joined(parts) {
        0xFFFF => 0,
        sum => sum,
    }
}

fn xor(parts: &[&[u8]]) -> u16 {
    let bytes = parts.concat();
    let words = bytes.chunks(2).map(|two| pairs(two) as u16);
    words.fold(0, |sum, word| sum ^ word)
}
