//! What a reader sees of a timeline, before it is drawn: which events get a line,
//! and the words for each.

use crate::{Event, Payload, Side, Timeline, What, view};

/// A run is folded from this many events on, if it repeats itself often enough.
const LONG: usize = 20;
/// A run repeats itself at least so often, or every event of it is worth its line.
const OFTEN: usize = 8;
/// The longest cycle that is recognised: ask, get, answer, and one more.
const CYCLE: usize = 4;
/// How many cycles are shown before and after a fold.
const SHOWN: (usize, usize) = (3, 2);

/// More rows than these are too many to look at: the first and the last are shown.
const MOST: usize = 240;
const FIRST: usize = 180;
const LAST: usize = 40;

/// One row of the picture.
pub(crate) enum Row<'a> {
    Event(&'a Event),
    /// Events that are counted instead of shown.
    Fold(&'a [Event]),
}

impl Row<'_> {
    fn events(&self) -> usize {
        match self {
            Row::Event(_) => 1,
            Row::Fold(events) => events.len(),
        }
    }
}

/// Every event its row, but for the middle of a long run: 500 one-byte sends are
/// their first few, one row that counts, and their last few.
pub(crate) fn rows(events: &[Event]) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    let mut rest = events;
    while let [first, others @ ..] = rest {
        let Some((cycle, run)) = long_run(rest) else {
            rows.push(Row::Event(first));
            rest = others;
            continue;
        };
        let (head, tail) = (cycle * SHOWN.0, run - cycle * SHOWN.1);
        rows.extend(rest[..head].iter().map(Row::Event));
        rows.push(Row::Fold(&rest[head..tail]));
        rows.extend(rest[tail..run].iter().map(Row::Event));
        rest = &rest[run..];
    }
    if rows.len() > MOST {
        let (first, last) = (FIRST, rows.len() - LAST);
        let start: usize = rows[..first].iter().map(Row::events).sum();
        let folded: usize = rows[first..last].iter().map(Row::events).sum();
        rows.splice(first..last, [Row::Fold(&events[start..start + folded])]);
    }
    rows
}

/// The length of the cycle and of the run, if `events` begin with a long one.
fn long_run(events: &[Event]) -> Option<(usize, usize)> {
    (1..=CYCLE).find_map(|cycle| {
        let later = events.iter().skip(cycle);
        let same = events
            .iter()
            .zip(later)
            .take_while(|(a, b)| alike(a, b))
            .count();
        let run = (same + cycle) / cycle * cycle;
        (run >= LONG.max(cycle * OFTEN)).then_some((cycle, run))
    })
}

/// Whether `b` is the same again as `a`, as far as a reader is concerned.
fn alike(a: &Event, b: &Event) -> bool {
    if a.side != b.side {
        return false;
    }
    match (&a.what, &b.what) {
        // Each connects once; a hundred that do so are a run nevertheless.
        (What::Connect(_), What::Connect(_)) => true,
        (What::Sent(_), What::Sent(_))
        | (What::Lost(_), What::Lost(_))
        | (What::Received(_), What::Received(_))
        | (What::Asked(_), What::Asked(_))
        | (What::End, What::End)
        | (What::Reset, What::Reset) => a.link == b.link,
        (What::GaveUp(a_text), What::GaveUp(b_text))
        | (What::Note(a_text), What::Note(b_text)) => {
            a.link == b.link && a_text == b_text
        }
        _ => false,
    }
}

/// What a fold says: `490 more, 490 bytes in all`.
pub(crate) fn fold_words(events: &[Event], pen: &Pen) -> String {
    let count = view::number(events.len() as u64);
    let same = events.windows(2).all(|pair| alike(&pair[0], &pair[1]));
    let what = if same { "" } else { " events" };
    let mut text = format!("{} {count} more{what}", pen.ellipsis);
    let sent = |side: Side| total(events, side, |what| matches!(what, What::Sent(_)));
    let taken =
        |side: Side| total(events, side, |what| matches!(what, What::Received(_)));
    match (sent(Side::Left), sent(Side::Right)) {
        (Some(left), Some(right)) => {
            let (left, right) = (view::bytes(left), view::bytes(right));
            text +=
                &format!(", {left} {} and {right} {}", pen.right_head, pen.left_head);
        }
        (Some(one), None) | (None, Some(one)) => {
            text += &format!(", {} in all", view::bytes(one));
        }
        (None, None) => {
            if let Some(one) = taken(Side::Right).or(taken(Side::Left)) {
                text += &format!(", {} in all", view::bytes(one));
            }
        }
    }
    text
}

/// The bytes of all events of `side` and of a kind; `None` without such an event.
fn total(events: &[Event], side: Side, kind: fn(&What) -> bool) -> Option<u64> {
    let mine = events
        .iter()
        .filter(|event| event.side == side && kind(&event.what));
    mine.filter_map(|event| match &event.what {
        What::Sent(payload) | What::Received(payload) => Some(payload.len),
        _ => None,
    })
    .reduce(u64::saturating_add)
}

/// The signs that a picture is drawn with.
pub(crate) struct Pen {
    pub unicode: bool,
    pub ellipsis: &'static str,
    pub left_head: &'static str,
    pub right_head: &'static str,
    pub line: &'static str,
    pub broken: &'static str,
    pub cross: &'static str,
    pub life: &'static str,
    pub gap: &'static str,
}

impl Pen {
    pub const UNICODE: Pen = Pen {
        unicode: true,
        ellipsis: "…",
        left_head: "◀",
        right_head: "▶",
        line: "─",
        broken: "╌",
        cross: "✗",
        life: "│",
        gap: "┊",
    };
    pub const ASCII: Pen = Pen {
        unicode: false,
        ellipsis: "...",
        left_head: "<",
        right_head: ">",
        line: "-",
        broken: "=",
        cross: "x",
        life: "|",
        gap: ":",
    };

    /// How wide `text` stands on the screen; every sign we let through takes one
    /// cell.
    pub fn width(text: &str) -> usize {
        text.chars().count()
    }

    /// `text` as it may be shown: no control character, none of unknown width.
    pub fn plain(&self, text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                ' '..='~' => shown.push(c),
                '…' if !self.unicode => shown.push_str("..."),
                _ if self.unicode && takes_one_cell(c) => shown.push(c),
                _ => shown.extend(c.escape_default()),
            }
        }
        shown
    }

    /// `text`, shortened to `room` cells.
    pub fn cut(&self, text: &str, room: usize) -> String {
        if Self::width(text) <= room {
            return text.to_string();
        }
        let kept = room.saturating_sub(Self::width(self.ellipsis));
        let mut short: String = text.chars().take(kept).collect();
        short += &self.ellipsis[..if kept < room { self.ellipsis.len() } else { 0 }];
        short
    }

    /// The bytes, or so many of the first and last as have `room`, and their number.
    pub fn payload(&self, payload: &Payload, room: usize) -> String {
        if payload.is_whole() {
            let whole = view::escaped(&[&payload.head[..], &payload.tail].concat());
            if whole.len() <= room {
                return whole;
            }
        }
        let size = view::bytes(payload.len);
        let (head, tail) = ends(payload);
        // What is left for bytes beside a pair of quotes, the ellipsis and a space.
        let room = room.saturating_sub(3 + Self::width(self.ellipsis) + size.len());
        let (room, tail) = match room.checked_sub(2) {
            Some(room) if room >= FOR_TWO => {
                let tail = view::escape(last_fitting(tail, room / 3));
                (room - tail.len(), tail)
            }
            _ => (room, String::new()),
        };
        let head = view::escape(first_fitting(head, room));
        let tail = if tail.is_empty() {
            tail
        } else {
            format!("\"{tail}\"")
        };
        format!("\"{head}\"{}{tail} {size}", self.ellipsis)
    }
}

/// With less room than this a payload shows its first bytes only.
const FOR_TWO: usize = 12;

/// What to take the first and the last bytes from.
fn ends(payload: &Payload) -> (&[u8], &[u8]) {
    match (payload.is_whole(), payload.tail.is_empty()) {
        // All of it is in the head, and too long for its line.
        (true, true) => (&payload.head, &payload.head),
        _ => (&payload.head, &payload.tail),
    }
}

/// The first bytes that, escaped, are at most `room` long.
fn first_fitting(bytes: &[u8], room: usize) -> &[u8] {
    let mut used = 0;
    let fits = |byte: &&u8| {
        used += view::escape(&[**byte]).len();
        used <= room
    };
    &bytes[..bytes.iter().take_while(fits).count()]
}

/// The last bytes that, escaped, are at most `room` long.
fn last_fitting(bytes: &[u8], room: usize) -> &[u8] {
    let mut used = 0;
    let fits = |byte: &&u8| {
        used += view::escape(&[**byte]).len();
        used <= room
    };
    &bytes[bytes.len() - bytes.iter().rev().take_while(fits).count()..]
}

/// Letters of the European alphabets, punctuation, arrows, mathematics, boxes.
/// Others may take two cells, none, or turn the writing round: they are escaped.
fn takes_one_cell(c: char) -> bool {
    matches!(c,
        '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{2ff}' | '\u{370}'..='\u{377}'
        | '\u{37b}'..='\u{37f}' | '\u{391}'..='\u{3a1}' | '\u{3a3}'..='\u{482}'
        | '\u{48a}'..='\u{52f}' | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}'
        | '\u{20a0}'..='\u{20bf}' | '\u{2190}'..='\u{21ff}' | '\u{2200}'..='\u{22ff}'
        | '\u{2500}'..='\u{25ff}')
}

/// How an event is told: along an arrow to the other column, or in its own.
pub(crate) enum Telling {
    Arrow,
    Own,
}

/// The words for an event, at most `room` cells long where it stands on an arrow.
pub(crate) fn words(what: &What, room: usize, pen: &Pen) -> (Telling, String) {
    use Telling::{Arrow, Own};
    match what {
        What::Connect(addresses) if addresses.is_empty() => {
            (Arrow, "connects".into())
        }
        What::Connect(addresses) => {
            let arrow = if pen.unicode { "→" } else { "->" };
            let addresses = pen.plain(addresses).replace("->", arrow);
            (Arrow, pen.cut(&format!("connects {addresses}"), room))
        }
        What::Sent(payload) | What::Lost(payload) => {
            (Arrow, pen.payload(payload, room))
        }
        What::End if room < 16 => (Arrow, "ends".into()),
        What::End => (Arrow, "ends its sending".into()),
        What::Reset if room < 21 => (Arrow, "resets".into()),
        What::Reset => (Arrow, "resets the connection".into()),
        What::Received(payload) => {
            let taken = pen.payload(payload, room.saturating_sub(6));
            (Own, format!("takes {taken}"))
        }
        What::Asked(1) => (Own, "asks for 1 byte".into()),
        What::Asked(bytes) => {
            (Own, format!("asks for up to {}", view::bytes(*bytes)))
        }
        What::GaveUp(why) => (Own, format!("gives up: {}", pen.plain(why))),
        What::Note(text) => (Own, pen.plain(text)),
    }
}

/// Breaks `text` at spaces into lines of at most `room` cells; a longer word is cut.
pub(crate) fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let pieces = text.split(' ').flat_map(|word| chunks(word, room.max(1)));
    for (piece, starts_word) in pieces {
        let line = lines.last_mut().expect("there is always a line");
        let space = usize::from(starts_word && !line.is_empty());
        if Pen::width(line) + space + Pen::width(&piece) > room && !line.is_empty() {
            lines.push(piece);
        } else {
            *line += &format!("{:space$}{piece}", "");
        }
    }
    lines
}

/// `word` in pieces of at most `room` cells, and whether each is the word's first.
fn chunks(word: &str, room: usize) -> Vec<(String, bool)> {
    let letters: Vec<char> = word.chars().collect();
    let mut pieces: Vec<(String, bool)> = letters
        .chunks(room)
        .map(|piece| (piece.iter().collect(), false))
        .collect();
    match pieces.first_mut() {
        Some(first) => first.1 = true,
        None => pieces.push((String::new(), true)),
    }
    pieces
}

/// Whether the number of the connection has to be said.
pub(crate) fn has_many_links(timeline: &Timeline) -> bool {
    let mut links = timeline
        .events
        .iter()
        .map(|event| event.link)
        .filter(|&l| l != 0);
    let first = links.next();
    links.any(|link| Some(link) != first)
}

/// The times of a timeline, all in one unit.
pub(crate) struct Clock {
    in_seconds: bool,
}

impl Clock {
    /// Ten seconds and more are told in seconds.
    pub fn for_events(events: &[Event]) -> Clock {
        let latest = events.iter().map(|event| event.at_us).max().unwrap_or(0);
        Clock {
            in_seconds: latest >= 10_000_000,
        }
    }

    /// `100.4 ms` or `12.345 s`.
    pub fn tell(&self, at_us: u64) -> String {
        // Integer arithmetic: exact for every time that fits.
        if self.in_seconds {
            format!("{}.{:03} s", at_us / 1_000_000, at_us / 1000 % 1000)
        } else {
            format!("{}.{} ms", at_us / 1000, at_us / 100 % 10)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::for_seeds;

    fn event(side: Side, what: What) -> Event {
        Event {
            at_us: 0,
            link: 1,
            side,
            what,
        }
    }

    fn sent(side: Side, bytes: &[u8]) -> Event {
        event(side, What::Sent(Payload::of(bytes)))
    }

    fn folds(events: &[Event]) -> Vec<String> {
        let fold = |row: &Row<'_>| match row {
            Row::Fold(events) => Some(fold_words(events, &Pen::UNICODE)),
            Row::Event(_) => None,
        };
        rows(events).iter().filter_map(fold).collect()
    }

    #[test]
    fn every_event_has_a_row_or_is_counted_in_one() {
        for_seeds(|random| {
            let events = random.timeline().events;
            let rows = rows(&events);
            assert!(rows.len() <= MOST);
            let told: Vec<&Event> = rows
                .iter()
                .flat_map(|row| match row {
                    Row::Event(event) => std::slice::from_ref(*event),
                    Row::Fold(events) => events,
                })
                .collect();
            assert!(told.into_iter().eq(&events));
        });
    }

    #[test]
    fn a_long_run_is_folded_and_a_short_one_is_not() {
        let drip = |count| vec![sent(Side::Left, b"x"); count];
        assert_eq!(folds(&drip(500)), ["… 495 more, 495 bytes in all"]);
        assert_eq!(folds(&drip(20)), ["… 15 more, 15 bytes in all"]);
        assert_eq!(folds(&drip(19)), [""; 0]);
    }

    #[test]
    fn a_run_of_questions_and_answers_is_folded_between_two_rounds() {
        let round = [
            event(Side::Right, What::Asked(8192)),
            sent(Side::Left, b"ab"),
            sent(Side::Right, b"ABC"),
        ];
        let events = vec![round.clone(); 10].concat();
        assert_eq!(
            folds(&events),
            ["… 15 more events, 10 bytes ▶ and 15 bytes ◀"]
        );
        let all = rows(&events);
        assert!(matches!(all[9], Row::Fold([first, ..]) if *first == round[0]));
        assert!(matches!(all[10], Row::Event(event) if *event == round[0]));
    }

    #[test]
    fn what_differs_is_not_folded() {
        let notes = (0..50).map(|nr| event(Side::Left, What::Note(nr.to_string())));
        assert_eq!(folds(&notes.collect::<Vec<_>>()), [""; 0]);
        let links = (0..50).map(|link| Event {
            link,
            ..sent(Side::Left, b"x")
        });
        assert_eq!(folds(&links.collect::<Vec<_>>()), [""; 0]);
    }

    #[test]
    fn too_many_rows_are_cut_in_the_middle() {
        let notes = (0..1000).map(|nr| event(Side::Left, What::Note(nr.to_string())));
        let events: Vec<Event> = notes.collect();
        assert_eq!(folds(&events), ["… 780 more events"]);
        assert_eq!(rows(&events).len(), FIRST + 1 + LAST);
    }

    #[test]
    fn a_payload_that_does_not_fit_shows_both_ends_and_its_size() {
        let told = |len: usize, room| {
            let mut bytes = vec![b'x'; len];
            bytes[len - 1] = b'\n';
            Pen::UNICODE.payload(&Payload::of(&bytes), room)
        };
        assert_eq!(told(10, 13), r#""xxxxxxxxx\n""#, "it just fits");
        assert_eq!(
            told(30, 20),
            r#""xxxxxxxx"… 30 bytes"#,
            "no room for two ends"
        );
        let both = r#""xxxxxxxxxxxxxxx"…"xxxxx\n" 65,536 bytes"#;
        assert_eq!(told(65_536, 40), both);
    }

    #[test]
    fn a_payload_never_takes_more_than_its_room() {
        for_seeds(|random| {
            let payload = Payload::of(&random.bytes(700));
            let room = 20 + random.below(100);
            for pen in [Pen::UNICODE, Pen::ASCII] {
                let told = pen.payload(&payload, room);
                assert!(Pen::width(&told) <= room, "{told} in {room}");
            }
        });
    }

    #[test]
    fn plain_text_has_no_control_characters_and_in_ascii_nothing_else() {
        for_seeds(|random| {
            let text = random.text(100);
            let shown = Pen::UNICODE.plain(&text);
            assert!(!shown.contains(|c: char| c.is_control() || c == '\u{202e}'));
            assert!(
                Pen::ASCII
                    .plain(&text)
                    .bytes()
                    .all(|b| (b' '..=b'~').contains(&b))
            );
        });
        assert_eq!(Pen::UNICODE.plain("é…→漢\n"), "é…→\\u{6f22}\\n");
        assert_eq!(Pen::ASCII.plain("é…\x1b"), "\\u{e9}...\\u{1b}");
    }

    #[test]
    fn wrapped_text_keeps_its_words_and_its_width() {
        for_seeds(|random| {
            let text = Pen::UNICODE.plain(&random.text(200));
            let room = 1 + random.below(60);
            let lines = wrap(&text, room);
            assert!(
                lines.iter().all(|line| Pen::width(line) <= room),
                "{lines:?}"
            );
            let letters = |text: &str| text.replace(' ', "");
            assert_eq!(letters(&lines.concat()), letters(&text));
        });
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("12345678 9", 3), ["123", "456", "78", "9"]);
    }

    #[test]
    fn the_clock_changes_its_unit_at_ten_seconds() {
        let tell = |at_us| {
            let at = Event {
                at_us,
                ..event(Side::Left, What::End)
            };
            Clock::for_events(&[at]).tell(at_us)
        };
        assert_eq!(tell(100_449), "100.4 ms");
        assert_eq!(tell(9_999_999), "9999.9 ms");
        assert_eq!(tell(10_000_000), "10.000 s");
    }
}
