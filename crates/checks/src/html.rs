//! A verdict for a page: a fragment without script, whose classes the book styles.

use std::fmt::{self, Write};

use crate::verdict::{Failure, ProbeState, Verdict};

/// Text that is no markup.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                // Control characters have no place in HTML, not even escaped.
                c if c.is_control() && c != '\n' && c != '\t' => {
                    f.write_char('\u{FFFD}')?;
                }
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

impl Verdict {
    /// The verdict as an HTML fragment. All text in it is escaped.
    pub fn to_html(&self) -> String {
        let mut html = String::new();
        self.write_html(&mut html)
            .expect("writing to a string does not fail");
        html
    }

    fn write_html(&self, html: &mut String) -> fmt::Result {
        let class = match &self.failure {
            None => "hs-passed",
            Some(failure) if failure.untouched => "hs-untouched",
            Some(_) => "hs-failed",
        };
        writeln!(html, "<div class=\"hs-verdict {class}\">")?;
        match &self.failure {
            None => {
                writeln!(html, "<p class=\"hs-summary\">Every probe passes.</p>")?
            }
            Some(failure) if failure.untouched => writeln!(
                html,
                "<p class=\"hs-summary\">Waiting for you: the peer reached the \
                 <code>todo!()</code>.</p>"
            )?,
            Some(failure) => write_failure(html, failure)?,
        }
        writeln!(html, "<ul class=\"hs-probes\">")?;
        for probe in &self.probes {
            let (class, mark, word) = match &probe.state {
                ProbeState::Passed => ("hs-ok", "✓", "passes"),
                ProbeState::Failed => ("hs-no", "✗", "fails"),
                ProbeState::Skipped(_) => ("hs-skip", "–", "skipped"),
            };
            write!(
                html,
                "<li class=\"{class}\"><span role=\"img\" aria-label=\"{word}\">{mark}\
                 </span> {}",
                Text(&probe.title)
            )?;
            if let ProbeState::Skipped(why) = &probe.state {
                write!(html, " <small>({})</small>", Text(why))?;
            }
            writeln!(html, "</li>")?;
        }
        writeln!(html, "</ul>\n</div>")
    }
}

fn write_failure(html: &mut String, failure: &Failure) -> fmt::Result {
    writeln!(
        html,
        "<p class=\"hs-summary\"><strong>{}:</strong> {}.</p>",
        Text(&failure.title),
        Text(&failure.summary)
    )?;
    writeln!(html, "<dl class=\"hs-facts\">")?;
    let panic = failure.panic.as_deref().unwrap_or_default();
    for (name, value) in [
        ("expected", failure.expected.as_str()),
        ("got", &failure.got),
        ("panicked", panic),
    ] {
        if !value.is_empty() {
            writeln!(html, "<dt>{name}</dt><dd><code>{}</code></dd>", Text(value))?;
        }
    }
    writeln!(html, "</dl>")?;
    if let Some(mistake) = &failure.mistake {
        writeln!(
            html,
            "<p class=\"hs-mistake\"><strong>{}.</strong> {} \
             <a href=\"{}\">Read on</a></p>",
            Text(&mistake.name),
            Text(&mistake.why),
            Text(&mistake.page)
        )?;
    }
    if !failure.kernel.is_empty() {
        writeln!(
            html,
            "<div class=\"hs-kernel\"><p>What the kernel says:</p><ul>"
        )?;
        for told in &failure.kernel {
            writeln!(html, "<li>{}</li>", Text(told))?;
        }
        writeln!(html, "</ul></div>")?;
    }
    if !failure.timeline.events.is_empty() {
        writeln!(html, "<figure class=\"hs-timeline\">")?;
        html.push_str(&failure.timeline.to_svg(&failure.title));
        writeln!(html, "</figure>")?;
    }
    let output = failure.output.trim_end();
    if !output.is_empty() {
        writeln!(
            html,
            "<details class=\"hs-output\"><summary>What your program printed</summary>\
             <pre>{}</pre></details>",
            Text(output)
        )?;
    }
    Ok(())
}
