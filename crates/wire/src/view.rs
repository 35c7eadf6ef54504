//! Bytes that people can read, whatever the bytes are.
//!
//! Everything here gives plain ASCII, so that no byte can disturb a terminal, a page
//! or a column.

use std::fmt;

/// `bytes` between quotes, as Rust would write a byte string: `"caf\xC3\xA9\n"`.
pub fn escaped(bytes: &[u8]) -> String {
    format!("\"{}\"", escape(bytes))
}

/// As [`escaped`], without the quotes.
pub fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        push_escaped(&mut text, byte);
    }
    text
}

fn push_escaped(text: &mut String, byte: u8) {
    match byte {
        b'\n' => text.push_str("\\n"),
        b'\r' => text.push_str("\\r"),
        b'\t' => text.push_str("\\t"),
        b'\0' => text.push_str("\\0"),
        b'"' => text.push_str("\\\""),
        b'\\' => text.push_str("\\\\"),
        b' '..=b'~' => text.push(char::from(byte)),
        _ => text.push_str(&format!("\\x{byte:02X}")),
    }
}

/// The bytes that [`escape`] made `text` of, or `None` if `text` is not of that form.
pub fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => unescape_one(&mut rest)?,
            b' '..=b'~' => byte,
            _ => return None,
        });
    }
    Some(bytes)
}

/// What stands behind a backslash.
fn unescape_one(rest: &mut impl Iterator<Item = u8>) -> Option<u8> {
    Some(match rest.next()? {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'0' => b'\0',
        byte @ (b'"' | b'\\') => byte,
        b'x' => {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            u8::try_from(digit()? * 16 + digit()?).ok()?
        }
        _ => return None,
    })
}

/// A number as people write it: `65,536`.
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (nr, digit) in digits.chars().enumerate() {
        if nr > 0 && (digits.len() - nr).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How many bytes: `1 byte`, `65,536 bytes`.
pub fn bytes(n: u64) -> String {
    let unit = if n == 1 { "byte" } else { "bytes" };
    format!("{} {unit}", number(n))
}

/// Bytes in a line of [`hex`].
const LINE: usize = 16;

/// Offset, hexadecimal and ASCII, sixteen bytes a line; what is not printable ASCII
/// is a dot in the last column. Lines that repeat the one above are counted instead.
///
/// ```
/// assert_eq!(
///     wire::view::hex(b"HELLO\n"),
///     "0000  48 45 4C 4C 4F 0A                                 |HELLO.|\n"
/// );
/// ```
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut lines = bytes.chunks(LINE).enumerate().peekable();
    while let Some((nr, line)) = lines.next() {
        text += &hex_line(nr * LINE, line);
        let mut same = 0;
        while lines.next_if(|(_, next)| *next == line).is_some() {
            same += 1;
        }
        match same {
            0 => {}
            1 => text += &hex_line((nr + 1) * LINE, line),
            _ => text += &format!("*     {} more lines like this\n", number(same)),
        }
    }
    text
}

fn hex_line(offset: usize, line: &[u8]) -> String {
    let mut codes = String::new();
    for (nr, byte) in line.iter().enumerate() {
        let gap = if nr == LINE / 2 { " " } else { "" };
        codes += &format!("{gap} {byte:02X}");
    }
    let printable = |&byte: &u8| match byte {
        b' '..=b'~' => char::from(byte),
        _ => '.',
    };
    let ascii: String = line.iter().map(printable).collect();
    format!("{offset:04X} {codes:<49}  |{ascii}|\n")
}

/// How many bytes before and after the first difference are shown.
const AROUND: usize = 24;

/// Where two byte strings part, and what they look like there.
///
/// As text:
///
/// ```
/// let difference = wire::view::first_difference(b"HELLO\n", b"HEL\nLO\n").unwrap();
/// assert_eq!(
///     difference.to_string(),
///     r#"the first 3 bytes are right, then "\n" came instead of "L"
///   expected  "HELLO\n"
///   got       "HEL\nLO\n"
///                 ^^"#
/// );
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// How many bytes are the same in both.
    pub at: usize,
    /// The difference in one sentence.
    pub sentence: String,
    /// What was expected round the difference, escaped and quoted; dots stand outside
    /// the quotes where it was cut.
    pub expected: String,
    /// What came there, in the same form; both begin with the same byte.
    pub got: String,
    /// Spaces, then carets: below `got`, they mark the first byte that differs.
    pub marker: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.sentence)?;
        writeln!(f, "  expected  {}", self.expected)?;
        writeln!(f, "  got       {}", self.got)?;
        write!(f, "            {}", self.marker)
    }
}

/// Compares what was `expected` with what was `got`; `None` if they are the same.
pub fn first_difference(expected: &[u8], got: &[u8]) -> Option<Difference> {
    if expected == got {
        return None;
    }
    let same = expected.iter().zip(got).take_while(|(a, b)| a == b).count();
    let from = same.saturating_sub(AROUND);
    let before = excerpt(got, from, same);
    let found = got.get(same).map_or(1, |byte| escape(&[*byte]).len());
    Some(Difference {
        at: same,
        sentence: sentence(expected, got, same),
        expected: excerpt(expected, from, same + AROUND),
        got: excerpt(got, from, same + AROUND),
        // The closing quote of `before`, and its dots, stand where the byte will be.
        marker: " ".repeat(before.trim_end_matches("...").len() - 1)
            + &"^".repeat(found),
    })
}

/// `bytes[from..to]`, as far as there are any, with dots where something is left out.
fn excerpt(bytes: &[u8], from: usize, to: usize) -> String {
    let before = if from > 0 { "..." } else { "" };
    let after = if to < bytes.len() { "..." } else { "" };
    format!(
        "{before}{}{after}",
        escaped(&bytes[from..to.min(bytes.len())])
    )
}

fn sentence(expected: &[u8], got: &[u8], same: usize) -> String {
    let count = |n: usize| bytes(n as u64);
    let right = match same {
        0 => String::new(),
        1 => "the first byte is right, then ".to_string(),
        _ => format!("the first {} are right, then ", count(same)),
    };
    match (expected.get(same), got.get(same)) {
        (None, _) if same == 0 => {
            format!("nothing was expected, but {} came", count(got.len()))
        }
        (None, _) => {
            let all = if same == 1 {
                "the byte"
            } else {
                &format!("the {}", count(same))
            };
            format!(
                "{all} expected came, then {} too many",
                count(got.len() - same)
            )
        }
        (_, None) if same == 0 => {
            format!("nothing came, but {} expected", were(expected.len()))
        }
        (_, None) => format!("{right}{} missing", are(expected.len() - same)),
        (Some(&wanted), Some(&came)) => {
            let first = if same == 0 {
                "at the very beginning, "
            } else {
                &right
            };
            let (came, wanted) = (escaped(&[came]), escaped(&[wanted]));
            format!("{first}{came} came instead of {wanted}")
        }
    }
}

fn are(n: usize) -> String {
    format!("{} {}", bytes(n as u64), if n == 1 { "is" } else { "are" })
}

fn were(n: usize) -> String {
    format!(
        "{} {}",
        bytes(n as u64),
        if n == 1 { "was" } else { "were" }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::for_seeds;

    #[test]
    fn escaping_shows_line_ends_quotes_and_bytes_that_are_not_text() {
        assert_eq!(
            escaped(b"a\"\\\r\n\t\0\x7f\xC3"),
            r#""a\"\\\r\n\t\0\x7F\xC3""#
        );
    }

    #[test]
    fn any_bytes_come_back_from_their_escaped_form_which_is_printable_ascii() {
        for_seeds(|random| {
            let bytes = random.bytes(600);
            let text = escape(&bytes);
            assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            assert_eq!(unescape(&text), Some(bytes));
        });
    }

    #[test]
    fn what_is_not_an_escaped_form_is_refused() {
        for text in ["\\", "\\q", "\\x", "\\x4", "\\xG0", "\\u{41}", "\n", "é"] {
            assert_eq!(unescape(text), None, "{text:?}");
        }
    }

    #[test]
    fn arbitrary_text_never_breaks_unescaping() {
        for_seeds(|random| {
            let text: String =
                random.bytes(300).iter().map(|&b| char::from(b)).collect();
            if let Some(bytes) = unescape(&text) {
                assert_eq!(unescape(&escape(&bytes)), Some(bytes));
            }
        });
    }

    #[test]
    fn numbers_have_commas_between_the_thousands() {
        let told = [0, 999, 1000, 65_536, 1_000_000].map(number);
        assert_eq!(told, ["0", "999", "1,000", "65,536", "1,000,000"]);
        assert_eq!([bytes(1), bytes(2)], ["1 byte", "2 bytes"]);
    }

    #[test]
    fn a_hex_dump_has_every_byte_at_its_offset() {
        for_seeds(|random| {
            let bytes = random.bytes(200);
            let dump = hex(&bytes);
            let mut read_back: Vec<u8> = Vec::new();
            for line in dump.lines() {
                if let Some(repeated) = line.strip_prefix("*     ") {
                    let times = repeated.split(' ').next().unwrap().parse().unwrap();
                    let last = read_back[read_back.len() - LINE..].to_vec();
                    read_back.extend(last.repeat(times));
                    continue;
                }
                let offset = usize::from_str_radix(&line[..4], 16).unwrap();
                assert_eq!(offset, read_back.len());
                let codes = line[5..54].split_whitespace();
                read_back
                    .extend(codes.map(|hex| u8::from_str_radix(hex, 16).unwrap()));
            }
            assert_eq!(read_back, bytes);
        });
    }

    #[test]
    fn repeated_lines_of_a_hex_dump_are_counted() {
        let dump = hex(&[0; 1024]);
        let lines: Vec<&str> = dump.lines().collect();
        assert!(lines[0].starts_with("0000  00 00"));
        assert_eq!(lines[1..], ["*     63 more lines like this"]);
        assert_eq!(hex(&[7; 32]).lines().count(), 2);
        assert_eq!(hex(b""), "");
    }

    #[test]
    fn equal_bytes_have_no_difference() {
        assert_eq!(first_difference(b"abc", b"abc"), None);
    }

    #[test]
    fn a_difference_is_told_in_a_sentence() {
        let told = |expected: &[u8], got: &[u8]| {
            first_difference(expected, got).unwrap().sentence
        };
        let cases: [(&[u8], &[u8], &str); 7] = [
            (b"abc", b"", "nothing came, but 3 bytes were expected"),
            (b"", b"a", "nothing was expected, but 1 byte came"),
            (b"a", b"ab", "the byte expected came, then 1 byte too many"),
            (
                b"ab",
                b"abcd",
                "the 2 bytes expected came, then 2 bytes too many",
            ),
            (
                b"abc",
                b"a",
                "the first byte is right, then 2 bytes are missing",
            ),
            (
                b"a",
                b"b",
                "at the very beginning, \"b\" came instead of \"a\"",
            ),
            (
                b"aab",
                b"aa\0",
                r#"the first 2 bytes are right, then "\0" came instead of "b""#,
            ),
        ];
        for (expected, got, sentence) in cases {
            assert_eq!(told(expected, got), sentence);
        }
    }

    #[test]
    fn the_marker_stands_below_the_first_byte_that_differs() {
        for_seeds(|random| {
            let mut got = random.bytes(120);
            let mut expected = got.clone();
            expected.truncate(random.below(expected.len() + 1));
            expected.extend(random.bytes(40));
            got.truncate(random.below(got.len() + 1));
            let Some(found) = first_difference(&expected, &got) else {
                return;
            };
            assert_eq!(expected[..found.at], got[..found.at]);
            assert_ne!(expected.get(found.at), got.get(found.at));
            let column = found.marker.find('^').unwrap();
            let marked = &found.got[column..];
            let differing = match got.get(found.at) {
                Some(byte) => escape(&[*byte]),
                None => "\"".into(), // the end is marked below the closing quote
            };
            assert!(marked.starts_with(&differing), "{found}");
            assert_eq!(
                found.marker.matches('^').count(),
                differing.len(),
                "{found}"
            );
            assert_eq!(found.expected[..column], found.got[..column], "{found}");
        });
    }

    #[test]
    fn a_long_text_is_shown_only_round_its_difference() {
        let (expected, mut got) = (vec![b'a'; 5000], vec![b'a'; 5000]);
        got[3000] = b'!';
        let found = first_difference(&expected, &got).unwrap();
        assert_eq!(found.at, 3000);
        assert_eq!(
            found.got,
            format!("...\"{0}!{1}\"...", "a".repeat(24), "a".repeat(23))
        );
    }
}
