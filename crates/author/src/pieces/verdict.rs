//! What a check says of a wrong answer: the conversation as a picture, the whole
//! verdict as text.

use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};
use checks::verdict::Verdict;
use nanoserde::DeJson;
use wire::demo::{normalised, run};
use wire::{Event, Look, Payload, Side, Timeline, What};

use crate::pieces::File;
use crate::pieces::shop::Workshop;

/// Which wrong answer to show.
pub struct Shown {
    /// Its name in the tests of the checks.
    pub answer: &'static str,
    /// The mistake that its verdict must name.
    pub mistake: &'static str,
    /// The port that the server is shown to have.
    pub port: u16,
}

/// Eighty columns without times: the same from run to run.
const LOOK: Look = Look {
    width: 80,
    color: false,
    unicode: true,
    times: false,
};

impl Shown {
    /// Has the answer checked, and draws the verdict.
    pub fn make(&self, name: &str, shop: &Workshop) -> Result<Vec<File>> {
        let mut verdict = self.verdict(shop)?;
        // What a wrong answer does in the probes that follow may depend on chance.
        verdict.probes.clear();
        let text = verdict.to_text(&LOOK);
        let failure = verdict.failure.as_ref().context("it has passed")?;
        let title = format!("{}: {}", failure.title, failure.summary);
        Ok(vec![
            File::generated(&format!("{name}.svg"), failure.timeline.to_svg(&title)),
            File::generated(
                &format!("{name}.txt"),
                text.trim_end().to_string() + "\n",
            ),
        ])
    }

    /// The verdict with all that differs from run to run made equal.
    pub fn verdict(&self, shop: &Workshop) -> Result<Verdict> {
        let mut command = Command::new(shop.answers()?);
        command
            .args(["--verdict", self.answer])
            .current_dir(shop.root());
        let output = run(&mut command, b"").context("cannot run the check")?;
        let errors = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            bail!("the check has failed: {}", errors.trim());
        }
        let json = String::from_utf8_lossy(&output.stdout);
        let verdict = stable(&json, self.port)?;
        let failure = verdict.failure.as_ref();
        let named = failure.and_then(|failure| failure.mistake.as_ref());
        if named.map(|mistake| mistake.id.as_str()) != Some(self.mistake) {
            bail!(
                "the check does not name {}, but says:\n{}",
                self.mistake,
                verdict.to_text(&LOOK)
            );
        }
        Ok(verdict)
    }
}

/// Reads a verdict, and takes from it what is different in every run: times, ports,
/// how reads have cut the bytes, and how much there was of a flood.
fn stable(json: &str, port: u16) -> Result<Verdict> {
    let read = |json: &str| {
        Verdict::deserialize_json(json)
            .map_err(|error| anyhow!("no verdict: {error}"))
    };
    let server = read(json)?.failure.and_then(|it| server_of(&it.timeline));
    let announced = format!("listening on {}\n", server.unwrap_or_default());
    let told = normalised(&format!("{announced}{json}"), &[port]);
    let (_, json) = told.split_once('\n').unwrap_or_default();
    let mut verdict = read(json)?;
    verdict.micros = 0;
    verdict.waited_micros = 0;
    if let Some(failure) = &mut verdict.failure {
        failure.timeline.events = calm(&failure.timeline.events);
        let texts = [
            &mut failure.summary,
            &mut failure.expected,
            &mut failure.got,
            &mut failure.output,
        ];
        for text in texts.into_iter().chain(&mut failure.kernel) {
            *text = uncounted(text, 5, "many");
        }
    }
    Ok(verdict)
}

/// Where the first connection of a timeline goes to.
fn server_of(timeline: &Timeline) -> Option<String> {
    timeline.events.iter().find_map(|event| match &event.what {
        What::Connect(route) => Some(route.split_once("-> ")?.1.to_string()),
        _ => None,
    })
}

/// From so many bytes on nobody wants to know how many there were.
const FLOOD: u64 = 64 * 1024;

/// The events without times, and without what only chance has decided: what the
/// program (on the right) has sent without a break is one event, whatever the reads
/// of the peer have brought at a time. The peer's own sends are as it made them.
fn calm(events: &[Event]) -> Vec<Event> {
    let mut calm = Vec::new();
    let mut rest = events;
    while let [first, others @ ..] = rest {
        let same = |event: &&Event| is_sent(event) && event.link == first.link;
        let run = rest.iter().take_while(same).count();
        if run == 0 {
            calm.push(at_no_time(first, without_counts(&first.what)));
            rest = others;
            continue;
        }
        let (sent, others) = rest.split_at(run);
        let floods = |side| total(sent, side) >= FLOOD;
        if floods(Side::Left) || floods(Side::Right) {
            calm.extend(beginnings(sent));
            if !others.iter().any(is_summary) {
                calm.push(and_so_on(sent));
            }
        } else {
            calm.extend(turns(sent));
        }
        rest = others;
    }
    // How much it was in all belongs to the flood, and not to what came of it.
    for place in 1..calm.len() {
        if is_summary(&calm[place]) && matches!(calm[place - 1].what, What::GaveUp(_))
        {
            calm.swap(place - 1, place);
        }
    }
    calm
}

fn is_sent(event: &Event) -> bool {
    matches!(event.what, What::Sent(_))
}

fn total(sent: &[Event], side: Side) -> u64 {
    let mine = sent.iter().filter(|event| event.side == side);
    mine.map(|event| payload(event).len).sum()
}

fn at_no_time(event: &Event, what: What) -> Event {
    Event {
        at_us: 0,
        what,
        ..event.clone()
    }
}

fn without_counts(what: &What) -> What {
    match what {
        // What is left of a piece that the kernel has taken in part.
        What::GaveUp(text) => {
            let told = uncounted(text, 1, "some");
            What::GaveUp(told.replace("the last some bytes", "the last bytes"))
        }
        What::Note(text) => What::Note(uncounted(text, 5, "many")),
        what => what.clone(),
    }
}

/// A run of sends, those of the program joined where none of the peer's is between.
fn turns(sent: &[Event]) -> Vec<Event> {
    let one = |a: &Event, b: &Event| a.side == b.side && a.side == Side::Right;
    sent.chunk_by(one).map(joined).collect()
}

/// A run of sends in which somebody sends more than anybody wants to count: the
/// beginning of each side's bytes.
fn beginnings(sent: &[Event]) -> Vec<Event> {
    let first = sent[0].side;
    let mut told = Vec::new();
    for side in [first, first.other()] {
        let mine = sent.iter().filter(|event| event.side == side);
        let mine: Vec<Event> = mine.cloned().collect();
        if total(&mine, side) < FLOOD {
            told.extend(turns(&mine));
            continue;
        }
        let whole = joined(&mine);
        let beginning = Payload {
            len: FLOOD,
            head: payload(&whole).head.clone(),
            tail: Vec::new(),
        };
        told.push(at_no_time(&whole, What::Sent(beginning)));
    }
    told
}

/// The check's own note of how much there was in all.
fn is_summary(event: &Event) -> bool {
    matches!(&event.what, What::Note(text) if text.starts_with("and so on"))
}

/// A note beside whoever sends so much.
fn and_so_on(sent: &[Event]) -> Event {
    let first = sent[0].side;
    let floods = total(sent, first) >= FLOOD;
    Event {
        side: if floods { first } else { first.other() },
        ..at_no_time(&sent[0], What::Note("… and so on".into()))
    }
}

fn payload(event: &Event) -> &Payload {
    match &event.what {
        What::Sent(payload) => payload,
        _ => unreachable!("a run of sends holds nothing else"),
    }
}

/// Sends of one side, at least one, as one.
fn joined(sent: &[Event]) -> Event {
    let whole = sent[1..]
        .iter()
        .fold(payload(&sent[0]).clone(), |all, next| {
            join(&all, payload(next))
        });
    at_no_time(&sent[0], What::Sent(whole))
}

/// Both, one after the other, as far as their ends are known.
fn join(first: &Payload, second: &Payload) -> Payload {
    let len = first.len + second.len;
    let all = |payload: &Payload| [&payload.head[..], &payload.tail].concat();
    if first.is_whole() && second.is_whole() {
        return Payload {
            len,
            ..Payload::of(&[all(first), all(second)].concat())
        };
    }
    let mut head = first.head.clone();
    if first.is_whole() {
        head = all(first);
        head.extend(&second.head);
    }
    head.truncate(Payload::HEAD);
    let mut tail = all(second);
    if second.is_whole() {
        tail = [&first.tail[..], &all(second)].concat();
    }
    let spare = tail.len().saturating_sub(Payload::TAIL);
    Payload {
        len,
        head,
        tail: tail.split_off(spare),
    }
}

/// `text` with `instead` for every number of bytes of so many digits or more: such
/// numbers depend on the sizes of the kernel's buffers, and on chance.
fn uncounted(text: &str, digits: usize, instead: &str) -> String {
    let mut told = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(" bytes") {
        let kept = before.trim_end_matches(|c: char| c.is_ascii_digit() || c == ',');
        let number = before[kept.len()..].replace(',', "");
        if number.len() >= digits {
            told.push_str(kept);
            told.push_str(instead);
        } else {
            told.push_str(before);
        }
        told.push_str(" bytes");
        rest = after;
    }
    told + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(side: Side, bytes: &[u8]) -> Event {
        Event {
            at_us: 7,
            link: 1,
            side,
            what: What::Sent(Payload::of(bytes)),
        }
    }

    #[test]
    fn bytes_are_told_alike_however_they_were_cut() {
        for seed in 0..200 {
            let mut random = fastrand::Rng::with_seed(seed);
            let length = random.usize(1..900);
            let bytes: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
            let mut rest = &bytes[..];
            let mut events = Vec::new();
            while !rest.is_empty() {
                let (piece, tail) = rest.split_at(random.usize(1..=rest.len()));
                events.push(sent(Side::Right, piece));
                rest = tail;
            }
            let told = calm(&events);
            let [event] = told.as_slice() else {
                panic!("seed {seed}: {told:?}");
            };
            let (told, whole) = (payload(event), Payload::of(&bytes));
            assert_eq!(told.len, whole.len, "seed {seed}");
            let known = told.head.len().min(whole.head.len());
            assert_eq!(told.head[..known], whole.head[..known], "seed {seed}");
            if events.iter().all(|event| payload(event).is_whole()) && length <= 320 {
                assert_eq!(told, &whole, "seed {seed}");
            }
        }
    }

    #[test]
    fn a_flood_is_told_by_its_beginning_however_much_it_was() {
        let flood = |pieces: &[usize]| {
            let mut events = vec![sent(Side::Left, b"go\n")];
            for &length in pieces {
                events.push(sent(Side::Right, &vec![b'x'; length]));
                events.push(sent(Side::Left, &vec![b'x'; length]));
            }
            calm(&events)
        };
        let told = flood(&[300, 65_536, 10]);
        assert_eq!(told, flood(&[65_536, 70_000, 65_000, 1]));
        assert_eq!(told.len(), 3, "{told:?}");
    }

    #[test]
    fn turns_stay_turns() {
        let events = [
            sent(Side::Left, b"a"),
            sent(Side::Right, b"A"),
            sent(Side::Left, b"b"),
        ];
        let sides: Vec<Side> = calm(&events).iter().map(|event| event.side).collect();
        assert_eq!(sides, [Side::Left, Side::Right, Side::Left]);
    }

    #[test]
    fn the_peers_sends_stay_as_it_made_them() {
        let events = [sent(Side::Left, b"hel"), sent(Side::Left, b"lo\n")];
        assert_eq!(calm(&events).len(), 2);
    }

    #[test]
    fn large_numbers_of_bytes_are_not_told() {
        let told = uncounted("20,993 bytes, 1234 bytes; 100000 lines", 5, "many");
        assert_eq!(told, "many bytes, 1234 bytes; 100000 lines");
        assert_eq!(uncounted("but 85596 bytes", 5, "many"), "but many bytes");
        assert_eq!(
            uncounted("7 bytes are left", 1, "some"),
            "some bytes are left"
        );
        assert_eq!(uncounted(" bytes", 1, "some"), " bytes");
    }
}
