//! JSON that another program has written.
//!
//! nanoserde passes over the fields that a type does not have without a look at them:
//! one that is cut off, as by a kill, it reads for ever, and one that is none makes it
//! panic. So a text is looked at as a whole before nanoserde gets it.

use nanoserde::DeJson;

/// How deep values may stand in each other. The compiler goes deepest, with a macro
/// in a macro: two levels for each of the 128 that it expands.
const DEPTH: usize = 512;

/// What a text says, if it is JSON and says a `T`.
pub fn read<T: DeJson>(text: &str) -> Option<T> {
    let rest = after_value(text, DEPTH)?;
    let is_json = rest.trim_start().is_empty();
    is_json.then(|| T::deserialize_json(text).ok())?
}

/// What follows the value at the beginning of `text`, if one is there.
fn after_value(text: &str, depth: usize) -> Option<&str> {
    let text = text.trim_start();
    let depth = depth.checked_sub(1)?;
    match text.chars().next()? {
        '"' => after_string(text),
        '{' => after_items(&text[1..], '}', |item| {
            let rest = after_string(item.trim_start())?.trim_start();
            after_value(rest.strip_prefix(':')?, depth)
        }),
        '[' => after_items(&text[1..], ']', |item| after_value(item, depth)),
        _ => {
            let is_end = |c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c));
            let (word, rest) = text.split_at(text.find(is_end).unwrap_or(text.len()));
            let is_number = word
                .starts_with(|c: char| c.is_ascii_digit() || c == '-')
                && word.parse::<f64>().is_ok();
            (is_number || ["true", "false", "null"].contains(&word)).then_some(rest)
        }
    }
}

fn after_string(text: &str) -> Option<&str> {
    let mut rest = text.strip_prefix('"')?;
    loop {
        let (_, tail) = rest.split_at(rest.find(['"', '\\'])?);
        if let Some(after) = tail.strip_prefix('"') {
            return Some(after);
        }
        let mut chars = tail.chars();
        chars.by_ref().nth(1)?; // the backslash, and what it is about
        rest = chars.as_str();
    }
}

/// What follows `end`, before which there are items with commas between them.
fn after_items(
    text: &str,
    end: char,
    after_item: impl Fn(&str) -> Option<&str>,
) -> Option<&str> {
    let mut rest = text.trim_start();
    if let Some(after) = rest.strip_prefix(end) {
        return Some(after);
    }
    loop {
        rest = after_item(rest)?.trim_start();
        match rest.strip_prefix(',') {
            Some(next) => rest = next,
            None => return rest.strip_prefix(end),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(DeJson, Debug, PartialEq)]
    struct Known {
        a: String,
    }

    fn a(text: &str) -> Option<String> {
        read(text).map(|Known { a }| a)
    }

    const WHOLE: &str = r#" {"no": [1, -2.5e3, {"x": null}, [], {}, "]\"}\\"],
        "a": "\u00e9\"", "odd": true , "deep": [[[{"y": [false]}]]]} "#;

    #[test]
    fn what_is_not_asked_for_is_passed_over() {
        assert_eq!(a(WHOLE), Some("é\"".into()));
        assert_eq!(a(r#"{"a":"b"}"#), Some("b".into()));
        assert_eq!(a("{}"), None);
    }

    #[test]
    fn what_is_cut_off_is_nothing() {
        let whole = WHOLE.trim();
        for end in (0..whole.len()).filter(|&end| whole.is_char_boundary(end)) {
            assert_eq!(a(&whole[..end]), None, "{}", &whole[..end]);
        }
    }

    #[test]
    fn what_is_no_json_is_nothing() {
        for no in [
            ",", "}", ":", "tru", "nul", "-", "1.e", "'x'", "[1,]", "inf",
        ] {
            assert_eq!(a(&format!(r#"{{"a":"b","no":{no}}}"#)), None, "{no}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(a(&format!(r#"{{"a":"b","no":{deep}"#)), None);
    }

    #[test]
    fn any_text_comes_to_an_end() {
        let pieces = [
            "{", "}", "[", "]", ",", ":", "\"", "\\", "1", "a", "é", "null", "\"a\"",
        ];
        for seed in 0..2000 {
            let mut random = fastrand::Rng::with_seed(seed);
            let text: String = (0..random.usize(..12))
                .map(|_| pieces[random.usize(..pieces.len())])
                .collect();
            a(&format!(r#"{{"no":{text}}}"#)); // it returns: that is the claim
        }
    }
}
