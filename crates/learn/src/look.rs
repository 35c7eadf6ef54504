//! What the terminal can show, and the signs and colours that suit it.

use console::Style;
pub use wire::Look;

/// The look of standard output, as verdicts have it; colours also obey `CLICOLOR` and
/// `CLICOLOR_FORCE` (see bixense.com/clicolors).
pub fn stdout() -> Look {
    Look {
        color: console::colors_enabled(),
        ..checks::look_of_stdout()
    }
}

/// The signs and colours that `learn` draws with.
#[derive(Clone, Copy, Debug)]
pub struct Pen {
    color: bool,
    /// In front of what passed.
    pub passed: &'static str,
    /// In front of what failed.
    pub failed: &'static str,
    /// In front of what was not tried.
    pub open: &'static str,
    /// In front of the chosen line of a list.
    pub chosen: &'static str,
    /// One column of a rule.
    pub rule: &'static str,
    /// A passed and an open exercise in a progress bar.
    pub bar: [&'static str; 2],
    /// At the end of what was cut.
    pub ellipsis: &'static str,
    /// Between two things on one line.
    pub dot: &'static str,
    /// Behind something that still goes on.
    pub going_on: &'static str,
}

impl Pen {
    /// The pen that suits `look`.
    pub fn new(look: &Look) -> Pen {
        let color = look.color;
        if !look.unicode {
            return Pen {
                color,
                passed: "ok",
                failed: "NO",
                open: "--",
                chosen: ">",
                rule: "-",
                bar: ["#", "."],
                ellipsis: "~",
                dot: "|",
                going_on: "...",
            };
        }
        Pen {
            color,
            passed: "✓",
            failed: "✗",
            open: "·",
            chosen: "›",
            rule: "─",
            bar: ["■", "□"],
            ellipsis: "…",
            dot: "·",
            going_on: "…",
        }
    }

    /// What matters most.
    pub fn strong(&self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    /// What may be overlooked.
    pub fn faint(&self, text: &str) -> String {
        self.paint(Style::new().dim(), text)
    }

    /// What went well.
    pub fn good(&self, text: &str) -> String {
        self.paint(Style::new().green(), text)
    }

    /// What went wrong.
    pub fn bad(&self, text: &str) -> String {
        self.paint(Style::new().red(), text)
    }

    /// A word to the learner, a question.
    pub fn note(&self, text: &str) -> String {
        self.paint(Style::new().yellow(), text)
    }

    /// A key, a path, an address: what can be typed or opened.
    pub fn active(&self, text: &str) -> String {
        self.paint(Style::new().cyan(), text)
    }

    fn paint(&self, style: Style, text: &str) -> String {
        style.force_styling(self.color).apply_to(text).to_string()
    }
}
