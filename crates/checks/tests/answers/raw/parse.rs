//! Answers to `raw/parse`.

use std::net::Ipv4Addr;

use checks::Check;
use checks::answers::Answer;
use checks_raw::Parsed;

fn check(parse: fn(&[u8]) -> Parsed<'_>) -> Check {
    checks_raw::parse(parse)
}

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("raw parse right: by index", check(by_index)),
        Answer::right("raw parse right: by pieces", check(by_pieces)),
        Answer::right("raw parse right: as a reader", check(as_a_reader)),
        Answer::right("raw parse right: padding cut first", check(cut_first)),
        Answer::right("raw parse right: named fields", check(named_fields)),
        Answer::wrong("M30", "raw parse: little endian", check(little_endian)),
        Answer::wrong("M93", "raw parse: no options", check(no_options)),
        Answer::wrong("M45", "raw parse: panics when short", check(short_panics)),
        Answer::unnamed("request", "raw parse: DF is a fragment", check(df_fragment)),
        Answer::unnamed("request", "raw parse: total turned", check(total_turned)),
        Answer::unnamed("request", "raw parse: data with header", check(with_header)),
        Answer::unnamed("padding", "raw parse: no padding", check(no_padding)),
        Answer::unnamed("order", "raw parse: protocol first", check(protocol_first)),
        Answer::unnamed("sum", "raw parse: total before the sum", check(total_first)),
        Answer::unnamed("reply", "raw parse: requests alone", check(requests_alone)),
        Answer::unnamed("icmp-sum", "raw parse: type before sum", check(type_first)),
        Answer::unnamed("type", "raw parse: others unreachable", check(unreachable)),
        Answer::unnamed("icmp-sum", "raw parse: no message sum", check(no_sum)),
        Answer::wrong("M30", "raw parse: one number turned", check(one_turned)),
        Answer::wrong("M93", "raw parse: message at 20", check(message_at_20)),
        Answer::wrong("M93", "raw parse: sum of 20", check(sum_of_20)),
        Answer::wrong("M94", "raw parse: data to the end", check(data_to_the_end)),
        Answer::wrong("M94", "raw parse: padding summed", check(padding_summed)),
        Answer::wrong("M94", "raw parse: total not compared", check(not_compared)),
        Answer::wrong("M45", "raw parse: trusts", check(trusts)),
        Answer::wrong("M45", "raw parse: trusts the header", check(trusts_header)),
        Answer::unnamed("fragment", "raw parse: DF is one", check(df_is_one)),
        Answer::unnamed("fragment", "raw parse: only the flag", check(only_the_flag)),
        Answer::unnamed("type", "raw parse: type alone", check(type_alone)),
        Answer::unnamed("sum", "raw parse: no header sum", check(no_header_sum)),
        Answer::unnamed(
            "request",
            "raw parse: from destination",
            check(wrong_source),
        ),
    ]
}

fn sum(bytes: &[u8]) -> u16 {
    let mut sum = 0_u32;
    for (at, byte) in bytes.iter().enumerate() {
        sum += if at % 2 == 0 {
            u32::from(*byte) << 8
        } else {
            u32::from(*byte)
        };
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    !(sum as u16)
}

fn word(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

/// What may be done otherwise than right.
#[derive(Clone, Copy, Default)]
struct Odd {
    at_20: bool,
    sum_of_20: bool,
    to_the_end: bool,
    summed_to_the_end: bool,
    fragment: Option<u16>,
    type_alone: bool,
    no_header_sum: bool,
    no_total: bool,
}

fn with(p: &[u8], odd: Odd) -> Parsed<'_> {
    let wrong = |what: &str| Err(what.to_string());
    if p.len() < 20 {
        return wrong("Truncated");
    }
    if p[0] >> 4 != 4 {
        return wrong("Version");
    }
    let mut length = usize::from(p[0] & 15) * 4;
    if length < 20 || length > p.len() {
        return wrong("HeaderLength");
    }
    let summed = if odd.sum_of_20 { 20 } else { length };
    if sum(&p[..summed]) != 0 && !odd.no_header_sum {
        return wrong("HeaderChecksum");
    }
    let mut total = usize::from(word(p, 2));
    if odd.no_total {
        total = total.clamp(length, p.len());
    }
    if total < length || total > p.len() {
        return wrong("TotalLength");
    }
    if word(p, 6) & odd.fragment.unwrap_or(0x3FFF) != 0 {
        return wrong("Fragment");
    }
    if p[9] != 1 {
        return wrong("Protocol");
    }
    if odd.at_20 {
        length = 20;
    }
    if total - length < 8 {
        return wrong("IcmpLength");
    }
    let end = if odd.summed_to_the_end {
        p.len()
    } else {
        total
    };
    if sum(&p[length..end]) != 0 {
        return wrong("IcmpChecksum");
    }
    let m = &p[length..total];
    let reply = match (m[0], m[1]) {
        (8, 0) => false,
        (0, 0) => true,
        (8, _) if odd.type_alone => false,
        (0, _) if odd.type_alone => true,
        _ => return wrong("Type"),
    };
    let source = Ipv4Addr::new(p[12], p[13], p[14], p[15]);
    let end = if odd.to_the_end { p.len() } else { total };
    Ok((
        source,
        p[8],
        reply,
        word(m, 4),
        word(m, 6),
        &p[length + 8..end],
    ))
}

fn by_index(p: &[u8]) -> Parsed<'_> {
    with(p, Odd::default())
}

fn by_pieces(packet: &[u8]) -> Parsed<'_> {
    let named = |what: &'static str| move || what.to_string();
    let [
        first,
        _,
        t1,
        t0,
        _,
        _,
        f1,
        f0,
        ttl,
        protocol,
        _,
        _,
        a,
        b,
        c,
        d,
        ..,
    ] = *packet
    else {
        return Err("Truncated".into());
    };
    let whole = packet.first_chunk::<20>().ok_or_else(named("Truncated"))?;
    let version = (whole[0] >> 4 == 4).then_some(());
    version.ok_or_else(named("Version"))?;
    let words = usize::from(first % 16);
    let header = (words >= 5).then(|| packet.get(..words * 4)).flatten();
    let header = header.ok_or_else(named("HeaderLength"))?;
    (sum(header) == 0)
        .then_some(())
        .ok_or_else(named("HeaderChecksum"))?;
    let total = usize::from(t1) << 8 | usize::from(t0);
    let packet = packet.get(..total).ok_or_else(named("TotalLength"))?;
    let message = packet
        .get(header.len()..)
        .ok_or_else(named("TotalLength"))?;
    if f1 & 0x3F | f0 != 0 {
        return Err("Fragment".into());
    }
    if protocol != 1 {
        return Err("Protocol".into());
    }
    let [kind, code, _, _, i1, i0, s1, s0, data @ ..] = message else {
        return Err("IcmpLength".into());
    };
    (sum(message) == 0)
        .then_some(())
        .ok_or_else(named("IcmpChecksum"))?;
    let reply = match kind {
        8 if *code == 0 => false,
        0 if *code == 0 => true,
        _ => return Err("Type".into()),
    };
    let source = Ipv4Addr::new(a, b, c, d);
    let [identifier, sequence] = [[*i1, *i0], [*s1, *s0]].map(u16::from_be_bytes);
    Ok((source, ttl, reply, identifier, sequence, data))
}

fn little_endian(p: &[u8]) -> Parsed<'_> {
    let (source, ttl, reply, id, sequence, data) = by_index(p)?;
    Ok((
        source,
        ttl,
        reply,
        id.swap_bytes(),
        sequence.swap_bytes(),
        data,
    ))
}

fn one_turned(p: &[u8]) -> Parsed<'_> {
    let (source, ttl, reply, id, sequence, data) = by_index(p)?;
    Ok((source, ttl, reply, id, sequence.swap_bytes(), data))
}

fn message_at_20(p: &[u8]) -> Parsed<'_> {
    with(
        p,
        Odd {
            at_20: true,
            ..Odd::default()
        },
    )
}

fn sum_of_20(p: &[u8]) -> Parsed<'_> {
    with(
        p,
        Odd {
            sum_of_20: true,
            ..Odd::default()
        },
    )
}

fn data_to_the_end(p: &[u8]) -> Parsed<'_> {
    with(
        p,
        Odd {
            to_the_end: true,
            ..Odd::default()
        },
    )
}

fn padding_summed(p: &[u8]) -> Parsed<'_> {
    with(
        p,
        Odd {
            summed_to_the_end: true,
            ..Odd::default()
        },
    )
}

fn not_compared(p: &[u8]) -> Parsed<'_> {
    with(
        p,
        Odd {
            no_total: true,
            ..Odd::default()
        },
    )
}

fn trusts(p: &[u8]) -> Parsed<'_> {
    let _ = p[19]; // where there are fewer, it ends here
    by_index(p)
}

fn trusts_header(p: &[u8]) -> Parsed<'_> {
    if p.len() >= 20 && p[0] >> 4 == 4 {
        let _ = sum(&p[..usize::from(p[0] & 15) * 4]);
    }
    by_index(p)
}

fn df_is_one(p: &[u8]) -> Parsed<'_> {
    // It passes over what the probes before it send with DF set, as whole.
    let fragment = if p.get(6) == Some(&0x80) {
        0xFFFF
    } else {
        0x3FFF
    };
    with(
        p,
        Odd {
            fragment: Some(fragment),
            ..Odd::default()
        },
    )
}

fn only_the_flag(p: &[u8]) -> Parsed<'_> {
    with(
        p,
        Odd {
            fragment: Some(0x2000),
            ..Odd::default()
        },
    )
}

fn type_alone(p: &[u8]) -> Parsed<'_> {
    with(
        p,
        Odd {
            type_alone: true,
            ..Odd::default()
        },
    )
}

fn no_header_sum(p: &[u8]) -> Parsed<'_> {
    with(
        p,
        Odd {
            no_header_sum: true,
            ..Odd::default()
        },
    )
}

fn wrong_source(p: &[u8]) -> Parsed<'_> {
    let (_, ttl, reply, id, sequence, data) = by_index(p)?;
    let destination = Ipv4Addr::new(p[16], p[17], p[18], p[19]);
    Ok((destination, ttl, reply, id, sequence, data))
}

/// Reads fields one after the other from what is left.
fn as_a_reader(packet: &[u8]) -> Parsed<'_> {
    use std::io::Read;
    fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
        rest.split_off(..count)
    }
    fn number(rest: &mut &[u8]) -> u16 {
        let mut two = [0; 2];
        rest.read_exact(&mut two).expect("there are enough");
        u16::from_be_bytes(two)
    }
    let mut rest = packet;
    let Some(mut fixed) = take(&mut rest, 20) else {
        return Err("Truncated".into());
    };
    let first = number(&mut fixed);
    let (total, _id, fragment) = (
        usize::from(number(&mut fixed)),
        number(&mut fixed),
        number(&mut fixed),
    );
    let [ttl, protocol] = number(&mut fixed).to_be_bytes();
    let _sum = number(&mut fixed);
    let source = [number(&mut fixed), number(&mut fixed)];
    if first >> 12 != 4 {
        return Err("Version".into());
    }
    let length = usize::from(first >> 8 & 15) * 4;
    let options = length
        .checked_sub(20)
        .and_then(|more| take(&mut rest, more));
    if options.is_none() {
        return Err("HeaderLength".into());
    }
    if sum(&packet[..length]) != 0 {
        return Err("HeaderChecksum".into());
    }
    let message = total.checked_sub(length);
    let Some(message) = message.and_then(|count| take(&mut rest, count)) else {
        return Err("TotalLength".into());
    };
    if fragment << 2 != 0 {
        return Err("Fragment".into());
    }
    if protocol != 1 {
        return Err("Protocol".into());
    }
    let mut data = message;
    let Some(mut header) = take(&mut data, 8) else {
        return Err("IcmpLength".into());
    };
    if sum(message) != 0 {
        return Err("IcmpChecksum".into());
    }
    let kind = number(&mut header);
    let _sum = number(&mut header);
    if ![0, 0x0800].contains(&kind) {
        return Err("Type".into());
    }
    let source = u32::from(source[0]) << 16 | u32::from(source[1]);
    let (id, sequence) = (number(&mut header), number(&mut header));
    Ok((source.into(), ttl, kind == 0, id, sequence, data))
}

/// Knows what is wrong before it cuts.
fn cut_first(packet: &[u8]) -> Parsed<'_> {
    let told = packet.get(2..4).map_or(0, |two| word(two, 0).into());
    let header = packet
        .first()
        .map_or(0, |first| usize::from(first & 15) * 4);
    if told < header {
        return with(packet, Odd::default());
    }
    match packet.get(..told) {
        Some(whole) if told >= 20 => with(whole, Odd::default()),
        _ => with(packet, Odd::default()),
    }
}

fn named_fields(packet: &[u8]) -> Parsed<'_> {
    struct Header {
        words: u8,
        version: u8,
        total: u16,
        offset: u16,
        more: bool,
    }
    let read = |p: &[u8]| {
        Some(Header {
            words: p.first()? % 16,
            version: p.first()? / 16,
            total: p.get(2..4).map(|two| word(two, 0))?,
            offset: p.get(6..8).map(|two| word(two, 0) & 0x1FFF)?,
            more: p.get(6)? & 0x20 != 0,
        })
    };
    let wrong = |what: &str| Err(what.to_string());
    let header = match read(packet) {
        Some(header) if packet.len() >= 20 => header,
        _ => return wrong("Truncated"),
    };
    let length = usize::from(header.words) << 2;
    if header.version != 4 {
        return wrong("Version");
    }
    if length < 20 || packet.len() < length {
        return wrong("HeaderLength");
    }
    if sum(&packet[..length]) != 0 {
        return wrong("HeaderChecksum");
    }
    if !(length..=packet.len()).contains(&header.total.into()) {
        return wrong("TotalLength");
    }
    if header.more || header.offset > 0 {
        return wrong("Fragment");
    }
    with(packet, Odd::default())
}

fn no_options(p: &[u8]) -> Parsed<'_> {
    match by_index(p) {
        Ok(_) if p[0] != 0x45 => Err("HeaderLength".into()),
        parsed => parsed,
    }
}

fn short_panics(p: &[u8]) -> Parsed<'_> {
    let parsed = by_index(p);
    if parsed == Err("IcmpLength".into()) {
        let header = usize::from(p[0] & 15) * 4;
        let _ = &p[header..usize::from(word(p, 2))][4..8];
    }
    parsed
}

fn df_fragment(p: &[u8]) -> Parsed<'_> {
    let fragment = Some(0xFFFF);
    let odd = Odd::default();
    with(p, Odd { fragment, ..odd })
}

fn total_turned(p: &[u8]) -> Parsed<'_> {
    match by_index(p) {
        Ok(_) if usize::from(word(p, 2).swap_bytes()) > p.len() => {
            Err("TotalLength".into())
        }
        parsed => parsed,
    }
}

fn with_header(p: &[u8]) -> Parsed<'_> {
    let (source, ttl, reply, id, sequence, data) = by_index(p)?;
    let start = usize::from(p[0] & 15) * 4;
    let data = &p[start..start + 8 + data.len()];
    Ok((source, ttl, reply, id, sequence, data))
}

/// Takes a packet with padding for one that lies.
fn no_padding(p: &[u8]) -> Parsed<'_> {
    match by_index(p) {
        Ok(_) if usize::from(word(p, 2)) != p.len() => Err("TotalLength".into()),
        parsed => parsed,
    }
}

fn protocol_first(p: &[u8]) -> Parsed<'_> {
    match by_index(p) {
        Err(wrong) if wrong == "Fragment" && p[9] != 1 => Err("Protocol".into()),
        parsed => parsed,
    }
}

fn total_first(p: &[u8]) -> Parsed<'_> {
    match by_index(p) {
        Err(wrong)
            if wrong == "HeaderChecksum" && usize::from(word(p, 2)) > p.len() =>
        {
            Err("TotalLength".into())
        }
        parsed => parsed,
    }
}

fn requests_alone(p: &[u8]) -> Parsed<'_> {
    match by_index(p) {
        Ok((_, _, true, ..)) => Err("Type".into()),
        parsed => parsed,
    }
}

fn type_first(p: &[u8]) -> Parsed<'_> {
    match by_index(p) {
        Err(wrong)
            if wrong == "IcmpChecksum"
                && !matches!(p[usize::from(p[0] & 15) * 4], 0 | 8) =>
        {
            Err("Type".into())
        }
        parsed => parsed,
    }
}

fn unreachable(p: &[u8]) -> Parsed<'_> {
    match by_index(p) {
        Err(wrong) if wrong == "Type" => unreachable!("only echoes are asked for"),
        parsed => parsed,
    }
}

fn no_sum(p: &[u8]) -> Parsed<'_> {
    let Err(wrong) = by_index(p) else {
        return by_index(p);
    };
    if wrong != "IcmpChecksum" {
        return Err(wrong);
    }
    let m = &p[usize::from(p[0] & 15) * 4..word(p, 2).into()];
    let source = Ipv4Addr::new(p[12], p[13], p[14], p[15]);
    match (m[0], m[1]) {
        (8 | 0, 0) => Ok((source, p[8], m[0] == 0, word(m, 4), word(m, 6), &m[8..])),
        _ => Err("Type".into()),
    }
}
