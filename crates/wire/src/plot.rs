//! Pictures of numbers: lines over an axis ([`Plot`]), and who did what when
//! ([`Lanes`]).
//!
//! As the timelines they scale with their surroundings, follow the reader's light or
//! dark setting and a book's theme, and tell those who do not see them what they show.

use std::fmt::Write;

/// How a number becomes a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Twice as much is twice as far; the axis begins at zero, or below it.
    Linear,
    /// Ten times as much is one step further; only what is above zero is drawn.
    Log,
}

/// One of the two axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it measures, with the unit.
    pub label: String,
    /// How.
    pub scale: Scale,
}

/// A line through points.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name, written at its end.
    pub label: String,
    /// From left to right.
    pub points: Vec<(f64, f64)>,
}

/// Lines over an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// What it shows, for those who do not see it.
    pub title: String,
    /// To the right.
    pub x: Axis,
    /// Upwards.
    pub y: Axis,
    /// The lines. From the seventh on the colours are used again.
    pub series: Vec<Series>,
}

/// What one party did, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    /// Who it is.
    pub label: String,
    /// What it did.
    pub bars: Vec<Bar>,
}

/// A time in which something was done.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// When it began.
    pub from: f64,
    /// When it was over.
    pub to: f64,
    /// What it was.
    pub label: String,
    /// Which of the six colours, from 0.
    pub tone: usize,
}

/// Lanes, one below the other, over one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Lanes {
    /// What they show, for those who do not see it.
    pub title: String,
    /// What the time is counted in.
    pub unit: String,
    /// From top to bottom; a lane without bars is a heading.
    pub lanes: Vec<Lane>,
}

/// Name, light, dark, as in the timelines.
const COLOURS: [(&str, &str, &str); 10] = [
    ("fg", "#1f2328", "#e6edf3"),
    ("muted", "#5b6570", "#9aa4af"),
    ("bg", "#ffffff", "#161b22"),
    ("edge", "#d9dee4", "#30363d"),
    ("left", "#0a66c2", "#6cb6ff"),
    ("right", "#8839c9", "#cfa6ff"),
    ("alarm", "#c62f3d", "#ff8078"),
    ("green", "#1a7f37", "#56d364"),
    ("warning", "#9a6700", "#e3b341"),
    ("grey", "#57606a", "#8b949e"),
];

/// The colours of lines and bars, the first first.
const TONES: [&str; 6] = ["left", "right", "green", "warning", "alarm", "grey"];

const LETTER: f64 = 12.5 * 0.602; // the widest of the common monospaced fonts
const UNITS_PER_REM: f64 = 14.6; // as in the timelines: letters of one size

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 300.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 48.0;

impl Plot {
    /// The picture. Points that are no numbers, or have no place on a logarithmic
    /// axis, are left out.
    pub fn to_svg(&self) -> String {
        let drawable = |(x, y): &(f64, f64)| self.x.takes(*x) && self.y.takes(*y);
        let lines: Vec<Vec<(f64, f64)>> = (self.series.iter())
            .map(|series| series.points.iter().copied().filter(drawable).collect())
            .collect();
        let all = || lines.iter().flatten();
        let (x_ticks, y_ticks) = (
            self.x.ticks(all().map(|point| point.0)),
            self.y.ticks(all().map(|point| point.1)),
        );
        let widest =
            |names: &mut dyn Iterator<Item = usize>| names.max().unwrap_or(0);
        let left = widest(&mut y_ticks.iter().map(|tick| told(*tick).len()));
        let right = widest(&mut self.series.iter().map(|s| s.label.chars().count()));
        let left = 24.0 + left as f64 * LETTER;
        let right = WIDTH - 24.0 - right as f64 * LETTER;
        let place = |x: f64, y: f64| {
            let along = self.x.part(x, &x_ticks);
            let up = self.y.part(y, &y_ticks);
            let down = HEIGHT - BOTTOM - up * (HEIGHT - BOTTOM - TOP);
            (left + along * (right - left), down)
        };
        let mut body = String::new();
        for tick in &y_ticks {
            let (_, y) = place(x_ticks[0], *tick);
            line(&mut body, "hs-grid", &[(left, y), (right, y)]);
            words(
                &mut body,
                "hs-tick hs-end",
                left - 8.0,
                y + 4.0,
                &told(*tick),
            );
        }
        for tick in &x_ticks {
            let (x, y) = place(*tick, y_ticks[0]);
            line(&mut body, "hs-axis", &[(x, y), (x, y + 5.0)]);
            words(&mut body, "hs-tick hs-mid", x, y + 19.0, &told(*tick));
        }
        let floor = HEIGHT - BOTTOM;
        line(&mut body, "hs-axis", &[(left, floor), (right, floor)]);
        words(&mut body, "hs-tick", 12.0, 22.0, &self.y.label);
        let below = HEIGHT - 10.0;
        words(&mut body, "hs-tick hs-end", right, below, &self.x.label);
        let mut ends = Vec::new();
        for (number, (series, points)) in self.series.iter().zip(&lines).enumerate() {
            let places: Vec<_> = points.iter().map(|(x, y)| place(*x, *y)).collect();
            let tone = tone(number);
            line(&mut body, &format!("hs-line {tone}"), &places);
            for (x, y) in &places {
                let _ = writeln!(
                    body,
                    "<circle class=\"hs-dot {tone}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>"
                );
            }
            if let Some((x, y)) = places.last() {
                ends.push((*y, *x, tone, &series.label));
            }
        }
        for (y, x, tone, label) in apart(ends) {
            words(
                &mut body,
                &format!("hs-name {tone}"),
                x + 9.0,
                y + 4.0,
                label,
            );
        }
        framed(&self.title, &self.describe(&lines), WIDTH, HEIGHT, &body)
    }

    fn describe(&self, lines: &[Vec<(f64, f64)>]) -> String {
        let mut sentences = format!("{} against {}.", self.y.label, self.x.label);
        for (series, points) in self.series.iter().zip(lines) {
            let points: Vec<String> = (points.iter())
                .map(|(x, y)| format!("{} at {}", told(*y), told(*x)))
                .collect();
            let _ = write!(sentences, "\n{}: {}.", series.label, points.join(", "));
        }
        sentences
    }
}

impl Axis {
    /// An axis whose steps are all equal.
    pub fn linear(label: impl Into<String>) -> Self {
        let label = label.into();
        let scale = Scale::Linear;
        Self { label, scale }
    }

    /// An axis on which each step is ten times the one before.
    pub fn log(label: impl Into<String>) -> Self {
        let label = label.into();
        let scale = Scale::Log;
        Self { label, scale }
    }

    fn takes(&self, value: f64) -> bool {
        value.is_finite() && (self.scale == Scale::Linear || value > 0.0)
    }

    /// At least two values, from the first on the axis to the last.
    fn ticks(&self, values: impl Iterator<Item = f64>) -> Vec<f64> {
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values {
            (least, most) = (least.min(value), most.max(value));
        }
        match self.scale {
            _ if least > most => vec![1.0, 10.0], // no values: any axis will do
            Scale::Log => {
                let first = least.log10().floor() as i32;
                let last = (most.log10().ceil() as i32).max(first + 1);
                (first..=last).map(|power| 10_f64.powi(power)).collect()
            }
            Scale::Linear => {
                let (least, most) = (least.min(0.0), most.max(0.0));
                let step = step((most - least).max(f64::MIN_POSITIVE) / 5.0);
                let first = (least / step).floor() as i64;
                let last = ((most / step).ceil() as i64).max(first + 1);
                (first..=last).map(|n| n as f64 * step).collect()
            }
        }
    }

    /// Where a value lies between the first tick and the last.
    fn part(&self, value: f64, ticks: &[f64]) -> f64 {
        let [first, .., last] = ticks else { return 0.0 };
        match self.scale {
            Scale::Linear => (value - first) / (last - first),
            Scale::Log => {
                (value.log10() - first.log10()) / (last.log10() - first.log10())
            }
        }
    }
}

/// The next of 1, 2, 5, 10, 20, 50 and so on.
fn step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * power);
    let next = steps.into_iter().find(|step| *step >= least * 0.999);
    next.unwrap_or(10.0 * power)
}

/// A number for people: no more digits than it needs.
fn told(value: f64) -> String {
    let rounded = format!("{value:.3}");
    match rounded.contains('.') {
        true => rounded.trim_end_matches('0').trim_end_matches('.').into(),
        false => rounded,
    }
}

/// Labels at the ends of lines, far enough from each other to be read.
fn apart<T>(
    mut ends: Vec<(f64, f64, &'static str, T)>,
) -> Vec<(f64, f64, &'static str, T)> {
    const ROW: f64 = 15.0;
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    for place in 1..ends.len() {
        ends[place].0 = ends[place].0.max(ends[place - 1].0 + ROW);
    }
    ends
}

impl Lanes {
    /// The picture.
    pub fn to_svg(&self) -> String {
        const ROW: f64 = 30.0;
        const BAND: f64 = 22.0;
        let longest = self
            .lanes
            .iter()
            .map(|lane| lane.label.chars().count())
            .max();
        let left = 24.0 + longest.unwrap_or(0) as f64 * LETTER;
        let right = WIDTH - 20.0;
        let bars = || self.lanes.iter().flat_map(|lane| &lane.bars);
        let axis = Axis::linear(&*self.unit);
        let whole = |bar: &&Bar| bar.from.is_finite() && bar.to.is_finite();
        let ticks = axis.ticks(bars().filter(whole).map(|bar| bar.to));
        let x = |at: f64| left + axis.part(at, &ticks) * (right - left);
        let floor = 18.0 + ROW * self.lanes.len() as f64;
        let mut body = String::new();
        for tick in &ticks {
            line(&mut body, "hs-grid", &[(x(*tick), 14.0), (x(*tick), floor)]);
            words(
                &mut body,
                "hs-tick hs-mid",
                x(*tick),
                floor + 17.0,
                &told(*tick),
            );
        }
        for (row, lane) in self.lanes.iter().enumerate() {
            let top = 16.0 + row as f64 * ROW;
            let class = if lane.bars.is_empty() { "hs-head" } else { "" };
            words(&mut body, class, 12.0, top + 16.0, &lane.label);
            for bar in lane.bars.iter().filter(whole) {
                let (from, tone) = (x(bar.from), tone(bar.tone));
                let width = (x(bar.to) - from - 2.0).max(1.0);
                let _ = writeln!(
                    body,
                    "<rect class=\"hs-bar {tone}\" x=\"{:.1}\" y=\"{top:.1}\" \
                     width=\"{width:.1}\" height=\"{BAND}\" rx=\"4\"/>",
                    from + 1.0
                );
                let middle = from + 1.0 + width / 2.0;
                let class = format!("hs-name hs-mid {tone}");
                words(&mut body, &class, middle, top + 15.5, &bar.label);
            }
        }
        words(&mut body, "hs-tick hs-end", right, floor + 36.0, &self.unit);
        framed(&self.title, &self.describe(), WIDTH, floor + 46.0, &body)
    }

    fn describe(&self) -> String {
        let mut sentences = format!("Over time, in {}.", self.unit);
        for lane in &self.lanes {
            let bars: Vec<String> = (lane.bars.iter())
                .map(|bar| {
                    let (from, to) = (told(bar.from), told(bar.to));
                    format!("{} from {from} to {to}", bar.label)
                })
                .collect();
            let _ = write!(sentences, "\n{}: {}.", lane.label, bars.join(", "));
        }
        sentences
    }
}

fn tone(number: usize) -> &'static str {
    const CLASSES: [&str; TONES.len()] =
        ["hs-t0", "hs-t1", "hs-t2", "hs-t3", "hs-t4", "hs-t5"];
    CLASSES[number % CLASSES.len()]
}

fn line(body: &mut String, class: &str, points: &[(f64, f64)]) {
    let path: Vec<String> = (points.iter())
        .map(|(x, y)| format!("{x:.1} {y:.1}"))
        .collect();
    if path.len() > 1 {
        let path = path.join("L");
        let _ = writeln!(body, "<path class=\"{class}\" d=\"M{path}\"/>");
    }
}

fn words(body: &mut String, class: &str, x: f64, y: f64, text: &str) {
    let text = safe(text);
    let _ = writeln!(
        body,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>"
    );
}

fn framed(title: &str, told: &str, width: f64, height: f64, body: &str) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"hs-plot\" role=\"img\" \
         viewBox=\"0 0 {width} {height}\" xml:space=\"preserve\" \
         style=\"max-width:{:.1}rem\">\n",
        width / UNITS_PER_REM
    );
    let _ = writeln!(svg, "<title>{}</title>", safe(title));
    let _ = writeln!(svg, "<desc>{}</desc>", safe(told));
    let _ = writeln!(svg, "<style>\n{}</style>", style());
    let _ = writeln!(
        svg,
        "<rect class=\"hs-card\" x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" \
         rx=\"9.5\"/>",
        width - 1.0,
        height - 1.0
    );
    svg + body + "</svg>\n"
}

fn style() -> String {
    let (mut light, mut dark, mut tones) =
        (String::new(), String::new(), String::new());
    for (name, by_day, by_night) in COLOURS {
        let _ = write!(light, "--_{name}:var(--hs-{name},{by_day});");
        let _ = write!(dark, "--_{name}:var(--hs-{name},{by_night});");
    }
    for (number, name) in TONES.iter().enumerate() {
        let _ = writeln!(tones, ".hs-plot .hs-t{number}{{--_tone:var(--_{name})}}");
    }
    // mdBook puts the theme that the reader has chosen as a class on <html>.
    format!(
        ".hs-plot{{{light}display:block;width:100%;height:auto;margin:1em auto}}\n\
         @media (prefers-color-scheme:dark){{.hs-plot{{{dark}}}}}\n\
         html:is(.light,.rust) .hs-plot{{{light}}}\n\
         html:is(.coal,.navy,.ayu) .hs-plot{{{dark}}}\n{RULES}{tones}"
    )
}

const RULES: &str = "\
.hs-plot text{fill:var(--_fg);white-space:pre;font:12.5px ui-monospace,\
SFMono-Regular,Menlo,Consolas,\"DejaVu Sans Mono\",monospace}
.hs-plot .hs-card{fill:var(--_bg);stroke:var(--_edge)}
.hs-plot .hs-grid{fill:none;stroke:var(--_edge)}
.hs-plot .hs-axis{fill:none;stroke:var(--_muted)}
.hs-plot .hs-tick{fill:var(--_muted)}
.hs-plot .hs-mid{text-anchor:middle}
.hs-plot .hs-end{text-anchor:end}
.hs-plot .hs-head{font-weight:600}
.hs-plot .hs-line{fill:none;stroke:var(--_tone);stroke-width:2;stroke-linejoin:round}
.hs-plot .hs-dot{fill:var(--_tone)}
.hs-plot .hs-bar{fill:var(--_tone);fill-opacity:.16;stroke:var(--_tone)}
.hs-plot .hs-name{fill:var(--_tone);font-weight:600}
";

/// Text for XML and for a Markdown page: an empty line would end the picture there, and
/// two braces are an order to mdBook.
fn safe(words: &str) -> String {
    let mut safe = String::with_capacity(words.len());
    for c in words.chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '{' => safe.push_str("&#123;"),
            '\n' if !safe.ends_with('\n') => safe.push('\n'),
            '\n' => {}
            c if c.is_control() => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::for_seeds;

    fn plot(x: Axis, y: Axis, points: Vec<(f64, f64)>) -> Plot {
        let label = "a < b & {{c}}\n\n\u{7}".to_string();
        let title = label.clone();
        let series = vec![Series { label, points }];
        Plot {
            title,
            x,
            y,
            series,
        }
    }

    #[test]
    fn ticks_are_round_and_hold_all_values() {
        let ticks = |axis: Axis, values: &[f64]| axis.ticks(values.iter().copied());
        let linear = ticks(Axis::linear(""), &[3.0, 203.0]);
        assert_eq!(linear, [0.0, 50.0, 100.0, 150.0, 200.0, 250.0]);
        let log = ticks(Axis::log(""), &[3.0, 203.0]);
        assert_eq!(log, [1.0, 10.0, 100.0, 1000.0]);
        assert_eq!(ticks(Axis::log(""), &[]).len(), 2);
        assert!(ticks(Axis::linear(""), &[0.0]).len() >= 2);
    }

    #[test]
    fn any_numbers_give_a_picture_within_its_frame() {
        for_seeds(|random| {
            let mut bytes = random.bytes(64).into_iter();
            let mut points = Vec::new();
            while let (Some(x), Some(y)) = (bytes.next(), bytes.next()) {
                let far = [1.0, 1e-3, 1e6, f64::NAN, f64::INFINITY];
                let far = far[usize::from(x) % far.len()];
                points.push((f64::from(x), (f64::from(y) - 50.0) * far));
            }
            for axis in [Axis::linear("y"), Axis::log("y")] {
                let svg = plot(Axis::linear("x"), axis, points.clone()).to_svg();
                for wrong in ["NaN", "inf", "\n\n", "{{"] {
                    assert!(!svg.contains(wrong), "{wrong} in {svg}");
                }
                for circle in svg.split("cy=\"").skip(1) {
                    let y: f64 = circle.split('"').next().unwrap().parse().unwrap();
                    assert!((TOP - 0.1..=HEIGHT - BOTTOM + 0.1).contains(&y), "{y}");
                }
            }
        });
    }

    #[test]
    fn who_does_not_see_it_is_told_the_numbers() {
        let (x, y) = (Axis::linear("callers"), Axis::linear("threads"));
        let svg = plot(x, y, vec![(0.0, 2.0), (50.0, 52.5)]).to_svg();
        assert!(svg.contains("threads against callers."), "{svg}");
        assert!(svg.contains(": 2 at 0, 52.5 at 50.</desc>"), "{svg}");
    }

    #[test]
    fn a_bar_stands_where_its_time_is() {
        let bar = |from, to| Bar {
            from,
            to,
            label: "A".into(),
            tone: 7,
        };
        let lane = Lane {
            label: "thread 1".into(),
            bars: vec![bar(0.0, 1.0), bar(3.0, 4.0), bar(f64::NAN, 1.0)],
        };
        let lanes = Lanes {
            title: "t".into(),
            unit: "seconds".into(),
            lanes: vec![lane],
        };
        let svg = lanes.to_svg();
        assert_eq!(svg.matches("<rect class=\"hs-bar hs-t1\"").count(), 2);
        assert!(
            svg.contains("thread 1: A from 0 to 1, A from 3 to 4"),
            "{svg}"
        );
    }

    #[test]
    fn labels_at_one_place_are_moved_apart() {
        let ends = apart(vec![(10.0, 0.0, "", 'b'), (9.0, 0.0, "", 'a')]);
        let places: Vec<(f64, char)> =
            ends.iter().map(|end| (end.0, end.3)).collect();
        assert_eq!(places, [(9.0, 'a'), (24.0, 'b')]);
    }
}
