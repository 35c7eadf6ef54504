//! A timeline as text for a terminal.

use crate::rows::{Clock, Pen, Row, Telling, fold_words, has_many_links, rows};
use crate::rows::{words, wrap};
use crate::{Event, Look, Side, Timeline, What};

/// An arrow is at least so long, head included.
const SHORTEST_ARROW: usize = 4;
/// An arrow that does not arrive ends so long before the other lifeline, or a third of
/// its length.
const MOST_SHORT: usize = 16;
/// Longer ones are cut: `999999.999 s` are eleven days, `#9999` is a crowd. Of forty
/// columns enough is left between the lifelines for `connects` and its arrow.
const LONGEST_TIME: usize = 12;
const LONGEST_LINK: usize = 5;

impl Timeline {
    /// Two columns with a lifeline each; arrows show which way bytes go.
    ///
    /// ```text
    ///   time   peer                            your program
    /// 0.0 ms   │ connects ──────────────────────────────▶│
    /// 0.1 ms   │ "hello\n" ─────────────────────────────▶│
    /// 0.3 ms   │◀───────────────────────────── "HELLO\n" │
    /// ```
    ///
    /// No line is longer than `look.width` (see there for its range). Long runs of
    /// like events are folded into one line that counts them. What is not printable
    /// ASCII is escaped in payloads; in titles and notes European letters and common
    /// signs stand as they are, unless `look.unicode` is off.
    pub fn to_text(&self, look: &Look) -> String {
        Page::new(self, look).print()
    }
}

/// The measures of one printing.
struct Page<'a> {
    timeline: &'a Timeline,
    pen: Pen,
    color: bool,
    clock: Option<Clock>,
    /// Cells of the times, of the connection's numbers, between the lifelines.
    time_width: usize,
    link_width: usize,
    inner: usize,
}

impl<'a> Page<'a> {
    fn new(timeline: &'a Timeline, look: &Look) -> Self {
        let events = &timeline.events;
        let clock = look.times.then(|| Clock::for_events(events));
        let times = clock.iter().flat_map(|clock| {
            events.iter().map(|event| clock.tell(event.at_us).len())
        });
        let time_width = times
            .max()
            .map_or(0, |widest| widest.clamp(4, LONGEST_TIME) + 3);
        let highest = events.iter().map(|event| event.link).max().unwrap_or(0);
        let numbers = has_many_links(timeline).then(|| format!("#{highest}").len());
        let link_width = numbers.map_or(0, |widest| widest.min(LONGEST_LINK) + 2);
        let inner = look.columns() - time_width - link_width - 2;
        let pen = if look.unicode {
            Pen::UNICODE
        } else {
            Pen::ASCII
        };
        let color = look.color;
        Page {
            timeline,
            pen,
            color,
            clock,
            time_width,
            link_width,
            inner,
        }
    }

    fn print(&self) -> String {
        let mut out = self.titles();
        for row in rows(&self.timeline.events) {
            match row {
                Row::Fold(events) => out += &self.fold(events),
                Row::Event(event) => out += &self.event(event),
            }
        }
        out
    }

    fn titles(&self) -> String {
        let room = self.inner + 2;
        let left = self
            .pen
            .cut(&self.pen.plain(&self.timeline.left), room / 2 - 1);
        let right = self.pen.plain(&self.timeline.right);
        let right = self.pen.cut(&right, room - Pen::width(&left) - 1);
        let gap = room - Pen::width(&left) - Pen::width(&right);
        let time = if self.clock.is_some() { "time" } else { "" };
        let mut line = Line::new(self.color);
        line.add(Ink::Faint, &gutter(time, self.time_width));
        line.add(Ink::None, &" ".repeat(self.link_width));
        line.add(Ink::Title, &left);
        line.add(Ink::None, &" ".repeat(gap));
        line.add(Ink::Title, &right);
        line.end()
    }

    fn event(&self, event: &Event) -> String {
        let room = self.inner - 2 - SHORTEST_ARROW;
        match words(&event.what, room, &self.pen) {
            (Telling::Arrow, text) => self.arrow(event, &text),
            (Telling::Own, text) => self.own(event, &text),
        }
    }

    /// A line across: the words at its beginning, the head at its end.
    fn arrow(&self, event: &Event, text: &str) -> String {
        let mut line = self.start(event);
        let text = &self.pen.cut(text, self.inner - 2 - SHORTEST_ARROW);
        let stroke = match event.what {
            What::Reset => self.pen.broken,
            _ => self.pen.line,
        };
        let length = self.inner - Pen::width(text) - 2;
        let short = match event.what {
            What::Lost(_) => (length / 3).min(MOST_SHORT),
            _ => 0,
        };
        let shaft = stroke.repeat(length - short - 1);
        let gap = " ".repeat(short);
        let [left_head, right_head] = match event.what {
            What::Lost(_) => [self.pen.cross; 2],
            _ => [self.pen.left_head, self.pen.right_head],
        };
        line.add(Ink::Faint, self.pen.life);
        if event.side == Side::Left {
            line.add(ink(event), &format!(" {text} "));
            line.add(shaft_ink(event), &format!("{shaft}{right_head}{gap}"));
        } else {
            line.add(shaft_ink(event), &format!("{gap}{left_head}{shaft}"));
            line.add(ink(event), &format!(" {text} "));
        }
        line.add(Ink::Faint, self.pen.life);
        line.end()
    }

    /// Words at the side they belong to, on as many lines as they need.
    fn own(&self, event: &Event, text: &str) -> String {
        let mut out = String::new();
        let room = self.inner - 2;
        for (nr, words) in wrap(text, room).iter().enumerate() {
            let mut line = if nr == 0 {
                self.start(event)
            } else {
                self.start_blank()
            };
            line.add(Ink::Faint, self.pen.life);
            let words = match event.side {
                Side::Left => format!(" {words:room$} "),
                Side::Right => format!(" {words:>room$} "),
            };
            line.add(ink(event), &words);
            line.add(Ink::Faint, self.pen.life);
            out += &line.end();
        }
        out
    }

    fn fold(&self, events: &[Event]) -> String {
        let mut line = self.start_blank();
        let text = self.pen.cut(&fold_words(events, &self.pen), self.inner);
        let text = format!("{}{text:^2$}{}", self.pen.gap, self.pen.gap, self.inner);
        line.add(Ink::Faint, &text);
        line.end()
    }

    /// What stands before the left lifeline.
    fn start(&self, event: &Event) -> Line {
        let mut line = Line::new(self.color);
        let time = self.clock.as_ref().map(|clock| clock.tell(event.at_us));
        let time = self.pen.cut(&time.unwrap_or_default(), LONGEST_TIME);
        line.add(Ink::Faint, &gutter(&time, self.time_width));
        let link = match event.link {
            0 => String::new(),
            _ if self.link_width == 0 => String::new(),
            number => self.pen.cut(&format!("#{number}"), LONGEST_LINK),
        };
        line.add(Ink::Faint, &format!("{link:0$}", self.link_width));
        line
    }

    fn start_blank(&self) -> Line {
        let mut line = Line::new(self.color);
        line.add(Ink::None, &" ".repeat(self.time_width + self.link_width));
        line
    }
}

/// `time`, flush with the others, and the space that follows.
fn gutter(time: &str, width: usize) -> String {
    match width.checked_sub(3) {
        Some(room) => format!("{time:>room$}   "),
        None => " ".repeat(width),
    }
}

fn ink(event: &Event) -> Ink {
    match (&event.what, event.side) {
        (What::Reset, _) => Ink::Alarm,
        (What::GaveUp(_), _) => Ink::Warning,
        (What::Note(_) | What::Asked(_), _) => Ink::Faint,
        (_, Side::Left) => Ink::Left,
        (_, Side::Right) => Ink::Right,
    }
}

fn shaft_ink(event: &Event) -> Ink {
    match event.what {
        What::Reset | What::Lost(_) => Ink::Alarm,
        _ => Ink::Faint,
    }
}

/// What a piece of text is, and so its colour.
#[derive(Clone, Copy)]
enum Ink {
    None,
    Faint,
    Title,
    Left,
    Right,
    Alarm,
    Warning,
}

impl Ink {
    /// The SGR parameters of ECMA-48, section 8.3.117.
    fn code(self) -> &'static str {
        match self {
            Ink::None => "",
            Ink::Faint => "2",
            Ink::Title => "1",
            Ink::Left => "36",
            Ink::Right => "35",
            Ink::Alarm => "1;31",
            Ink::Warning => "1;33",
        }
    }
}

/// A line of text in the making.
struct Line {
    text: String,
    color: bool,
}

impl Line {
    fn new(color: bool) -> Line {
        Line {
            text: String::new(),
            color,
        }
    }

    fn add(&mut self, ink: Ink, words: &str) {
        let code = ink.code();
        if self.color && !code.is_empty() && !words.trim().is_empty() {
            self.text += &format!("\x1b[{code}m{words}\x1b[0m");
        } else {
            self.text += words;
        }
    }

    fn end(mut self) -> String {
        self.text.push('\n');
        self.text
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Payload;
    use crate::testing::for_seeds;

    fn split_line() -> Timeline {
        let mut timeline = Timeline::new("peer", "your program");
        let mut push = |at, side, what| {
            timeline.push(Duration::from_micros(at), 1, side, what);
        };
        let sent = |bytes: &[u8]| What::Sent(Payload::of(bytes));
        push(0, Side::Left, What::Connect(String::new()));
        push(100, Side::Left, sent(b"hel"));
        push(110, Side::Left, What::Note("100 ms pass".into()));
        push(100_400, Side::Left, sent(b"lo\n"));
        push(100_900, Side::Right, sent(b"HEL\nLO\n"));
        push(101_000, Side::Left, What::GaveUp("no HELLO\\n came".into()));
        push(101_100, Side::Left, What::Reset);
        push(
            101_200,
            Side::Right,
            What::Note("exits with code 101".into()),
        );
        timeline
    }

    fn print(timeline: &Timeline, look: Look) -> String {
        let text = timeline.to_text(&look);
        format!("\n{text}")
    }

    #[test]
    fn what_is_lost_ends_in_a_cross_before_the_other_column() {
        let mut timeline = Timeline::new("client", "server");
        let mut push = |side, bytes: &[u8]| {
            timeline.push(Duration::ZERO, 1, side, What::Lost(Payload::of(bytes)));
        };
        push(Side::Left, b"hello");
        push(Side::Right, b"");
        push(Side::Right, &[b'x'; 60]);
        let look = Look {
            width: 50,
            times: false,
            ..Look::default()
        };
        let picture = "
client                                      server
│ \"hello\" ─────────────────────────✗             │
│              ✗───────────────────────────── \"\" │
│ ✗── \"xxxxxxxxxxxxxxxxxxx\"…\"xxxxxxxxx\" 60 bytes │
";
        assert_eq!(print(&timeline, look), picture);
        let plain = Look {
            unicode: false,
            ..look
        };
        assert!(print(&timeline, plain).contains("| \"hello\" -----"));
        assert!(print(&timeline, plain).contains("--x    "));
    }

    #[test]
    fn a_conversation_stands_in_two_columns() {
        let look = Look {
            width: 50,
            ..Look::default()
        };
        let picture = "
    time   peer                       your program
  0.0 ms   │ connects ──────────────────────────▶│
  0.1 ms   │ \"hel\" ─────────────────────────────▶│
  0.1 ms   │ 100 ms pass                         │
100.4 ms   │ \"lo\\n\" ────────────────────────────▶│
100.9 ms   │◀─────────────────────── \"HEL\\nLO\\n\" │
101.0 ms   │ gives up: no HELLO\\n came           │
101.1 ms   │ resets the connection ╌╌╌╌╌╌╌╌╌╌╌╌╌▶│
101.2 ms   │                 exits with code 101 │
";
        let shown = print(&split_line(), look);
        assert_eq!(shown.replace("\\\\n", "\\n"), picture);
    }

    #[test]
    fn it_can_be_drawn_in_ascii_and_without_times() {
        let look = Look {
            width: 40,
            unicode: false,
            times: false,
            color: false,
        };
        let picture = "
peer                        your program
| connects --------------------------->|
| \"hel\" ------------------------------>|
| 100 ms pass                          |
| \"lo\\n\" ----------------------------->|
|<------------------------ \"HEL\\nLO\\n\" |
| gives up: no HELLO\\n came            |
| resets the connection ==============>|
|                  exits with code 101 |
";
        let shown = print(&split_line(), look);
        assert_eq!(shown.replace("\\\\n", "\\n"), picture);
    }

    #[test]
    fn connections_are_numbered_when_there_are_several() {
        let mut timeline = Timeline::new("two clients", "server");
        timeline.push(
            Duration::ZERO,
            1,
            Side::Left,
            What::Connect("a -> b".into()),
        );
        timeline.push(Duration::ZERO, 2, Side::Left, What::End);
        timeline.push(Duration::ZERO, 0, Side::Right, What::Note("ends".into()));
        let look = Look {
            width: 40,
            times: false,
            ..Look::default()
        };
        let picture = "
    two clients                   server
#1  │ connects a → b ─────────────────▶│
#2  │ ends its sending ───────────────▶│
    │                             ends │
";
        assert_eq!(print(&timeline, look), picture);
    }

    #[test]
    fn a_scripted_stream_shows_what_was_asked_and_taken() {
        let mut timeline = Timeline::new("stream", "your function");
        let mut push = |side, what| timeline.push(Duration::ZERO, 0, side, what);
        push(Side::Right, What::Asked(8192));
        push(Side::Left, What::Sent(Payload::of(b"\xC3")));
        push(Side::Right, What::Received(Payload::of(b"\xC3")));
        push(Side::Right, What::Asked(1));
        push(Side::Left, What::End);
        let look = Look {
            width: 40,
            times: false,
            ..Look::default()
        };
        let picture = r#"
stream                     your function
│           asks for up to 8,192 bytes │
│ "\xC3" ─────────────────────────────▶│
│                         takes "\xC3" │
│                      asks for 1 byte │
│ ends its sending ───────────────────▶│
"#;
        assert_eq!(print(&timeline, look), picture);
    }

    #[test]
    fn a_fold_interrupts_the_lifelines() {
        let mut timeline = Timeline::new("a", "b");
        for _ in 0..500 {
            timeline.push(Duration::ZERO, 1, Side::Left, What::Asked(1));
        }
        let look = Look {
            width: 40,
            times: false,
            ..Look::default()
        };
        let shown = timeline.to_text(&look);
        assert_eq!(shown.lines().count(), 1 + 3 + 1 + 2);
        let fold = "┊              … 495 more              ┊";
        assert_eq!(shown.lines().nth(4), Some(fold));
    }

    #[test]
    fn no_line_is_wider_than_asked_and_both_lifelines_go_through() {
        for_seeds(|random| {
            let timeline = random.timeline();
            let width = random.below(150);
            let [unicode, times] = [random.below(2) == 0, random.below(2) == 0];
            let look = Look {
                width,
                color: false,
                unicode,
                times,
            };
            let text = timeline.to_text(&look);
            for line in text.lines().skip(1) {
                assert_eq!(Pen::width(line), width.clamp(40, 120), "{text}");
                assert!(line.ends_with(['│', '┊', '|', ':']), "{text}");
            }
            assert!(unicode || text.is_ascii(), "{text}");
            assert!(
                !text.contains(|c: char| c.is_control() && c != '\n'),
                "{text}"
            );
        });
    }

    #[test]
    fn forty_columns_leave_room_beside_the_longest_time_and_number() {
        let mut timeline = Timeline::new("a", "b");
        for (link, what) in
            [(1, What::Connect(String::new())), (u32::MAX, What::Reset)]
        {
            timeline.push(Duration::MAX, link, Side::Left, what);
        }
        let text = timeline.to_text(&Look {
            width: 40,
            ..Look::default()
        });
        let lines: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(
            lines,
            [
                "18446744073…   #1     │ connects ─────▶│",
                "18446744073…   #429…  │ resets ╌╌╌╌╌╌╌▶│"
            ]
        );
    }

    #[test]
    fn colour_adds_nothing_but_colour() {
        for_seeds(|random| {
            let timeline = random.timeline();
            let plain = Look::default();
            let mut coloured = timeline.to_text(&Look {
                color: true,
                ..plain
            });
            for code in ["0", "1", "2", "35", "36", "1;31", "1;33"] {
                coloured = coloured.replace(&format!("\x1b[{code}m"), "");
            }
            assert_eq!(coloured, timeline.to_text(&plain));
        });
        assert!(
            split_line()
                .to_text(&Look {
                    color: true,
                    ..Look::default()
                })
                .contains("\x1b[1;31m resets the connection ")
        );
    }
}
