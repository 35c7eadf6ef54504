//! What is in a finished page, as the checks and the server need it.

use std::cell::RefCell;

use html5ever::buffer_queue::BufferQueue;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

/// A reference from a page to something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The element that has it, such as `a` or `img`.
    pub tag: String,
    /// The attribute: `href`, `src` and the like.
    pub attribute: String,
    /// What it says.
    pub value: String,
}

/// A page, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Every `id`, in the page's order.
    pub ids: Vec<String>,
    /// Every reference, in the page's order.
    pub references: Vec<Reference>,
    /// The text of every script that stands in the page itself.
    pub scripts: Vec<String>,
    /// The text of every style element and style attribute.
    pub styles: Vec<String>,
    /// Every attribute that is a script, such as `onclick`.
    pub handlers: Vec<String>,
}

/// Takes a page apart.
pub fn scan(html: &str) -> Page {
    let sink = Sink::default();
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from(html));
    // The sink never stops at a script, so one call takes the whole text.
    let _ = tokenizer.feed(&queue);
    tokenizer.end();
    let Sink { page, .. } = tokenizer.sink;
    page.into_inner()
}

/// What the characters that come belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Text,
    Script,
    Style,
}

struct Sink {
    page: RefCell<Page>,
    inside: RefCell<Inside>,
}

impl Default for Sink {
    fn default() -> Self {
        Sink {
            page: RefCell::default(),
            inside: RefCell::new(Inside::Text),
        }
    }
}

const REFERENCES: [&str; 8] = [
    "href",
    "src",
    "srcset",
    "poster",
    "data",
    "action",
    "xlink:href",
    "formaction",
];

impl Sink {
    fn start(&self, tag: &Tag) -> TokenSinkResult<()> {
        let mut page = self.page.borrow_mut();
        let mut has_source = false;
        for attribute in &tag.attrs {
            let name: &str = &attribute.name.local;
            let value = attribute.value.to_string();
            match name {
                "id" => page.ids.push(value),
                "style" => page.styles.push(value),
                _ if name.starts_with("on") => page.handlers.push(name.into()),
                // It says from where the other references are seen, and is none.
                _ if &*tag.name == "base" => {}
                _ if REFERENCES.contains(&name) => {
                    has_source |= name == "src";
                    page.references.push(Reference {
                        tag: tag.name.to_string(),
                        attribute: name.into(),
                        value,
                    });
                }
                _ => {}
            }
        }
        match &*tag.name {
            "script" => {
                if !has_source {
                    page.scripts.push(String::new());
                    *self.inside.borrow_mut() = Inside::Script;
                }
                TokenSinkResult::RawData(RawKind::ScriptData)
            }
            "style" => {
                page.styles.push(String::new());
                *self.inside.borrow_mut() = Inside::Style;
                TokenSinkResult::RawData(RawKind::Rawtext)
            }
            "title" | "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
            _ => TokenSinkResult::Continue,
        }
    }
}

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        match token {
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => {
                return self.start(&tag);
            }
            Token::TagToken(_) => *self.inside.borrow_mut() = Inside::Text,
            Token::CharacterTokens(text) => {
                let mut page = self.page.borrow_mut();
                let texts = match *self.inside.borrow() {
                    Inside::Text => return TokenSinkResult::Continue,
                    Inside::Script => &mut page.scripts,
                    Inside::Style => &mut page.styles,
                };
                if let Some(last) = texts.last_mut() {
                    last.push_str(&text);
                }
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::scan;

    #[test]
    fn ids_and_references_are_found_in_any_quoting() {
        let page = scan("<a ID=one HREF='b.html#c'>x</a><IMG src=\"d.png\">");
        assert_eq!(page.ids, ["one"]);
        let values: Vec<_> = page.references.iter().map(|r| &r.value).collect();
        assert_eq!(values, ["b.html#c", "d.png"]);
    }

    #[test]
    fn what_only_looks_like_a_tag_is_none() {
        let html = "<!-- <a href=x> --><title><a href=y></title>\
                    <script>'<a href=z>'</script>&lt;a href=w>";
        let page = scan(html);
        assert_eq!(page.references, []);
        assert_eq!(page.scripts, ["'<a href=z>'"]);
    }

    #[test]
    fn a_script_with_a_source_is_a_reference_and_its_text_is_not_run() {
        let page = scan("<script src=a.js></script><p onclick='f()' style='top:0'>");
        assert_eq!(page.scripts, [""; 0]);
        assert_eq!(page.references[0].value, "a.js");
        assert_eq!(page.handlers, ["onclick"]);
        assert_eq!(page.styles, ["top:0"]);
    }

    #[test]
    fn any_bytes_can_be_scanned() {
        let pieces = [
            "<", ">", "/", "a ", "script", "='", "\"", "&#", "\0", "é", "-->",
        ];
        for seed in 0..200 {
            let mut random = fastrand::Rng::with_seed(seed);
            let html: String = (0..random.usize(..60))
                .map(|_| pieces[random.usize(..pieces.len())])
                .collect();
            scan(&html); // it returns: that is the claim
        }
    }
}
