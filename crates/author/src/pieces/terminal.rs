//! A picture of a terminal's window with coloured text in it.

use anyhow::{Context, Result};
use wire::Look;

use crate::pieces::File;
use crate::pieces::picture::{MONO, text};
use crate::pieces::shop::Workshop;
use crate::pieces::verdict::Shown;

/// A verdict as the learner's terminal shows it.
pub struct Screen {
    /// The window's title: the command.
    pub title: &'static str,
    /// The verdict on this answer.
    pub verdict: Shown,
}

const COLUMNS: usize = 80;

impl Screen {
    /// Has the answer checked, and draws the verdict.
    pub fn make(&self, name: &str, shop: &Workshop) -> Result<Vec<File>> {
        let verdict = self.verdict.verdict(shop)?;
        let failure = verdict.failure.as_ref().context("it has passed")?;
        let look = Look {
            width: COLUMNS,
            color: true,
            unicode: true,
            times: false,
        };
        let alt = format!("A verdict in the terminal: {}", failure.summary);
        let svg = draw(&verdict.to_text(&look), self.title, &alt);
        Ok(vec![File::doc(&format!("{name}.svg"), svg)])
    }
}

// All measures are in pixels; a cell is as wide as a letter of 14 pixels.
const CELL: f64 = 8.43;
const LINE: f64 = 19.0;
const LEFT: f64 = 18.0;
const TOP: f64 = 52.0;

/// Letters of one look, and where they stand.
#[derive(Debug, PartialEq)]
struct Run {
    line: usize,
    column: usize,
    /// The classes for its colour and weight, such as `b r`.
    ink: String,
    letters: String,
}

/// Draws `ansi`, a text with SGR sequences (ECMA-48, 8.3.117), in a window.
///
/// Letters keep their columns whatever the font, and lines are drawn as lines, so
/// that they join. `alt` names the picture for those who do not see it; the text
/// itself is its description.
pub fn draw(ansi: &str, title: &str, alt: &str) -> String {
    let runs = runs(ansi);
    let lines = runs.iter().map(|run| run.line + 1).max().unwrap_or(1);
    let width = 2.0 * LEFT + COLUMNS as f64 * CELL;
    let height = TOP + lines as f64 * LINE + 12.0;
    let plain: Vec<String> = plain_lines(&runs, lines);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{width:.0}\" \
         height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         xml:space=\"preserve\">\n<title>{}</title>\n<desc>{}</desc>\n\
         <style>\ntext{{font:14px {MONO};white-space:pre;fill:#e6edf3}}\n\
         {STYLE}</style>\n",
        text(alt),
        text(&plain.join("\n"))
    );
    svg += &window(width, height, title);
    for run in &runs {
        svg += &drawn(run);
    }
    svg + "</svg>\n"
}

/// The frame, with what the windows of most systems have above.
fn window(width: f64, height: f64, title: &str) -> String {
    let (right, bottom, middle) = (width - 1.0, height - 1.0, width / 2.0);
    let mut svg = format!(
        "<rect class=\"w\" x=\"0.5\" y=\"0.5\" width=\"{right:.0}\" \
         height=\"{bottom:.0}\" rx=\"10\"/>\n\
         <path class=\"l\" d=\"M1 36H{right:.0}\"/>\n"
    );
    for (x, colour) in [(20, "#ff5f57"), (40, "#febc2e"), (60, "#28c840")] {
        svg += &format!("<circle cx=\"{x}\" cy=\"18\" r=\"6\" fill=\"{colour}\"/>\n");
    }
    svg + &format!(
        "<text class=\"f\" x=\"{middle:.0}\" y=\"23\" \
         text-anchor=\"middle\">{}</text>\n",
        text(title)
    )
}

const STYLE: &str = "\
.w{fill:#0d1117;stroke:#3d444d}
.l{fill:none;stroke:#3d444d}
.b{font-weight:700}
.f{fill:#8b949e}
.r{fill:#ff7b72}
.g{fill:#56d364}
.y{fill:#e3b341}
.m{fill:#d2a8ff}
.c{fill:#79c0ff}
.s{fill:none;stroke:#8b949e}
.a{fill:#8b949e}
.a.r{fill:#ff7b72}
.s.r{stroke:#ff7b72}
";

/// What the class of a number is that follows `ESC [`.
fn class(number: &str) -> Option<&'static str> {
    Some(match number {
        "1" => "b",
        "2" => "f",
        "31" => "r",
        "32" => "g",
        "33" => "y",
        "35" => "m",
        "36" => "c",
        _ => return None,
    })
}

/// The runs of letters; whatever is no letter and no SGR sequence is left out.
fn runs(ansi: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    for (line, content) in ansi.lines().enumerate() {
        let mut ink = String::new();
        let mut column = 0;
        for (nr, piece) in content.split('\x1b').enumerate() {
            let mut letters = piece;
            if nr > 0 {
                let Some((numbers, rest)) = sgr(piece) else {
                    continue;
                };
                let classes: Vec<&str> =
                    numbers.split(';').filter_map(class).collect();
                ink = classes.join(" ");
                letters = rest;
            }
            let letters: String =
                letters.chars().filter(|c| !c.is_control()).collect();
            let length = letters.chars().count();
            if !letters.trim().is_empty() {
                let ink = ink.clone();
                runs.push(Run {
                    line,
                    column,
                    ink,
                    letters,
                });
            }
            column += length;
        }
    }
    runs
}

/// `[1;31mtext`: the numbers and the text.
fn sgr(piece: &str) -> Option<(&str, &str)> {
    let rest = piece.strip_prefix('[')?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    let (numbers, rest) = rest.split_at(end);
    Some((numbers, rest.strip_prefix('m')?))
}

fn plain_lines(runs: &[Run], lines: usize) -> Vec<String> {
    let mut plain = vec![String::new(); lines];
    for run in runs {
        let line = &mut plain[run.line];
        let gap = run.column.saturating_sub(line.chars().count());
        *line += &format!("{:gap$}{}", "", run.letters);
    }
    plain
        .iter()
        .map(|line| line.trim_end().to_string())
        .collect()
}

/// A run: words as text, each in its place, and lines as shapes.
fn drawn(run: &Run) -> String {
    let mut svg = String::new();
    let letters: Vec<char> = run.letters.chars().collect();
    let mut at = 0;
    while at < letters.len() {
        let here = &letters[at..];
        let length = match here[0] {
            ' ' => 1,
            c if is_shape(c) => here.iter().take_while(|&&next| next == c).count(),
            _ => words_length(here),
        };
        let column = run.column + at;
        match here[0] {
            ' ' => {}
            c if is_shape(c) => svg += &shape(c, run, column, length),
            _ => svg += &word(run, column, &here[..length]),
        }
        at += length;
    }
    svg
}

/// How far the words go: to the next line that is drawn, without the spaces before.
fn words_length(letters: &[char]) -> usize {
    let end = letters.iter().position(|&c| is_shape(c));
    let end = end.unwrap_or(letters.len());
    let last = letters[..end].iter().rposition(|&c| c != ' ');
    last.map_or(end, |last| last + 1)
}

fn word(run: &Run, column: usize, letters: &[char]) -> String {
    let (x, y) = place(column, run.line);
    let words: String = letters.iter().collect();
    let class = match run.ink.as_str() {
        "" => String::new(),
        ink => format!(" class=\"{ink}\""),
    };
    format!(
        "<text{class} x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{:.1}\" \
         lengthAdjust=\"spacingAndGlyphs\">{}</text>\n",
        y + 14.0,
        letters.len() as f64 * CELL,
        text(&words)
    )
}

/// The left upper corner of a cell.
fn place(column: usize, line: usize) -> (f64, f64) {
    (LEFT + column as f64 * CELL, TOP + line as f64 * LINE)
}

fn is_shape(c: char) -> bool {
    matches!(c, '│' | '┊' | '─' | '╌' | '▶' | '◀')
}

fn shape(c: char, run: &Run, column: usize, length: usize) -> String {
    let (x, y) = place(column, run.line);
    let width = length as f64 * CELL;
    let (middle, centre) = (y + LINE / 2.0, x + CELL / 2.0);
    let red = if run.ink.contains('r') { " r" } else { "" };
    let dashes = match c {
        '┊' | '╌' => " stroke-dasharray=\"3 3\"",
        _ => "",
    };
    match c {
        '│' | '┊' => format!(
            "<path class=\"s{red}\"{dashes} d=\"M{centre:.1} {y:.1}v{LINE}\"/>\n"
        ),
        '─' | '╌' => format!(
            "<path class=\"s{red}\"{dashes} d=\"M{x:.1} {middle:.1}h{width:.1}\"/>\n"
        ),
        '▶' => format!(
            "<path class=\"a{red}\" d=\"M{x:.1} {:.1}v9l{CELL} -4.5Z\"/>\n",
            middle - 4.5
        ),
        _ => format!(
            "<path class=\"a{red}\" d=\"M{:.1} {:.1}v9l-{CELL} -4.5Z\"/>\n",
            x + CELL,
            middle - 4.5
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: usize, column: usize, ink: &str, letters: &str) -> Run {
        Run {
            line,
            column,
            ink: ink.into(),
            letters: letters.into(),
        }
    }

    #[test]
    fn colours_begin_and_end_where_the_sequences_say() {
        let told = runs("\x1b[1;31mN\x07O\x1b[0m yes\n  \x1b[36mé\x1b[0m\x1b[2J!");
        let expected = [
            run(0, 0, "b r", "NO"),
            run(0, 2, "", " yes"),
            run(1, 2, "c", "é"),
        ];
        assert_eq!(told, expected, "and what is no colour is left out");
    }

    #[test]
    fn letters_keep_their_columns_beside_lines() {
        let svg = drawn(&run(0, 0, "", "│ ab ──▶│"));
        let expected = [
            (LEFT + CELL / 2.0, "<path class=\"s\" d=\"M"),
            (LEFT + 2.0 * CELL, "x=\""),
            (LEFT + 5.0 * CELL, "<path class=\"s\" d=\"M"),
            (LEFT + 7.0 * CELL, "<path class=\"a\" d=\"M"),
        ];
        for (x, before) in expected {
            assert!(
                svg.contains(&format!("{before}{x:.1}")),
                "{before}{x:.1}: {svg}"
            );
        }
    }

    #[test]
    fn any_text_is_drawn() {
        for seed in 0..300 {
            let mut random = fastrand::Rng::with_seed(seed);
            let signs = [
                '\x1b', '[', 'm', ';', '1', '3', ' ', '│', '─', '<', '&', 'x', '\n',
            ];
            let letter = |random: &mut fastrand::Rng| match random.u8(..8) {
                0 => random.char(..),
                _ => *random.choice(&signs).expect("there are signs"),
            };
            let ansi: String = (0..random.usize(..200))
                .map(|_| letter(&mut random))
                .collect();
            let svg = draw(&ansi, &ansi, &ansi);
            let bad = svg.chars().find(|c| c.is_control() && *c != '\n');
            assert_eq!(bad, None, "seed {seed}");
            let tags = svg.matches('<').count();
            assert_eq!(tags, svg.matches('>').count(), "seed {seed}");
        }
    }
}
