//! `raw/parse`: an ICMP echo out of an IPv4 packet.

use std::net::Ipv4Addr;

use wire::{Side, view};

use super::packets::{Chance, Packet, SOURCE, TTL, checksum, message};
use checks::diagnosis::{self, Findings, Rule};
use checks::engine::{Check, Probe, Report, Seen};
use checks::symptom::{Kind, Symptom};

/// What the learner's function found: source, time to live, whether it is a reply,
/// identifier, sequence number and data; or the name of what is wrong.
pub type Parsed<'a> = Result<(Ipv4Addr, u8, bool, u16, u16, &'a [u8]), String>;

type Parse = fn(&[u8]) -> Parsed<'_>;

/// A packet, and what it is in a few words.
type Case = (Vec<u8>, String);

/// The check of `raw/parse`.
pub fn parse(parse: fn(&[u8]) -> Parsed<'_>) -> Check {
    let probe = |name, title, cases: fn() -> Vec<Case>| {
        Probe::script(name, title, move |report| {
            let mut cases = cases().into_iter();
            cases.try_for_each(|(packet, what)| same(parse, report, &packet, &what))
        })
    };
    let probes = vec![
        probe("request", "an echo request", || vec![case(request(), "")]),
        probe("reply", "an echo reply", || {
            vec![case(Packet::new(message(0, 0, 7, 0xFFFE, b"")), "")]
        }),
        probe("options", "a header of 24 bytes, and of 60", options),
        probe("padding", "bytes behind the end of the packet", padding),
        probe("cut", "a packet cut short, at every byte", cut),
        probe("version", "versions that are not 4", versions),
        probe("header", "header lengths that cannot be", headers),
        probe("total", "total lengths that cannot be", totals),
        probe(
            "sum",
            "a header that has changed on its way",
            changed_headers,
        ),
        probe("fragment", "fragments", fragments),
        probe("protocol", "other protocols than ICMP", protocols),
        probe("short", "ICMP messages of 0 to 7 bytes", short),
        probe(
            "icmp-sum",
            "a message that has changed on its way",
            changed_messages,
        ),
        probe("type", "ICMP messages that are no echo", types),
        probe("order", "packets with two things wrong", two_wrong),
        probe("any", "any bytes at all", any),
    ];
    Check::new("raw/parse", probes, diagnose)
}

fn request() -> Packet {
    Packet::new(message(8, 0, 0x1234, 0x0102, b"good morning!"))
}

fn case(packet: Packet, what: &str) -> Case {
    (packet.bytes(), what.to_string())
}

fn options() -> Vec<Case> {
    let with = |length: usize| Packet {
        options: vec![1; length], // "no operation", RFC 791
        ..request()
    };
    vec![
        case(with(4), "with 4 bytes of options"),
        case(with(40), "with 40 bytes of options"),
    ]
}

fn padding() -> Vec<Case> {
    let padded = |padding: Vec<u8>| Packet {
        padding,
        ..Packet::new(message(0, 0, 7, 1, b"hi"))
    };
    vec![
        case(padded(vec![0; 16]), "followed by 16 zeros"),
        case(padded(vec![0xEE; 3]), "followed by 3 bytes ee"),
    ]
}

fn cut() -> Vec<Case> {
    let whole = Packet {
        options: vec![1; 4],
        ..request()
    };
    let whole = whole.bytes();
    (0..whole.len())
        .map(|length| {
            let what = format!("of which {length} bytes came");
            (whole[..length].to_vec(), what)
        })
        .collect()
}

fn versions() -> Vec<Case> {
    let of = |version| Packet {
        version,
        ..request()
    };
    [0, 5, 6, 15]
        .map(|version| case(of(version), &format!("of version {version}")))
        .to_vec()
}

fn headers() -> Vec<Case> {
    let told = |words| Packet {
        words: Some(words),
        ..Packet::new(message(8, 0, 7, 1, b""))
    };
    [0, 1, 4, 8, 15]
        .map(|words| case(told(words), &format!("with a header of {words} words")))
        .to_vec()
}

fn totals() -> Vec<Case> {
    let told = |total| Packet {
        total: Some(total),
        ..request()
    };
    [0, 19, 42, 1500, 65_535]
        .map(|total| case(told(total), &format!("with a total length of {total}")))
        .to_vec()
}

fn changed_headers() -> Vec<Case> {
    let whole = request().bytes();
    // Not the first byte: version and header length have errors of their own.
    let turned = (8..160).map(|bit| {
        let mut packet = whole.clone();
        packet[bit / 8] ^= 1 << (bit % 8);
        (
            packet,
            format!("with a bit of byte {} turned over", bit / 8),
        )
    });
    turned.collect()
}

fn fragments() -> Vec<Case> {
    let marked = |fragment| Packet {
        fragment,
        ..request()
    };
    [
        (0x0000, "that may be fragmented, and is whole"),
        (0x8000, "with the unused flag set"),
        (0x2000, "the first fragment of several"),
        (0x2001, "a fragment from the middle"),
        (0x1FFF, "a last fragment"),
        (0x0001, "a last fragment, with a small offset"),
    ]
    .map(|(fragment, what)| case(marked(fragment), what))
    .to_vec()
}

fn protocols() -> Vec<Case> {
    let of = |protocol| Packet {
        protocol,
        ..request()
    };
    [0, 2, 6, 17, 255]
        .map(|protocol| case(of(protocol), &format!("of protocol {protocol}")))
        .to_vec()
}

fn short() -> Vec<Case> {
    let whole = message(8, 0, 7, 1, b"");
    (0..8)
        .map(|length| {
            let packet = Packet::new(whole[..length].to_vec());
            case(packet, &format!("with {length} bytes of ICMP"))
        })
        .collect()
}

fn changed_messages() -> Vec<Case> {
    let whole = request().bytes();
    (160..8 * whole.len())
        .map(|bit| {
            let mut packet = whole.clone();
            packet[bit / 8] ^= 1 << (bit % 8);
            (
                packet,
                format!("with a bit of byte {} turned over", bit / 8),
            )
        })
        .collect()
}

fn types() -> Vec<Case> {
    [(3, 1), (11, 0), (8, 1), (0, 3), (13, 0), (255, 255)]
        .map(|(kind, code)| {
            let packet = Packet::new(message(kind, code, 7, 1, b"data"));
            case(packet, &format!("with type {kind}, code {code}"))
        })
        .to_vec()
}

fn two_wrong() -> Vec<Case> {
    let (short, whole) = (message(8, 0, 7, 1, b""), message(8, 0, 7, 1, b"data"));
    let fragment = Packet {
        fragment: 0x2000,
        ..Packet::new(whole.clone())
    };
    let other = Packet {
        protocol: 17,
        ..Packet::new(whole)
    };
    let lies = Packet {
        total: Some(1500),
        ..fragment.clone()
    };
    let of_udp = Packet {
        protocol: 17,
        ..fragment.clone()
    };
    let cut = Packet {
        message: short[..4].to_vec(),
        ..other
    };
    let piece = Packet {
        message: short[..4].to_vec(),
        ..fragment
    };
    vec![
        case(lies, "that is a fragment, with a total length of 1500"),
        case(of_udp, "that is a fragment, of protocol 17"),
        case(piece, "that is a fragment, with 4 bytes of ICMP"),
        case(cut, "of protocol 17, with 4 bytes behind the header"),
    ]
}

fn any() -> Vec<Case> {
    let mut chance = Chance::new(791);
    let mut cases = Vec::new();
    for round in 0..4000 {
        let length = chance.below(80);
        let mut bytes = chance.bytes(length);
        // Most of them get as far as the lengths, half as far as the message.
        if let Some(first) = bytes.first_mut().filter(|_| round % 4 > 0) {
            *first = 0x40 | *first & 0x0F;
        }
        let header = bytes.first().map_or(0, |b| usize::from(b & 0x0F) * 4);
        if round % 2 > 0 && header >= 20 && header <= bytes.len() {
            let total = bytes.len() - chance.below(4).min(bytes.len() - header);
            bytes[2..4].copy_from_slice(&(total as u16).to_be_bytes());
            bytes[6..12].copy_from_slice(&[0, 0, 1, 1, 0, 0]);
            let sum = checksum(&bytes[..header]).to_be_bytes();
            bytes[10..12].copy_from_slice(&sum);
        }
        cases.push((bytes, String::new()));
    }
    cases
}

/// What a right answer says, in the order of the stub.
fn right(packet: &[u8]) -> Parsed<'_> {
    let wrong = |what: &str| Err(what.to_string());
    if packet.len() < 20 {
        return wrong("Truncated");
    }
    let word = |at: usize| u16::from_be_bytes([packet[at], packet[at + 1]]);
    let (length, total) = (usize::from(packet[0] & 0x0F) * 4, usize::from(word(2)));
    if packet[0] >> 4 != 4 {
        return wrong("Version");
    }
    if length < 20 || length > packet.len() {
        return wrong("HeaderLength");
    }
    if checksum(&packet[..length]) != 0 {
        return wrong("HeaderChecksum");
    }
    if total < length || total > packet.len() {
        return wrong("TotalLength");
    }
    if word(6) & 0x3FFF != 0 {
        return wrong("Fragment");
    }
    if packet[9] != 1 {
        return wrong("Protocol");
    }
    let message = &packet[length..total];
    if message.len() < 8 {
        return wrong("IcmpLength");
    }
    if checksum(message) != 0 {
        return wrong("IcmpChecksum");
    }
    let reply = match message[..2] {
        [8, 0] => false,
        [0, 0] => true,
        _ => return wrong("Type"),
    };
    let [.., i1, i0, s1, s0] = message[..8] else {
        return wrong("IcmpLength");
    };
    let numbers = [[i1, i0], [s1, s0]].map(u16::from_be_bytes);
    let source = Ipv4Addr::new(packet[12], packet[13], packet[14], packet[15]);
    Ok((
        source,
        packet[8],
        reply,
        numbers[0],
        numbers[1],
        &message[8..],
    ))
}

fn shown(parsed: &Parsed<'_>) -> String {
    match parsed {
        Err(wrong) => format!("Err({wrong})"),
        Ok((source, ttl, reply, identifier, sequence, data)) => {
            let data = view::escaped(data);
            format!(
                "source {source}, ttl {ttl}, reply {reply}, identifier \
                 {identifier:#06x}, sequence {sequence:#06x}, data {data}"
            )
        }
    }
}

fn same(
    parse: Parse,
    report: &Report,
    packet: &[u8],
    what: &str,
) -> Result<(), Symptom> {
    report.recorder().sent(1, Side::Left, packet);
    let (expected, got) = (right(packet), parse(packet));
    if expected == got {
        return Ok(());
    }
    let kind = match (&expected, &got) {
        (Ok(_), Err(_)) => Kind::Error,
        (Err(_), Ok(_)) => Kind::NoError,
        _ => Kind::WrongValue,
    };
    let summary = match what {
        "" => "your function understood the packet otherwise".to_string(),
        what => format!("your function understood a packet {what} otherwise"),
    };
    Err(Symptom::new(kind, summary).with_words(shown(&expected), shown(&got)))
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: <[u8]>::to_vec,
    };
    diagnosis::name(&[RULES], &findings)
}

/// What was found in the request with its numbers in the other order.
fn swapped() -> [String; 3] {
    [(0x3412, 0x0102), (0x1234, 0x0201), (0x3412, 0x0201)].map(
        |(identifier, sequence)| {
            let data = b"good morning!";
            shown(&Ok((SOURCE, TTL, false, identifier, sequence, data)))
        },
    )
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M30",
        fits: |all| {
            let request = all.first(&["request"]);
            request.is_some_and(|s| swapped().contains(&s.got))
        },
        why: "All is right but the order of bytes: in every header of the internet the \
              most significant byte of a number comes first.",
    },
    Rule {
        mistake: "M93",
        fits: |all| {
            let options = all.first(&["options"]);
            options.is_some_and(Symptom::is_about_the_result)
        },
        why: "Headers of 20 bytes are read well, and longer ones are not. How long a \
              header is stands in its first byte; options follow the twentieth.",
    },
    Rule {
        mistake: "M94",
        fits: |all| {
            all.first(&["padding"]).is_some_and(|s| {
                // What came is taken for the message, or summed with it.
                let took_all = s.kind == Kind::WrongValue
                    && s.got.starts_with(s.expected.trim_end_matches('"'));
                let summed_all = s.got == "Err(IcmpChecksum)";
                took_all || summed_all
            })
        },
        why: "The packet ends where its total length says. What came behind it is \
              padding of the link, and your function took it for a part of the message.",
    },
    Rule {
        mistake: "M45",
        fits: |all| {
            let hostile = ["cut", "version", "header", "total", "short", "any"];
            all.first(&hostile).is_some_and(|s| s.panic.is_some())
        },
        why: "A packet that is not what it says was enough to make your function panic. \
              Anybody can send one. Look at a length before you use it, or use `get`.",
    },
    Rule {
        mistake: "M94",
        fits: |all| {
            all.first(&["cut", "total"]).is_some_and(|s| {
                let accepted = s.kind == Kind::NoError;
                let missed =
                    s.got == "Err(IcmpChecksum)" || s.got == "Err(IcmpLength)";
                s.expected == "Err(TotalLength)" && (accepted || missed)
            })
        },
        why: "The packet says how long it is, and fewer bytes came, or its header alone \
              is longer. Your function did not compare the total length with what was \
              there.",
    },
];
