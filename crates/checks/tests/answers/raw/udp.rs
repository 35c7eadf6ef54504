//! Answers to `raw/udp`.

use std::io::{self, ErrorKind};
use std::net::SocketAddrV4;

use checks::Check;
use checks::answers::Answer;

type Made = io::Result<Vec<u8>>;

fn check(make: fn(SocketAddrV4, SocketAddrV4, &[u8]) -> Made) -> Check {
    checks_raw::udp(make)
}

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("raw udp right: sum of parts", check(sum_of_parts)),
        Answer::right("raw udp right: sum of numbers", check(sum_of_numbers)),
        Answer::right("raw udp right: around the pseudo-header", check(around)),
        Answer::right("raw udp right: adds as it writes", check(adds_as_it_writes)),
        Answer::right("raw udp right: checked numbers", check(checked_numbers)),
        Answer::wrong("M30", "raw udp: little endian", check(little_endian)),
        Answer::wrong("M30", "raw udp: length turned", check(length_turned)),
        Answer::wrong("M44", "raw udp: 65,535 of data", check(limit_of_16_bits)),
        Answer::wrong("M96", "raw udp: folded once", check(carry_lost)),
        Answer::unnamed("sum", "raw udp: protocol of TCP", check(protocol_of_tcp)),
        Answer::unnamed("sum", "raw udp: no zero", check(no_zero_byte)),
        Answer::unnamed(
            "sum",
            "raw udp: length of data in front",
            check(data_length),
        ),
        Answer::unnamed("sum", "raw udp: not turned", check(not_turned)),
        Answer::unnamed("header", "raw udp: pseudo-header sent", check(pseudo_sent)),
        Answer::unnamed("header", "raw udp: checksum last", check(checksum_last)),
        Answer::unnamed("empty", "raw udp: no empty data", check(no_empty)),
        Answer::unnamed("too-many", "raw udp: panics on too many", check(panics)),
        Answer::unnamed("odd", "raw udp: panics when odd", check(panics_when_odd)),
        Answer::unnamed("any", "raw udp: no low ports", check(never_small)),
        Answer::wrong("M30", "raw udp: sum turned round", check(sum_turned)),
        Answer::wrong("M98", "raw udp: no pseudo-header", check(no_pseudo)),
        Answer::wrong("M96", "raw udp: carries dropped", check(carries_dropped)),
        Answer::wrong("M96", "raw udp: overflow", check(overflow)),
        Answer::wrong("M95", "raw udp: last byte dropped", check(last_dropped)),
        Answer::wrong("M97", "raw udp: zero as it is", check(zero_as_it_is)),
        Answer::wrong("M44", "raw udp: no limit", check(no_limit)),
        Answer::wrong(
            "M44",
            "raw udp: limit of the field",
            check(limit_of_the_field),
        ),
        Answer::unnamed("sum", "raw udp: no checksum", check(no_checksum)),
        Answer::unnamed("header", "raw udp: length of data", check(length_of_data)),
        Answer::unnamed("header", "raw udp: ends swapped", check(ends_swapped)),
        Answer::unnamed("most", "raw udp: limit too low", check(limit_too_low)),
        Answer::unnamed("too-many", "raw udp: other error", check(other_error)),
    ]
}

fn pairs(bytes: &[u8]) -> u64 {
    let pair =
        |two: &[u8]| u64::from(two[0]) << 8 | two.get(1).map_or(0, |b| (*b).into());
    bytes.chunks(2).map(pair).sum()
}

fn fold(mut sum: u64) -> u16 {
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    sum as u16
}

fn pseudo(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Vec<u8> {
    let mut bytes = [s.ip().octets(), d.ip().octets()].concat();
    bytes.extend([0, 17]);
    bytes.extend(((data.len() + 8) as u16).to_be_bytes());
    bytes
}

/// A datagram with the checksum that `sum` finds for pseudo-header and datagram.
fn with(
    s: SocketAddrV4,
    d: SocketAddrV4,
    data: &[u8],
    sum: fn(&[u8], &[u8]) -> u16,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in [s.port(), d.port(), (data.len() + 8) as u16, 0] {
        bytes.extend(number.to_be_bytes());
    }
    bytes.extend(data);
    let sum = sum(&pseudo(s, d, data), &bytes);
    bytes[6..8].copy_from_slice(&sum.to_be_bytes());
    bytes
}

fn never_zero(sum: u16) -> u16 {
    if sum == 0 { 0xFFFF } else { sum }
}

fn right(pseudo: &[u8], datagram: &[u8]) -> u16 {
    never_zero(!fold(pairs(pseudo) + pairs(datagram)))
}

fn limited(data: &[u8], most: usize) -> io::Result<()> {
    match data.len() {
        length if length > most => Err(ErrorKind::InvalidInput.into()),
        _ => Ok(()),
    }
}

fn sum_of_parts(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    limited(data, 65_507)?;
    Ok(with(s, d, data, right))
}

fn sum_of_numbers(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    limited(data, 65_507)?;
    let length = (data.len() + 8) as u16;
    let halves = |ip: u32| [(ip >> 16) as u16, ip as u16];
    let numbers = [
        &halves(s.ip().to_bits())[..],
        &halves(d.ip().to_bits()),
        &[17, length, s.port(), d.port(), length],
    ];
    let numbers = numbers.concat().into_iter().map(u64::from).sum::<u64>();
    let sum = never_zero(!fold(numbers + pairs(data)));
    let header = [s.port(), d.port(), length, sum].map(u16::to_be_bytes);
    Ok([header.as_flattened(), data].concat())
}

fn little_endian(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    let mut bytes = sum_of_parts(s, d, data)?;
    for at in [0, 2, 4] {
        bytes.swap(at, at + 1);
    }
    Ok(bytes)
}

fn sum_turned(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    let mut bytes = sum_of_parts(s, d, data)?;
    bytes.swap(6, 7);
    Ok(bytes)
}

fn no_pseudo(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    limited(data, 65_507)?;
    Ok(with(s, d, data, |_, datagram| {
        never_zero(!fold(pairs(datagram)))
    }))
}

fn carries_dropped(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    limited(data, 65_507)?;
    Ok(with(s, d, data, |p, b| {
        never_zero(!((pairs(p) + pairs(b)) as u16))
    }))
}

fn overflow(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    limited(data, 65_507)?;
    Ok(with(s, d, data, |p, b| {
        let mut sum = 0_u16;
        for two in [p, b].concat().chunks(2) {
            sum += pairs(two) as u16;
        }
        !sum
    }))
}

fn last_dropped(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    limited(data, 65_507)?;
    Ok(with(s, d, data, |p, b| right(p, &b[..b.len() / 2 * 2])))
}

fn zero_as_it_is(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    limited(data, 65_507)?;
    Ok(with(s, d, data, |p, b| !fold(pairs(p) + pairs(b))))
}

fn no_limit(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    Ok(with(s, d, data, right))
}

fn limit_of_the_field(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    limited(data, 65_535 - 8)?;
    Ok(with(s, d, data, right))
}

fn no_checksum(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    limited(data, 65_507)?;
    Ok(with(s, d, data, |_, _| 0))
}

fn length_of_data(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    let mut bytes = sum_of_parts(s, d, data)?;
    bytes[4..6].copy_from_slice(&(data.len() as u16).to_be_bytes());
    Ok(bytes)
}

fn ends_swapped(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    sum_of_parts(d, s, data)
}

fn limit_too_low(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    limited(data, 65_506)?;
    Ok(with(s, d, data, right))
}

fn other_error(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    sum_of_parts(s, d, data).map_err(|_| ErrorKind::InvalidData.into())
}

/// Writes the pseudo-header in front of the datagram, and takes it off again.
fn around(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    limited(data, 65_507)?;
    let mut bytes = pseudo(s, d, data);
    bytes.extend_from_slice(&s.port().to_be_bytes());
    bytes.extend_from_slice(&d.port().to_be_bytes());
    bytes.extend_from_slice(&((data.len() + 8) as u16).to_be_bytes());
    bytes.extend_from_slice(&[0; 2]);
    bytes.extend_from_slice(data);
    let sum = never_zero(!fold(pairs(&bytes)));
    bytes[18..20].copy_from_slice(&sum.to_be_bytes());
    Ok(bytes.split_off(12))
}

fn adds_as_it_writes(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    fn add(sum: u16, word: u16) -> u16 {
        let (sum, carry) = sum.overflowing_add(word);
        sum + u16::from(carry)
    }
    limited(data, 65_507)?;
    let length = (8 + data.len()) as u16;
    let mut sum = add(17, length);
    for two in [s.ip().octets(), d.ip().octets()].concat().chunks_exact(2) {
        sum = add(sum, u16::from_be_bytes([two[0], two[1]]));
    }
    let mut bytes = vec![];
    for word in [s.port(), d.port(), length] {
        sum = add(sum, word);
        bytes.extend(word.to_be_bytes());
    }
    let pairs = data.chunks_exact(2);
    if let [last] = pairs.remainder() {
        sum = add(sum, u16::from(*last) << 8);
    }
    for two in pairs {
        sum = add(sum, u16::from_be_bytes([two[0], two[1]]));
    }
    bytes.extend(if sum == 0xFFFF { sum } else { !sum }.to_be_bytes());
    bytes.extend(data);
    Ok(bytes)
}

fn checked_numbers(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    let too_long = || io::Error::new(ErrorKind::InvalidInput, "too long");
    let total = u16::try_from(data.len() + 28).map_err(|_| too_long())?;
    let length = total - 20;
    let mut datagram = Vec::with_capacity(length.into());
    datagram.extend(s.port().to_be_bytes());
    datagram.extend(d.port().to_be_bytes());
    datagram.extend(length.to_be_bytes());
    datagram.extend(0_u16.to_be_bytes());
    datagram.extend_from_slice(data);
    let sum = right(&pseudo(s, d, data), &datagram);
    datagram.splice(6..8, sum.to_be_bytes());
    Ok(datagram)
}

fn length_turned(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    let mut bytes = sum_of_parts(s, d, data)?;
    bytes.swap(4, 5);
    Ok(bytes)
}

fn limit_of_16_bits(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    limited(data, 65_535)?;
    Ok(with(s, d, data, right))
}

fn carry_lost(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    limited(data, 65_507)?;
    Ok(with(s, d, data, |p, b| {
        let sum = pairs(p) + pairs(b);
        never_zero(!((sum & 0xFFFF) + (sum >> 16)) as u16)
    }))
}

/// A datagram whose checksum covers another pseudo-header.
fn in_front(
    s: SocketAddrV4,
    d: SocketAddrV4,
    data: &[u8],
    change: fn(&mut Vec<u8>),
) -> Made {
    limited(data, 65_507)?;
    let mut front = pseudo(s, d, data);
    change(&mut front);
    let mut bytes = with(s, d, data, |_, _| 0);
    front.extend_from_slice(&bytes);
    let sum = never_zero(!fold(pairs(&front)));
    bytes[6..8].copy_from_slice(&sum.to_be_bytes());
    Ok(bytes)
}

fn protocol_of_tcp(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    in_front(s, d, data, |front| front[9] = 6)
}

fn no_zero_byte(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    in_front(s, d, data, |front| {
        front.remove(8);
    })
}

fn data_length(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    in_front(s, d, data, |front| {
        let length = u16::from_be_bytes([front[10], front[11]]) - 8;
        front[10..].copy_from_slice(&length.to_be_bytes());
    })
}

fn not_turned(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    limited(data, 65_507)?;
    Ok(with(s, d, data, |p, b| fold(pairs(p) + pairs(b))))
}

fn pseudo_sent(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    Ok([pseudo(s, d, data), sum_of_parts(s, d, data)?].concat())
}

fn checksum_last(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    let mut bytes = sum_of_parts(s, d, data)?;
    let sum: Vec<u8> = bytes.drain(6..8).collect();
    bytes.extend(sum);
    Ok(bytes)
}

fn no_empty(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    if data.is_empty() {
        return Err(ErrorKind::InvalidInput.into());
    }
    sum_of_parts(s, d, data)
}

fn panics(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    assert!(data.len() <= 65_507, "too long");
    sum_of_parts(s, d, data)
}

fn panics_when_odd(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    limited(data, 65_507)?;
    Ok(with(s, d, data, |p, b| {
        let words = b.chunks(2).map(|w| u16::from_be_bytes([w[0], w[1]]));
        never_zero(!fold(pairs(p) + words.map(u64::from).sum::<u64>()))
    }))
}

/// Takes ports below 1024 for reserved.
fn never_small(s: SocketAddrV4, d: SocketAddrV4, data: &[u8]) -> Made {
    if d.port() < 1024 {
        return Err(ErrorKind::InvalidInput.into());
    }
    sum_of_parts(s, d, data)
}
