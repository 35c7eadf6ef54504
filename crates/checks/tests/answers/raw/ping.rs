//! Answers to `raw/ping`.

use std::io;
use std::time::{Duration, Instant};

use checks::Check;
use checks::answers::Answer;
use checks_raw::{Became, Receive, Send};

const WAIT: Duration = Duration::from_secs(1);

type Outcomes = io::Result<Vec<Became>>;

fn check(ping: fn(&mut Send<'_>, &mut Receive<'_>, u16, u16) -> Outcomes) -> Check {
    checks_raw::ping(ping)
}

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("raw ping right: with data", check(with_data)),
        Answer::right("raw ping right: what is left", check(what_is_left)),
        Answer::right("raw ping right: by hand", check(by_hand)),
        Answer::right("raw ping right: deadline before", check(deadline_before)),
        Answer::right("raw ping right: takes it apart", check(takes_apart)),
        Answer::wrong("M30", "raw ping: native order", check(native_order)),
        Answer::wrong("M45", "raw ping: indexes the quote", check(quote_index)),
        Answer::wrong("M91", "raw ping: quote of any program", check(any_quoted)),
        Answer::unnamed(
            "time",
            "raw ping: one deadline for all",
            check(one_deadline),
        ),
        Answer::unnamed("types", "raw ping: any code", check(any_code)),
        Answer::unnamed("types", "raw ping: type 11 too", check(exceeded_too)),
        Answer::unnamed("quoted", "raw ping: quote of a reply", check(quoted_reply)),
        Answer::unnamed(
            "quoted",
            "raw ping: quote of the last",
            check(quoted_before),
        ),
        Answer::unnamed("unsent", "raw ping: hides that of send", check(hides_send)),
        Answer::unnamed("replies", "raw ping: all at once", check(all_at_once)),
        Answer::unnamed("request", "raw ping: with a checksum", check(with_checksum)),
        Answer::unnamed("lost", "raw ping: stops at a loss", check(stops_at_a_loss)),
        Answer::unnamed("own", "raw ping: first message counts", check(first_only)),
        Answer::unnamed("replies", "raw ping: another unit", check(in_microseconds)),
        Answer::unnamed("none", "raw ping: always one", check(always_one)),
        Answer::wrong("M90", "raw ping: any type", check(any_type)),
        Answer::wrong("M91", "raw ping: any identifier", check(any_identifier)),
        Answer::wrong("M91", "raw ping: any error", check(any_error)),
        Answer::wrong("M92", "raw ping: any sequence", check(any_sequence)),
        Answer::wrong("M93", "raw ping: quote at 28", check(quote_at_28)),
        Answer::wrong("M45", "raw ping: indexes", check(indexes)),
        Answer::wrong("M99", "raw ping: deadline anew", check(deadline_anew)),
        Answer::unnamed("unreachable", "raw ping: no errors", check(no_errors)),
        Answer::unnamed("lost", "raw ping: gives up", check(gives_up)),
        Answer::unnamed("lost", "raw ping: asks on", check(asks_on)),
        Answer::unnamed("broken", "raw ping: hides errors", check(hides_errors)),
        Answer::unnamed("time", "raw ping: no time", check(no_time)),
        Answer::unnamed("request", "raw ping: from zero", check(from_zero)),
        Answer::unnamed(
            "quoted",
            "raw ping: protocol of the quote",
            check(any_protocol),
        ),
    ]
}

/// What a message has to be, as an answer sees it.
#[derive(Clone, Copy)]
struct Likes {
    kind: fn(u8) -> bool,
    identifier: bool,
    sequence: bool,
    quote: fn(&[u8], [u8; 4]) -> bool,
}

const RIGHT: Likes = Likes {
    kind: |kind| kind == 0,
    identifier: true,
    sequence: true,
    quote,
};

fn quote(message: &[u8], ours: [u8; 4]) -> bool {
    let inner = || {
        let quote = message.get(8..)?;
        let length = usize::from(quote.first()? & 15) * 4;
        (*quote.get(9)? == 1 && *quote.get(length)? == 8).then_some(())?;
        quote.get(length + 4..length + 8)
    };
    inner() == Some(&ours)
}

fn request(identifier: u16, sequence: u16) -> Vec<u8> {
    let mut bytes = vec![8, 0, 0, 0];
    bytes.extend(identifier.to_be_bytes());
    bytes.extend(sequence.to_be_bytes());
    bytes
}

fn became(
    message: &[u8],
    ours: [u8; 4],
    sent: Instant,
    likes: Likes,
) -> Option<Became> {
    let id = message.get(4..6) == Some(&ours[..2]) || !likes.identifier;
    let sequence = message.get(6..8) == Some(&ours[2..]) || !likes.sequence;
    let numbers = message.len() >= 8 && message[1] == 0 && id && sequence;
    if numbers && (likes.kind)(message[0]) {
        return Some(Became::Reply(sent.elapsed()));
    }
    let error = message.first() == Some(&3) && (likes.quote)(message, ours);
    error.then(|| Became::Unreachable(message[1]))
}

fn liking(
    send: &mut Send<'_>,
    receive: &mut Receive<'_>,
    identifier: u16,
    count: u16,
    likes: Likes,
) -> Outcomes {
    let mut outcomes = Vec::new();
    for sequence in 1..=count {
        let request = request(identifier, sequence);
        let ours = [request[4], request[5], request[6], request[7]];
        send(&request)?;
        let sent = Instant::now();
        let mut outcome = None;
        while outcome.is_none() {
            outcome = match receive(sent + WAIT)? {
                None => Some(Became::Lost),
                Some(message) => became(&message, ours, sent, likes),
            };
        }
        outcomes.extend(outcome);
    }
    Ok(outcomes)
}

fn with_data(s: &mut Send<'_>, r: &mut Receive<'_>, id: u16, count: u16) -> Outcomes {
    let mut send = |bytes: &[u8]| s(&[bytes, &[b'x'; 56]].concat());
    liking(&mut send, r, id, count, RIGHT)
}

fn what_is_left(
    s: &mut Send<'_>,
    r: &mut Receive<'_>,
    id: u16,
    count: u16,
) -> Outcomes {
    (1..=count)
        .map(|sequence| {
            let request = request(id, sequence);
            let begun = Instant::now();
            s(&request)?;
            let mut ours = [0; 4];
            ours.copy_from_slice(&request[4..]);
            loop {
                let left = WAIT.saturating_sub(begun.elapsed());
                let Some(message) = r(Instant::now() + left)? else {
                    return Ok(Became::Lost);
                };
                if let Some(outcome) = became(&message, ours, begun, RIGHT) {
                    return Ok(outcome);
                }
            }
        })
        .collect()
}

fn native_order(
    s: &mut Send<'_>,
    r: &mut Receive<'_>,
    id: u16,
    count: u16,
) -> Outcomes {
    let mut send = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        bytes.swap(4, 5);
        bytes.swap(6, 7);
        s(&bytes)
    };
    liking(&mut send, r, id, count, RIGHT)
}

fn any_type(s: &mut Send<'_>, r: &mut Receive<'_>, id: u16, count: u16) -> Outcomes {
    let likes = Likes {
        kind: |_| true,
        ..RIGHT
    };
    liking(s, r, id, count, likes)
}

fn any_identifier(
    s: &mut Send<'_>,
    r: &mut Receive<'_>,
    id: u16,
    count: u16,
) -> Outcomes {
    let likes = Likes {
        identifier: false,
        ..RIGHT
    };
    liking(s, r, id, count, likes)
}

fn any_sequence(
    s: &mut Send<'_>,
    r: &mut Receive<'_>,
    id: u16,
    count: u16,
) -> Outcomes {
    let likes = Likes {
        sequence: false,
        ..RIGHT
    };
    liking(s, r, id, count, likes)
}

fn any_error(s: &mut Send<'_>, r: &mut Receive<'_>, id: u16, count: u16) -> Outcomes {
    let likes = Likes {
        quote: |_, _| true,
        ..RIGHT
    };
    liking(s, r, id, count, likes)
}

fn any_protocol(
    s: &mut Send<'_>,
    r: &mut Receive<'_>,
    id: u16,
    count: u16,
) -> Outcomes {
    let likes = Likes {
        quote: |message, ours| {
            let mut message = message.to_vec();
            if let Some(protocol) = message.get_mut(17) {
                *protocol = 1;
            }
            quote(&message, ours)
        },
        ..RIGHT
    };
    liking(s, r, id, count, likes)
}

fn quote_at_28(
    s: &mut Send<'_>,
    r: &mut Receive<'_>,
    id: u16,
    count: u16,
) -> Outcomes {
    let likes = Likes {
        quote: |message, ours| {
            message.get(17) == Some(&1)
                && message.get(28) == Some(&8)
                && message.get(32..36) == Some(&ours)
        },
        ..RIGHT
    };
    liking(s, r, id, count, likes)
}

fn no_errors(s: &mut Send<'_>, r: &mut Receive<'_>, id: u16, count: u16) -> Outcomes {
    let likes = Likes {
        quote: |_, _| false,
        ..RIGHT
    };
    liking(s, r, id, count, likes)
}

fn indexes(s: &mut Send<'_>, r: &mut Receive<'_>, id: u16, count: u16) -> Outcomes {
    let mut receive = |deadline| {
        let message = r(deadline)?;
        if let Some(message) = &message {
            assert_eq!(message[4..8].len(), 4);
        }
        Ok(message)
    };
    liking(s, &mut receive, id, count, RIGHT)
}

fn deadline_anew(
    s: &mut Send<'_>,
    r: &mut Receive<'_>,
    id: u16,
    count: u16,
) -> Outcomes {
    let mut receive = |_| r(Instant::now() + WAIT);
    liking(s, &mut receive, id, count, RIGHT)
}

fn gives_up(s: &mut Send<'_>, r: &mut Receive<'_>, id: u16, count: u16) -> Outcomes {
    let mut receive = |deadline| match r(deadline)? {
        None => Err(io::ErrorKind::TimedOut.into()),
        message => Ok(message),
    };
    liking(s, &mut receive, id, count, RIGHT)
}

fn asks_on(s: &mut Send<'_>, r: &mut Receive<'_>, id: u16, count: u16) -> Outcomes {
    let mut receive = |deadline| {
        loop {
            if let Some(message) = r(deadline)? {
                return Ok(Some(message));
            }
        }
    };
    liking(s, &mut receive, id, count, RIGHT)
}

fn hides_errors(
    s: &mut Send<'_>,
    r: &mut Receive<'_>,
    id: u16,
    count: u16,
) -> Outcomes {
    let mut receive = |deadline| Ok(r(deadline).unwrap_or(None));
    liking(s, &mut receive, id, count, RIGHT)
}

fn no_time(s: &mut Send<'_>, r: &mut Receive<'_>, id: u16, count: u16) -> Outcomes {
    let mut outcomes = liking(s, r, id, count, RIGHT)?;
    for outcome in &mut outcomes {
        if let Became::Reply(time) = outcome {
            *time = Duration::ZERO;
        }
    }
    Ok(outcomes)
}

fn from_zero(s: &mut Send<'_>, r: &mut Receive<'_>, id: u16, count: u16) -> Outcomes {
    let mut send = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        bytes[7] -= 1;
        s(&bytes)
    };
    liking(&mut send, r, id, count, RIGHT)
}

fn by_hand(s: &mut Send<'_>, r: &mut Receive<'_>, id: u16, count: u16) -> Outcomes {
    let mut outcomes = vec![Became::Lost; usize::from(count)];
    for (at, outcome) in outcomes.iter_mut().enumerate() {
        let sequence = at as u16 + 1;
        let mut packet = [0_u8; 64];
        packet[0] = 8;
        packet[4..6].copy_from_slice(&id.to_be_bytes());
        packet[6..8].copy_from_slice(&sequence.to_be_bytes());
        s(&packet)?;
        let sent = Instant::now();
        while let Some(m) = r(sent + WAIT)? {
            let number = |at: usize| match m.get(at..at + 2) {
                Some(&[high, low]) => Some(u16::from(high) * 256 + u16::from(low)),
                _ => None,
            };
            let is_ours =
                |at| (number(at), number(at + 2)) == (Some(id), Some(sequence));
            if number(0) == Some(0) && is_ours(4) {
                *outcome = Became::Reply(Instant::now() - sent);
                break;
            }
            if m.len() < 28 || m[0] != 3 || m[17] != 1 {
                continue;
            }
            let inner = 8 + usize::from(m[8] % 16) * 4;
            if m.get(inner) == Some(&8) && is_ours(inner + 4) {
                *outcome = Became::Unreachable(m[1]);
                break;
            }
        }
    }
    Ok(outcomes)
}

fn deadline_before(
    s: &mut Send<'_>,
    r: &mut Receive<'_>,
    id: u16,
    count: u16,
) -> Outcomes {
    let outcome = |sequence| {
        let begun = Instant::now();
        let deadline = begun + WAIT;
        let request = request(id, sequence);
        s(&request)?;
        let ours = [request[4], request[5], request[6], request[7]];
        loop {
            match r(deadline)? {
                None => return Ok(Became::Lost),
                Some(m) => match became(&m, ours, begun, RIGHT) {
                    Some(outcome) => return Ok(outcome),
                    None => continue,
                },
            }
        }
    };
    (1..=count).map(outcome).collect()
}

fn takes_apart(
    s: &mut Send<'_>,
    r: &mut Receive<'_>,
    id: u16,
    count: u16,
) -> Outcomes {
    let mut outcomes = Vec::with_capacity(count.into());
    'requests: for sequence in 1..=count {
        s(&request(id, sequence))?;
        let sent = Instant::now();
        let numbers = [id.to_be_bytes(), sequence.to_be_bytes()];
        let ours = numbers.as_flattened();
        while let Some(message) = r(sent + WAIT)? {
            match message.as_slice() {
                [0, 0, _, _, rest @ ..] if rest.starts_with(ours) => {
                    outcomes.push(Became::Reply(sent.elapsed()));
                    continue 'requests;
                }
                [3, code, _, _, _, _, _, _, quote @ ..] => {
                    let [first, ..] = quote else { continue };
                    let Some((header, inner)) =
                        quote.split_at_checked(usize::from(first & 0xF) << 2)
                    else {
                        continue;
                    };
                    let [8, _, _, _, inner @ ..] = inner else {
                        continue;
                    };
                    if header.get(9) == Some(&1) && inner.starts_with(ours) {
                        outcomes.push(Became::Unreachable(*code));
                        continue 'requests;
                    }
                }
                _ => {}
            }
        }
        outcomes.push(Became::Lost);
    }
    Ok(outcomes)
}

/// `RIGHT`, but for how a quote is judged.
fn quoting(
    s: &mut Send<'_>,
    r: &mut Receive<'_>,
    id: u16,
    count: u16,
    quote: fn(&[u8], [u8; 4]) -> bool,
) -> Outcomes {
    liking(s, r, id, count, Likes { quote, ..RIGHT })
}

fn quote_index(
    s: &mut Send<'_>,
    r: &mut Receive<'_>,
    id: u16,
    count: u16,
) -> Outcomes {
    quoting(s, r, id, count, |message, ours| {
        let inner = 8 + usize::from(message[8] & 15) * 4;
        message[17] == 1
            && message[inner] == 8
            && message[inner + 4..inner + 8] == ours
    })
}

fn any_quoted(
    s: &mut Send<'_>,
    r: &mut Receive<'_>,
    id: u16,
    count: u16,
) -> Outcomes {
    quoting(s, r, id, count, |message, ours| {
        let length = message
            .get(8)
            .map_or(0, |first| usize::from(first & 15) * 4);
        message.get(8 + length + 6..8 + length + 8) == Some(&ours[2..])
    })
}

fn quoted_reply(
    s: &mut Send<'_>,
    r: &mut Receive<'_>,
    id: u16,
    count: u16,
) -> Outcomes {
    quoting(s, r, id, count, |message, ours| {
        let length = message
            .get(8)
            .map_or(0, |first| usize::from(first & 15) * 4);
        message.get(17) == Some(&1)
            && message.get(8 + length + 4..8 + length + 8) == Some(&ours)
    })
}

/// Our identifier is enough.
fn quoted_before(
    s: &mut Send<'_>,
    r: &mut Receive<'_>,
    id: u16,
    count: u16,
) -> Outcomes {
    quoting(s, r, id, count, |message, ours| {
        let length = message
            .get(8)
            .map_or(0, |first| usize::from(first & 15) * 4);
        message.get(17) == Some(&1)
            && message.get(8 + length + 4..8 + length + 6) == Some(&ours[..2])
    })
}

fn one_deadline(
    s: &mut Send<'_>,
    r: &mut Receive<'_>,
    id: u16,
    count: u16,
) -> Outcomes {
    let deadline = Instant::now() + WAIT;
    let mut receive = |_| r(deadline);
    liking(s, &mut receive, id, count, RIGHT)
}

fn any_code(s: &mut Send<'_>, r: &mut Receive<'_>, id: u16, count: u16) -> Outcomes {
    let mut receive = |deadline| {
        let mut message = r(deadline)?;
        if let Some([0, code, ..]) = message.as_deref_mut() {
            *code = 0;
        }
        Ok(message)
    };
    liking(s, &mut receive, id, count, RIGHT)
}

fn exceeded_too(
    s: &mut Send<'_>,
    r: &mut Receive<'_>,
    id: u16,
    count: u16,
) -> Outcomes {
    let mut receive = |deadline| {
        let mut message = r(deadline)?;
        if let Some([kind @ 11, ..]) = message.as_deref_mut() {
            *kind = 3;
        }
        Ok(message)
    };
    liking(s, &mut receive, id, count, RIGHT)
}

fn hides_send(
    s: &mut Send<'_>,
    r: &mut Receive<'_>,
    id: u16,
    count: u16,
) -> Outcomes {
    let mut send = |bytes: &[u8]| {
        let _ = s(bytes);
        Ok(())
    };
    liking(&mut send, r, id, count, RIGHT)
}

fn all_at_once(
    s: &mut Send<'_>,
    r: &mut Receive<'_>,
    id: u16,
    count: u16,
) -> Outcomes {
    for sequence in 1..=count {
        s(&request(id, sequence))?;
    }
    liking(&mut |_| Ok(()), r, id, count, RIGHT)
}

fn with_checksum(
    s: &mut Send<'_>,
    r: &mut Receive<'_>,
    id: u16,
    count: u16,
) -> Outcomes {
    let mut send = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        let words = bytes
            .chunks(2)
            .map(|two| u32::from(two[0]) << 8 | u32::from(two[1]));
        let sum = !(words.sum::<u32>() as u16);
        bytes[2..4].copy_from_slice(&sum.to_be_bytes());
        s(&bytes)
    };
    liking(&mut send, r, id, count, RIGHT)
}

fn stops_at_a_loss(
    s: &mut Send<'_>,
    r: &mut Receive<'_>,
    id: u16,
    count: u16,
) -> Outcomes {
    let mut outcomes = liking(s, r, id, count, RIGHT)?;
    let lost = outcomes.iter().position(|outcome| *outcome == Became::Lost);
    outcomes.truncate(lost.map_or(outcomes.len(), |lost| lost + 1));
    Ok(outcomes)
}

/// What is not the reply is a loss.
fn first_only(
    s: &mut Send<'_>,
    r: &mut Receive<'_>,
    id: u16,
    count: u16,
) -> Outcomes {
    let outcome = |sequence| {
        let request = request(id, sequence);
        let sent = Instant::now();
        s(&request)?;
        let ours = [request[4], request[5], request[6], request[7]];
        let first = r(sent + WAIT)?;
        let outcome = first.and_then(|message| became(&message, ours, sent, RIGHT));
        Ok(outcome.unwrap_or(Became::Lost))
    };
    (1..=count).map(outcome).collect()
}

fn in_microseconds(
    s: &mut Send<'_>,
    r: &mut Receive<'_>,
    id: u16,
    count: u16,
) -> Outcomes {
    let mut outcomes = liking(s, r, id, count, RIGHT)?;
    for outcome in &mut outcomes {
        if let Became::Reply(time) = outcome {
            *time = Duration::from_secs_f64(time.as_secs_f64() * 1e6);
        }
    }
    Ok(outcomes)
}

fn always_one(
    s: &mut Send<'_>,
    r: &mut Receive<'_>,
    id: u16,
    count: u16,
) -> Outcomes {
    liking(s, r, id, count.max(1), RIGHT)
}
