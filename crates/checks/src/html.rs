//! A verdict for a page: a fragment without script, whose classes the book styles.

use std::fmt::Write as _;

use crate::verdict::{Failure, ProbeState, Probed, Verdict};

impl Verdict {
    /// The verdict for a page of the book: a fragment without script, classes `hs-…`.
    ///
    /// Whatever the learner's program printed or sent is escaped. Links lead to pages
    /// beside the one that shows the fragment.
    pub fn to_html(&self) -> String {
        let mut html = String::from("<div class=\"hs-verdict\">\n");
        if let Some(failure) = &self.failure {
            html += &failure_html(failure);
        }
        html += &probes_html(self);
        html += "</div>";
        html
    }
}

fn probes_html(verdict: &Verdict) -> String {
    let passed = |probed: &&Probed| probed.state == ProbeState::Passed;
    let count = verdict.probes.iter().filter(passed).count();
    let mut html = format!(
        "<details class=\"hs-probes\">\
         <summary>{count} of {} probes passed</summary>\n<ul>\n",
        verdict.probes.len(),
    );
    for Probed { title, state, .. } in &verdict.probes {
        let (class, word) = match state {
            ProbeState::Passed => ("hs-passed", "passed"),
            ProbeState::Failed => ("hs-failed", "failed"),
            ProbeState::Skipped(_) => ("hs-skipped", "skipped"),
        };
        let why = match state {
            ProbeState::Skipped(why) => format!(": {}", escape(why)),
            _ => String::new(),
        };
        html += &format!(
            "<li class=\"{class}\">{} \
             <span class=\"hs-word\">{word}{why}</span></li>\n",
            prose(title)
        );
    }
    html + "</ul></details>\n"
}

/// What was seen, the story of it, and what it means, in that order.
fn failure_html(failure: &Failure) -> String {
    let mut html = format!(
        "<p class=\"hs-summary\"><strong>{}</strong> \
         <span>Probe: <em>{}</em></span></p>\n",
        prose(&capitalised(&failure.summary)),
        prose(&failure.title)
    );
    html += &facts(failure);
    if let Some(mistake) = &failure.mistake {
        // Writing into a String cannot fail.
        let _ = writeln!(
            html,
            "<div class=\"hs-mistake\"><p><a href=\"{}\">{}</a> <span>{}</span></p>\
             <p>{}</p></div>",
            escape(&mistake.page),
            prose(&mistake.name),
            escape(&mistake.id),
            prose(&mistake.why),
        );
    }
    if !failure.timeline.events.is_empty() {
        let title = format!("What happened: {}", failure.title);
        let svg = failure.timeline.to_svg(&title);
        html += &format!("<figure class=\"hs-figure\">\n{svg}</figure>\n");
    }
    if let Some(panic) = &failure.panic {
        html += &block("Your program panicked", panic, true);
    }
    if !failure.output.is_empty() {
        html += &block("What your program printed", &failure.output, false);
    }
    html
}

fn facts(failure: &Failure) -> String {
    let mut rows = String::new();
    for (name, text) in [("Expected", &failure.expected), ("Got", &failure.got)] {
        if !text.is_empty() {
            let class = name.to_lowercase();
            rows += &format!(
                "<div class=\"hs-{class}\"><dt>{name}</dt><dd>{}</dd></div>\n",
                escape(text)
            );
        }
    }
    if !failure.kernel.is_empty() {
        rows += "<div class=\"hs-kernel\"><dt>Meanwhile</dt><dd>";
        for sentence in &failure.kernel {
            rows += &format!("<p>{}</p>", prose(sentence));
        }
        rows += "</dd></div>\n";
    }
    match rows.is_empty() {
        true => rows,
        false => format!("<dl class=\"hs-facts\">\n{rows}</dl>\n"),
    }
}

fn block(title: &str, text: &str, open: bool) -> String {
    let open = if open { " open" } else { "" };
    format!(
        "<details class=\"hs-output\"{open}><summary>{title}</summary>\
         <pre tabindex=\"0\">{}</pre></details>\n",
        escape(text)
    )
}

/// Our own words: escaped, and what stands in backticks is code.
fn prose(text: &str) -> String {
    let parts: Vec<String> = escape(text).split('`').map(str::to_owned).collect();
    if parts.len().is_multiple_of(2) {
        return parts.join("`"); // one without a partner
    }
    let parts = parts.iter().enumerate().map(|(nr, part)| match nr % 2 {
        0 => part.clone(),
        _ => format!("<code>{part}</code>"),
    });
    parts.collect()
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// Text for HTML, between tags or within a quoted attribute.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            // No place in HTML, not even escaped.
            c if c.is_control() && c != '\n' && c != '\t' => safe.push('\u{FFFD}'),
            c => safe.push(c),
        }
    }
    safe
}
