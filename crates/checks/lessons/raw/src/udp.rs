//! `raw/udp`: a datagram made by hand.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddrV4};

use wire::{Side, view};

use super::packets::{Chance, checksum, folded, total};
use super::{OVERFLOWED, overflowed, wrong_sum};
use checks::diagnosis::{self, Findings, Rule};
use checks::engine::{Check, Probe, Report, Seen};
use checks::symptom::{Kind, Symptom};

type Make = fn(SocketAddrV4, SocketAddrV4, &[u8]) -> io::Result<Vec<u8>>;

const SOURCE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 33), 50_001);
const TARGET: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(198, 51, 100, 7), 9999);

/// Two ends and data whose sum needs no more than 16 bits: no carry is lost there.
const SMALL: [SocketAddrV4; 2] = [
    SocketAddrV4::new(Ipv4Addr::new(1, 2, 3, 4), 0x0123),
    SocketAddrV4::new(Ipv4Addr::new(5, 6, 7, 8), 0x0456),
];
const SMALL_DATA: &[u8] = b"\x01\x02\x03\x04";

/// As much data as fits into an IPv4 packet, in bytes.
const MOST: usize = 65_507;

/// The check of `raw/udp`.
pub fn udp(
    make: fn(SocketAddrV4, SocketAddrV4, &[u8]) -> io::Result<Vec<u8>>,
) -> Check {
    let probe = |name, title, judge: fn(Make, &Report) -> Result<(), Symptom>| {
        Probe::script(name, title, move |report| judge(make, report))
    };
    let probes = vec![
        probe("header", "ports, length and data", header),
        probe(
            "sum",
            "the checksum of data of even length",
            |make, report| told(make, report, SMALL, SMALL_DATA),
        ),
        probe("carry", "a sum of more than 16 bits", |make, report| {
            told(make, report, [SOURCE, TARGET], b"good morning")
        }),
        probe("again", "a carry that carries again", again),
        probe("odd", "data of odd length", |make, report| {
            told(make, report, [SOURCE, TARGET], b"hello")
        }),
        probe("empty", "no data", |make, report| {
            told(make, report, [SOURCE, TARGET], b"")
        }),
        probe("zero", "a checksum that comes out as 0", zero),
        probe("most", "65,507 bytes of data", |make, _| {
            same(make, [SOURCE, TARGET], &vec![0xFF; MOST])
        }),
        probe("too-many", "65,508 bytes of data, and 65,529", too_many),
        probe("any", "any data, ports and addresses", any),
        probe(
            "kernel",
            "through the kernel, to an ordinary UDP socket",
            kernel,
        ),
    ];
    Check::new("raw/udp", probes, diagnose)
}

/// What the checksum covers, with a field of 0; the pseudo-header is the first 12.
fn covered([source, target]: [SocketAddrV4; 2], data: &[u8]) -> Vec<u8> {
    let length = ((data.len() + 8) as u16).to_be_bytes();
    let mut bytes = source.ip().octets().to_vec();
    bytes.extend(target.ip().octets());
    bytes.extend([0, 17]);
    bytes.extend(length);
    bytes.extend(source.port().to_be_bytes());
    bytes.extend(target.port().to_be_bytes());
    bytes.extend(length);
    bytes.extend([0, 0]);
    bytes.extend(data);
    bytes
}

fn made(
    make: Make,
    ends: [SocketAddrV4; 2],
    data: &[u8],
) -> Result<Vec<u8>, Symptom> {
    make(ends[0], ends[1], data).map_err(|error| {
        let summary = "your function returned an error where there was none";
        let expected = format!("a datagram of {} bytes", data.len() + 8);
        Symptom::new(Kind::Error, summary).with_words(expected, error.to_string())
    })
}

/// All but the checksum is as agreed.
fn framed(got: &[u8], ends: [SocketAddrV4; 2], data: &[u8]) -> Result<(), Symptom> {
    let expected = &covered(ends, data)[12..];
    let without_sum = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        bytes.iter_mut().skip(6).take(2).for_each(|byte| *byte = 0);
        bytes
    };
    let got = without_sum(got);
    if got == expected {
        return Ok(());
    }
    let summary = "the datagram is not as agreed (its checksum is left out here)";
    let symptom = Symptom::new(Kind::Wrong, summary);
    let shown = |bytes: &[u8]| match bytes.len() {
        0..=32 => view::hex(bytes),
        many => format!("{}... ({many} bytes)", view::hex(&bytes[..32])),
    };
    let mut symptom = symptom.with_words(shown(expected), shown(&got));
    (symptom.expected_bytes, symptom.got_bytes) = (expected.to_vec(), got);
    Err(symptom)
}

fn header(make: Make, report: &Report) -> Result<(), Symptom> {
    let got = made(make, SMALL, SMALL_DATA)?;
    report.recorder().sent(1, Side::Right, &got);
    framed(&got, SMALL, SMALL_DATA)
}

/// One case, which the verdict shows.
fn told(
    make: Make,
    report: &Report,
    ends: [SocketAddrV4; 2],
    data: &[u8],
) -> Result<(), Symptom> {
    let recorder = report.recorder();
    recorder.note(1, Side::Left, format!("{} to {}", ends[0], ends[1]));
    recorder.sent(1, Side::Left, data);
    if let Ok(datagram) = make(ends[0], ends[1], data) {
        recorder.sent(1, Side::Right, &datagram);
    }
    same(make, ends, data)
}

fn same(make: Make, ends: [SocketAddrV4; 2], data: &[u8]) -> Result<(), Symptom> {
    let got = made(make, ends, data)?;
    framed(&got, ends, data)?;
    let bytes = covered(ends, data);
    let expected = match checksum(&bytes) {
        0 => 0xFFFF,
        sum => sum,
    };
    let got = u16::from_be_bytes([got[6], got[7]]);
    if got == expected {
        return Ok(());
    }
    let shown = match data.len() {
        0..=16 => format!("\"{}\"", data.escape_ascii()),
        many => view::bytes(many as u64),
    };
    let summary = format!("the checksum is wrong, for {shown}");
    let mut symptom = wrong_sum(summary, expected, got);
    symptom.kernel.extend(account(&bytes, expected, got));
    Err(symptom)
}

const ALONE: &str = "It is the checksum of the datagram alone.";
const SWAPPED: &str =
    "It is the right checksum with its two bytes in the other order.";
const NOT_TURNED: &str = "It is the sum, its bits not turned over.";
const CARRIES: &str = "It is what is left of the sum if carries are dropped.";
const DROPPED: &str = "It is the checksum without the last byte.";
const LOW: &str =
    "It is the checksum with the last byte as the lower half of its pair.";
const NONE: &str = "A checksum of 0 says that there is none.";

/// What the wrong sum is, where that can be told; the first that fits.
fn account(bytes: &[u8], expected: u16, got: u16) -> Option<String> {
    let sum = total(bytes);
    let once = (sum & 0xFFFF) + (sum >> 16);
    let odd = !bytes.len().is_multiple_of(2);
    let (whole, last) = bytes.split_at(bytes.len() - usize::from(odd));
    let low = last.first().map_or(0, |last| u64::from(*last));
    let candidates = [
        (true, 0, NONE),
        (true, checksum(&bytes[12..]), ALONE),
        (true, expected.swap_bytes(), SWAPPED),
        (true, !expected, NOT_TURNED),
        (true, !(sum as u16), CARRIES),
        (true, !(once as u16), CARRIES),
        (odd, checksum(whole), DROPPED),
        (odd, !folded(total(whole) + low), LOW),
    ];
    let found = candidates.iter().find(|(can, sum, _)| *can && *sum == got);
    found.map(|(_, _, what)| (*what).to_string())
}

/// The last two bytes of data are chosen so that the lower half of the sum is `ffff`,
/// and the first two make sure of an upper half.
fn again(make: Make, report: &Report) -> Result<(), Symptom> {
    let ends = [SOURCE, TARGET];
    let sum = total(&covered(ends, &[0xFF, 0xFF, 0, 0]));
    let [high, low] = (!(sum as u16)).to_be_bytes();
    told(make, report, ends, &[0xFF, 0xFF, high, low])
}

/// Two bytes of data are chosen so that the sum comes out as `ffff`.
fn zero(make: Make, report: &Report) -> Result<(), Symptom> {
    let ends = [SOURCE, TARGET];
    let missing = checksum(&covered(ends, &[0, 0]));
    told(make, report, ends, &missing.to_be_bytes())
}

fn too_many(make: Make, _: &Report) -> Result<(), Symptom> {
    for length in [MOST + 1, 65_529] {
        let count = view::bytes(length as u64);
        let expected = format!("an error of the kind InvalidInput, for {count}");
        match make(SOURCE, TARGET, &vec![0; length]) {
            Err(error) if error.kind() == ErrorKind::InvalidInput => {}
            Err(error) => {
                let got = format!("an error of the kind {:?}", error.kind());
                return Err(Symptom::new(
                    Kind::Error,
                    "the error is of another kind",
                )
                .with_words(expected, got));
            }
            Ok(datagram) => {
                let told = datagram.get(4..6).map(view::hex).unwrap_or_default();
                let got = format!("a datagram whose length field is {told}");
                let summary = "your function saw no error";
                return Err(
                    Symptom::new(Kind::NoError, summary).with_words(expected, got)
                );
            }
        }
    }
    Ok(())
}

fn any(make: Make, _: &Report) -> Result<(), Symptom> {
    let mut chance = Chance::new(768);
    for _ in 0..2000 {
        let mut end = || {
            let ip: Vec<u8> = chance.bytes(4);
            let ip = Ipv4Addr::new(ip[0], ip[1], ip[2], ip[3]);
            SocketAddrV4::new(ip, chance.below(1 << 16) as u16)
        };
        let ends = [end(), end()];
        let length = chance.below(100);
        let data = chance.bytes(length);
        same(make, ends, &data)?;
    }
    Ok(())
}

/// Sends the datagram in an IPv4 packet of ours, to a socket that knows nothing of it.
#[cfg(target_os = "linux")]
fn kernel(make: Make, _: &Report) -> Result<(), Symptom> {
    use std::net::{SocketAddr, UdpSocket};
    use std::time::Duration;

    use super::room::{send_packet, whole_packets};

    let skipped = |error: io::Error| {
        let why = format!(
            "it takes a network namespace, or CAP_NET_RAW: {error}; `cargo run -p \
             lesson-7 -- doors` says what helps"
        );
        Symptom::new(Kind::Skipped, why)
    };
    let broken = |error: io::Error| {
        let why = format!("the check could not send a packet: {error}");
        Symptom::new(Kind::Broken, why)
    };
    let raw = whole_packets().map_err(skipped)?;
    let receiver = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(broken)?;
    let limit = Some(Duration::from_secs(2));
    receiver.set_read_timeout(limit).map_err(broken)?;
    let port = receiver.local_addr().map_err(broken)?.port();
    let target = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
    let source = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 50_001);
    for data in [&b"good morning"[..], b"hello", b""] {
        let datagram = made(make, [source, target], data)?;
        send_packet(&raw, &packet(source, target, &datagram)).map_err(broken)?;
        let mut buffer = [0; 100];
        let got = receiver.recv_from(&mut buffer);
        let got = got.map(|(length, from)| (buffer[..length].to_vec(), from));
        match got {
            Ok((got, SocketAddr::V4(from))) if got == data && from == source => {}
            Ok((got, from)) => {
                let summary = "the socket received something else";
                return Err(Symptom::new(Kind::Wrong, summary).with_words(
                    format!("{} from {source}", view::escaped(data)),
                    format!("{} from {from}", view::escaped(&got)),
                ));
            }
            Err(_) => {
                let summary = "the kernel threw the datagram away";
                let expected = format!("{} at {target}", view::escaped(data));
                return Err(Symptom::new(Kind::NoAnswer, summary)
                    .with_words(expected, "nothing"));
            }
        }
    }
    Ok(())
}

/// An IPv4 packet with a datagram; the kernel fills in its header checksum.
#[cfg(target_os = "linux")]
fn packet(source: SocketAddrV4, target: SocketAddrV4, datagram: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend(((20 + datagram.len()) as u16).to_be_bytes());
    packet.extend([0, 1, 0x40, 0, 64, 17, 0, 0]);
    packet.extend(source.ip().octets());
    packet.extend(target.ip().octets());
    packet.extend(datagram);
    packet
}

#[cfg(not(target_os = "linux"))]
fn kernel(_: Make, _: &Report) -> Result<(), Symptom> {
    let why = "only Linux has network namespaces; the bytes were compared";
    Err(Symptom::new(Kind::Skipped, why))
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

/// The header of the first probe with one or more of its numbers turned round.
fn is_turned_round(symptom: &Symptom) -> bool {
    let (expected, got) = (&symptom.expected_bytes, &symptom.got_bytes);
    symptom.kind == Kind::Wrong
        && expected.len() == got.len()
        && expected.chunks(2).zip(got.chunks(2)).enumerate().all(
            |(at, (expected, got))| {
                let turned = expected.iter().rev().eq(got);
                expected == got || (at < 3 && turned)
            },
        )
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M30",
        fits: |all| all.first(&["header"]).is_some_and(is_turned_round),
        why: "Ports and length have their most significant byte first. Yours have it \
              last, so that port 291 (01 23) arrives as 8961 (23 01).",
    },
    Rule {
        mistake: "M98",
        fits: |all| is(all, &["sum", "carry"], &[ALONE]),
        why: "The checksum covers the addresses, the protocol and the length as well, \
              as 12 bytes in front that are never sent. Without them the kernel takes \
              every datagram of yours for damaged, and tells nobody.",
    },
    Rule {
        mistake: "M30",
        fits: |all| is(all, &["sum"], &[SWAPPED]),
        why: "The checksum is right, and its two bytes are in the other order.",
    },
    Rule {
        mistake: "M96",
        fits: |all| is(all, &["carry", "again", "most"], &[CARRIES]),
        why: "What does not fit into 16 bits has to come in again at the lower end, as \
              often as there is something left above. Here it was lost.",
    },
    Rule {
        mistake: "M96",
        fits: |all| {
            let first = all.first(&["carry", "again", "most"]);
            first.is_some_and(overflowed)
        },
        why: OVERFLOWED,
    },
    Rule {
        mistake: "M95",
        fits: |all| is(all, &["odd"], &[DROPPED, LOW]),
        why: "With data of odd length the last byte has no partner. It is the upper half \
              of a pair whose lower half is 0.",
    },
    Rule {
        mistake: "M97",
        fits: |all| is(all, &["zero"], &[NONE]),
        why: "The sum came out as 0, and was sent so. To the receiver it says that there \
              is no checksum at all: ffff is the other form of zero, and is sent.",
    },
    Rule {
        mistake: "M44",
        fits: |all| {
            all.first(&["too-many"])
                .is_some_and(|s| s.kind == Kind::NoError)
        },
        why: "So much data does not fit into an IPv4 packet, whose total length has 16 \
              bits; a little more, and the UDP length is cut to a small number.",
    },
];
