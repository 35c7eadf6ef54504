//! A lane: the system calls of a client and of a server, side by side.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use wire::{Look, Payload, Side, Timeline, view};

use crate::pieces::File;
use crate::pieces::picture::{LETTER, Picture, text};
use crate::pieces::shop::Workshop;
use crate::pieces::steps::{Step, steps};
use crate::pieces::story::{Row, Story, Untold, What, tell};
use crate::pieces::strace::parse;
use crate::pieces::tracer::Traced;

/// Whose system calls to show.
pub struct Lane {
    /// What the picture shows, for those who do not see it.
    pub title: &'static str,
    /// The lesson's package, such as `lesson-1`; its program of the same name takes
    /// `server NAME ADDR` and `client NAME ADDR`.
    pub lesson: &'static str,
    /// The server's name, such as `greeting`.
    pub program: &'static str,
    /// The port that the tutorial gives it.
    pub port: u16,
    /// What is typed at the client's prompt, line by line. Nothing: it has no prompt.
    pub lines: &'static [&'static str],
    /// The client's call after which it is held back until the server has said all it
    /// has to say and waits for the client: so the bytes of many writes are there
    /// together, which they might or might not be otherwise.
    pub hold: Option<&'static str>,
}

/// How often a run may turn out to be not the one to be shown.
const ATTEMPTS: u32 = 5;

/// What the lesson's clients print when they want a line.
const PROMPT: &str = ">>> ";

impl Lane {
    /// Records the lane and draws it.
    pub fn make(&self, name: &str, shop: &Workshop) -> Result<Vec<File>> {
        for _ in 0..ATTEMPTS {
            let (client, server) = self.record(shop)?;
            match tell(&client, &server, self.port) {
                Err(Untold::Ports) => {}
                _ if timed_out(&client) || timed_out(&server) => {}
                story => return Ok(self.files(name, &story?)),
            }
        }
        bail!(
            "{ATTEMPTS} times, a call has run into its timeout, or a port has not \
             had five digits; this machine may be too busy"
        )
    }

    fn files(&self, name: &str, story: &Story) -> Vec<File> {
        vec![
            File::generated(&format!("{name}.svg"), story.to_svg(self.title)),
            File::generated(&format!("{name}.txt"), story.to_text()),
        ]
    }

    /// Runs server and client; what each of them did.
    fn record(&self, shop: &Workshop) -> Result<(Vec<Step>, Vec<Step>)> {
        let program = shop.program(self.lesson)?;
        let folder = shop.folder();
        let args = ["server", self.program, "127.0.0.1:0"];
        let mut server = Traced::start(&program, &args, folder, "server", None)?;
        server.wait_for("listening on ")?;
        let addr = server.wait_for("\n")?;
        server.wait_until_blocked("accept4")?;

        let args = ["client", self.program, addr.trim()];
        let mut client = Traced::start(&program, &args, folder, "client", self.hold)?;
        if self.hold.is_some() {
            client.wait_until_held()?;
            server.wait_until_blocked("recvfrom")?;
            client.resume()?;
        }
        for line in self.lines {
            client.wait_for(PROMPT)?;
            client.type_line(line)?;
        }
        if !self.lines.is_empty() {
            client.wait_for(PROMPT)?;
        }
        let client = client.finish()?;
        server.wait_until_blocked("accept4")?;
        server.terminate()?;
        let server = server.finish()?;

        let client = parse(&client).context("the client's trace")?;
        let server = parse(&server).context("the server's trace")?;
        Ok((steps(&client, true), steps(&server, false)))
    }
}

/// Whether a call has waited in vain, as none does that is to be shown.
fn timed_out(steps: &[Step]) -> bool {
    steps.iter().any(|step| step.result == "-1 EAGAIN")
}

impl Story {
    /// Two columns of text, no line wider than 80.
    pub fn to_text(&self) -> String {
        let mut timeline = Timeline::new("client", "server");
        for Row { side, what } in &self.rows {
            let travels = match what {
                What::Handshake => Some(wire::What::Connect(String::new())),
                What::Bytes(bytes) => Some(wire::What::Sent(Payload::of(bytes))),
                What::End => Some(wire::What::End),
                What::Reset => Some(wire::What::Reset),
                _ => None,
            };
            let event = travels.unwrap_or_else(|| wire::What::Note(words(what)));
            timeline.push(Duration::ZERO, 1, *side, event);
        }
        timeline.to_text(&Look {
            width: 80,
            color: false,
            unicode: true,
            times: false,
        })
    }

    /// The picture.
    pub fn to_svg(&self, title: &str) -> String {
        Drawing::of(self).finish(title, self)
    }
}

/// A row in words.
fn words(what: &What) -> String {
    let with = |bytes: &Option<Vec<u8>>| match bytes {
        Some(bytes) => format!(": {}", view::escaped(bytes)),
        None => String::new(),
    };
    match what {
        What::Call(call, result, bytes) => {
            format!("{call} = {result}{}", with(bytes))
        }
        What::Wait(call) => format!("{call} waits …"),
        What::Stop => "is stopped from outside (SIGSTOP) …".into(),
        What::Continue => "… goes on (SIGCONT)".into(),
        What::Return(call, result, bytes) => {
            format!("… {call} = {result}{}", with(bytes))
        }
        What::Bytes(bytes) => view::escaped(bytes),
        What::Handshake => "handshake: SYN, SYN+ACK, ACK".into(),
        What::End => "FIN: no more will come".into(),
        What::Reset => "RST: the connection is reset".into(),
        What::Killed => "is ended from outside (SIGTERM)".into(),
        What::Unreachable => "ICMP: port unreachable".into(),
    }
}

// All measures are in the picture's own units, as in the timelines of `wire`.
const WIDTH: usize = 420;
const LEFT: usize = 20;
const RIGHT: usize = WIDTH - 20;
const TITLES: usize = 50;
const LINE: usize = 18;
const ROOM: usize = 45; // letters between the lifelines
const LINES: usize = 3; // of bytes, at most
const SIZE: f64 = 13.0;

/// A picture in the making.
struct Drawing {
    /// How far down we are.
    y: usize,
    /// Who did the row above.
    last: Option<Side>,
    /// Since where the client, the server waits, and what the bar there looks like.
    waits: [Option<(usize, &'static str)>; 2],
    bars: String,
    body: String,
}

impl Drawing {
    fn of(story: &Story) -> Self {
        let mut drawing = Drawing {
            y: TITLES,
            last: None,
            waits: [None; 2],
            bars: String::new(),
            body: String::new(),
        };
        for row in &story.rows {
            drawing.row(row);
        }
        drawing
    }

    fn row(&mut self, row: &Row) {
        if self.last.is_some_and(|last| last != row.side) {
            self.y += 8; // the other one's turn
        }
        self.last = Some(row.side);
        match &row.what {
            What::Call(call, result, bytes) => {
                self.dot(row.side);
                self.call(row.side, "", call, &format!(" = {result}"));
                self.brought(row.side, bytes.as_deref());
            }
            What::Wait(call) => {
                self.waits[place(row.side)] = Some((self.y + 9, "hs-wait"));
                self.call(row.side, "", call, " waits …");
            }
            What::Return(call, result, bytes) => {
                self.bar(row.side, self.y + 9);
                self.call(row.side, "… ", call, &format!(" = {result}"));
                self.brought(row.side, bytes.as_deref());
            }
            What::Stop => {
                self.waits[place(row.side)] = Some((self.y + 9, "hs-held"));
                self.line(row.side, "hs-sign", &text(&words(&row.what)));
            }
            What::Continue | What::Killed => {
                self.bar(row.side, self.y + 9);
                self.line(row.side, "hs-sign", &text(&words(&row.what)));
            }
            What::Handshake
            | What::Bytes(_)
            | What::End
            | What::Reset
            | What::Unreachable => {
                self.arrow(row);
            }
        }
    }

    /// A call and its result, in one line if it has room, else in two.
    fn call(&mut self, side: Side, before: &str, call: &str, result: &str) {
        let call = cut(call, ROOM - before.chars().count());
        let (name, args) = call.split_at(call.find('(').unwrap_or(call.len()));
        let called = format!(
            "{before}<tspan class=\"hs-call\">{}</tspan>{}",
            text(name),
            text(args)
        );
        let length = [before, &call, result].map(|it| it.chars().count());
        let result = cut(result, ROOM);
        let result = format!("<tspan class=\"hs-result\">{}</tspan>", text(&result));
        if length.iter().sum::<usize>() <= ROOM {
            self.line(side, "hs-say", &(called + &result));
        } else {
            self.line(side, "hs-say", &called);
            self.line(side, "hs-say", &result);
        }
    }

    /// The bytes that a call has brought, below it.
    fn brought(&mut self, side: Side, bytes: Option<&[u8]>) {
        for line in bytes.map(shown).unwrap_or_default() {
            self.line(side, "hs-bytes", &text(&line));
        }
    }

    fn line(&mut self, side: Side, class: &str, words: &str) {
        let (x, anchor, tone) = match side {
            Side::Left => (LEFT + 12, "start", "hs-left"),
            Side::Right => (RIGHT - 12, "end", "hs-right"),
        };
        let y = self.y + 13;
        self.body += &format!(
            "<text class=\"{class} {tone}\" x=\"{x}\" y=\"{y}\" \
             text-anchor=\"{anchor}\">{words}</text>\n"
        );
        self.y += LINE;
    }

    fn dot(&mut self, side: Side) {
        let (x, tone) = lifeline(side);
        let y = self.y + 9;
        self.body += &format!(
            "<circle class=\"hs-dot {tone}\" cx=\"{x}\" cy=\"{y}\" r=\"2.5\"/>\n"
        );
    }

    /// Ends the time in which a call waits.
    fn bar(&mut self, side: Side, to: usize) {
        let (x, tone) = lifeline(side);
        if let Some((from, class)) = self.waits[place(side)].take() {
            self.bars += &format!(
                "<rect class=\"{class} {tone}\" x=\"{}\" y=\"{from}\" width=\"8\" \
                 height=\"{}\" rx=\"4\"/>\n",
                x - 4,
                to - from
            );
        }
    }

    /// Something travels: the words above, the line from one lifeline to the other.
    fn arrow(&mut self, row: &Row) {
        let lines = match &row.what {
            What::Bytes(bytes) => shown(bytes),
            what => vec![words(what)],
        };
        let tone = match (&row.what, row.side) {
            (What::Reset | What::Unreachable, _) => "hs-alarm",
            (_, Side::Left) => "hs-left",
            (_, Side::Right) => "hs-right",
        };
        let class = match row.what {
            What::Bytes(_) => "hs-sent",
            _ => "hs-sign",
        };
        self.y += 3;
        let (x, anchor) = match row.side {
            Side::Left => (LEFT + 12, "start"),
            Side::Right => (RIGHT - 12, "end"),
        };
        for line in &lines {
            self.body += &format!(
                "<text class=\"{class} {tone}\" x=\"{x}\" y=\"{}\" \
                 text-anchor=\"{anchor}\">{}</text>\n",
                self.y + 13,
                text(line)
            );
            self.y += LINE;
        }
        self.shaft(row, tone);
        self.y += 12;
    }

    fn shaft(&mut self, row: &Row, tone: &str) {
        let (from, to, sign) = match row.side {
            Side::Left => (LEFT as isize, RIGHT as isize, -1),
            Side::Right => (RIGHT as isize, LEFT as isize, 1),
        };
        let y = self.y as isize + 3;
        let head =
            |tip: isize, sign: isize| format!("M{tip} {y}l{} -4v8Z", sign * 10);
        let (start, heads) = match row.what {
            What::Handshake => {
                let heads = head(to, sign) + &head(from, -sign);
                (from - sign * 10, heads)
            }
            _ => (from, head(to, sign)),
        };
        let origin = match row.what {
            What::End | What::Reset => {
                format!("<path class=\"hs-stop\" d=\"M{from} {}v10\"/>", y - 5)
            }
            _ => String::new(),
        };
        self.body += &format!(
            "<g class=\"{tone}\">{origin}<path class=\"hs-shaft\" \
             d=\"M{start} {y}H{}\"/><path class=\"hs-head\" d=\"{heads}\"/></g>\n",
            to + sign * 10
        );
    }

    fn finish(mut self, title: &str, story: &Story) -> String {
        let bottom = self.y + 16;
        for side in [Side::Left, Side::Right] {
            self.bar(side, bottom);
        }
        let mut body = format!(
            "<path class=\"hs-life\" \
             d=\"M{LEFT} 36V{bottom}M{RIGHT} 36V{bottom}\"/>\n"
        );
        body += &pill("client", Side::Left);
        body += &pill("server", Side::Right);
        let picture = Picture {
            class: "hs-lane",
            title: title.to_string(),
            description: description(story),
            rules: RULES,
            body: body + &self.bars + &self.body,
        };
        picture.draw(WIDTH, bottom + 14)
    }
}

fn place(side: Side) -> usize {
    match side {
        Side::Left => 0,
        Side::Right => 1,
    }
}

fn lifeline(side: Side) -> (usize, &'static str) {
    match side {
        Side::Left => (LEFT, "hs-left"),
        Side::Right => (RIGHT, "hs-right"),
    }
}

/// The title of a column.
fn pill(title: &str, side: Side) -> String {
    let width = title.len() as f64 * LETTER * SIZE + 20.0;
    let (x, tone) = match side {
        Side::Left => ((LEFT - 12) as f64, "hs-left"),
        Side::Right => ((RIGHT + 12) as f64 - width, "hs-right"),
    };
    format!(
        "<g class=\"{tone}\"><rect class=\"hs-pill\" x=\"{x:.1}\" y=\"10\" \
         width=\"{width:.1}\" height=\"26\" rx=\"7\"/><text class=\"hs-name\" \
         x=\"{:.1}\" y=\"27.5\" text-anchor=\"middle\">{title}</text></g>\n",
        x + width / 2.0
    )
}

/// `text`, shortened to `room` letters.
fn cut(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_string();
    }
    let kept: String = text.chars().take(room.saturating_sub(1)).collect();
    kept + "…"
}

/// Bytes between quotes, in at most three lines; no escape is cut in two.
fn shown(bytes: &[u8]) -> Vec<String> {
    let text = view::escaped(bytes);
    let count = format!("… {}", view::bytes(bytes.len() as u64));
    let mut lines = vec![String::new()];
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (sign, tail) = rest.split_at(sign_length(rest));
        rest = tail;
        let last = lines.len() == LINES;
        let line = lines
            .last_mut()
            .expect("there is a line from the beginning");
        let room = if last && rest.len() > ROOM - line.len() - sign.len() {
            ROOM - count.chars().count()
        } else {
            ROOM
        };
        if line.len() + sign.len() <= room {
            line.push_str(sign);
        } else if last {
            line.push_str(&count);
            break;
        } else {
            lines.push(sign.to_string());
        }
    }
    lines
}

/// The length of the sign that escaped text begins with: `a`, `\n`, `\x0A`.
fn sign_length(text: &str) -> usize {
    let length = match text.as_bytes() {
        [b'\\', b'x', ..] => 4,
        [b'\\', ..] => 2,
        _ => 1,
    };
    length.min(text.len())
}

/// The story in sentences, for those who do not see the picture.
fn description(story: &Story) -> String {
    let sentence = |Row { side, what }: &Row| {
        let who = match side {
            Side::Left => "Client",
            Side::Right => "Server",
        };
        let sends = match what {
            What::Bytes(_) => "sends ",
            _ => "",
        };
        format!("{who}: {sends}{}.", words(what))
    };
    let told: Vec<String> = story.rows.iter().map(sentence).collect();
    told.join(" ")
}

const RULES: &str = "\
.X .hs-life{fill:none;stroke:var(--_life);stroke-width:1.5}
.X .hs-pill{fill:var(--_tone);fill-opacity:.12;stroke:var(--_tone)}
.X .hs-name{fill:var(--_tone);font-weight:600}
.X .hs-call{font-weight:600}
.X .hs-result{fill:var(--_muted)}
.X .hs-bytes{fill:var(--_tone)}
.X .hs-sent{fill:var(--_tone)}
.X .hs-sign{fill:var(--_tone);font-style:italic}
.X .hs-dot,.X .hs-head{fill:var(--_tone)}
.X .hs-wait{fill:var(--_tone);fill-opacity:.22;stroke:var(--_tone)}
.X .hs-held{fill:var(--_bg);stroke:var(--_tone);stroke-dasharray:2 3}
.X .hs-shaft{fill:none;stroke:var(--_tone);stroke-width:1.5}
.X .hs-alarm .hs-shaft{stroke-dasharray:6 4}
.X .hs-stop{stroke:var(--_tone);stroke-width:3;stroke-linecap:round}
";

#[cfg(test)]
mod tests {
    use super::*;

    /// A story of everything that can happen, with bytes and texts by chance.
    fn any_story(seed: u64) -> Story {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut rows = Vec::new();
        for _ in 0..random.usize(..30) {
            let side = if random.bool() {
                Side::Left
            } else {
                Side::Right
            };
            let bytes: Vec<u8> =
                (0..random.usize(..200)).map(|_| random.u8(..)).collect();
            let call =
                ["read(3)", "<&{{", "", "close(4)"][random.usize(..4)].to_string();
            let what = match random.u8(..9) {
                0 => What::Call(call.clone(), call, Some(bytes)),
                1 => What::Wait(call),
                2 => What::Return(call.clone(), call, None),
                3 => What::Stop,
                4 => What::Continue,
                5 => What::Handshake,
                6 => What::End,
                7 => What::Reset,
                _ => What::Bytes(bytes),
            };
            rows.push(Row { side, what });
        }
        Story { rows }
    }

    #[test]
    fn any_story_is_drawn_as_a_picture_that_may_stand_in_a_page() {
        for seed in 0..300 {
            let svg = any_story(seed).to_svg("<any> {{story}}");
            assert!(!svg.contains("\n\n"), "seed {seed}: ends HTML in Markdown");
            assert!(!svg.contains("{{"), "seed {seed}: an order to mdBook");
            assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
            assert_eq!(svg.matches('<').count(), svg.matches('>').count(), "{seed}");
            let opened = svg.matches("<text").count() + svg.matches("<tspan").count();
            let closed =
                svg.matches("</text>").count() + svg.matches("</tspan>").count();
            assert_eq!(opened, closed, "seed {seed}");
        }
    }

    #[test]
    fn any_story_is_told_in_eighty_columns() {
        for seed in 0..300 {
            let text = any_story(seed).to_text();
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(80), "seed {seed}:\n{text}");
        }
    }

    #[test]
    fn bytes_have_room_between_the_lifelines_and_no_escape_is_cut() {
        for seed in 0..300 {
            let mut random = fastrand::Rng::with_seed(seed);
            let bytes: Vec<u8> =
                (0..random.usize(..150)).map(|_| random.u8(..)).collect();
            let lines = shown(&bytes);
            assert!(lines.len() <= LINES, "seed {seed}: {lines:?}");
            assert!(
                lines.iter().all(|line| line.chars().count() <= ROOM),
                "{lines:?}"
            );
            let whole = view::escaped(&bytes);
            if lines.iter().all(|line| !line.contains('…')) {
                assert_eq!(lines.concat(), whole, "seed {seed}");
                let cut =
                    |line: &String| view::unescape(line.trim_matches('"')).is_none();
                assert!(!lines.iter().any(cut), "seed {seed}: {lines:?}");
            } else {
                assert!(whole.len() > ROOM * LINES - 20, "seed {seed}: {lines:?}");
                let count = format!("… {}", view::bytes(bytes.len() as u64));
                assert!(lines.concat().ends_with(&count), "seed {seed}: {lines:?}");
            }
        }
    }

    #[test]
    fn a_call_that_waits_has_a_bar_until_it_returns_or_to_the_end() {
        let bars = |rows: Vec<(Side, What)>| {
            let rows = rows.into_iter().map(|(side, what)| Row { side, what });
            let story = Story {
                rows: rows.collect(),
            };
            story.to_svg("t").matches("class=\"hs-wait ").count()
        };
        let wait = (Side::Left, What::Wait("recvfrom(3)".into()));
        let back = What::Return("recvfrom".into(), "0".into(), None);
        assert_eq!(bars(vec![wait.clone()]), 1);
        assert_eq!(bars(vec![wait.clone(), (Side::Left, back)]), 1);
        assert_eq!(
            bars(vec![(Side::Right, What::Stop)]),
            0,
            "it is stopped, not waiting"
        );
        assert_eq!(
            bars(vec![wait, (Side::Right, What::Wait("accept4(3)".into()))]),
            2
        );
    }
}
