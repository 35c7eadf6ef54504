//! What the directives become in a chapter.
//!
//! All of it stands in Markdown, so it has no empty line but where Markdown is meant.
//! The comments mark holes: [`site`](crate::site) fills them on a live page, and a
//! static book leaves them as they are, which shows nothing.

use checks::catalogue::Exercise;

/// What `{{progress}}` becomes.
pub const PROGRESS: &str = r#"<div class="hs-live hs-progress" data-key="progress"><!--hs:progress--></div>"#;

/// How a hole for an exercise's state begins; the id and `-->` follow.
pub const STATE: &str = "<!--hs:state ";

/// The box of an exercise: what to do, where, how to check it, how it stands.
pub fn exercise(exercise: &Exercise, task: &str) -> String {
    let Exercise { id, title, .. } = exercise;
    let name = exercise.name();
    let title = escape(title);
    let stub = exercise.stub();
    let stub: Vec<_> = stub.iter().map(|part| part.to_string_lossy()).collect();
    let stub = stub.join("/");
    format!(
        "<section class=\"hs-exercise\" id=\"exercise-{name}\" \
         aria-labelledby=\"exercise-{name}-title\">\n\
         <p class=\"hs-kind\">Exercise <span>{id}</span></p>\n\
         <h3 class=\"hs-title\" id=\"exercise-{name}-title\">\
         <a class=\"header\" href=\"#exercise-{name}\">{title}</a></h3>\n\n\
         {task}\n\n\
         <dl class=\"hs-how\">\
         <div><dt>Edit</dt><dd><code>{stub}</code></dd></div>\
         <div><dt>Check</dt><dd><code>cargo learn check {id}</code></dd></div>\
         </dl>\n\
         <div class=\"hs-live\" data-key=\"{id}\">{STATE}{id}--></div>\n\
         </section>"
    )
}

/// What to do, as Markdown: the documentation at the head of a solution, which its
/// stub has too, without the lines that tell a reader of the stub where it belongs.
/// None when there is none.
pub fn task(solution: &str) -> Option<String> {
    let lines = solution.lines().map_while(|line| line.strip_prefix("//!"));
    let text: Vec<&str> = lines
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    let text = text.join("\n");
    let told = |paragraph: &&str| {
        let place = ["Exercise `", "The book has it in "];
        !place.iter().any(|start| paragraph.starts_with(start))
    };
    let paragraphs: Vec<&str> = text.split("\n\n").filter(told).collect();
    let task = paragraphs.join("\n\n");
    // A link to an item leads somewhere in the documentation, nowhere in the book.
    let task = task.trim().replace("[`", "`").replace("`]", "`");
    (!task.is_empty()).then_some(task)
}

/// A picture in place: the `<svg>` element alone, or none when there is none.
pub fn picture(svg: &str) -> Option<String> {
    let svg = &svg[svg.find("<svg")?..];
    let svg = &svg[..svg.rfind("</svg>")? + "</svg>".len()];
    let lines = svg.lines();
    let full: Vec<&str> = lines.filter(|line| !line.trim().is_empty()).collect();
    let svg = full.join("\n").replace("{{", "&#123;&#123;"); // no order to mdBook
    Some(format!("<figure class=\"hs-figure\">\n{svg}\n</figure>"))
}

/// Text for HTML, between tags or within a quoted attribute.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // No place in HTML, not even escaped.
            c if c.is_control() && c != '\n' && c != '\t' => safe.push('\u{FFFD}'),
            _ => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::{escape, picture, task};

    #[test]
    fn the_task_is_what_the_head_of_the_solution_says() {
        let solution = "//! Exercise `tcp/x`: a title.\n//!\n//! Do [`this`]:\n//!\n\
                        //! ```text\n//!   a\n//! ```\n//!\n//! The book has it in \
                        chapter 1.\n\nuse std::io;\n//! not this\n";
        let task = task(solution).unwrap();
        assert_eq!(task, "Do `this`:\n\n```text\n  a\n```");
    }

    #[test]
    fn a_solution_that_says_nothing_has_no_task() {
        assert_eq!(task("fn main() {}\n"), None);
        assert_eq!(task("//! Exercise `tcp/x`: a title.\n"), None);
    }

    #[test]
    fn a_picture_has_no_empty_line_that_would_end_its_html_block() {
        let svg = "<?xml version=\"1.0\"?>\n<!DOCTYPE svg>\n<svg>\n\n <g/>\n</svg>\n";
        let drawn = picture(svg).unwrap();
        assert!(!drawn.contains("\n\n"), "{drawn}");
        assert!(!drawn.contains("<?xml"), "{drawn}");
        assert_eq!(picture("a text"), None);
        assert_eq!(picture("</svg><svg"), None);
    }

    #[test]
    fn escaped_text_opens_neither_a_tag_nor_an_attribute() {
        assert_eq!(escape("<a b='\"'>&"), "&lt;a b=&#39;&quot;&#39;&gt;&amp;");
        assert_eq!(escape("\0\x1b[1m\n"), "\u{FFFD}\u{FFFD}[1m\n");
    }
}
