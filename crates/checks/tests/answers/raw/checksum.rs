//! Answers to `raw/checksum`.

use checks::Check;
use checks::answers::Answer;

fn check(sum: fn(&[&[u8]]) -> u16) -> Check {
    checks_raw::checksum(sum)
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
        Answer::right("raw sum right: upper and lower", check(upper_and_lower)),
        Answer::right("raw sum right: part by part", check(part_by_part)),
        Answer::right("raw sum right: subtracts", check(subtracts)),
        Answer::wrong("M30", "raw sum: native order", check(other_order)),
        Answer::wrong("M96", "raw sum: sum of u16", check(sum_of_u16)),
        Answer::wrong("M96", "raw sum: one carry each", check(carry_in_u8)),
        Answer::unnamed("large", "raw sum: as in UDP", check(as_in_udp)),
        Answer::unnamed("zeros", "raw sum: length less one", check(less_one)),
        Answer::unnamed("zeros", "raw sum: of nothing 0", check(nothing_is_zero)),
        Answer::unnamed("odd-parts", "raw sum: carries a zero", check(lost_half)),
        Answer::unnamed("parts", "raw sum: last part only", check(last_only)),
        Answer::unnamed("small", "raw sum: two's complement", check(twos)),
        Answer::unnamed("large", "raw sum: panics when large", check(sixteen_bits)),
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

fn upper_and_lower(parts: &[&[u8]]) -> u16 {
    let bytes = parts.iter().flat_map(|part| part.iter());
    let mut halves = [0_u64; 2];
    for (at, byte) in bytes.enumerate() {
        halves[at % 2] += u64::from(*byte);
    }
    !fold(halves[0] * 256 + halves[1])
}

/// A part that begins in the middle of a pair is summed with its bytes swapped.
fn part_by_part(parts: &[&[u8]]) -> u16 {
    let (mut sum, mut odd) = (0_u64, false);
    for part in parts {
        let own = fold(pairs(part));
        sum += u64::from(if odd { own.swap_bytes() } else { own });
        odd ^= part.len() % 2 == 1;
    }
    !fold(sum)
}

/// Takes each word off, with the borrow, instead of adding and turning over.
fn subtracts(parts: &[&[u8]]) -> u16 {
    parts.concat().chunks(2).fold(0xFFFF, |left: u16, two| {
        let (left, borrow) = left.overflowing_sub(pairs(two) as u16);
        left.wrapping_sub(u16::from(borrow))
    })
}

fn sum_of_u16(parts: &[&[u8]]) -> u16 {
    let bytes = parts.concat();
    !bytes.chunks(2).map(|two| pairs(two) as u16).sum::<u16>()
}

/// Brings the carry in, and drops the one that this may make.
fn carry_in_u8(parts: &[&[u8]]) -> u16 {
    let sum = pairs(&parts.concat());
    !((sum as u16).wrapping_add((sum >> 16) as u16))
}

fn as_in_udp(parts: &[&[u8]]) -> u16 {
    match joined(parts) {
        0 => 0xFFFF,
        sum => sum,
    }
}

fn less_one(parts: &[&[u8]]) -> u16 {
    let bytes = parts.concat();
    let (mut sum, mut at) = (0, 0);
    while at < bytes.len() - 1 {
        sum += pairs(&bytes[at..at + 2]);
        at += 2;
    }
    if at < bytes.len() {
        sum += pairs(&bytes[at..]);
    }
    !fold(sum)
}

fn nothing_is_zero(parts: &[&[u8]]) -> u16 {
    if parts.iter().all(|part| part.is_empty()) {
        return 0;
    }
    joined(parts)
}

/// Keeps the odd byte of a part, and has lost it when an empty part follows.
fn lost_half(parts: &[&[u8]]) -> u16 {
    let (mut sum, mut kept) = (0, None);
    for part in parts {
        let mut bytes: Vec<u8> = kept.take().into_iter().collect();
        if part.is_empty() {
            continue;
        }
        bytes.extend_from_slice(part);
        if bytes.len() % 2 == 1 {
            kept = bytes.pop();
        }
        sum += pairs(&bytes);
    }
    !fold(sum + kept.map_or(0, |byte| u64::from(byte) << 8))
}

fn last_only(parts: &[&[u8]]) -> u16 {
    joined(&parts[parts.len().saturating_sub(1)..])
}

fn twos(parts: &[&[u8]]) -> u16 {
    (!joined(parts)).wrapping_neg()
}

fn sixteen_bits(parts: &[&[u8]]) -> u16 {
    let length = parts.iter().map(|part| part.len()).sum::<usize>();
    u16::try_from(length).expect("it fits");
    joined(parts)
}
