//! Numbers, lists and lines, as people write them.

use std::fmt::Write as _;

/// `0 bytes`, `1 byte`, `2 bytes`: for nouns that take an s.
pub(crate) fn count(number: u64, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

/// `fd 3`, `fd 3 and fd 4`, `fd 3, fd 4 and fd 5`.
pub(crate) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// Text that came from outside, fit for a terminal: a file or a thread may have any
/// name, also one that would move the cursor or change the colours.
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            let _ = write!(out, "{}", c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Breaks a text at its spaces into lines of at most `width` characters; a word that
/// is longer than a line is broken too.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        if used > 0 && used + 1 + word.len() > width {
            lines.push(String::new());
            used = 0;
        }
        while word.len() > width {
            let rest = word.split_off(width);
            push_word(&mut lines, &mut used, &word);
            lines.push(String::new());
            used = 0;
            word = rest;
        }
        push_word(&mut lines, &mut used, &word);
    }
    lines
}

fn push_word(lines: &mut [String], used: &mut usize, word: &[char]) {
    if let Some(line) = lines.last_mut() {
        if *used > 0 {
            line.push(' ');
            *used += 1;
        }
        line.extend(word);
        *used += word.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_its_noun_agree() {
        assert_eq!(count(0, "byte"), "0 bytes");
        assert_eq!(count(1, "byte"), "1 byte");
        assert_eq!(count(2, "byte"), "2 bytes");
    }

    #[test]
    fn a_list_ends_with_and() {
        let words =
            |text: &str| text.split(' ').map(str::to_string).collect::<Vec<_>>();
        assert_eq!(list(&[]), "");
        assert_eq!(list(&words("a")), "a");
        assert_eq!(list(&words("a b")), "a and b");
        assert_eq!(list(&words("a b c")), "a, b and c");
    }

    #[test]
    fn no_name_reaches_the_terminal_as_a_command() {
        assert_eq!(printable("a\x1b[2Jb\r\nc"), "a\\u{1b}[2Jb\\r\\nc");
        assert_eq!(printable("grüße 音"), "grüße 音");
    }

    #[test]
    fn wrapping_keeps_every_word_and_every_limit() {
        for seed in 0..300 {
            let mut random = fastrand::Rng::with_seed(seed);
            let width = random.usize(0..30);
            let text: String = (0..random.usize(0..120))
                .map(|_| random.choice(['a', 'é', ' ', ' ', '-']).unwrap_or('a'))
                .collect();
            let lines = wrap(&text, width);
            let longest = lines.iter().map(|line| line.chars().count()).max();
            assert!(longest <= Some(width.max(1)), "seed {seed}");
            let letters = |text: &str| text.replace(char::is_whitespace, "");
            assert_eq!(letters(&lines.concat()), letters(&text), "seed {seed}");
        }
    }
}
