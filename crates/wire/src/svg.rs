//! A timeline as a picture.

use crate::rows::{Clock, Pen, Row, Telling, fold_words, has_many_links, rows};
use crate::rows::{words, wrap};
use crate::{Event, Side, Timeline, What};

// All measures are in the picture's own units. At its natural size (see `max-width`
// below) one unit is a little more than a CSS pixel, on a telephone about three
// quarters of one, so that the letters stay legible on both.
const WIDTH: usize = 400;
// Natural size: letters of 14 pixels, if 1 rem is 16 pixels.
const UNITS_PER_REM: f64 = 14.6;
const MARGIN: usize = 20;
const LETTER: f64 = 13.0 * 0.602; // the widest of the common monospaced fonts
const PILL_END: usize = 36;
const TITLES: usize = 44;
const ARROW_ROW: usize = 36;
const OWN_ROW: usize = 19;
const OWN_MARGIN: usize = 8;
const FOLD_ROW: usize = 34;
/// What is lost ends so far from the other lifeline.
const SHORT: isize = 100;
/// A description longer than this (in characters) helps no listener.
const MOST_DESCRIPTION: usize = 4000;

impl Timeline {
    /// A self-contained picture: lifelines, and arrows with what travels along them.
    ///
    /// It carries no times, so that a picture in a book changes only when the
    /// conversation does; [`Timeline::to_svg_with_times`] has them.
    ///
    /// The picture scales with its surroundings, follows the reader's light or dark
    /// setting, and inside an mdBook page the book's theme. A page can set the
    /// colours itself with the CSS variables `--hs-fg`, `--hs-muted`, `--hs-bg`,
    /// `--hs-edge`, `--hs-life`, `--hs-left`, `--hs-right`, `--hs-alarm` and
    /// `--hs-warning`. For those who do not see it, `title` names it and a
    /// description tells the events in order.
    ///
    /// The text has no empty line and begins with a line that is a complete tag: it
    /// can stand in a Markdown page as it is.
    pub fn to_svg(&self, title: &str) -> String {
        Picture::new(self, false).draw(title)
    }

    /// The picture of [`Timeline::to_svg`] with the time of every event.
    pub fn to_svg_with_times(&self, title: &str) -> String {
        Picture::new(self, true).draw(title)
    }
}

struct Picture<'a> {
    timeline: &'a Timeline,
    clock: Option<Clock>,
    numbered: bool,
    /// Where the lifelines stand.
    left: usize,
    right: usize,
    /// How far down we have drawn, and where the lifelines in progress began.
    y: usize,
    life: usize,
    /// What is drawn first, and what lies above it.
    lifelines: String,
    body: String,
}

const PEN: Pen = Pen::UNICODE;

impl<'a> Picture<'a> {
    fn new(timeline: &'a Timeline, times: bool) -> Self {
        let clock = times.then(|| Clock::for_events(&timeline.events));
        let numbered = has_many_links(timeline);
        let gutter = if times { 62 } else { 0 } + if numbered { 28 } else { 0 };
        let (left, right) = (MARGIN + gutter, WIDTH + gutter - MARGIN);
        let (lifelines, body) = (String::new(), String::new());
        let (y, life) = (TITLES, PILL_END);
        Picture {
            timeline,
            clock,
            numbered,
            left,
            right,
            y,
            life,
            lifelines,
            body,
        }
    }

    fn draw(mut self, title: &str) -> String {
        let rows = rows(&self.timeline.events);
        for row in &rows {
            match row {
                Row::Event(event) => self.event(event),
                Row::Fold(events) => self.fold(events),
            }
        }
        self.y += 14;
        self.lifelines("hs-life");
        self.titles();
        let (width, height) = (self.right + MARGIN, self.y + 14);
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"hs-timeline\" \
             role=\"img\" viewBox=\"0 0 {width} {height}\" xml:space=\"preserve\" \
             style=\"max-width:{:.1}rem\">\n",
            width as f64 / UNITS_PER_REM
        );
        out += &format!("<title>{}</title>\n", text(&PEN.plain(title)));
        out += &format!("<desc>{}</desc>\n", text(&self.describe(&rows)));
        let loses = |event: &Event| matches!(event.what, What::Lost(_));
        let lost = match self.timeline.events.iter().any(loses) {
            true => RULES_OF_LOSS,
            false => "",
        };
        out += &format!("<style>\n{}{lost}</style>\n", style());
        out += &format!(
            "<rect class=\"hs-card\" x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" \
             rx=\"9.5\"/>\n",
            width - 1,
            height - 1
        );
        out + &self.lifelines + &self.body + "</svg>\n"
    }

    /// Tells the whole in sentences, for those who do not see the picture.
    fn describe(&self, rows: &[Row<'_>]) -> String {
        let mut told = String::new();
        for row in rows {
            match row {
                Row::Fold(events) => told += &fold_words(events, &PEN),
                Row::Event(event) => {
                    told += &PEN.plain(self.party(event.side));
                    if self.numbered && event.link != 0 {
                        told += &format!(" (connection {})", event.link);
                    }
                    let sends = matches!(event.what, What::Sent(_) | What::Lost(_));
                    told += if sends { ": sends " } else { ": " };
                    told += &words(&event.what, 80, &PEN).1;
                    if matches!(event.what, What::Lost(_)) {
                        told += ", which is lost";
                    }
                }
            }
            told += ". ";
        }
        PEN.cut(told.trim_end(), MOST_DESCRIPTION)
    }

    fn party(&self, side: Side) -> &str {
        match side {
            Side::Left => &self.timeline.left,
            Side::Right => &self.timeline.right,
        }
    }

    fn titles(&mut self) {
        // Each may take half of what is between the edges, less the gap.
        let room = (self.room() / 2).saturating_sub(3);
        for side in [Side::Left, Side::Right] {
            let title = PEN.cut(&PEN.plain(self.party(side)), room);
            let width = (Pen::width(&title) as f64 * LETTER + 20.0).max(24.0);
            let x = match side {
                Side::Left => (self.left - 12) as f64,
                Side::Right => (self.right + 12) as f64 - width,
            };
            let middle = x + width / 2.0;
            let class = class(side);
            self.put(format!(
                "<g class=\"{class}\"><rect class=\"hs-pill\" x=\"{x:.1}\" y=\"10\" \
                 width=\"{width:.1}\" height=\"26\" rx=\"7\"/><text class=\"hs-name\" \
                 x=\"{middle:.1}\" y=\"27.5\" text-anchor=\"middle\">{}</text></g>",
                text(&title)
            ));
        }
    }

    fn event(&mut self, event: &Event) {
        match words(&event.what, self.room(), &PEN) {
            (Telling::Arrow, words) => self.arrow(event, &words),
            (Telling::Own, words) => self.own(event, &words),
        }
    }

    /// The words above, the line from one lifeline to the other.
    fn arrow(&mut self, event: &Event, words: &str) {
        self.gutter(event, self.y + 30);
        let (label, line) = (self.y + 17, self.y + 26);
        let (from, to, sign) = match event.side {
            Side::Left => (self.left, self.right, -1),
            Side::Right => (self.right, self.left, 1),
        };
        let (tip, at) = (to as isize, line as isize);
        let origin = self.origin(event, from, line);
        let line = match event.what {
            What::Lost(_) => lost_line(from as isize, tip + sign * SHORT, at),
            _ => {
                let back = tip + sign * 10;
                let (above, below) = (at - 4, at + 4);
                format!(
                    "<path class=\"hs-shaft\" d=\"M{from} {at}H{back}\"/>\
                     <path class=\"hs-head\" d=\"M{tip} {at}L{back} {above} V{below}Z\"/>"
                )
            }
        };
        let body = format!(
            "<g class=\"{}\">{origin}{line}{}</g>",
            tone(event),
            self.label(event.side, label, "hs-say", words),
        );
        self.put(body);
        self.y += ARROW_ROW;
    }

    /// What marks the beginning of an arrow: a bar where nothing more will follow.
    fn origin(&self, event: &Event, x: usize, y: usize) -> String {
        match event.what {
            What::End | What::Reset => {
                format!("<path class=\"hs-bar\" d=\"M{x} {}V{}\"/>", y - 5, y + 5)
            }
            _ => format!("<circle class=\"hs-dot\" cx=\"{x}\" cy=\"{y}\" r=\"3\"/>"),
        }
    }

    /// Words beside the lifeline of the one they are about.
    fn own(&mut self, event: &Event, words: &str) {
        let (style, mark) = match event.what {
            What::Note(_) => ("hs-note", ""),
            What::Asked(_) => ("hs-note", "hs-ring"),
            _ => ("hs-say", "hs-dot"),
        };
        let x = match event.side {
            Side::Left => self.left,
            Side::Right => self.right,
        };
        self.gutter(event, self.y + 17);
        let lines = wrap(words, self.room());
        let top = self.y;
        let mut body = format!("<g class=\"{}\">", tone(event));
        if !mark.is_empty() {
            let y = top + 12;
            body +=
                &format!("<circle class=\"{mark}\" cx=\"{x}\" cy=\"{y}\" r=\"3\"/>");
        }
        for (nr, words) in lines.iter().enumerate() {
            body += &self.label(event.side, top + OWN_ROW * nr + 17, style, words);
        }
        self.put(body + "</g>");
        self.y += OWN_ROW * lines.len() + OWN_MARGIN;
    }

    fn fold(&mut self, events: &[Event]) {
        let words = PEN.cut(&fold_words(events, &PEN), self.room());
        let (x, y) = (
            usize::midpoint(self.left, self.right),
            self.y + FOLD_ROW / 2 + 4,
        );
        self.lifelines("hs-life");
        self.y += FOLD_ROW;
        self.lifelines("hs-life hs-gap");
        self.put(format!(
            "<text class=\"hs-note\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{}</text>",
            text(&words)
        ));
    }

    /// Draws both lifelines from where they began down to here.
    fn lifelines(&mut self, class: &str) {
        let (left, right, from, to) = (self.left, self.right, self.life, self.y);
        self.lifelines += &format!(
            "<path class=\"{class}\" d=\"M{left} {from}V{to}M{right} {from}V{to}\"/>\n"
        );
        self.life = self.y;
    }

    /// The time and the number of the connection, left of the picture.
    fn gutter(&mut self, event: &Event, y: usize) {
        if self.numbered && event.link != 0 {
            let link = PEN.cut(&format!("#{}", event.link), 5);
            let x = self.left - 14;
            self.put(format!(
                "<text class=\"hs-time\" x=\"{x}\" y=\"{y}\" text-anchor=\"end\">\
                 {link}</text>"
            ));
        }
        if let Some(clock) = &self.clock {
            let time = PEN.cut(&clock.tell(event.at_us), 9);
            self.put(format!(
                "<text class=\"hs-time\" x=\"68\" y=\"{y}\" text-anchor=\"end\">\
                 {time}</text>"
            ));
        }
    }

    fn label(&self, side: Side, y: usize, class: &str, words: &str) -> String {
        let (x, anchor) = match side {
            Side::Left => (self.left + 12, "start"),
            Side::Right => (self.right - 12, "end"),
        };
        let words = text(words);
        format!(
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">\
             {words}</text>"
        )
    }

    /// How many letters have room between the lifelines.
    fn room(&self) -> usize {
        ((self.right - self.left - 24) as f64 / LETTER) as usize
    }

    fn put(&mut self, element: String) {
        self.body += &element;
        self.body.push('\n');
    }
}

/// A line that ends in a cross.
fn lost_line(from: isize, to: isize, at: isize) -> String {
    let (left, top) = (to - 5, at - 5);
    format!(
        "<path class=\"hs-shaft\" d=\"M{from} {at}H{to}\"/>\
         <path class=\"hs-cross\" d=\"M{left} {top}l10 10m0 -10l-10 10\"/>"
    )
}

fn class(side: Side) -> &'static str {
    match side {
        Side::Left => "hs-left",
        Side::Right => "hs-right",
    }
}

fn tone(event: &Event) -> &'static str {
    match event.what {
        What::Reset => "hs-alarm",
        What::GaveUp(_) => "hs-warning",
        _ => class(event.side),
    }
}

/// Text for XML. Braces are escaped too: to mdBook, two of them are an order.
fn text(words: &str) -> String {
    let mut safe = String::with_capacity(words.len());
    for c in words.chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '{' => safe.push_str("&#123;"),
            _ => safe.push(c),
        }
    }
    safe
}

/// Name, light, dark.
const COLOURS: [(&str, &str, &str); 9] = [
    ("fg", "#1f2328", "#e6edf3"),
    ("muted", "#5b6570", "#9aa4af"),
    ("bg", "#ffffff", "#161b22"),
    ("edge", "#d9dee4", "#30363d"),
    ("life", "#bcc4cd", "#4a525c"),
    ("left", "#0a66c2", "#6cb6ff"),
    ("right", "#8839c9", "#cfa6ff"),
    ("alarm", "#c62f3d", "#ff8078"),
    ("warning", "#8f5f00", "#e3b341"),
];

/// The rules, all below `.hs-timeline`: inside a page they touch nothing else.
fn style() -> String {
    let (mut light, mut dark) = (String::new(), String::new());
    for (name, by_day, by_night) in COLOURS {
        light += &format!("--_{name}:var(--hs-{name},{by_day});");
        dark += &format!("--_{name}:var(--hs-{name},{by_night});");
    }
    // mdBook puts the theme that the reader has chosen as a class on <html>.
    format!(
        ".hs-timeline{{{light}display:block;width:100%;height:auto;\
         margin:1em auto}}\n\
         @media (prefers-color-scheme:dark){{.hs-timeline{{{dark}}}}}\n\
         html:is(.light,.rust) .hs-timeline{{{light}}}\n\
         html:is(.coal,.navy,.ayu) .hs-timeline{{{dark}}}\n{RULES}"
    )
}

/// What a picture needs besides in which something is lost.
const RULES_OF_LOSS: &str = "\
.hs-timeline .hs-cross{fill:none;stroke:var(--_alarm);stroke-width:2.5;\
stroke-linecap:round}
";

const RULES: &str = "\
.hs-timeline text{fill:var(--_fg);white-space:pre;font:13px ui-monospace,\
SFMono-Regular,Menlo,Consolas,\"DejaVu Sans Mono\",monospace}
.hs-timeline .hs-card{fill:var(--_bg);stroke:var(--_edge)}
.hs-timeline .hs-left{--_tone:var(--_left)}
.hs-timeline .hs-right{--_tone:var(--_right)}
.hs-timeline .hs-alarm{--_tone:var(--_alarm)}
.hs-timeline .hs-warning{--_tone:var(--_warning)}
.hs-timeline .hs-life{fill:none;stroke:var(--_life);stroke-width:1.5}
.hs-timeline .hs-gap{stroke-dasharray:1.5 5;stroke-linecap:round}
.hs-timeline .hs-pill{fill:var(--_tone);fill-opacity:.12;stroke:var(--_tone)}
.hs-timeline .hs-name{fill:var(--_tone);font-weight:600}
.hs-timeline .hs-shaft{fill:none;stroke:var(--_tone);stroke-width:1.5}
.hs-timeline .hs-alarm .hs-shaft{stroke-dasharray:6 4}
.hs-timeline .hs-head,.hs-timeline .hs-dot{fill:var(--_tone)}
.hs-timeline .hs-ring{fill:var(--_bg);stroke:var(--_tone);stroke-width:1.5}
.hs-timeline .hs-bar{stroke:var(--_tone);stroke-width:3;stroke-linecap:round}
.hs-timeline .hs-note,.hs-timeline .hs-time{fill:var(--_muted)}
.hs-timeline .hs-note{font-style:italic}
.hs-timeline .hs-time{font-size:11px}
.hs-timeline .hs-alarm text,.hs-timeline .hs-warning text{fill:var(--_tone)}
";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Payload;
    use crate::testing::for_seeds;

    /// Reads the elements of a picture, and complains where it is not well-formed
    /// XML.
    fn elements(svg: &str) -> Vec<(&str, &str)> {
        let (mut open, mut found, mut rest) = (Vec::new(), Vec::new(), svg);
        while let Some((text, tail)) = rest.split_once('<') {
            assert!(!text.contains("]]>"), "{text}");
            for entity in text.split('&').skip(1) {
                let name = entity.split_once(';').expect("an entity ends").0;
                assert!(["lt", "gt", "amp", "#123"].contains(&name), "{name}");
            }
            let (tag, tail) = tail.split_once('>').expect("a tag ends");
            assert!(
                !tag.contains('<') && tag.matches('"').count() % 2 == 0,
                "{tag}"
            );
            match tag.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name), "{svg}"),
                None => {
                    let name = tag.split([' ', '/']).next().expect("split gives one");
                    let text = tail.split('<').next().expect("split gives one");
                    found.push((name, text));
                    if !tag.ends_with('/') {
                        open.push(name);
                    }
                }
            }
            rest = tail;
        }
        assert!(open.is_empty(), "{open:?}");
        found
    }

    fn texts<'a>(svg: &'a str, name: &str) -> Vec<&'a str> {
        let named = elements(svg)
            .into_iter()
            .filter(|element| element.0 == name);
        named.map(|element| element.1).collect()
    }

    fn example() -> Timeline {
        let mut timeline = Timeline::new("peer", "your program");
        timeline.push(
            Duration::ZERO,
            1,
            Side::Left,
            What::Sent(Payload::of(b"<&>{{\n")),
        );
        timeline.push(Duration::ZERO, 1, Side::Right, What::Reset);
        timeline
    }

    #[test]
    fn any_conversation_is_well_formed_xml_that_may_stand_in_a_page() {
        for_seeds(|random| {
            let (timeline, title) = (random.timeline(), random.text(50));
            for svg in [timeline.to_svg(&title), timeline.to_svg_with_times(&title)] {
                elements(&svg);
                assert!(!svg.contains("\n\n"), "an empty line ends HTML in Markdown");
                assert!(!svg.contains("{{"), "an order to mdBook");
                assert!(!svg.contains(|c: char| c.is_control() && c != '\n'));
                let first = svg.lines().next().unwrap();
                assert!(first.starts_with("<svg ") && first.ends_with('>'));
            }
        });
    }

    #[test]
    fn it_says_what_it_shows() {
        let svg = example().to_svg("Half a <line>");
        assert_eq!(texts(&svg, "title"), ["Half a &lt;line&gt;"]);
        assert_eq!(
            texts(&svg, "desc"),
            ["peer: sends \"&lt;&amp;&gt;&#123;&#123;\\n\". \
              your program: resets the connection."]
        );
        assert!(svg.starts_with("<svg ") && svg.contains(" role=\"img\" "));
        let expected = [
            "\"&lt;&amp;&gt;&#123;&#123;\\n\"",
            "resets the connection",
            "peer",
            "your program",
        ];
        assert_eq!(texts(&svg, "text"), expected);
    }

    #[test]
    fn times_are_shown_only_if_asked_for() {
        let has_times = |svg: &str| texts(svg, "text").contains(&"0.0 ms");
        assert!(!has_times(&example().to_svg("t")));
        assert!(has_times(&example().to_svg_with_times("t")));
    }

    #[test]
    fn it_loads_nothing_and_names_nothing_that_a_page_could_have_too() {
        let svg = example().to_svg("t");
        let without_namespace = svg.replace("http://www.w3.org/2000/svg", "");
        for outside in ["http", "url(", "href", "@import", " id="] {
            assert!(!without_namespace.contains(outside), "{outside}");
        }
        let style = texts(&svg, "style")[0];
        for rule in style.lines().filter(|line| !line.trim().is_empty()) {
            assert!(rule.contains(".hs-timeline"), "{rule}");
        }
    }

    #[test]
    fn every_label_has_room_between_the_lifelines() {
        for_seeds(|random| {
            let timeline = random.timeline();
            let room = Picture::new(&timeline, false).room();
            let svg = timeline.to_svg("t");
            for label in texts(&svg, "text") {
                let shown = label.replace("&lt;", "<").replace("&gt;", ">");
                let shown = shown.replace("&amp;", "&").replace("&#123;", "{");
                assert!(Pen::width(&shown) <= room, "{shown}");
            }
        });
    }
}
