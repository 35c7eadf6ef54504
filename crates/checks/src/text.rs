//! A verdict for a terminal.

use std::env;
use std::io::{self, IsTerminal};

use textwrap::Options;
use wire::Look;

use crate::verdict::{Failure, ProbeState, Probed, Verdict};

/// How to draw on standard output: as wide as the terminal, in colour unless
/// `NO_COLOR` is set (see no-color.org), in ASCII where the locale has no UTF-8, and
/// plain where there is no terminal.
pub fn look_of_stdout() -> Look {
    let terminal = io::stdout().is_terminal();
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let width = rustix::termios::tcgetwinsize(io::stdout())
        .map_or(0, |size| usize::from(size.ws_col));
    // An empty one counts as none: POSIX, "Internationalization Variables".
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .filter_map(env::var_os)
        .find(|name| !name.is_empty());
    let locale = locale.map(|name| name.to_string_lossy().to_uppercase());
    Look {
        width: if width == 0 { 80 } else { width },
        color: terminal && !set("NO_COLOR") && !dumb(),
        unicode: !terminal || locale.is_none_or(|name| name.contains("UTF")),
        ..Look::default()
    }
}

fn dumb() -> bool {
    env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// Draws in one look.
struct Page<'a> {
    look: &'a Look,
    width: usize,
    text: String,
}

#[derive(Clone, Copy)]
enum Ink {
    Bad,
    Good,
    Strong,
    Faint,
}

impl Page<'_> {
    fn inked(&self, ink: Ink, text: &str) -> String {
        let code = match ink {
            _ if !self.look.color => return text.to_string(),
            Ink::Bad => "1;31",
            Ink::Good => "1;32",
            Ink::Strong => "1",
            Ink::Faint => "2",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    fn mark(&self, state: &ProbeState) -> String {
        let (ink, unicode, ascii) = match state {
            ProbeState::Passed => (Ink::Good, "✓", "ok"),
            ProbeState::Failed => (Ink::Bad, "✗", "NO"),
            ProbeState::Skipped(_) => (Ink::Faint, "–", "--"),
        };
        self.inked(ink, if self.look.unicode { unicode } else { ascii })
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// A paragraph, its first line behind `first` and the others indented as far.
    fn paragraph(&mut self, first: &str, text: &str) {
        let room = self.width.saturating_sub(first.chars().count()).max(20);
        // A panic's message has lines of its own, and may hold whatever came.
        let text: Vec<String> = text.split('\n').map(printable).collect();
        let text = text.join("\n");
        let pieces = textwrap::wrap(&text, Options::new(room).break_words(true));
        let rest = " ".repeat(first.chars().count());
        for (n, piece) in pieces.iter().enumerate() {
            let lead = if n == 0 { first } else { &rest };
            self.line(format!("{lead}{piece}").trim_end());
        }
    }

    fn heading(&mut self, text: &str) {
        let heading = self.inked(Ink::Strong, text);
        self.line("");
        self.line(&heading);
    }
}

impl Verdict {
    /// The verdict for a terminal: what went wrong first, then why, then the whole
    /// conversation.
    pub fn to_text(&self, look: &Look) -> String {
        let width = look.width.clamp(40, 100);
        let mut page = Page {
            look,
            width,
            text: String::new(),
        };
        match &self.failure {
            None => self.tell_pass(&mut page),
            Some(failure) if failure.untouched => self.tell_task(&mut page, failure),
            Some(failure) => {
                self.tell_failure(&mut page, failure);
                self.tell_probes(&mut page);
            }
        }
        page.text
    }

    fn tell_pass(&self, page: &mut Page<'_>) {
        let head = format!("{} {}", page.mark(&ProbeState::Passed), self.exercise);
        page.line(&format!("{head} passes"));
        self.tell_probes(page);
    }

    fn tell_task(&self, page: &mut Page<'_>, failure: &Failure) {
        let head = page.inked(Ink::Strong, &self.exercise);
        page.line(&format!("{head} is waiting for you"));
        page.line("");
        let place = failure
            .panic
            .as_deref()
            .and_then(|panic| panic.split_once(": "));
        let place = place.map_or(String::new(), |(place, _)| format!(" ({place})"));
        page.paragraph(
            "",
            &format!(
                "Everything is installed and works: the check ran your code and reached \
                 a todo!(){place}. Writing what belongs there is the exercise. It tries:"
            ),
        );
        page.line("");
        let begun = |probe: &Probed| probe.state == ProbeState::Passed;
        if self.probes.iter().any(begun) {
            return self.list_probes(page);
        }
        for probe in &self.probes {
            page.paragraph("  - ", &probe.title);
        }
    }

    fn tell_failure(&self, page: &mut Page<'_>, failure: &Failure) {
        let mark = page.mark(&ProbeState::Failed);
        let id = page.inked(Ink::Strong, &self.exercise);
        page.line(&format!("{mark} {id}: {}", failure.title));
        page.line("");
        page.paragraph("  ", &sentence(&failure.summary));
        if !failure.expected.is_empty() {
            page.paragraph("  expected  ", &failure.expected);
        }
        if !failure.got.is_empty() {
            page.paragraph("  got       ", &failure.got);
        }
        if let Some(panic) = &failure.panic {
            page.paragraph("  panicked  ", panic);
        }
        if let Some(mistake) = &failure.mistake {
            page.heading(&mistake.name);
            page.paragraph("  ", &mistake.why);
            page.paragraph("  ", &format!("Read on: book, {}", mistake.page));
        }
        if !failure.kernel.is_empty() {
            page.heading("What your program was doing");
            for told in &failure.kernel {
                page.paragraph("  ", told);
            }
        }
        if !failure.timeline.events.is_empty() {
            page.heading("What happened");
            let drawn = failure.timeline.to_text(page.look);
            page.text.push_str(&drawn);
        }
        let output = failure.output.trim_end();
        if !output.is_empty() {
            page.heading("What your program printed");
            for line in output.lines() {
                page.line(&format!("  {}", printable(line)));
            }
        }
    }

    /// Every probe with its mark, and what the skipped ones lacked.
    fn tell_probes(&self, page: &mut Page<'_>) {
        page.line("");
        self.list_probes(page);
    }

    fn list_probes(&self, page: &mut Page<'_>) {
        for probe in &self.probes {
            let mark = page.mark(&probe.state);
            page.line(&format!("  {mark} {}", probe.title));
            if let ProbeState::Skipped(why) = &probe.state {
                page.paragraph("      skipped: ", why);
            }
        }
    }
}

/// With a capital in front and a full stop behind.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    let stop = if words.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{}{}{stop}", first.unwrap_or_default(), letters.as_str())
}

/// What a program printed, without what would move the cursor or change colours.
fn printable(line: &str) -> String {
    let keep = |c: char| {
        if c.is_control() && c != '\t' {
            '\u{FFFD}'
        } else {
            c
        }
    };
    line.chars().map(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_panics_with_cannot_disturb_the_terminal() {
        let failure = Failure {
            panic: Some("src/lib.rs:1:1: \x1b[2Jfirst\nsecond".into()),
            probe: "whole".into(),
            title: "a probe".into(),
            untouched: false,
            summary: "your program panicked".into(),
            expected: String::new(),
            got: String::new(),
            kernel: Vec::new(),
            mistake: None,
            output: String::new(),
            timeline: wire::Timeline::new("the peer", "your program"),
        };
        let verdict = Verdict {
            exercise: "tcp/greeting".into(),
            passed: false,
            probes: Vec::new(),
            failure: Some(failure),
            micros: 0,
            waited_micros: 0,
        };
        let text = verdict.to_text(&Look::default());
        let panicked =
            "  panicked  src/lib.rs:1:1: \u{fffd}[2Jfirst\n            second\n";
        assert!(text.contains(panicked), "{text}");
    }
}
