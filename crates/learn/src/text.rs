//! Lines for a terminal: how wide they are, and how to make them fit.
//!
//! What the compiler and the checks print has colours in it (`ESC [ … m`), which
//! take no room. Every other escape sequence and control character is made visible,
//! so that nothing a learner's program prints can play with the terminal.

use std::fmt::Write as _;
use std::iter::Peekable;
use std::str::Chars;

/// How many columns `text` takes; colours take none.
pub fn width(text: &str) -> usize {
    parts(text).map(|part| part.width()).sum()
}

/// `text` without its colours.
#[cfg(test)]
pub fn plain(text: &str) -> String {
    let visible = parts(text).filter(|part| matches!(part, Part::Char(_)));
    visible.map(|part| part.to_string()).collect()
}

/// `text` if it fits into `room` columns, or else its beginning and `mark`.
pub fn cut(text: &str, room: usize, mark: &str) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let room = room.saturating_sub(width(mark));
    let mut fits = String::new();
    let (mut used, mut colored) = (0, false);
    for part in parts(text) {
        used += part.width();
        if used > room {
            break;
        }
        colored |= matches!(part, Part::Color(_));
        fits.push_str(&part.to_string());
    }
    fits.push_str(mark);
    if colored {
        fits.push_str(RESET);
    }
    fits
}

/// The lines of each Markdown paragraph as one line, so that it can be broken anew.
/// Code, tables and headings keep their lines.
pub fn flow(markdown: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let (mut fenced, mut open) = (false, false);
    for line in markdown.lines() {
        let text = line.trim_start();
        let fence = text.starts_with("```");
        fenced ^= fence;
        let indented = !open && line.len() - text.len() >= 4;
        let code = fenced || fence || indented;
        match lines.last_mut() {
            Some(last)
                if open && !code && !text.is_empty() && !begins_block(text) =>
            {
                last.push(' ');
                last.push_str(text);
            }
            _ => lines.push(line.to_owned()),
        }
        open = !code && !text.is_empty() && !text.starts_with(['|', '#']);
    }
    lines.join("\n")
}

/// Whether this line is not the middle of a paragraph: an item, a heading, a table.
fn begins_block(text: &str) -> bool {
    let digits =
        text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let numbered = digits > 0 && text[digits..].starts_with(". ");
    let bulleted = ["- ", "* ", "+ "]
        .iter()
        .any(|bullet| text.starts_with(bullet));
    numbered || bulleted || text.starts_with(['|', '#', '>'])
}

/// `text` in lines of at most `room` columns. A line is broken at a blank where there
/// is one in its second half; what follows is indented as its beginning was.
pub fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.lines() {
        if width(line) <= room {
            lines.push(tidy(line));
        } else {
            wrap_line(line, room.max(WIDEST), &mut lines);
        }
    }
    lines
}

const RESET: &str = "\x1b[0m";

/// The columns of the widest part: of a character that is shown as `\u{202e}`.
const WIDEST: usize = 8;

fn tidy(line: &str) -> String {
    parts(line).map(|part| part.to_string()).collect()
}

fn wrap_line(line: &str, room: usize, lines: &mut Vec<String>) {
    let text = line.trim_start_matches(' ');
    let bullet = if text.starts_with("- ") { 2 } else { 0 };
    let indent = line.len() - text.len() + bullet;
    // Behind the indent there is room for the widest part.
    let most = (room / 2).min(room - WIDEST);
    let indent = " ".repeat(if indent > most { 0 } else { indent });
    let mut row = Row::default();
    for part in parts(line) {
        while row.width + part.width() > room {
            row = row.broken_into(&indent, room, lines);
        }
        row.push(part);
    }
    lines.push(row.finished());
}

/// A line in the making, and the colours in force at its end.
#[derive(Default)]
struct Row {
    parts: Vec<Part>,
    width: usize,
    colors: Vec<String>,
}

impl Row {
    fn push(&mut self, part: Part) {
        if let Part::Color(code) = &part {
            if code == RESET || code == "\x1b[m" {
                self.colors.clear();
            } else {
                self.colors.push(code.clone());
            }
        }
        self.width += part.width();
        self.parts.push(part);
    }

    /// Ends this line at its last blank, or here, and begins the next with the rest.
    fn broken_into(
        mut self,
        indent: &str,
        room: usize,
        lines: &mut Vec<String>,
    ) -> Row {
        let blank = self.parts.iter().rposition(|part| *part == Part::Char(' '));
        let far_enough = |at: &usize| {
            self.parts[..*at].iter().map(Part::width).sum::<usize>() > room / 2
        };
        let rest = match blank.filter(far_enough) {
            Some(at) => {
                let rest = self.parts.split_off(at + 1);
                self.parts.pop();
                rest
            }
            None => Vec::new(),
        };
        let mut done = Row::default();
        self.parts.into_iter().for_each(|part| done.push(part));
        let mut next = Row::default();
        indent
            .chars()
            .for_each(|blank| next.push(Part::Char(blank)));
        done.colors
            .iter()
            .for_each(|code| next.push(Part::Color(code.clone())));
        rest.into_iter().for_each(|part| next.push(part));
        lines.push(done.finished());
        next
    }

    fn finished(self) -> String {
        let mut text: String = self.parts.iter().map(Part::to_string).collect();
        if !self.colors.is_empty() {
            text.push_str(RESET);
        }
        text
    }
}

/// A piece of text that is not taken apart any further.
#[derive(Debug, PartialEq, Clone)]
enum Part {
    /// `ESC [ … m`: a colour or another attribute.
    Color(String),
    /// One character that is safe to print.
    Char(char),
    /// A character that is not, made visible.
    Escaped(String),
}

impl Part {
    fn width(&self) -> usize {
        match self {
            Part::Color(_) => 0,
            Part::Char(c) => console::measure_text_width(c.encode_utf8(&mut [0; 4])),
            Part::Escaped(text) => text.len(),
        }
    }
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Part::Color(text) | Part::Escaped(text) => f.write_str(text),
            Part::Char(c) => f.write_char(*c),
        }
    }
}

fn parts(text: &str) -> impl Iterator<Item = Part> {
    let mut chars = text.chars().peekable();
    std::iter::from_fn(move || {
        let c = chars.next()?;
        Some(match c {
            '\x1b' => color(&mut chars).unwrap_or(Part::Escaped("\\x1B".to_owned())),
            '\t' => Part::Escaped("    ".to_owned()),
            '\n' => Part::Char(c),
            c if c.is_control() => Part::Escaped(format!("\\x{:02X}", u32::from(c))),
            // They would turn round what follows (Unicode's bidirectional controls).
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => {
                Part::Escaped(c.escape_unicode().to_string())
            }
            c => Part::Char(c),
        })
    })
}

/// The rest of `ESC [ … m`, if it is one; otherwise nothing is taken.
fn color(chars: &mut Peekable<Chars<'_>>) -> Option<Part> {
    let mut ahead = chars.clone();
    let mut code = String::from("\x1b");
    for c in ahead.by_ref() {
        code.push(c);
        match c {
            '[' if code.len() == 2 => {}
            '0'..='9' | ';' | ':' if code.len() > 2 => {}
            'm' if code.len() > 2 => {
                *chars = ahead;
                return Some(Part::Color(code));
            }
            _ => break,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_broken_at_a_blank_and_keeps_its_indent() {
        assert_eq!(
            wrap("  one two three four", 12),
            ["  one two", "  three four"]
        );
    }

    #[test]
    fn an_item_hangs_on_its_bullet() {
        assert_eq!(wrap("- one two three", 10), ["- one two", "  three"]);
    }

    #[test]
    fn a_paragraph_flows_and_code_does_not() {
        let text = "one\ntwo\n\n- three\n    four\n- five\n\n\
                    ```rust\na\n  b\n```\nsix\n# head\nseven\n12. eight\n2026 nine";
        let flowing = "one two\n\n- three four\n- five\n\n\
                       ```rust\na\n  b\n```\nsix\n# head\nseven\n12. eight 2026 nine";
        assert_eq!(flow(text), flowing);
    }

    #[test]
    fn a_word_longer_than_the_line_is_broken_anywhere() {
        assert_eq!(wrap("abcdefghijkl", 8), ["abcdefgh", "ijkl"]);
    }

    #[test]
    fn a_colour_ends_with_its_line_and_goes_on_in_the_next() {
        let lines = wrap("\x1b[31mabcdefghij\x1b[0m kl", 8);
        assert_eq!(lines, ["\x1b[31mabcdefgh\x1b[0m", "\x1b[31mij\x1b[0m kl"]);
    }

    #[test]
    fn what_would_move_the_cursor_is_made_visible() {
        assert_eq!(wrap("a\x1b[2Jb\x07", 80), ["a\\x1B[2Jb\\x07"]);
        assert_eq!(wrap("a\u{202E}b", 80), ["a\\u{202e}b"]);
    }

    #[test]
    fn a_cut_text_says_so_and_ends_its_colour() {
        assert_eq!(cut("abcdef", 6, "~"), "abcdef");
        assert_eq!(cut("abcdefg", 6, "~"), "abcde~");
        assert_eq!(cut("\x1b[1mabcdefg", 6, "~"), "\x1b[1mabcde~\x1b[0m");
    }

    #[test]
    fn any_text_fits_into_any_room_and_loses_nothing() {
        const PIECES: [&str; 13] = [
            "a",
            " ",
            "  ",
            "word",
            "\t",
            "\x1b[1;32m",
            "\x1b[0m",
            "\x1b",
            "ß",
            "漢",
            "e\u{301}",
            "\u{7}",
            "\u{202E}",
        ];
        for seed in 0..300 {
            let mut random = fastrand::Rng::with_seed(seed);
            let text: String = (0..random.usize(0..60))
                .map(|_| PIECES[random.usize(0..PIECES.len())])
                .collect();
            let room = random.usize(8..40);
            let lines = wrap(&text, room);
            for line in &lines {
                assert!(width(line) <= room, "seed {seed}: {line:?} in {room}");
            }
            let squeeze = |text: &str| plain(text).replace(' ', "");
            let plain_text: String = text.lines().map(tidy).collect();
            let plain_text = squeeze(&plain_text);
            assert_eq!(squeeze(&lines.concat()), plain_text, "seed {seed}");
        }
    }
}
