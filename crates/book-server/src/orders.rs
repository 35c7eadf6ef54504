//! mdBook's own directives, as mdBook finds them.

/// One of mdBook's own directives: `{{#include path:anchor}}`.
#[derive(Debug)]
pub struct Order<'a> {
    /// Where it begins.
    pub at: usize,
    /// What it orders, such as `include`.
    pub word: &'a str,
    /// What follows the word.
    pub rest: &'a str,
    /// All of it, with its braces.
    pub text: &'a str,
}

impl<'a> Order<'a> {
    /// The path, and what is said after its first colon.
    pub fn target(&self) -> (&'a str, &'a str) {
        let target = self.rest.split_whitespace().next().unwrap_or("");
        target.split_once(':').unwrap_or((target, ""))
    }
}

/// The directives that mdBook will follow; one with a backslash before it is text.
pub fn orders(text: &str) -> Vec<Order<'_>> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("{{") {
        let Some(end) = text[at..].find('}') else {
            continue;
        };
        let whole = &text[at..at + end];
        let Some(inside) = whole[2..].trim_start().strip_prefix('#') else {
            continue;
        };
        let closed = text[at + end..].starts_with("}}");
        if text[..at].ends_with('\\') || !closed {
            continue;
        }
        let (word, rest) = inside
            .split_once(char::is_whitespace)
            .unwrap_or((inside, ""));
        found.push(Order {
            at,
            word,
            rest,
            text: &text[at..at + end + 2],
        });
    }
    found
}

/// Whether something stands between `ANCHOR: name` and `ANCHOR_END: name`; if not,
/// what is wrong with the anchor.
pub fn check_anchor(text: &str, name: &str) -> Result<(), &'static str> {
    let marks = |line: &str, word: &str| {
        line.split_once(word).is_some_and(|(_, rest)| {
            let word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
            rest.trim_start().split(|c| !word(c)).next() == Some(name)
        })
    };
    let mut lines = text.lines().skip_while(|line| !marks(line, "ANCHOR:"));
    lines.next().ok_or("is not there")?;
    let (mut empty, mut closed) = (true, false);
    for line in lines {
        closed = marks(line, "ANCHOR_END:");
        if closed {
            break;
        }
        empty &= line.trim().is_empty();
    }
    match (closed, empty) {
        (false, _) => Err("has no end"),
        (true, true) => Err("holds nothing"),
        (true, false) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{check_anchor, orders};

    #[test]
    fn an_order_is_found_as_mdbook_finds_it() {
        let found = |text| {
            let found = orders(text).into_iter();
            found
                .map(|o| (o.word.to_owned(), o.rest.to_owned()))
                .collect::<Vec<_>>()
        };
        let include = ("include".to_owned(), "a.rs:b".to_owned());
        assert_eq!(
            found("x{{  #include a.rs:b}}{{#include a.rs:b}}"),
            [include.clone(), include]
        );
        assert_eq!(
            found("\\{{#include a.rs:b}} {{include a}} {{#include a"),
            []
        );
        assert_eq!(found("format!(\"{{}}\", {{x}}) {{#}"), []);
        assert_eq!(orders("{{#include a:b:c}}")[0].target(), ("a", "b:c"));
    }

    #[test]
    fn an_anchor_is_a_whole_word_with_a_begin_an_end_and_something_between() {
        let text = "// ANCHOR: one\nx\n// ANCHOR_END: one\n// ANCHOR: one-more\n\n\
                    // ANCHOR_END: one-more\n// ANCHOR: last\ny\n";
        assert_eq!(check_anchor(text, "one"), Ok(()));
        assert_eq!(check_anchor(text, "one-more"), Err("holds nothing"));
        assert_eq!(check_anchor(text, "last"), Err("has no end"));
        assert_eq!(check_anchor(text, "on"), Err("is not there"));
        assert_eq!(check_anchor("", ""), Err("is not there"));
    }

    #[test]
    fn any_text_can_be_searched() {
        let pieces = [
            "{{", "}}", "#", "include", " ", "a:b", "\\", "é", "{", "}", "\n",
        ];
        for seed in 0..500 {
            let mut random = fastrand::Rng::with_seed(seed);
            let text: String = (0..random.usize(..30))
                .map(|_| pieces[random.usize(..pieces.len())])
                .collect();
            for order in orders(&text) {
                assert!(text[order.at..].starts_with(order.text), "seed {seed}");
                order.target();
            }
        }
    }
}
